"""Which currency an amount is in: by its ISO 4217 code or by its sign."""

from __future__ import annotations

from functools import cache

#: What a sign can mean. Where it can mean several, the home currency decides if it is one of them.
SIGNS: dict[str, tuple[str, ...]] = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD"),
    "us$": ("USD",),
    "ca$": ("CAD",),
    "c$": ("CAD",),
    "au$": ("AUD",),
    "a$": ("AUD",),
    "r$": ("BRL",),
    "€": ("EUR",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
    "₩": ("KRW",),
    "₽": ("RUB",),
    "zł": ("PLN",),
    "kč": ("CZK",),
    "fr": ("CHF",),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
}


@cache
def _codes() -> frozenset[str]:
    from babel.core import get_global  # loads CLDR's tables

    # One stands for "no currency", the other is for tests.
    return frozenset(get_global("all_currencies")) - {"XXX", "XTS"}


def is_currency(code: str) -> bool:
    """Whether it is an ISO 4217 code in capitals, one of today's or of the past."""
    return code in _codes()


def is_sign(sign: str) -> bool:
    """Whether it marks an amount as one of a currency."""
    return is_currency(sign.upper()) or _plain(sign) in SIGNS


def currency_of(sign: str, home_currency: str) -> str | None:
    """The currency that a sign or a code means; None where it means none, or several and not the home currency.

    A bare ``$`` is US dollars unless the home currency is another dollar: the tools whose exports write it bill in
    US dollars.
    """
    if is_currency(sign.upper()):
        return sign.upper()
    meanings = SIGNS.get(_plain(sign), ())
    if home_currency in meanings:
        return home_currency
    return meanings[0] if sign == "$" or len(meanings) == 1 else None


def _plain(sign: str) -> str:
    return sign.casefold().rstrip(".")
