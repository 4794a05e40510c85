"""Tables that have dates and amounts and are no costs: what came in, invoices that were sent, a journal of accounts.

None of them is read for costs in silence; a person who knows better says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import zip_longest
from typing import Literal

import msgspec

from trayd.intake.choosing import Columns
from trayd.intake.columns import Heading
from trayd.intake.rejection import shown
from trayd.intake.vocabulary import vocabulary

# Fields that tell what was bought, or of whom.
_BOUGHT = ("description", "payee", "purpose", "product", "source", "kind_of_transaction", "category")

_AMOUNTS = ("amount", "net", "gross", "list_price")

_FEWEST_LINES = 2
_FEWEST_VOUCHERS = 2


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Why a table is not read as it stands.

    Attributes:
        problem: in words for a person.
        answers: the options of ``trayd import`` that settle it, each with what it means.
        cure: what else there is to do.
        of: what settles it as well where it is told of the file: its currency, or the sign of spending.
    """

    problem: str
    answers: tuple[tuple[tuple[str, str], str], ...] = ()
    cure: str = ""
    of: Literal["", "currency", "spending"] = ""


def doubt_of_costs(columns: Columns) -> Doubt | None:
    """Why the table may be none of costs, once its columns are chosen; None where nothing speaks against it."""
    return _came_in(columns) or _fees_taken(columns) or _sent_invoices(columns) or _journal(columns)


def _came_in(columns: Columns) -> Doubt | None:
    if "amount" in columns.named or "amount" not in columns.fields:
        return None
    amount = columns.headings[columns.fields["amount"]]
    if amount.field != "credit":
        return None
    name = shown(amount.name)
    return Doubt(
        problem=f'"{name}" tells what came in, and no column tells what was spent',
        answers=((("--column", f"amount={name}"), "where it was spent"),),
    )


def _fees_taken(columns: Columns) -> Doubt | None:
    """Amounts that fees were taken off: who is paid gets less by them, and who pays has them on top."""
    chosen = columns.fields.get("amount")
    if chosen is None or "amount" in columns.named:
        return None
    fees = [each for each in columns.headings if each.field == "fee"]
    others = [each for each in columns.headings if each.field in _AMOUNTS and each.position != chosen]
    for fee in fees:
        taken = columns.profiles[fee.position].numbers
        for other in others:
            before, after = columns.profiles[other.position].numbers, columns.profiles[chosen].numbers
            rows = [
                (high, high.copy_abs() - part.copy_abs() == low.copy_abs())
                for high, part, low in zip(before, taken, after, strict=True)
                if part and high is not None and low is not None
            ]
            if any(high > 0 for high, _ in rows) and all(fits for _, fits in rows):
                name, off = shown(columns.headings[chosen].name), shown(fee.name)
                return Doubt(
                    problem=f'"{name}" is what is left when "{off}" is taken off, as of money that came in',
                    answers=(
                        (("--spending", "negative"), "where what was spent stands below zero"),
                        (("--spending", "positive"), "where it stands above"),
                    ),
                    of="spending",
                )
    return None


def _sent_invoices(columns: Columns) -> Doubt | None:
    if columns.named.keys() & {"client", "description"}:
        return None
    names = vocabulary()
    numbers = [each for each in columns.headings if names.invoice_number.are(each.words)]
    customers = [each for each in columns.headings if names.customer.are(each.words) and _filled(columns, each)]
    if (
        not numbers
        or not customers
        or any(each.field in _BOUGHT and _filled(columns, each) for each in columns.headings)
    ):
        # Beside what was bought, or of whom, it is the client that the cost is for.
        return None
    name = shown(customers[0].name)
    return Doubt(
        problem=f'"{shown(numbers[0].name)}" and "{name}" tell of invoices that were sent to customers, not of costs',
        answers=((("--column", f"client={name}"), "where they are costs"),),
    )


def _filled(columns: Columns, heading: Heading) -> bool:
    return columns.profiles[heading.position].filled > 0


def _journal(columns: Columns) -> Doubt | None:
    """Double entry: the lines of each voucher add up to nothing."""
    if columns.named.keys() & {"amount", "debit"}:
        return None
    moved = _moved(columns)
    field = "debit" if "debit" in columns.fields else "amount"
    amount = shown(columns.headings[columns.fields[field]].name)
    for heading in columns.headings:
        texts = columns.profiles[heading.position].texts
        if heading.position not in columns.fields.values() and heading.field != "date" and _balances(texts, moved):
            return Doubt(
                problem=f'it is a journal: the lines of each "{shown(heading.name)}" add up to nothing, '
                "as each amount stands in two accounts",
                cure="export the accounts of costs alone",
                answers=((("--column", f"{field}={amount}"), "where each line is a cost"),),
            )
    return None


def _moved(columns: Columns) -> list[Decimal | None]:
    """What each row adds to its account."""
    if "debit" not in columns.fields:
        return columns.profiles[columns.fields["amount"]].numbers
    debits = columns.profiles[columns.fields["debit"]].numbers
    credits_ = columns.profiles[columns.fields["credit"]].numbers if "credit" in columns.fields else []
    return [
        None if debit is None and credit is None else (debit or Decimal(0)) - (credit or Decimal(0))
        for debit, credit in zip_longest(debits, credits_)
    ]


def _balances(vouchers: list[str], moved: list[Decimal | None]) -> bool:
    """Whether the rows of each voucher, which stand together, add up to nothing; the last may be cut off."""
    sums = list(_sums(vouchers, moved))
    whole = sums[:-1] if len(sums) > _FEWEST_VOUCHERS else sums
    return len(sums) >= _FEWEST_VOUCHERS and all(lines >= _FEWEST_LINES and not total for lines, total in whole)


def _sums(vouchers: list[str], moved: list[Decimal | None]) -> Iterator[tuple[int, Decimal]]:
    """Of each voucher how many lines have an amount, and their sum."""
    before, lines, total = "", 0, Decimal(0)
    for voucher, amount in zip(vouchers, moved, strict=True):
        if amount is None:
            continue
        if lines and voucher != before:
            yield lines, total
            lines, total = 0, Decimal(0)
        before, lines, total = voucher, lines + bool(amount), total + amount
    if lines:
        yield lines, total
