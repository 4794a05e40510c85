"""Sums cut into parts of civil time: days, days of the week, hours of the clock, in any zone and across its changes.

Between two changes of a zone's clock, civil time is UTC and a fixed number of microseconds, so that the part which an
instant is in is one division. Months that do not change are cut once, and remembered within bounds.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta, tzinfo
from functools import lru_cache

import msgspec

from trayd.ledger.interval import DAY, EPOCH_DAY, Interval, moment
from trayd.ledger.rollup_files import MonthSums, Stamp
from trayd.ledger.rollups import Line, Series
from trayd.records import NO_HOUR, BucketSums, Kind, TimePart

HOUR = DAY // 24

#: A window without ends.
ALL_TIME = Interval(None, None, None, None)

#: Where the offsets of a zone are looked up: so often that none has changed its clock twice in between.
_LOOK = 3 * HOUR
_SECOND = 1_000_000
_MICROSECOND = timedelta(microseconds=1)

#: Offsets are cached for intervals of this length.
_BLOCK = 32 * DAY

#: 1 January 1970 was a Thursday.
_THURSDAY = 3

#: The cache holds so many rows in all, of 24 bytes each; each line takes besides what a few rows take.
_MOST_ROWS = 120_000
_ROWS_OF_OVERHEAD = 16

#: From when to when in instants, and how far civil time is ahead of UTC there, in microseconds.
_Steady = tuple[int, int, int]


def bucketed(line: Line, series: Series, window: Interval, zone: tzinfo, part: TimePart) -> BucketSums:
    """What a series adds up to in each bucket of civil time.

    Args:
        line: of the series.
        series: the sums.
        window: what of it is taken in.
        zone: in which civil time is told; costs from outside have their dates in every zone.
        part: what is told apart.
    """
    cells: dict[int, tuple[int, int]] = {}
    for number, count, nanos in _cells(line, series, window, zone, part):
        known = cells.get(number)
        cells[number] = (count, nanos) if known is None else (known[0] + count, known[1] + nanos)
    return compact(cells)


def compact(cells: Mapping[int, tuple[int, int]]) -> BucketSums:
    """Numbers of buckets with what is in them, in few bytes."""
    kept = [(number, count, nanos) for number, (count, nanos) in cells.items() if count or nanos]
    return BucketSums(
        array("q", [number for number, _, _ in kept]),
        array("q", [count for _, count, _ in kept]),
        _integers([nanos for _, _, nanos in kept]),
    )


def _integers(numbers: list[int]) -> Sequence[int]:
    try:
        return array("q", numbers)
    except OverflowError:  # amounts of some currencies do not fit 64 bits
        return numbers


def _cells(
    line: Line, series: Series, window: Interval, zone: tzinfo, part: TimePart
) -> Iterator[tuple[int, int, int]]:
    edges, internal = series.edges(), line.kind is Kind.INTERNAL
    if edges is None or (part is TimePart.DAY_AND_HOUR and not internal):
        return
    unit = HOUR if internal and part in {TimePart.HOUR, TimePart.DAY_AND_HOUR} else DAY
    number_of = _NUMBERS[part, unit]
    since, until = (window.since, window.until) if internal else (window.civil_since, window.civil_until)
    first = edges[0] if since is None else max(edges[0], since)
    end = edges[1] + 1 if until is None else min(edges[1] + 1, until)
    for start, stop, ahead in _steady(first, end, zone) if internal else ((first, end, 0),):
        for number, count, nanos in series.steps(start, stop, unit, ahead):
            yield number_of(number), count, nanos


_NUMBERS: dict[tuple[TimePart, int], Callable[[int], int]] = {
    (TimePart.DAY, DAY): lambda day: day + EPOCH_DAY,
    (TimePart.WEEKDAY, DAY): lambda day: (day + _THURSDAY) % 7,
    (TimePart.HOUR, DAY): lambda _day: NO_HOUR,
    (TimePart.HOUR, HOUR): lambda hour: hour % 24,
    (TimePart.DAY_AND_HOUR, HOUR): lambda hour: hour + EPOCH_DAY * 24,
}


def _steady(first: int, end: int, zone: tzinfo) -> Iterator[_Steady]:
    """The intervals between two instants in which the zone's clock is not changed."""
    for block in range(first // _BLOCK, (end - 1) // _BLOCK + 1):
        for start, stop, ahead in _offsets(zone, block):
            since, until = max(start, first), min(stop, end)
            if since < until:
                yield since, until, ahead


@lru_cache(maxsize=512)
def _offsets(zone: tzinfo, block: int) -> tuple[_Steady, ...]:
    """The steady stretches of the block of that number since 1970."""
    found: list[_Steady] = []
    start, end = block * _BLOCK, (block + 1) * _BLOCK
    ahead = _ahead(zone, start)
    for before in range(start, end, _LOOK):
        later = _ahead(zone, before + _LOOK)
        if later != ahead:
            change = _change(zone, before, before + _LOOK)
            found.append((start, change, ahead))
            start, ahead = change, later
    if start < end:
        found.append((start, end, ahead))
    return tuple(found)


def _change(zone: tzinfo, before: int, after: int) -> int:
    """The instant at which the clock is changed; zones do that at whole seconds."""
    ahead = _ahead(zone, before)
    while after - before > _SECOND:
        middle = (before + after) // 2 // _SECOND * _SECOND
        before, after = (middle, after) if _ahead(zone, middle) == ahead else (before, middle)
    return after


def _ahead(zone: tzinfo, at: int) -> int:
    offset = moment(at).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // _MICROSECOND


class _Month(msgspec.Struct, frozen=True):
    """A month in time buckets, at one state of its files."""

    stamp: Stamp
    zone: tzinfo
    clip: Interval
    by_line: Mapping[Line, BucketSums]

    @property
    def rows(self) -> int:
        return sum(len(each.parts) + _ROWS_OF_OVERHEAD for each in self.by_line.values())


class BucketCache:
    """A cache of months in time buckets, as long as they do not change; the least recently used go first."""

    def __init__(self) -> None:
        self._months: OrderedDict[tuple[str, str | None, TimePart, str | None, bool], _Month] = OrderedDict()
        self._rows = 0

    def of_month(
        self,
        month: MonthSums,
        dimension: str | None,
        zone: tzinfo,
        part: TimePart,
        *,
        window: Interval,
        other_than: str | None,
        table: Callable[[], Mapping[Line, Series]],
    ) -> Mapping[Line, BucketSums]:
        """A month's lines in time buckets, within a window.

        Args:
            month: a month that has not changed since its sums were kept.
            dimension: what its lines tell apart, or None.
            zone: in which civil time is told.
            part: the parts that are told apart.
            window: what of it is meant; of each month one that is taken in whole is remembered, and one that is cut.
            other_than: a currency whose amounts are left out, with what has no amount; None leaves nothing out.
            table: tells its lines by instant; asked where they are not cached.
        """
        clip = window.near(month.first, month.last)
        key = month.month, dimension, part, other_than, clip == ALL_TIME
        known = self._months.get(key)
        if known is None or (known.stamp, known.zone, known.clip) != (month.stamp, zone, clip):
            self._drop(key)
            passed_over = () if other_than is None else ("", other_than)
            by_line = {
                line: bucketed(line, series, clip, zone, part)
                for line, series in table().items()
                if line.currency not in passed_over
            }
            known = self._months[key] = _Month(month.stamp, zone, clip, by_line)
            self._rows += known.rows
            while self._rows > _MOST_ROWS and len(self._months) > 1:
                self._drop(next(iter(self._months)))
        self._months.move_to_end(key)
        return known.by_line

    def _drop(self, key: tuple[str, str | None, TimePart, str | None, bool]) -> None:
        known = self._months.pop(key, None)
        if known is not None:
            self._rows -= known.rows
