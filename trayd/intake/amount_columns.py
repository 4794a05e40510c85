"""Which columns tell what was paid: one, two of money out and in, and one that tells which way it went.

Of several the one is meant that a person paid in the end. Where that is not plain, all that could be meant are kept,
and the file is refused once they differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby

from trayd.intake.choosing import Columns, is_sure, rank
from trayd.intake.column_profile import ColumnProfile
from trayd.intake.columns import Heading
from trayd.intake.signs import POSITIVE, balance_moves
from trayd.intake.vocabulary import vocabulary
from trayd.intake.words import words_of

_Numbers = Sequence[Decimal | None]

_AMOUNTS = ("amount", "net", "gross")

# How far behind a rank a column is that is only meant where no better one is there.
_LAST_RESORT = 100

# The ranks of what was paid in the end, of what may have been, and of what was before discounts.
_PAID, _PERHAPS, _BEFORE = 0, 1, 2

# By less than that, sums differ where their parts were rounded; only what is written to so many places is a rounding.
_CENT = Decimal("0.01")
_CENTS = 2

# Alone, these can be a sum of money as well as a number of things.
_BARE_TOTALS = frozenset({"total", "gesamt", "summe", "totale", "totaal", "totalt", "summa", "sum"})
_PRICES = frozenset({"price", "preis", "prix", "precio", "prezzo", "prijs", "pris"})

# Columns that are something else than what tells of each row which way its money went.
_NO_INDICATOR = frozenset({"category", "description", "payee", "status", "currency", "purpose"})
_INDICATORS = frozenset({"indicator", "type", "kind_of_transaction", "debit", "credit"})
_LONGEST_CODE = 2

# Fewer rows than these can be a running sum by chance.
_FEWEST_SUMMED = 3


def choose_amounts(columns: Columns, home_currency: str) -> tuple[int, ...]:
    """Chooses the columns for amount, or debit and credit, and for the indicator; gives the amount's rivals.

    Args:
        columns: all columns.
        home_currency: of two that are the same in different currencies, the one in this is meant.
    """
    columns.take_named("amount", "debit", "credit", "indicator", "balance")
    rivals: tuple[int, ...] = ()
    if "amount" not in columns.fields:
        if "debit" not in columns.fields:
            _debit_and_credit(columns)
        if "debit" in columns.fields:
            return ()
        rivals = _amount(columns, home_currency)
    if "indicator" not in columns.fields:
        _indicator(columns)
    return rivals


def _debit_and_credit(columns: Columns) -> None:
    debits = columns.called("debit", holding=_has_amounts)
    credits_ = columns.called("credit", holding=lambda column: column.amounts or not column.filled)
    if debits and credits_:
        columns.take("debit", debits[0].position)
        columns.take("credit", credits_[0].position)
        return
    if columns.called(*_AMOUNTS, holding=_has_amounts):
        return
    if sure := [heading for heading in debits if is_sure(heading)]:
        columns.take("debit", sure[0].position)
        return
    empty = columns.called("debit", holding=lambda column: not column.filled)
    if empty and columns.called("credit", holding=_has_amounts):
        columns.take("debit", empty[0].position)
        columns.take("credit", columns.called("credit", holding=_has_amounts)[0].position)


def _amount(columns: Columns, home_currency: str) -> tuple[int, ...]:
    ranked = sorted(_candidates(columns))
    if not ranked:
        return ()
    best = ranked[0][0]
    tied = [position for placed, position in ranked if placed == best]
    at_home = [position for position in tied if columns.headings[position].currency == home_currency]
    if len(at_home) == 1:
        tied = at_home
    chosen = next((one for one in tied if any(_rounds(columns, one, other) for other in tied if other != one)), tied[0])
    columns.take("amount", chosen)
    return tuple(position for position in tied if position != chosen and not _rounds(columns, chosen, position))


def _candidates(columns: Columns) -> Iterator[tuple[int, int]]:
    """The columns that could be the amount, each with its rank."""
    called = columns.called(*_AMOUNTS, "list_price", "fee")
    holding = [heading for heading in called if columns.profiles[heading.position].amounts]
    if not holding:
        # None holds a number: a column that is surely called so is still it, and its rows are wrong.
        sure = [heading for heading in called if heading.field in _AMOUNTS and is_sure(heading)]
        yield from ((rank(heading), heading.position) for heading in sure[:1])
        if not sure:
            yield from ((0, position) for position in _by_content(columns))
        return
    explained = any(
        columns.called(field, holding=lambda column: column.amounts > column.zeros)
        for field in ("tax", "discount", "quantity", "fee", "unit_price")
    )
    several = sum(rank(heading) <= _PERHAPS for heading in holding) > 1
    for heading in holding:
        others = [other for other in holding if other is not heading]
        if any(_sums_up(columns, other, heading) or _sums_groups(columns, other, heading) for other in others):
            continue
        if any(_is_before(columns, heading, other) for other in others):
            continue
        placed = _placed(heading, columns)
        if placed == _BEFORE and _taken_off(columns):
            # Something was taken off, and it does not show which of the two it is still in.
            placed = _PERHAPS
        if any(_differ_by_tax(columns, heading, other) or _differ_by_tax(columns, other, heading) for other in others):
            placed = _PERHAPS
        if placed == _PAID and several and not explained and "".join(heading.words) in _BARE_TOTALS:
            placed = _PERHAPS
        yield placed, heading.position


def _placed(heading: Heading, columns: Columns) -> int:
    """The rank of a column by what stands beside it."""
    match heading.field:
        case "net" | "gross" if columns.called("tax", holding=lambda column: column.amounts > column.zeros):
            # With taxes between them nobody but the one who paid knows which of the two is a cost.
            return _PERHAPS
        case "net":
            return _PAID
        case "gross":
            return _BEFORE
        case "list_price" | "fee":
            return _LAST_RESORT + rank(heading)
    if heading.words and heading.words[0] in _PRICES and columns.called("quantity", holding=_has_amounts):
        return _LAST_RESORT + rank(heading)
    return rank(heading)


def _sums_up(columns: Columns, amounts: Heading, running: Heading) -> bool:
    """Whether a column is the running sum of another one."""
    steps = zip(columns.profiles[amounts.position].numbers, columns.profiles[running.position].numbers, strict=True)
    whole = [(amount, balance) for amount, balance in steps if amount is not None and balance is not None]
    return len(whole) >= _FEWEST_SUMMED and balance_moves(whole) == POSITIVE


def _sums_groups(columns: Columns, amounts: Heading, sums: Heading) -> bool:
    """Whether a column repeats, for rows that stand together, the sum of another one: an invoice's beside its lines."""
    found = False
    pairs = zip(columns.profiles[amounts.position].numbers, columns.profiles[sums.position].numbers, strict=True)
    for total, group in groupby(pairs, key=lambda pair: pair[1]):
        parts = [amount for amount, _ in group]
        if total is None or None in parts or sum(part for part in parts if part is not None) != total:
            return False
        found = found or len(parts) > 1
    return found


def _differ_by_tax(columns: Columns, without: Heading, taxed: Heading) -> bool:
    """Whether a column is said to be without the taxes that it is another one with."""
    if not vocabulary().without_tax.within(without.words):
        return False
    taxes = columns.called("tax", holding=lambda column: column.amounts > column.zeros)
    high, low = columns.profiles[taxed.position].numbers, columns.profiles[without.position].numbers
    return any(_lowers(high, low, [columns.profiles[tax.position].numbers]) for tax in taxes)


def _taken_off(columns: Columns) -> list[_Numbers]:
    """What columns of discounts and credits hold, row by row."""
    called = columns.called("discount", holding=lambda column: column.amounts > column.zeros)
    return [columns.profiles[heading.position].numbers for heading in called]


def _is_before(columns: Columns, before: Heading, after: Heading) -> bool:
    """Whether one column, less the discounts and credits that stand in columns of their own, is the other."""
    off = _taken_off(columns)
    first, last = columns.profiles[before.position].numbers, columns.profiles[after.position].numbers
    return any(_lowers(first, last, taken) for taken in [*([each] for each in off), off] if taken)


def _lowers(before: _Numbers, after: _Numbers, taken: Sequence[_Numbers]) -> bool:
    found = False
    for high, low, *parts in zip(before, after, *taken, strict=True):
        if (high is None) != (low is None):
            return False
        if high is None or low is None:
            continue
        part = sum((each.copy_abs() for each in parts if each), Decimal(0))
        if abs(high.copy_abs() - part - low.copy_abs()) > _CENT:
            return False
        found = found or part > _CENT
    return found


def _rounds(columns: Columns, rounded: int, exact: int) -> bool:
    """Whether one column is another with fewer decimals."""
    pairs = zip(columns.profiles[rounded].numbers, columns.profiles[exact].numbers, strict=True)
    whole = [(short, long) for short, long in pairs if short is not None and long is not None]
    places = max((_places(short) for short, _ in whole), default=0)
    return (
        places >= _CENTS
        and any(_places(long) > places for _, long in whole)
        and all(round(long, places) == short for short, long in whole)
    )


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _by_content(columns: Columns) -> list[int]:
    """The one column that holds amounts, where no name says so: that which others are not the running balance of."""
    free = [heading for heading in columns.free() if heading.field in {"", "debit", "credit", "description"}]
    precise = [
        heading
        for heading in free
        if columns.profiles[heading.position].precise * 2 > columns.profiles[heading.position].filled
    ]
    if len(precise) > 1:
        moved = [
            (one.position, other.position)
            for one in precise
            for other in precise
            if one is not other and _sums_up(columns, one, other)
        ]
        if len(precise) == len(("amount", "balance")) and len(moved) == 1:
            columns.take("balance", moved[0][1])
            return [moved[0][0]]
    return [heading.position for heading in precise] if len(precise) == 1 else []


def _indicator(columns: Columns) -> None:
    words = vocabulary()
    for heading in columns.free():
        values = columns.profiles[heading.position].values
        if heading.field in _NO_INDICATOR or not values:
            continue
        out = {value for value in values if value == "-" or words.out.are(words_of(value))}
        into = {value for value in values if value == "+" or words.into.are(words_of(value))}
        if out | into != values:
            continue
        # "S" may be a size and "C" a plan: letters tell only where the column is called so, or both ways are there.
        if heading.field in _INDICATORS or (out and into) or max(map(len, values)) > _LONGEST_CODE:
            columns.take("indicator", heading.position)
            return


def _has_amounts(column: ColumnProfile) -> bool:
    return column.amounts > 0
