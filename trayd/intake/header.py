"""Where the table is: which way to see the file, which row is the header, what stands above it.

A header is a row whose cells name a date and an amount, under which such columns hold dates and amounts. Where no row
does by names that are known, the first row that holds a date and an amount shows where the table begins, and the
columns go by what they hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

import msgspec

from trayd.intake import amounts, dates
from trayd.intake.column_profile import profiled
from trayd.intake.columns import Heading, comparable, headings
from trayd.intake.commands import import_with
from trayd.intake.layout import Layout, lay_out
from trayd.intake.rejection import RefusedError, Rejection, shown
from trayd.intake.rows import Row, Sheet
from trayd.intake.sources import SourcePreset, known_sources, recognise

# A header stands within the first rows that are not blank, and what columns hold shows in some more.
_HEADER_WITHIN = 120
_LOOKED_AT = 600

_AMOUNTS = frozenset({"amount", "net", "gross", "debit", "credit"})

# A header that is known, and one that a person has named columns of, stand above all others.
_KNOWN = 1000
_NAMED = 500

# Of several tables so many are named, and so many in a command.
_TABLES_NAMED = 5
_TABLES_IN_A_COMMAND = 12

# More columns than these are an amount and a date and something to call them by; with fewer a text is none.
_FEWEST_CELLS = 2


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table that costs can be read of.

    Attributes:
        sheet: the way to see the file.
        layout: its columns.
        preset: the source that its header is known from.
        above: the rows above the header.
    """

    sheet: Sheet
    layout: Layout
    preset: SourcePreset | None
    above: tuple[Row, ...]

    @property
    def begins(self) -> int:
        """The last line that is above the rows."""
        return self.layout.line or (self.above[-1].line if self.above else 0)


# The source that a person has told, and the person's own.
_Sources = tuple[SourcePreset | None, Sequence[SourcePreset]]


class _Candidate(msgspec.Struct, frozen=True):
    score: float
    row: Row
    preset: SourcePreset | None
    headings: tuple[Heading, ...]


def find_table(
    file: str,
    sheets: Sequence[Sheet],
    named: Mapping[str, str],
    own: Sequence[SourcePreset],
    home_currency: str,
    source: str | None = None,
) -> Table:
    """The one table of costs in a file.

    Args:
        file: its name, for the command in a refusal.
        sheets: the ways to see it, the likeliest first.
        named: the columns that a person has named, by field.
        own: the person's own sources; of those that know a header by as many columns, they come first.
        source: the name of the source, where a person has told it.
        home_currency: see :func:`~trayd.intake.layout.lay_out`.

    Raises:
        RefusedError: there is none, or there are several.
    """
    told = next((preset for preset in own if preset.name == source), None)
    found: dict[str, tuple[float, Table]] = {}
    refusals: list[RefusedError] = []
    looked_at: list[list[Row]] = []
    for sheet in sheets:
        try:
            rows = list(islice((row for row in sheet.rows() if not row.blank), _LOOKED_AT))
            looked_at.append(rows)
            table = _table(sheet, rows, named, (told, own), home_currency)
        except RefusedError as error:
            refusals.append(error)
            continue
        if table and table[0] > found.get(sheet.name, (0.0,))[0]:
            found[sheet.name] = table
    if len(found) > 1:
        raise _several(file, tuple(found))
    if found:
        return next(iter(found.values()))[1]
    if refusals:
        raise refusals[0]
    raise _no_table(file, looked_at)


def _table(
    sheet: Sheet, rows: Sequence[Row], named: Mapping[str, str], sources: _Sources, home_currency: str
) -> tuple[float, Table] | None:
    missing: RefusedError | None = None
    for candidate in _candidates(rows, named, sources, home_currency):
        meant = {**(candidate.preset.columns if candidate.preset else {}), **named}
        # Where pages begin anew the header stands once more, and is nothing that a column holds.
        under = [row for row in rows if row.line > candidate.row.line and row.cells != candidate.row.cells]
        try:
            layout = _layout(candidate.headings, candidate.row.line, under, meant, home_currency)
        except RefusedError as error:
            missing = missing or error
            continue
        if layout:
            above = tuple(row for row in rows if row.line < candidate.row.line)
            return candidate.score, Table(sheet=sheet, layout=layout, preset=candidate.preset, above=above)
    try:
        without = _by_content(sheet, rows, named, home_currency)
    except RefusedError as error:
        raise missing or error from None
    if without is None and missing:
        raise missing
    return without


def _layout(
    names: Sequence[Heading], line: int | None, rows: Sequence[Row], meant: Mapping[str, str], home_currency: str
) -> Layout | None:
    return lay_out(names, line, profiled(len(names), rows), meant, home_currency)


def _candidates(
    rows: Sequence[Row], named: Mapping[str, str], sources: _Sources, home_currency: str
) -> list[_Candidate]:
    """The rows that could be the header, the best first, and of equals the first."""
    told, own = sources
    wanted = {comparable(name) for name in named.values() if not name.isdigit()}
    found = []
    for row in rows[:_HEADER_WITHIN]:
        filled = [cell.strip() for cell in row.cells if cell.strip()]
        if len(filled) < _FEWEST_CELLS or any(_is_data(cell) for cell in filled):
            continue
        names = headings(row.cells, home_currency)
        known = [heading for heading in names if heading.meaning]
        fields = {heading.field for heading in known}
        score = sum(1.0 if heading.meaning and heading.meaning.sure else 0.3 for heading in known) / len(filled)
        score += len(fields & {"date"}) + bool(fields & _AMOUNTS)
        preset = recognise(row.cells, (*own, *known_sources()))
        if preset:
            score += _KNOWN + len(preset.header)
        if wanted and wanted.issubset(map(comparable, row.cells)):
            score += _NAMED
        if "date" in fields or fields & _AMOUNTS or len(known) >= _FEWEST_CELLS or score > _NAMED:
            found.append(_Candidate(score, row, told or preset, names))
    return sorted(found, key=lambda candidate: -candidate.score)


def _by_content(
    sheet: Sheet, rows: Sequence[Row], named: Mapping[str, str], home_currency: str
) -> tuple[float, Table] | None:
    """The table by what its columns hold, where no header tells."""
    first = next((place for place, row in enumerate(rows[:_HEADER_WITHIN]) if _is_first(row, named)), None)
    if first is None:
        return None
    row = rows[first]
    width = max(len(each.cells) for each in rows[first:])
    if first and _could_be_header(rows[first - 1], row):
        header = rows[first - 1]
        layout = _layout(headings(header.cells, home_currency), header.line, rows[first:], named, home_currency)
        if layout is None:
            return None
        return 0.5, Table(sheet=sheet, layout=layout, preset=None, above=tuple(rows[: first - 1]))
    numbers = tuple(Heading(position=place, name=str(place + 1), words=()) for place in range(width))
    layout = _layout(numbers, None, rows[first:], named, home_currency)
    if layout is None:
        return None
    return 0.1, Table(sheet=sheet, layout=layout, preset=None, above=tuple(rows[:first]))


def _is_first(row: Row, named: Mapping[str, str]) -> bool:
    """Whether a row holds a date and an amount."""
    cells = [cell.strip() for cell in row.cells]
    if place := named.get("date"):
        return place.isdigit() and int(place) <= len(cells) and bool(dates.read_date(cells[int(place) - 1]))
    has_date = [bool(dates.read_date(cell)) and not dates.is_number(cell) for cell in cells]
    has_amount = [not dated and _is_amount(cell) for cell, dated in zip(cells, has_date, strict=True)]
    return any(has_date) and any(has_amount)


def _could_be_header(row: Row, first: Row) -> bool:
    filled = [cell.strip() for cell in row.cells if cell.strip()]
    enough = len(filled) * 3 >= 2 * sum(bool(cell.strip()) for cell in first.cells)
    return len(filled) >= _FEWEST_CELLS and enough and not any(_is_data(cell) for cell in filled)


def _is_data(text: str) -> bool:
    return bool(dates.read_date(text)) or _is_amount(text)


def _is_amount(text: str) -> bool:
    return bool(amounts.read_amount(text).readings)


def _several(file: str, names: Sequence[str]) -> RefusedError:
    told = ", ".join(f'"{shown(name)}"' for name in names[:_TABLES_NAMED])
    rest = len(names) - _TABLES_NAMED
    named = names if len(names) <= _TABLES_IN_A_COMMAND else names[:_TABLES_NAMED]
    command = import_with(file, *(part for name in named for part in ("--sheet", name)))
    others = ", and the others likewise" if len(named) < len(names) else ""
    return RefusedError(
        Rejection(
            problem=f"there are costs in several tables, {told}{f' and {rest:,} more' if rest > 0 else ''}",
            cure=f"name those that are meant, such as all of them: {command}{others}",
        )
    )


def _no_table(file: str, looked_at: Sequence[Sequence[Row]]) -> RefusedError:
    rows = max(looked_at, key=lambda rows: max((len(row.cells) for row in rows[:20]), default=0), default=())
    if not rows:
        return RefusedError(Rejection(problem="the file is empty", cure="drop a file with a header and rows"))
    row = max(rows[:20], key=lambda row: (sum(bool(cell.strip()) for cell in row.cells), -row.line))
    data = any(_is_data(cell.strip()) for cell in row.cells)
    there = ", ".join(f'"{shown(cell.strip())}"' for cell in row.cells[:20])
    if data:
        problem = f"there is no header, and what its columns hold does not tell which is which; a row is {there}"
        command = import_with(file, "--column", "date=1", "--column", "amount=2")
        cure = f"say which column is the date and which the amount, counted from 1, such as {command}"
    else:
        names = headings(row.cells, "USD")
        fields = {heading.field for heading in names}
        lacking = [word for word, field in (("dates", {"date"}), ("amounts", set(_AMOUNTS))) if not fields & field] or [
            "dates and amounts"
        ]
        what = " and none of ".join(lacking)
        problem = f"it cannot be read as a table of costs: no column of {what} can be made out; its columns are {there}"
        options = [
            option
            for word in ("date", "amount")
            if f"{word}s" in "".join(lacking)
            for option in ("--column", f"{word}=NAME")
        ]
        cure = f"say which column it is: {import_with(file, *options)}"
    return RefusedError(Rejection(line=row.line, problem=problem, cure=cure))
