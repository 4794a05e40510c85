"""Conversion: what amounts in other currencies are in the home currency, and at which rates.

Each amount is converted exactly at the rate of its own day. Converted amounts are added exactly, and rounded once, at
the end: parts together, so that they add up to their rounded total.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from functools import reduce

import msgspec

from trayd.money import Money
from trayd.rates import Converter, Rate, RateSource

#: Rates have up to 60 digits. Products of them with amounts, and their sums, fit in whole: in whatever order things are
#: added up, the sum is the same to the last digit.
EXACT_SUMS = Context(prec=200, rounding=ROUND_HALF_EVEN)


class RateUse(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts in one currency that were converted at rates of one kind.

    Attributes:
        currency: theirs.
        amount: what they add up to, in their own currency.
        first: the first day that one of them counts on, and ``last`` the last one.
        published: the day that the newest of the rates was published for.
        source: where the rates are from.
        last_known: newer rates than these should be there by now, and are not known.
    """

    currency: str
    amount: Money
    first: date
    last: date
    published: date
    source: RateSource
    last_known: bool

    def told(self, money: Callable[[Money], str], day: Callable[[date], str]) -> str:
        """In words: ``1,200.0 kr converted at the ECB's rates of each day (3 Nov to 20 Nov)``.

        Args:
            money: writes an amount.
            day: writes a date.
        """
        return f"{money(self.amount)} converted at {self._rates_told(day)}"

    def _rates_told(self, day: Callable[[date], str]) -> str:
        bundled = self.source is RateSource.BUNDLED
        if self.last_known:
            which = "the last rate that came with trayd" if bundled else "the last known rate"
            return f"{which}, of {day(self.published)}"
        one = self.first == self.last
        if self.source is RateSource.SETTINGS:
            return "the rate fixed in the settings" if one else "the rates fixed in the settings"
        days = f"({day(self.first)} to {day(self.last)})"
        if bundled:
            # Of older years they are those of the months' ends.
            which = f"of each day or the last before it {days}"
            return (
                f"the rate of {day(self.published)} that came with trayd"
                if one
                else f"the rates {which} that came with trayd"
            )
        return f"the ECB's rate of {day(self.published)}" if one else f"the ECB's rates of each day {days}"


#: The first and the last of some days.
Days = tuple[date, date]


def days_told(days: Days, day: Callable[[date], str]) -> str:
    """In words, after the name of a currency that has no rate on them: ``on 3 Nov``, ``from 3 Nov to 20 Nov``."""
    first, last = days
    return f"on {day(first)}" if first == last else f"from {day(first)} to {day(last)}"


def converted(nanos: int, rate: Rate) -> Decimal:
    """The amount in nanos of the home currency, exact."""
    return EXACT_SUMS.multiply(Decimal(nanos), rate.factor)


def added(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    return reduce(EXACT_SUMS.add, amounts, Decimal(0))


def rounded(nanos: Decimal) -> int:
    """To a whole nano, half to even."""
    return int(nanos.to_integral_value(ROUND_HALF_EVEN, EXACT_SUMS))


def rounded_together(parts: Sequence[Decimal], total: int | None = None) -> list[int]:
    """The parts in whole nanos, which add up to their exact sum as :func:`rounded` gives it.

    Each is rounded down, and what that leaves goes to those that lost most, the first of equal ones first: the method
    of the largest remainder.

    Args:
        parts: in exact nanos.
        total: what they add up to instead: their exact sum rounded down or up, as it was when rounded with others.
    """
    floors = [int(part.to_integral_value(ROUND_FLOOR, EXACT_SUMS)) for part in parts]
    missing = (rounded(added(parts)) if total is None else total) - sum(floors)
    if missing:
        by_loss = sorted(range(len(parts)), key=lambda place: EXACT_SUMS.subtract(Decimal(floors[place]), parts[place]))
        for place in by_loss[:missing]:
            floors[place] += 1
    return floors


#: Amounts in one currency of one day.
Lots = Mapping[tuple[str, date], int]


def rates_used(lots: Lots, converter: Converter) -> tuple[RateUse, ...]:
    """The rates that these amounts are converted at: by currency, and by how sure they are."""
    uses: dict[tuple[str, bool, RateSource], RateUse] = {}
    for (currency, day), nanos in lots.items():
        rate = converter.rate(currency, day)
        if rate is not None:
            key = currency, rate.last_known, rate.source
            known = uses.get(key)
            uses[key] = RateUse(
                currency=currency,
                amount=Money(nanos + (known.amount.nanos if known else 0), currency),
                first=min(day, known.first) if known else day,
                last=max(day, known.last) if known else day,
                published=max(rate.published, known.published) if known else rate.published,
                source=rate.source,
                last_known=rate.last_known,
            )
    return tuple(uses[key] for key in sorted(uses))
