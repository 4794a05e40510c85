"""Usage: what was spent in a window, how it breaks down, and whether it rises or falls."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from decimal import Decimal

import msgspec

from trayd.insight.status import Pending, Spent
from trayd.insight.tally import Breakdown, Dimension, Sums, Tally
from trayd.insight.windows import SLIDING, Bounds, Window, day_cuts, hour_cuts
from trayd.money import EXACT, Money
from trayd.records import Filters, Kind, Sum

# Ratios are shown, not calculated with: six digits after the point are more than any screen has room for.
_RATIO_DIGITS = 6


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """What a window adds up to.

    Attributes:
        cost: everything that counts and is in the home currency: internal, external and pool together.
        generations: fal requests that count or would count; ``unpriced`` of them have no price yet.
        cost_per_generation: the internal cost over the generations that have a price, rounded to a nano; None
            where there are none.
        pending: what still runs, beside the total.
        unmatched: events that may be billed under a request that is known already; left out until they are linked.
        left_out: amounts in other currencies, for want of an exchange rate.
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


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a total.

    Attributes:
        key: an endpoint id, a client, a date, an hour of the day (``00`` to ``23``); None for what has no such mark.
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
    home_currency: str,
    previous: Bounds | None = None,
) -> Usage:
    """The usage of a window.

    Args:
        source: where the sums come from.
        filters: which records; its two ends are not looked at.
        window: the window.
        by: the dimension of the breakdown, if any.
        zone: the user's, for days and hours.
        home_currency: what totals are in.
        previous: the window before, for the trend; None where what was spent in it is not known.

    Raises:
        UsageError: there is no such dimension.
    """
    dimension = Dimension.named(by) if by else None
    within = _within(filters, window.bounds)
    breakdown = None if dimension is None else Breakdown(dimension, zone, home_currency)
    if breakdown is None:
        total = tallied(source.sums(within, zone=zone), home_currency)
    elif breakdown.dimension.in_time:
        total = tallied(source.sums(within, zone=zone), home_currency)
        _break_down_in_time(breakdown, source, within, window.bounds, zone)
    else:
        sums = tuple(source.sums(within, zone=zone, by=(breakdown.dimension.field,)))
        total = tallied(sums, home_currency)
        for each in sums:
            breakdown.add_sum(each)
    earlier = () if previous is None else source.sums(_within(filters, previous), zone=zone)
    before = tallied(earlier, home_currency)
    return Usage(
        window=window.bounds,
        total=_total(total),
        average_per_day=_over(total.total, window.days, home_currency),
        trend=_ratio(total.total - before.total, before.total),
        by=tuple(_part(key, tally, total.total) for key, tally in breakdown.ranked()) if breakdown else (),
    )


def _within(filters: Filters, bounds: Bounds) -> Filters:
    return msgspec.structs.replace(filters, since=bounds.since, until=bounds.until)


def _break_down_in_time(breakdown: Breakdown, source: Sums, within: Filters, bounds: Bounds, zone: tzinfo) -> None:
    by_hour = breakdown.dimension is Dimension.HOUR
    cuts, labels = hour_cuts(bounds, zone) if by_hour else day_cuts(bounds, zone)
    if not labels:
        return
    for label, sums in source.sums_over_time(cuts, labels, within, zone=zone).items():
        for each in sums:
            dated = each.heading.kind is not Kind.INTERNAL
            breakdown.of(None if by_hour and dated else label).add_sum(each)  # a statement knows dates, not hours


def spent(source: Sums, now: datetime, zone: tzinfo, home_currency: str) -> dict[str, Spent]:
    """What was spent in the last 24 hours, 7 and 30 days, and in total, up to ``now``.

    A cost of today counts from the start of the day on; one that is dated ahead counts in the total alone.
    """
    windows = {name: Filters(since=now - length, until=now) for name, length in SLIDING.items()}
    return {
        name: _spent(tallied(source.sums(filters, zone=zone), home_currency))
        for name, filters in (windows | {"total": Filters()}).items()
    }


def tallied(sums: Iterable[Sum], home_currency: str) -> Tally:
    """The sums as one tally."""
    tally = Tally(home_currency)
    for each in sums:
        tally.add_sum(each)
    return tally


def _spent(tally: Tally) -> Spent:
    return Spent(
        cost=tally.cost,
        generations=tally.generations,
        unpriced=tally.unpriced,
        left_out=tally.amounts_left_out(),
    )


def _total(tally: Tally) -> Total:
    return Total(
        cost=tally.cost,
        generations=tally.generations,
        cost_per_generation=_over(tally.nanos[Kind.INTERNAL], tally.priced, tally.currency),
        internal=tally.of_kind(Kind.INTERNAL),
        external=tally.of_kind(Kind.EXTERNAL),
        pool=tally.of_kind(Kind.POOL),
        unpriced=tally.unpriced,
        pending=tally.running(),
        unmatched=tally.unmatched,
        left_out=tally.amounts_left_out(),
    )


def _part(key: str | None, tally: Tally, whole: int) -> Part:
    return Part(
        key=key,
        cost=tally.cost,
        generations=tally.generations,
        share=_ratio(tally.total, whole),
        unpriced=tally.unpriced,
        left_out=tally.amounts_left_out(),
    )


def _over(nanos: int, number: int, currency: str) -> Money | None:
    if number == 0:
        return None
    quotient = EXACT.divide(Decimal(nanos), Decimal(number))
    return Money(int(quotient.to_integral_value(context=EXACT)), currency)


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, _RATIO_DIGITS) if whole > 0 else None
