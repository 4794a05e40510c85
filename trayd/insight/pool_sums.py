"""Sums in which pool costs are replaced by their shares, as far as an answer asks for these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from trayd.records import NO_HOUR, ExternalCost, Heading, Kind, Sum, TimePart


class PoolPart(NamedTuple):
    """A pool cost, or one project's part of it.

    Attributes:
        cost: the whole, for its date and currency.
    """

    cost: ExternalCost
    heading: Heading
    nanos: int

    @classmethod
    def whole(cls, cost: ExternalCost) -> PoolPart:
        """All of a cost as one part."""
        heading = Heading(
            Kind.POOL,
            cost.counting,
            cost.amount.currency,
            client=cost.client,
            project=cost.project,
            deliverable=cost.deliverable,
        )
        return cls(cost, heading, cost.amount.nanos)


class PoolParts(NamedTuple):
    """The parts of pool costs that an answer holds; ``divided`` says that they stand for the ledger's own as well."""

    divided: bool
    parts: list[PoolPart]

    def replace(self, heading: Heading) -> bool:
        """Whether they stand for what the ledger has under this heading."""
        return self.divided and heading.kind is Kind.POOL

    def without(self, sums: Iterable[Sum]) -> Iterator[Sum]:
        """The ledger's sums less its own pool costs, where their parts stand for them."""
        return (each for each in sums if not self.replace(each.heading))

    def sums(self) -> Iterator[Sum]:
        """What the parts add up to by their headings."""
        added: dict[Heading, tuple[int, int]] = {}
        for part in self.parts:
            count, nanos = added.get(part.heading, (0, 0))
            added[part.heading] = count + 1, nanos + part.nanos
        return (Sum(heading, count, nanos) for heading, (count, nanos) in added.items())


def part_number(day: date, part: TimePart) -> int:
    """The number of the part of time that a cost of that date is in."""
    match part:
        case TimePart.DAY:
            return day.toordinal()
        case TimePart.WEEKDAY:
            return day.weekday()
        case _:
            return NO_HOUR
