"""Costs in time buckets: by day, by weekday and by the hour of the clock, and which weekday and hour is the peak."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import msgspec

from trayd.insight.conversion import EXACT_SUMS, rounded, rounded_together
from trayd.insight.tally import BESIDE, PRICED, Sums
from trayd.insight.windows import Window, day_start
from trayd.money import Money
from trayd.rates import Converter
from trayd.records import NO_HOUR, WEEKDAYS, BucketSums, Counting, Filters, Heading, Kind, TimePart

_HOURS = tuple(f"{hour:02d}" for hour in range(24))
_WEEK = len(WEEKDAYS)
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)

# So many digits after the point a rate has at most: sixty that matter, of currencies of which one is worth little.
_DIGITS = 100
_FINEST = 10**_DIGITS

# Rounded half to even, six digits after the point are more than any screen has room for.
_RATIO_DIGITS = 6


class TimeBucket(NamedTuple):
    """What was spent in one time bucket: a day, all Mondays, an hour of the clock.

    Attributes:
        number: of the bucket; see :class:`trayd.records.TimePart`.
        nanos: its cost in the home currency, rounded together with that of the others: they add up to the total.
        internal: the part of it that is generations.
        unpriced: how many of the generations have no price yet.
        left_out: amounts without a rate, by currency.
    """

    number: int
    nanos: int
    internal: int
    generations: int
    unpriced: int = 0
    left_out: tuple[Money, ...] = ()


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """The weekday or the hour on which generations cost most.

    Attributes:
        key: as in the breakdown: ``mon`` to ``sun``, ``00`` to ``23``.
        average: what generations cost on one such weekday, or in that hour of one day.
        share: the part of all that generations cost, 1 being all of it.
    """

    key: str
    average: Money
    share: float


class _Columns:
    """What there is in each time bucket, by its number: there are years of days, and so there is no tally of each.

    Attributes:
        inside: nanos of generations, and ``outside`` of other costs, both in the home currency.
        foreign: some amounts are in other currencies, and are not in these.
    """

    def __init__(self, home: str, by_heading: Iterable[tuple[Heading, BucketSums]]) -> None:
        self.inside, self.outside, self.generations, self.unpriced = (defaultdict[int, int](int) for _ in range(4))
        self.foreign = False
        for heading, buckets in by_heading:
            at_home = heading.currency in ("", home)
            self.foreign = self.foreign or not at_home
            self._take(heading, buckets if at_home else buckets._replace(nanos=[0] * len(buckets.parts)))

    def _take(self, heading: Heading, buckets: BucketSums) -> None:
        parts, records, nanos = buckets
        if heading.kind is not Kind.INTERNAL:
            _add(self.outside, parts, nanos)
            return
        counting = heading.counting
        # What is beside the totals makes a part all the same, in which nothing counts.
        _add(self.generations, parts, [0] * len(parts) if counting in BESIDE else records)
        if counting is Counting.UNKNOWN:
            _add(self.unpriced, parts, records)
        elif counting in PRICED:
            _add(self.inside, parts, nanos)

    def numbers(self) -> list[int]:
        """Of the parts, in their order; what has no hour comes last."""
        return sorted({**self.generations, **self.outside}, key=lambda number: (number == NO_HOUR, number))


def _add(sums: defaultdict[int, int], parts: Sequence[int], amounts: Sequence[int]) -> None:
    for number, amount in zip(parts, amounts, strict=True):
        sums[number] += amount


def time_buckets(
    source: Sums, within: Filters, part: TimePart, *, zone: tzinfo, converter: Converter
) -> list[TimeBucket]:
    """The time buckets in which something was spent, in their order; what has no hour comes last.

    Args:
        source: where the sums come from.
        within: which records, and from when to when.
        part: days, weekdays or hours of the clock.
        zone: the user's, in which civil time is told.
        converter: the rates into the home currency.
    """
    columns = _Columns(converter.currency, source.sums_over_time(within, part, zone=zone))
    if columns.foreign:
        return _converted(columns, _foreign(source, within, part, zone, converter.currency), converter)
    inside, outside, generations, unpriced = columns.inside, columns.outside, columns.generations, columns.unpriced
    return [
        TimeBucket(
            number,
            inside.get(number, 0) + outside.get(number, 0),
            inside.get(number, 0),
            generations.get(number, 0),
            unpriced.get(number, 0),
        )
        for number in columns.numbers()
    ]


#: Of a heading in another currency: the number of the part, the ordinal of the day and the nanos of each amount.
_Foreign = tuple[Heading, Iterable[tuple[int, int, int]]]


def _converted(columns: _Columns, foreign: Iterable[_Foreign], converter: Converter) -> list[TimeBucket]:
    """The same with the amounts in other currencies, each converted at the rate of its day and rounded with all.

    There can be years of hours, so amounts are multiplied and added as whole numbers of the smallest part that a rate
    has: exact as well, and in a third of the time.
    """
    inside, outside = (
        {number: nanos * _FINEST for number, nanos in of.items()} for of in (columns.inside, columns.outside)
    )
    left_out: dict[int, dict[str, int]] = {}
    factors: dict[tuple[str, int], int | None] = {}
    for (kind, counting, currency, *_), amounts in foreign:
        if counting not in PRICED:
            continue
        sums = inside if kind is Kind.INTERNAL else outside
        for number, day, nanos in amounts:
            try:
                factor = factors[currency, day]
            except KeyError:
                factor = factors[currency, day] = _factor(converter, currency, day)
            if factor is not None or not nanos:  # nothing is nothing in every currency
                sums[number] = sums.get(number, 0) + nanos * (factor or 0)
                continue
            without = left_out.setdefault(number, {})
            without[currency] = without.get(currency, 0) + nanos
    numbers = columns.numbers()
    exact = [_nanos(inside.get(number, 0) + outside.get(number, 0)) for number in numbers]
    return [
        TimeBucket(
            number,
            nanos,
            rounded(_nanos(inside.get(number, 0))),
            columns.generations.get(number, 0),
            columns.unpriced.get(number, 0),
            tuple(Money(amount, currency) for currency, amount in sorted(left_out.get(number, {}).items())),
        )
        for number, nanos in zip(numbers, rounded_together(exact), strict=True)
    ]


def _factor(converter: Converter, currency: str, day: int) -> int | None:
    rate = converter.rate(currency, date.fromordinal(day))
    return None if rate is None else int(rate.factor.scaleb(_DIGITS, EXACT_SUMS))


def _nanos(finest: int) -> Decimal:
    return Decimal(finest).scaleb(-_DIGITS, EXACT_SUMS)


def _foreign(source: Sums, within: Filters, part: TimePart, zone: tzinfo, home: str) -> Iterator[_Foreign]:
    for day, (heading, _, nanos) in source.sums_by_day(within, zone=zone, other_than=home):
        if part is not TimePart.HOUR:
            yield heading, ((day.toordinal() if part is TimePart.DAY else day.weekday(), day.toordinal(), nanos),)
        elif heading.kind is not Kind.INTERNAL:
            yield heading, ((NO_HOUR, day.toordinal(), nanos),)
    if part is TimePart.HOUR:
        for heading, buckets in source.sums_over_time(within, TimePart.DAY_AND_HOUR, zone=zone):
            if heading.currency not in ("", home):
                hours = len(_HOURS)
                yield (
                    heading,
                    (
                        (number % hours, number // hours, nanos)
                        for number, nanos in zip(buckets.parts, buckets.nanos, strict=True)
                    ),
                )


def key_of(part: TimePart, number: int) -> str | None:
    """What a part of time is called outside: a date, ``mon`` to ``sun``, ``00`` to ``23``; None of what has no hour."""
    match part:
        case TimePart.DAY:
            return date.fromordinal(number).isoformat()
        case TimePart.WEEKDAY:
            return WEEKDAYS[number]
        case _:
            return None if number == NO_HOUR else _HOURS[number]


def how_often(part: TimePart, window: Window, zone: tzinfo) -> Sequence[Fraction]:
    """How many of each weekday, or of each hour of the clock, a window has had by now, by their numbers.

    Of civil days those that have begun, as the average per day has it. A window that slides cuts its first and its last
    day: these count by the part of them that is in it. Clock changes are left aside: every day has each hour once.
    """
    if part is TimePart.HOUR:
        return [window.exact_days] * len(_HOURS)
    found = [Fraction(0)] * _WEEK
    if window.civil is not None:
        weeks, more = divmod(window.days, _WEEK)
        first = window.civil[0].weekday()
        found = [Fraction(weeks + ((number - first) % _WEEK < more)) for number in range(_WEEK)]
        found[first] -= window.cut
        return found
    passed = min(window.until, window.now)
    begins = min(window.since, passed)
    day = begins.astimezone(zone).date()
    start = day_start(day, zone)
    while start < passed:
        end = day_start(day + _DAY, zone)
        inside = min(end, passed) - max(start, begins)
        found[day.weekday()] += Fraction(inside // _MICROSECOND, (end - start) // _MICROSECOND)
        day, start = day + _DAY, end
    return found


def average(nanos: int, number: Fraction, currency: str) -> Money | None:
    """The amount over so many, rounded half to even to a nano; None over none."""
    return Money(round(nanos / number), currency) if number > 0 else None


def peak(
    part: TimePart, buckets: Sequence[TimeBucket], often: Sequence[Fraction], window: Window, currency: str
) -> Peak | None:
    """The weekday or hour on which generations cost most, on the average of those that the window has had.

    None where generations cost nothing, and of weekdays where the window has not had all of them.
    """
    if part is TimePart.WEEKDAY and window.exact_days < _WEEK:
        return None
    timed = [bucket for bucket in buckets if bucket.number != NO_HOUR and often[bucket.number] > 0]
    whole = sum(bucket.internal for bucket in timed)
    if whole <= 0:
        return None
    most = max(timed, key=lambda bucket: (bucket.internal / often[bucket.number], -bucket.number))
    key, mean = key_of(part, most.number), average(most.internal, often[most.number], currency)
    assert key is not None  # noqa: S101 - only what has an hour was looked at
    assert mean is not None  # noqa: S101 - only what the window has had was looked at
    return Peak(key=key, average=mean, share=round(most.internal / whole, _RATIO_DIGITS))
