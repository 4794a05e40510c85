"""The days on which the European Central Bank publishes exchange rates, and when a day's rates are out.

It does so on the days on which the euro payment system TARGET is open, around 16:00 in Frankfurt. TARGET is closed on
Saturdays, Sundays, New Year's Day, Good Friday, Easter Monday, 1 May, 25 and 26 December (decision of the ECB's
Governing Council of 14 December 2000). The rates since 2002 bear it out, day by day.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

FRANKFURT = ZoneInfo("Europe/Berlin")

#: When the rates of a day come out, as a rule.
PUBLISHED_AT = time(16, 0)

_ONE = timedelta(days=1)
_WORKING_DAYS = 5
_CLOSED = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})


def is_target_day(day: date) -> bool:
    """Whether rates are published for that day."""
    if day.weekday() >= _WORKING_DAYS or (day.month, day.day) in _CLOSED:
        return False
    return day not in _easter_holidays(day.year)


def target_day_at(day: date) -> date:
    """That day, or the last one before it, for which rates are published."""
    while not is_target_day(day):
        day -= _ONE
    return day


def target_day_after(day: date) -> date:
    """The next day after that one for which rates are published."""
    day += _ONE
    while not is_target_day(day):
        day += _ONE
    return day


def newest_due(now: datetime, late: timedelta = timedelta()) -> date:
    """The newest day whose rates are out at an instant, if they come out no later than ``late`` after the usual time.

    Args:
        now: with its time zone.
        late: how much later than usual still counts as usual.
    """
    there = (now - late).astimezone(FRANKFURT)
    today = there.date()
    return target_day_at(today if there.time() >= PUBLISHED_AT else today - _ONE)


def publication(day: date) -> datetime:
    """When that day's rates come out, as a rule."""
    return datetime.combine(day, PUBLISHED_AT, FRANKFURT)


@lru_cache(maxsize=64)
def _easter_holidays(year: int) -> tuple[date, date]:
    """Good Friday and Easter Monday, by the Gregorian computus (Meeus, Jones, Butcher)."""
    golden = year % 19
    century, of_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    moon = (8 * century + 13) // 25
    epact = (19 * golden + century - leap_centuries - moon + 15) % 30
    leap_years, year_rest = divmod(of_century, 4)
    late = (golden + 11 * epact) // 319
    weekday = (2 * century_rest + 2 * leap_years - year_rest - epact + late + 32) % 7
    month = (epact - late + weekday + 90) // 25
    sunday = date(year, month, (epact - late + weekday + month + 19) % 32)
    return sunday - 2 * _ONE, sunday + _ONE
