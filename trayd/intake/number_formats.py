"""What an Excel cell's number format makes of the number that is stored: a date, a length of time, money of a currency.

ECMA-376 part 1, 18.8.30 (number formats), 18.17.4 (dates).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from enum import Enum, auto

import msgspec

from trayd.intake.currencies import is_currency, is_sign

# Excel itself shows no more digits than these: 1.1 is stored as 1.1000000000000001.
_AS_SHOWN = Context(prec=15)

_BUILT_IN_DATES = (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))
_BUILT_IN: dict[int, str] = {**dict.fromkeys(_BUILT_IN_DATES, "d"), 46: "[h]:mm:ss"}

_SKIPPED = re.compile(r"\\.|_.|\*.")
_QUOTED = re.compile(r'"([^"]*)"')
_BRACKETS = re.compile(r"\[([^\]]*)\]")
_ELAPSED = re.compile(r"(h+|m+|s+)", re.IGNORECASE)
_CALENDAR = re.compile(r"[ymdhs]", re.IGNORECASE)
_BARE = re.compile(r"[^\s\d#?0.,;@%()+\-/_]+")

# Signs that several countries use, by the language that Excel writes beside them (MS-LCID).
_BY_LANGUAGE = {
    "$": {
        0x409: "USD",
        0x540A: "USD",
        0x1009: "CAD",
        0xC0C: "CAD",
        0xC09: "AUD",
        0x1409: "NZD",
        0x4809: "SGD",
        0xC04: "HKD",
        0x404: "TWD",
        0x80A: "MXN",
        0x2C0A: "ARS",
        0x340A: "CLP",
        0x240A: "COP",
    },
    "kr": {0x41D: "SEK", 0x414: "NOK", 0x814: "NOK", 0x406: "DKK", 0x40F: "ISK"},
    "¥": {0x411: "JPY", 0x804: "CNY"},
}

# Beyond what a double can be.
_GREATEST_POWER = 308

_EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001 - a cell's date has no zone
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001 - the same
_LAST_SERIAL = 2_958_465
_DAY_S = 86_400
# The 1900 system counts a 29 February 1900; from 1 March 1900 on its serials are right with the epoch above.
_FIRST_MARCH_1900 = 61


class Meaning(Enum):
    """What the number is."""

    NUMBER = auto()
    INSTANT = auto()  #: a date, a time of day, or both
    LENGTH = auto()  #: of time


class Format(msgspec.Struct, frozen=True):
    """A number format.

    Attributes:
        currency: the ISO 4217 code or the sign that it shows beside the number; empty where it shows none.
    """

    meaning: Meaning = Meaning.NUMBER
    currency: str = ""


def format_of(number_format: int, codes: dict[int, str]) -> Format:
    """What a number format means.

    Args:
        number_format: its id.
        codes: the codes that the workbook gives for ids. What it gives none for is built in, and of those only dates
            are the same everywhere: the built-in money formats show the currency of whoever looks.
    """
    return _understood(codes.get(number_format, _BUILT_IN.get(number_format, "")))


def _understood(code: str) -> Format:
    brackets = _BRACKETS.findall(code)
    currency = next((sign for text in brackets if text.startswith("$") and (sign := _currency(text[1:]))), "")
    rest = _BRACKETS.sub("", code)
    literals = _QUOTED.findall(rest)
    rest = _SKIPPED.sub("", _QUOTED.sub("", rest))
    bare = [word for word in _BARE.findall(rest) if _sign(word)]
    for word in bare:
        rest = rest.replace(word, "")
    currency = currency or next((sign for text in (*literals, *bare) if (sign := _sign(text))), "")
    if any(_ELAPSED.fullmatch(text) for text in brackets):
        return Format(Meaning.LENGTH)
    if not currency and not set("#?") & set(rest) and _CALENDAR.search(rest):
        return Format(Meaning.INSTANT)
    return Format(currency=currency)


def _currency(text: str) -> str:
    """The currency of ``€-407``, ``kr-41D``, ``EUR``; empty for ``-409``, which only tells a language."""
    sign, _, language = text.partition("-")
    sign = _sign(sign)
    try:
        return _BY_LANGUAGE[sign.lower().rstrip(".").replace("￥", "¥")][int(language, 16)]
    except (KeyError, ValueError):
        return sign


def _sign(text: str) -> str:
    plain = text.strip()
    return plain if plain and (is_sign(plain) or is_currency(plain.upper())) else ""


def shown_number(stored: str, number_format: Format, *, from_1904: bool) -> str:
    """A stored number as text.

    Numbers come with a point and without groups, at the 15 digits that Excel shows; with the currency behind them
    where the format has one. Dates are year-month-day, with the time where there is one; lengths of time are hours,
    minutes and seconds.
    """
    try:
        exact = Decimal(stored)
        value = _AS_SHOWN.plus(exact)
    except InvalidOperation:
        return stored
    if not value.is_finite() or abs(value.adjusted()) > _GREATEST_POWER:
        return stored
    if number_format.meaning is Meaning.INSTANT and 0 <= value < _LAST_SERIAL + 1:
        return _instant(value, from_1904=from_1904)
    if number_format.meaning is Meaning.LENGTH:
        return _length(value)
    text = f"{value.normalize():f}"
    return f"{text} {number_format.currency}" if number_format.currency else text


def _instant(serial: Decimal, *, from_1904: bool) -> str:
    seconds = round(serial * _DAY_S)
    if seconds < _DAY_S and not from_1904:
        return _clock(seconds)
    days = seconds // _DAY_S
    if not from_1904 and days < _FIRST_MARCH_1900:
        days += 1
    at = (_EPOCH_1904 if from_1904 else _EPOCH_1900) + timedelta(days=days)
    time = seconds % _DAY_S
    return f"{at:%Y-%m-%d} {_clock(time)}" if time else f"{at:%Y-%m-%d}"


def _length(days: Decimal) -> str:
    seconds = round(days * _DAY_S)
    return f"-{_clock(-seconds)}" if seconds < 0 else _clock(seconds)


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
