"""External costs from a table: any export that people have, understood as a whole or refused with both readings.

Where the table is and which column is which comes first (:mod:`trayd.intake.header`). One walk over all rows then finds
how dates and amounts are written and which way money goes (:mod:`trayd.intake.survey`), a second one sorts them
(:mod:`trayd.intake.sorting`): every row is recorded, rejected with a reason, or named as what else it is.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from trayd.intake.header import Table, find_table
from trayd.intake.meaning import Meaning, make_out
from trayd.intake.own_exports import refuse_own_exports
from trayd.intake.rejected_rows import Identity, ReadAs, Twins, corrected, read_as, twins
from trayd.intake.rejection import RefusedError, Rejection
from trayd.intake.rows import Row
from trayd.intake.sheet import open_sheets
from trayd.intake.sorting import Sorter
from trayd.intake.sources import SourcePreset
from trayd.intake.survey import Cells, Survey
from trayd.intake.understanding import NO_ANSWERS, Answers, NamedRow, RowKind, Understanding
from trayd.records import ExternalCost

# Between two reports of how far it has come.
_ROWS_A_STEP = 2_000

_WALKS = 2


class Progress(NamedTuple):
    """How far reading has come, in rows of both walks; ``of`` is an estimate until the first is over."""

    done: int
    of: int


class RejectedRow(msgspec.Struct, frozen=True):
    """A row that was not recorded: its cells as they came, why, and of which costs it may turn out to be a twin."""

    cells: tuple[str, ...]
    rejection: Rejection
    twins: Twins


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What a table of costs says. Every row that is not blank is in one of the three.

    Attributes:
        understanding: how it was read.
        header: the names of the columns as they stand in the file; their numbers where it has none.
        costs: what is recorded.
        rejected: what should have been a cost.
        read_as: what has to stand beside a row for it to be read by itself.
        named: what is none.
    """

    understanding: Understanding
    header: tuple[str, ...]
    costs: tuple[ExternalCost, ...]
    rejected: tuple[RejectedRow, ...]
    read_as: ReadAs
    named: tuple[NamedRow, ...]


def costs_in_steps(
    name: str,
    data: bytes,
    *,
    home_currency: str,
    answers: Answers = NO_ANSWERS,
    sources: Sequence[SourcePreset] = (),
    path: str = "",
) -> Generator[Progress, None, Costs]:
    """The costs in a file, with a word now and then of how far reading has come.

    Args:
        name: the file's name, for the records.
        data: its content.
        home_currency: the currency of amounts that tell none.
        answers: what a person has said of it; it wins over what the file shows.
        sources: the person's own presets; they win over those that come with trayd.
        path: the file as the person would name it in a command; without it by its name alone.

    Raises:
        RefusedError: there is no table in it, it is packed or quoted in a way that cannot be read, dates, amounts,
            signs or columns read in two ways, or an answer does not fit it.
    """
    table, make_out, recorded = _table(name, data, path or name, answers, sources, home_currency)
    cells = Cells(table.layout, exact=table.sheet.exact)

    survey = Survey(table.layout, cells)
    lines = data.count(b"\n") + 1
    for row in table.sheet.rows():
        if row.line > table.begins and not row.blank:
            survey.add(row)
            if survey.rows % _ROWS_A_STEP == 0:
                yield Progress(survey.rows, _WALKS * max(lines, survey.rows))
    meaning, understanding = make_out(survey)

    sorter = Sorter(meaning, cells)
    costs: list[ExternalCost] = []
    rejected: list[tuple[Row, Rejection]] = []
    named: list[NamedRow] = []
    occurrences: Counter[Identity] = Counter(recorded)
    done = 0
    for row in table.sheet.rows():
        if row.blank:
            continue
        if row.line <= table.begins:
            named.append(NamedRow(row.line, RowKind.HEADER if row.line == table.layout.line else RowKind.PREAMBLE))
            continue
        done += 1
        if done % _ROWS_A_STEP == 0:
            yield Progress(survey.rows + done, _WALKS * survey.rows)
        try:
            sorted_row = sorter.sort(row)
        except RefusedError as error:
            rejected.append((row, msgspec.structs.replace(error.rejection, line=row.line)))
            continue
        if isinstance(sorted_row, NamedRow):
            named.append(sorted_row)
            continue
        identity = _identity(sorted_row)
        cost_id = _hash((*identity, str(occurrences[identity])))
        occurrences[identity] += 1
        costs.append(msgspec.structs.replace(sorted_row, id=cost_id, file=name, line=row.line))
    return Costs(
        understanding=msgspec.structs.replace(understanding, assumed=sorter.assumed),
        header=tuple(heading.name for heading in table.layout.headings),
        costs=tuple(costs),
        rejected=_with_twins(rejected, cells, meaning, occurrences),
        read_as=read_as(meaning, understanding),
        named=_with_footers(named, costs, rejected),
    )


def _table(
    name: str, data: bytes, file: str, answers: Answers, sources: Sequence[SourcePreset], home_currency: str
) -> tuple[Table, Callable[[Survey], tuple[Meaning, Understanding]], Mapping[Identity, int]]:
    """The table in a file, what makes out what it means once it was walked over, and what is recorded of it already."""
    sheets = open_sheets(name, data, answers.sheet)
    refuse_own_exports(sheets)
    again = corrected(sheets, sources, answers, home_currency)
    if again:
        return again.table, lambda survey: again.make_out(file, survey, answers, home_currency), dict(again.told.beside)
    table = find_table(file, sheets, answers.columns, sources, home_currency, answers.source)
    return table, lambda survey: make_out(file, table, survey, answers, home_currency), {}


def _with_twins(
    rejected: Sequence[tuple[Row, Rejection]], cells: Cells, meaning: Meaning, counted: Mapping[Identity, int]
) -> tuple[RejectedRow, ...]:
    by_text: defaultdict[str, list[tuple[Identity, int]]] = defaultdict(list)
    for identity, count in counted.items() if rejected else ():
        by_text[identity.description].append((identity, count))
    return tuple(
        RejectedRow(row.cells, why, twins(entry, meaning, by_text[entry.description]))
        for row, why in rejected
        for entry in (cells.entry(row),)
    )


def _with_footers(
    named: Sequence[NamedRow], costs: Sequence[ExternalCost], rejected: Sequence[tuple[Row, Rejection]]
) -> tuple[NamedRow, ...]:
    """The named rows; what would divide rows and has none below it is a footer."""
    last = max([cost.line for cost in costs[-1:]] + [row.line for row, _ in rejected[-1:]], default=0)
    return tuple(
        NamedRow(row.line, RowKind.FOOTER, row.reason) if row.what is RowKind.SECTION and row.line > last else row
        for row in named
    )


def _identity(cost: ExternalCost) -> Identity:
    amount = cost.amount
    return Identity(cost.source, cost.date.isoformat(), str(amount.nanos), amount.currency, cost.description)


def _hash(parts: tuple[str, ...]) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
