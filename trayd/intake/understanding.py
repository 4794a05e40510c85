"""How a table was understood: what each column means, how dates and amounts are written, what every other row is.

Plain data, made by the reader of tables, shown by ``trayd import --dry-run`` and named in rejections.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

DateOrder = Literal["dmy", "mdy", "ymd"]
DecimalMark = Literal["point", "comma"]
Spending = Literal["positive", "negative"]


class Answers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person has said of a file that could be read in two ways; None leaves it to the file.

    Attributes:
        source: the tool or the statement that the file comes from.
        columns: the column that is meant, by field: ``{"amount": "Net"}``; a column without a header by its number.
        date_order: day, month or year first.
        decimal: whether the point or the comma divides whole units from their parts.
        currency: the ISO 4217 code of amounts that tell none.
        spending: whether money that was spent stands above or below zero.
        sheet: the sheet of a workbook, or the file in an archive, that is meant.
    """

    source: str | None = None
    columns: dict[str, str] = {}
    date_order: DateOrder | None = None
    decimal: DecimalMark | None = None
    currency: str | None = None
    spending: Spending | None = None
    sheet: str | None = None


NO_ANSWERS = Answers()


class RowKind(StrEnum):
    """What a row is that is neither recorded nor rejected."""

    PREAMBLE = "preamble"  #: above the header
    HEADER = "header"
    SECTION = "section"  #: a line between rows that divides them, or the header once more
    FOOTER = "footer"  #: below the rows
    TOTAL = "total"  #: a sum of other rows
    LEFT_OUT = "left out"  #: it costs nothing: pending, failed, reverted, included, money that came in


class NamedRow(msgspec.Struct, frozen=True):
    """A row that is no cost, and why.

    Attributes:
        line: the line it begins on, counted from 1.
        what: its kind.
        reason: for a row that is left out, why, in a few words a person understands.
    """

    line: int
    what: RowKind
    reason: str = ""


class MeantColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column and what it means.

    Attributes:
        name: as it stands in the header; its number where there is none.
        field: the field it is read as; None where it is passed over.
    """

    name: str
    field: str | None = None


class Understanding(msgspec.Struct, frozen=True, kw_only=True):
    """How a table was read, in words for a person.

    Attributes:
        source: the tool or statement it comes from.
        known: whether its header is one that trayd knows (``assets/sources.toml``, or the user's own).
        encoding: such as ``UTF-8`` or ``Windows-1252``; ``Excel`` for a workbook.
        delimiter: what divides cells: ``comma``, ``semicolon``, ``tab``, ``bar``; empty for a workbook.
        sheet: the sheet or the file in an archive; empty where there is no choice.
        header_line: the line of the header; None where there is none.
        columns: all of them, in the order of the file.
        dates: how dates are written, with one of the file's own as an example.
        numbers: the same for amounts.
        currency: which, and what tells it: a column, a header, a sign, the setting.
        assumed: the home currency, where amounts were taken in it because nothing tells theirs; else None.
        spending: which sign spending has.
    """

    source: str
    known: bool = False
    encoding: str
    delimiter: str
    sheet: str = ""
    header_line: int | None = None
    columns: tuple[MeantColumn, ...] = ()
    dates: str = ""
    numbers: str = ""
    currency: str = ""
    assumed: str | None = None
    spending: str = ""
