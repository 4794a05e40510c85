"""How figures are worded in a report: money, numbers, shares and days, in the reader's notation.

The text of a report is English; how numbers are written follows the user's locale.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal

from trayd.insight.conversion import EXACT_SUMS, rounded
from trayd.money import Money, exact_formatter, format_money

#: In nanos; rates have no more than some six digits.
_FOUR_DECIMALS = 100_000

_RATE_DIGITS = 7
_MINUTE_S = 60
_HOUR_MIN = 60


class Words:
    """Writes figures for one locale."""

    def __init__(self, locale: str) -> None:
        from babel.numbers import get_decimal_symbol

        self.locale = locale
        self._days = locale if locale.startswith("en") else "en_GB"
        self._exact: dict[str, Callable[[int], str]] = {}
        self._point = get_decimal_symbol(locale)

    def money(self, money: Money) -> str:
        """Rounded as the currency is: ``$48.20``."""
        return format_money(money, self.locale)

    def known(self, money: Money, *, lacking: bool) -> str:
        """The same of a sum; where it is zero because all costs in it are ``lacking``, that is unknown."""
        return "unknown" if lacking and not money.nanos else self.money(money)

    def exact(self, money: Money) -> str:
        """With every digit: ``$0.0902``."""
        write = self._exact.get(money.currency)
        if write is None:
            write = self._exact[money.currency] = exact_formatter(money.currency, self.locale)
        return write(money.nanos)

    def converted(self, nanos: Decimal, currency: str) -> str:
        """Nanos that were converted, to four decimals: ``$107.3358``; to a nano where it is less than that."""
        shown = rounded(EXACT_SUMS.divide(nanos, Decimal(_FOUR_DECIMALS))) * _FOUR_DECIMALS
        return self.exact(Money(shown or rounded(nanos), currency))

    def number(self, number: int) -> str:
        """With the locale's groups: ``1,204``."""
        from babel.numbers import format_decimal

        return str(format_decimal(number, locale=self.locale))

    def count(self, number: int, one: str, many: str = "") -> str:
        """A number of things: ``1 generation``, ``612 generations``."""
        return f"{self.number(number)} {one if number == 1 else many or one + 's'}"

    def share(self, part: int, whole: int) -> str:
        """A part of a whole, in per cent; empty where the whole is not above zero."""
        from babel.numbers import format_percent

        return str(format_percent(part / whole, "#,##0.0%", locale=self.locale)) if whole > 0 else ""

    def change(self, part: int, whole: int) -> str:
        """By how much a part is above or below a whole, in per cent: ``+3.2%``; empty where that is not above zero."""
        from babel.numbers import format_percent

        if whole <= 0:
            return ""
        change = round(part / whole - 1, 3) or 0.0  # never minus nothing
        return str(format_percent(change, "+#,##0.0%;-#,##0.0%" if change else "#,##0.0%", locale=self.locale))

    def percent(self, percent: Decimal) -> str:
        """A percentage as it is: ``12.5%``."""
        from babel.numbers import format_percent

        return str(format_percent(percent.scaleb(-2), "#,##0.######%", locale=self.locale, decimal_quantization=False))

    def rate(self, factor: Decimal) -> str:
        """An exchange rate to seven digits: ``1.0840``, ``0.09512345``. Those of the ECB have no more than that."""
        from babel.numbers import format_decimal

        shown = factor.normalize(Context(prec=_RATE_DIGITS))
        return str(format_decimal(shown, "#,##0.0000################", locale=self.locale, decimal_quantization=False))

    def duration(self, seconds: float) -> str:
        """How long something took: ``41.7 s``, ``2 min 5 s``, ``1 h 2 min``."""
        if round(seconds, 1) < _MINUTE_S:
            return f"{seconds:.1f}".replace(".", self._point) + " s"
        minutes, rest = divmod(round(seconds), _MINUTE_S)
        hours, minutes = divmod(minutes, _HOUR_MIN)
        return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"

    def day(self, day: date) -> str:
        """In full: ``20 November 2026``."""
        return self._date(day, "long")

    def short_day(self, day: date) -> str:
        """For an axis: ``20 Nov``."""
        return self._date(day, "MMM d" if self._days == "en_US" else "d MMM")

    def month(self, day: date) -> str:
        """The month that day is in: ``November 2026``."""
        return self._date(day, "MMMM y")

    def short_month(self, day: date) -> str:
        """The same for an axis: ``Nov 2026``."""
        return self._date(day, "MMM y")

    def _date(self, day: date, form: str) -> str:
        from babel.dates import format_date

        return str(format_date(day, form, locale=self._days))


def listed(parts: list[str]) -> str:
    """The parts as one phrase: ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
