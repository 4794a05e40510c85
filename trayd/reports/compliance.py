"""The compliance badge: how many entries come from where, and whether all that is shown is settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from enum import Enum, auto
from typing import NamedTuple

from trayd.records import Counting, ExternalCost, Kind, Record
from trayd.reports.figures import Figures


class _Outside(Enum):
    """What is not from fal."""

    IMPORTED = auto()
    SHARED = auto()
    OPEN_SHARE = auto()


class Tracked(NamedTuple):
    """How many entries come from where; every entry is one of these.

    Attributes:
        confirmed: fal has billed them, or had the time to and did not.
        imported: from elsewhere, and ``shared`` what is so of shared costs: shares that are final.
        open_shares: those of shared costs whose division can change.
        failed: failed or cancelled, and not billed so far.
        running: they have not ended; ``unmatched``: left out until they are linked.
    """

    confirmed: int
    estimated: int
    imported: int
    shared: int
    open_shares: int
    unpriced: int
    failed: int
    running: int
    unmatched: int

    @classmethod
    def of(cls, records: Iterable[Record], open_shares: Collection[str]) -> Tracked:
        """Counts them.

        Args:
            records: as the report shows them.
            open_shares: the ids of those that are shares and not final.
        """
        counted: Counter[Counting | _Outside] = Counter()
        for record in records:
            if not isinstance(record, ExternalCost):
                counted[record.counting] += 1
            elif record.kind is Kind.POOL:
                counted[_Outside.OPEN_SHARE if record.id in open_shares else _Outside.SHARED] += 1
            else:
                counted[_Outside.IMPORTED] += 1
        return cls(
            # A request that fal had the time to bill and did not is fal's word as well.
            confirmed=counted[Counting.ACTUAL] + counted[Counting.FREE],
            estimated=counted[Counting.ESTIMATE],
            imported=counted[_Outside.IMPORTED],
            shared=counted[_Outside.SHARED],
            open_shares=counted[_Outside.OPEN_SHARE],
            unpriced=counted[Counting.UNKNOWN],
            failed=counted[Counting.FAILED],
            running=counted[Counting.PENDING],
            unmatched=counted[Counting.UNMATCHED],
        )

    @property
    def billed(self) -> bool:
        """Whether fal has billed all that it will."""
        return not (self.estimated or self.unpriced or self.failed or self.running or self.unmatched)

    def told(self) -> Iterator[tuple[str, int]]:
        """What to call each, and how many there are; what is seldom only where there is any."""
        yield "confirmed by fal", self.confirmed
        yield "estimated", self.estimated
        yield "imported", self.imported
        yield "without a price", self.unpriced
        for what, number in (
            ("shared", self.shared),
            ("shared, not final yet", self.open_shares),
            ("failed, not billed so far", self.failed),
            ("still running", self.running),
            ("unmatched", self.unmatched),
        ):
            if number:
                yield what, number


def verdict(tracked: Tracked, figures: Figures) -> tuple[str, bool]:
    """How settled the figures are, in words; and whether nothing that is shown can change by what is still to come."""
    if not any(tracked):
        return "nothing is recorded in this period", False
    if not tracked.billed:
        return "part of it is not billed yet", False
    if tracked.open_shares:
        return "part of it is not final yet", False
    if figures.total.amounts_left_out():
        return "part of it has no exchange rate yet", False
    if any(each.rate is not None and each.rate.last_known for each in figures.rates):
        return "part of it stands on an earlier day's exchange rate", False
    return "every cost is billed", True
