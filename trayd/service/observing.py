"""What the alerts' rules look at, gathered from the ledger at one moment.

It is asked for after each change of the ledger, so it costs little: sums come from rollups and are remembered by those
who make them, and no record is read beyond those of the last 24 hours, which the ledger keeps at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from trayd.alerts.rules import EXPENSIVE_WITHIN, Observed, Outage, account_of
from trayd.errors import LedgerDamagedError
from trayd.facts import AccountFact, Coverage, Difference
from trayd.operations.operations import Operations
from trayd.settings import Settings

#: Two tries that failed belong together when they are no further apart: polls come every few minutes, also after
#: failures. A computer that slept in between has not tried.
_TRIES_APART = timedelta(minutes=15)
_POLLS_APART = 3

_DAY = timedelta(days=1)


class _Answers(msgspec.Struct, frozen=True):
    """What was known of an account's answers at a look.

    Attributes:
        at: when fal told the balance last, by this computer's clock; None: it never did.
        fetched: when the newest fetch of its bills began, by fal's.
        wait: the account's figures were of days ago.
    """

    at: datetime | None
    fetched: datetime | None
    wait: bool


class Observing:
    """Looks at the ledger, on the thread that it belongs to; it remembers what no single look can tell."""

    def __init__(self) -> None:
        self._outages: dict[str, Outage] = {}
        self._answers: dict[str, _Answers] = {}
        self._differing: dict[str, datetime] = {}
        self._mended: dict[str, datetime] = {}
        self._unread = False

    def observe(self, operations: Operations, now: datetime) -> Observed:
        """What is known at that time (UTC). Of a ledger whose history cannot be read, all the rest, and why not."""
        standing = self._standing(operations, now)
        try:
            seen = _with_history(standing, operations)
        except LedgerDamagedError as error:
            self._unread = True
            found = dict.fromkeys([*(operations.damaged or ()), str(error)])
            return msgspec.structs.replace(standing, damaged=tuple(found))
        if self._unread and seen.damaged is None:
            # It can be read again, and no look through all files says otherwise.
            seen = msgspec.structs.replace(seen, damaged=())
        return seen

    def _standing(self, operations: Operations, now: datetime) -> Observed:
        """What is known without the history."""
        ledger, settings = operations.ledger, operations.settings
        known, names, zone = ledger.accounts(), settings.account_names(), settings.zone()
        accounts = tuple(known[name] for name in names if name in known)
        found = {account: ledger.coverage(account) for account in map(account_of, accounts)}
        coverage = {account: covered for account, covered in found.items() if covered is not None}
        differences = ledger.differences()
        apart = _longest_apart(settings)
        unanswered = self._unanswered_of(accounts, coverage, now, apart)
        overdue = any(fact.state == "ok" and account_of(fact) in unanswered for fact in accounts)
        return Observed(
            at=now,
            zone=zone,
            balances=ledger.latest_balances(),
            accounts=accounts,
            removed=tuple(fact for name, fact in known.items() if name not in names),
            coverage=coverage,
            starting=overdue or len(accounts) < len(names) or any(_is_first_poll(fact, coverage) for fact in accounts),
            unanswered=unanswered,
            generations=None,
            outages=self._outages_of(accounts, apart),
            writing=operations.ledger_trouble,
            reports=operations.report_troubles,
            mended=self._mended_lately(ledger.notices, now),
            damaged=operations.damaged,
            differences=differences,
            differing_since=self._since(differences, now),
            episodes=ledger.episodes(),
            paused_until=ledger.pause(),
        )

    def _unanswered_of(
        self, accounts: Iterable[AccountFact], coverage: Mapping[str, Coverage], now: datetime, apart: timedelta
    ) -> frozenset[str]:
        """The accounts whose balance is of long before, or whose bills have not been read since it no longer is.

        The balance comes first in a poll, and by this computer's clock; bills tell the time by fal's. After a sleep the
        balance can be there before anybody looks, so it counts as well how far it is from the one before.
        """
        before, self._answers = self._answers, {}
        for account in set(map(account_of, accounts)):
            last = before.get(account)
            told = [fact.as_of for fact in accounts if account_of(fact) == account and fact.as_of is not None]
            at = max(told, default=None)
            covered = coverage.get(account)
            fetched = covered.fetched_at if covered else None
            unread = last is not None and fetched is not None and fetched == last.fetched
            came_late = last is not None and last.at is not None and at is not None and at - last.at >= apart
            old = at is None or at <= now - apart
            wait = old or (unread and (came_late or (last is not None and last.wait)))
            self._answers[account] = _Answers(at, fetched, wait)
        return frozenset(account for account, answers in self._answers.items() if answers.wait)

    def _outages_of(self, accounts: Iterable[AccountFact], apart: timedelta) -> dict[str, Outage]:
        outages = {}
        for fact in accounts:
            if fact.state == "offline" and fact.tried_at is not None:
                before = self._outages.get(fact.name)
                goes_on = before is not None and before.tried <= fact.tried_at <= before.tried + apart
                since = before.since if before is not None and goes_on else fact.tried_at
                outages[fact.name] = Outage(since, fact.tried_at)
        self._outages = outages
        return outages

    def _mended_lately(self, notices: Iterable[str], now: datetime) -> tuple[str, ...]:
        """What was mended in the last day: the ledger names it while it is open, longer than alerts are at hand."""
        self._mended = {notice: min(self._mended.get(notice, now), now) for notice in notices}
        return tuple(notice for notice, at in self._mended.items() if now - at < _DAY)

    def _since(self, differences: Iterable[Difference], now: datetime) -> dict[str, datetime]:
        """Since when each account's totals have been seen to differ; a clock that was set back begins anew."""
        before = self._differing
        self._differing = {each.account: min(before.get(each.account, now), now) for each in differences}
        return self._differing


def _with_history(standing: Observed, operations: Operations) -> Observed:
    """With what the records tell.

    Raises:
        LedgerDamagedError: they cannot be read.
    """
    today, foreseen = standing.today, operations.forecasting
    forecast = foreseen.forecast()
    return msgspec.structs.replace(
        standing,
        generations=tuple(operations.ledger.latest(standing.at - EXPENSIVE_WITHIN)),
        budgets=(*foreseen.budgets(), *foreseen.budgets_ended()),
        unusual=foreseen.unusual([today, today - _DAY]),
        forecasts=forecast.accounts,
        expiring=operations.credit_history.expiring(
            today=today,
            zone=standing.zone,
            within=max(operations.settings.alerts.credits_expire_within_days, default=0),
            per_day=forecast.per_day,
        ),
    )


def _longest_apart(settings: Settings) -> timedelta:
    """How far two tries can be apart while the daemon runs and the computer is awake."""
    return max(_POLLS_APART * timedelta(seconds=settings.poll.interval_s), _TRIES_APART)


def _is_first_poll(fact: AccountFact, coverage: dict[str, Coverage]) -> bool:
    """Whether the account's first poll is under way, or was cut short: part of its history is there."""
    begun = fact.as_of is not None or fact.tried_at is None
    return account_of(fact) not in coverage and begun and fact.state in {"ok", "offline"}
