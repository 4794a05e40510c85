"""The currency that an Excel cell's number format shows beside the number: ECMA-376 part 1, 18.8.30."""

from __future__ import annotations

import functools
import re

from trayd.intake.currencies import is_currency, is_sign

_SKIPPED = re.compile(r"\\.|_.|\*.")
_QUOTED = re.compile(r'"([^"]*)"')
_BRACKETS = re.compile(r"\[([^\]]*)\]")
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


@functools.lru_cache(maxsize=256)
def currency_of(code: str) -> str:
    """The ISO 4217 code or the sign that a number format's code shows; empty where it shows none."""
    brackets = _BRACKETS.findall(code)
    rest = _BRACKETS.sub("", code)
    literals = _QUOTED.findall(rest)
    bare = _BARE.findall(_SKIPPED.sub("", _QUOTED.sub("", rest)))
    told = (
        *(_of_country(text[1:]) for text in brackets if text.startswith("$")),
        *(_sign(text) for text in (*literals, *bare)),
    )
    return next(filter(None, told), "")


def _of_country(text: str) -> str:
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
