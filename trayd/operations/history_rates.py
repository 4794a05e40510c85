"""Whether the amounts of an export come to the same here, in the currency that it tells its total in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date
from decimal import Decimal

from trayd.insight.conversion import EXACT_SUMS, converted, rounded
from trayd.money import Money
from trayd.operations.history_head import zone_named
from trayd.rates import Converter
from trayd.records import Kind
from trayd.reports.json_export import Head, Line, Totals, nanos_in


class ByDay:
    """What the records of an export add up to, by currency and by the day whose rate converts them.

    Args:
        head: of the export; its time zone tells the days of generations.
    """

    def __init__(self, head: Head) -> None:
        self._currency = head.currency
        self._zone = zone_named(head.time_zone) or UTC  # days then tell the rates but for some hours
        self._nanos: Counter[tuple[str, date]] = Counter()

    def add(self, line: Line) -> None:
        """Adds what a record counts."""
        if line.cost is None:
            return
        day = date.min  # of what needs no rate
        if line.cost.currency != self._currency:
            at = line.timestamp.astimezone(self._zone) if line.kind is Kind.INTERNAL else line.timestamp
            day = at.date()
        self._nanos[line.cost.currency, day] += nanos_in(line.cost)

    def note(self, totals: Totals, converter: Callable[[str], Converter]) -> str | None:
        """Both totals in words, where they differ.

        Args:
            totals: those of the export.
            converter: tells the rates that are known here, into a currency.
        """
        rates = converter(self._currency)
        sum_, lacking = Decimal(0), set[str]()
        for (currency, day), nanos in self._nanos.items():
            rate = rates.rate(currency, day) if currency != self._currency else None
            if rate is not None:
                sum_ = EXACT_SUMS.add(sum_, converted(nanos, rate))
            elif currency == self._currency:
                sum_ = EXACT_SUMS.add(sum_, nanos)
            elif nanos:
                lacking.add(currency)
        here = Money(rounded(sum_)).text()
        if here == totals.total.amount:
            return None
        without = f", without {', '.join(sorted(lacking))}, of which no rate is known here" if lacking else ""
        return (
            f"it was made with other exchange rates: the export comes to {totals.total.amount} "
            f"{self._currency}, and at the rates that are known here to {here} {self._currency}{without}"
        )
