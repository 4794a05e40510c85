"""Which column tells the currency of the amount, and not that of another amount beside it.

A card's statement has ``Currency, Foreign amount, Amount`` as often as ``Amount, Currency``: names tell where they say
"original" or "foreign"; else where the column stands and what its rows show have to agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from trayd.intake.choosing import Columns, is_sure, rank
from trayd.intake.columns import Heading
from trayd.intake.currencies import COMMON_CODES, is_currency
from trayd.intake.other_tables import Doubt
from trayd.intake.rejection import shown
from trayd.intake.vocabulary import vocabulary

# The rank of names of currencies that are those of the shop and not of the account.
_FOREIGN = 1


def choose_currency(columns: Columns, home_currency: str) -> Doubt | None:
    """Chooses the column of the amount's currency.

    Args:
        columns: all columns, with the amount's chosen.
        home_currency: where a foreign amount stands beside it, that of rows in which both are equal.

    Returns:
        Where it may as well be that of another amount: this doubt.
    """
    if "currency" in columns.fields:
        return None
    main = columns.headings[columns.fields.get("amount", columns.fields.get("debit", 0))]
    if main.currency and columns.called("amount", "list_price", holding=lambda column: column.amounts > 0):
        return None
    own, others = _candidates(columns, foreign=_is_foreign(main))
    amounts = _foreign_amounts(columns, main)
    if not own:
        doubtful = [each for each in others if not _is_of_another(each, main, columns, amounts)]
        told = [each for each in doubtful if columns.profiles[each.position].values != {home_currency}]
        return _doubt(told[0], main) if told and not main.currency else None
    best = _best(own, main)
    if len(own) == 1 and not others and amounts and not main.currency:
        other = min(amounts, key=lambda each: abs(each.position - best.position))
        match _is_the_others(columns, best, main, other, home_currency):
            case True:
                return None
            case None:
                return _doubt(best, main, other)
    columns.take("currency", best.position)
    return None


def _doubt(codes: Heading, main: Heading, other: Heading | None = None) -> Doubt:
    name, amount = shown(codes.name), shown(main.name)
    else_of = f'"{shown(other.name)}"' if other else "another amount"
    return Doubt(
        problem=f'"{name}" can be the currency of "{amount}" or of {else_of}',
        answers=(
            (("--column", f"currency={name}"), f'where it is of "{amount}"'),
            (("--currency", "CODE"), f'where "{amount}" is in one currency, with its code'),
        ),
        of="currency",
    )


def _candidates(columns: Columns, *, foreign: bool) -> tuple[list[Heading], list[Heading]]:
    """The columns of currencies that could be the amount's, and those that by their names are another's."""
    names = vocabulary()
    called = columns.called("currency", holding=lambda column: column.filled and not column.amounts)
    free = [each for each in columns.free() if each not in called]
    coded = [
        each for each in free if (values := columns.profiles[each.position].values) and all(map(is_currency, values))
    ]
    called += [each for each in coded if names.currencies.within(each.words)]
    own = [each for each in called if _is_foreign(each) == foreign]
    others = [each for each in called if each not in own]
    if not own:
        # Nobody calls a team EUR; there are some that are called TOP.
        common = [each for each in coded if not COMMON_CODES.isdisjoint(columns.profiles[each.position].values)]
        own = [each for each in common if each not in others and _is_foreign(each) == foreign]
        others += [each for each in common if each not in (*own, *others)]
    return own, others


def _is_foreign(heading: Heading) -> bool:
    if heading.field == "currency" and is_sure(heading):
        return rank(heading) >= _FOREIGN
    return vocabulary().foreign.within(heading.words)


def _foreign_amounts(columns: Columns, main: Heading) -> list[Heading]:
    """Other columns that hold amounts and say that these are in another currency."""
    currencies = vocabulary().currencies
    return [
        each
        for each in columns.free()
        if each is not main
        and (_is_foreign(each) or currencies.within(each.words))
        and columns.profiles[each.position].amounts > columns.profiles[each.position].zeros
    ]


def _is_of_another(heading: Heading, main: Heading, columns: Columns, amounts: Sequence[Heading]) -> bool:
    """Whether a column of currencies that bears another amount's name has that amount beside it."""
    if amounts:
        return True
    mine = set(heading.words) - set(main.words)
    return any(
        mine & set(each.words) and columns.profiles[each.position].amounts
        for each in columns.headings
        if each.position not in {heading.position, main.position}
    )


def _best(own: Sequence[Heading], main: Heading) -> Heading:
    shared = set(main.words)
    return max(own, key=lambda each: (len(shared & set(each.words)), -rank(each), -abs(each.position - main.position)))


def _is_the_others(columns: Columns, codes: Heading, main: Heading, other: Heading, home_currency: str) -> bool | None:
    """Whether the codes are those of a foreign amount; None where that is not plain."""
    rows = [
        (code, amount, foreign)
        for code, amount, foreign in zip(
            columns.profiles[codes.position].texts,
            map(_size, columns.profiles[main.position].numbers),
            map(_size, columns.profiles[other.position].numbers),
            strict=True,
        )
        if amount
    ]
    same = {code for code, amount, foreign in rows if code and foreign and amount == foreign}
    converted = {code for code, amount, foreign in rows if code and foreign and amount != foreign}
    if not converted:
        return False
    nearer = abs(codes.position - other.position) < abs(codes.position - main.position)
    if home_currency in converted or same - {home_currency}:
        # What was converted is not in the home currency, and what is equal in both is.
        return False if not nearer and len(same | converted) == 1 else None
    only_beside_it = any(not code for code, *_ in rows) and all(
        bool(code) == bool(foreign) for code, _, foreign in rows
    )
    if same or len(converted) > 1 or only_beside_it:
        return True
    if abs(codes.position - other.position) == abs(codes.position - main.position):
        return None
    return nearer


def _size(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.copy_abs()
