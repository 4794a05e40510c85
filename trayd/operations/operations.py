"""What a person can ask of trayd, on an open ledger: the one implementation behind the command line and the HTTP API.

Everything here runs on the thread that owns the ledger and answers in structs, long work in steps;
:func:`trayd.shapes.plain` gives them their outward shape. :mod:`trayd.operations.table` lists it all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from trayd.alerts.delivery import DesktopState
from trayd.alerts.trial import ListedHook
from trayd.books import Books
from trayd.episodes import Episode
from trayd.exchange_rates.store import open_rates, store_of
from trayd.facts import AccountFact, called_names
from trayd.forecasting.forecasts import Forecasting
from trayd.insight.forecast import Forecast
from trayd.insight.overview import Overview, build_status
from trayd.insight.status import DaemonStatus, Status
from trayd.insight.usage import Usage
from trayd.insight.windows import day_start
from trayd.intake.drop import count_files
from trayd.ledger.store import Ledger
from trayd.operations import alerts, keeping
from trayd.operations.alerts import AlertsQuery, ListedAlert, ListedAlerts, Paused, PauseQuery, SnoozeQuery
from trayd.operations.budgets import ListedBudget, listed_budgets
from trayd.operations.credit_history import CreditHistory
from trayd.operations.credits import ListedCredits, listed_credits
from trayd.operations.documents import Document
from trayd.operations.exporting import ExportQuery, ReportQuery, built_report, exported
from trayd.operations.filters import WorkQuery
from trayd.operations.importing import Imported, ImportQuery, import_data
from trayd.operations.keeping import (
    BackupDone,
    BackupQuery,
    RebuildDone,
    RebuildQuery,
    ResetDone,
    ResetQuery,
    RestoreDone,
    RestoreQuery,
    Verified,
)
from trayd.operations.known_names import unknown_names
from trayd.operations.linking import Candidate, EventQuery, Linked, LinkQuery, likely, link, unlink
from trayd.operations.pools import ListedPool, PoolsQuery, listed_pools
from trayd.operations.rates import ListedRates, RatesQuery, listed_rates
from trayd.operations.reconciling import ReconcileQuery, Reconciliation, reconciled
from trayd.operations.records import HistoryQuery, UsageQuery, listed_history, listed_usage
from trayd.operations.tagging import Tagged, TaggingItem, TagQuery, Untagged, UntagQuery, ids_in, tag, taggings, untag
from trayd.operations.tips import FoundTips, TipsQuery, find_tips
from trayd.operations.unusual import AnomaliesQuery, ListedDays, listed_days
from trayd.rates import Converter, Rates
from trayd.records import Filters, Generation
from trayd.reports.shape import HistoryItem
from trayd.settings import Paths, Settings, fal_url, rates_url
from trayd.steps import Steps

MENU_GENERATIONS = 4


class NoQuery(msgspec.Struct, frozen=True):
    """Nothing to say."""


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


class Operations:
    """The questions and orders of a person, answered from one ledger.

    Attributes:
        ledger: open, and owned by the calling thread.
        settings: as they are now; the daemon replaces them when the file changes.
        daemon: what the running daemon says of itself in the status.
        troubles: by account, what was wrong at its last poll; the ledger may not have been able to keep it.
        hook_troubles: by hook, what was wrong when the running daemon tried it last.
        present_alerts: by id, those that last, as the running daemon would word them now.
        desktop: how it stands with notifications on the desktop, as the running daemon knows; None: none runs.
        ledger_trouble: why the daemon could not write the ledger the last time; empty: it could.
        report_troubles: by schedule, why its reports could not be made the last time, empty where they could; None
            before the daemon has looked.
        damaged: what the last look through all files of the ledger found; None before there was one.
        credit_history: what is left of purchased credits, and what of them expires.
        forecasting: what is foreseen, how budgets stand, which days are unusual.
    """

    def __init__(
        self, ledger: Ledger, settings: Settings, paths: Paths, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.ledger = ledger
        self.settings = settings
        self.paths = paths
        self.daemon = DaemonStatus()
        self.troubles: dict[str, str] = {}
        self.hook_troubles: Mapping[str, str] = {}
        self.present_alerts: Mapping[str, Episode] = {}
        self.desktop: Callable[[], DesktopState | None] = lambda: None
        self.ledger_trouble = ""
        self.report_troubles: Mapping[str, str] | None = None
        self.damaged: tuple[str, ...] | None = None
        self.credit_history = CreditHistory(ledger)
        self.forecasting = Forecasting(self)
        self._clock = clock
        self._rates = open_rates(paths, settings, rates_url(fal_url()), clock)
        self._books: tuple[object, Books] | None = None

    @property
    def now(self) -> datetime:
        """The time (UTC)."""
        return self._clock()

    @property
    def names(self) -> tuple[str, ...]:
        """The accounts that are set up, in the user's order."""
        return self.settings.account_names()

    @property
    def called(self) -> dict[str, str]:
        """What these are called wherever a person reads, by the settings' names and by the ledger's."""
        known = self.ledger.accounts()
        return called_names(known[name] for name in self.names if name in known)

    @property
    def rates(self) -> Rates:
        """The exchange rates that are known, with those of the settings."""
        self._rates.fixed = self.settings.rates.fixed
        return self._rates

    @property
    def converter(self) -> Converter:
        """The rates into the home currency, as they are known now."""
        return self.rates.converter(self.settings.home_currency)

    @property
    def books(self) -> Books:
        """The ledger as people see it, with the pools of the settings in, as all of these are now."""
        zone, converter = self.settings.zone(), self.converter
        today = self._clock().astimezone(zone).date()
        state = self.settings.pool, converter, zone, today
        if self._books is None or self._books[0] != state:
            books = Books(self.ledger, pools=self.settings.pool, converter=converter, zone=zone, today=today)
            self._books = state, books
        return self._books[1]

    def status(self, _query: NoQuery | None = None) -> Status:
        """Balance, totals and alerts."""
        zone = self.settings.zone()
        now = self._clock()
        known = Overview(
            names=self.names,
            accounts=self._accounts(),
            balances=self.ledger.latest_balances(),
            episodes=tuple(alerts.as_they_stand(self.ledger.episodes().values(), self.present_alerts)),
            differences=self.ledger.differences(),
            poll_interval=timedelta(seconds=self.settings.poll.interval_s),
            billed=any(self.ledger.coverage(fact.username or name) for name, fact in self.ledger.accounts().items()),
            converter=self.converter,
            zone=zone,
            forecast=self.forecasting.forecast(),
        )
        status = build_status(self.books, known, now)
        daemon = self.daemon
        if daemon.running:  # the settings can name another folder by now, which counts from its next start
            daemon = msgspec.structs.replace(daemon, backup=str(self.paths.backup))
        return msgspec.structs.replace(
            status,
            drop=count_files(self.paths.drop),
            daemon=daemon,
            paused_until=alerts.paused_until(self.ledger, now),
        )

    def _accounts(self) -> dict[str, AccountFact]:
        accounts = self.ledger.accounts()
        for name, trouble in dict(self.troubles).items():
            known = accounts.get(name, AccountFact(name=name, state="offline"))
            accounts[name] = msgspec.structs.replace(known, problem=trouble)
        return accounts

    def usage(self, query: UsageQuery) -> Usage:
        """Totals of a window and their breakdown, with the trend against the window before.

        Raises:
            UsageError: the window, the dimension or a filter cannot be read.
        """
        return listed_usage(
            self.books,
            self.ledger,
            query,
            names=self.called,
            now=self._clock(),
            zone=self.settings.zone(),
            converter=self.converter,
        )

    def history(self, query: HistoryQuery) -> list[HistoryItem]:
        """The log, newest first.

        Raises:
            UsageError: a filter cannot be read.
        """
        return listed_history(self.books, query, zone=self.settings.zone())

    def latest_generations(self) -> tuple[Generation, ...]:
        """The newest few, for the menu."""
        newest = self.ledger.latest(self._clock() - timedelta(days=1), MENU_GENERATIONS)
        return tuple(newest[:MENU_GENERATIONS])

    def recent_clients(self) -> tuple[str, ...]:
        """Whom there is work for in this month or the one before, for the menu; the most of it first."""
        zone = self.settings.zone()
        this_month = self._clock().astimezone(zone).date().replace(day=1)
        since = day_start((this_month - timedelta(days=1)).replace(day=1), zone)
        records: Counter[str] = Counter()
        for each in self.books.sums(Filters(since=since), zone=zone, by=("client",)):
            if each.heading.client:
                records[each.heading.client] += each.records
        return tuple(sorted(records, key=lambda client: (-records[client], client)))

    def unknown_names(self, query: WorkQuery) -> list[str]:
        """The names in filters that nothing recorded has, in words, with what may have been meant."""
        return unknown_names(self, query)

    def import_data(self, query: ImportQuery, data: bytes) -> Steps[Imported]:
        """Takes a file's content in, in steps; see :func:`trayd.operations.importing.import_data`."""
        return import_data(
            self.ledger, query, data, settings=self.settings, now=self._clock(), converter=self.rates.converter
        )

    def export(self, query: ExportQuery) -> Document:
        """The history in that format, oldest first.

        Raises:
            UsageError: there is no such format or currency, or a filter cannot be read.
        """
        return exported(self, query, self._clock())

    def report(self, query: ReportQuery) -> Document:
        """The HTML report.

        Raises:
            UsageError: there is no such currency, or a filter cannot be read.
        """
        return built_report(self, query, self._clock())

    def reconcile(self, query: ReconcileQuery) -> Steps[Reconciliation]:
        """The ledger against fal's totals, estimates against bills, and what is not billed yet; in steps.

        Raises:
            UsageError: the window, the breakdown or a filter cannot be read.
        """
        zone = self.settings.zone()
        return reconciled(self.ledger, query, names=self.called, now=self._clock(), zone=zone, converter=self.converter)

    def list_rates(self, query: RatesQuery) -> ListedRates:
        """The exchange rates of a day.

        Raises:
            UsageError: the date or a currency cannot be read.
        """
        today = self._clock().astimezone(self.settings.zone()).date()
        url = rates_url(fal_url())
        folder = str(store_of(self.paths, url).folder)
        return listed_rates(self.ledger, self.settings, self.rates, query, today=today, url=url, folder=folder)

    def list_pools(self, query: PoolsQuery) -> list[ListedPool]:
        """The costs that projects share, and who bears what of them.

        Raises:
            UsageError: a filter cannot be read.
        """
        zone = self.settings.zone()
        return listed_pools(self.books, query, zone=zone, today=self._clock().astimezone(zone).date())

    def alerts(self, query: AlertsQuery) -> ListedAlerts:
        """The alerts, open and over; see :mod:`trayd.operations.alerts` for errors."""
        return alerts.listed_alerts(
            self.ledger, self.settings, query, self._clock(), self.present_alerts, self.desktop()
        )

    def hooks(self, _query: NoQuery | None = None) -> list[ListedHook]:
        """Where warnings go beside the desktop, and what was wrong there at the last try."""
        from trayd.alerts.hooks import told_of

        troubles = dict(self.hook_troubles)
        return [
            ListedHook(name=hook.name, target=told_of(hook), trouble=troubles.get(hook.name, ""))
            for hook in self.settings.hook
        ]

    def snooze(self, query: SnoozeQuery) -> ListedAlert:
        """Has an alert told again later."""
        return alerts.snooze(self.ledger, self.settings, query, self._clock(), self.present_alerts)

    def pause(self, query: PauseQuery) -> Paused:
        """Keeps everything from the desktop for some time."""
        return alerts.pause(self.ledger, self.settings, query, self._clock())

    def resume(self, _query: NoQuery | None = None) -> Paused:
        """Ends a pause."""
        return alerts.resume(self.ledger, self.settings, self._clock())

    def list_credits(self, _query: NoQuery | None = None) -> list[ListedCredits]:
        """What was bought when, what is left of it, and what will expire unused, of each account."""
        zone = self.settings.zone()
        today = self._clock().astimezone(zone).date()
        per_day = self.forecasting.forecast().per_day
        accounts = self.ledger.accounts()
        names = {accounts[name].username or name: name for name in self.names if name in accounts}
        return listed_credits(self.credit_history.credits(zone), names=names, today=today, per_day=per_day)

    def find_tips(self, query: TipsQuery) -> Steps[FoundTips]:
        """Where the same work may have cost less, by the last 30 days; in steps."""
        return find_tips(self.ledger, query, settings=self.settings, converter=self.converter, now=self._clock())

    def forecast(self, _query: NoQuery | None = None) -> Forecast:
        """How long balances last, and what the month comes to."""
        return self.forecasting.forecast()

    def budgets(self, _query: NoQuery | None = None) -> list[ListedBudget]:
        """How the budgets of the settings stand."""
        return listed_budgets(self, self.forecasting.budgets())

    def anomalies(self, query: AnomaliesQuery) -> ListedDays:
        """The unusual days of a window.

        Raises:
            UsageError: there is no such window.
        """
        limits = self.settings.alerts.anomaly
        return listed_days(self.forecasting, query, limits, now=self._clock(), zone=self.settings.zone())

    def tag(self, query: TagQuery, body: bytes = b"") -> Tagged:
        """Sets fields of one or many records; ``body`` names them, as a JSON list of ids, or the filters do.

        Raises:
            UsageError: nothing to set, or not clear of which records.
            LedgerError: an id is of no record, or of a share of one; nothing was changed.
        """
        ids, zone = ids_in(body), self.settings.zone()
        self.books.check_taggable(ids)
        return tag(
            self.ledger,
            query,
            ids,
            lambda where: self.books.tagged_by(where.filters(zone), zone=zone),
            self._clock(),
        )

    def untag(self, query: UntagQuery) -> Untagged:
        """Takes a tagging back.

        Raises:
            LedgerError: there is none to take back.
        """
        return untag(self.ledger, query, self._clock())

    def taggings(self, _query: NoQuery | None = None) -> list[TaggingItem]:
        """The taggings that are kept, the newest first."""
        return taggings(self.ledger)

    def link(self, query: LinkQuery) -> Linked:
        """Settles an unmatched event: it belongs to that request.

        Raises:
            LedgerError: these two do not go together; nothing was changed.
        """
        return link(self.ledger, query, self._clock())

    def unlink(self, query: EventQuery) -> Linked:
        """Makes a linked event a record of its own again.

        Raises:
            LedgerError: it is not linked.
        """
        return unlink(self.ledger, query, self._clock())

    def likely(self, query: EventQuery) -> list[Candidate]:
        """The requests that an unmatched event may belong to, the likeliest first.

        Raises:
            LedgerError: it is no event without a request id.
        """
        return likely(self.ledger, query)

    def verify(self, _query: NoQuery | None = None) -> Steps[Verified]:
        """What is not sound in the ledger, and what was mended when it was opened; in steps."""
        found = yield from keeping.verified(self.ledger)
        self.damaged = tuple(map(str, found.problems))
        return found

    def rebuild(self, query: RebuildQuery) -> list[RebuildDone]:
        """Writes both files of pairs of the ledger anew; see :mod:`trayd.operations.keeping` for errors."""
        return keeping.write_anew(self.ledger, query)

    def backup(self, query: BackupQuery) -> BackupDone:
        """Copies the whole ledger into one file."""
        return keeping.backup(self.ledger, query, self._clock())

    def restore(self, query: RestoreQuery) -> RestoreDone:
        """Archives what the ledger holds and puts a copy in its place."""
        return keeping.put_back(self.ledger, query, self._clock())

    def reset(self, query: ResetQuery) -> ResetDone:
        """Archives the whole history and starts an empty one."""
        return keeping.reset(self.ledger, query, self._clock())
