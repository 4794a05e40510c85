"""How the dates and the amounts of a file are written: what was found, or what a person has said, checked."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from trayd.intake import amounts, dates
from trayd.intake.commands import import_with
from trayd.intake.layout import Layout
from trayd.intake.readings import Cell, Undecided, Value, settle
from trayd.intake.rejection import RefusedError, Rejection, shown
from trayd.intake.survey import Kinds, Survey


class Styles(msgspec.Struct, frozen=True):
    """The styles that every date and every amount is read in."""

    dates: frozenset[str]
    amounts: frozenset[str]


def settle_styles(file: str, layout: Layout, survey: Survey, date_order: str | None, decimal: str | None) -> Styles:
    """The styles of a file.

    Args:
        file: its name, for the command in a refusal.
        layout: its columns.
        survey: what they hold.
        date_order: the order that a person or a known source has told.
        decimal: the decimal mark, likewise.

    Raises:
        RefusedError: dates or amounts read in two ways, or what was said fits none of them.
    """
    if date_order:
        date_styles = _as_said(file, layout, "date", "--date-order", date_order, survey.dates)
    else:
        date_styles = _settled_dates(file, layout, survey)
    amount_field = layout.amount_field
    if decimal:
        amount_styles = _as_said(file, layout, amount_field, "--decimal", decimal, survey.amounts)
    else:
        found = settle(survey.amounts.cells, amounts.STYLES)
        if isinstance(found, Undecided):
            name = layout.name(amount_field)
            raise _two_ways(file, name, found, amounts.STYLE_NAMES, "--decimal")
        amount_styles = found
    return Styles(date_styles, amount_styles)


def style_of(styles: frozenset[str], cell: Cell[Any] | None, names: dict[str, str]) -> str:
    """How a person is told of a style: with an example, and which of the styles it is where that makes a difference."""
    if cell is None:
        return ""
    name = f", {names[next(iter(styles))]}" if len(styles) == 1 else ""
    return f"like {shown(cell.text)}{name}"


def _settled_dates(file: str, layout: Layout, survey: Survey) -> frozenset[str]:
    found = settle(survey.dates.cells, dates.STYLES)
    if isinstance(found, Undecided) and not found.against:
        # Another column of dates, of the same export, is written in the same order.
        together = settle((*survey.dates.cells, *survey.other_dates.cells), dates.STYLES)
        found = found if isinstance(together, Undecided) else together
    if isinstance(found, Undecided):
        raise _two_ways(file, layout.name("date"), found, dates.STYLE_NAMES, "--date-order")
    return found


def _as_said(file: str, layout: Layout, field: str, option: str, said: str, kinds: Kinds[Value]) -> frozenset[str]:
    cells = kinds.cells
    if cells and not any(said in cell.readings for cell in cells):
        cell = cells[0]
        others = next(iter(cell.readings))
        problem = f'no {field} in it can be read with {option} {said}, such as "{shown(cell.text)}"'
        cure = f"try {import_with(file, option, others)}, or without {option}"
        raise RefusedError(
            Rejection(line=cell.line, column=layout.name(field), value=shown(cell.text), problem=problem, cure=cure)
        )
    return frozenset({said})


def _two_ways(
    file: str, column: str, undecided: Undecided[date] | Undecided[Decimal], names: dict[str, str], option: str
) -> RefusedError:
    cell = undecided.cell
    styles = [next(style for style, reading in cell.readings.items() if reading == value) for value in undecided.values]
    first, second = (_written(value) for value in undecided.values)
    if undecided.against:
        shows = " but ".join(
            f'line {other.line} ("{shown(other.text)}") is written {names[next(iter(other.readings))]}'
            for other in undecided.against
        )
        why = f"and {shows}"
    else:
        why = "and no other line settles which"
    return RefusedError(
        Rejection(
            line=cell.line,
            column=column,
            value=shown(cell.text),
            problem=f'"{shown(cell.text)}" can be read as {first} or as {second}, {why}',
            cure=f"say which: {import_with(file, option, styles[0])} for {first}, {option} {styles[1]} for {second}",
        )
    )


def _written(value: date | Decimal) -> str:
    return f"{value.day} {value:%B %Y}" if isinstance(value, date) else f"{value:f}"
