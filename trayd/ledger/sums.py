"""Answers from the rollups: what the records of any stretch of time add up to, without reading the records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

import msgspec

from trayd.ledger.counting import counting, turns
from trayd.ledger.months import Months
from trayd.ledger.rollups import NONE, Amount, Line, Series, Stretch, first_date, instant
from trayd.ledger.state import State
from trayd.records import Counting, Filters, Heading, Kind, Sum

_DAY = timedelta(days=1)


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

    def forget(self) -> None:
        """What lines are called is worked out anew: the state has changed."""
        self._called.clear()

    def by_dimensions(self, filters: Filters, zone: tzinfo) -> tuple[Sum, ...]:
        """What the records that are meant add up to, by every dimension."""
        return self._add_up(filters, zone, detailed=True)

    def totals(self, filters: Filters, zone: tzinfo) -> tuple[Sum, ...]:
        """The same over all dimensions but kind, currency, account and how they count."""
        return self._add_up(filters, zone, detailed=_needs_lines(filters))

    def over_time(
        self, cuts: Sequence[datetime], labels: Sequence[str], filters: Filters, zone: tzinfo
    ) -> dict[str, tuple[Sum, ...]]:
        """The totals of the stretches between two cuts that follow each other.

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
        for name in self._months.names():
            for line, series in self._series(name, window, detailed=_needs_lines(filters)):
                if line.kind is Kind.INTERNAL:
                    edges = instants
                else:
                    edges = dates = dates or [first_date(cut, zone) for cut in cuts]
                for called in self._calls(line):
                    if admits(called.heading):
                        for label, (before, after) in zip(
                            labels, pairwise(series.running(_clipped(edges, called))), strict=True
                        ):
                            if before != after:
                                more = Amount(after.count - before.count, after.nanos - before.nanos)
                                adding[label].add(called.heading, more)
        return {label: added.sums() for label, added in adding.items()}

    def _add_up(self, filters: Filters, zone: tzinfo, *, detailed: bool) -> tuple[Sum, ...]:
        adding = _Adding()
        window = Stretch.of(filters.since, filters.until, zone)
        admits = self._admitting(filters)
        for name in self._months.names():
            whole = self._months.whole(name, window, detailed=detailed)
            calls = None if whole is None else [(self._calls(line), amount) for line, amount in whole]
            if calls is not None and all(len(called) == 1 for called, _ in calls):
                for (called,), amount in calls:
                    if admits(called.heading):
                        adding.add(called.heading, amount)
                continue
            for line, series in self._series(name, window, detailed=detailed):
                internal = line.kind is Kind.INTERNAL
                since, until = (window.since, window.until) if internal else (window.civil_since, window.civil_until)
                for each in self._calls(line):
                    if admits(each.heading):
                        adding.add(each.heading, _within(series, each, since, until))
        return adding.sums()

    def _series(self, name: str, window: Stretch, *, detailed: bool) -> Collection[tuple[Line, Series]]:
        if not self._months.touches(name, window):
            return ()
        rollup = self._months.rollup(name)
        return (rollup.lines if detailed else rollup.totals).items()

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


def _needs_lines(filters: Filters) -> bool:
    """Whether the totals cannot tell apart what is meant."""
    dimensions = (filters.client, filters.project, filters.deliverable, filters.model)
    return any(wanted is not None for wanted in dimensions)
