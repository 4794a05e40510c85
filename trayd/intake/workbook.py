"""Excel workbooks (``.xlsx``, ``.xlsm``): which sheets there are, and their rows as texts.

openpyxl reads them, a row at a time. Nothing in them is run: macros stay where they are, formulas are what Excel last
made of them. It takes time and memory to load: import this module where a workbook is, and not before.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from decimal import Context, Decimal

import msgspec
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import is_builtin
from openpyxl.utils.escape import unescape
from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from trayd.intake.archive import Zip
from trayd.intake.number_formats import currency_of
from trayd.intake.rejection import RefusedError, Rejection, printable, shown
from trayd.intake.rows import MOST_COLUMNS, Part, Row, Sheet, stored_sheets, too_far
from trayd.intake.workbook_parts import look_through, wants_calculation

AnyCell = Cell | MergedCell | ReadOnlyCell

_ENCODING = "Excel"

# Excel itself shows no more digits than these: 1.1 is stored as 1.1000000000000001.
_AS_SHOWN = Context(prec=15)

_HALF_A_SECOND = timedelta(milliseconds=500)

_SAVE_AGAIN = "open it in Excel or LibreOffice, save it again as .xlsx (or the sheet as CSV) and drop that"


class _Reader(ExcelReader):
    """Reads what rows need, and stumbles over nothing else.

    Attributes:
        places: where in the zip file the sheets with cells are.
        uncalculated: those of them that may have formulas without results.
    """

    def __init__(self, package: Zip, *, formulas: bool) -> None:
        super().__init__(io.BytesIO(package.data), read_only=True, data_only=not formulas, keep_links=False)
        self._package = package
        self.places: list[str] = []
        self.uncalculated: set[str] = set()

    def read_worksheets(self) -> None:
        """Looks the sheets through before they are opened."""
        self.places = _places(self)
        self.uncalculated = {place for place in self.places if look_through(self._package.open(place))}
        super().read_worksheets()

    def read_properties(self) -> None:
        """Leaves out who wrote the workbook, and when."""

    def read_custom(self) -> None:
        """Leaves out what a program noted of it."""

    def read_theme(self) -> None:
        """Leaves out colours and fonts."""

    def read_chartsheet(self, sheet: object, rel: object) -> None:
        """Leaves out pictures."""


class _Table(msgspec.Struct, frozen=True):
    """A sheet.

    Attributes:
        formulas: the same sheet with formulas in place of their results, where some may have none.
        zero_is_none: whether 0 is what the program that wrote the workbook puts where it has not calculated.
    """

    cells: Worksheet
    formulas: Worksheet | None
    zero_is_none: bool

    def rows(self) -> Iterator[Row]:
        """The rows that anything stands in.

        Raises:
            RefusedError: on the way, where the sheet is damaged or a cell stands too far to the right.
        """
        with _refusing():
            rows = self.cells.iter_rows()
            formulas = self.formulas.iter_rows() if self.formulas else None
        line = 0
        while True:
            with _refusing():
                row = next(rows, None)
                beside = next(formulas, None) if formulas else None
                if row is None:
                    return
                texts = [_text(cell) for cell in row]
                if beside:
                    texts = [self._or_formula(*both) for both in zip(texts, row, beside, strict=True)]
            line += 1
            while texts and not texts[-1]:
                texts.pop()
            if len(texts) > MOST_COLUMNS:
                raise too_far(line, len(texts))
            if texts:
                yield Row(line, tuple(texts))

    def _or_formula(self, text: str, cell: AnyCell, beside: AnyCell) -> str:
        """What the cell shows, or its formula where nobody knows its result before Excel has opened it."""
        if beside.data_type != "f" or cell.data_type != "n":
            return text
        unknown = cell.value is None or (self.zero_is_none and cell.value == 0)
        return str(getattr(beside.value, "text", beside.value)) if unknown else text


def workbook_sheets(package: Zip, within: str = "", wanted: str | None = None) -> tuple[Sheet, ...]:
    """The sheets that something stands in and that are not hidden, in the order of the workbook.

    Args:
        package: the workbook.
        within: the name of the workbook where it is one of several files; it goes before the names of sheets.
        wanted: the name of a sheet that is meant even if it is hidden.

    Raises:
        RefusedError: the workbook is damaged, or unusual beyond what can be read.
    """
    with _refusing():
        reader = _reader(package)
        formulas = _reader(package, formulas=True).wb if reader.uncalculated else None
        zero_is_none = wants_calculation(package.content(reader.parser.workbook_part_name))
        parts = []
        for number, (place, cells) in enumerate(zip(reader.places, reader.wb.worksheets, strict=True)):
            beside = formulas.worksheets[number] if formulas and place in reader.uncalculated else None
            table = _Table(cells, beside, zero_is_none)
            parts.append(Part(name=cells.title, hidden=cells.sheet_state != "visible", read=table.rows))
    return stored_sheets(_ENCODING, parts, within, wanted)


def _reader(package: Zip, *, formulas: bool = False) -> _Reader:
    # It warns of what it would not write again: styles, rules for input. It writes nothing here. The filter is one for
    # the process, by place: rows come while others read, and Python's own way back is not safe among threads.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")
    reader = _Reader(package, formulas=formulas)
    reader.read()
    for sheet in reader.wb.worksheets:
        # Many programs write wrong ones, and what is outside of them would be passed over.
        sheet.reset_dimensions()
    _read_money_as_such(reader.wb)
    return reader


def _places(reader: _Reader) -> list[str]:
    """Where in the zip file the sheets with cells are; openpyxl passes over those that are missing."""
    places = []
    for _, relation in reader.parser.find_sheets():
        if relation.target not in reader.valid_files:
            problem = f'the workbook is damaged: "{shown(printable(relation.target))}", a sheet of it, is missing'
            raise RefusedError(Rejection(problem=problem, cure=_SAVE_AGAIN))
        if "chartsheet" not in relation.Type:
            places.append(relation.target)
    return places


def _read_money_as_such(book: Workbook) -> None:
    """Keeps openpyxl from taking the letters of a format such as ``USD 0.00`` for day and second."""
    for sheet in book.worksheets[:1]:
        # There is no open way to tell it which styles are dates.
        dates = set(book._date_formats)  # type: ignore[attr-defined]  # noqa: SLF001
        dates -= {style for style in dates if _currency(ReadOnlyCell(sheet, 1, 1, None, style_id=style))}
        book._date_formats = dates  # type: ignore[attr-defined]  # noqa: SLF001


@contextmanager
def _refusing() -> Iterator[None]:
    """Makes a refusal of whatever openpyxl comes upon in a file that it cannot read."""
    try:
        yield
    except (RefusedError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - it says of no part of a file what it raises there
        cause = error.__cause__ or error
        told = shown(f"{type(cause).__name__}: {cause}")
        problem = f"the workbook is damaged, or unusual beyond what can be read ({told})"
        raise RefusedError(Rejection(problem=problem, cure=_SAVE_AGAIN)) from None


def _text(cell: AnyCell) -> str:
    """What a cell holds as text.

    Numbers come with a point and without groups, at the 15 digits that Excel shows; with the currency behind them
    where their format has one. Dates are year-month-day, with the time where there is one; lengths of time are hours,
    minutes and seconds.
    """
    match cell.value:
        case None:
            return ""
        case str() as text:
            return unescape(text) if "_x" in text else text
        case bool() as truth:
            return str(truth).upper()
        case int() | float() as number:
            return f"{_number(number)} {_currency(cell)}".rstrip()
        case other:
            return _when(other)


def _number(number: float) -> str:
    exact = Decimal(repr(number))
    return f"{_AS_SHOWN.plus(exact).normalize():f}" if exact.is_finite() else str(number)


def _currency(cell: AnyCell) -> str:
    code = cell.number_format
    # Those that are built in show the currency of whoever looks.
    return "" if is_builtin(code) else currency_of(code)


def _when(value: object) -> str:
    match value:
        case datetime() as at:
            return (at + _HALF_A_SECOND).replace(microsecond=0).isoformat(" ").removesuffix(" 00:00:00")
        case time() as at:
            return _clock(timedelta(hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond))
        case timedelta() as length:
            return f"-{_clock(-length)}" if length < timedelta() else _clock(length)
        case other:
            return str(other)


def _clock(length: timedelta) -> str:
    seconds = round(length.total_seconds())
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
