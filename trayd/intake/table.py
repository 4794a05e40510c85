"""Tables in text files: which delimiter, which line is the header, which column is which, and the rows.

Three steps that know nothing of costs: :func:`open_table` finds the dialect and the header, :class:`Table` holds which
column is which field, and :meth:`Table.rows` reads the rows, as often as they are needed, without keeping them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

import msgspec

from trayd.intake.rejection import RefusedError, Rejection, shown
from trayd.texts import tidy

DELIMITERS = (",", ";", "\t", "|")

_DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

# A cell longer than this is a quote that was never closed.
_LONGEST_CELL = 100_000


class Row(msgspec.Struct, frozen=True):
    """One row with the line it begins on."""

    line: int
    cells: list[str]

    @property
    def blank(self) -> bool:
        """Whether there is nothing in it."""
        return not any(cell.strip() for cell in self.cells)


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table with a header.

    Attributes:
        header: the names of the columns as they stand in the file.
        header_line: the line that the header begins on, counted from 1.
        columns: the position of each field that the header names.
    """

    text: str
    delimiter: str
    header: tuple[str, ...]
    header_line: int
    columns: Mapping[str, int]

    def rows(self) -> Iterator[Row]:
        """The rows under the header that are not blank.

        Raises:
            RefusedError: the quoting breaks off, so that rows cannot be told apart.
        """
        return (row for row in _read(self.text, self.delimiter) if row.line > self.header_line and not row.blank)

    def cell(self, row: Row, field: str) -> str:
        """The text of a field in a row, without spaces around it; empty where the row or the table has none."""
        position = self.columns.get(field)
        return row.cells[position].strip() if position is not None and position < len(row.cells) else ""


def open_table(text: str, names: Mapping[str, str], required: tuple[str, ...]) -> Table:
    """The table in the text.

    Args:
        text: the whole text of the file.
        names: the field that each column name stands for, in lower case.
        required: the fields that have to be there.

    Raises:
        RefusedError: there is no text, no header with all required columns, or two columns for one field.
    """
    headers = [(delimiter, row) for delimiter in DELIMITERS if (row := _first_row(text, delimiter)) is not None]
    if not headers:
        raise RefusedError(Rejection(problem="the file is empty", cure="drop a file with a header and rows"))

    def fields(row: Row) -> list[tuple[str, int]]:
        named = ((names.get(tidy(cell).lower()), position) for position, cell in enumerate(row.cells))
        return [(field, position) for field, position in named if field is not None]

    delimiter, row = max(headers, key=lambda header: len(fields(header[1])))
    found = fields(row)
    columns = dict(found)
    missing = [field for field in required if field not in columns]
    if missing:
        lacking = " and ".join(f'"{field}"' for field in missing)
        there = ", ".join(f'"{shown(cell.strip())}"' for cell in row.cells[:20])
        raise RefusedError(
            Rejection(
                line=row.line,
                problem=f"the header has no column {lacking}; its columns are {there}",
                cure=f"name the columns {', '.join(required)} and try again",
            )
        )
    if len(columns) < len(found):
        twice = next(field for field, _ in found if [name for name, _ in found].count(field) > 1)
        raise RefusedError(
            Rejection(
                line=row.line,
                column=twice,
                problem=f'two columns are called "{twice}"',
                cure="rename the one that is not meant and try again",
            )
        )
    return Table(text=text, delimiter=delimiter, header=tuple(row.cells), header_line=row.line, columns=columns)


def _first_row(text: str, delimiter: str) -> Row | None:
    try:
        return next((row for row in _read(text, delimiter) if not row.blank), None)
    except RefusedError:
        return None


def _read(text: str, delimiter: str) -> Iterator[Row]:
    # Without strict, a quote that is never closed would swallow the rest of the file as one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    csv.field_size_limit(_LONGEST_CELL)
    line = 1
    try:
        for cells in reader:
            yield Row(line, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        problem = f"the quoting of the row that begins here is broken ({error})"
        cure = f'close or double its quotes ("), rows are separated by {_DELIMITER_NAMES[delimiter]}, and try again'
        raise RefusedError(Rejection(line=line, problem=problem, cure=cure)) from None
