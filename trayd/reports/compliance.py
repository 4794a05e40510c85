"""The compliance badge: how many entries come from where, and whether all that is shown is settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from enum import Enum, auto
from typing import NamedTuple

from trayd.records import Counting, ExternalCost, Kind, Record
from trayd.reports.figures import Figures
from trayd.reports.missing_bills import MissingBills


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


def verdict(tracked: Tracked, figures: Figures, missing: MissingBills | None) -> tuple[str, bool]:
    """How settled the figures are, in words; and whether nothing that is shown can change by what is still to come.

    Args:
        tracked: where the records come from.
        figures: what they add up to.
        missing: of which time fal's bills are not known.
    """
    part = "" if missing and missing.every else "part of "
    rates = [each.rate for each in figures.rates if each.rate is not None]
    matters = (
        (missing is not None, f"fal's bills of {part}this period are not known"),
        (not any(tracked), "nothing is recorded in this period"),
        (not tracked.billed, "part of it is not billed yet"),
        (tracked.open_shares > 0, "part of it is not final yet"),
        (bool(figures.total.amounts_left_out()), "part of it has no exchange rate yet"),
        (any(rate.last_known for rate in rates), "part of it stands on an earlier day's exchange rate"),
    )
    still_open = next((told for is_open, told in matters if is_open), "")
    return still_open or "every cost is billed", not still_open
