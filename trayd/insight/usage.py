"""Usage: what was spent in a window, how it breaks down, and whether it rises or falls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal

import msgspec

from trayd.insight.breakdown import Breakdown, Dimension, Portion
from trayd.insight.conversion import Days, RateUse
from trayd.insight.status import Pending, Spent
from trayd.insight.tally import Sums, Tally, dated_sums, tallied
from trayd.insight.windows import SLIDING, Bounds, Window, day_cuts, hour_cuts
from trayd.money import EXACT, Money
from trayd.rates import Converter
from trayd.records import Filters, Kind

# Ratios are shown, not calculated with: six digits after the point are more than any screen has room for.
_RATIO_DIGITS = 6

_DATE_LENGTH = len("2026-11-20")
_HOUR_LENGTH = len("14")


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """What a window adds up to.

    Attributes:
        cost: everything that counts, in the home currency: internal, external and pool together, to the nano.
        generations: fal requests that count or would count; ``unpriced`` of them have no price yet.
        cost_per_generation: the internal cost over the generations that have a price, rounded to a nano; None
            where there are none.
        pending: what still runs, beside the total.
        unmatched: events that may be billed under a request that is known already; left out until they are linked.
        left_out: amounts in other currencies, for want of an exchange rate.
        days_left_out: by currency, the first and the last day of those amounts.
        rates: those that amounts in other currencies were converted at.
    """

    cost: Money
    generations: int
    cost_per_generation: Money | None
    internal: Money
    external: Money
    pool: Money
    unpriced: int = 0
    pending: Pending = Pending()
    unmatched: int = 0
    left_out: tuple[Money, ...] = ()
    days_left_out: Mapping[str, Days] = {}
    rates: tuple[RateUse, ...] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a total.

    Attributes:
        key: an endpoint id, a client, a date, an hour of the day (``00`` to ``23``); None for what has no such mark.
        cost: in the home currency; the parts add up to the total to the nano.
        share: its part of the total cost, 1 being all of it; None where the total is not above zero.
    """

    key: str | None
    cost: Money
    generations: int
    share: float | None
    unpriced: int = 0
    left_out: tuple[Money, ...] = ()


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """The usage of a window.

    Attributes:
        average_per_day: the cost over the days that have begun, rounded to a nano; None where all of it lies ahead.
        trend: the change against the window before, as a part of that: 0.25 is a quarter more, -0.5 is half. None
            where nothing was spent then, or nothing is known of it.
        by: the parts by the dimension that was asked for; empty where none was.
    """

    window: Bounds
    total: Total
    average_per_day: Money | None
    trend: float | None
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

    Raises:
        UsageError: there is no such dimension.
    """
    dimension = Dimension.named(by) if by else None
    home = converter.currency
    within = _within(filters, window.bounds)
    fields = () if dimension is None or dimension.in_time else (dimension.field,)
    sums = dated_sums(source, within, zone=zone, home=home, by=fields)
    breakdown = Breakdown(converter)
    portions: list[Portion] = []
    if dimension is None or dimension.in_time:
        total = tallied(sums, converter)
    else:
        total = Tally(converter)
        for day, each in sums:
            breakdown.of(getattr(each.heading, dimension.field)).add_sum(each, day)
        portions = breakdown.ranked()
        for portion in portions:
            total.merge(portion.tally)
    if dimension is not None and dimension.in_time:
        _break_down_in_time(breakdown, dimension, source, within, window.bounds, zone, dated=total.is_dated)
        portions = breakdown.in_time()
    earlier = () if previous is None else dated_sums(source, _within(filters, previous), zone=zone, home=home)
    cost, before = total.total, tallied(earlier, converter).total
    return Usage(
        window=window.bounds,
        total=_total(total),
        average_per_day=_over(cost, window.days, home),
        trend=_ratio(cost - before, before),
        by=tuple(_part(part, cost, home) for part in portions),
    )


def _within(filters: Filters, bounds: Bounds) -> Filters:
    return msgspec.structs.replace(filters, since=bounds.since, until=bounds.until)


def _break_down_in_time(
    breakdown: Breakdown,
    dimension: Dimension,
    source: Sums,
    within: Filters,
    bounds: Bounds,
    zone: tzinfo,
    *,
    dated: bool,
) -> None:
    """Takes the sums of each day or hour in; ``dated`` says whether their days have to be known to convert them."""
    by_hour = dimension is Dimension.HOUR
    cuts, labels = hour_cuts(bounds, zone) if by_hour else day_cuts(bounds, zone)
    if not labels:
        return
    if by_hour and dated:
        labels = [f"{cut.astimezone(zone).date()} {hour}" for cut, hour in zip(cuts, labels, strict=False)]
    for label, sums in source.sums_over_time(cuts, labels, within, zone=zone).items():
        day = date.fromisoformat(label[:_DATE_LENGTH]) if dated else None
        for each in sums:
            key: str | None = label
            if by_hour:  # a statement knows dates, not hours
                key = label[-_HOUR_LENGTH:] if each.heading.kind is Kind.INTERNAL else None
            breakdown.of(key).add_sum(each, day)


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
        cost=tally.cost,
        generations=tally.generations,
        unpriced=tally.unpriced,
        left_out=tally.amounts_left_out(),
        days_left_out=tally.days_left_out(),
        rates=tally.rates(),
    )


def _total(tally: Tally) -> Total:
    nanos = tally.nanos
    return Total(
        cost=tally.cost,
        generations=tally.generations,
        cost_per_generation=_over(nanos[Kind.INTERNAL], tally.priced, tally.currency),
        internal=Money(nanos[Kind.INTERNAL], tally.currency),
        external=Money(nanos[Kind.EXTERNAL], tally.currency),
        pool=Money(nanos[Kind.POOL], tally.currency),
        unpriced=tally.unpriced,
        pending=tally.running(),
        unmatched=tally.unmatched,
        left_out=tally.amounts_left_out(),
        days_left_out=tally.days_left_out(),
        rates=tally.rates(),
    )


def _part(part: Portion, whole: int, currency: str) -> Part:
    return Part(
        key=part.key,
        cost=Money(part.nanos, currency),
        generations=part.tally.generations,
        share=_ratio(part.nanos, whole),
        unpriced=part.tally.unpriced,
        left_out=part.tally.amounts_left_out(),
    )


def _over(nanos: int, number: int, currency: str) -> Money | None:
    if number == 0:
        return None
    quotient = EXACT.divide(Decimal(nanos), Decimal(number))
    return Money(int(quotient.to_integral_value(context=EXACT)), currency)


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, _RATIO_DIGITS) if whole > 0 else None
