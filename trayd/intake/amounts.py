"""Amounts as people and tools write them: ``$1,234.56``, ``1.234,56 €``, ``(12.00)``, ``USD 0.0025``, ``1e-05``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from trayd.intake.currencies import is_sign

#: ``point``: 1,234.56. ``comma``: 1.234,56.
STYLES = ("point", "comma")

#: Which style is which, for a person.
STYLE_NAMES = {"point": "with a decimal point", "comma": "with a decimal comma"}

#: Beyond this an amount is a mistake.
LARGEST = Decimal(10) ** 12

_LONGEST = 60

# Typographic signs for what a keyboard writes as minus, space and apostrophe.
_PLAIN = str.maketrans(
    {"\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " "}
    | {"\N{THIN SPACE}": " ", "\N{RIGHT SINGLE QUOTATION MARK}": "'"}
)

_SIGN = r"[^\W\d_]{1,3}\.?|[A-Za-z]{0,2}[$€£¥₹₩₽]"
_AMOUNT = re.compile(
    rf"(?P<open>\()?\s*(?P<minus>[-+])?\s*(?P<before>{_SIGN})?\s*(?P<minus2>[-+])?\s*"
    rf"(?P<digits>[\d.,][\d.,' ]*?(?:[eE][-+]?\d{{1,2}})?)\s*(?P<after>{_SIGN})?\s*(?P<minus3>-)?\s*(?P<close>\))?"
)


def _number(decimal: str, group: str) -> re.Pattern[str]:
    grouped = "|".join(rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+" for mark in (group, " ", "'"))
    return re.compile(rf"(?P<whole>\d+|{grouped}|)(?:{decimal}(?P<part>\d+))?(?P<power>[eE][-+]?\d{{1,2}})?")


_NUMBERS = {"point": _number(r"\.", ","), "comma": _number(",", r"\.")}


class Amount(msgspec.Struct, frozen=True):
    """What an amount cell says.

    Attributes:
        readings: the signed number in each style in which it is one; none where it is not an amount.
        sign: the currency's sign or code in the cell, as it stands there; None where there is none.
    """

    readings: Mapping[str, Decimal]
    sign: str | None = None


def read_amount(text: str) -> Amount:
    """The amount in each style in which the text is one."""
    plain = text.translate(_PLAIN).strip()
    found = _AMOUNT.fullmatch(plain) if len(plain) <= _LONGEST else None
    if found is None or bool(found["open"]) != bool(found["close"]) or (found["before"] and found["after"]):
        return Amount({})
    signs = [sign for sign in (found["minus"], found["minus2"], found["minus3"]) if sign]
    if len(signs) + bool(found["open"]) > 1:
        return Amount({})
    sign = found["before"] or found["after"]
    if sign and not is_sign(sign):
        return Amount({})
    negative = bool(found["open"]) or "-" in signs
    readings = {}
    for style, pattern in _NUMBERS.items():
        number = pattern.fullmatch(found["digits"])
        if number is not None and (number["whole"] or number["part"]):
            whole = re.sub(r"\D", "", number["whole"])
            part = f".{number['part']}" if number["part"] else ""
            value = Decimal(f"{whole or 0}{part}{number['power'] or ''}")
            readings[style] = -value if negative else value
    return Amount(readings, sign)
