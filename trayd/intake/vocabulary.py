"""What columns and rows are called: ``assets/columns.toml`` as types."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec

from trayd.intake.words import Phrases, Words, words_of
from trayd.resources import asset


class Meaning(NamedTuple):
    """What a column's name says.

    Attributes:
        field: the field that it is.
        rank: how well the name fits, from 0; of several columns for a field the lowest is meant.
        sure: whether the whole name is known, and not a word in it.
    """

    field: str
    rank: int
    sure: bool


class _Within(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    field: str
    words: tuple[str, ...]


class _Spending(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"into": "in"}):
    cost_names: tuple[str, ...]
    card_accounts: tuple[str, ...]
    account_names: tuple[str, ...]
    accounts: tuple[str, ...]
    out: tuple[str, ...]
    into: tuple[str, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fields: dict[str, tuple[tuple[str, ...], ...]]
    within: tuple[_Within, ...]
    words: dict[str, tuple[str, ...]]
    spending: _Spending


#: Added to the rank of a name of which only a word is known, and again for each word of it that is not.
_BY_A_WORD = 10

# The first field that is told by a word for a thing; those before it are told by what changes one.
_FIRST_NOUN = "kind_of_transaction"


class Vocabulary:
    """All of the words, ready to be compared with."""

    def __init__(self, file: _File) -> None:
        self._names: dict[str, Meaning] = {}
        for field, ranks in file.fields.items():
            for rank, names in enumerate(ranks):
                for name in names:
                    self._names.setdefault("".join(words_of(name)), Meaning(field, rank, sure=True))
        within = tuple((entry.field, Phrases(entry.words)) for entry in file.within)
        cut = [field for field, _ in within].index(_FIRST_NOUN)
        self._modifiers, self._nouns = within[:cut], within[cut:]
        #: Words in a column's name that make it one of currencies.
        self.currencies = dict(within)["currency"]
        words = {name: Phrases(phrases) for name, phrases in file.words.items()}
        self.total = words["total"]
        self.total_of = words["total_of"]
        self.total_of_what = words["total_of_what"]
        self.balance = words["balance"]
        self.payees_too = words["payees_too"]
        self.pending = words["pending"]
        self.no_date_yet = words["no_date_yet"]
        self.failed = words["failed"]
        self.yes_no = words["yes_no"]
        self.yes = words["yes"]
        self.foreign = words["foreign"]
        self.without_tax = words["without_tax"]
        self.customer = words["customer"]
        self.invoice_number = words["invoice_number"]
        self.done = words["done"]
        self.free = words["free"]
        self.refund = words["refund"]
        self.discount = words["discount"]
        self.refund_kind = words["refund_kind"]
        self.negation = words["negation"]
        self.refunded_state = words["refunded_state"]
        self.partly_refunded_state = words["partly_refunded_state"]
        self.income = words["income"]
        self.salary = words["salary"]
        self.card_payment = words["card_payment"]
        self.moved = words["moved"]
        self.purchase = words["purchase"]
        self.begins_purchase = words["begins_purchase"]
        telling = ("refund", "refund_kind", "card_payment", "income", "salary", "purchase", "begins_purchase")
        #: Of what a row says of itself, all that matters to which way its money went.
        self.direction = Phrases(phrase for name in telling for phrase in file.words[name])
        self.cost_names = Phrases(file.spending.cost_names)
        self.card_accounts = Phrases(file.spending.card_accounts)
        self.account_names = Phrases(file.spending.account_names)
        self.accounts = Phrases(file.spending.accounts)
        self.out = Phrases(file.spending.out)
        self.into = Phrases(file.spending.into)

    def meaning(self, name: Words) -> Meaning | None:
        """What a column of that name is; None where no word of it is known."""
        known = self._names.get("".join(name))
        if known:
            return known
        for field, words in self._modifiers:
            if words.within(name):
                return Meaning(field, _BY_A_WORD + len(name), sure=False)
        for start in range(1, len(name) - 1):
            known = self._names.get("".join(name[start:]))
            if known:
                return Meaning(known.field, _BY_A_WORD + start + known.rank, sure=False)
        for field, words in self._nouns:
            if words.within(name):
                return Meaning(field, _BY_A_WORD + len(name), sure=False)
        return None

    def names(self, field: str) -> Phrases:
        """All names of a field, to be found in a text."""
        return Phrases(name for name, meaning in self._names.items() if meaning.field == field)


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The vocabulary that comes with trayd."""
    return Vocabulary(msgspec.toml.decode(asset("columns.toml").read_bytes(), type=_File))
