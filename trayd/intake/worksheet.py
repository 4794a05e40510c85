"""The rows of one sheet of a workbook, and the texts that its sheets share: ECMA-376 part 1, 18.3 and 18.4."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import IO

from trayd.intake.markup import damaged, local, parse, whole
from trayd.intake.number_formats import Format, shown_number
from trayd.intake.rows import MOST_COLUMNS, Row, too_far

# How a text holds characters that XML cannot: _x000D_.
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_COLUMN = re.compile(r"([A-Z]{1,3})[0-9]+")

_BOOLEANS = {"1": "TRUE", "0": "FALSE", "true": "TRUE", "false": "FALSE"}
_NO_FORMAT = Format()


def shared_texts(stream: IO[bytes]) -> tuple[str, ...]:
    """The texts that cells name by their number.

    Raises:
        RefusedError: the part is damaged.
    """
    reader = _SharedTexts()
    for _ in parse(stream, start=reader.start, end=reader.end, text=reader.text):
        pass
    return tuple(reader.texts)


def read_cells(stream: IO[bytes], texts: Sequence[str], formats: Sequence[Format], *, from_1904: bool) -> Iterator[Row]:
    """The rows of a sheet that anything stands in, with the numbers that Excel shows beside them.

    Args:
        stream: the sheet's part of the workbook.
        texts: the texts that cells name by their number.
        formats: what the number formats mean that cells name by theirs.
        from_1904: whether days are counted from 1904 on.

    Raises:
        RefusedError: the part is damaged, or a cell stands too far to the right.
    """
    reader = _Cells(texts, formats, from_1904=from_1904)
    for _ in parse(stream, start=reader.start, end=reader.end, text=reader.text):
        yield from reader.rows
        reader.rows.clear()


class _SharedTexts:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self._pieces: list[str] = []
        self._phonetic = False
        self._inside = False

    def start(self, name: str, _: dict[str, str]) -> None:
        match local(name):
            case "si":
                self._pieces = []
            case "rPh":
                self._phonetic = True
            case "t":
                self._inside = not self._phonetic

    def end(self, name: str) -> None:
        match local(name):
            case "si":
                self.texts.append(_unescaped("".join(self._pieces)))
            case "rPh":
                self._phonetic = False
            case "t":
                self._inside = False

    def text(self, text: str) -> None:
        if self._inside:
            self._pieces.append(text)


class _Cells:
    """Listens to a sheet; rows that are whole stand in ``rows``."""

    def __init__(self, texts: Sequence[str], formats: Sequence[Format], *, from_1904: bool) -> None:
        self.rows: list[Row] = []
        self._texts = texts
        self._formats = formats
        self._from_1904 = from_1904
        self._number = 0
        self._cells: list[str] = []
        self._column = 0
        self._kind = "n"
        self._format = _NO_FORMAT
        self._value: list[str] = []
        self._formula: list[str] = []
        self._has_formula = False
        self._phonetic = False
        self._into: list[str] | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match local(name):
            case "v":
                self._into = self._value
            case "c":
                self._begin_cell(attributes)
            case "row":
                self._number = whole(attributes["r"]) if "r" in attributes else self._number + 1
                self._cells = []
                self._column = 0
            case "f":
                self._has_formula = True
                self._into = self._formula
            case "t" if not self._phonetic:
                self._into = self._value
            case "rPh":
                self._phonetic = True

    def end(self, name: str) -> None:
        match local(name):
            case "v" | "f" | "t":
                self._into = None
            case "c":
                self._end_cell()
            case "row":
                if self._cells:
                    self.rows.append(Row(self._number, tuple(self._cells)))
            case "rPh":
                self._phonetic = False

    def text(self, text: str) -> None:
        if self._into is not None:
            self._into.append(text)

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        place = attributes.get("r")
        self._column = _column(place) if place else self._column + 1
        if self._column > MOST_COLUMNS:
            raise too_far(self._number, self._column)
        self._kind = attributes.get("t", "n")
        style = whole(attributes.get("s", "0"))
        self._format = self._formats[style] if style < len(self._formats) else _NO_FORMAT
        self._value = []
        self._formula = []
        self._has_formula = False

    def _end_cell(self) -> None:
        text = self._text()
        if text:
            self._cells.extend([""] * (self._column - 1 - len(self._cells)))
            self._cells.append(text)

    def _text(self) -> str:
        stored = "".join(self._value)
        if not stored:
            # Written by a program that does not calculate: nobody knows the result before Excel has opened it.
            return f"={''.join(self._formula)}" if self._has_formula and self._kind != "str" else ""
        match self._kind:
            case "n":
                text = shown_number(stored, self._format, from_1904=self._from_1904)
            case "s":
                text = self._shared(whole(stored))
            case "b":
                text = _BOOLEANS.get(stored, stored)
            case "d":
                text = stored.removesuffix("Z").removesuffix("T00:00:00").replace("T", " ")
            case _:
                text = _unescaped(stored)
        return text

    def _shared(self, number: int) -> str:
        if number >= len(self._texts):
            raise damaged()
        return self._texts[number]


def _column(place: str) -> int:
    """The column of ``C5``, counted from 1."""
    letters = _COLUMN.fullmatch(place)
    if letters is None:
        raise damaged()
    return _column_number(letters[1])


@functools.lru_cache(maxsize=MOST_COLUMNS)
def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text) if "_x" in text else text
