"""Money as integer nanos (1e-9) of an ISO 4217 currency, and how it is shown.

fal bills in nano-dollars, so an integer of nanos holds every amount of the API exactly and sums without error.
Unit prices and quantities have more decimals than that and stay ``Decimal``; they become nanos once, at the end,
rounded half to even.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from functools import lru_cache
from math import lcm
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    from babel.numbers import NumberPattern

NANOS_PER_UNIT = 1_000_000_000

# Prices have up to 30 decimals and quantities are fractional; 60 digits keep every product exact.
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)

_CURRENCY = re.compile(r"[A-Z]{3}")

_USUAL = frozenset({"USD", "EUR", "SEK", "GBP"})


class Money(msgspec.Struct, frozen=True, gc=False):
    """An amount of money.

    Attributes:
        nanos: the amount in 1e-9 of the currency's main unit.
        currency: an ISO 4217 code in capitals.
    """

    nanos: int
    currency: str = "USD"

    @classmethod
    def of(cls, amount: Decimal | str | int, currency: str = "USD") -> Self:
        """The amount, rounded half to even to a nano.

        Raises:
            ValueError: the amount is not a finite decimal number, or the currency is not three capital letters.
        """
        if not _CURRENCY.fullmatch(currency):
            raise ValueError(f"{currency!r} is not an ISO 4217 currency code such as USD")
        return cls(nanos_of(amount), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in the currency's main unit, exact."""
        return Decimal(self.nanos).scaleb(-9, EXACT)

    def text(self) -> str:
        """The exact amount as plain decimal digits, at least two of them after the point: ``0.0902``, ``5.00``."""
        whole, fraction = divmod(abs(self.nanos), NANOS_PER_UNIT)
        digits = f"{fraction:09d}".rstrip("0").ljust(2, "0")
        return f"{'-' if self.nanos < 0 else ''}{whole}.{digits}"

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added without an exchange rate")
        return Money(self.nanos + other.nanos, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.nanos, self.currency)

    def __sub__(self, other: Money) -> Money:
        return self + -other


def is_currency(code: str) -> bool:
    """Whether it is the ISO 4217 code of a currency, of today or of former times."""
    if code in _USUAL:
        return True
    from babel.numbers import is_currency  # slow to import

    return _CURRENCY.fullmatch(code) is not None and is_currency(code)


def nanos_of(amount: Decimal | str | int) -> int:
    """The amount in nanos, rounded half to even.

    Raises:
        ValueError: it is not a finite decimal number.
    """
    try:
        number = Decimal(amount)
    except InvalidOperation:
        raise ValueError(f"{amount!r} is not an amount") from None
    if not number.is_finite():
        raise ValueError(f"{amount!r} is not a finite amount")
    return int(number.scaleb(9, EXACT).to_integral_value(context=EXACT))


def price(unit_price: Decimal, units: Decimal, percent_discount: Decimal | None = None) -> int:
    """``unit_price × units`` less the discount, in nanos: exact until the one rounding, half to even."""
    total = EXACT.multiply(unit_price, units)
    if percent_discount:
        total = EXACT.multiply(total, EXACT.divide(100 - percent_discount, Decimal(100)))
    return nanos_of(total)


def apportion(nanos: int, weights: Sequence[Decimal | int]) -> list[int]:
    """The amount divided in proportion to the weights: exact shares, rounded so that they add up to the amount.

    Each share is rounded down (towards zero), and the nanos that are left go one each to those that lost the most by
    it, the first of equals first: the largest remainder method (Hamilton's), so no share is off by a nano or more.

    Raises:
        ValueError: a weight is below zero, or none is above.
    """
    ratios = [Decimal(weight).as_integer_ratio() for weight in weights]
    common = lcm(*(denominator for _, denominator in ratios))
    whole = [numerator * (common // denominator) for numerator, denominator in ratios]
    total = sum(whole)
    if total <= 0 or min(whole) < 0:
        raise ValueError("an amount is divided by weights of zero or more, at least one of them above")
    shares, lost = map(list, zip(*(divmod(abs(nanos) * weight, total) for weight in whole), strict=True))
    by_loss = sorted(range(len(whole)), key=lost.__getitem__, reverse=True)
    for place in by_loss[: abs(nanos) - sum(shares)]:
        shares[place] += 1
    return shares if nanos >= 0 else [-share for share in shares]


# Kronor are shown with one decimal: whole kronor hide small jobs, two decimals pretend to a precision that a
# converted amount does not have.
_SHOWN_DECIMALS: Mapping[str, int] = {"SEK": 1}

# CLDR writes SEK as a code outside Swedish; people who bill in kronor write kr.
_PATTERNS: Mapping[str, str] = {"SEK": "#,##0.0 kr"}

_LETTER_BEFORE = re.compile("¤(?=[#0])")
_LETTER_AFTER = re.compile("(?<=[#0])¤")

_SMALL_DIGITS = 2


def format_money(money: Money, locale: str = "en_US") -> str:
    """The amount as people of that locale write it: ``$48.20``, ``5.1 kr``.

    An amount that would show as zero but is not gets as many decimals as show its first two digits: ``$0.0031``.
    """
    decimals = _shown_decimals(money)
    pattern = _pattern(money.currency, locale)
    pattern.frac_prec = (decimals, decimals)
    return str(pattern.apply(money.amount, locale, currency=money.currency, currency_digits=False))


def shown_amount(money: Money) -> Decimal:
    """The amount that :func:`format_money` writes: rounded half to even, to the decimals that it shows."""
    return money.amount.quantize(Decimal(1).scaleb(-_shown_decimals(money)), ROUND_HALF_EVEN)


def _shown_decimals(money: Money) -> int:
    decimals, amount = _decimals(money.currency), money.amount
    if amount and abs(amount) < Decimal(1).scaleb(-decimals):
        return _SMALL_DIGITS - 1 - amount.adjusted()
    return decimals


def exact_formatter(currency: str, locale: str = "en_US") -> Callable[[int], str]:
    """Writes nanos of that currency as people of that locale do, with every digit: ``$0.0902``, ``$5.00``.

    Made for long logs: the locale's part of the work is done once for each whole amount, not for each amount.
    """
    from babel.numbers import get_decimal_symbol

    decimals = _decimals(currency)
    point = get_decimal_symbol(locale)
    pattern = _pattern(currency, locale)
    pattern.frac_prec = (1, 1)

    @lru_cache(maxsize=4096)
    def around(whole: int, *, negative: bool) -> tuple[str, str]:
        number = Decimal(whole).copy_negate() if negative else Decimal(whole)  # a zero keeps its sign
        text = str(pattern.apply(number, locale, currency=currency, currency_digits=False))
        before, _, after = text.rpartition(f"{point}0")
        return before, after

    def write(nanos: int) -> str:
        whole, fraction = divmod(abs(nanos), NANOS_PER_UNIT)
        before, after = around(whole, negative=nanos < 0)
        digits = f"{fraction:09d}".rstrip("0").ljust(decimals, "0")
        return f"{before}{point}{digits}{after}" if digits else f"{before}{after}"

    return write


def _decimals(currency: str) -> int:
    from babel.numbers import get_currency_precision  # slow to import, and needed late

    return _SHOWN_DECIMALS.get(currency, get_currency_precision(currency))


def _pattern(currency: str, locale: str) -> NumberPattern:
    from babel import Locale
    from babel.numbers import get_currency_symbol, parse_pattern

    pattern = _PATTERNS.get(currency) or Locale.parse(locale).currency_formats["standard"].pattern
    symbol = get_currency_symbol(currency, locale)
    # Between letters and digits comes a space that does not break (UTS #35, part 3, 3.3: currency spacing).
    if symbol[-1].isalpha():
        pattern = _LETTER_BEFORE.sub("¤\u00a0", pattern)
    if symbol[0].isalpha():
        pattern = _LETTER_AFTER.sub("\u00a0¤", pattern)
    return parse_pattern(pattern)
