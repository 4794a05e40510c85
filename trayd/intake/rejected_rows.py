"""Rows of a table that were rejected, as a table of their own: written with the reasons, read again once corrected.

One row tells little of what its whole file told: the currency above the table, the sign of what was spent, which way
dates are written. So each row carries how its file was read, and is read like that again, except where a person says
otherwise. It makes the same records as if it had been right from the start.
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice, zip_longest
from typing import NamedTuple, TypeVar

import msgspec

from trayd.intake import dates, readings
from trayd.intake.choosing import Columns
from trayd.intake.column_profile import profiled
from trayd.intake.columns import Heading, comparable, headings
from trayd.intake.header import Table
from trayd.intake.layout import Layout
from trayd.intake.meaning import Meaning, make_out
from trayd.intake.money_out import Directions, spent
from trayd.intake.rejection import RefusedError, Rejection
from trayd.intake.rows import Row, Sheet
from trayd.intake.sources import SourcePreset, known_sources, recognise
from trayd.intake.survey import Entry, Survey
from trayd.intake.understanding import Answers, DateOrder, DecimalMark, Understanding
from trayd.money import EXACT

_REASONS = ("rejected line", "rejected column", "rejected reason")
_READ_AS = "read as"

_BY_ITSELF = f'take all columns from "{_REASONS[0]}" on out, and it is read as a file of its own'

# More than a file has of one text and day, or of one text and amount; the cells of spreadsheets end somewhere.
_MOST_TWINS = 100

Style = TypeVar("Style", DateOrder, DecimalMark)


class Identity(NamedTuple):
    """What tells a cost from others; costs of one file that do not differ in it are twins."""

    source: str
    date: str
    nanos: str
    currency: str
    description: str


#: Costs, and how many a file has of each.
Twins = tuple[tuple[Identity, int], ...]


class ReadAs(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How the file was read that a row is of, as it stands beside the row.

    Attributes:
        source: of rows that do not tell their own.
        currency: of amounts that tell none; ``assumed`` whether that was the home currency for want of another.
        told_by: what told the currency, in words; ``spending`` which sign was spent, likewise.
        date_order, decimal: where the file settled on one; else each cell has to tell it by itself.
        directions: which way money went.
        header: the names of the columns.
        columns: which column is which, by their places in the header, counted from 0.
        beside: costs of the file that the row may turn out to be a twin of, and how many there are of each.
    """

    source: str
    currency: str
    assumed: bool = False
    told_by: str = ""
    spending: str = ""
    date_order: DateOrder | None = None
    decimal: DecimalMark | None = None
    directions: Directions
    header: tuple[str, ...]
    columns: Layout
    beside: Twins = ()


class Corrected(msgspec.Struct, frozen=True):
    """Rejected rows that are read again.

    Attributes:
        table: they, without what was written beside them.
        told: how the file was read that they are of.
    """

    table: Table
    told: ReadAs

    def make_out(
        self, file: str, survey: Survey, answers: Answers, home_currency: str
    ) -> tuple[Meaning, Understanding]:
        """What they mean: what their file meant, and what a person says of them; see :func:`~meaning.make_out`."""
        told = self.told
        both = Answers(
            source=answers.source or told.source,
            date_order=answers.date_order or told.date_order,
            decimal=answers.decimal or told.decimal,
            currency=answers.currency,
            spending=answers.spending or told.directions.spending,
        )
        meaning, understanding = make_out(file, self.table, survey, both, home_currency)
        if not answers.spending:
            meaning = msgspec.structs.replace(meaning, directions=told.directions)
            understanding = msgspec.structs.replace(understanding, spending=told.spending)
        if not answers.currency:
            meaning = msgspec.structs.replace(meaning, currency=told.currency, assumes=told.assumed)
            understanding = msgspec.structs.replace(understanding, currency=told.told_by)
        return meaning, understanding


def read_as(meaning: Meaning, understanding: Understanding) -> ReadAs:
    """How a file was read."""
    layout, styles = meaning.layout, meaning.styles
    return ReadAs(
        source=meaning.source,
        currency=meaning.currency,
        assumed=meaning.assumes,
        told_by=understanding.currency,
        spending=understanding.spending,
        date_order=_only(styles.dates, ("dmy", "mdy", "ymd")),
        decimal=_only(styles.amounts, ("point", "comma")),
        directions=meaning.directions,
        header=tuple(heading.name for heading in layout.headings),
        # What was doubtful in them was said, and the names stand in the header.
        columns=msgspec.structs.replace(layout, headings=(), line=None, doubt=None),
    )


def twins(entry: Entry, meaning: Meaning, alike: Iterable[tuple[Identity, int]]) -> Twins:
    """The costs of a file that a rejected row may turn out to be a twin of.

    Args:
        entry: what the row says.
        meaning: what its file means.
        alike: the costs of that file that say the same.
    """
    day = readings.read_as(dates.read_date(entry.date), meaning.styles.dates)
    value = spent(entry, meaning.layout, meaning.directions, meaning.styles.amounts)
    found = (
        (identity, count)
        for identity, count in alike
        if (day is None or identity.date == day.isoformat())
        and (value is None or Decimal(identity.nanos) == value.scaleb(9, EXACT))
    )
    return tuple(islice(found, _MOST_TWINS))


def _only(settled: frozenset[str], styles: Sequence[Style]) -> Style | None:
    return next((style for style in styles if settled == {style}), None)


def rejected_table(
    header: Sequence[str], rows: Iterable[tuple[Sequence[str], Rejection]], told: Sequence[ReadAs]
) -> str:
    """Rejected rows as a table with the reasons beside them.

    Args:
        header: the names of the columns.
        rows: their cells as they came, each with the reason.
        told: how the file was read that each is of; empty for events, which stand for themselves.
    """
    listed = list(rows)
    # A row that is wrong because it is too long keeps its cells.
    width = max([len(header), *(len(cells) for cells, _ in listed)])
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([*_padded(header, width), *_REASONS, *([_READ_AS] if told else [])])
    for (cells, rejection), read in zip_longest(listed, told):
        reasons = (rejection.line or "", rejection.column or "", rejection.reason)
        behind = [msgspec.json.encode(read).decode()] if read else []
        writer.writerow([*_padded(cells, width), *reasons, *behind])
    return out.getvalue()


def _padded(cells: Sequence[str], width: int) -> list[str]:
    return [*cells, *[""] * (width - len(cells))]


def corrected(
    sheets: Sequence[Sheet], own: Sequence[SourcePreset], answers: Answers, home_currency: str
) -> Corrected | None:
    """Rejected rows to be read again; None where the file is any other.

    Args:
        sheets: the ways to see the file.
        own: the person's own sources.
        answers: what a person says of these rows.
        home_currency: for headers that tell a currency by its sign.

    Raises:
        RefusedError: what was written beside the rows is no longer there, or does not fit them.
    """
    for sheet in sheets:
        first = _first(sheet)
        names = tuple(map(comparable, first.cells)) if first else ()
        for place in range(1, len(names) - len(_REASONS) + 1):
            if first and names[place : place + len(_REASONS)] == tuple(map(comparable, _REASONS)):
                return _corrected(sheet, first, place, own, answers, home_currency)
    return None


def _first(sheet: Sheet) -> Row | None:
    try:
        return next((row for row in sheet.rows() if not row.blank), None)
    except RefusedError:
        # This way to see the file is none; whether another is, is found out where its rows are read.
        return None


def _corrected(
    sheet: Sheet, header: Row, place: int, own: Sequence[SourcePreset], answers: Answers, home_currency: str
) -> Corrected:
    told = _told(sheet, header, place + len(_REASONS))
    there = [comparable(name) for name in _padded(header.cells[:place], len(told.header))]
    width = len(told.header)
    if there[:width] != [comparable(name) for name in told.header] or any(there[width:]):
        problem = "its columns are not those that it was written with"
        raise RefusedError(Rejection(line=header.line, problem=problem, cure=f"put them back, or {_BY_ITSELF}"))
    rows = msgspec.structs.replace(sheet, read=functools.partial(_without_reasons, sheet, place), width=width)
    layout = _layout(rows, header, told, answers, home_currency)
    preset = next((preset for preset in own if preset.name == told.source), None)
    preset = preset or recognise(told.header, (*own, *known_sources()))
    return Corrected(Table(sheet=rows, layout=layout, preset=preset, above=()), told)


def _told(sheet: Sheet, header: Row, place: int) -> ReadAs:
    """How the file was read that all the rows are of."""
    column = place if len(header.cells) > place and comparable(header.cells[place]) == comparable(_READ_AS) else None
    texts: dict[str, int] = {}
    for row in sheet.rows():
        if column is not None and row.line > header.line and column < len(row.cells) and row.cells[column].strip():
            texts.setdefault(row.cells[column].strip(), row.line)
    if not texts:
        problem = f'the column "{_READ_AS}" is missing, which tells how the file was read that these rows are of'
        raise RefusedError(Rejection(line=header.line, problem=problem, cure=f"put it back, or {_BY_ITSELF}"))
    (told, _), *others = [(_decoded(text, line), line) for text, line in texts.items()]
    recorded = dict(told.beside)
    for other, line in others:
        if msgspec.structs.replace(other, beside=told.beside) != told:
            problem = f'the column "{_READ_AS}" tells that this row is of another file than those above'
            cure = "put the rows of each file in a table of their own and try again"
            raise RefusedError(Rejection(line=line, column=_READ_AS, problem=problem, cure=cure))
        recorded |= {identity: max(count, recorded.get(identity, 0)) for identity, count in other.beside}
    return msgspec.structs.replace(told, beside=tuple(recorded.items()))


def _decoded(text: str, line: int) -> ReadAs:
    try:
        told = msgspec.json.decode(text, type=ReadAs)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        told = None
    if told is None or not _fits(told):
        problem = f'what stands in the column "{_READ_AS}" is not as trayd has written it'
        cure = f"put it back, or {_BY_ITSELF}"
        raise RefusedError(Rejection(line=line, column=_READ_AS, problem=problem, cure=cure))
    return told


def _fits(told: ReadAs) -> bool:
    """Whether the places are those of columns, and what no table is read without has one."""
    columns = told.columns
    groups = (columns.fields.values(), columns.dates, columns.rivals, *columns.wording)
    there = all(0 <= place < len(told.header) for group in groups for place in group)
    return there and bool(columns.dates) and not columns.fields.keys().isdisjoint({"amount", "debit"})


def _without_reasons(sheet: Sheet, width: int) -> Iterator[Row]:
    for row in sheet.rows():
        yield Row(row.line, row.cells[:width])


def _layout(sheet: Sheet, header: Row, told: ReadAs, answers: Answers, home_currency: str) -> Layout:
    names = headings(told.header, home_currency)
    layout = msgspec.structs.replace(told.columns, headings=names, line=header.line)
    named = dict(_named(names, sheet, answers))
    if "date" in named:
        layout = msgspec.structs.replace(layout, dates=(named.pop("date"),))
    if "description" in named:
        layout = msgspec.structs.replace(layout, wording=((named.pop("description"),), *layout.wording))
    fields = {**layout.fields, **named}
    if "amount" in named:
        # It is one column then, and no other.
        fields = {field: place for field, place in fields.items() if field not in {"debit", "credit"}}
        layout = msgspec.structs.replace(layout, rivals=())
    return msgspec.structs.replace(layout, fields=fields)


def _named(names: Sequence[Heading], sheet: Sheet, answers: Answers) -> Mapping[str, int]:
    """The columns that a person has named."""
    return Columns(names, profiled(len(names), sheet.rows()), answers.columns).named if answers.columns else {}
