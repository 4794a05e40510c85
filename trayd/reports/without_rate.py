"""Amounts that no rate is known of, and that so stay as they are: gathered, and told in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from trayd.money import Money


class WithoutRate:
    """Such amounts, while an export is made.

    Args:
        into: the currency that they were to be converted into.
    """

    def __init__(self, into: str) -> None:
        self._into = into
        # By currency: the first and the last day that amounts count on, and their sum in nanos.
        self._found: dict[str, tuple[date, date, int]] = {}

    def add(self, amount: Money, day: date) -> None:
        """Takes note of an amount that counts on that day."""
        first, last, nanos = self._found.get(amount.currency, (day, day, 0))
        self._found[amount.currency] = min(first, day), max(last, day), nanos + amount.nanos

    def told(self, became: Callable[[str], str]) -> Iterator[str]:
        """A sentence a currency: ``no rate of KPW into USD is known of 2026-11-03 to 2026-11-05: 3.00 KPW …``.

        Args:
            became: what was made of the amounts in a currency: ``stays unconverted``.
        """
        for currency, (first, last, nanos) in sorted(self._found.items()):
            days = f"{first}" if first == last else f"{first} to {last}"
            yield (
                f"no rate of {currency} into {self._into} is known of {days}: {Money(nanos, currency).text()} "
                f"{currency} {became(currency)}"
            )
