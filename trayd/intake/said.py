"""What a row says of itself in words: that it is a sum, pending, a refund, money that came in.

Only words that leave no doubt count. ``Total Video Suite`` is a product and ``Total November 2026`` a sum; ``Payment``
is a card's statement paid off where nothing else stands there, and ``Payment to Runway`` is not.
"""

from __future__ import annotations

from enum import StrEnum

from trayd.intake.amounts import Marker
from trayd.intake.currencies import is_currency
from trayd.intake.vocabulary import vocabulary
from trayd.intake.words import Phrases, Words, words_of

_PHRASE = 2


class State(StrEnum):
    """What became of a payment, where the row tells; the value is the reason that a person is told."""

    PENDING = "pending"
    FAILED = "failed or cancelled"
    FREE = "included, costs nothing"
    REFUNDED = "refunded in full"
    PARTLY_REFUNDED = "refunded in part"


class Said(StrEnum):
    """What a payment is, where the row tells; the value is the reason that a person is told."""

    REFUND = "refund"
    CARD_PAYMENT = "the card was paid off"
    INCOME = "money that came in"
    PURCHASE = "purchase"
    NOTHING = ""


def is_total(text: str) -> bool:
    """Whether it calls itself a sum of other rows, and nothing else: ``Total November 2026``, ``October total``."""
    words = words_of(text)
    total = vocabulary().total
    begins, ends = total.match(words), _at_the_end(total, words)
    return (bool(begins) and _only_of_what(words[begins:])) or (bool(ends) and _only_of_what(words[:-ends]))


def names_a_total(text: str) -> bool:
    """Whether it could be a sum: ``Images subtotal``, ``Total for Runway``; of a row without a date that is enough."""
    words = words_of(text)
    known = vocabulary()
    behind = known.total.match(words)
    return _at_the_end(known.total, words) > 0 or (behind > 0 and known.total_of_what.match(words, behind) > 0)


def tells_of_a_total(text: str) -> bool:
    """Whether it begins or ends as a sum does, which ``Total Video Suite`` does, too: only figures can prove it one."""
    words = words_of(text)
    total = vocabulary().total
    return total.match(words) > 0 or _at_the_end(total, words) > 0


def is_balance(text: str) -> bool:
    """Whether it tells where an account stood, and nothing else."""
    words = words_of(text)
    matched = vocabulary().balance.match(words)
    return bool(matched) and _only_of_what(words[matched:])


def could_be_a_payee(text: str) -> bool:
    """Whether what is called a sum or a balance bears a name that shops and apps bear, too: ``TOTAL 4711``."""
    return vocabulary().payees_too.are(tuple(word for word in words_of(text) if not _is_figure(word)))


def _at_the_end(phrases: Phrases, words: Words) -> int:
    """How many words at the end are one of the phrases, the longest; 0 where none is."""
    return next((len(words) - at for at in range(len(words)) if phrases.match(words, at) == len(words) - at), 0)


def _only_of_what(words: Words) -> bool:
    of = vocabulary().total_of
    return all(_is_figure(word) or of.match((word,)) for word in words)


def _is_figure(word: str) -> bool:
    return any(map(str.isdigit, word)) or is_currency(word.upper())


def state_of(text: str) -> State | None:
    """What a cell says of how far a payment has come; None where it says that it is done, or nothing that is known."""
    words = words_of(text)
    if not words:
        return None
    known = vocabulary()
    if known.done.are(words):
        return None
    if known.partly_refunded_state.are(words):
        return State.PARTLY_REFUNDED
    if known.refunded_state.are(words):
        return State.REFUNDED
    for phrases, state in ((known.pending, State.PENDING), (known.failed, State.FAILED), (known.free, State.FREE)):
        if any(phrases.match(words, at) and not _denied(words, at) for at in range(len(words))):
            return state
    return None


def _denied(words: Words, at: int) -> bool:
    return at > 0 and bool(vocabulary().negation.match(words, at - 1))


def is_pending(text: str) -> bool:
    """Whether it says that a payment is pending, and nothing else."""
    return vocabulary().pending.are(words_of(text))


def has_no_date_yet(text: str) -> bool:
    """Whether what stands in the place of a date says that a payment is still on its way."""
    return is_pending(text) or vocabulary().no_date_yet.are(words_of(text))


def has_failed(text: str) -> bool:
    """Whether it says that a payment came to nothing, and nothing else."""
    return vocabulary().failed.are(words_of(text))


def is_free(text: str) -> bool:
    """Whether a word in the place of an amount says that it costs nothing."""
    return bool(vocabulary().free.match(words_of(text)))


def direction_of(told: str) -> Marker | None:
    """Which way a cell of the indicator's column says that the money went; None where it does not say it."""
    words = words_of(told)
    if told == "-" or vocabulary().out.are(words):
        return Marker.DEBIT
    return Marker.CREDIT if told == "+" or vocabulary().into.are(words) else None


def is_moved(kind: str) -> bool:
    """Whether the kind of a transaction says that money only changed its place or its currency."""
    return vocabulary().moved.are(words_of(kind))


def said_by(description: str, kind: str, category: str, status: str = "") -> Said:
    """What a row is by its words.

    Args:
        description: what it says in its own words.
        kind: the kind of transaction.
        category: its category.
        status: how far it has come.
    """
    known = vocabulary()
    told, of_kind, of_category = words_of(description), words_of(kind), words_of(category)
    every = (told, of_kind, of_category, words_of(status))
    if not any(known.direction.within(words) for words in every):
        return Said.NOTHING
    tests = (
        (Said.REFUND, any(known.refund.within(words) for words in every) or known.refund_kind.are(of_kind)),
        (Said.REFUND, known.into.are(of_kind) and known.refund_kind.within(told)),
        (Said.CARD_PAYMENT, known.card_payment.are(told) or known.card_payment.within(told, _PHRASE)),
        (Said.INCOME, _is_income(of_kind) or _is_income(of_category)),
        (Said.PURCHASE, known.purchase.are(of_kind)),
        (Said.INCOME, _is_income(told)),
        (Said.PURCHASE, known.begins_purchase.match(told) > 0),
    )
    return next((said for said, holds in tests if holds), Said.NOTHING)


def _is_income(words: Words) -> bool:
    known = vocabulary()
    return known.income.are(words) or known.income.within(words, _PHRASE) or known.salary.within(words)


def is_refund_by_kind(kind: str, category: str) -> bool:
    """Whether the kind of transaction or the category, and not only a description, says that it is a refund."""
    known = vocabulary()
    return known.refund_kind.are(words_of(kind)) or any(
        known.refund.within(words_of(text)) for text in (kind, category)
    )


def is_discount(*texts: str) -> bool:
    """Whether it says that a price was lowered; what stands on the other side of zero then takes from the costs."""
    return any(vocabulary().discount.within(words_of(text)) for text in texts)


def begins_as_refund(description: str) -> bool:
    """Whether a description begins with a word for a refund."""
    return bool(vocabulary().refund.match(words_of(description)))
