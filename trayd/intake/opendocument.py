"""OpenDocument spreadsheets (``.ods``, LibreOffice): which sheets there are, and their rows as texts.

OpenDocument 1.3, part 3: 9.1 (tables) and 19.367 to 19.389 (what cells hold). Values are stored as such beside the text
that is shown, amounts of money with the code of their currency.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from trayd.intake.archive import Zip
from trayd.intake.markup import damaged, elements, local, parse, whole
from trayd.intake.number_formats import Format, shown_number
from trayd.intake.rejection import RefusedError, Rejection
from trayd.intake.rows import MOST_COLUMNS, Part, Row, Sheet, stored_sheets, too_far

_ENCODING = "OpenDocument"
_MIMETYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_CONTENT = "content.xml"
_MANIFEST = "META-INF/manifest.xml"

# A sheet ends there, with rows that are repeated to its end.
_MOST_ROWS = 1 << 20

_MOST_SPACES = 1000

_CELLS = frozenset({"table-cell", "covered-table-cell"})
_TIME = re.compile(r"PT(\d+)H(\d+)M(\d+)(?:[.,]\d+)?S")
_FRACTION = re.compile(r"[.,]\d+$")
# Formulas that failed are stored as zero by old programs.
_FAILED = ("#", "Err:")


def is_opendocument(package: Zip) -> bool:
    """Whether a zip file is a spreadsheet in that form."""
    return package.has(_CONTENT) and package.begins("mimetype", _MIMETYPE)


def opendocument_sheets(package: Zip, within: str = "", wanted: str | None = None) -> tuple[Sheet, ...]:
    """The sheets that something stands in and that are not hidden, in their order.

    Args:
        package: the spreadsheet.
        within: the name of the file where it is one of several; it goes before the names of sheets.
        wanted: the name of a sheet that is meant even if it is hidden.

    Raises:
        RefusedError: it is damaged or has a password.
    """
    if package.has(_MANIFEST) and any(found.name == "encryption-data" for found in elements(package.open(_MANIFEST))):
        problem = "it is a spreadsheet with a password"
        raise RefusedError(Rejection(problem=problem, cure="save it without the password and drop that"))
    listing = _Listing()
    for _ in parse(package.open(_CONTENT), start=listing.start, end=listing.end):
        pass
    parts = (
        Part(name=name, hidden=style in listing.hidden_styles, read=functools.partial(_rows, package, number))
        for number, (name, style) in enumerate(listing.tables)
    )
    return stored_sheets(_ENCODING, parts, within, wanted)


def _rows(package: Zip, number: int) -> Iterator[Row]:
    reader = _Cells(number)
    for _ in parse(package.open(_CONTENT), start=reader.start, end=reader.end, text=reader.text):
        yield from reader.rows
        reader.rows.clear()
        if reader.over:
            return


class _Listing:
    """Listens to a document for its tables; ``tables`` are their names and styles."""

    def __init__(self) -> None:
        self.tables: list[tuple[str, str]] = []
        self.hidden_styles: set[str] = set()
        self._style = ""
        self._depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match local(name):
            case "style":
                self._style = _plain(attributes).get("name", "")
            case "table-properties" if _plain(attributes).get("display") == "false":
                self.hidden_styles.add(self._style)
            case "table":
                # Tables can stand in cells; they belong to no sheet.
                if not self._depth:
                    plain = _plain(attributes)
                    self.tables.append((plain.get("name", ""), plain.get("style-name", "")))
                self._depth += 1

    def end(self, name: str) -> None:
        if local(name) == "table":
            self._depth -= 1


class _Cells:
    """Listens to a document for the rows of one table; those that are whole stand in ``rows``.

    Attributes:
        over: whether the table has come to its end.
    """

    def __init__(self, number: int) -> None:
        self.rows: list[Row] = []
        self.over = False
        self._before = number
        self._depth = 0
        self._line = 0
        self._repeated_rows = 1
        self._cells: list[str] = []
        self._column = 0
        self._cell: dict[str, str] = {}
        self._shown: list[str] = []
        self._paragraphs = 0
        self._reading = False
        self._annotations = 0

    @property
    def _in_table(self) -> bool:
        return self._depth == 1 and not self._before and not self.over

    def start(self, name: str, attributes: dict[str, str]) -> None:
        plain = local(name)
        if plain == "table":
            self._depth += 1
        elif not self._in_table:
            return
        elif plain in _CELLS:
            self._cell = _plain(attributes)
            self._shown = []
            self._paragraphs = 0
        elif plain == "table-row":
            self._repeated_rows = whole(_plain(attributes).get("number-rows-repeated", "1"))
            self._cells = []
            self._column = 0
        elif plain == "annotation":
            self._annotations += 1
        elif not self._annotations:
            self._text_begins(plain, attributes)

    def _text_begins(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "p":
                self._shown += ["\n"] if self._paragraphs else []
                self._paragraphs += 1
                self._reading = True
            case "s":
                self._shown.append(" " * min(whole(_plain(attributes).get("c", "1")), _MOST_SPACES))
            case "tab":
                self._shown.append("\t")
            case "line-break":
                self._shown.append("\n")

    def end(self, name: str) -> None:
        plain = local(name)
        if plain == "table":
            self._depth -= 1
            if not self._depth:
                self.over = not self._before
                self._before -= 1
        elif not self._in_table:
            return
        elif plain in _CELLS:
            self._end_cell()
        elif plain == "table-row":
            self._end_row()
        elif plain == "annotation":
            self._annotations -= 1
        elif plain == "p":
            self._reading = False

    def text(self, text: str) -> None:
        if self._reading and not self._annotations:
            self._shown.append(text)

    def _end_cell(self) -> None:
        repeated = whole(self._cell.get("number-columns-repeated", "1"))
        text = _text(self._cell, "".join(self._shown))
        if text:
            if self._column + repeated > MOST_COLUMNS:
                raise too_far(self._line + 1, self._column + repeated)
            self._cells += [""] * (self._column - len(self._cells)) + [text] * repeated
        self._column += repeated

    def _end_row(self) -> None:
        if self._cells and self._line + self._repeated_rows > _MOST_ROWS:
            raise damaged()
        if self._cells:
            cells = tuple(self._cells)
            self.rows += (Row(self._line + 1 + number, cells) for number in range(self._repeated_rows))
        self._line += self._repeated_rows


def _plain(attributes: dict[str, str]) -> dict[str, str]:
    """The attributes without their prefixes, less what LibreOffice says again in its own way."""
    return {local(name): value for name, value in attributes.items() if not name.startswith("calcext:")}


def _text(cell: dict[str, str], shown: str) -> str:
    match cell.get("value-type"):
        case "float" | "percentage" | "currency" if not shown.startswith(_FAILED):
            number_format = Format(currency=cell.get("currency", ""))
            return shown_number(cell.get("value", ""), number_format, from_1904=False)
        case "date":
            day, _, time = cell.get("date-value", "").partition("T")
            time = _FRACTION.sub("", time)
            return f"{day} {time}" if time.strip("0:") else day
        case "time" if length := _TIME.fullmatch(cell.get("time-value", "")):
            return f"{int(length[1]):02}:{int(length[2]):02}:{int(length[3]):02}"
        case "boolean":
            return cell.get("boolean-value", "").upper()
        case None:
            return shown
    return shown or cell.get("string-value", "")
