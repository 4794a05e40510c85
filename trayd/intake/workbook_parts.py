"""What the parts of a workbook tell before openpyxl reads them: whether it is one, and what openpyxl does not tell.

That passes over rows that are out of order without a word, walks through every row in between to one far below, and
knows no formula beside its result. Here nothing is understood, only looked for.
"""

from __future__ import annotations

import re
from typing import IO

from trayd.intake.archive import Zip
from trayd.intake.rejection import RefusedError, Rejection

_TYPES = "[Content_Types].xml"
_USUAL_PLACE = "xl/workbook.xml"

# What the list of a package's parts calls the one that makes it a workbook.
_MAIN_TYPE = re.compile(rb"(?:spreadsheetml\.(?:sheet|template)|ms-excel\.(?:sheet|template)\.macroEnabled)\.main\+xml")

_CALCULATE = re.compile(rb"\bfullCalcOnLoad\s*=\s*[\"'](?:1|true)[\"']")

_STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"

_ROW = re.compile(rb"<(?:\w+:)?row\s(?:[^<>]*?\s)?r\s*=\s*[\"'](\d{1,9})[\"']")

# A formula with nothing or 0 for its result.
_UNCALCULATED = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f(?:\s[^<>]*)?/>)\s*"
    rb"(?:</(?:\w+:)?c>|<(?:\w+:)?v\s*/>|<(?:\w+:)?v(?:\s[^<>]*)?>[0.]*</)"
)

_ROW_OR_CELL = re.compile(rb"<(?:\w+:)?(row|c)[\s/>]")

# Excel's own last row and column.
_MOST_ROWS = 1 << 20
_MOST_CELLS = 1 << 14

_CHUNK = 1 << 16
# Longer than what is looked for.
_OVERLAP = 1 << 9


def is_workbook(package: Zip) -> bool:
    """Whether a zip file is a workbook.

    Raises:
        RefusedError: it is damaged.
    """
    if not package.has(_TYPES):
        return False
    return package.has(_USUAL_PLACE) or _MAIN_TYPE.search(package.content(_TYPES)) is not None


def wants_calculation(workbook: bytes) -> bool:
    """Whether a workbook's main part says that the program that wrote it has calculated nothing."""
    return _CALCULATE.search(workbook) is not None


def look_through(sheet: IO[bytes]) -> bool:
    """Whether a sheet may have formulas that were never calculated.

    Raises:
        RefusedError: it is of a form that openpyxl reads as empty, rows are out of order or beyond the last one, or one
            has more cells than there are columns: openpyxl makes room for a row at a time.
    """
    uncalculated = False
    last = cells = 0
    before = b""
    with sheet:
        while piece := sheet.read(_CHUNK):
            text = before + piece
            if _STRICT in text:
                raise _strict()
            uncalculated = uncalculated or _UNCALCULATED.search(text) is not None
            for row in _ROW.finditer(text):
                if row.end() > len(before):
                    last = _following(last, int(row[1]))
            cells = _longest(piece, cells)
            before = text[-_OVERLAP:]
    return uncalculated


def _longest(piece: bytes, cells: int) -> int:
    """How many cells the row has that the piece ends in; ``cells`` of them came before it."""
    for found in _ROW_OR_CELL.finditer(piece):
        cells = cells + 1 if found[1] == b"c" else 0
        if cells > _MOST_CELLS:
            raise _damaged(f"a row has more than {_MOST_CELLS:,} cells")
    return cells


def _following(last: int, number: int) -> int:
    if last < number <= _MOST_ROWS:
        return number
    raise _damaged(f"row {number:,} stands below row {last:,}")


def _damaged(how: str) -> RefusedError:
    cure = "open it in LibreOffice, save it again as .xlsx (or the sheet as CSV) and drop that"
    return RefusedError(Rejection(problem=f"the workbook is damaged: {how}", cure=cure))


def _strict() -> RefusedError:
    problem = 'it is a workbook of the form "Strict Open XML", which few programs read'
    return RefusedError(Rejection(problem=problem, cure='save it as "Excel workbook (.xlsx)" and drop that'))
