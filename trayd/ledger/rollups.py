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
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

import msgspec

from trayd.ledger.counting import Standing
from trayd.ledger.tables import Row
from trayd.money import Money
from trayd.records import ExternalCost, Generation, Kind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_MICROSECOND = timedelta(microseconds=1)

#: A civil day, in the microseconds that instants are counted in.
DAY = 86_400_000_000


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
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

    @property
    def total(self) -> Line:
        """The line of the totals that this one is a part of."""
        return Line(self.kind, self.standing, self.currency, self.account, self.loose)


class Amount(msgspec.Struct, frozen=True, array_like=True):
    """How many records, and what they add up to in nanos."""

    count: int
    nanos: int


NONE = Amount(0, 0)


def instant(when: datetime) -> int:
    """A time as rollups count it: microseconds since 1970 (UTC)."""
    return (when - _EPOCH) // _MICROSECOND


def civil(day: date) -> int:
    """A civil date as rollups count it: the start of that day in UTC, whatever the zone."""
    return (day.toordinal() - _EPOCH_DAY) * DAY


def moment(at: int) -> datetime:
    """The time that :func:`instant` made a number of."""
    return _EPOCH + at * _MICROSECOND


class Stretch(NamedTuple):
    """From the first to just before the last, for generations in instants and for costs in civil dates."""

    since: int | None
    until: int | None
    civil_since: int | None
    civil_until: int | None

    @classmethod
    def of(cls, since: datetime | None, until: datetime | None, zone: tzinfo) -> Stretch:
        """The stretch between two times; civil dates begin in that zone."""
        return cls(
            None if since is None else instant(since),
            None if until is None else instant(until),
            None if since is None else first_date(since, zone),
            None if until is None else first_date(until, zone),
        )

    def meets(self, first: int, last: int) -> bool:
        """False where nothing between those two, dates included, lies in it."""
        return (self.since is None or self.since <= last + DAY) and (self.until is None or first - DAY < self.until)

    def holds(self, first: int, last: int) -> bool:
        """True where all between those two, dates included, lies in it."""
        return (self.since is None or self.since <= first - DAY) and (self.until is None or last + DAY < self.until)


def first_date(when: datetime, zone: tzinfo) -> int:
    """The first civil date that begins at that time or after it."""
    local = when.astimezone(zone)
    start = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    date = civil(local.date())
    return date if start.astimezone(UTC) >= when else date + DAY


class Series:
    """The running sums of one line over time.

    Args:
        total: those of the total that the line is a part of, which change with them; None for a total.
    """

    __slots__ = ("_counts", "_nanos", "_pending", "_times", "_total")

    def __init__(self, total: Series | None = None) -> None:
        self._total = total
        self._times: array[int] = array("q")
        # What all before the n-th time comes to, and after the last one.
        self._counts: array[int] = array("q", [0])
        # Running sums of some currencies do not fit 64 bits; then it is a list.
        self._nanos: array[int] | list[int] = array("q", [0])
        self._pending: dict[int, tuple[int, int]] = {}

    def change(self, at: int, count: int, nanos: int) -> None:
        """Adds to the sums at that instant; negative numbers take out."""
        known = self._pending.get(at)
        self._pending[at] = (count, nanos) if known is None else (known[0] + count, known[1] + nanos)
        if self._total is not None:
            self._total.change(at, count, nanos)

    def between(self, since: int | None, until: int | None) -> Amount:
        """The sum from ``since`` to just before ``until``; None is without an end."""
        if self._pending:
            self._settle()
        times = self._times
        last = len(times) if until is None else bisect_left(times, until)
        first = 0 if since is None else bisect_left(times, since, 0, last)
        return NONE if first == last else self._from(first, last)

    def parts(self, edges: Sequence[int]) -> Iterator[tuple[int, Amount]]:
        """The sums of the stretches between edges that follow each other: the number of each, where it has any."""
        if self._pending:
            self._settle()
        places = [bisect_left(self._times, edge) for edge in edges]
        return ((number, self._from(a, b)) for number, (a, b) in enumerate(pairwise(places)) if a != b)

    def _from(self, first: int, last: int) -> Amount:
        return Amount(self._counts[last] - self._counts[first], self._nanos[last] - self._nanos[first])

    def edges(self) -> tuple[int, int] | None:
        """The first and the last instant; None where nothing is left."""
        if self._pending:
            self._settle()
        return (self._times[0], self._times[-1]) if self._times else None

    def cells(self, start: int = 0) -> Iterator[tuple[int, int, int]]:
        """The instants from the ``start``-th on, with what was added at each: time, count, nanos."""
        if self._pending:
            self._settle()
        for at, counts, nanos in zip(
            self._times[start:], pairwise(self._counts[start:]), pairwise(self._nanos[start:]), strict=True
        ):
            yield at, counts[1] - counts[0], nanos[1] - nanos[0]

    def _settle(self) -> None:
        pending, self._pending = self._pending, {}
        start = bisect_left(self._times, min(pending))
        cells = {at: (count, nanos) for at, count, nanos in self.cells(start)}
        for at, (count, nanos) in pending.items():
            known = cells.get(at, (0, 0))
            cells[at] = known[0] + count, known[1] + nanos
        del self._times[start:], self._counts[start + 1 :], self._nanos[start + 1 :]
        counted, summed = self._counts[-1], self._nanos[-1]
        for at in sorted(cells):
            count, nanos = cells[at]
            if count or nanos:
                counted, summed = counted + count, summed + nanos
                self._times.append(at)
                self._counts.append(counted)
                self._append(summed)

    def _append(self, nanos: int) -> None:
        try:
            self._nanos.append(nanos)
        except OverflowError:
            self._nanos = [*self._nanos, nanos]


class Rollup:
    """The sums of the records that are stored in one month.

    Attributes:
        lines: by every dimension, and ``totals`` over all of them but how they count.
    """

    __slots__ = ("lines", "totals")

    def __init__(self) -> None:
        self.lines: dict[Line, Series] = {}
        self.totals: dict[Line, Series] = {}

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
        """Adds to a line and to the total that it is a part of."""
        series = self.lines.get(line)
        if series is None:
            series = self.lines[line] = Series(self.totals.setdefault(line.total, Series()))
        series.change(at, count, nanos)

    def cells(self) -> Iterator[tuple[Line, list[tuple[int, int, int]]]]:
        """Each line that is not empty, with its sums by instant."""
        for line, series in self.lines.items():
            cells = list(series.cells())
            if cells:
                yield line, cells

    def sums(self) -> tuple[tuple[Line, Amount], ...]:
        """What each line that is not empty adds up to."""
        return _of_all_time(self.lines)

    def sums_of_totals(self) -> tuple[tuple[Line, Amount], ...]:
        """What each total that is not empty adds up to."""
        return _of_all_time(self.totals)

    def span(self) -> tuple[int, int] | None:
        """The first and the last instant; None where there are no records."""
        edges = [found for series in self.totals.values() if (found := series.edges()) is not None]
        return (min(first for first, _ in edges), max(last for _, last in edges)) if edges else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rollup) and dict(self.cells()) == dict(other.cells())

    __hash__ = None  # type: ignore[assignment]  # it changes


def _of_all_time(table: dict[Line, Series]) -> tuple[tuple[Line, Amount], ...]:
    found = ((line, series.between(None, None)) for line, series in table.items())
    return tuple((line, amount) for line, amount in found if amount.count)


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
