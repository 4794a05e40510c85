"""Windows: time intervals as a person writes them, in the user's time zone and across its clock changes.

``24h``, ``7d`` and ``30d`` slide with the clock and are exact to the instant. ``month`` and ``DATE..DATE`` are made
of civil days: a day of 23 or 25 hours is one day, and the last day named is taken in whole.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from fractions import Fraction

import msgspec

from trayd.errors import UsageError
from trayd.records import ExternalCost, Record

#: The windows that slide, and how long they are.
SLIDING = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_DATE_LENGTH = len("2026-11-20")
_YEARS = (1970, 2999)
_CURE = "use 24h, 7d, 30d, month or two dates such as 2026-11-01..2026-11-30"
_MOMENT_CURE = "write a date such as 2026-11-20, or a time such as 2026-11-20T14:03:11Z"


class Bounds(msgspec.Struct, frozen=True):
    """A half-open time interval.

    Attributes:
        since: the first instant in it (UTC); called ``from`` outside.
        until: the first instant after it (UTC); called ``to`` outside.
    """

    since: datetime = msgspec.field(name="from")
    until: datetime = msgspec.field(name="to")


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A time interval as a person asked for it.

    Attributes:
        since: the first instant in it (UTC); ``until`` is the first one after it.
        now: when it was asked for (UTC); a window that still runs is judged by the part that has passed.
        days: how many of its days have begun by now; none where all of it lies ahead.
        civil: its first and last civil day; None for a window that slides.
        cut: which part of the first of these days it begins after; see :meth:`from_known`.
    """

    since: datetime
    until: datetime
    now: datetime
    days: int
    civil: tuple[date, date] | None = None
    cut: Fraction = Fraction(0)

    @property
    def exact_days(self) -> Fraction:
        """How many days averages are over: of the first one as much as is in it."""
        return self.days - self.cut

    def from_known(self, known: datetime | None, zone: tzinfo) -> Window:
        """The part of it that begins when something is known at all: averages are over no other days.

        Args:
            known: the instant from which on spending is known; None: always.
            zone: the user's, in which days begin.
        """
        if known is None or known <= self.since:
            return self
        passed = min(self.until, self.now)
        if known >= passed:
            return msgspec.structs.replace(self, since=self.until, days=0)
        if self.civil is None:
            exact = Fraction((passed - known) // _MICROSECOND, _DAY // _MICROSECOND)
            days = math.ceil(exact)
            return msgspec.structs.replace(self, since=known, days=days, cut=days - exact)
        first = known.astimezone(zone).date()
        start, end = day_start(first, zone), day_start(first + _DAY, zone)
        return msgspec.structs.replace(
            self,
            since=known,
            days=self.days - (first - self.civil[0]).days,
            civil=(first, self.civil[1]),
            cut=Fraction((known - start) // _MICROSECOND, (end - start) // _MICROSECOND),
        )

    @property
    def bounds(self) -> Bounds:
        """Its two ends."""
        return Bounds(self.since, self.until)


def day_start(day: date, zone: tzinfo) -> datetime:
    """The first instant of that civil day in that zone (UTC).

    Where the clock jumps over midnight, the day starts at the jump.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def civil_day(record: Record, zone: tzinfo) -> date:
    """The day that a record counts on, in that zone; a cost from outside fal has its own."""
    return record.date if isinstance(record, ExternalCost) else record.timestamp.astimezone(zone).date()


def parse_window(text: str, now: datetime, zone: tzinfo) -> Window:
    """The window that a person means.

    Raises:
        UsageError: it is none of the windows there are, or it ends before it begins.
    """
    length = SLIDING.get(text)
    if length is not None:
        since = now.astimezone(UTC) - length
        return Window(since=since, until=since + length, now=now, days=max(1, length // _DAY))
    today = now.astimezone(zone).date()
    if text == "month":
        first = today.replace(day=1)
        return _civil_window(first, _next_month(first) - _DAY, now, zone)
    first_text, dots, last_text = text.partition("..")
    if not dots:
        raise UsageError(f"--window {text}: there is no such window", _CURE)
    first, last = (_parse_date(part, f"--window {text}") for part in (first_text, last_text))
    if last < first:
        raise UsageError(f"--window {text}: it ends before it begins", "put the earlier date first")
    return _civil_window(first, last, now, zone)


def window_between(since: str, until: str | None, now: datetime, zone: tzinfo) -> Window:
    """The window from one date or RFC 3339 time to another one, up to now without it: two dates are civil days.

    Raises:
        UsageError: one of them cannot be read, or nothing lies between the two.
    """
    start = parse_moment(since, zone, end=False)
    if _DATE.fullmatch(since) and (until is None or _DATE.fullmatch(until)):
        first, today = date.fromisoformat(since), now.astimezone(zone).date()
        last = max(first, today) if until is None else _parse_date(until, "--until")
        if first <= last:
            return _civil_window(first, last, now, zone)
    end = now.astimezone(UTC) if until is None else parse_moment(until, zone, end=True)
    if start >= end:
        raise UsageError(f"--since {since} is not before {f'--until {until}' if until else 'now'}", "swap them")
    return Window(since=start, until=end, now=now, days=max(0, -((start - min(end, now)) // _DAY)))


def previous_window(window: Window, zone: tzinfo) -> Bounds:
    """What the window's trend is measured against: the stretch just before it, of the same length.

    A calendar month is compared with the month before, other civil days with as many days before. Of a window that
    still runs, only as much time is taken from the one before as has passed of this one.
    """
    if window.civil is None:
        passed = max(min(window.until, window.now) - window.since, timedelta())
        return Bounds(window.since - passed, window.since)
    first, last = window.civil
    whole_month = first.day == 1 and last + _DAY == _next_month(first)
    earlier = (first - _DAY).replace(day=1) if whole_month else first - (last - first) - _DAY
    since = day_start(earlier, zone)
    if window.now >= window.until:
        return Bounds(since, window.since)
    passed = max(window.now - window.since, timedelta())
    return Bounds(since, min(since + passed, window.since))


def parse_moment(text: str, zone: tzinfo, *, end: bool) -> datetime:
    """The instant (UTC) of a date or an RFC 3339 time, as ``--since`` and ``--until`` take them.

    Args:
        text: a date means the whole day in the user's zone.
        zone: the user's.
        end: the instant bounds a window from above; a date then stands for the end of that day.

    Raises:
        UsageError: it is neither, or a time without its offset.
    """
    option = "--until" if end else "--since"
    day_text, clock = text[:_DATE_LENGTH], text[_DATE_LENGTH:]
    if not _DATE.fullmatch(day_text):
        raise UsageError(f"{option} {text}: this is no date or time", _MOMENT_CURE)
    day = _parse_date(day_text, option)
    if not clock:
        return day_start(day + _DAY if end else day, zone)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: this is no date or time", _MOMENT_CURE) from None
    if moment.tzinfo is None:
        raise UsageError(f"{option} {text}: a time without its zone", "add Z for UTC, or an offset such as +01:00")
    return moment.astimezone(UTC)


def _civil_window(first: date, last: date, now: datetime, zone: tzinfo) -> Window:
    since, until = day_start(first, zone), day_start(last + _DAY, zone)
    today = now.astimezone(zone).date()
    begun = (min(today, last) - first).days + 1
    return Window(since=since, until=until, now=now, days=max(0, begun), civil=(first, last))


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _parse_date(text: str, where: str) -> date:
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not _YEARS[0] <= day.year <= _YEARS[1]:
        raise UsageError(f"{where}: {text!r} is no date", f"write one such as 2026-11-20, from {_YEARS[0]} on")
    return day
