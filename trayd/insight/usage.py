"""Usage: what was spent in a window, how it breaks down, and whether it rises or falls."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from decimal import Decimal

import msgspec

from trayd.insight.status import Pending, Spent
from trayd.insight.tally import Breakdown, Dimension, Tally
from trayd.insight.windows import SLIDING, Bounds, Window
from trayd.money import EXACT, Money
from trayd.records import Kind, Record

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
    records: Iterable[Record],
    *,
    window: Window,
    by: Dimension | str | None,
    zone: tzinfo,
    home_currency: str,
    previous: Iterable[Record] | None = None,
) -> Usage:
    """The usage of a window, from the records in it.

    Args:
        records: those whose instant is in the window.
        window: the window itself.
        by: the dimension of the breakdown, if any.
        zone: the user's, for days and hours.
        home_currency: what totals are in.
        previous: the records of the window before; None where they are not known.

    Raises:
        UsageError: there is no such dimension.
    """
    total = Tally(home_currency)
    breakdown = Breakdown(Dimension.named(by), zone, home_currency) if by else None
    for record in records:
        total.add(record)
        if breakdown is not None:
            breakdown.add(record)
    before = Tally(home_currency)
    for record in previous or ():
        before.add(record)
    return Usage(
        window=window.bounds,
        total=_total(total),
        average_per_day=_over(total.total, window.days, home_currency),
        trend=_ratio(total.total - before.total, before.total),
        by=tuple(_part(key, tally, total.total) for key, tally in breakdown.ranked()) if breakdown else (),
    )


def spent(records: Iterable[Record], now: datetime, zone: tzinfo, home_currency: str) -> dict[str, Spent]:
    """What was spent in the last 24 hours, 7 and 30 days, and in total, up to ``now``; one pass.

    A cost of today counts from the start of the day on; one that is dated ahead counts in the total alone.
    """
    tallies = [(name, now - length, Tally(home_currency)) for name, length in SLIDING.items()]
    longest = min(since for _, since, _ in tallies)
    total = Tally(home_currency)
    for record in records:
        total.add(record)
        instant = record.instant(zone)
        if longest <= instant < now:
            for _, since, tally in tallies:
                if since <= instant:
                    tally.add(record)
    return {name: _spent(tally) for name, _, tally in tallies} | {"total": _spent(total)}


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
