"""What the rows of a table add up to on the way down, so that a row that sums them up is known by its figure."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import chain

# A statement sums up everything, or what went out and what came in each by itself.
_COUNTED: tuple[Callable[[Decimal], bool], ...] = (bool, lambda value: value > 0, lambda value: value < 0)


class _Sum:
    def __init__(self) -> None:
        self.total, self.rows = Decimal(0), 0

    def add(self, value: Decimal) -> None:
        self.total += value
        self.rows += 1


class Sums:
    """The sums of all rows so far and of those since the last row that was itself a sum."""

    def __init__(self) -> None:
        self._all = [_Sum() for _ in _COUNTED]
        self._section = [_Sum() for _ in _COUNTED]

    def add(self, value: Decimal) -> None:
        """Counts a row in."""
        for counts, whole, section in zip(_COUNTED, self._all, self._section, strict=True):
            if counts(value):
                whole.add(value)
                section.add(value)

    def close(self) -> None:
        """A row that is a sum stands here."""
        self._section = [_Sum() for _ in _COUNTED]

    def rows_of(self, value: Decimal) -> int:
        """How many rows that amount is the sum of, on whichever side of zero; 0 where it is the sum of none."""
        sums = chain(self._all, self._section)
        return max((each.rows for each in sums if each.total.copy_abs() == value.copy_abs()), default=0)
