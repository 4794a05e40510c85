"""Time as the rollups count it: instants in whole microseconds, civil dates as the instants that begin them in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: The ordinal of 1 January 1970.
EPOCH_DAY = _EPOCH.toordinal()

_MICROSECOND = timedelta(microseconds=1)

#: A civil day, in the microseconds that instants are counted in.
DAY = 86_400_000_000


def instant(when: datetime) -> int:
    """A time as rollups count it: microseconds since 1970 (UTC)."""
    return (when - _EPOCH) // _MICROSECOND


def civil(day: date) -> int:
    """A civil date as rollups count it: the start of that day in UTC, whatever the zone."""
    return (day.toordinal() - EPOCH_DAY) * DAY


def day_of(at: int, later: int = 0) -> date:
    """The date that :func:`civil` made a number of, or one so many days later."""
    return date.fromordinal(at // DAY + EPOCH_DAY + later)


def moment(at: int) -> datetime:
    """The time that :func:`instant` made a number of."""
    return _EPOCH + at * _MICROSECOND


class Interval(NamedTuple):
    """A half-open interval: from the first instant, and civil date of costs, to just before the last."""

    since: int | None
    until: int | None
    civil_since: int | None
    civil_until: int | None

    @classmethod
    def of(cls, since: datetime | None, until: datetime | None, zone: tzinfo) -> Interval:
        """The interval between two times; civil dates begin in that zone."""
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

    def near(self, first: int, last: int) -> Interval:
        """The same for what lies between those two, dates included: ends that leave nothing of it out are None."""
        from_start = self.since is None or self.since <= first - DAY
        to_end = self.until is None or last + DAY < self.until
        return Interval(
            None if from_start else self.since,
            None if to_end else self.until,
            None if from_start else self.civil_since,
            None if to_end else self.civil_until,
        )

    def during(self, since: int | None, until: int | None) -> Interval:
        """The part of it between those two instants, of generations."""
        starts = [at for at in (self.since, since) if at is not None]
        ends = [at for at in (self.until, until) if at is not None]
        return self._replace(since=max(starts, default=None), until=min(ends, default=None))


def first_date(when: datetime, zone: tzinfo) -> int:
    """The first civil date that begins at that time or after it."""
    local = when.astimezone(zone)
    start = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    date = civil(local.date())
    return date if start.astimezone(UTC) >= when else date + DAY
