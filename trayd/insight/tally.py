"""Tallies: running sums over records, in one currency.

Everything that shows totals adds records up here, so that a tray, a report and an export never disagree. Integers of
nanos are added, so the sums of parts are the total exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Protocol

from trayd.errors import UsageError
from trayd.insight.status import Pending
from trayd.money import Money
from trayd.records import Counting, ExternalCost, Filters, Kind, Record, Sum

_BESIDE = frozenset({Counting.PENDING, Counting.UNMATCHED})
_PRICED = frozenset({Counting.ACTUAL, Counting.ESTIMATE})


class Sums(Protocol):
    """Where sums of records come from: a ledger, whose rollups answer without reading a record.

    In both, ``zone`` is the user's, in which civil dates begin.
    """

    def sums(self, filters: Filters, *, zone: tzinfo, by: Collection[str] = ()) -> Iterable[Sum]:
        """What the records that are meant add up to, told apart by these fields of the heading at least."""

    def sums_over_time(
        self, cuts: Sequence[datetime], labels: Sequence[str], filters: Filters, *, zone: tzinfo
    ) -> Mapping[str, Iterable[Sum]]:
        """The sums of the stretches between cuts that follow each other, by their labels."""


class Tally:
    """What a set of records adds up to.

    Attributes:
        currency: what the sums are in; amounts in others are kept apart, by currency, in ``left_out``.
        nanos: the sums by kind.
        countings: how many generations enter the totals which way.
        imported: how many external and pool costs there are.
        priced: generations whose cost is in the sums.
        unpriced: generations whose cost nobody knows yet: counted, and not in the sums.
        estimated: the part of the sums that is estimates, in nanos.
        pending: the estimates of what still runs, in nanos; None where none has one.
    """

    __slots__ = (
        "countings",
        "currency",
        "estimated",
        "imported",
        "left_out",
        "nanos",
        "pending",
        "priced",
        "unpriced",
    )

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.nanos = dict.fromkeys(Kind, 0)
        self.left_out: dict[str, int] = {}
        self.countings = dict.fromkeys(Counting, 0)
        self.imported = 0
        self.priced = 0
        self.unpriced = 0
        self.estimated = 0
        self.pending: int | None = None

    def add(self, record: Record) -> None:
        """Takes one record in."""
        if isinstance(record, ExternalCost):
            self.imported += 1
            self._add_nanos(record.kind, record.amount.currency, record.amount.nanos)
            return
        counting, cost = record.counting, record.cost
        self.countings[counting] += 1
        if cost is not None:
            if counting is Counting.FREE:
                self.priced += 1
            elif self._add_nanos(Kind.INTERNAL, cost.currency, cost.nanos):
                self.priced += 1
                if counting is Counting.ESTIMATE:
                    self.estimated += cost.nanos
        elif counting not in _BESIDE:
            self.unpriced += 1
        elif counting is Counting.PENDING and record.estimate and record.estimate.amount.currency == self.currency:
            self.pending = (self.pending or 0) + record.estimate.amount.nanos

    def add_sum(self, total: Sum) -> None:
        """Takes in what several records add up to; the same as taking each of them in."""
        heading, count, nanos = total
        if heading.kind is not Kind.INTERNAL:
            self.imported += count
            self._add_nanos(heading.kind, heading.currency, nanos)
            return
        counting = heading.counting
        self.countings[counting] += count
        if counting is Counting.FREE:
            self.priced += count
        elif counting in _PRICED:
            if self._add_nanos(Kind.INTERNAL, heading.currency, nanos):
                self.priced += count
                if counting is Counting.ESTIMATE:
                    self.estimated += nanos
        elif counting not in _BESIDE:
            self.unpriced += count
        elif counting is Counting.PENDING and heading.currency == self.currency:
            self.pending = (self.pending or 0) + nanos

    def merge(self, other: Tally) -> None:
        """Takes in all that the other has; both are in one currency."""
        for kind, nanos in other.nanos.items():
            self.nanos[kind] += nanos
        for counting, number in other.countings.items():
            self.countings[counting] += number
        for currency, nanos in other.left_out.items():
            self.left_out[currency] = self.left_out.get(currency, 0) + nanos
        self.imported += other.imported
        self.priced += other.priced
        self.unpriced += other.unpriced
        self.estimated += other.estimated
        if other.pending is not None:
            self.pending = (self.pending or 0) + other.pending

    def _add_nanos(self, kind: Kind, currency: str, nanos: int) -> bool:
        if currency == self.currency:
            self.nanos[kind] += nanos
            return True
        self.left_out[currency] = self.left_out.get(currency, 0) + nanos
        return False

    @property
    def total(self) -> int:
        """The sum over all kinds, in nanos."""
        return sum(self.nanos.values())

    @property
    def generations(self) -> int:
        """How many fal requests count or would count: not those that still run or are unmatched."""
        return sum(number for counting, number in self.countings.items() if counting not in _BESIDE)

    @property
    def unmatched(self) -> int:
        """How many events are left out until someone links them to their request."""
        return self.countings[Counting.UNMATCHED]

    @property
    def cost(self) -> Money:
        """The total as money."""
        return Money(self.total, self.currency)

    def of_kind(self, kind: Kind) -> Money:
        """The sum of one kind."""
        return Money(self.nanos[kind], self.currency)

    def amounts_left_out(self) -> tuple[Money, ...]:
        """The sums in other currencies, in alphabetical order."""
        return tuple(Money(nanos, currency) for currency, nanos in sorted(self.left_out.items()))

    def running(self) -> Pending:
        """What still runs."""
        estimated = None if self.pending is None else Money(self.pending, self.currency)
        return Pending(generations=self.countings[Counting.PENDING], estimated=estimated)


class Dimension(StrEnum):
    """By what a total can be broken down."""

    MODEL = "model"
    OPERATION = "operation"
    CLIENT = "client"
    PROJECT = "project"
    DELIVERABLE = "deliverable"
    ACCOUNT = "account"
    KEY = "key"
    DAY = "day"
    HOUR = "hour"

    @property
    def field(self) -> str:
        """The field of a sum's heading that tells its part; not for those in time."""
        return "endpoint_id" if self is Dimension.MODEL else self.value

    @property
    def in_time(self) -> bool:
        """Whether its parts follow each other, instead of being ranked by cost."""
        return self in {Dimension.DAY, Dimension.HOUR}

    @classmethod
    def named(cls, name: str) -> Dimension:
        """The dimension of that name.

        Raises:
            UsageError: there is none.
        """
        try:
            return cls(name)
        except ValueError:
            raise UsageError(f"--by {name}: there is no such breakdown", f"use one of {', '.join(cls)}") from None


def _model(record: Record, _zone: tzinfo) -> str | None:
    return None if isinstance(record, ExternalCost) else record.endpoint_id


def _operation(record: Record, _zone: tzinfo) -> str | None:
    return None if isinstance(record, ExternalCost) else record.operation


def _account(record: Record, _zone: tzinfo) -> str | None:
    return None if isinstance(record, ExternalCost) else record.account


def _key(record: Record, _zone: tzinfo) -> str | None:
    return None if isinstance(record, ExternalCost) else record.key


def _day(record: Record, zone: tzinfo) -> str:
    day = record.date if isinstance(record, ExternalCost) else record.timestamp.astimezone(zone).date()
    return day.isoformat()


def _hour(record: Record, zone: tzinfo) -> str | None:
    return None if isinstance(record, ExternalCost) else f"{record.timestamp.astimezone(zone).hour:02d}"


#: The part that a record belongs to; None where it has no such mark (a statement knows dates, not hours).
KEY_OF: Mapping[Dimension, Callable[[Record, tzinfo], str | None]] = {
    Dimension.MODEL: _model,
    Dimension.OPERATION: _operation,
    Dimension.CLIENT: lambda record, _zone: record.client,
    Dimension.PROJECT: lambda record, _zone: record.project,
    Dimension.DELIVERABLE: lambda record, _zone: record.deliverable,
    Dimension.ACCOUNT: _account,
    Dimension.KEY: _key,
    Dimension.DAY: _day,
    Dimension.HOUR: _hour,
}


class Breakdown:
    """Tallies by one dimension, over the same records as a total.

    Attributes:
        parts: the tally of each key; the key None holds what has no such mark.
    """

    __slots__ = ("_key_of", "_zone", "currency", "dimension", "parts")

    def __init__(self, dimension: Dimension, zone: tzinfo, currency: str) -> None:
        self.dimension = dimension
        self.currency = currency
        self.parts: dict[str | None, Tally] = {}
        self._key_of = KEY_OF[dimension]
        self._zone = zone

    def add(self, record: Record) -> None:
        """Takes one record in."""
        self.of(self._key_of(record, self._zone)).add(record)

    def add_sum(self, total: Sum) -> None:
        """Takes in what several records add up to."""
        self.of(getattr(total.heading, self.dimension.field)).add_sum(total)

    def of(self, key: str | None) -> Tally:
        """The tally of a part, made where there is none."""
        tally = self.parts.get(key)
        if tally is None:
            tally = self.parts[key] = Tally(self.currency)
        return tally

    def ranked(self) -> list[tuple[str | None, Tally]]:
        """The parts, by cost from the highest; those of time in their order, what has no time last."""
        if self.dimension.in_time:
            return sorted(self.parts.items(), key=lambda part: (part[0] is None, part[0] or ""))
        return sorted(self.parts.items(), key=lambda part: (-part[1].total, part[0] is None, part[0] or ""))
