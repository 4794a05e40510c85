"""Answers from the rollups: what the records of any stretch of time add up to, without reading the records."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

import msgspec

from trayd.ledger.civil_time import ALL_TIME, BucketCache, bucketed, compact
from trayd.ledger.counting import counting, turns
from trayd.ledger.interval import Interval, instant
from trayd.ledger.months import Months
from trayd.ledger.rollup_files import MonthSums
from trayd.ledger.rollups import NONE, Amount, Line, Series
from trayd.ledger.state import State
from trayd.records import BucketSums, Counting, Filters, Heading, Kind, Sum, TimePart

_DAY = timedelta(days=1)

_TAGS = ("client", "project", "deliverable")


class _Called(NamedTuple):
    """What a line is called in a part of time: from the first instant to just before the last."""

    since: int | None
    until: int | None
    heading: Heading


class _Asked(NamedTuple):
    """What is asked of the months for an answer that is told apart by parts of civil time.

    Attributes:
        told: the dimensions that lines have to tell apart.
        filters: which records are meant, and ``admits`` which headings.
        other_than: a currency whose amounts are left out, with what has no amount; None leaves nothing out.
    """

    window: Interval
    told: frozenset[str]
    zone: tzinfo
    part: TimePart
    filters: Filters
    admits: Callable[[Heading], bool]
    other_than: str | None = None

    @property
    def dimension(self) -> str | None:
        return next(iter(self.told), None)

    def admits_amounts(self, line: Line) -> bool:
        return self.other_than is None or line.currency not in ("", self.other_than)


#: Months that were taken in whole, the zone, and what they come to together.
_Folded = tuple[tuple[tuple[MonthSums, ...], tzinfo], Mapping[Line, BucketSums]]

_FOLDED = frozenset({TimePart.WEEKDAY, TimePart.HOUR})


class _Adding:
    """Sums that are being added up, by their headings."""

    def __init__(self) -> None:
        self._sums: dict[Heading, tuple[int, int]] = {}

    def add(self, heading: Heading, amount: Amount) -> None:
        if amount.count or amount.nanos:
            known = self._sums.get(heading)
            self._sums[heading] = (
                (amount.count, amount.nanos) if known is None else (known[0] + amount.count, known[1] + amount.nanos)
            )

    def sums(self) -> tuple[Sum, ...]:
        return tuple(Sum(heading, count, nanos) for heading, (count, nanos) in self._sums.items())


class Sums:
    """The rollups of all months, read as records are: by account, by how they count.

    Args:
        state: tells the accounts, the models' operations and how far billing has been read.
    """

    def __init__(self, state: State, months: Months) -> None:
        self._state = state
        self._months = months
        self._called: dict[Line, tuple[_Called, ...]] = {}
        self._last_merged: dict[str | None, tuple[tuple[MonthSums, ...], Collection[tuple[Line, Amount]]]] = {}
        self._last_folded: dict[tuple[str | None, TimePart], deque[_Folded]] = {}
        self._bucket_cache = BucketCache()

    def forget(self) -> None:
        """What lines are called is worked out anew: the state has changed."""
        self._called.clear()

    def add_up(self, filters: Filters, zone: tzinfo, by: Collection[str]) -> tuple[Sum, ...]:
        """What the records that are meant add up to.

        Args:
            filters: which records.
            zone: the user's, in which civil dates begin.
            by: the fields of the heading that have to be told apart.
        """
        adding = _Adding()
        window = Interval.of(filters.since, filters.until, zone)
        admits = self._admitting(filters)
        told = _told_apart(filters, by)
        names = self._months.names()
        whole = tuple(known for name in names if (known := self._months.whole(name, window)) is not None)
        if len(told) > 1:
            whole = ()  # of whole months it is not kept
        dimension = next(iter(told), None)
        for line, amount in self._merged(whole, dimension):
            called = self._called_throughout(line, whole)
            if called is None:
                for known in whole:
                    series = self._table(known.month, told).get(line)
                    if series is not None:
                        self._add_series(adding, line, series, window, admits)
            elif admits(called.heading):
                adding.add(called.heading, amount)
        for name in set(names) - {known.month for known in whole}:
            for line, series in self._series(name, window, told):
                if filters.admits_tags(line):
                    self._add_series(adding, line, series, window, admits)
        return adding.sums()

    def over_time(self, filters: Filters, zone: tzinfo, part: TimePart) -> Iterator[tuple[Heading, BucketSums]]:
        """The same in buckets of civil time; what is of one heading can come in several pieces.

        Args:
            filters: which records.
            zone: the user's, in which civil time is told.
            part: the parts that are told apart.
        """
        asked = _Asked(
            Interval.of(filters.since, filters.until, zone),
            _told_apart(filters, ()),
            zone,
            part,
            filters,
            self._admitting(filters),
        )
        names = self._months.names()
        whole: tuple[MonthSums, ...] = ()
        if part in _FOLDED and len(asked.told) <= 1:
            whole = tuple(known for name in names if (known := self._months.whole(name, asked.window)) is not None)
            yield from self._folded(whole, asked)
        for name in sorted(set(names) - {known.month for known in whole}):
            yield from self._of_month(name, asked)

    def by_day(
        self, filters: Filters, zone: tzinfo, by: Collection[str], other_than: str
    ) -> Iterator[tuple[date, Sum]]:
        """What the records that are meant add up to on each civil day, of amounts in other currencies than this one.

        What is of one day and one heading can come in several.

        Args:
            filters: which records.
            zone: the user's, in which civil days begin.
            by: the fields of the heading that have to be told apart.
            other_than: the currency whose amounts are left out, as is what has no amount.
        """
        window, told = Interval.of(filters.since, filters.until, zone), _told_apart(filters, by)
        asked = _Asked(window, told, zone, TimePart.DAY, filters, self._admitting(filters), other_than)
        for name in self._months.names():
            if any(asked.admits_amounts(line) for line in self._months.known_lines(name)):
                for heading, buckets in self._of_month(name, asked):
                    for day, count, nanos in zip(*buckets, strict=True):
                        yield date.fromordinal(day), Sum(heading, count, nanos)

    def _of_month(
        self, name: str, asked: _Asked, only: Collection[Line] | None = None
    ) -> Iterator[tuple[Heading, BucketSums]]:
        """One month in time buckets, or some of its lines.

        A month that does not change is cut once, and remembered. It is not kept in memory for that.
        """
        if not self._months.touches(name, asked.window):
            return
        known = self._months.whole(name, ALL_TIME) if len(asked.told) <= 1 else None
        at_hand = self._months.derived(name) is not None
        if known is None:
            for line, series in self._table(name, asked.told).items():
                if asked.admits_amounts(line) and asked.filters.admits_tags(line):
                    yield from self._cut(line, series, asked)
            return
        for line, buckets in self._kept(known, asked).items():
            if only is None or line in only:
                called = self._called_throughout(line, (known,))
                if called is None:
                    yield from self._cut(line, self._table(name, asked.told)[line], asked)
                elif asked.admits(called.heading):
                    yield called.heading, buckets
        if not at_hand:
            self._months.let_go(name)

    def _kept(self, known: MonthSums, asked: _Asked) -> Mapping[Line, BucketSums]:
        def table() -> Mapping[Line, Series]:
            return self._table(known.month, asked.told)

        return self._bucket_cache.of_month(
            known,
            asked.dimension,
            asked.zone,
            asked.part,
            window=asked.window,
            other_than=asked.other_than,
            table=table,
        )

    def _folded(self, whole: tuple[MonthSums, ...], asked: _Asked) -> Iterator[tuple[Heading, BucketSums]]:
        """Whole months in buckets of which there are few, however many months there are."""
        key, state = (asked.dimension, asked.part), (whole, asked.zone)
        # A window and the part of it that is known are asked for in turn.
        kept = self._last_folded.setdefault(key, deque(maxlen=2))
        folded = next((each for known, each in kept if known == state), None)
        if folded is None:
            folded = self._fold(whole, asked)
            kept.append((state, folded))
        changing: set[Line] = set()
        for line, buckets in folded.items():
            called = self._called_throughout(line, whole)
            if called is None:
                changing.add(line)
            elif asked.admits(called.heading):
                yield called.heading, buckets
        if changing:
            for month in whole:
                yield from self._of_month(month.month, asked, changing)

    def _fold(self, whole: tuple[MonthSums, ...], asked: _Asked) -> Mapping[Line, BucketSums]:
        cells: dict[Line, dict[int, tuple[int, int]]] = {}
        for month in whole:
            at_hand = self._months.derived(month.month) is not None
            for line, buckets in self._kept(month, asked).items():
                of_line = cells.setdefault(line, {})
                for number, count, nanos in zip(*buckets, strict=True):
                    before = of_line.get(number, (0, 0))
                    of_line[number] = before[0] + count, before[1] + nanos
            if not at_hand:
                self._months.let_go(month.month)
        return {line: compact(of_line) for line, of_line in cells.items()}

    def _cut(self, line: Line, series: Series, asked: _Asked) -> Iterator[tuple[Heading, BucketSums]]:
        for called in self._calls(line):
            if asked.admits(called.heading):
                window = asked.window.during(called.since, called.until)
                yield called.heading, bucketed(line, series, window, asked.zone, asked.part)

    def _merged(self, whole: tuple[MonthSums, ...], dimension: str | None) -> Collection[tuple[Line, Amount]]:
        """What several months add up to; remembered until another question is asked, for it is often the same."""
        known = self._last_merged.get(dimension)
        if known is not None and known[0] == whole:
            return known[1]
        every = self._months.whole_by(dimension, whole) if dimension is not None else (one.totals for one in whole)
        merged: dict[Line, Amount] = {}
        for of_month in every:
            for line, amount in of_month:
                before = merged.get(line, NONE)
                merged[line] = Amount(before.count + amount.count, before.nanos + amount.nanos)
        self._last_merged[dimension] = whole, merged.items()
        return merged.items()

    def _called_throughout(self, line: Line, whole: tuple[MonthSums, ...]) -> _Called | None:
        """What the line is called in all of these months; None where that changes."""
        calls = self._calls(line)
        if len(calls) == 1:
            return calls[0]
        first, last = min(month.first for month in whole), max(month.last for month in whole)
        for called in calls:
            if (called.since is None or called.since <= first) and (called.until is None or last < called.until):
                return called
        return None

    def _add_series(
        self, adding: _Adding, line: Line, series: Series, window: Interval, admits: Callable[[Heading], bool]
    ) -> None:
        internal = line.kind is Kind.INTERNAL
        since, until = (window.since, window.until) if internal else (window.civil_since, window.civil_until)
        for called in self._calls(line):
            if admits(called.heading):
                adding.add(called.heading, _within(series, called, since, until))

    def _series(self, name: str, window: Interval, told: Collection[str]) -> Collection[tuple[Line, Series]]:
        if not self._months.touches(name, window):
            return ()
        return self._table(name, told).items()

    def _table(self, name: str, told: Collection[str]) -> Mapping[Line, Series]:
        """The smallest table of a month that tells all of these apart."""
        if not told:
            return self._months.totals(name)
        rollup = self._months.rollup(name)
        return rollup.lines if len(told) > 1 else rollup.by(*told)

    def _admitting(self, filters: Filters) -> Callable[[Heading], bool]:
        account = None if filters.account is None else self._state.canonical(filters.account)
        chosen = msgspec.structs.replace(filters, account=account)
        if chosen == Filters(since=filters.since, until=filters.until):
            return lambda _heading: True
        return chosen.admits_sum

    def _calls(self, line: Line) -> tuple[_Called, ...]:
        called = self._called.get(line)
        if called is None:
            called = self._called[line] = tuple(self._call(line))
        return called

    def _call(self, line: Line) -> Iterator[_Called]:
        if line.kind is not Kind.INTERNAL:
            heading = Heading(
                line.kind,
                Counting.ACTUAL,
                line.currency,
                client=line.client,
                project=line.project,
                deliverable=line.deliverable,
            )
            yield _Called(None, None, heading)
            return
        state = self._state
        account = state.account_of(line.account)
        coverage = state.coverage(account)
        others = state.other_bills(account) if line.loose else ()
        marks = sorted(
            turns(line.standing, loose=line.loose, coverage=coverage, others=others)
            | state.operation_changes(line.endpoint_id)
        )
        when = marks[0] - _DAY if marks else datetime.fromtimestamp(0, tz=UTC)
        for since, until in pairwise([None, *marks, None]):
            when = since or when
            naming = None if line.endpoint_id is None else state.naming(line.endpoint_id, when)
            heading = Heading(
                line.kind,
                counting(line.standing, when=when, loose=line.loose, coverage=coverage, others=others),
                line.currency,
                account,
                line.endpoint_id,
                None if naming is None else naming.operation,
                line.key,
                line.client,
                line.project,
                line.deliverable,
            )
            yield _Called(None if since is None else instant(since), None if until is None else instant(until), heading)


def _within(series: Series, called: _Called, since: int | None, until: int | None) -> Amount:
    """The sum in the part of the interval in which the line is called so."""
    if called.since is not None and (since is None or called.since > since):
        since = called.since
    if called.until is not None and (until is None or called.until < until):
        until = called.until
    if since is not None and until is not None and since >= until:
        return NONE
    return series.between(since, until)


#: The operation is the model's: what it is told apart by.
_TOLD_BY = {"operation": "endpoint_id", "model": "endpoint_id"}


#: Every total tells these apart.
_ALWAYS_TOLD = {"account", "kind"}


def _told_apart(filters: Filters, by: Collection[str]) -> frozenset[str]:
    """The dimensions that an answer needs, beside what every total tells apart."""
    asked = {*by, *(name for name in ("model", "key", *_TAGS) if getattr(filters, name) is not None)}
    return frozenset(_TOLD_BY.get(name, name) for name in asked - _ALWAYS_TOLD)
