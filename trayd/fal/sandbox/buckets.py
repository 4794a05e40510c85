"""The stretches of time into which usage and analytics are divided."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

from trayd.fal.sandbox.query import DAY, Query, invalid

TIMEFRAMES = ("minute", "hour", "day", "week", "month")

# Up to, but not including, how long a window a timeframe is chosen by itself.
_CHOSEN_BELOW = ((timedelta(hours=2), "minute"), (2 * DAY, "hour"), (64 * DAY, "day"), (183 * DAY, "week"))
_MOST_BUCKETS = 200_000


class Buckets(msgspec.Struct, frozen=True):
    """A window in time, divided.

    Attributes:
        start: where the window begins, UTC.
        end: where it ends, exclusive, UTC.
        begins: where each bucket begins, UTC; the first may lie before ``start``.
        zone: the time zone by which days, weeks and months are divided.
    """

    start: datetime
    end: datetime
    begins: Sequence[datetime]
    zone: tzinfo

    def index(self, moment: datetime) -> int:
        """The bucket that holds a moment of the window."""
        return bisect_right(self.begins, moment) - 1

    def label(self, index: int) -> str:
        """A bucket's beginning in the time zone, with its offset."""
        return self.begins[index].astimezone(self.zone).isoformat()


def buckets(query: Query, now: datetime) -> Buckets:
    """The buckets that ``start``, ``end``, ``timezone``, ``timeframe`` and ``bound_to_timeframe`` ask for.

    Raises:
        ApiError: one of them makes no sense.
    """
    zone = query.zone()
    start, end = query.window(now, zone)
    frame = query.choice("timeframe", TIMEFRAMES) or _chosen(end - start)
    bound = query.choice("bound_to_timeframe", ("true", "false")) != "false"
    begins: list[datetime] = []
    try:
        begin = _floor(start, frame, zone)
        while begin < end and len(begins) <= _MOST_BUCKETS:
            begins.append(begin)
            begin = _next(begin, frame, zone)
    except OverflowError:
        raise invalid("the window reaches beyond the calendar") from None
    if len(begins) > _MOST_BUCKETS:
        raise invalid(f"the window is too long for the timeframe {frame!r}")
    return Buckets(begins[0], begin, begins, zone) if bound else Buckets(start, end, begins, zone)


def _chosen(length: timedelta) -> str:
    for limit, frame in _CHOSEN_BELOW:
        if length < limit:
            return frame
    return "month"


def _floor(moment: datetime, frame: str, zone: tzinfo) -> datetime:
    local = moment.astimezone(zone).replace(second=0, microsecond=0)
    if frame != "minute":
        local = local.replace(minute=0)
    if frame in ("day", "week", "month"):
        local = local.replace(hour=0, fold=0)
    if frame == "week":
        local -= local.weekday() * DAY
    if frame == "month":
        local = local.replace(day=1)
    return local.astimezone(UTC)


def _next(begin: datetime, frame: str, zone: tzinfo) -> datetime:
    if frame == "minute":
        return begin + timedelta(minutes=1)
    if frame == "hour":
        return begin + timedelta(hours=1)
    local = begin.astimezone(zone)
    if frame == "month":
        local = (local.replace(day=1) + 32 * DAY).replace(day=1)
    else:
        local += DAY if frame == "day" else 7 * DAY
    # Midnight by the wall clock: a day of 23 or 25 hours is one bucket all the same.
    return local.replace(hour=0, fold=0).astimezone(UTC)
