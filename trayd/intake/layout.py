"""Which column is which.

Names decide, and what a column holds has a veto: a column called Amount without one number in it is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from trayd.intake.amount_columns import choose_amounts
from trayd.intake.choosing import FIELDS, Columns, is_sure
from trayd.intake.column_profile import ColumnProfile
from trayd.intake.columns import Heading
from trayd.intake.currency_columns import choose_currency
from trayd.intake.other_tables import Doubt, doubt_of_costs
from trayd.intake.rows import Row
from trayd.intake.vocabulary import vocabulary
from trayd.intake.wording import wording
from trayd.intake.words import words_of
from trayd.records import Kind

_FLAGS = frozenset({"0", "1"})

_CREDIT_NOTE = "credit note"


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Which column is which.

    Attributes:
        headings: all columns; without a header their names are their numbers.
        line: the line of the header; None where there is none.
        dates: the columns of dates, the one that is meant first; another steps in where its cell is empty.
        fields: the column of each field.
        rivals: columns that could as well be the amount.
        wording: where the description comes from: the first of these groups in which a row says something, joined.
        flags_refunds: the column of what was refunded says yes or no, and no amounts.
        of_invoices: the kinds of transactions are kinds of documents: invoices, credit notes.
        doubt: why the table is not read as it stands.
    """

    headings: tuple[Heading, ...]
    line: int | None
    dates: tuple[int, ...]
    fields: Mapping[str, int]
    rivals: tuple[int, ...] = ()
    wording: tuple[tuple[int, ...], ...] = ()
    flags_refunds: bool = False
    of_invoices: bool = False
    doubt: Doubt | None = None

    def cell(self, row: Row, field: str) -> str:
        """The text of a field in a row, without spaces around it; empty where the row or the table has none."""
        position = self.fields.get(field)
        return row.cells[position].strip() if position is not None and position < len(row.cells) else ""

    def name(self, field: str) -> str:
        """The name of a field's column as it stands in the file."""
        position = self.dates[0] if field == "date" else self.fields[field]
        return self.headings[position].name

    @property
    def amount_field(self) -> str:
        """The field that tells what was spent: the amount, or the column of money out where there are two."""
        return "debit" if "debit" in self.fields else "amount"

    def kind(self, row: Row) -> str:
        """What kind of transaction a row is; what a bank calls money that came in is a credit note among invoices."""
        told = self.cell(row, "kind")
        return _CREDIT_NOTE if self.of_invoices and vocabulary().into.are(words_of(told)) else told

    def is_refunded(self, row: Row) -> bool | None:
        """Whether a row says that it was refunded; None where the column tells how much, or there is none."""
        return vocabulary().yes.are(words_of(self.cell(row, "refunded"))) if self.flags_refunds else None

    @property
    def currency(self) -> str | None:
        """The currency that the amount's header names."""
        return self.headings[self.fields[self.amount_field]].currency


def lay_out(
    headings: Sequence[Heading],
    line: int | None,
    profiles: Sequence[ColumnProfile],
    named: Mapping[str, str],
    home_currency: str,
) -> Layout | None:
    """The layout of a table; None where no column of dates or none of amounts can be made out.

    Args:
        headings: its columns.
        line: the line of the header.
        profiles: what the columns hold.
        named: the columns that a person or a known source has named, by field.
        home_currency: settles which of two amounts in different currencies is meant.

    Raises:
        RefusedError: a column was named that is not there.
    """
    columns = Columns(headings, profiles, named)
    days = _dates(columns)
    if not days:
        return None
    for position in days:
        columns.take("date", position)
    del columns.fields["date"]
    rivals = choose_amounts(columns, home_currency)
    if not columns.fields.keys() & {"amount", "debit"}:
        return None
    columns.take_named(*(field for field in FIELDS if field not in {"date", "description"}))
    doubt = choose_currency(columns, home_currency)
    _plain_fields(columns)
    _type(columns)
    _status(columns)
    groups = wording(columns.headings, profiles, columns.fields, days)
    if "description" in columns.named:
        groups = ((columns.named["description"],), *groups)
    return Layout(
        headings=tuple(headings),
        line=line,
        dates=days,
        fields=columns.fields,
        rivals=rivals,
        wording=groups,
        flags_refunds=_flags(columns, "refunded"),
        of_invoices=_of_invoices(columns),
        doubt=doubt or doubt_of_costs(columns),
    )


def _dates(columns: Columns) -> tuple[int, ...]:
    if "date" in columns.named:
        return (columns.named["date"],)
    called = columns.called("date")
    if found := [heading.position for heading in called if columns.profiles[heading.position].has_dates]:
        return tuple(found)
    by_content = [
        heading.position
        for heading in columns.free()
        if columns.profiles[heading.position].dates * 2 > columns.profiles[heading.position].filled
    ]
    if len(by_content) == 1:
        return tuple(by_content)
    # None holds a date: a column that is surely called so is still it, and its rows are wrong.
    sure = [heading for heading in called if is_sure(heading) and not columns.profiles[heading.position].amounts]
    return tuple(heading.position for heading in sure[:1])


def _plain_fields(columns: Columns) -> None:
    for field in ("category", "source", "client", "project", "deliverable", "note"):
        if field not in columns.fields and (called := columns.called(field)):
            columns.take(field, called[0].position)
    for flagged in columns.called("refunded", holding=_is_flag):
        columns.fields.setdefault("refunded", flagged.position)
    for field in ("refunded", "fee", "balance"):
        called = columns.called(field, holding=lambda column: column.amounts > 0)
        if field not in columns.fields and called:
            columns.take(field, called[0].position)


def _flags(columns: Columns, field: str) -> bool:
    return field in columns.fields and _is_flag(columns.profiles[columns.fields[field]])


def _of_invoices(columns: Columns) -> bool:
    kinds = columns.profiles[columns.fields["kind"]].values if "kind" in columns.fields else ()
    return any(vocabulary().invoice_number.are(words_of(kind)) for kind in kinds)


def _is_flag(column: ColumnProfile) -> bool:
    """Whether it says yes and no, and nothing else."""
    words = vocabulary()
    return bool(column.values) and all(
        value in _FLAGS or words.yes_no.are(words_of(value)) or words.yes.are(words_of(value))
        for value in column.values
    )


def _type(columns: Columns) -> None:
    """Whether a cost is shared (``type``), and what kind of transaction it is (``kind``); both are called type."""
    for heading in columns.called("type", "kind_of_transaction"):
        values = {value.casefold() for value in columns.profiles[heading.position].values}
        if "type" not in columns.fields and heading.field == "type" and values & set(Kind):
            columns.take("type", heading.position)
        elif "kind" not in columns.fields:
            columns.take("kind", heading.position)


def _status(columns: Columns) -> None:
    if "status" in columns.fields:
        return
    words = vocabulary()
    states = (words.pending, words.failed, words.done, words.free, words.refunded_state, words.partly_refunded_state)
    by_content = [
        heading
        for heading in columns.called("other", "purpose", "")
        if columns.profiles[heading.position].values
        and all(
            any(state.are(words_of(text)) for state in states) for text in columns.profiles[heading.position].values
        )
    ]
    if chosen := columns.called("status") or by_content:
        columns.take("status", chosen[0].position)
