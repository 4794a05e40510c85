"""Which currency an amount is in: by its ISO 4217 code, its sign, or its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from trayd.intake.spelling import LANGUAGES, folded, typed

_DOLLARS = (
    *("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP", "UYU", "DOP", "BBD", "BMD", "BSD"),
    *("BZD", "BND", "FJD", "GYD", "JMD", "KYD", "LRD", "NAD", "SBD", "SRD", "TTD", "XCD"),
)  # fmt: skip
_CROWNS = ("SEK", "NOK", "DKK", "ISK")
_RUPEES = ("INR", "PKR", "LKR", "NPR", "MUR", "SCR")
_YEN = ("JPY", "CNY")

#: What a sign can mean, by the sign in small letters. Where it can mean several, the home currency decides if it is
#: one of them.
SIGNS: dict[str, tuple[str, ...]] = {
    "$": _DOLLARS,
    "dollar": _DOLLARS,
    "dollars": _DOLLARS,
    **dict.fromkeys(("us$", "$us", "u$s", "u$d"), ("USD",)),
    **dict.fromkeys(("ca$", "c$", "can$", "cdn$", "$ca"), ("CAD",)),
    **dict.fromkeys(("au$", "a$", "$au"), ("AUD",)),
    "nz$": ("NZD",),
    **dict.fromkeys(("sg$", "s$"), ("SGD",)),
    "hk$": ("HKD",),
    "nt$": ("TWD",),
    **dict.fromkeys(("mx$", "mex$"), ("MXN",)),
    "r$": ("BRL",),
    **dict.fromkeys(("€", "euro", "euros"), ("EUR",)),
    "£": ("GBP",),
    "¥": _YEN,
    **dict.fromkeys(("cn¥", "rmb", "元"), ("CNY",)),
    **dict.fromkeys(("jp¥", "円"), ("JPY",)),
    **dict.fromkeys(("kr", "kr."), _CROWNS),
    **dict.fromkeys(("krona", "kronor"), ("SEK",)),
    "kroner": ("NOK", "DKK"),
    **dict.fromkeys(("fr", "fr.", "sfr", "sfr."), ("CHF",)),
    **dict.fromkeys(("rs", "rs.", "₨"), _RUPEES),
    "₹": ("INR",),
    "₩": ("KRW",),
    **dict.fromkeys(("₽", "rub."), ("RUB",)),
    **dict.fromkeys(("zł", "zl"), ("PLN",)),
    **dict.fromkeys(("kč", "kc"), ("CZK",)),
    "ft": ("HUF",),
    "lei": ("RON", "MDL"),
    **dict.fromkeys(("s/", "s/."), ("PEN",)),
    **dict.fromkeys(("₺", "tl"), ("TRY",)),
    "₪": ("ILS",),
    "฿": ("THB",),
    "₫": ("VND",),
    "₱": ("PHP",),
    "₴": ("UAH",),
    "₸": ("KZT",),
    "₾": ("GEL",),
    "₼": ("AZN",),
    "₦": ("NGN",),
    "₡": ("CRC",),
    "₲": ("PYG",),
    "৳": ("BDT",),
    "r": ("ZAR",),
    "rm": ("MYR",),
    **dict.fromkeys(("rp", "rp."), ("IDR",)),
}

#: Codes that nobody writes for another word: a column "all" is not in Albanian lek.
COMMON_CODES = frozenset(
    (
        *("AUD", "BGN", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF"),
        *("IDR", "ILS", "INR", "ISK", "JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN"),
        *("RON", "RUB", "SEK", "SGD", "THB", "TWD", "UAH", "USD", "VND", "ZAR"),
    )
)  # fmt: skip

_CODE_LENGTH = 3
_CODES_WITHIN = re.compile(r"(?<![^\W_])[A-Z]{3}(?![^\W_])")


@cache
def _codes() -> frozenset[str]:
    from babel.core import get_global  # loads CLDR's tables

    # One stands for "no currency", the other is for tests.
    return frozenset(get_global("all_currencies")) - {"XXX", "XTS"}


def is_currency(code: str) -> bool:
    """Whether it is an ISO 4217 code in capitals, one of today's or of the past."""
    return code in _codes()


def is_sign(sign: str) -> bool:
    """Whether it marks an amount as one of a currency: a sign or a code, in small or capital letters."""
    return sign.casefold() in SIGNS or _code(sign) is not None


def may_mean(sign: str, code: str) -> bool:
    """Whether a sign or a code can stand for the currency of that code."""
    return _code(sign) == code or code in SIGNS.get(sign.casefold(), ())


@lru_cache(maxsize=256)
def currency_of(sign: str, home_currency: str) -> str | None:
    """The currency that a sign, a code or a name means; None where it means none, or several and not the home currency.

    A bare ``$`` is US dollars unless the home currency is another dollar: the tools whose exports write it bill in
    US dollars. A name is one of CLDR's in seven languages: ``US Dollar``, ``euros``, ``Schwedische Krone``;
    beside one its code may stand: ``US Dollar - USD``.
    """
    plain = typed(sign).strip()
    meanings = SIGNS.get(plain.casefold(), ())
    if home_currency in meanings:
        return home_currency
    if meanings:
        return meanings[0] if len(meanings) == 1 or meanings is _DOLLARS else None
    return _code(plain) or (_by_name(plain) if len(plain) > _CODE_LENGTH else None)


def _code(text: str) -> str | None:
    if len(text) != _CODE_LENGTH or not text.isascii():
        return None
    code = text.upper()
    return code if is_currency(code) else None


def codes_within(text: str) -> list[str]:
    """The words of a text that have the form of a currency's code, in their order."""
    return _CODES_WITHIN.findall(text)


def _by_name(name: str) -> str | None:
    """The currency of that name, or the one whose code is in it."""
    codes = set(codes_within(name)) & COMMON_CODES
    return _names().get(folded(name)) or (codes.pop() if len(codes) == 1 else None)


@cache
def _names() -> Mapping[str, str]:
    from babel import Locale
    from babel.numbers import get_currency_name

    meanings: dict[str, set[str]] = {}
    for language in LANGUAGES:
        for code, name in Locale(language).currencies.items():
            for spelling in (name, *(get_currency_name(code, count, locale=language) for count in (1, 2))):
                meanings.setdefault(folded(spelling), set()).add(code)
    # Some names are those of a currency of today and of one of the past, or of two countries.
    return {name: next(iter(codes)) for name, codes in meanings.items() if len(codes) == 1}
