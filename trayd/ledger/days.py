"""Sums cut into civil days, for amounts that are converted: each day has its own rate.

Months that do not change are cut once for a time zone, and remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, tzinfo
from functools import lru_cache

import msgspec

from trayd.ledger.rollup_files import MonthSums, Stamp
from trayd.ledger.rollups import DAY, Line, Series, Stretch, civil, day_of, instant, moment
from trayd.records import Kind

_ALL_TIME = Stretch(None, None, None, None)


def cut(line: Line, series: Series, window: Stretch, zone: tzinfo) -> tuple[int, list[int]] | None:
    """Where the part of a series that lies in the window is to be cut into civil days.

    Returns:
        The first day, as :func:`civil` counts it, and the edges of it and those that follow, none outside the window;
        None where the series has nothing in the window.
    """
    span = series.edges()
    if span is None:
        return None
    internal = line.kind is Kind.INTERNAL
    since, until = (window.since, window.until) if internal else (window.civil_since, window.civil_until)
    first = span[0] if since is None else max(span[0], since)
    end = span[1] + 1 if until is None else min(span[1] + 1, until)
    if first >= end:
        return None
    if not internal:
        return first, [*range(first, end, DAY), end]
    start, last = (civil(moment(at).astimezone(zone).date()) for at in (first, end - 1))
    inner = (_day_start(day, zone) for day in range(start + DAY, last + DAY, DAY))
    return start, [first, *inner, end]


@lru_cache(maxsize=1024)
def _day_start(day: int, zone: tzinfo) -> int:
    """The first instant of a civil day; where the clock jumps over midnight, that of the jump."""
    return instant(datetime.combine(day_of(day), time(), zone).astimezone(UTC))


class _Month(msgspec.Struct, frozen=True):
    """The days of a month at one state of its files, of all amounts but those in one currency."""

    stamp: Stamp
    zone: tzinfo
    other_than: str
    days: Mapping[Line, Series]


class KeptDays:
    """The days of whole months, by dimension: a series has one cell a day, at the start of that day."""

    def __init__(self) -> None:
        self._months: dict[tuple[str, str | None], _Month] = {}

    def of_month(
        self,
        month: MonthSums,
        dimension: str | None,
        zone: tzinfo,
        other_than: str,
        table: Callable[[], Mapping[Line, Series]],
    ) -> Mapping[Line, Series]:
        """The days of the lines that are in other currencies than this one.

        Args:
            month: a month that has not changed since its sums were kept.
            dimension: what its lines tell apart, or None.
            zone: in which days begin.
            other_than: the currency whose amounts are left out, as is what has no amount.
            table: tells its lines by instant; asked where the days are not known.
        """
        known = self._months.get((month.month, dimension))
        if known is None or (known.stamp, known.zone, known.other_than) != (month.stamp, zone, other_than):
            lines = table().items()
            days = {line: _daily(line, series, zone) for line, series in lines if line.currency not in ("", other_than)}
            known = self._months[month.month, dimension] = _Month(month.stamp, zone, other_than, days)
        return known.days


def _daily(line: Line, series: Series, zone: tzinfo) -> Series:
    found = cut(line, series, _ALL_TIME, zone)
    if found is None:
        return Series()
    first, edges = found
    return Series.of((first + n * DAY, amount.count, amount.nanos) for n, amount in series.parts(edges))
