"""External costs from a table: the four named columns, and the optional ones that say more.

The styles of dates and amounts are those of the whole file (:mod:`trayd.intake.readings`): first every cell is read in
each style in which it can be, then the one style in which all of them make sense decides. What stays doubtful is
refused with both readings.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import msgspec

from trayd.intake import amounts, dates
from trayd.intake.currencies import currency_of
from trayd.intake.readings import Cell, Undecided, read_as, settle
from trayd.intake.rejection import CORRECT_IT, RefusedError, Rejection, shown
from trayd.intake.table import Row, Table, open_table
from trayd.intake.text import decode
from trayd.money import Money
from trayd.records import ExternalCost, Kind
from trayd.texts import tidy

REQUIRED = ("date", "description", "amount", "category")

#: The field that each column name stands for.
COLUMN_NAMES = {
    field: field for field in (*REQUIRED, "currency", "source", "client", "project", "deliverable", "type", "note")
} | {"tool": "source"}

_LONGEST_TEXT = 2000

_TOTALS = frozenset({"total", "totals", "grand total", "subtotal", "sub total", "sub-total", "sum"})
_REFUND = re.compile(r"\b(?:refund(?:ed)?|reversal|reversed|chargeback|rebate|credit note)\b", re.IGNORECASE)


class RejectedRow(msgspec.Struct, frozen=True):
    """A row that was not recorded: its cells as they came, and why."""

    cells: tuple[str, ...]
    rejection: Rejection


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What a table of costs says.

    Attributes:
        header: the names of the columns as they stand in the file.
    """

    header: tuple[str, ...]
    costs: tuple[ExternalCost, ...]
    rejected: tuple[RejectedRow, ...]


class _Styles(msgspec.Struct, frozen=True):
    dates: frozenset[str]
    amounts: frozenset[str]


def read_costs(data: bytes, *, file: str, home_currency: str) -> Costs:
    """The costs in a table.

    Args:
        data: the file.
        file: its name, for the records.
        home_currency: the currency of amounts that tell none.

    Raises:
        RefusedError: nothing can be read of it: no header, a quote that is never closed, or dates or amounts that read
            in two ways.
    """
    table = open_table(decode(data), COLUMN_NAMES, REQUIRED)
    styles = _settle_styles(table)
    costs: list[ExternalCost] = []
    rejected: list[RejectedRow] = []
    occurrences: Counter[tuple[str, ...]] = Counter()
    for row in table.rows():
        try:
            cost = _cost(table, row, styles, home_currency)
        except RefusedError as error:
            rejection = msgspec.structs.replace(error.rejection, line=row.line)
            rejected.append(RejectedRow(tuple(row.cells), rejection))
            continue
        identity = _identity(cost)
        cost_id = _hash((*identity, str(occurrences[identity])))
        occurrences[identity] += 1
        costs.append(msgspec.structs.replace(cost, id=cost_id, file=file, line=row.line))
    return Costs(header=table.header, costs=tuple(costs), rejected=tuple(rejected))


def _settle_styles(table: Table) -> _Styles:
    date_styles = settle(
        (Cell(row.line, text, dates.read_date(text)) for row, text in _cells(table, "date")), dates.STYLES
    )
    if isinstance(date_styles, Undecided):
        raise _two_ways("date", date_styles, dates.STYLE_NAMES, "write dates like 2026-04-03 and try again")
    amount_styles = settle(
        (Cell(row.line, text, amounts.read_amount(text).readings) for row, text in _cells(table, "amount")),
        amounts.STYLES,
    )
    if isinstance(amount_styles, Undecided):
        cure = "write amounts like 1234.00 and try again"
        raise _two_ways("amount", amount_styles, amounts.STYLE_NAMES, cure)
    return _Styles(date_styles, amount_styles)


def _cells(table: Table, field: str) -> Iterator[tuple[Row, str]]:
    for row in table.rows():
        if text := table.cell(row, field):
            yield row, text


def _two_ways(
    field: str, undecided: Undecided[date] | Undecided[Decimal], names: dict[str, str], cure: str
) -> RefusedError:
    cell = undecided.cell
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
            column=field,
            value=shown(cell.text),
            problem=f'"{shown(cell.text)}" can be read as {first} or as {second}, {why}',
            cure=cure,
        )
    )


def _written(value: date | Decimal) -> str:
    return f"{value.day} {value:%B %Y}" if isinstance(value, date) else f"{value:f}"


def _cost(table: Table, row: Row, styles: _Styles, home_currency: str) -> ExternalCost:
    if any(cell.strip() for cell in row.cells[len(table.header) :]):
        raise RefusedError(
            Rejection(
                value=shown(row.cells[len(table.header)]),
                problem=f"the row has {len(row.cells)} cells under a header of {len(table.header)}",
                cure='put cells with a delimiter in them in quotes (") and try again',
            )
        )
    description = _text(table, row, "description")
    if description is None:
        raise _bad("description", "", "the description is empty", "say what was paid for and try again")
    if description.lower().rstrip(":") in _TOTALS:
        raise _bad("description", description, f'"{description}" is a sum of other rows, not a cost', "leave it out")
    told = table.cell(row, "currency")
    currency = currency_of(told, home_currency)
    if told and currency is None:
        raise _bad("currency", told, f'"{shown(told)}" is no currency', "write its ISO 4217 code, such as USD")
    category = _text(table, row, "category")
    return ExternalCost(
        id="",
        date=_date(table.cell(row, "date"), styles.dates),
        description=description,
        amount=_amount(table, row, styles.amounts, currency, home_currency, f"{description} {category}"),
        category=category,
        source=_text(table, row, "source") or "csv",
        client=_text(table, row, "client"),
        project=_text(table, row, "project"),
        deliverable=_text(table, row, "deliverable"),
        note=_text(table, row, "note"),
        kind=_kind(table.cell(row, "type")),
    )


def _date(text: str, styles: frozenset[str]) -> date:
    if not text:
        raise _bad("date", "", "the date is empty", "fill it in and try again")
    value = read_as(dates.read_date(text), styles)
    if value is None:
        raise _bad("date", text, f'"{shown(text)}" is not a date', CORRECT_IT)
    return value


def _amount(
    table: Table, row: Row, styles: frozenset[str], currency: str | None, home_currency: str, said: str
) -> Money:
    text = table.cell(row, "amount")
    if not text:
        raise _bad("amount", "", "the amount is empty", "fill it in and try again")
    amount = amounts.read_amount(text)
    value = read_as(amount.readings, styles)
    if value is None or abs(value) > amounts.LARGEST:
        raise _bad("amount", text, f'"{shown(text)}" is not an amount', CORRECT_IT)
    meant = currency or home_currency
    if amount.sign:
        signed = currency_of(amount.sign, meant)
        if signed is None:
            problem = f'"{shown(text)}" does not tell its currency'
            raise _bad("amount", text, problem, "add a column currency with its ISO 4217 code")
        if currency and signed != currency:
            problem = f'"{shown(text)}" is in {signed} and the column "currency" says {currency}'
            raise _bad("amount", text, problem, CORRECT_IT)
        meant = signed
    if value < 0 and not _REFUND.search(said):
        # On many statements minus marks spending, on others money that came back: the row has to tell.
        problem = f'"{shown(text)}" is below zero, and the row does not say that it is a refund'
        raise _bad("amount", text, problem, 'write costs above zero, and "refund" in the category of what came back')
    return Money.of(value, meant)


def _kind(text: str) -> Kind:
    match text.lower():
        case "" | Kind.EXTERNAL:
            return Kind.EXTERNAL
        case Kind.POOL:
            return Kind.POOL
    raise _bad("type", text, f'"{shown(text)}" is no type of cost', "write external or pool")


def _text(table: Table, row: Row, field: str) -> str | None:
    text = tidy(table.cell(row, field))
    if len(text) > _LONGEST_TEXT:
        raise _bad(field, text, f"the text is longer than {_LONGEST_TEXT} characters", "shorten it")
    return text or None


def _identity(cost: ExternalCost) -> tuple[str, ...]:
    amount = cost.amount
    return (cost.source, cost.date.isoformat(), str(amount.nanos), amount.currency, cost.description)


def _hash(parts: tuple[str, ...]) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _bad(column: str, value: str, problem: str, cure: str) -> RefusedError:
    return RefusedError(Rejection(column=column, value=shown(value), problem=problem, cure=cure))
