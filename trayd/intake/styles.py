"""How the dates and the amounts of a file are written: what was found, or what a person has said, checked."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from trayd.intake import amounts, dates
from trayd.intake.commands import import_with
from trayd.intake.layout import Layout
from trayd.intake.readings import Cell, Undecided, Value, settle
from trayd.intake.rejection import RefusedError, Rejection, shown
from trayd.intake.sources import SourcePreset
from trayd.intake.survey import Kinds, Survey
from trayd.intake.understanding import Answers

# One export is of a year and the next; what is spread over so many more is days that were read as years.
_NEAR, _FAR = 1, 15


class Styles(msgspec.Struct, frozen=True):
    """The styles that every date and every amount is read in."""

    dates: frozenset[str]
    amounts: frozenset[str]


class _Said(NamedTuple):
    """A style that was told: by an option, or by the entry of the source that the file comes from."""

    option: str
    style: str
    source: str | None


def settle_styles(file: str, layout: Layout, survey: Survey, answers: Answers, preset: SourcePreset | None) -> Styles:
    """The styles of a file.

    Args:
        file: its name, for the command in a refusal.
        layout: its columns.
        survey: what they hold.
        answers: what a person has said of the file.
        preset: the known source that it comes from, which may say how it writes them.

    Raises:
        RefusedError: dates or amounts read in two ways, or what was said fits none of them.
    """
    if date_order := answers.date_order or (preset.date_order if preset else None):
        known = None if answers.date_order or preset is None else preset.name
        date_styles = _as_said(file, layout, "date", _Said("--date-order", date_order, known), survey.dates)
    else:
        date_styles = _settled_dates(file, layout, survey)
    amount_field = layout.amount_field
    if decimal := answers.decimal or (preset.decimal if preset else None):
        known = None if answers.decimal or preset is None else preset.name
        amount_styles = _as_said(file, layout, amount_field, _Said("--decimal", decimal, known), survey.amounts)
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
    if isinstance(found, Undecided) and not found.against:
        found = settle(_of_few_years(survey), dates.STYLES)
    if isinstance(found, Undecided):
        raise _two_ways(file, layout.name("date"), found, dates.STYLE_NAMES, "--date-order")
    return found


def _of_few_years(survey: Survey) -> list[Cell[date]]:
    """The dates without readings that stretch over decades where another one keeps within a year and the next.

    In ``03/11/26``, ``20/11/26`` and ``28/11/26`` the last number is the year: days differ, years hardly do.
    """
    possible = frozenset(dates.STYLES).intersection(*(cell.readings for cell in survey.dates.cells))
    spans = {style: max(survey.years[style]) - min(survey.years[style]) for style in possible}
    near = {style for style, span in spans.items() if span <= _NEAR}
    left = {style for style, span in spans.items() if span < _FAR or not near}
    return [
        msgspec.structs.replace(cell, readings={style: day for style, day in cell.readings.items() if style in left})
        for cell in survey.dates.cells
    ]


def _as_said(file: str, layout: Layout, field: str, said: _Said, kinds: Kinds[Value]) -> frozenset[str]:
    cells = kinds.cells
    if cells and not any(said.style in cell.readings for cell in cells):
        cell = cells[0]
        command = import_with(file, said.option, next(iter(cell.readings)))
        if said.source:
            problem = f'no {field} in it is written as those of "{said.source}" are ({said.option} {said.style})'
            cure = f"say how they are written: {command}"
        else:
            problem = f"no {field} in it can be read with {said.option} {said.style}"
            cure = f"try {command}, or without {said.option}"
        problem = f'{problem}, such as "{shown(cell.text)}"'
        raise RefusedError(
            Rejection(line=cell.line, column=layout.name(field), value=shown(cell.text), problem=problem, cure=cure)
        )
    return frozenset({said.style})


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
