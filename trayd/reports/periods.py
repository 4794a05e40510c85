"""The period of a report or an export in civil days, as its title and its file's name tell it."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo

from trayd.insight.windows import day_start
from trayd.records import Filters

_LONGEST_MONTH = 31

#: The characters of ``+02:00``.
_OFFSET = 6


def civil_period(filters: Filters, zone: tzinfo, now: datetime) -> tuple[date | None, date]:
    """The first and the last civil day of what the filters take in; an open end is today, an open start None."""
    end = now if filters.until is None else filters.until - timedelta(microseconds=1)
    first = None if filters.since is None else filters.since.astimezone(zone).date()
    return first, end.astimezone(zone).date()


def civil_times(filters: Filters, zone: tzinfo) -> tuple[str, str]:
    """The times of day at which the period begins and ends, ``10:00``; empty where that is with a day.

    Of an hour that comes twice that day with its offset from UTC: ``02:30+01:00``.
    """
    return _civil_time(filters.since, zone), _civil_time(filters.until, zone)


def _civil_time(moment: datetime | None, zone: tzinfo) -> str:
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    # Where the clock jumps over midnight, a day begins at one.
    if moment == day_start(local.date(), zone):
        return ""
    time = f"{local:%H:%M:%S}".removesuffix(":00")
    # Where the clock is set back an hour comes twice, and only the offset tells which of the two it is.
    comes_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{time}{local.isoformat()[-_OFFSET:]}" if comes_twice else time


def is_month(first: date, last: date) -> bool:
    """Whether these days are one calendar month."""
    after = last + timedelta(days=1)
    return first.day == 1 and after.day == 1 and (last - first).days < _LONGEST_MONTH
