"""A first walk over all rows: how dates and amounts are written, which signs they have, which columns disagree.

It keeps one cell of each kind and counts, never the rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Generic

import msgspec

from trayd.intake import amounts, dates
from trayd.intake.amounts import Amount, Marker
from trayd.intake.columns import headings, same_name
from trayd.intake.layout import Layout
from trayd.intake.readings import Cell, Value
from trayd.intake.rows import Row
from trayd.intake.said import Said, direction_of, is_balance, is_moved, is_total, said_by, state_of
from trayd.intake.signs import Signs
from trayd.intake.told_currency import currency_of_section
from trayd.money import EXACT
from trayd.records import Kind
from trayd.texts import tidy

_STEPS = 60
_PLAIN = re.compile(r"(?:[A-Z]{3} )?-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


class Kinds(Generic[Value]):
    """One cell of each kind: cells that the same styles can read, and in which the same of these agree."""

    def __init__(self) -> None:
        self._cells: dict[tuple[tuple[str, int], ...], Cell[Value]] = {}
        self.first: Cell[Value] | None = None

    def add(self, line: int, text: str, readings: Mapping[str, Value]) -> None:
        """Looks at one cell."""
        values = list(dict.fromkeys(readings.values()))
        key = tuple((style, values.index(value)) for style, value in readings.items())
        if key not in self._cells:
            cell = Cell(line, text, readings)
            self._cells[key] = cell
            self.first = self.first or cell

    @property
    def cells(self) -> tuple[Cell[Value], ...]:
        """One of each kind."""
        return tuple(self._cells.values())


class Differing(msgspec.Struct, frozen=True):
    """Two columns that could both be the amount, in a row where they tell different ones."""

    line: int
    rival: int
    text: str
    other: str


class Entry(msgspec.Struct, frozen=True):
    """What the cells of a row say, before any style is settled.

    Attributes:
        date: the text of the date; ``other_date`` the one of another column where it is empty.
        amount: what the amount's cell says; of the column of money out where there are two.
        credit: what the column of money in says.
        words: what the row says of itself.
        description: the same; what the amounts are called where no column says anything of a row.
    """

    row: Row
    date: str
    amount_text: str
    amount: Amount
    credit_text: str
    credit: Amount
    words: str
    description: str

    @property
    def has_date(self) -> bool:
        """Whether its date is one in any style."""
        return bool(dates.read_date(self.date))

    @property
    def has_amount(self) -> bool:
        """Whether there is an amount in it."""
        return bool(self.amount.readings or self.credit.readings)


_NONE = Amount({}, empty=True)


class Cells:
    """Reads the cells of rows by a layout."""

    def __init__(self, layout: Layout, *, exact: bool) -> None:
        self._layout = layout
        self._exact = exact
        self._main = layout.amount_field
        self._has_credit = "credit" in layout.fields
        self._sources = tuple(layout.wording)

    def entry(self, row: Row) -> Entry:
        """What a row's cells say."""
        layout = self._layout
        text = layout.cell(row, self._main)
        credit_text = layout.cell(row, "credit") if self._has_credit else ""
        words = self._words(row)
        return Entry(
            row=row,
            date=self._date(row),
            amount_text=text,
            amount=self._scaled(text, self._main),
            credit_text=credit_text,
            credit=self._scaled(credit_text, "credit") if credit_text else _NONE,
            words=words,
            # A table of days and amounts alone: what its amounts are called is all there is to say.
            description=words if self._sources else layout.name(self._main),
        )

    def refunded(self, row: Row) -> Amount:
        """How much of a row's amount came back, where a column tells."""
        refunded = self._layout.is_refunded(row)
        if refunded is not None:
            return self._scaled(self._layout.cell(row, self._main), self._main) if refunded else _NONE
        text = self._layout.cell(row, "refunded")
        return self._scaled(text, "refunded") if text else _NONE

    def _scaled(self, text: str, field: str) -> Amount:
        """What an amount's cell says, in whole units: a column of cents holds hundredths."""
        amount = self.amount(text)
        scale = self._layout.headings[self._layout.fields[field]].scale
        if not scale:
            return amount
        whole = {style: value.scaleb(scale, EXACT) for style, value in amount.readings.items()}
        return msgspec.structs.replace(amount, readings=whole)

    def amount(self, text: str) -> Amount:
        """What an amount's cell says; a number that is stored as one is written in one way only."""
        amount = amounts.read_amount(text)
        if self._exact and len(amount.readings) > 1 and _PLAIN.fullmatch(text):
            return msgspec.structs.replace(amount, readings={"point": amount.readings["point"]})
        return amount

    def _date(self, row: Row) -> str:
        text = ""
        for position in self._layout.dates:
            text = row.cells[position].strip() if position < len(row.cells) else ""
            if text:
                return text
        return text

    def _words(self, row: Row) -> str:
        """What a row says: the first group of columns that says something."""
        for group in self._sources:
            parts = dict.fromkeys(
                text for position in group if position < len(row.cells) and (text := tidy(row.cells[position]))
            )
            if parts:
                return " · ".join(parts)
        return ""


class Survey:
    """What the walk found."""

    def __init__(self, layout: Layout, cells: Cells) -> None:
        self._layout = layout
        self._cells = cells
        self.rows = 0
        self.dates = Kinds[date]()
        self.years: dict[str, set[int]] = {}
        self.other_dates = Kinds[date]()
        self.amounts = Kinds[Decimal]()
        self.signs = Signs()
        self.signs_out = Signs()
        self.steps: list[tuple[Mapping[str, Decimal], Mapping[str, Decimal]]] = []
        self.differing: Differing | None = None
        self.marked = False
        self.plus = False
        self.ways: set[Marker] = set()
        self.other_table: int | None = None
        self.sections: list[tuple[int, str]] = []
        self._section: tuple[int, str] | None = None

    def add(self, row: Row) -> None:
        """Looks at one row."""
        self.rows += 1
        layout = self._layout
        entry = self._cells.entry(row)
        readings = self._date(entry)
        for text, amount in ((entry.amount_text, entry.amount), (entry.credit_text, entry.credit)):
            # What is no cost may not make a file doubtful: a sum counts only where it shows how amounts are written.
            if amount.readings and (readings or len(set(amount.readings.values())) == 1):
                self.amounts.add(row.line, text, amount.readings)
                self.marked = self.marked or amount.marker is not None
                self.plus = self.plus or "+" in text
        if not readings or not entry.has_amount:
            self._divides(row, entry)
            return
        if self._section:
            self.sections.append(self._section)
            self._section = None
        nothing = state_of(layout.cell(row, "status")) or layout.cell(row, "type").lower() == Kind.INTERNAL
        if layout.rivals and self.differing is None and not nothing:
            self._compare(entry)
        balance = layout.cell(row, "balance")
        if balance and entry.amount.readings and len(self.steps) < _STEPS:
            self.steps.append((entry.amount.readings, amounts.read_amount(balance).readings))
        self._sign(entry)

    def _date(self, entry: Entry) -> Mapping[str, date]:
        """Looks at a row's dates, and gives the readings of the one that is meant."""
        readings = dates.read_date(entry.date)
        if readings:
            self.dates.add(entry.row.line, entry.date, readings)
            for style, day in readings.items():
                self.years.setdefault(style, set()).add(day.year)
        for position in self._layout.dates[1:]:
            if position < len(entry.row.cells) and (other := dates.read_date(entry.row.cells[position])):
                self.other_dates.add(entry.row.line, entry.row.cells[position].strip(), other)
        return readings

    def _divides(self, row: Row, entry: Entry) -> None:
        """Looks at a row that is no cost: another table may begin there, or amounts in another currency."""
        if entry.has_amount or entry.has_date:
            return
        if self.other_table is None and self._is_other_header(row):
            self.other_table = row.line
        if currency := currency_of_section(row):
            self._section = row.line, currency

    def _is_other_header(self, row: Row) -> bool:
        """Whether another table with other columns begins here."""
        mine = [heading.name for heading in self._layout.headings]
        names = headings(row.cells, "")
        fields = {heading.field for heading in names if heading.meaning and heading.meaning.sure}
        both = "date" in fields and fields & {"amount", "net", "gross", "debit"}
        return bool(both) and any(not same_name(each.name, name) for each, name in zip(names, mine, strict=False))

    def _compare(self, entry: Entry) -> None:
        """Whether another column that could be the amount tells another one."""
        for rival in self._layout.rivals:
            text = entry.row.cells[rival].strip() if rival < len(entry.row.cells) else ""
            other = self._cells.amount(text)
            mine = {value.copy_abs() for value in entry.amount.readings.values()}
            theirs = {value.copy_abs() for value in other.readings.values()}
            if mine and theirs and mine.isdisjoint(theirs):
                self.differing = Differing(entry.row.line, rival, entry.amount_text, text)

    def _sign(self, entry: Entry) -> None:
        layout, row = self._layout, entry.row
        value = next(iter(entry.amount.readings.values()), None)
        kind = layout.kind(row)
        if value is None or not value or is_total(entry.words) or is_balance(entry.words) or is_moved(kind):
            return
        status = layout.cell(row, "status")
        if state_of(status):
            return
        if "indicator" in layout.fields:
            way = direction_of(layout.cell(row, "indicator"))
            if way:
                self.ways.add(way)
            if way is not Marker.CREDIT:
                self.signs_out.add(Said.NOTHING, value, row.line, entry.amount_text)
            return
        said = said_by(entry.words, kind, layout.cell(row, "category"), status)
        if entry.amount.marker is Marker.CREDIT:
            return
        self.signs.add(said, value, row.line, entry.amount_text)
