"""Column names: what each says by itself, and the currency that stands in it.

``Amount (EUR)`` is an amount in euros, ``cost_usd`` a cost in dollars, ``*Date`` a date. Which of
several columns for one field is meant is :mod:`trayd.intake.layout`'s part.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from trayd.intake.currencies import COMMON_CODES, currency_of, is_currency
from trayd.intake.vocabulary import Meaning, vocabulary
from trayd.intake.words import Words, name_words

_BRACKETS = re.compile(r"[(\[{]([^)\]}]*)[)\]}]")
_SIGNS = re.compile(r"(?:[A-Za-z]{1,2})?[$€£¥₹₩₽₺₪฿₫₱₴]")
_ZONES = frozenset({"utc", "gmt", "cet", "cest", "mez", "mesz", "est", "edt", "pst", "pdt", "bst", "iso"})

_CURRENCY_NAMES = {"euro": "EUR", "euros": "EUR", "dollars": "USD", "kronor": "SEK"}
# Units that numbers can be in instead of whole ones, as a power of ten.
_SMALL_UNITS = {
    "cents": -2,
    "cent": -2,
    "centimes": -2,
    "pence": -2,
    "minor": -2,
    "millis": -3,
    "micros": -6,
    "nanos": -9,
}
_FILLERS = frozenset({"in", "en", "i"})


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of a header.

    Attributes:
        position: its place, counted from 0.
        name: as it stands there.
        words: its words without the currency.
        currency: the code of the currency that it names.
        scale: the power of ten of the unit that its numbers are in: -2 for cents.
        meaning: what it says; None where no word of it is known.
    """

    position: int
    name: str
    words: Words
    currency: str | None = None
    scale: int = 0
    meaning: Meaning | None = None

    @property
    def field(self) -> str:
        """The field that it is by its name; empty where that is not known."""
        return self.meaning.field if self.meaning else ""


def headings(cells: Sequence[str], home_currency: str) -> tuple[Heading, ...]:
    """The cells of a header, each by itself."""
    return tuple(_heading(position, cell.strip(), home_currency) for position, cell in enumerate(cells))


def _heading(position: int, name: str, home_currency: str) -> Heading:
    words, currency = _without_currency(name, home_currency)
    scale = 0
    for unit, power in _SMALL_UNITS.items():
        if len(words) > 1 and unit in words:
            words = tuple(word for word in words if word not in {unit, "units", "unit", "in"})
            scale = power
    full = name_words(name)
    # "Type Foreign Currency" and "Cost in EUR" alike: the name as it stands may be known, too.
    meaning = vocabulary().meaning(words) if words else None
    if not words and currency:
        # A column that is called by a currency and nothing else holds amounts in it.
        meaning = Meaning("amount", 1, sure=True)
    if words and words != full and (meaning is None or not meaning.sure):
        as_it_stands = vocabulary().meaning(full)
        if as_it_stands and (as_it_stands.sure or meaning is None):
            meaning = as_it_stands
    return Heading(position=position, name=name, words=words, currency=currency, scale=scale, meaning=meaning)


def _without_currency(name: str, home_currency: str) -> tuple[Words, str | None]:
    if len(name) == len("EUR") and is_currency(name):
        return (), name
    currency: str | None = None
    rest = name
    bracketed_currency = False
    for bracketed in _BRACKETS.finditer(name):
        inside = bracketed[1].strip()
        last = inside.split()[-1] if inside else ""
        found = _currency(last, home_currency)
        if found and len(inside.split()) <= len(("in", "EUR")):
            currency = currency or found
            bracketed_currency = True
            rest = rest.replace(bracketed[0], " ")
        elif inside.casefold() in _ZONES:
            rest = rest.replace(bracketed[0], " ")
    if found_sign := _SIGNS.search(rest):
        currency = currency or currency_of(found_sign[0], home_currency)
        rest = rest.replace(found_sign[0], " ")
    words = [word for word in name_words(rest) if word not in _ZONES]
    if currency is None and len(words) > 1:
        for place in (-1, 0):
            written = _as_written(rest, words[place])
            if found := _currency(written, home_currency):
                currency = found
                words.pop(place)
                break
    # "Betrag in EUR" loses its "in"; "Money in (EUR)" does not.
    while currency and len(words) > 1 and words[-1] in _FILLERS and not bracketed_currency:
        words.pop()
    return tuple(words), currency


def _as_written(name: str, word: str) -> str:
    return next((part for part in re.findall(r"[^\W_]+", name) if part.lower() == word), word)


def _currency(text: str, home_currency: str) -> str | None:
    if text.lower() in _CURRENCY_NAMES:
        return _CURRENCY_NAMES[text.lower()]
    if len(text) == len("EUR") and text.isalpha():
        known = text.upper() in COMMON_CODES or (text.isupper() and is_currency(text))
        return text.upper() if known else None
    return currency_of(text, home_currency) if (text and not text.isalnum()) or text.lower() == "kr" else None


def same_name(one: str, other: str) -> bool:
    """Whether two names of columns differ only in case, spaces, accents and punctuation."""
    return comparable(one) == comparable(other)


def comparable(name: str) -> str:
    """A column's name as it is compared with others."""
    return "".join(name_words(name)) or name.strip()
