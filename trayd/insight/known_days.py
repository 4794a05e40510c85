"""Known days: what each account spent with fal on days that are over, where that is known in whole.

A day is known when billing has been read from its first instant to its last, and no more than one in ten of its
generations lacks a price; those few count like the average of that day. Estimates count until fal has billed.
Everything else is unknown, never zero. Days before the first one with any spending do not count, even where
that has only just begun: an account, a client or a model that is new has no past of zeros.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

import msgspec

from trayd.facts import Coverage
from trayd.insight.pace import WholeDay
from trayd.insight.tally import Sums, Tally
from trayd.insight.windows import day_start
from trayd.rates import Converter
from trayd.records import Filters, Kind, Sum, TimePart

_DAY = timedelta(days=1)
_MOST_UNPRICED = 10


class History(NamedTuple):
    """The known days of an account.

    Attributes:
        days: oldest first.
        until: up to when its billing has been read (UTC).
        unpriced: days that are left out because too many generations have no price.
        unconverted: days that are left out for want of an exchange rate.
        estimated: nanos in the days that are estimates.
    """

    days: tuple[WholeDay, ...]
    until: datetime
    unpriced: int = 0
    unconverted: int = 0
    estimated: int = 0


class SpentDay(NamedTuple):
    """What an account spent with fal on a day.

    Attributes:
        nanos: in the currency asked for; ``estimated`` the part of it that is estimates.
        generations: how many there were; ``unpriced`` of them have no price.
        unconverted: some of it has no exchange rate.
    """

    nanos: int
    estimated: int
    generations: int
    unpriced: int
    unconverted: bool


#: By account and the number of the day; days without a generation are in none.
SpentDays = Mapping[str, Mapping[int, SpentDay]]


def spent_days(
    source: Sums, filters: Filters, *, first: date, last: date, zone: tzinfo, converter: Converter
) -> SpentDays:
    """What each account spent on each day.

    Args:
        source: where the sums come from.
        filters: which records; its two ends and its kind are not looked at.
        first: the first day looked at.
        last: the last one.
        zone: the user's, in which days begin.
        converter: the rates into the currency of the answer.
    """
    since, until = day_start(first, zone), day_start(last + _DAY, zone)
    within = msgspec.structs.replace(filters, kind=Kind.INTERNAL, since=since, until=until)
    tallies: dict[tuple[str, int], Tally] = {}
    for heading, buckets in source.sums_over_time(within, TimePart.DAY, zone=zone):
        for day, count, nanos in zip(*buckets, strict=True):
            place = heading.account or "", day
            tally = tallies.get(place)
            if tally is None:
                tally = tallies[place] = Tally(converter)
            tally.add_sum(Sum(heading, count, nanos), date.fromordinal(day))
    spent: dict[str, dict[int, SpentDay]] = {}
    for (account, day), tally in tallies.items():
        spent.setdefault(account, {})[day] = SpentDay(
            tally.total, tally.estimated, tally.generations, tally.unpriced, bool(tally.left_out)
        )
    return spent


def histories(
    parts: Sequence[SpentDays], *, first: date, last: date, zone: tzinfo, coverage: Mapping[str, Coverage]
) -> dict[str, History]:
    """The known days of each account.

    Args:
        parts: what was spent on the days from the first to the one after the last, which tells whether spending has
            begun where it had not before; each day is in one part.
        first: the first day looked at.
        last: the last one; it is over.
        zone: the user's, in which days begin.
        coverage: how far each account's billing has been read, by its own name; others are not looked at.
    """
    found = {}
    for account, covered in coverage.items():
        spent = {day: figures for part in parts for day, figures in part.get(account, {}).items()}
        found[account] = _history(spent, covered, _days_read(covered, first, last, zone))
    return found


def _history(spent: Mapping[int, SpentDay], covered: Coverage, read: Iterable[date]) -> History:
    begun = min((day for day, figures in spent.items() if figures.generations), default=0)
    days: list[WholeDay] = []
    unpriced = unconverted = estimated = 0
    for day in read:
        number = day.toordinal()
        if number < begun:
            continue
        figures = spent.get(number)
        if figures is None:
            days.append(WholeDay(day, 0))
        elif figures.unconverted:
            unconverted += 1
        elif figures.unpriced * _MOST_UNPRICED > figures.generations:
            unpriced += 1
        else:
            estimated += figures.estimated
            known = figures.generations - figures.unpriced
            days.append(WholeDay(day, figures.nanos + figures.nanos * figures.unpriced // max(known, 1)))
    return History(tuple(days), covered.until, unpriced, unconverted, estimated)


def _days_read(covered: Coverage, first: date, last: date, zone: tzinfo) -> Sequence[date]:
    """The days of which all billing has been read."""
    begins = max(covered.since.astimezone(zone).date(), first)
    if day_start(begins, zone) < covered.since:
        begins += _DAY
    ends = min(covered.until.astimezone(zone).date() - _DAY, last)
    return [begins + number * _DAY for number in range((ends - begins).days + 1)]
