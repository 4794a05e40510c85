"""Which sign money that was spent has: on one statement it stands below zero, on another above.

What decides, in this order: the person; the known source; a column that tells of each row; the amounts, where all that
no words tell of stand on one side; the words of the rows, where they agree; a running balance together with what kind
of account it is; the name of the column. Where nothing decides, the file reads in two ways.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise

import msgspec

from trayd.intake.said import Said
from trayd.intake.understanding import Spending

NEGATIVE: Spending = "negative"
POSITIVE: Spending = "positive"

_OPPOSITE: dict[Spending, Spending] = {NEGATIVE: POSITIVE, POSITIVE: NEGATIVE}

# More rows than these show whether a column is the running balance, and so much of them has to fit.
_FEWEST_STEPS = 1
_FITTING = Decimal("0.8")


class Example(msgspec.Struct, frozen=True):
    """A row that shows a sign."""

    line: int
    text: str


class Signs(msgspec.Struct):
    """Amounts of a column, counted by sign and by what their rows say.

    Attributes:
        counts: by what is said and the sign.
        examples: the first of each.
    """

    counts: Counter[tuple[Said, Spending]] = msgspec.field(default_factory=Counter)
    examples: dict[Spending, Example] = {}

    def add(self, said: Said, value: Decimal, line: int, text: str) -> None:
        """Counts an amount that is not zero."""
        sign = sign_of(value)
        self.counts[said, sign] += 1
        if sign not in self.examples:
            self.examples[sign] = Example(line, text)

    def sides(self, *said: Said) -> set[Spending]:
        """The signs of rows that say one of that."""
        return {sign for (what, sign), count in self.counts.items() if count and what in said}


class Decision(msgspec.Struct, frozen=True):
    """The sign of spending, and what told it."""

    spending: Spending
    why: str


def sign_of(value: Decimal) -> Spending:
    """On which side of zero it stands."""
    return NEGATIVE if value < 0 else POSITIVE


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What a file shows of the account that it tells of.

    Attributes:
        balance_moves: whether a running balance moves with the amounts (positive) or against them.
        card: whether it is said to be a credit card's.
        bank: whether it has what only the statement of an account has: counterparties, a balance, plus signs.
        cost_name: the amount column's name, where it says that a cost stands there.
    """

    balance_moves: Spending | None = None
    card: bool = False
    bank: bool = False
    cost_name: str | None = None


def spending_sign(signs: Signs, account: Account) -> Decision | None:
    """The sign of spending by what the file shows; None where it shows nothing, or two things.

    Args:
        signs: its amounts.
        account: what it shows of the account.
    """
    everything = signs.sides(*Said)
    untold = signs.sides(Said.NOTHING, Said.PURCHASE)
    if signs.sides(Said.CARD_PAYMENT):
        account = msgspec.structs.replace(account, card=True)
    by_balance = _by_balance(account)
    if len(untold) == 1 and len(everything) == 1:
        (side,) = everything
        # On the other side it is money that came in, or a balance that counts up what was spent.
        doubtful = by_balance is not None and by_balance.spending != side and not account.cost_name
        return None if doubtful else Decision(side, "all amounts have that sign")
    strong = [*_votes(signs), *([by_balance] if by_balance else [])]
    if strong == [by_balance] and not account.card and _mostly(signs, POSITIVE):
        # An account that more comes into than goes out of, or a card whose balance is what is owed.
        return None
    if strong:
        return _agreed(strong)
    weak = [*_by_income(signs), *_by_account(signs, account)]
    if len(untold) == 1:
        weak.extend(Decision(side, "only money that came in has the other sign") for side in untold)
    return _agreed(weak)


def _agreed(evidence: Sequence[Decision]) -> Decision | None:
    return evidence[-1] if len({decision.spending for decision in evidence}) == 1 else None


def _votes(signs: Signs) -> list[Decision]:
    votes = []
    for said, opposite, why in (
        (Said.PURCHASE, False, "purchases have that sign"),
        (Said.REFUND, True, "refunds have the other sign"),
        (Said.CARD_PAYMENT, True, "payments to the card have the other sign"),
    ):
        sides = signs.sides(said)
        if len(sides) == 1:
            (side,) = sides
            votes.append(Decision(_OPPOSITE[side] if opposite else side, why))
    return votes


def _by_income(signs: Signs) -> list[Decision]:
    """What words of income tell: little, as salaries, interest and deposits are also paid."""
    if signs.sides(Said.INCOME) == {POSITIVE}:
        return [Decision(NEGATIVE, "money that came in has the other sign")]
    if signs.sides(Said.INCOME) == {NEGATIVE} and not signs.sides(Said.REFUND, Said.CARD_PAYMENT):
        # Either income stands below zero, or these were paid: that decides nothing, and leaves no doubtless reading.
        return [Decision(NEGATIVE, ""), Decision(POSITIVE, "")]
    return []


def _by_account(signs: Signs, account: Account) -> list[Decision]:
    evidence = []
    if account.card:
        # Some banks write what a card spent below zero: what came in tells more than that it is a card's.
        if signs.sides(Said.INCOME) != {POSITIVE}:
            evidence.append(Decision(POSITIVE, "it is a card's statement"))
    elif account.bank:
        evidence.append(Decision(NEGATIVE, "it is an account's statement"))
    if account.cost_name:
        evidence.append(Decision(POSITIVE, f'the column "{account.cost_name}" tells costs'))
        if not _mostly(signs, POSITIVE):
            # Called costs, and most stand below zero.
            evidence.append(Decision(NEGATIVE, ""))
    return evidence


def _mostly(signs: Signs, side: Spending) -> bool:
    """Whether of the rows that no words tell of most stand on that side."""
    return signs.counts[Said.NOTHING, side] > signs.counts[Said.NOTHING, _OPPOSITE[side]]


def _by_balance(account: Account) -> Decision | None:
    moves = account.balance_moves
    if moves is None:
        return None
    if account.card:
        # What is owed grows with what is spent.
        return Decision(moves, "the balance that is owed grows with it")
    return Decision(_OPPOSITE[moves], "the balance falls with it")


def balance_moves(steps: Sequence[tuple[Decimal, Decimal]]) -> Spending | None:
    """Whether a column is the running balance of the amounts; None where it is not.

    Args:
        steps: amount and balance of the rows, in the order of the file, which may be the newest first.
    """
    if len(steps) <= _FEWEST_STEPS:
        return None
    pairs = list(pairwise(steps))
    oldest_first = [(later[0], later[1] - earlier[1]) for earlier, later in pairs]
    newest_first = [(later[0], later[1] - earlier[1]) for later, earlier in pairs]
    for moved in (oldest_first, newest_first):
        for sign, factor in ((POSITIVE, 1), (NEGATIVE, -1)):
            if _share(amount * factor == change for amount, change in moved) >= _FITTING:
                return sign
    return None


def _share(fits: Iterable[bool]) -> Decimal:
    found = list(fits)
    return Decimal(sum(found)) / len(found)
