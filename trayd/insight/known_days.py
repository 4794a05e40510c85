"""Known days: what each account spent with fal on days that are over, where that is known in whole.

A day is known when billing has been read from its first instant to its last, and no more than one in ten of its
generations lacks a price; those few count like the average of that day. Estimates count until fal has billed.
Everything else is unknown, never zero. Days before the first one with any spending do not count, even where
that has only just begun: an account, a client or a model that is new has no past of zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def histories(
    source: Sums,
    filters: Filters,
    *,
    first: date,
    last: date,
    zone: tzinfo,
    converter: Converter,
    coverage: Mapping[str, Coverage],
) -> dict[str, History]:
    """The known days of each account, in nanos of the converter's currency.

    Args:
        source: where the sums come from.
        filters: which records; its two ends and its kind are not looked at.
        first: the first day looked at.
        last: the last one; it is over.
        zone: the user's, in which days begin.
        converter: the rates into the currency of the answer.
        coverage: how far each account's billing has been read, by its own name; others are not looked at.
    """
    # The day after tells whether spending has begun, where it had not before.
    since, until = day_start(first, zone), day_start(last + 2 * _DAY, zone)
    within = msgspec.structs.replace(filters, kind=Kind.INTERNAL, since=since, until=until)
    tallies: dict[str, dict[int, Tally]] = {account: {} for account in coverage}
    for heading, course in source.sums_over_time(within, TimePart.DAY, zone=zone):
        of_account = tallies.get(heading.account or "")
        if of_account is None:
            continue
        for day, count, nanos in zip(*course, strict=True):
            tally = of_account.get(day)
            if tally is None:
                tally = of_account[day] = Tally(converter)
            tally.add_sum(Sum(heading, count, nanos), date.fromordinal(day))
    return {account: _history(tallies[account], covered, first, last, zone) for account, covered in coverage.items()}


def _history(tallies: Mapping[int, Tally], covered: Coverage, first: date, last: date, zone: tzinfo) -> History:
    read = _days_read(covered, first, last, zone)
    begun = min((day for day, tally in tallies.items() if tally.generations), default=first.toordinal())
    days: list[WholeDay] = []
    unpriced = unconverted = estimated = 0
    for day in read:
        if day.toordinal() < begun:
            continue
        tally = tallies.get(day.toordinal())
        if tally is None:
            days.append(WholeDay(day, 0))
        elif tally.left_out:
            unconverted += 1
        elif tally.unpriced * _MOST_UNPRICED > tally.generations:
            unpriced += 1
        else:
            estimated += tally.estimated
            known = tally.generations - tally.unpriced
            days.append(WholeDay(day, tally.total + tally.total * tally.unpriced // max(known, 1)))
    return History(tuple(days), covered.until, unpriced, unconverted, estimated)


def _days_read(covered: Coverage, first: date, last: date, zone: tzinfo) -> Sequence[date]:
    """The days of which all billing has been read."""
    begins = max(covered.since.astimezone(zone).date(), first)
    if day_start(begins, zone) < covered.since:
        begins += _DAY
    ends = min(covered.until.astimezone(zone).date() - _DAY, last)
    return [begins + number * _DAY for number in range((ends - begins).days + 1)]
