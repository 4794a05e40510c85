"""Usage: what was spent in a window, how it breaks down, and whether it rises or falls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from fractions import Fraction

import msgspec
from msgspec import UNSET, UnsetType

from trayd.insight.breakdown import Breakdown, Dimension, Portion, named
from trayd.insight.conversion import Days, RateUse
from trayd.insight.over_time import Peak, TimeBucket, average, how_often, key_of, peak, time_buckets
from trayd.insight.status import Spent
from trayd.insight.tally import DatedSum, Pending, Sums, Tally, dated_sums, known_or_none, tallied
from trayd.insight.windows import SLIDING, Bounds, Window
from trayd.money import EXACT, Money
from trayd.rates import Converter
from trayd.records import NO_HOUR, Filters, Kind, TimePart

# Ratios are shown, not calculated with: six digits after the point are more than any screen has room for.
_RATIO_DIGITS = 6

#: What the peak times are found in.
_PEAKS = (TimePart.WEEKDAY, TimePart.HOUR)


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """What a window adds up to.

    Attributes:
        cost: everything that counts, in the home currency: internal, external and pool together, to the nano. None,
            as of each of these, where it is not known: nothing of the window was read, or nothing in it has a price.
        generations: fal requests that count or would count; ``unpriced`` of them have no price yet, and
            ``failed`` of them failed or were cancelled without a bill so far.
        cost_per_generation: the internal cost over the generations that have a price, rounded to a nano; None
            where there are none.
        pending: what still runs, beside the total.
        unmatched: events that may be billed under a request that is known already; left out until they are linked.
        left_out: amounts in other currencies, for want of an exchange rate.
        days_left_out: by currency, the first and the last day of those amounts.
        rates: those that amounts in other currencies were converted at.
    """

    cost: Money | None
    generations: int
    cost_per_generation: Money | None
    internal: Money | None
    external: Money | None
    pool: Money | None
    unpriced: int = 0
    failed: int = 0
    pending: Pending = Pending()
    unmatched: int = 0
    left_out: tuple[Money, ...] = ()
    days_left_out: Mapping[str, Days] = {}
    rates: tuple[RateUse, ...] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a total.

    Attributes:
        key: an endpoint id, a client, a date, a weekday (``mon`` to ``sun``), an hour of the day (``00`` to ``23``);
            None for what has no such mark.
        name: what a person calls an account; None for all others.
        kind: of what has no such mark because it is not from fal, or because fal did not tell; each kind is a part of
            its own where only fal tells such marks. None for all others.
        cost: in the home currency; the parts add up to the total to the nano. None where nothing in it has a price.
        share: its part of the total cost, 1 being all of it; None where that is not known, or the total not above zero.
        days: of a weekday, how many of them the window has had by now (of one that slides, the two days that it cuts
            count by their parts in it); of an hour, how many days. None for all others.
        average: the cost on one such weekday, or in that hour of one day, rounded to a nano.
    """

    key: str | None
    cost: Money | None
    generations: int
    share: float | None
    days: float | None = None
    average: Money | None = None
    unpriced: int = 0
    left_out: tuple[Money, ...] = ()
    kind: Kind | None = None
    name: str | None = None


class Peaks(msgspec.Struct, frozen=True, kw_only=True):
    """When generations cost most; costs from outside have no part in it, for their dates are those of statements.

    Attributes:
        weekday: None where the window has not had all of them; absent where it was broken down by something else.
        hour: of the clock; None where generations cost nothing; absent where it was broken down by something else.
    """

    weekday: Peak | UnsetType | None = UNSET
    hour: Peak | UnsetType | None = UNSET


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """The usage of a window.

    Attributes:
        known_from: where only a part of the window is known, from when on; what is after its end says that nothing of
            it is. Averages, here and of the parts, are of what is known alone.
        average_per_day: the cost over the days that have begun, rounded to a nano; None where all of it lies ahead.
        trend: the change against the window before, as a part of that: 0.25 is a quarter more, -0.5 is half. None
            where nothing was spent then, or nothing is known of it.
        peaks: the dearest weekday and hour, where no breakdown was asked for, or the one by just these.
        by: the parts by the dimension that was asked for; empty where none was.
    """

    window: Bounds
    total: Total
    average_per_day: Money | None
    trend: float | None
    known_from: datetime | None = None
    peaks: Peaks = Peaks()
    by: tuple[Part, ...] = ()


def usage(
    source: Sums,
    *,
    filters: Filters,
    window: Window,
    by: Dimension | str | None,
    zone: tzinfo,
    converter: Converter,
    previous: Bounds | None = None,
    known_from: datetime | None = None,
) -> Usage:
    """The usage of a window.

    Args:
        source: where the sums come from.
        filters: which records; its two ends are not looked at.
        window: the window.
        by: the dimension of the breakdown, if any.
        zone: the user's, for days and hours.
        converter: the rates into the home currency.
        previous: the window before, for the trend; None where what was spent in it is not known.
        known_from: from when on spending is known; None: always.

    Raises:
        UsageError: there is no such dimension.
    """
    dimension = None if by is None else named(Dimension, by)
    part = None if dimension is None else dimension.time_part
    home = converter.currency
    within = _within(filters, window.bounds)
    fields = () if dimension is None or part is not None else (dimension.field,)
    sums = dated_sums(source, within, zone=zone, home=home, by=fields)
    if dimension is not None and part is None:
        total, portions = _ranked(sums, dimension, converter)
        parts = tuple(_of_portion(portion, total.cost) for portion in portions)
    else:
        total, parts = tallied(sums, converter), ()
    known = window.from_known(known_from, zone)
    of_known = _within(filters, known.bounds)
    averaged = () if part is TimePart.DAY else _PEAKS if dimension is None else () if part is None else (part,)
    timed = {each: _in_time(source, of_known, each, known, zone, converter) for each in averaged}
    if part is not None:
        buckets, often = timed.get(part, ((), ()))
        of_all = buckets
        if not often or known is not window:
            of_all = time_buckets(source, within, part, zone=zone, converter=converter)
        parts = _parts_in_time(part, of_all, buckets, often, total.cost)
    earlier = () if previous is None else dated_sums(source, _within(filters, previous), zone=zone, home=home)
    cost, before = total.total, tallied(earlier, converter).total
    cost_known = (
        cost if known is window else tallied(dated_sums(source, of_known, zone=zone, home=home), converter).total
    )
    is_read = not total.is_empty or known.since < known.until
    return Usage(
        window=window.bounds,
        total=_total(total, is_read=is_read),
        average_per_day=None if total.known_cost is None else average(cost_known, known.exact_days, home),
        trend=_ratio(cost - before, before) if is_read and total.known_cost is not None else None,
        known_from=None if known is window else known_from,
        peaks=_peaks(timed, known, home),
        by=parts,
    )


def _ranked(sums: Iterable[DatedSum], dimension: Dimension, converter: Converter) -> tuple[Tally, list[Portion]]:
    """The parts by that dimension, from the dearest, and all of them together."""
    breakdown, total = Breakdown(converter), Tally(converter)
    for day, each in sums:
        mark = getattr(each.heading, dimension.field)
        kind = each.heading.kind if mark is None and dimension.is_of_fal else None
        breakdown.of(mark, kind).add_sum(each, day)
    portions = breakdown.ranked()
    for portion in portions:
        total.merge(portion.tally)
    return total, portions


def _within(filters: Filters, bounds: Bounds) -> Filters:
    return msgspec.structs.replace(filters, since=bounds.since, until=bounds.until)


def _in_time(
    source: Sums, within: Filters, part: TimePart, window: Window, zone: tzinfo, converter: Converter
) -> tuple[Sequence[TimeBucket], Sequence[Fraction]]:
    """The time buckets, and how many of each kind of day or hour there were."""
    often = how_often(part, window, zone)
    if window.since >= window.until:
        return (), often
    return time_buckets(source, within, part, zone=zone, converter=converter), often


def _parts_in_time(
    part: TimePart,
    buckets: Sequence[TimeBucket],
    known: Sequence[TimeBucket],
    often: Sequence[Fraction],
    whole: Money,
) -> tuple[Part, ...]:
    """The parts; what one of them costs on average is told by those buckets that are known.

    There is one of each day: ``often`` is empty, and there are no averages.
    """
    if not often:
        return tuple(_of_bucket(part, bucket, whole) for bucket in buckets)
    spent = {bucket.number: bucket.nanos for bucket in known}
    parts = []
    for bucket in buckets:
        told = _of_bucket(part, bucket, whole)
        if bucket.number != NO_HOUR:
            times = often[bucket.number]
            mean = None if told.cost is None else average(spent.get(bucket.number, 0), times, whole.currency)
            told = msgspec.structs.replace(told, days=round(float(times), _RATIO_DIGITS), average=mean)
        parts.append(told)
    return tuple(parts)


def _peaks(
    found: Mapping[TimePart, tuple[Sequence[TimeBucket], Sequence[Fraction]]], window: Window, currency: str
) -> Peaks:
    told = {part: peak(part, buckets, often, window, currency) for part, (buckets, often) in found.items()}
    return Peaks(weekday=told.get(TimePart.WEEKDAY, UNSET), hour=told.get(TimePart.HOUR, UNSET))


def spending(source: Sums, now: datetime, zone: tzinfo, converter: Converter) -> dict[str, Tally]:
    """What was spent in the last 24 hours, 7 and 30 days, and in total, up to ``now``.

    A cost of today counts from the start of the day on; one that is dated ahead counts in the total alone.
    """
    windows = {name: Filters(since=now - length, until=now) for name, length in SLIDING.items()}
    return {
        name: tallied(dated_sums(source, filters, zone=zone, home=converter.currency), converter)
        for name, filters in (windows | {"total": Filters()}).items()
    }


def spent(tally: Tally) -> Spent:
    """What a window's records add up to, as the status tells it."""
    return Spent(
        cost=tally.known_cost,
        generations=tally.generations,
        unpriced=tally.unpriced,
        left_out=tally.amounts_left_out(),
        days_left_out=tally.days_left_out(),
        rates=tally.rates(),
    )


def _total(tally: Tally, *, is_read: bool) -> Total:
    nanos = tally.nanos
    by_kind = {
        kind: Money(nanos[kind], tally.currency) if is_read and (nanos[kind] or not tally.lacks(kind)) else None
        for kind in Kind
    }
    return Total(
        cost=tally.known_cost if is_read else None,
        generations=tally.generations,
        cost_per_generation=_over(nanos[Kind.INTERNAL], tally.priced, tally.currency),
        internal=by_kind[Kind.INTERNAL],
        external=by_kind[Kind.EXTERNAL],
        pool=by_kind[Kind.POOL],
        unpriced=tally.unpriced,
        failed=tally.failed,
        pending=tally.running(),
        unmatched=tally.unmatched,
        left_out=tally.amounts_left_out(),
        days_left_out=tally.days_left_out(),
        rates=tally.rates(),
    )


def _of_portion(portion: Portion, whole: Money) -> Part:
    tally = portion.tally
    cost = known_or_none(Money(portion.nanos, whole.currency), tally.unpriced, tally.left_out)
    return Part(
        key=portion.key,
        cost=cost,
        generations=tally.generations,
        share=_share(cost, whole),
        unpriced=tally.unpriced,
        left_out=tally.amounts_left_out(),
        kind=portion.kind,
    )


def _of_bucket(part: TimePart, bucket: TimeBucket, whole: Money) -> Part:
    cost = known_or_none(Money(bucket.nanos, whole.currency), bucket.unpriced, bucket.left_out)
    return Part(
        key=key_of(part, bucket.number),
        cost=cost,
        generations=bucket.generations,
        share=_share(cost, whole),
        unpriced=bucket.unpriced,
        left_out=bucket.left_out,
    )


def _share(cost: Money | None, whole: Money) -> float | None:
    return None if cost is None else _ratio(cost.nanos, whole.nanos)


def _over(nanos: int, number: int, currency: str) -> Money | None:
    if number == 0:
        return None
    quotient = EXACT.divide(Decimal(nanos), Decimal(number))
    return Money(int(quotient.to_integral_value(context=EXACT)), currency)


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, _RATIO_DIGITS) if whole > 0 else None
