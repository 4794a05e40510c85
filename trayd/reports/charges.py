"""What a client is charged for the work: its cost and a markup, or the studio's own rates."""

from __future__ import annotations

from datetime import date, tzinfo
from decimal import Decimal

import msgspec

from trayd.insight.conversion import EXACT_SUMS, rounded
from trayd.insight.windows import civil_day
from trayd.money import NANOS_PER_UNIT, Money
from trayd.rates import Converter
from trayd.records import Counting, Estimate, ExternalCost, Kind, Record, Status
from trayd.report_settings import ClientTerms

_HUNDRED = Decimal(100)

#: Generations that a rate is charged for: they ran to their end, whether fal has billed them yet or not. One that
#: failed and was billed all the same has no result to charge for, only its cost.
_RAN = frozenset({Counting.ACTUAL, Counting.ESTIMATE, Counting.UNKNOWN})
_NO_RESULT = frozenset({Status.FAILED, Status.CANCELLED})

#: What an entry that is not from fal is called where its cost is hidden.
_CALLED = {Kind.EXTERNAL: "External cost", Kind.POOL: "Shared cost"}

#: What an entry is charged at, in nanos of the currency that this is said in.
_Exact = tuple[Decimal, str]


class Charges:
    """What entries are charged at, each rounded to the nano once, so that entries add up to every total exactly.

    Args:
        terms: the client's.
        converter: into the currency that charges are in.
        home: the ISO 4217 code of the home currency, which the terms' rates are in.
        zone: the user's: an entry is converted at the rate of its civil day.

    Attributes:
        used: the currencies that were converted, with the days whose rates they were converted at.
    """

    def __init__(self, terms: ClientTerms, converter: Converter, home: str, zone: tzinfo) -> None:
        self._terms = terms
        self._converter = converter
        self._home = home
        self._zone = zone
        self.used: set[tuple[str, date]] = set()
        self._factor = EXACT_SUMS.divide(EXACT_SUMS.add(_HUNDRED, terms.markup_percent), _HUNDRED)

    def charge(self, record: Record) -> Money | None:
        """What the entry is charged at; None where that is unknown, still runs, does not count, or has no rate."""
        exact = self._exact(record)
        return None if exact is None else self._converted(exact, record)

    def as_charged(self, record: Record) -> Record:
        """The entry as a client sees it whom its cost is hidden from: it costs what is charged, and says no more.

        Where there is no exchange rate it is charged in the currency that it was billed in, and left out of totals as
        such an amount always is. An entry whose charge is unknown has no cost. What is not from fal is called by where
        it is from and its category: statements of cards write what was paid into the description.
        """
        if isinstance(record, ExternalCost):
            return msgspec.structs.replace(
                record,
                amount=self._told(self._marked_up(record.amount), record),
                description=_CALLED[record.kind],
                note=None,
            )
        exact = self._exact(record)
        charge = None if exact is None else self._told(exact, record)
        counting = record.counting
        if counting is Counting.UNKNOWN and charge is not None:
            counting = Counting.ESTIMATE
        estimated = counting is Counting.ESTIMATE
        return msgspec.structs.replace(
            record,
            counting=counting,
            actual=charge if counting is Counting.ACTUAL else None,
            estimate=Estimate(charge, record.timestamp) if charge is not None and estimated else None,
            unit_price=None,
            percent_discount=None,
            units=None,
            unit=None,
            extra={},
        )

    def _converted(self, exact: _Exact, record: Record) -> Money | None:
        """That in the currency of charges; None where there is no rate."""
        nanos, currency = exact
        if currency != self._converter.currency and nanos:
            day = civil_day(record, self._zone)
            rate = self._converter.rate(currency, day)
            if rate is None:
                return None
            self.used.add((currency, day))
            nanos = EXACT_SUMS.multiply(nanos, rate.factor)
        return Money(rounded(nanos), self._converter.currency)

    def _told(self, exact: _Exact, record: Record) -> Money:
        return self._converted(exact, record) or Money(rounded(exact[0]), exact[1])

    def _exact(self, record: Record) -> _Exact | None:
        if not isinstance(record, ExternalCost) and record.counting in _RAN and record.status not in _NO_RESULT:
            rate = self._terms.rates.get(record.endpoint_id, self._terms.rate)
            if rate is not None:
                return EXACT_SUMS.multiply(rate, Decimal(NANOS_PER_UNIT)), self._home
        cost = record.cost
        return None if cost is None else self._marked_up(cost)

    def _marked_up(self, cost: Money) -> _Exact:
        return EXACT_SUMS.multiply(Decimal(cost.nanos), self._factor), cost.currency
