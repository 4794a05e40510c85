"""What must hold of any file whatever, and of exports that were written well."""

from __future__ import annotations

from collections import Counter

from tests.fuzz.exports import Export
from tests.intake.corpus import accounted_for, fits
from tests.intake.samples import read_costs
from trayd.intake.costs import NO_ANSWERS, Costs
from trayd.intake.rejection import RefusedError
from trayd.intake.sheet import open_sheets
from trayd.intake.understanding import Answers

#: A refusal that asks names the answer.
_ASKS = "--date-order|--decimal|--spending|--column|--currency|--sheet"


def anything_is_read_or_refused(name: str, data: bytes) -> None:
    """No other exception; the same twice; no id twice; every row accounted for once."""
    first, again = _read(name, data), _read(name, data)
    if isinstance(first, RefusedError):
        assert isinstance(again, RefusedError)
        assert first.rejection == again.rejection
        assert first.rejection.problem
        assert first.rejection.cure
        return
    assert first == again
    ids = Counter(cost.id for cost in first.costs)
    assert [id_ for id_, times in ids.items() if times > 1] == []
    _conserved(first, _rows_of(name, data, first))


def an_export_is_read_as_written(export: Export) -> None:
    """The very costs that were written in, or a question; no question where there is but one reading or an answer."""
    read = _read(export.name, export.data, export.home_currency)
    if isinstance(read, RefusedError):
        told = read.rejection.text(export.name)
        assert not export.plain, f"it reads in one way only, and was refused: {told}"
        assert fits(_ASKS, told), f"it was refused without a question: {told}"
        read = _read(export.name, export.data, export.home_currency, export.answers)
        assert not isinstance(read, RefusedError), f"it was answered, and refused: {read} after {told}"
    seen = [(cost.line, cost.date, cost.amount.amount, cost.amount.currency) for cost in read.costs]
    told = [row.rejection.text(export.name) for row in read.rejected]
    assert sorted(seen) == [cost[:4] for cost in export.costs], (told, read.named, read.understanding)
    texts = {cost.line: cost.text for cost in export.costs}
    cut_short = [cost.description for cost in read.costs if texts[cost.line] not in cost.description]
    assert cut_short == [], (cut_short, read.understanding)
    _conserved(read, export.rows)


def _conserved(costs: Costs, rows: tuple[int, ...]) -> None:
    counted = accounted_for(costs)
    assert [line for line, times in counted.items() if times > 1] == []
    assert sorted(counted) == sorted(rows)
    assert all(row.rejection.problem for row in costs.rejected)


def _read(name: str, data: bytes, home_currency: str = "EUR", answers: Answers = NO_ANSWERS) -> Costs | RefusedError:
    try:
        return read_costs(name, data, home_currency=home_currency, answers=answers)
    except RefusedError as error:
        return error


def _rows_of(name: str, data: bytes, costs: Costs) -> tuple[int, ...]:
    """The lines of all rows of the table that was chosen."""
    understanding = costs.understanding
    for sheet in open_sheets(name, data):
        if (sheet.delimiter, sheet.name) == (understanding.delimiter, understanding.sheet) or not understanding.sheet:
            if sheet.delimiter != understanding.delimiter:
                continue
            return tuple(row.line for row in sheet.rows() if not row.blank)
    raise AssertionError(f"no table is divided by {understanding.delimiter!r} or called {understanding.sheet!r}")
