"""The CSV export: RFC 4180, UTF-8 without a byte order mark, every amount exact, safe to open in a spreadsheet.

Rows go out as they come in, so that memory does not grow with the history.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import islice

from trayd.money import Money
from trayd.records import ExternalCost, Record
from trayd.reports.shape import COLUMNS, currency_of

_ROWS_PER_PIECE = 500

# A spreadsheet runs a cell that starts with one of these, in their full-width forms too; an apostrophe before it
# makes it text. See OWASP, "CSV Injection".
_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - the full-width forms are what is meant


def csv_lines(records: Iterable[Record]) -> Iterator[str]:
    """The records as CSV text, header first, some hundred rows at a time, in the order in which they come.

    Lines end in CR LF. A missing value is an empty cell, never a zero. Where an estimate is in another currency than
    the cost, its cell is empty, because a row has one currency.
    """
    piece = _Piece()
    writer = csv.writer(piece)
    writer.writerow(COLUMNS)
    rows = map(_row, records)
    while True:
        writer.writerows(islice(rows, _ROWS_PER_PIECE))
        text = piece.take()
        if not text:
            return
        yield text


class _Piece:
    """A file for ``csv.writer`` that hands out what was written since the last time."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.write: Callable[[str], object] = self._lines.append

    def take(self) -> str:
        text = "".join(self._lines)
        self._lines.clear()
        return text


def _row(record: Record) -> tuple[str | None, ...]:
    if isinstance(record, ExternalCost):
        amount = _amount(record.amount.nanos)
        return (
            _time(record.timestamp),
            None,
            None,
            record.kind,
            text_cell(record.source),
            None,
            amount,
            amount,
            record.amount.currency,
            text_cell(record.client),
            text_cell(record.project),
            text_cell(record.deliverable),
            None,
            None,
            None,
            None,
            None,
            text_cell(record.description),
            text_cell(record.category),
            text_cell(record.note),
        )
    currency, estimate, actual, cost = currency_of(record), record.estimate, record.actual, record.cost
    billed = _amount(actual.nanos) if actual and actual.currency == currency else None
    return (
        _time(record.timestamp),
        text_cell(record.endpoint_id),
        text_cell(record.operation),
        record.kind,
        text_cell(record.source),
        _amount(estimate.amount.nanos) if estimate and estimate.amount.currency == currency else None,
        billed,
        billed if cost is actual else _amount(cost.nanos) if cost else None,
        currency,
        text_cell(record.client),
        text_cell(record.project),
        text_cell(record.deliverable),
        _number(record.duration_s),
        _number(record.units),
        text_cell(record.unit),
        text_cell(record.request_id),
        text_cell(record.account),
        None,
        None,
        text_cell(record.note),
    )


def _time(moment: datetime) -> str:
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat()[:-6] + "Z"


def text_cell(value: str | None) -> str | None:
    """The text as a cell that no spreadsheet runs: an apostrophe stands before what would be a formula."""
    return f"'{value}" if value and value[0] in _FORMULA_STARTS else value


@lru_cache(maxsize=8192)
def _amount(nanos: int) -> str:
    return Money(nanos).text()


def _number(value: float | Decimal | None) -> str | None:
    if value is None:
        return None
    digits = str(value)
    return digits if "e" not in digits and "E" not in digits else f"{Decimal(digits):f}"
