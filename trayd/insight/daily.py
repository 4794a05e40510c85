"""What was spent on each civil day: what forecasts and unusual days are found in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

import msgspec

from trayd.insight.tally import Sums, Tally
from trayd.insight.windows import day_start
from trayd.rates import Converter
from trayd.records import Filters, Heading, Sum, TimePart

_DAY = timedelta(days=1)


class DaySpending(NamedTuple):
    """What was spent on a day.

    Attributes:
        day: in the user's time zone.
        tally: everything of it.
    """

    day: date
    tally: Tally

    @property
    def nanos(self) -> int:
        """Its cost in nanos of the home currency; what is unknown or has no rate is not in it."""
        return self.tally.total


def daily(
    source: Sums,
    filters: Filters,
    *,
    first: date,
    last: date,
    zone: tzinfo,
    converter: Converter,
    admits: Callable[[Heading], bool] = lambda _heading: True,
) -> Iterator[DaySpending]:
    """What was spent on each day from the first to the last, days on which nothing was among them.

    Args:
        source: where the sums come from.
        filters: which records; its two ends are not looked at.
        first: the first day.
        last: the last one, as far as it is over.
        zone: the user's, in which days begin.
        converter: the rates into the currency that the tallies are in.
        admits: what of it is taken in, by kind, currency and how it counts; see :class:`trayd.records.Heading`.
    """
    tallies = {day: Tally(converter) for day in range(first.toordinal(), last.toordinal() + 1)}
    within = msgspec.structs.replace(filters, since=day_start(first, zone), until=day_start(last + _DAY, zone))
    for heading, course in source.sums_over_time(within, TimePart.DAY, zone=zone):
        if admits(heading):
            for day, count, nanos in zip(*course, strict=True):
                tallies[day].add_sum(Sum(heading, count, nanos), date.fromordinal(day))
    return (DaySpending(date.fromordinal(day), tally) for day, tally in tallies.items())


def today(now: datetime, zone: tzinfo) -> date:
    """The civil day that it is."""
    return now.astimezone(zone).date()
