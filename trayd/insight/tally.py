"""Tallies: running sums over records, in the home currency.

Everything that shows totals adds records up here, so that a tray, a report and an export never disagree. What is in
another currency is kept by its day and converted when the tally is read, exactly; a sum is rounded once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, tzinfo
from decimal import Decimal
from typing import NamedTuple, Protocol

import msgspec

from trayd.insight.conversion import (
    EXACT_SUMS,
    Days,
    RateUse,
    added,
    converted,
    rates_used,
    rounded,
    rounded_together,
)
from trayd.money import Money
from trayd.rates import Converter
from trayd.records import BucketSums, Counting, ExternalCost, Filters, Heading, Kind, Record, Sum, TimePart

#: Beside the totals, and in none of them.
BESIDE = frozenset({Counting.PENDING, Counting.UNMATCHED})
#: What fal has not billed so far.
_OPEN = (Counting.ESTIMATE, Counting.PENDING, Counting.UNKNOWN, Counting.FAILED)
#: In the sums.
PRICED = frozenset({Counting.ACTUAL, Counting.ESTIMATE})
#: Counted, and in no sum.
_UNSUMMED = frozenset({*BESIDE, Counting.FAILED})

# Copied, for to go through an enumeration takes longer, and there is a tally for each part of each breakdown.
_NONE_COUNTED = dict.fromkeys(Counting, 0)
_NOTHING = dict.fromkeys(Kind, Decimal(0))


class Pending(msgspec.Struct, frozen=True):
    """Generations that were submitted and have not ended: beside the totals.

    Attributes:
        estimated: the sum of their estimates; None where none has one.
    """

    generations: int = 0
    estimated: Money | None = None


class Sums(Protocol):
    """Where sums of records come from: a ledger, whose rollups answer without reading a record.

    In all of these, ``zone`` is the user's, in which civil days begin.
    """

    def sums(self, filters: Filters, *, zone: tzinfo, by: Collection[str] = ()) -> Iterable[Sum]:
        """What the records that are meant add up to, told apart by these fields of the heading at least."""

    def sums_by_day(
        self, filters: Filters, *, zone: tzinfo, other_than: str, by: Collection[str] = ()
    ) -> Iterable[tuple[date, Sum]]:
        """The same by the civil day that records count on, of amounts in other currencies than this one."""

    def sums_over_time(self, filters: Filters, part: TimePart, *, zone: tzinfo) -> Iterable[tuple[Heading, BucketSums]]:
        """The same in buckets of civil time; what is of one heading can come in several pieces."""


#: A sum, and the day that it is of where one has to be known to convert it.
DatedSum = tuple[date | None, Sum]


def dated_sums(
    source: Sums, filters: Filters, *, zone: tzinfo, home: str, by: Collection[str] = ()
) -> Iterator[DatedSum]:
    """What the records that are meant add up to, with the days of what is not in the home currency."""
    foreign = False
    for each in source.sums(filters, zone=zone, by=by):
        if each.heading.currency in ("", home):
            yield None, each
        else:
            foreign = True
    if foreign:
        yield from source.sums_by_day(filters, zone=zone, other_than=home, by=by)


#: What amounts in other currencies have in common: kind, how they count, currency, day. There are thousands of them.
_Lot = tuple[Kind, Counting, str, date]


class _Worth(NamedTuple):
    """A tally in the home currency: exact nanos, what they are of, and what has no rate."""

    nanos: dict[Kind, Decimal]
    exact: Decimal
    total: int
    priced: int
    estimated: Decimal
    pending: Decimal | None
    left_out: dict[tuple[Kind, str], int]


class Tally:
    """What a set of records adds up to.

    Args:
        converter: the rates of the day into the home currency.

    Attributes:
        currency: what the sums are in.
        countings: how many generations enter the totals which way.
        imported: how many external and pool costs there are.
        unpriced: generations whose cost nobody knows yet: counted, and not in the sums; those that failed and are not
            billed so far are not among them.
    """

    __slots__ = ("_converter", "_home", "_lots", "_worth", "countings", "currency", "imported", "unpriced")

    def __init__(self, converter: Converter) -> None:
        self.currency = converter.currency
        self.countings = _NONE_COUNTED.copy()
        self.imported = 0
        self.unpriced = 0
        self._converter = converter
        # By kind and counting: how many records, and their nanos; those in other currencies by day as well.
        self._home: dict[tuple[Kind, Counting], tuple[int, int]] = {}
        self._lots: dict[_Lot, tuple[int, int]] = {}
        self._worth: _Worth | None = None

    def add(self, record: Record, day: date) -> None:
        """Takes one record in, which counts on that day."""
        if isinstance(record, ExternalCost):
            self.imported += 1
            self._add(record.kind, Counting.ACTUAL, 1, record.amount.nanos, record.amount.currency, day)
            return
        counting = record.counting
        self.countings[counting] += 1
        if counting is Counting.FREE:
            self._add(Kind.INTERNAL, counting, 1, 0, self.currency, day)
            return
        amount = record.estimate.amount if counting is Counting.PENDING and record.estimate else record.cost
        if amount is not None:
            self._add(Kind.INTERNAL, counting, 1, amount.nanos, amount.currency, day)
        elif counting not in _UNSUMMED:
            self.unpriced += 1

    def add_sum(self, total: Sum, day: date | None = None) -> None:
        """Takes in what several records add up to; the same as taking each of them in.

        Args:
            total: the sum.
            day: that all of them count on; needed where they are in another currency.
        """
        heading, count, nanos = total
        kind, counting, currency = heading.kind, heading.counting, heading.currency
        if kind is not Kind.INTERNAL:
            self.imported += count
            self._add(kind, counting, count, nanos, currency, day)
            return
        self.countings[counting] += count
        if counting is Counting.FREE:
            self._add(kind, counting, count, 0, self.currency, day)
        elif counting in PRICED or (counting is Counting.PENDING and currency):
            self._add(kind, counting, count, nanos, currency, day)
        elif counting not in _UNSUMMED:
            self.unpriced += count

    def _add(self, kind: Kind, counting: Counting, count: int, nanos: int, currency: str, day: date | None) -> None:
        self._worth = None
        if currency == self.currency:
            known = self._home.get((kind, counting))
            self._home[kind, counting] = (count, nanos) if known is None else (known[0] + count, known[1] + nanos)
            return
        if day is None:
            raise ValueError(f"{currency} cannot be converted into {self.currency} without a day")
        lot = kind, counting, currency, day
        known = self._lots.get(lot)
        self._lots[lot] = (count, nanos) if known is None else (known[0] + count, known[1] + nanos)

    def merge(self, other: Tally) -> None:
        """Takes in all that the other has; both are in one currency."""
        self._worth = None
        for counting, number in other.countings.items():
            self.countings[counting] += number
        self.imported += other.imported
        self.unpriced += other.unpriced
        for place, (count, nanos) in other._home.items():
            known = self._home.get(place, (0, 0))
            self._home[place] = known[0] + count, known[1] + nanos
        for lot, (count, nanos) in other._lots.items():
            known = self._lots.get(lot, (0, 0))
            self._lots[lot] = known[0] + count, known[1] + nanos

    def _read(self) -> _Worth:
        """All of it in the home currency."""
        if self._worth is None:
            self._worth = self._converted()
        return self._worth

    def _converted(self) -> _Worth:
        nanos = _NOTHING.copy()
        priced, estimated, left_out = 0, Decimal(0), dict[tuple[Kind, str], int]()
        pending: Decimal | None = None
        for (kind, counting), count, amount in self._amounts(left_out):
            if counting is Counting.PENDING:
                pending = amount if pending is None else EXACT_SUMS.add(pending, amount)
                continue
            nanos[kind] = EXACT_SUMS.add(nanos[kind], amount)
            if kind is Kind.INTERNAL:
                priced += count
                if counting is Counting.ESTIMATE:
                    estimated = EXACT_SUMS.add(estimated, amount)
        exact = added(nanos.values())
        return _Worth(nanos, exact, rounded(exact), priced, estimated, pending, left_out)

    def _amounts(self, left_out: dict[tuple[Kind, str], int]) -> Iterator[tuple[tuple[Kind, Counting], int, Decimal]]:
        """What there is, in the home currency; what has no rate goes to ``left_out`` instead."""
        for place, (count, nanos) in self._home.items():
            yield place, count, Decimal(nanos)
        rate_of = self._converter.rate
        for (kind, counting, currency, day), (count, nanos) in self._lots.items():
            rate = rate_of(currency, day)
            if rate is not None:
                yield (kind, counting), count, converted(nanos, rate)
            elif not nanos:  # nothing is nothing in every currency
                yield (kind, counting), count, Decimal(0)
            elif counting is not Counting.PENDING:
                left_out[kind, currency] = left_out.get((kind, currency), 0) + nanos

    @property
    def exact(self) -> Decimal:
        """The sum over all kinds, in nanos, before it is rounded."""
        return self._read().exact

    @property
    def total(self) -> int:
        """The sum over all kinds, in nanos, rounded half to even."""
        return self._read().total

    @property
    def nanos(self) -> dict[Kind, int]:
        """The sums by kind, which add up to the total."""
        exact = self._read().nanos
        return dict(zip(exact, rounded_together([*exact.values()]), strict=True))

    @property
    def priced(self) -> int:
        """How many generations have a cost that is in the sums."""
        return self._read().priced

    @property
    def estimated(self) -> int:
        """The part of the sums that is estimates, in nanos."""
        return rounded(self._read().estimated)

    @property
    def generations(self) -> int:
        """How many fal requests count or would count: not those that still run or are unmatched."""
        return sum(number for counting, number in self.countings.items() if counting not in BESIDE)

    @property
    def failed(self) -> int:
        """How many of them failed or were cancelled, and are not billed so far."""
        return self.countings[Counting.FAILED]

    @property
    def unmatched(self) -> int:
        """How many events are left out until someone links them to their request."""
        return self.countings[Counting.UNMATCHED]

    @property
    def is_settled(self) -> bool:
        """Whether it stays as it is: all of it is billed by fal or free, and has a rate."""
        return not (any(self.countings[counting] for counting in _OPEN) or self.left_out)

    @property
    def cost(self) -> Money:
        """The total as money."""
        return Money(self.total, self.currency)

    @property
    def known_cost(self) -> Money | None:
        """The total as money; None where all that could be in it has no price yet, or no rate."""
        return known_or_none(self.cost, self.unpriced, self.left_out)

    @property
    def is_empty(self) -> bool:
        """Whether there is no record at all in it."""
        return not (self.imported or any(self.countings.values()))

    def of_kind(self, kind: Kind) -> Money:
        """The sum of one kind."""
        return Money(self.nanos[kind], self.currency)

    @property
    def left_out(self) -> Mapping[str, int]:
        """What has no rate: the sums by currency, in nanos."""
        return {money.currency: money.nanos for money in self.amounts_left_out()}

    def amounts_left_out(self, *kinds: Kind) -> tuple[Money, ...]:
        """The same as money, in alphabetical order; what is of these kinds, of all where none is named."""
        found: dict[str, int] = {}
        for (kind, currency), nanos in self._read().left_out.items():
            if not kinds or kind in kinds:
                found[currency] = found.get(currency, 0) + nanos
        return tuple(Money(nanos, currency) for currency, nanos in sorted(found.items()))

    def days_left_out(self) -> Mapping[str, Days]:
        """By the same currencies, the first and the last day of which an amount has no rate."""
        found: dict[str, Days] = {}
        for (_, counting, currency, day), (_, nanos) in self._lots.items():
            if nanos and counting is not Counting.PENDING and self._converter.rate(currency, day) is None:
                first, last = found.get(currency, (day, day))
                found[currency] = min(day, first), max(day, last)
        return found

    def without_rate(self, counting: Counting) -> int:
        """How many generations that enter the totals so have an amount of which no rate is known."""
        return sum(
            count
            for (kind, each, currency, day), (count, nanos) in self._lots.items()
            if kind is Kind.INTERNAL and each is counting and nanos and self._converter.rate(currency, day) is None
        )

    def lacks(self, *kinds: Kind) -> bool:
        """Whether some cost of these kinds is in no sum: it has no price yet, or no rate."""
        return (self.unpriced > 0 and Kind.INTERNAL in kinds) or any(kind in kinds for kind, _ in self._read().left_out)

    def rates(self) -> tuple[RateUse, ...]:
        """The rates that the total was made with."""
        if not self._lots:
            return ()
        lots: dict[tuple[str, date], int] = {}
        for (_, counting, currency, day), (_, nanos) in self._lots.items():
            if counting is not Counting.PENDING:
                lots[currency, day] = lots.get((currency, day), 0) + nanos
        return rates_used(lots, self._converter)

    def running(self) -> Pending:
        """What still runs; its estimate is None where none has one that can be told in the home currency."""
        pending = self._read().pending
        estimated = None if pending is None else Money(rounded(pending), self.currency)
        return Pending(generations=self.countings[Counting.PENDING], estimated=estimated)


def known_or_none(cost: Money, unpriced: int, left_out: Collection[object] = ()) -> Money | None:
    """The cost; None where it is nothing but what has no price yet, or no rate: unknown is never zero."""
    return None if not cost.nanos and (unpriced or left_out) else cost


def tallied(sums: Iterable[DatedSum], converter: Converter) -> Tally:
    """The sums as one tally."""
    tally = Tally(converter)
    for day, each in sums:
        tally.add_sum(each, day)
    return tally
