"""trayd's own FOCUS export, known by its header: what it holds is in a ledger already, and would count twice.

Its CSV export says of each row where that is from, and is read: what fal has billed is left out of it by its request.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from trayd.intake.rejection import RefusedError, Rejection
from trayd.intake.rows import Row, Sheet

# The column that no other tool writes.
_OWN_COLUMN = "x_TraydId"

# A person may save it as a workbook, and put a title above.
_HEADER_WITHIN = 20


def refuse_own_exports(sheets: Sequence[Sheet]) -> None:
    """Looks whether a file is a FOCUS export of trayd.

    Raises:
        RefusedError: it is one.
    """
    for sheet in sheets:
        for row in _first_rows(sheet):
            if _OWN_COLUMN in row.cells:
                raise RefusedError(
                    Rejection(
                        line=row.line,
                        problem="it is a FOCUS export of trayd itself: all of it is in a ledger already",
                        cure="to take a history into another ledger, use `trayd export --format json`",
                    )
                )


def _first_rows(sheet: Sheet) -> list[Row]:
    """None where the file cannot be seen in that way."""
    try:
        return list(islice(sheet.rows(), _HEADER_WITHIN))
    except RefusedError:
        return []
