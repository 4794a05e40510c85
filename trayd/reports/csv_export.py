"""The CSV export: RFC 4180, UTF-8, every amount exact, safe to open in a spreadsheet.

Rows go out as they come in, so that memory does not grow with the history. They are joined here and not by
``csv.writer``: most cells come again and again, and are looked at once instead of once a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any, TypeGuard

import msgspec

from trayd.export_columns import COLUMNS, CONVERTED_COLUMNS
from trayd.insight.conversion import converted, rounded
from trayd.insight.windows import civil_day
from trayd.money import Money
from trayd.rates import Converter, Rate, RateSource
from trayd.records import Counting, ExternalCost, Record
from trayd.reports.formula_cells import text_cell
from trayd.reports.shape import currency_of
from trayd.reports.without_rate import WithoutRate

_ROWS_PER_PIECE = 500

#: So many different cells are kept of each sort, of no more characters than these: 3 MB at most.
_MOST_KEPT = 8192
_LONGEST_KEPT = 120

_in_json = msgspec.json.Encoder().encode

_END = "\r\n"

#: What writes the rest of a line, its end too: of the record, and of what it costs.
_Rest = Callable[[Record, Money | None], str]


class CsvStyle(msgspec.Struct, frozen=True):
    """How CSV is written.

    Attributes:
        delimiter: between cells: a comma, a semicolon or a tab.
        decimal: the mark in numbers: a point, or a comma where that is not the delimiter.
        bom: whether it begins with a byte order mark, without which Excel takes UTF-8 for the system's own encoding.
    """

    delimiter: str = ","
    decimal: str = "."
    bom: bool = False


USUAL = CsvStyle()


class Conversion(msgspec.Struct, frozen=True):
    """Into which currency amounts are converted, at the rate of the day that each counts on.

    Attributes:
        converter: the rates.
        zone: the user's, in which days begin.
        remark: is told at the end of which amounts no rate is known.
    """

    converter: Converter
    zone: tzinfo
    remark: Callable[[str], None]


def csv_lines(
    records: Iterable[Record], style: CsvStyle = USUAL, conversion: Conversion | None = None
) -> Iterator[str]:
    """The records as CSV text, header first, some hundred rows at a time, in the order in which they come.

    Lines end in CR LF. A missing value is an empty cell, never a zero. Where an estimate is in another currency than
    the cost, its cell is empty, because a row has one currency.

    Args:
        records: the rows.
        style: how they are written.
        conversion: adds the converted cost, its currency, the rate and the rate's date to each row. The cost is rounded
            to the nano, half to even, in each row.
    """
    if conversion is None:
        yield from _lines(records, style, COLUMNS, None)
        return
    without_rate = WithoutRate(conversion.converter.currency)
    more = _converted_cells(conversion, style, without_rate)
    yield from _lines(records, style, (*COLUMNS, *CONVERTED_COLUMNS), more)
    for sentence in without_rate.told(lambda _currency: "stays unconverted"):
        conversion.remark(sentence)


def _lines(records: Iterable[Record], style: CsvStyle, columns: Iterable[str], more: _Rest | None) -> Iterator[str]:
    yield ("\ufeff" if style.bom else "") + style.delimiter.join(columns) + _END
    row, source = _rows(style, more), iter(records)
    while some := list(islice(source, _ROWS_PER_PIECE)):
        yield "".join(map(row, some))


class _Kept(dict[Any, str]):
    """Short cells by what they are made from, as long as there are not too many."""

    def __init__(self, make: Callable[[Any], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, value: Any) -> str:
        cell = self._make(value)
        if len(cell) <= _LONGEST_KEPT:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[value] = cell
        return cell


def _rows(style: CsvStyle, more: _Rest | None) -> Callable[[Record], str]:
    """What writes a record as a line."""
    write_text = _texts(style.delimiter)
    texts = _Kept(write_text)
    amounts = _Kept(lambda nanos: _decimal(Money(nanos).text(), style))
    join = style.delimiter.join
    point = style.decimal

    def number(value: float | Decimal) -> str:
        digits = str(value)
        if "e" in digits or "E" in digits:
            digits = f"{Decimal(digits):f}"
        return digits if point == "." else digits.replace(".", point)

    def imported(record: ExternalCost) -> str:
        amount = amounts[record.amount.nanos]
        cells = (
            _time(record.timestamp),
            "",
            "",
            record.kind.value,
            texts[record.source],
            "",
            amount,
            amount,
            record.amount.currency,
            texts[record.client],
            texts[record.project],
            texts[record.deliverable],
            "",
            "",
            "",
            "",
            "",
            texts[record.description],
            texts[record.category],
            texts[record.note],
        )
        return join(cells) + (more(record, record.amount) if more else _END)

    def row(record: Record) -> str:
        if isinstance(record, ExternalCost):
            return imported(record)
        cost = actual = record.actual
        if record.counting is not Counting.ACTUAL:
            cost = record.cost
        currency = cost.currency if cost else currency_of(record)
        billed = amounts[actual.nanos] if actual and actual.currency == currency else ""
        estimate, request_id = record.estimate, record.request_id
        duration_s, units = record.duration_s, record.units
        cells = (
            _time(record.timestamp),
            texts[record.endpoint_id],
            texts[record.operation],
            "internal",
            texts[record.source],
            amounts[estimate.amount.nanos] if estimate and estimate.amount.currency == currency else "",
            billed,
            billed if cost is actual else amounts[cost.nanos] if cost else "",
            currency or "",
            texts[record.client],
            texts[record.project],
            texts[record.deliverable],
            "" if duration_s is None else number(duration_s),
            "" if units is None else number(units),
            texts[record.unit],
            request_id if _is_plain(request_id) else write_text(request_id),
            texts[record.account],
            "",
            "",
            texts[record.note],
        )
        return join(cells) + (more(record, cost) if more else _END)

    return row


def _converted_cells(conversion: Conversion, style: CsvStyle, without_rate: WithoutRate) -> _Rest:
    """What writes the rest of a line: an amount in another currency, the currency, the rate and its date."""
    converter, zone, join = conversion.converter, conversion.zone, style.delimiter.join
    into = converter.currency

    @lru_cache(maxsize=_MOST_KEPT)
    def rate_of(currency: str, day: date) -> tuple[Rate | None, str, str]:
        rate = converter.rate(currency, day)
        if rate is None:
            return None, "", ""
        # An amount that is in that currency needs no rate, and so there is no day of one.
        published = "" if rate.source is RateSource.HOME else rate.published.isoformat()
        return rate, _decimal(f"{rate.factor:f}", style), published

    def write(record: Record, cost: Money | None) -> str:
        amount = rated = published = ""
        if cost is not None:
            day = civil_day(record, zone)
            rate, rated, published = rate_of(cost.currency, day)
            if rate is not None:
                amount = _decimal(Money(rounded(converted(cost.nanos, rate))).text(), style)
            elif not cost.nanos:  # nothing is nothing in every currency
                amount = _decimal("0.00", style)
            else:
                without_rate.add(cost, day)
        return join(("", amount, into if amount else "", rated, published)) + _END

    return write


def _texts(delimiter: str) -> Callable[[str | None], str]:
    """What writes a text as a cell of a file with that delimiter."""
    to_quote = re.compile(f'[{delimiter}"\r\n]').search

    def write(text: str | None) -> str:
        cell = text_cell(text, delimiter)
        if to_quote(cell):
            cell = cell.replace('"', '""')
            return f'"{cell}"'
        return cell

    return write


def _is_plain(request_id: str | None) -> TypeGuard[str]:
    """Whether nothing in it needs a look, as with fal's: each comes once, so that its cell is not worth keeping."""
    return request_id is not None and request_id.replace("-", "").isalnum() and request_id[0] != "-"


def _time(moment: datetime) -> str:
    """RFC 3339, in UTC. What msgspec writes is the same as ``isoformat`` does, in a fifth of the time."""
    return _in_json(moment if moment.tzinfo is UTC else moment.astimezone(UTC))[1:-1].decode()


def _decimal(digits: str, style: CsvStyle) -> str:
    return digits if style.decimal == "." else digits.replace(".", style.decimal)
