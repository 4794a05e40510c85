"""Shares of shared costs that are not final: what else is done in their period changes them. Told in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from trayd.insight.pools import Unsettled, whole_id
from trayd.records import ExternalCost, Kind, Record
from trayd.reports.words import listed


class OpenShares:
    """Such shares, while an export is made.

    Args:
        unsettled: tells of a pool cost, or a share of one, what can change it; None where it is final.
    """

    def __init__(self, unsettled: Callable[[ExternalCost], Unsettled | None]) -> None:
        self._unsettled = unsettled
        self._known: dict[str, Unsettled | None] = {}
        self._found: set[tuple[str, Unsettled]] = set()

    def unsettled(self, record: Record) -> Unsettled | None:
        """What can change the record by what others do; None of all but open shares. It is counted."""
        if record.kind is not Kind.POOL or not isinstance(record, ExternalCost):
            return None
        # Once for each cost: what all projects spent is gone through for it.
        whole = whole_id(record.id)
        if whole not in self._known:
            self._known[whole] = self._unsettled(record)
        unsettled = self._known[whole]
        if unsettled is not None:
            self._found.add((record.description, unsettled))
        return unsettled

    def among(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records; those that are such shares are counted as they go by."""
        for record in records:
            self.unsettled(record)
            yield record

    def told(self) -> Iterator[str]:
        """A sentence for all whose period goes on, and one for those of which not all is billed."""
        days = [unsettled.until for _, unsettled in self._found if unsettled.until]
        if days:
            yield (
                f"what is shared of {self._names(lasting=True)} is not final: work up to {max(days)} can change who "
                "bears how much of it"
            )
        if names := self._names(lasting=False):
            yield (
                f"what is shared of {names} is not final: who bears how much of it can change until all work of its "
                "period is billed"
            )

    def _names(self, *, lasting: bool) -> str:
        return listed(sorted({name for name, unsettled in self._found if bool(unsettled.until) is lasting}))
