"""Cells that can be read in several ways, and the one way that a whole file settles on.

``1,234`` is a thousand or one and a bit; ``03/04/2026`` is in March or in April. One cell cannot tell, but all cells
of a column are written in one style, and a single ``1,234.56`` or ``20/04/2026`` settles it. Where none does, the file
is refused with both readings: an amount is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

Value = TypeVar("Value", date, Decimal)


class Cell(msgspec.Struct, Generic[Value], frozen=True):
    """A cell with the line it is on and its readings: what it means in each style in which it means something."""

    line: int
    text: str
    readings: Mapping[str, Value]

    @property
    def ambiguous(self) -> bool:
        """Whether its styles disagree."""
        return len(set(self.readings.values())) > 1


class Undecided(msgspec.Struct, Generic[Value], frozen=True):
    """No style can be settled on.

    Attributes:
        cell: one that reads in several ways.
        values: two of its readings.
        against: two other cells that are written in different styles, where that is why.
    """

    cell: Cell[Value]
    values: tuple[Value, Value]
    against: tuple[Cell[Value], ...] = ()


def settle(cells: Iterable[Cell[Value]], styles: tuple[str, ...]) -> frozenset[str] | Undecided[Value]:
    """The styles that all cells of a column can be read in and that agree on each of them.

    A cell without a reading is passed over.
    Where the cells show different styles but none of them reads in two ways, all styles are right: each cell is read
    in its own.
    """
    # Cells are told apart only by which styles they allow and which of these agree, so a few stand for all.
    kinds: dict[tuple[tuple[str, int], ...], Cell[Value]] = {}
    for cell in cells:
        if cell.readings:
            values = list(dict.fromkeys(cell.readings.values()))
            kinds.setdefault(tuple((style, values.index(value)) for style, value in cell.readings.items()), cell)
    possible = frozenset(styles)
    for cell in kinds.values():
        possible &= frozenset(cell.readings)
    doubtful = [cell for cell in kinds.values() if cell.ambiguous]
    if not possible:
        if not doubtful:
            return frozenset(styles)
        sure = [cell for cell in kinds.values() if len(cell.readings) < len(styles) and not cell.ambiguous]
        pairs = ((a, b) for a in sure for b in sure if frozenset(a.readings).isdisjoint(b.readings))
        return Undecided(doubtful[0], _two(doubtful[0].readings.values()), next(pairs, ()))
    for cell in doubtful:
        left = [value for style, value in cell.readings.items() if style in possible]
        if len(set(left)) > 1:
            return Undecided(cell, _two(left))
    return possible


def _two(values: Iterable[Value]) -> tuple[Value, Value]:
    first, second, *_ = dict.fromkeys(values)
    return first, second


def read_as(readings: Mapping[str, Value], styles: frozenset[str]) -> Value | None:
    """What a cell means in the styles that were settled on; None where it means nothing."""
    return next((value for style, value in readings.items() if style in styles), None)
