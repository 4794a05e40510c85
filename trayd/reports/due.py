"""Which periods' scheduled reports are due: pure functions of the calendar and of what was made before."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from trayd.insight.windows import day_start
from trayd.report_settings import Schedule

#: How far back what was missed is made up for: of a period that ended earlier, a report is no news to anybody.
_MADE_UP_FOR = timedelta(days=92)

#: fal's bills come in up to so long after the work.
_LATE_BILLS = timedelta(hours=48)

_DAY = timedelta(days=1)


class ReportPeriod(NamedTuple):
    """A week or a month that reports are made of.

    Attributes:
        name: as episodes name it: ``2026-W47`` (ISO 8601), ``2026-11``.
        first: its first civil day, and ``last`` its last one.
    """

    name: str
    first: date
    last: date


def period_with(every: str, day: date) -> ReportPeriod:
    """The week (from Monday on) or the month that a civil day is in."""
    if every == "week":
        year, week, weekday = day.isocalendar()
        monday = day - (weekday - 1) * _DAY
        return ReportPeriod(f"{year}-W{week:02d}", monday, monday + 6 * _DAY)
    first = day.replace(day=1)
    in_the_next = first + timedelta(days=31)
    return ReportPeriod(f"{day.year}-{day.month:02d}", first, in_the_next - in_the_next.day * _DAY)


def periods_due(schedule: Schedule, made: Collection[str], now: datetime, zone: tzinfo) -> list[ReportPeriod]:
    """The periods that reports are due of, the oldest first: the last one, and all back to the first that has some.

    Those that have some are among them: not all of their reports may have been made. A schedule that has not made any
    yet begins with the last period. The days are the user's: a change of the clock, or of the zone, moves no period.

    Args:
        schedule: what is to be made when.
        made: the names of the periods that it has made reports of, of all or of some.
        now: the time (UTC).
        zone: the user's.
    """
    today = now.astimezone(zone).date() - schedule.after_days * _DAY
    newest = _before(schedule.every, period_with(schedule.every, today))
    due = [newest]
    # A schedule can have been one of months before: those have shorter names than weeks.
    oldest = min((name for name in made if len(name) == len(newest.name)), default=newest.name)
    while due[0].name > oldest:
        period = _before(schedule.every, due[0])
        if period.last + _MADE_UP_FOR < today:
            break
        due.insert(0, period)
    return due


def bills_wanted_until(period: ReportPeriod, schedule: Schedule, zone: tzinfo) -> datetime:
    """Up to when fal's bills have to be known, so that reports of that period need not wait for them (UTC)."""
    over = period.last + _DAY
    return min(day_start(over, zone) + _LATE_BILLS, day_start(over + schedule.after_days * _DAY, zone))


def _before(every: str, period: ReportPeriod) -> ReportPeriod:
    return period_with(every, period.first - _DAY)
