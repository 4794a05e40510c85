"""Rows, and where they come from: what every kind of table is read as before anyone asks what it means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import msgspec

from trayd.intake.rejection import RefusedError, Rejection

#: A cell farther right was touched by mistake; a row up to it would be thousands of empty cells.
MOST_COLUMNS = 1000

_LOOKED_AT_ROWS = 200


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


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet as a workbook lists it.

    Attributes:
        hidden: whether people do not see it.
        read: reads its rows.
    """

    name: str
    hidden: bool
    read: Callable[[], Iterator[Row]]


def stored_sheets(encoding: str, parts: Iterable[Part], within: str, wanted: str | None) -> tuple[Sheet, ...]:
    """The sheets of a workbook that something stands in and that are not hidden, in its order.

    Args:
        encoding: the kind of workbook, for people.
        parts: all its sheets.
        within: the name of the workbook where it is one of several files; it goes before the names of sheets.
        wanted: the name of a sheet that is meant even if it is hidden.
    """
    found = []
    for part in parts:
        name = f"{within}/{part.name}" if within else part.name
        if part.hidden and name != wanted:
            continue
        width = _usual_width(part.read())
        if width:
            found.append(Sheet(encoding=encoding, delimiter="", name=name, width=width, exact=True, read=part.read))
    return tuple(found)


def too_far(line: int, column: int) -> RefusedError:
    """The refusal of a cell that stands farther right than :data:`MOST_COLUMNS`."""
    problem = f"a cell stands in column {column:,}, far beyond any table"
    return RefusedError(Rejection(line=line, problem=problem, cure="clear it and try again"))


def _usual_width(rows: Iterator[Row]) -> int:
    widths = Counter(len(row.cells) for row in islice(rows, _LOOKED_AT_ROWS) if not row.blank)
    return max(widths, key=lambda width: (widths[width], width), default=0)
