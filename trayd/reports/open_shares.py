"""Shares of shared costs that are not final: what else is done in their period changes them. Told in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from trayd.records import ExternalCost, Kind, Record
from trayd.reports.words import listed


class OpenShares:
    """Such shares, while an export is made.

    Args:
        open_until: tells of a pool cost, or a share of one, the last day that can change it; None where it is final.
    """

    def __init__(self, open_until: Callable[[ExternalCost], date | None]) -> None:
        self._open_until = open_until
        self._found: dict[str, date] = {}

    def until(self, record: Record) -> date | None:
        """The last day on which the record can change by what others do; None of all but open shares. It is counted."""
        if record.kind is not Kind.POOL or not isinstance(record, ExternalCost):
            return None
        day = self._open_until(record)
        if day is not None:
            self._found[record.description] = max(day, self._found.get(record.description, day))
        return day

    def among(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records; those that are such shares are counted as they go by."""
        for record in records:
            self.until(record)
            yield record

    def told(self) -> Iterator[str]:
        """A sentence for all of them; none where there are none."""
        if self._found:
            names = listed(sorted(self._found))
            yield (
                f"what is shared of {names} is not final: work up to {max(self._found.values())} can change who bears "
                "how much of it"
            )
