"""Rollups: what the records of a month add up to, by every dimension, kept up to date at each change.

A line is what a sum is of: one account's generations by one model, for one client, and so on. A line is a pure function
of a record's own facts; how it counts (is it free by now?) and what it is called (the account's username) is worked out
when it is read, so that a poll which only moves the watermark changes no rollup.

Sums are kept at the instants of their records, running, in whole nanos: any stretch of time is one difference, exact
at both edges, in the days of every time zone, and an estimate goes out exactly when the actual comes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import accumulate, pairwise

import msgspec

from trayd.ledger.counting import Standing
from trayd.ledger.interval import civil, instant
from trayd.ledger.tables import Row
from trayd.money import Money
from trayd.records import ExternalCost, Generation, Kind

#: What lines tell apart, beside how they count.
DIMENSIONS = ("endpoint_id", "key", "client", "project", "deliverable")


class Line(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a sum is of. What a total does not tell apart is None.

    Attributes:
        standing: how a generation counts by its own facts; always actual for costs from outside.
        currency: what the sum is in; empty where the records have no amount.
        account: as the facts name it.
        loose: generations without a request id.
    """

    kind: Kind
    standing: Standing
    currency: str = ""
    account: str = ""
    loose: bool = False
    endpoint_id: str | None = None
    key: str | None = None
    client: str | None = None
    project: str | None = None
    deliverable: str | None = None

    def only(self, dimension: str | None) -> Line:
        """The line of the sums that tell apart this one dimension, or none, and that this one is a part of."""
        total = Line(self.kind, self.standing, self.currency, self.account, self.loose)
        mark = None if dimension is None else getattr(self, dimension)
        return total if mark is None else msgspec.structs.replace(total, **{str(dimension): mark})


#: What was added at each instant, in order: time, count, nanos.
Cells = list[tuple[int, int, int]]


class Amount(msgspec.Struct, frozen=True, array_like=True):
    """How many records, and what they add up to in nanos."""

    count: int
    nanos: int


NONE = Amount(0, 0)


class Series:
    """The running sums of one line over time."""

    __slots__ = ("_counts", "_nanos", "_pending", "_times", "_wholes")

    def __init__(self) -> None:
        self._times: array[int] = array("q")
        # What all before the n-th time comes to, and after the last one.
        self._counts: array[int] = array("q", [0])
        # Running sums of some currencies do not fit 64 bits; then it is a list.
        self._nanos: array[int] | list[int] = array("q", [0])
        # There are thousands of these in memory, and few of them change: none of them has an empty dict or list.
        self._pending: dict[int, tuple[int, int]] | None = None
        self._wholes: tuple[Series, ...] = ()

    @classmethod
    def of(cls, times: list[int], counts: list[int], nanos: list[int]) -> Series:
        """The series of what was added at these times, which are in order."""
        series = cls()
        # Made of lists, arrays have no room to grow, which most of them never need.
        series._times = array("q", times)
        series._counts = array("q", [0, *accumulate(counts)])
        summed = [0, *accumulate(nanos)]
        try:
            series._nanos = array("q", summed)
        except OverflowError:
            series._nanos = summed
        return series

    @classmethod
    def over(cls, parts: Iterable[Series]) -> Series:
        """The series that sums these up, now and with every change."""
        whole, cells = cls(), dict[int, tuple[int, int]]()
        for part in parts:
            for at, count, nanos in part.cells():
                known = cells.get(at, (0, 0))
                cells[at] = known[0] + count, known[1] + nanos
            part.joins(whole)
        whole._extend((at, *cells[at]) for at in sorted(cells))
        return whole

    def joins(self, whole: Series) -> None:
        """Has another series follow its changes from now on."""
        self._wholes = (*self._wholes, whole)

    def leaves(self, wholes: Collection[Series]) -> None:
        """Has these no longer follow."""
        self._wholes = tuple(whole for whole in self._wholes if whole not in wholes)

    def change(self, at: int, count: int, nanos: int) -> None:
        """Adds to the sums at that instant; negative numbers take out."""
        if self._pending is None:
            self._pending = {}
        known = self._pending.get(at)
        self._pending[at] = (count, nanos) if known is None else (known[0] + count, known[1] + nanos)
        for whole in self._wholes:
            whole.change(at, count, nanos)

    def between(self, since: int | None, until: int | None) -> Amount:
        """The sum from ``since`` to just before ``until``; None is without an end."""
        self._settle()
        times = self._times
        last = len(times) if until is None else bisect_left(times, until)
        first = 0 if since is None else bisect_left(times, since, 0, last)
        if first == last:
            return NONE
        return Amount(self._counts[last] - self._counts[first], self._nanos[last] - self._nanos[first])

    def steps(self, since: int, until: int, unit: int, ahead: int) -> Iterator[tuple[int, int, int]]:
        """The sums of steps of one length, from ``since`` to just before ``until``.

        Args:
            since: the first instant.
            until: the first one after the last.
            unit: how long a step is; the n-th begins n times that after 1970.
            ahead: how much later it is for whoever counts the steps.

        Yields:
            The number of each step in which there is something, its count and its nanos.
        """
        self._settle()
        times, counts, nanos = self._times, self._counts, self._nanos
        last = bisect_left(times, until)
        place = bisect_left(times, since, 0, last)
        while place < last:
            number = (times[place] + ahead) // unit
            after = bisect_left(times, (number + 1) * unit - ahead, place + 1, last)
            yield number, counts[after] - counts[place], nanos[after] - nanos[place]
            place = after

    def edges(self) -> tuple[int, int] | None:
        """The first and the last instant; None where nothing is left."""
        self._settle()
        return (self._times[0], self._times[-1]) if self._times else None

    def cells(self, start: int = 0) -> Iterator[tuple[int, int, int]]:
        """The instants from the ``start``-th on, with what was added at each: time, count, nanos."""
        self._settle()
        for at, counts, nanos in zip(
            self._times[start:], pairwise(self._counts[start:]), pairwise(self._nanos[start:]), strict=True
        ):
            yield at, counts[1] - counts[0], nanos[1] - nanos[0]

    def _settle(self) -> None:
        pending, self._pending = self._pending, None
        if pending is None:
            return
        start = bisect_left(self._times, min(pending))
        cells = {at: (count, nanos) for at, count, nanos in self.cells(start)}
        for at, (count, nanos) in pending.items():
            known = cells.get(at, (0, 0))
            cells[at] = known[0] + count, known[1] + nanos
        del self._times[start:], self._counts[start + 1 :], self._nanos[start + 1 :]
        self._extend((at, *cells[at]) for at in sorted(cells))

    def _extend(self, cells: Iterable[tuple[int, int, int]]) -> None:
        counted, summed = self._counts[-1], self._nanos[-1]
        for at, count, nanos in cells:
            if count or nanos:
                counted, summed = counted + count, summed + nanos
                self._times.append(at)
                self._counts.append(counted)
                try:
                    self._nanos.append(summed)
                except OverflowError:
                    self._nanos = [*self._nanos, summed]


class Rollup:
    """The sums of the records that are stored in one month.

    Attributes:
        lines: by every dimension, and ``totals`` over all of them but how they count.
    """

    __slots__ = ("_by", "lines", "totals")

    def __init__(self, lines: dict[Line, Series] | None = None, totals: dict[Line, Series] | None = None) -> None:
        self.lines = {} if lines is None else lines
        self.totals = {} if totals is None else totals
        self._by: dict[str, dict[Line, Series]] = {}
        for line, series in self.lines.items():
            series.joins(self.totals[line.only(None)])

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Rollup:
        """Counted from the records themselves."""
        rollup = cls()
        for row in rows:
            rollup.change(None, row)
        return rollup

    def change(self, old: Row | None, new: Row | None) -> None:
        """Takes one version of a record out and another one in."""
        was = _entry(old) if old is not None else None
        now = _entry(new) if new is not None else None
        if was == now:
            return
        if was is not None:
            line, at, nanos = was
            self.add(line, at, -1, -nanos)
        if now is not None:
            line, at, nanos = now
            self.add(line, at, 1, nanos)

    def add(self, line: Line, at: int, count: int, nanos: int) -> None:
        """Adds to a line, and to the sums that it is a part of."""
        series = self.lines.get(line)
        if series is None:
            series = self.lines[line] = Series()
            series.joins(self.totals.setdefault(line.only(None), Series()))
            for dimension, table in self._by.items():
                series.joins(table.setdefault(line.only(dimension), Series()))
        series.change(at, count, nanos)

    def by(self, dimension: str) -> Mapping[Line, Series]:
        """The sums by one dimension alone: made when they are asked for, and then kept up to date."""
        table = self._by.get(dimension)
        if table is None:
            parts: dict[Line, list[Series]] = {}
            for line, series in self.lines.items():
                parts.setdefault(line.only(dimension), []).append(series)
            table = self._by[dimension] = {line: Series.over(of_line) for line, of_line in parts.items()}
        return table

    def forget(self) -> None:
        """Lets go of the sums by one dimension."""
        if self._by:
            wholes = frozenset(series for table in self._by.values() for series in table.values())
            for series in self.lines.values():
                series.leaves(wholes)
            self._by.clear()

    def cells(self) -> Iterator[tuple[Line, Cells]]:
        """Each line that is not empty, with its sums by instant."""
        return cells_of(self.lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rollup) and dict(self.cells()) == dict(other.cells())

    __hash__ = None  # type: ignore[assignment]  # it changes


def cells_of(table: Mapping[Line, Series]) -> Iterator[tuple[Line, Cells]]:
    """Each line of a table that is not empty, with what was added at each instant: time, count, nanos."""
    for line, series in table.items():
        cells = list(series.cells())
        if cells:
            yield line, cells


def of_all_time(table: Mapping[Line, Series]) -> tuple[tuple[Line, Amount], ...]:
    """What each line of a table that is not empty adds up to."""
    found = ((line, series.between(None, None)) for line, series in table.items())
    return tuple((line, amount) for line, amount in found if amount.count)


def span_of(totals: Mapping[Line, Series]) -> tuple[int, int] | None:
    """The first and the last instant of what the totals are of; None where that is nothing."""
    edges = [found for series in totals.values() if (found := series.edges()) is not None]
    return (min(first for first, _ in edges), max(last for _, last in edges)) if edges else None


def _entry(row: Row) -> tuple[Line, int, int]:
    """The line of a record, its time, and its amount in nanos."""
    view = row.view
    if isinstance(view, ExternalCost):
        line = Line(
            view.kind,
            Standing.ACTUAL,
            view.amount.currency,
            client=view.client,
            project=view.project,
            deliverable=view.deliverable,
        )
        return line, civil(view.date), view.amount.nanos
    standing = Standing.of(view, billed=row.billed)
    amount = _amount(view, standing)
    line = Line(
        Kind.INTERNAL,
        standing,
        amount.currency if amount else "",
        row.account,
        view.request_id is None,
        view.endpoint_id,
        view.key,
        view.client,
        view.project,
        view.deliverable,
    )
    return line, instant(view.timestamp), amount.nanos if amount else 0


_BY_ESTIMATE = frozenset({Standing.ESTIMATE, Standing.PENDING})


def _amount(view: Generation, standing: Standing) -> Money | None:
    """What is summed on its line: for what is pending, the estimate that is shown beside the totals."""
    if standing is Standing.ACTUAL:
        return view.actual
    if standing in _BY_ESTIMATE and view.estimate is not None:
        return view.estimate.amount
    return None
