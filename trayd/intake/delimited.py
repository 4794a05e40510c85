"""Delimited text as rows: RFC 4180 and the ways in which real exports stray from it.

Python's reader does the work while the quoting is sound. Where a row breaks the rules, a second reading of that one
line asks for less: a quote within quotes that was not doubled (``"12" screen"``), spaces around quotes and quotes
around a part of a cell are forgiven, if the row has as many cells as the others then. What could swallow other rows is
never forgiven: a quote that is never closed, or closed only after lines that are rows themselves, is refused by the
line on which it opens.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Iterable, Iterator

import msgspec

from trayd.intake.rejection import RefusedError, Rejection, shown
from trayd.intake.rows import Row

#: The delimiters that are looked for, and their names.
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}

_LONGEST_CELL = 100_000
_LONGEST_LINE = 1_000_000

# A page break of a printout, the mark of a text that was glued on, the end of a text in DOS.
_BEFORE_A_ROW = "\ufeff\f\x1a"

# Narrower tables have lines in their texts that look like rows by chance.
_TELLING_WIDTH = 3
_DIGITS = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]+")

_QUOTES = " \"'"
_CLOSE_QUOTES = "close the quote, double the quotes that belong to the text, and try again"

_FORMULA = re.compile(r'="(.*)"', re.DOTALL)
_SEP_LINE = re.compile(r'"?sep=(.)"?')


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How the cells of a text are divided.

    Attributes:
        delimiter: between cells; empty where a line is one cell.
        quote: around cells that hold delimiters or line ends.
        escape: before a quote that belongs to the text; empty where it is doubled instead.
        width: how many cells most rows have; 0 where that is not known.
    """

    delimiter: str
    quote: str = '"'
    escape: str = ""
    width: int = 0


def separator_line(line: str) -> str:
    """The delimiter that a first line such as ``sep=;`` names, as Excel reads it; empty where it is no such line."""
    found = _SEP_LINE.fullmatch(line.strip(" \r\n\ufeff"))
    return found[1] if found else ""


def read_rows(lines: Iterable[str], dialect: Dialect) -> Iterator[Row]:
    """The rows of a text; blank lines are rows, too.

    Args:
        lines: with their ends.
        dialect: how cells are divided.

    Raises:
        RefusedError: rows cannot be told apart; it names the line.
    """
    if not dialect.delimiter:
        return (Row(number, (line.strip("\r\n"),)) for number, line in enumerate(_begun(lines), start=1))
    return _divided(lines, dialect)


def is_sound(lines: Iterable[str], dialect: Dialect) -> bool:
    """Whether all quotes of the text are where the dialect has them; what is cut off at the end does not matter."""
    reader = _reader(lines, dialect)
    try:
        for _ in reader:
            pass
    except csv.Error as error:
        return "unexpected end" in str(error)
    return True


def _reader(lines: Iterable[str], dialect: Dialect) -> Iterator[list[str]]:
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape or None,
        skipinitialspace=True,
        strict=True,
    )


def _divided(lines: Iterable[str], dialect: Dialect) -> Iterator[Row]:
    # The physical lines of the row that is being read.
    taken: list[str] = []
    reader = _reader(_kept(_begun(lines), taken), dialect)
    number = 1
    while True:
        try:
            # After an error it goes on with the next line.
            cells = next(reader, None)
        except csv.Error:
            cells = _forgiven(number, taken, dialect)
        if cells is None:
            return
        if number == 1 and separator_line(taken[0]):
            cells = [taken[0].strip("\r\n")]
        elif len(taken) > 1:
            _refuse_swallowed(number, taken, cells, dialect)
        if len(taken) > 1 or len(taken[0]) > _LONGEST_CELL:
            _refuse_long(number, cells)
        if any('="' in line for line in taken):
            cells = [formula[1] if (formula := _FORMULA.fullmatch(cell)) else cell for cell in cells]
        yield Row(number, tuple(cells))
        number += len(taken)
        taken.clear()


def _begun(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if len(line) > _LONGEST_LINE:
            problem = f"the line has {len(line):,} characters, more than any row of a table"
            raise RefusedError(Rejection(line=number, problem=problem, cure="export it again as CSV and try again"))
        yield line.lstrip(_BEFORE_A_ROW) if line[0] in _BEFORE_A_ROW else line


def _kept(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def _forgiven(number: int, taken: list[str], dialect: Dialect) -> list[str]:
    """The cells of a row that breaks the rules on its first line, where it can be divided in one way only.

    Either quotes within quotes were not doubled, or the quotes are part of the text.
    """
    if len(taken) == 1 and not dialect.escape:
        line = taken[0].rstrip("\r\n")
        readings = [_tokens(line, pattern) for pattern in _patterns(dialect.delimiter, dialect.quote)]
        fitting = [cells for cells in readings if cells and dialect.width in {0, len(cells)}]
        if fitting and (not dialect.width or len({_unquoted(cells) for cells in fitting}) == 1):
            return list(fitting[0])
    problem = "a quote that opens in the row that begins here is not closed as it should be"
    raise _broken(number, problem, taken[0], dialect)


@functools.cache
def _patterns(delimiter: str, quote: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    d, q = re.escape(delimiter), re.escape(quote)
    end = rf"(?={d}|\Z)"
    undoubled = rf" *{q}((?:[^{q}]|{q}{q}|{q}(?! *{end}))*+){q} *{end}"
    sound = rf" *{q}((?:[^{q}]|{q}{q})*+){q} *{end}"
    literal = rf" *([^{d}]*)"
    return re.compile(f"{undoubled}|(?! *{q}){literal}"), re.compile(f"{sound}|{literal}")


def _tokens(line: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    """The cells of a line by the pattern of one; none where it does not fit all along."""
    cells = []
    at = 0
    while found := pattern.match(line, at):
        quoted, plain = found.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        if found.end() == len(line):
            return tuple(cells)
        at = found.end() + 1
    return ()


def _unquoted(cells: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(cell.strip(_QUOTES) for cell in cells)


def _refuse_swallowed(number: int, taken: list[str], cells: list[str], dialect: Dialect) -> None:
    """Refuses a row over several lines of which one, by itself, looks just like a row."""
    if dialect.width < _TELLING_WIDTH:
        return
    for offset, line in enumerate(taken[1:], start=1):
        alone = line.rstrip("\r\n").split(dialect.delimiter)
        if len(alone) == dialect.width and _shape(alone[0]) == _shape(cells[0]) and _shape(alone[0]).strip("a "):
            problem = f"a quote that opens in the row that begins here is still open on line {number + offset}"
            raise _broken(number, f"{problem}, which looks like a row of its own", taken[0], dialect)


def _shape(cell: str) -> str:
    return _LETTERS.sub("a", _DIGITS.sub("0", cell.strip(_QUOTES)))


def _refuse_long(number: int, cells: list[str]) -> None:
    longest = max(cells, key=len, default="")
    if len(longest) > _LONGEST_CELL:
        problem = f"a cell of the row that begins here has {len(longest):,} characters"
        raise RefusedError(Rejection(line=number, value=shown(longest), problem=problem, cure=_CLOSE_QUOTES))


def _broken(number: int, problem: str, line: str, dialect: Dialect) -> RefusedError:
    cells = f"cells are separated by {DELIMITERS.get(dialect.delimiter, dialect.delimiter)}s"
    cure = f"{_CLOSE_QUOTES} ({cells})"
    return RefusedError(Rejection(line=number, value=shown(line.strip()), problem=problem, cure=cure))
