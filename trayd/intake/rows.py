"""Rows, and where they come from: what every kind of table is read as before anyone asks what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec


class Row(msgspec.Struct, frozen=True):
    """One row.

    Attributes:
        line: the line of the text that it begins on, or its number in the sheet of a workbook; both count from 1.
        cells: as they stand, not stripped; quotes that only held a cell together are gone.
    """

    line: int
    cells: tuple[str, ...]

    @property
    def blank(self) -> bool:
        """Whether there is nothing in it."""
        return not any(cell.strip() for cell in self.cells)


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """One way to see a file, or a part of it, as rows.

    Attributes:
        encoding: for people: ``UTF-8``, ``Windows-1252``; ``Excel`` for a workbook.
        delimiter: ``comma``, ``semicolon``, ``tab``, ``bar``, or the character itself where the file names another;
            empty where cells are not divided by one.
        name: the sheet of a workbook or the file in an archive; empty where there is no choice.
        width: how many cells most rows have.
        exact: whether numbers and dates are stored as such, and so written in one way only: with a decimal point and
            no grouping, and year-month-day.
        read: reads the rows from the beginning.
    """

    encoding: str
    delimiter: str
    name: str = ""
    width: int
    exact: bool = False
    read: Callable[[], Iterator[Row]]

    def rows(self) -> Iterator[Row]:
        """Every row, blank ones too, from the beginning each time; none is kept.

        Raises:
            RefusedError: on the way, where rows can no longer be told apart; it names the line.
        """
        return self.read()
