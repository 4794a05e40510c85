"""What can be asked of a ledger: merged records, and what they add up to."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from heapq import nlargest
from operator import itemgetter

import msgspec

from trayd.facts import AccountFact, EventFact, Tagging
from trayd.ledger.counting import LATE_BILLING, Standing, counting
from trayd.ledger.imported import Dated, ImportedCosts
from trayd.ledger.interval import Interval, moment
from trayd.ledger.known import Known
from trayd.ledger.months import Months
from trayd.ledger.rollup_files import Stamp
from trayd.ledger.sums import Sums
from trayd.ledger.tables import Row, facts_of
from trayd.ledger.tagged import EditFound, edits_at
from trayd.records import (
    BucketSums,
    ExternalCost,
    Filters,
    Generation,
    Heading,
    Kind,
    Record,
    Recorded,
    Sum,
    TimePart,
)

_ALL = Filters()

#: A cost counts from the start of its civil date, in some time zone: within this much of the start in UTC.
_MARGIN = timedelta(days=1)

_NO_TIME = timedelta()

_Placed = tuple[datetime, str, Row]


def _by_time(row: Row) -> tuple[datetime, str]:
    return row.view.timestamp, row.view.id


def _in_time(rows: Mapping[str, Row], filters: Filters, zone: tzinfo) -> Iterable[_Placed]:
    """The rows of the time that the filters say, each with its instant and its id."""
    placed = ((row.view.instant(zone), record_id, row) for record_id, row in rows.items())
    if (since := filters.since) is not None:
        placed = (each for each in placed if each[0] >= since)
    if (until := filters.until) is not None:
        placed = (each for each in placed if each[0] < until)
    return placed


class _Latest(msgspec.Struct, frozen=True):
    """The rows of the newest generations at a version of the records, and what was asked for."""

    version: int
    since: datetime
    at_least: int
    rows: list[Row]


class Reader(Known):
    """The asking half of a ledger, over its state and its months; :class:`trayd.ledger.store.Ledger` is the other.

    Attributes:
        version: counts up with every change that a reader can see, and ``records_version`` with every change of a
            record's own facts.
    """

    _months: Months
    _sums: Sums
    _costs: ImportedCosts

    def __init__(self) -> None:
        self._latest: _Latest | None = None
        self.version = 0
        self.records_version = 0

    def records(self, filters: Filters = _ALL, *, zone: tzinfo = UTC, newest_first: bool = True) -> Iterator[Record]:
        """The records that are meant, merged, in the order of their instants.

        Args:
            filters: which; ``account`` takes any name of an account.
            zone: the user's, in which civil dates begin.
            newest_first: the order.
        """
        return (row.view for row in self._rows(filters, zone, newest_first=newest_first))

    def recorded(self, filters: Filters = _ALL, *, zone: tzinfo = UTC, newest_first: bool = True) -> Iterator[Recorded]:
        """The same records as :meth:`records`, each with the facts that it was merged from."""
        return (Recorded(row.view, row.facts) for row in self._rows(filters, zone, newest_first=newest_first))

    def _rows(self, filters: Filters, zone: tzinfo, *, newest_first: bool) -> Iterator[Row]:
        """The rows of the records that are meant, as they are presented."""
        self._usable()
        if filters.account is not None:
            filters = msgspec.structs.replace(filters, account=self._state.canonical(filters.account))
        spans = sorted(self._spans(filters), key=itemgetter(1), reverse=True)
        if not newest_first:
            spans.sort(key=itemgetter(0))
        any_of_its_time = msgspec.structs.replace(filters, since=None, until=None) == _ALL
        waiting: list[_Placed] = []
        for number, (_, _, name) in enumerate(spans, start=1):
            known = self._months.derived(name)
            waiting += _in_time(self._months.open(name).rows, filters, zone)
            # No two have the same id, so rows are never compared. A key would be made for each: it takes twice as long.
            waiting.sort(reverse=newest_first)
            ready = len(waiting)
            if number < len(spans):
                # What a month still to come can hold an earlier (or later) one of has to wait for it.
                edge = spans[number][1] if newest_first else spans[number][0]
                ready = sum(1 for when, _, _ in waiting if (when >= edge if newest_first else when < edge))
            chosen, waiting = waiting[:ready], waiting[ready:]
            # Who asks for one page pays for the others' order alone.
            for _, _, row in chosen:
                record = self._present(row)
                if any_of_its_time or filters.admits(record, zone):
                    yield row
            del chosen  # before the next month comes
            self._months.looked_through(name, known)

    def latest(self, since: datetime, at_least: int = 0) -> list[Generation]:
        """The newest generations, newest first. They stay at hand: asking again and again keeps no month in memory.

        Args:
            since: all from this time on (UTC).
            at_least: so many in any case, as far as there are.
        """
        self._usable()
        known = self._latest
        if known is None or known.version != self.records_version or since < known.since or at_least > known.at_least:
            most = max(at_least, known.at_least if known else 0)
            known = self._latest = _Latest(self.records_version, since, most, self._newest(since, most))
        shown = [self._present(row) for row in known.rows]
        newest = [record for record in shown if isinstance(record, Generation)]
        return [record for place, record in enumerate(newest) if place < at_least or record.timestamp >= since]

    def _newest(self, since: datetime, at_least: int) -> list[Row]:
        spans = sorted(self._spans(_ALL), key=itemgetter(1), reverse=True)
        rows: list[Row] = []
        for _, end, name in spans:
            if len(rows) >= at_least and end < min([since, *(row.view.timestamp for row in rows)]):
                break
            rows += (row for row in self._months.open(name, _NO_TIME).rows.values() if isinstance(row.view, Generation))
            young = [row for row in rows if row.view.timestamp >= since]
            # All young ones are among the newest. A month is not put in order for the few that are asked for.
            rows = young if len(young) >= at_least else nlargest(at_least, rows, key=_by_time)
        # They outlast their month in memory; what they were merged from is looked for in the month.
        return [msgspec.structs.replace(row, facts=b"") for row in sorted(rows, key=_by_time, reverse=True)]

    def sums(self, filters: Filters = _ALL, *, zone: tzinfo = UTC, by: Collection[str] = ()) -> tuple[Sum, ...]:
        """What the records that are meant add up to; no record is read for it.

        Args:
            filters: which; ``account`` takes any name of an account.
            zone: the user's, in which civil dates begin.
            by: the fields of the heading that have to be told apart, beside kind, counting, currency and account.
        """
        self._usable()
        return self._sums.add_up(filters, zone, by)

    def sums_by_day(
        self, filters: Filters = _ALL, *, zone: tzinfo = UTC, other_than: str, by: Collection[str] = ()
    ) -> Iterator[tuple[date, Sum]]:
        """What those records add up to on each civil day whose amounts are in other currencies than this one.

        A generation is of the day that it was made on, in that zone; a cost of its date. What is of one day and one
        heading can come in several; over all days they are what :meth:`sums` says of those headings.

        Args:
            filters: which; ``account`` takes any name of an account.
            zone: the user's, in which civil days begin.
            other_than: the currency whose amounts are left out, as is what has no amount.
            by: the fields of the heading that have to be told apart, as for :meth:`sums`.
        """
        self._usable()
        return self._sums.by_day(filters, zone, by, other_than)

    def sums_over_time(
        self, filters: Filters = _ALL, part: TimePart = TimePart.DAY, *, zone: tzinfo = UTC
    ) -> Iterator[tuple[Heading, BucketSums]]:
        """What those records add up to in each part of civil time: on each day, weekday, or hour of the clock.

        A generation is of the day and hour that it was made at, in that zone; a cost of its date. What is of one
        heading can come in several pieces; together they are what :meth:`sums` says of those headings.

        Args:
            filters: which; ``account`` takes any name of an account.
            part: the parts that are told apart.
            zone: the user's, in which civil time is told.
        """
        self._usable()
        return self._sums.over_time(filters, zone, part)

    def imported_costs(self, kind: Kind, filters: Filters = _ALL, *, zone: tzinfo = UTC) -> Iterator[Dated]:
        """The amounts of the imported costs of a kind, by date and by all their tags; seldom a record is read for it.

        Args:
            kind: external or pool.
            filters: between which times; nothing else in them is looked at.
            zone: the user's, in which civil dates begin.
        """
        self._usable()
        return self._costs.of(kind, Interval.of(filters.since, filters.until, zone))

    def basis(self, since: datetime, until: datetime) -> Hashable | None:
        """What the sums of that time are made from: where it is the same again, so are they, whatever else has changed.

        Args:
            since: the first instant (with a zone).
            until: the first one after the last.

        Returns:
            Months at the state of their files, and of the accounts what decides how generations of that time count;
            None where a month has changed since its files were written.
        """
        self._usable()
        window = Interval.of(since, until, UTC)
        stamps: list[tuple[str, Stamp]] = []
        for name in self._months.names():
            if self._months.touches(name, window):
                whole = self._months.whole(name, Interval(None, None, None, None))
                if whole is None:
                    return None
                stamps.append((name, whole.stamp))
        facts: dict[str, AccountFact] = self._state.rows("accounts")
        accounts = [(name, fact.username, fact.state == "no_key") for name, fact in facts.items()]
        # What has been read of billing beyond what it can say of that time changes nothing.
        first, end = since - _MARGIN, until + LATE_BILLING + _MARGIN
        read = {bill.account: bill for name in self._state.rows("coverage") if (bill := self._state.coverage(name))}
        bills = [
            (name, max(bill.since, first), min(bill.until, end))
            for name, bill in read.items()
            if bill.since < end and first < bill.until
        ]
        return tuple(stamps), tuple(sorted(accounts, key=itemgetter(0))), tuple(sorted(bills))

    def span(self) -> tuple[datetime, datetime] | None:
        """All records lie between these two times, with some days to spare; None where there is no record."""
        self._usable()
        spans = list(self._spans(_ALL))
        return (min(first for first, _, _ in spans), max(end for _, end, _ in spans)) if spans else None

    def unpriced_events(self, endpoint_ids: Collection[str], since: datetime) -> tuple[EventFact, ...]:
        """The events that tell a quantity of those endpoints, where nothing tells a price.

        Taken in again with an estimate, each takes the place of itself.

        Args:
            endpoint_ids: of the models whose price has become known.
            since: months that end before it are left alone (UTC).
        """
        self._usable()
        found: list[EventFact] = []
        for _, _, name in list(self._spans(Filters(since=since))):
            for row in self._months.open(name).rows.values():
                view = row.view
                if (
                    isinstance(view, Generation)
                    and view.endpoint_id in endpoint_ids
                    and view.units is not None
                    and view.estimate is None
                    and view.actual is None
                ):
                    found += [event for event in facts_of(row).events if event.units is not None and not event.estimate]
            self._months.release()
        return tuple(found)

    def _spans(self, filters: Filters) -> Iterator[tuple[datetime, datetime, str]]:
        """The months that can hold what is meant: the first instant, the one after the last, the name."""
        window = Interval.of(filters.since, filters.until, UTC)
        for name in self._months.names():
            span = self._months.span(name)
            if span is not None and window.meets(*span) and self._has_kind(name, filters.kind):
                first, last = span
                yield moment(first) - _MARGIN, moment(last) + _MARGIN, name

    def _has_kind(self, name: str, kind: Kind | None) -> bool:
        """Whether a month may hold records of a kind; shared costs are few, and months without any stay closed."""
        return kind is None or any(line.kind is kind for line in self._months.known_lines(name))

    def _present(self, row: Row) -> Record:
        """The record with what other things tell of it: the account's username, the model's name, how it counts."""
        view = row.view
        if isinstance(view, ExternalCost):
            return view
        account = self._state.account_of(row.account)
        naming = self._state.naming(view.endpoint_id, view.timestamp)
        name, operation, unit = (naming.display_name, naming.operation, naming.unit) if naming else (None, None, None)
        unit = row.unit if row.unit is not None else unit
        loose = view.request_id is None
        counts = counting(
            Standing.of(view, billed=row.billed),
            when=view.timestamp,
            loose=loose,
            coverage=self._state.coverage(account),
            others=self._state.other_bills(account) if loose else (),
        )
        if (account, name, operation, unit, counts) != (
            view.account,
            view.display_name,
            view.operation,
            view.unit,
            view.counting,
        ):
            row.view = view = msgspec.structs.replace(
                view, account=account, display_name=name, operation=operation, unit=unit, counting=counts
            )
        return view

    def get(self, record_id: str) -> Record | None:
        """A record by its id, or by the id it had before it was linked to its request."""
        self._usable()
        record_id = self._state.resolve(record_id)
        month = self._months.find(record_id)
        return self._present(month.rows[record_id]) if month else None

    def has_event(self, record_id: str) -> bool:
        """Whether an event told of this record, by itself or by a link."""
        self._usable()
        record_id = self._state.resolve(record_id)
        month = self._months.find(record_id)
        return month is not None and bool(facts_of(month.rows[record_id]).events)

    def edits_of(self, tagging: Tagging) -> Iterator[EditFound]:
        """The edits that were made by a tagging and are not taken back."""
        self._usable()
        return edits_at(self._months, tagging.months, tagging.at)
