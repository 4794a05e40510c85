"""The second walk: each row is a cost, is rejected with a reason, or is named as what else it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from trayd.intake import amounts, dates
from trayd.intake.columns import comparable
from trayd.intake.commands import import_with
from trayd.intake.currencies import currency_of
from trayd.intake.layout import Layout
from trayd.intake.meaning import Meaning
from trayd.intake.money_out import spent
from trayd.intake.readings import read_as
from trayd.intake.rejection import CORRECT_IT, RefusedError, Rejection, shown
from trayd.intake.rows import Row
from trayd.intake.said import (
    Said,
    State,
    begins_as_refund,
    could_be_a_payee,
    has_failed,
    has_no_date_yet,
    is_balance,
    is_discount,
    is_free,
    is_moved,
    is_pending,
    is_refund_by_kind,
    is_total,
    names_a_total,
    said_by,
    state_of,
    tells_of_a_total,
)
from trayd.intake.sources import RowsWith
from trayd.intake.sums import Sums
from trayd.intake.survey import Cells, Entry
from trayd.intake.understanding import NamedRow, RowKind
from trayd.intake.words import words_of
from trayd.money import Money
from trayd.records import ExternalCost, Kind
from trayd.texts import tidy

#: The most characters of a text of a cost.
LONGEST_TEXT = 2000

# A line with no more cells than these, without a date and an amount, divides rows or says something about them.
_CELLS_OF_A_SECTION = 2

# A remark is longer than what stands in a column of dates.
_LONG_LINE = 60

_STOOD = "where the account stood"


class Sorter:
    """Sorts the rows of one file, from the first to the last.

    Attributes:
        assumed: the home currency, once an amount was taken in it because nothing tells another.
    """

    def __init__(self, meaning: Meaning, cells: Cells) -> None:
        self._meaning = meaning
        self._cells = cells
        self.assumed: str | None = None
        self._header = tuple(comparable(heading.name) for heading in meaning.layout.headings)
        self._sums = Sums()

    def sort(self, row: Row) -> ExternalCost | NamedRow:
        """What a row is; a cost is without its id and file yet.

        Raises:
            RefusedError: it should be a cost, and cannot be read.
        """
        layout = self._meaning.layout
        entry = self._cells.entry(row)
        day = read_as(dates.read_date(entry.date), self._meaning.styles.dates)
        if day is None:
            return self._undated(entry)
        left_out = self._left_out(entry)
        if not left_out and (sums := self._dated_sum(entry)):
            return sums
        if left_out:
            return NamedRow(row.line, RowKind.LEFT_OUT, left_out)
        if any(cell.strip() for cell in row.cells[len(layout.headings) :]):
            raise RefusedError(
                Rejection(
                    value=shown(row.cells[len(layout.headings)]),
                    problem=f"the row has {len(row.cells)} cells under a header of {len(layout.headings)}",
                    cure='put cells with a delimiter in them in quotes (") and try again',
                )
            )
        return self._cost(entry, day)

    def _dated_sum(self, entry: Entry) -> NamedRow | None:
        """A row with a date that sums others up or tells where the account stood.

        Payees are called Total and Saldo, and months are summed up on a day: what the figures show decides.
        """
        value = self._value(entry)
        called, stood = is_total(entry.words), is_balance(entry.words)
        if value is None and (entry.amount_text or entry.credit_text):
            return None
        if value is not None and (rows := self._sums.rows_of(value)):
            if called or stood:
                return self._total(entry.row.line)
            if rows > 1 and any(tells_of_a_total(cell) for cell in entry.row.cells):
                return self._total(entry.row.line)
        if not (called or stood):
            return None
        if not value or not could_be_a_payee(entry.words) or (stood and self._stands_as_balance(entry)):
            return self._named_sum(entry.row.line, [entry.words])
        told, what = shown(entry.words), "the sum of rows above" if called else "where the account stood"
        problem = f'"{told}" can be a sum or what somebody was paid for, and "{shown(entry.amount_text)}" is not {what}'
        raise _bad(
            self._amount_name,
            entry.amount_text,
            problem,
            "take the row out where it was not spent; where it was, say more of what for and try again",
        )

    def _stands_as_balance(self, entry: Entry) -> bool:
        """Whether the amount of a row is the balance that stands in it."""
        balance = self._cells.amount(self._meaning.layout.cell(entry.row, "balance")).readings
        told = read_as(balance, self._meaning.styles.amounts)
        return told is not None and told == read_as(entry.amount.readings, self._meaning.styles.amounts)

    # Rows without a date.

    def _undated(self, entry: Entry) -> NamedRow:
        row, name = entry.row, self._meaning.layout.name("date")
        filled = [cell.strip() for cell in row.cells if cell.strip()]
        aside = self._between(row, filled) or self._summing(entry, filled)
        if aside:
            return aside
        status = self._meaning.layout.cell(row, "status")
        state = State.PENDING if has_no_date_yet(entry.date) else state_of(status) if entry.has_amount else None
        if state:
            return NamedRow(row.line, RowKind.LEFT_OUT, state.value)
        if not entry.date:
            raise _bad(name, "", "the date is empty", "fill it in and try again")
        raise _bad(name, entry.date, f'"{shown(entry.date)}" is not a date', CORRECT_IT)

    def _between(self, row: Row, filled: Sequence[str]) -> NamedRow | None:
        """A row that only divides others: the header once more, a line of dashes."""
        names = tuple(comparable(cell) for cell in row.cells)
        if self._meaning.layout.line and len(names) > 1 and names[: len(self._header)] == self._header[: len(names)]:
            return NamedRow(row.line, RowKind.SECTION, "the header once more")
        return None if any(map(words_of, filled)) else NamedRow(row.line, RowKind.SECTION)

    def _summing(self, entry: Entry, filled: Sequence[str]) -> NamedRow | None:
        """A row that sums others up, or that has a title or a remark and nothing to sum."""
        line = entry.row.line
        texts = [cell for cell in filled if not amounts.read_amount(cell).readings]
        if named := self._named_sum(line, texts):
            return named
        if not entry.has_amount:
            short = len(filled) <= _CELLS_OF_A_SECTION and not has_no_date_yet(entry.date)
            remark = len(filled[0]) > _LONG_LINE and not entry.amount_text
            return NamedRow(line, RowKind.SECTION) if short or remark else None
        value = self._value(entry)
        # What has words of its own is a sum only of so many rows that it is none by chance.
        fewest = 1 + len(texts) + bool(entry.words)
        rows = self._sums.rows_of(value) if value is not None else 0
        if (rows >= fewest and len(texts) <= 1) or (rows > 1 and any(map(tells_of_a_total, texts))):
            return self._total(entry.row.line)
        return None

    def _named_sum(self, line: int, texts: Sequence[str]) -> NamedRow | None:
        """A row that is called a sum, or where an account stood, and can be nothing else."""
        if any(is_total(text) or names_a_total(text) for text in texts):
            return self._total(line)
        return NamedRow(line, RowKind.TOTAL, _STOOD) if any(map(is_balance, texts)) else None

    def _total(self, line: int) -> NamedRow:
        self._sums.close()
        return NamedRow(line, RowKind.TOTAL)

    def _value(self, entry: Entry) -> Decimal | None:
        meaning = self._meaning
        return spent(entry, meaning.layout, meaning.directions, meaning.styles.amounts)

    # Rows that cost nothing.

    def _left_out(self, entry: Entry) -> str | None:
        layout, row = self._meaning.layout, entry.row
        if self._meaning.preset:
            for rows in self._meaning.preset.leave_out:
                if value := self._has(row, rows):
                    return rows.reason or value.lower()
        if layout.cell(row, "type").lower() == Kind.INTERNAL:
            return "a generation of fal, which is recorded already"
        kind = layout.kind(row)
        state = state_of(layout.cell(row, "status"))
        tests = (
            (state.value if state else "", state in {State.PENDING, State.FAILED, State.FREE}),
            ("money that only changed its place or currency", is_moved(kind)),
            (State.PENDING.value, is_pending(kind)),
            (State.FAILED.value, has_failed(kind)),
            (State.FREE.value, entry.amount_text and not entry.has_amount and is_free(entry.amount_text)),
        )
        return next((reason for reason, holds in tests if holds), None)

    def _has(self, row: Row, rows: RowsWith) -> str | None:
        for heading in self._meaning.layout.headings:
            if comparable(heading.name) == comparable(rows.column) and heading.position < len(row.cells):
                cell = row.cells[heading.position].strip()
                if words_of(cell) in {words_of(value) for value in rows.values}:
                    return cell
        return None

    # Costs.

    def _cost(self, entry: Entry, day: date) -> ExternalCost | NamedRow:
        layout, row = self._meaning.layout, entry.row
        value = self._amount(entry)
        currency = self._currency(entry)
        self._sums.add(value)
        if not value:
            return NamedRow(row.line, RowKind.LEFT_OUT, "costs nothing")
        kind, category = layout.kind(row), layout.cell(row, "category")
        status = layout.cell(row, "status")
        state = state_of(status)
        said = said_by(entry.words, kind, category, status)
        refund = said is Said.REFUND or self._preset_refund(row)
        if value > 0 and state is State.REFUNDED and not refund_told(layout, row):
            return NamedRow(row.line, RowKind.LEFT_OUT, state.value)
        if value > 0 and state is State.PARTLY_REFUNDED and "refunded" not in layout.fields:
            problem = f'it is "{shown(status)}", and no column tells how much came back'
            raise _bad(layout.name("status"), status, problem, "write what was paid in the end and try again")
        if value < 0 and not refund and not is_discount(entry.words, kind, category):
            reason = said.value if said in {Said.CARD_PAYMENT, Said.INCOME} else Said.INCOME.value
            return NamedRow(row.line, RowKind.LEFT_OUT, reason)
        if value > 0 and self._meaning.directions.one_sided and refund and state is not State.PARTLY_REFUNDED:
            value = self._one_sided_refund(entry, value, kind, category)
        refunded = read_as(self._cells.refunded(row).readings, self._meaning.styles.amounts)
        if refunded and value > 0:
            value -= refunded.copy_abs()
            if value <= 0:
                return NamedRow(row.line, RowKind.LEFT_OUT, State.REFUNDED.value)
        if not entry.description:
            name = layout.headings[layout.wording[0][0]].name
            raise _bad(name, "", "the description is empty", "say what was paid for and try again")
        return ExternalCost(
            id="",
            date=day,
            description=self._checked("description", entry.description),
            amount=Money.of(value, currency),
            category=self._text(row, "category"),
            source=self._text(row, "source") or self._meaning.source,
            client=self._text(row, "client"),
            project=self._text(row, "project"),
            deliverable=self._text(row, "deliverable"),
            note=self._text(row, "note"),
            kind=_kind(layout.cell(row, "type")),
        )

    def _one_sided_refund(self, entry: Entry, value: Decimal, kind: str, category: str) -> Decimal:
        """A refund in a file without one amount below zero."""
        if is_refund_by_kind(kind, category) or self._preset_refund(entry.row):
            return value.copy_negate()
        if begins_as_refund(entry.words):
            told = shown(entry.description)
            problem = f'"{told}" says that money came back, and "{shown(entry.amount_text)}" that it went out'
            cure = "write it below zero where it came back, or call it something else, and try again"
            raise _bad(self._amount_name, entry.amount_text, problem, cure)
        return value

    def _preset_refund(self, row: Row) -> bool:
        preset = self._meaning.preset
        return preset is not None and any(self._has(row, rows) for rows in preset.refund)

    @property
    def _amount_name(self) -> str:
        return self._meaning.layout.name(self._meaning.layout.amount_field)

    def _amount(self, entry: Entry) -> Decimal:
        for text, amount in ((entry.amount_text, entry.amount), (entry.credit_text, entry.credit)):
            if text and not amount.readings and not amount.empty:
                raise _bad(self._amount_name, text, f'"{shown(text)}" is not an amount', CORRECT_IT)
            # What reads only in another style than the file's is no amount of it.
            if amount.readings and read_as(amount.readings, self._meaning.styles.amounts) is None:
                raise _bad(self._amount_name, text, f'"{shown(text)}" is not an amount', CORRECT_IT)
        told = self._meaning.layout.cell(entry.row, "indicator")
        directions = self._meaning.directions
        if "indicator" in self._meaning.layout.fields and not directions.marked and not directions.way(told):
            problem = f'"{shown(told)}" does not tell whether the money went out or came in'
            raise _bad(self._meaning.layout.name("indicator"), told, problem, CORRECT_IT)
        value = self._value(entry)
        if value is None:
            raise _bad(self._amount_name, entry.amount_text, "the amount is empty", "fill it in and try again")
        if (
            entry.credit.readings
            and entry.amount.readings
            and all(read_as(amount.readings, self._meaning.styles.amounts) for amount in (entry.amount, entry.credit))
        ):
            problem = f'"{shown(entry.amount_text)}" went out and "{shown(entry.credit_text)}" came in, in one row'
            raise _bad(self._amount_name, entry.amount_text, problem, "make it two rows and try again")
        return value

    def _currency(self, entry: Entry) -> str:
        meaning = self._meaning
        told = meaning.layout.cell(entry.row, "currency")
        column = currency_of(told, meaning.currency) if told else None
        if told and column is None:
            name = meaning.layout.name("currency")
            raise _bad(name, told, f'"{shown(told)}" is no currency', "write its ISO 4217 code, such as USD")
        if column and meaning.column_currency and column != meaning.column_currency:
            problem = f'"{shown(told)}" is another currency than the header "{self._amount_name}" tells'
            raise _bad(meaning.layout.name("currency"), told, problem, CORRECT_IT)
        column = column or meaning.column_currency
        sign = entry.amount.sign or entry.credit.sign
        if not sign:
            if column is None and meaning.assumes:
                self.assumed = meaning.currency
            return column or meaning.currency
        text = entry.amount_text if entry.amount.sign else entry.credit_text
        signed = currency_of(sign, column or meaning.currency)
        if signed is None:
            problem = f'"{shown(text)}" does not tell its currency'
            raise _bad(
                self._amount_name, text, problem, f"say which: {import_with(meaning.file, '--currency', 'CODE')}"
            )
        if column and signed != column:
            where = f'the column "{meaning.layout.name("currency")}"' if told else "its header"
            problem = f'"{shown(text)}" is in {signed} and {where} says {column}'
            raise _bad(self._amount_name, text, problem, CORRECT_IT)
        return signed

    def _text(self, row: Row, field: str) -> str | None:
        if field not in self._meaning.layout.fields:
            return None
        text = tidy(self._meaning.layout.cell(row, field))
        return self._checked(field, text) or None

    def _checked(self, field: str, text: str) -> str:
        if len(text) > LONGEST_TEXT:
            raise _bad(field, text, f"the text is longer than {LONGEST_TEXT} characters", "shorten it")
        return text


def refund_told(layout: Layout, row: Row) -> bool:
    """Whether the row's own column says how much was refunded."""
    return "refunded" in layout.fields and bool(layout.cell(row, "refunded"))


def _kind(text: str) -> Kind:
    match text.lower():
        case "" | Kind.EXTERNAL:
            return Kind.EXTERNAL
        case Kind.POOL:
            return Kind.POOL
    raise _bad("type", text, f'"{shown(text)}" is no type of cost', "write external or pool")


def _bad(column: str, value: str, problem: str, cure: str) -> RefusedError:
    return RefusedError(Rejection(column=column, value=shown(value), problem=problem, cure=cure))
