"""Amounts as people and tools write them.

``$1,234.56``, ``1.234,56 €``, ``1 234,56 kr``, ``1'234.50``, ``1,23,456.78``, ``(12.00)``, ``12.00-``, ``USD 0.0025``,
``$12.00 USD``, ``1e-05``, ``250:-``, ``250,-``, ``12.00 CR``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

import msgspec

from trayd.intake.currencies import is_currency, is_sign, may_mean
from trayd.intake.spelling import typed

#: ``point``: 1,234.56. ``comma``: 1.234,56.
STYLES = ("point", "comma")

#: Which style is which, for a person.
STYLE_NAMES = {"point": "with a decimal point", "comma": "with a decimal comma"}

#: Beyond this an amount is a mistake.
LARGEST = Decimal(10) ** 12

_LONGEST = 60

_NO_AMOUNT = frozenset({"", "-", "--", "---", "n/a", "na", "n.a.", "#n/a", "null", "none", "nil", "nan", "(null)"})

# A point after letters is theirs ("kr.500" is no half): hence no backtracking there.
_CELL = re.compile(
    r"(?P<before>(?:S/\.?+|[^\W\d_]++\.?+|[^\w.,])*+)"
    r"(?P<digits>[0-9.,](?:[0-9.,' ]*[0-9.,])?+(?:[eE][-+]?[0-9]{1,3})?+)"
    r"(?P<after>[^0-9]*+)"
)
_WORD = re.compile(r"[()+-]|[^\s()+-]+")
# "12.00 (USD)", "12.00 (CR)".
_IN_BRACKETS = re.compile(r"\(([A-Za-z]{2,3}|[$€£])\)")
_NO_CENTS = re.compile(r":?--?")


def _number(decimal: str, group: str) -> re.Pattern[str]:
    groups = [rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+" for mark in (group, " ", "'")]
    if group == ",":
        groups.append(r"[1-9]\d?(?:,\d{2})+,\d{3}")  # India's lakhs and crores
    # Nobody groups digits and writes a power of ten: with one, the mark is the decimal one.
    return re.compile(
        rf"(?:(?P<whole>\d+|{'|'.join(groups)}|)(?:{decimal}(?P<part>\d*))?"
        rf"|(?P<mantissa>\d+(?:{decimal}\d*)?|{decimal}\d+)(?P<power>[eE][-+]?\d+))"
    )


_NUMBERS = {"point": _number(r"\.", ","), "comma": _number(",", r"\.")}
_SIMPLE = re.compile(r"-?(?:0|[1-9][0-9]{0,9})\.[0-9]{1,2}")
_NOT_DIGITS = re.compile(r"[^0-9]")


class Marker(StrEnum):
    """What letters beside a number say of its direction: ``DR``, ``D``, Soll; ``CR``, ``C``, Haben."""

    DEBIT = "debit"
    CREDIT = "credit"


_MARKERS = {
    "DR": Marker.DEBIT,
    "DB": Marker.DEBIT,
    "CR": Marker.CREDIT,
    "D": Marker.DEBIT,
    "S": Marker.DEBIT,
    "C": Marker.CREDIT,
    "H": Marker.CREDIT,
}


class Amount(msgspec.Struct, frozen=True):
    """What an amount cell says.

    Attributes:
        readings: the signed number in each style in which it is one; none where it is not an amount.
        sign: the currency's sign or code in the cell, as it stands there; None where there is none.
        marker: what letters beside the number say of its direction. They leave the number's own sign as it is.
        empty: whether the cell says that there is no amount: nothing, a dash, ``n/a``, ``null``. Without readings and
            not empty it is something else: a text, a percentage, a mistake.
    """

    readings: Mapping[str, Decimal]
    sign: str | None = None
    marker: Marker | None = None
    empty: bool = False


class _Around(msgspec.Struct, frozen=True):
    negative: bool
    sign: str | None
    marker: Marker | None


_NONSENSE = Amount({})
_EMPTY = Amount({}, empty=True)


@lru_cache(maxsize=2048)
def read_amount(text: str) -> Amount:
    """The amount in each style in which the text is one.

    Values are exact, whatever their number of digits; those beyond :data:`LARGEST` are left out.
    """
    if _SIMPLE.fullmatch(text):
        return Amount({"point": Decimal(text)})
    plain = typed(text).strip()
    if len(plain) > _LONGEST:
        return _NONSENSE
    found = _CELL.fullmatch(plain)
    if found is None:
        return _no_amount(plain)
    before, digits, after = found.groups()
    after = _NO_CENTS.sub("", after, count=1) if after.startswith(":-") or digits[-1] in ".," else after
    around = _around(before, after, precise="." in digits or "," in digits)
    if around is None:
        return _NONSENSE
    readings = {}
    for style, pattern in _NUMBERS.items():
        value = _value(pattern, digits)
        if value is not None and value <= LARGEST:
            readings[style] = value.copy_negate() if around.negative else value
    return Amount(readings, around.sign, around.marker) if readings else _NONSENSE


def _value(pattern: re.Pattern[str], digits: str) -> Decimal | None:
    number = pattern.fullmatch(digits)
    if number is None:
        return None
    whole, part, mantissa, power = number.groups()
    if power:
        return Decimal(mantissa.replace(",", ".") + power)
    if not whole and not part:
        return None
    return Decimal(f"{_NOT_DIGITS.sub('', whole) or 0}.{part}" if part else _NOT_DIGITS.sub("", whole))


def _no_amount(plain: str) -> Amount:
    if plain.casefold() in _NO_AMOUNT:
        return _EMPTY
    # What spreadsheets show for nothing where a column is formatted as money: "$ -".
    words = _WORD.findall(plain)
    if "-" in words:
        sign = _one_sign(_signs([word for word in words if word != "-"]))
        if sign:
            return Amount({}, sign, empty=True)
    return _NONSENSE


# The texts around numbers are few in a file, however many its numbers are.
@lru_cache(maxsize=512)
def _around(before: str, after: str, *, precise: bool) -> _Around | None:
    """What stands around the digits; None where it makes no amount of them.

    Args:
        before: the text before the digits.
        after: the text behind them.
        precise: whether the number has decimals or groups: ``12.00D`` is a debit, ``12D`` can be anything.
    """
    # Where a cell could be taken for a formula, an apostrophe before it keeps spreadsheets from running it.
    left = _WORD.findall(before.removeprefix("'"))
    right = _WORD.findall(_IN_BRACKETS.sub(r"\1", after))
    bracketed = "(" in left
    if ")" in left or "(" in right or left.count("(") != right.count(")"):
        return None
    signs = [word for word in (*left, *right) if word in "+-"]
    if len(signs) + (left.count("(")) > 1:
        return None
    left = [word for word in left if word not in "()+-"]
    right = [word for word in right if word not in "()+-"]
    found = [left.pop(0)] if left and _is_marker(left[0], apart=before.endswith(" ")) else []
    for place in (0, -1):
        if right and _is_marker(right[place], apart=precise or after.startswith(" ")):
            found = [*found, right.pop(place)]
    marks = (*_signs(left), *_signs(right))
    sign = _one_sign(marks)
    if len(found) > 1 or (sign is None and marks):
        return None
    marker = _MARKERS[found[0].rstrip(".").upper()] if found else None
    return _Around(bracketed or "-" in signs, sign, marker)


def _is_marker(word: str, *, apart: bool) -> bool:
    plain = word.rstrip(".")
    return plain.upper() in _MARKERS and (len(plain) > 1 or (plain.isupper() and apart))


def _signs(words: list[str]) -> tuple[str, ...]:
    """The signs and codes that the words are: one, in one or two words (``US $``), or two (``USD $``)."""
    joined = "".join(words)
    if not joined or is_sign(joined):
        return (joined,) if joined else ()
    cuts = ((joined[:cut], joined[cut:]) for cut in range(1, len(joined)))
    return next((pair for pair in cuts if all(map(is_sign, pair))), ("",))


def _one_sign(signs: tuple[str, ...]) -> str | None:
    """The one that says most, where all of them can mean one currency."""
    if not signs or not all(map(is_sign, signs)):
        return None
    code = next((sign for sign in signs if is_currency(sign.upper())), None)
    if code is None:
        return signs[0] if len({sign.casefold() for sign in signs}) == 1 else None
    return code if all(may_mean(sign, code.upper()) for sign in signs) else None
