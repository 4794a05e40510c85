"""Tables that trayd itself exported, known by their header: what they hold is in a ledger already.

Taken in again it would count twice: shares of a cost, for one, stand there in the place of that cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from trayd.export_columns import COLUMNS, CONVERTED_COLUMNS, FOCUS_ID_COLUMN
from trayd.intake.rejection import RefusedError, Rejection
from trayd.intake.rows import Row, Sheet

# All of it, in its order: a table of a person's own may have some of these names.
_CSV_HEADERS = frozenset({COLUMNS, COLUMNS + CONVERTED_COLUMNS})

# A person may save it as a workbook, and put a title above.
_HEADER_WITHIN = 20


def refuse_own_exports(sheets: Sequence[Sheet]) -> None:
    """Looks whether a file is a table that trayd exported: CSV in any style, or FOCUS.

    Raises:
        RefusedError: it is one.
    """
    for sheet in sheets:
        for row in _first_rows(sheet):
            if name := _export_with_header(row.cells):
                raise RefusedError(
                    Rejection(
                        line=row.line,
                        problem=f"it is a {name} export of trayd itself: all of it is in a ledger already",
                        cure="to take a history into another ledger, use `trayd export --format json`",
                    )
                )


def _export_with_header(cells: tuple[str, ...]) -> str:
    """The format whose header this is; empty where it is none of them."""
    if FOCUS_ID_COLUMN in cells:
        return "FOCUS"
    # Spreadsheets leave empty cells beside a table.
    return "CSV" if tuple(filter(None, cells)) in _CSV_HEADERS else ""


def _first_rows(sheet: Sheet) -> list[Row]:
    """None where the file cannot be seen in that way."""
    try:
        return list(islice(sheet.rows(), _HEADER_WITHIN))
    except RefusedError:
        return []
