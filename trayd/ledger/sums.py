"""Answers from the rollups: what the records of any stretch of time add up to, without reading the records."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

import msgspec

from trayd.ledger.counting import counting, turns
from trayd.ledger.days import KeptDays, cut
from trayd.ledger.months import Months
from trayd.ledger.rollup_files import MonthSums
from trayd.ledger.rollups import NONE, Amount, Line, Series, Stretch, day_of, first_date, instant
from trayd.ledger.state import State
from trayd.records import Counting, Filters, Heading, Kind, Sum

_DAY = timedelta(days=1)

_TAGS = ("client", "project", "deliverable")


class _Called(NamedTuple):
    """What a line is called in a part of time: from the first instant to just before the last."""

    since: int | None
    until: int | None
    heading: Heading


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
        self._kept_days = KeptDays()

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
        window = Stretch.of(filters.since, filters.until, zone)
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
                self._add_series(adding, line, series, window, admits)
        return adding.sums()

    def over_time(
        self, cuts: Sequence[datetime], labels: Sequence[str], filters: Filters, zone: tzinfo
    ) -> dict[str, tuple[Sum, ...]]:
        """The same for the stretches between two cuts that follow each other.

        Args:
            cuts: in order.
            labels: of the stretches, one fewer; those of one label are added up.
            filters: which records; its two ends are not looked at.
            zone: the user's, in which civil dates begin.
        """
        adding = {label: _Adding() for label in labels}
        window = Stretch.of(cuts[0], cuts[-1], zone)
        instants = [instant(cut) for cut in cuts]
        dates: list[int] = []
        admits = self._admitting(filters)
        told = _told_apart(filters, ())
        for name in self._months.names():
            for line, series in self._series(name, window, told):
                span = series.edges()
                if span is None:
                    continue
                if line.kind is Kind.INTERNAL:
                    edges = instants
                else:
                    edges = dates = dates or [first_date(cut, zone) for cut in cuts]
                # Of years of cuts, those that matter to this month.
                start = max(bisect_right(edges, span[0]) - 1, 0)
                near = edges[start : bisect_right(edges, span[1]) + 1]
                for called in self._calls(line):
                    if admits(called.heading):
                        for number, amount in series.parts(_clipped(near, called)):
                            adding[labels[start + number]].add(called.heading, amount)
        return {label: added.sums() for label, added in adding.items()}

    def by_day(
        self, filters: Filters, zone: tzinfo, by: Collection[str], other_than: str
    ) -> Iterator[tuple[date, Sum]]:
        """What the records that are meant add up to on each civil day, of amounts in other currencies than this one.

        What is of one day and one heading can come in several. Whole months are cut into days once, and remembered.

        Args:
            filters: which records.
            zone: the user's, in which civil days begin.
            by: the fields of the heading that have to be told apart.
            other_than: the currency whose amounts are left out, as is what has no amount.
        """
        window = Stretch.of(filters.since, filters.until, zone)
        admits = self._admitting(filters)
        told = _told_apart(filters, by)
        passed_over = ("", other_than)
        for name in self._months.names():
            if not self._has_amounts(name, window, passed_over):
                continue
            known = self._months.whole(name, window) if len(told) <= 1 else None
            changing: dict[Line, Series] = {}
            if known is not None:
                for line, days in self._days(known, told, zone, other_than).items():
                    called = self._called_throughout(line, (known,))
                    if called is None:
                        changing[line] = self._table(name, told)[line]
                    elif admits(called.heading):
                        for at, count, nanos in days.cells():
                            yield day_of(at), Sum(called.heading, count, nanos)
            for line, series in changing.items() if known is not None else self._series(name, window, told):
                if line.currency not in passed_over:
                    yield from self._cut(line, series, window, zone, admits)

    def _has_amounts(self, name: str, window: Stretch, passed_over: Collection[str]) -> bool:
        """Whether a month may hold amounts in the window in other currencies; seldom looks into its rollup."""
        if not self._months.touches(name, window):
            return False
        return any(line.currency not in passed_over for line in self._months.known_lines(name))

    def _days(self, known: MonthSums, told: Collection[str], zone: tzinfo, other_than: str) -> Mapping[Line, Series]:
        def table() -> Mapping[Line, Series]:
            return self._table(known.month, told)

        return self._kept_days.of_month(known, next(iter(told), None), zone, other_than, table)

    def _cut(
        self, line: Line, series: Series, window: Stretch, zone: tzinfo, admits: Callable[[Heading], bool]
    ) -> Iterator[tuple[date, Sum]]:
        found = cut(line, series, window, zone)
        if found is None:
            return
        first, edges = found
        for called in self._calls(line):
            if admits(called.heading):
                for number, amount in series.parts(_clipped(edges, called)):
                    yield day_of(first, number), Sum(called.heading, amount.count, amount.nanos)

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
        self, adding: _Adding, line: Line, series: Series, window: Stretch, admits: Callable[[Heading], bool]
    ) -> None:
        internal = line.kind is Kind.INTERNAL
        since, until = (window.since, window.until) if internal else (window.civil_since, window.civil_until)
        for called in self._calls(line):
            if admits(called.heading):
                adding.add(called.heading, _within(series, called, since, until))

    def _series(self, name: str, window: Stretch, told: Collection[str]) -> Collection[tuple[Line, Series]]:
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
    """The sum in the part of the stretch in which the line is called so."""
    if called.since is not None and (since is None or called.since > since):
        since = called.since
    if called.until is not None and (until is None or called.until < until):
        until = called.until
    if since is not None and until is not None and since >= until:
        return NONE
    return series.between(since, until)


def _clipped(edges: list[int], called: _Called) -> list[int]:
    """The same edges, none of them outside the part of time in which the line is called so."""
    if called.since is not None:
        edges = [max(edge, called.since) for edge in edges]
    if called.until is not None:
        edges = [min(edge, called.until) for edge in edges]
    return edges


#: The operation is the model's: what it is told apart by.
_TOLD_BY = {"operation": "endpoint_id", "model": "endpoint_id"}


def _told_apart(filters: Filters, by: Collection[str]) -> frozenset[str]:
    """The dimensions that an answer needs, beside what every total tells apart."""
    asked = {*by, *(name for name in ("model", *_TAGS) if getattr(filters, name) is not None)}
    return frozenset(_TOLD_BY.get(name, name) for name in asked - {"account"})
