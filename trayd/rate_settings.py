"""Exchange rates in the settings file: whether they are fetched, and those that the user has fixed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import combinations

import msgspec

from trayd.money import EXACT, is_currency


class FixedRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An exchange rate that the user has fixed; it holds in both directions and comes before all others.

    Attributes:
        from_: in the file, ``from``: the currency of which one unit is ``rate`` units of ``to``.
        since: the first day on which it holds; None: from ever.
        until: the last day on which it holds; None: for ever.
    """

    from_: str = msgspec.field(name="from")
    to: str
    rate: Decimal
    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        for code in (self.from_, self.to):
            if not is_currency(code):
                raise ValueError(f"rates.fixed: {code!r} is no ISO 4217 code such as USD or EUR")
        named = f"rates.fixed from {self.from_} to {self.to}"
        if self.from_ == self.to:
            raise ValueError(f"{named}: a currency needs no rate to itself")
        if not self.rate.is_finite() or self.rate <= 0:
            raise ValueError(f"{named}: the rate is a number above zero, not {self.rate}")
        if self.since is not None and self.until is not None and self.until < self.since:
            raise ValueError(f"{named}: until {self.until} is before since {self.since}")

    def holds(self, day: date) -> bool:
        """Whether it holds on that day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def other(self, currency: str) -> str | None:
        """The currency that one is fixed to; None where it is about others."""
        return {self.from_: self.to, self.to: self.from_}.get(currency)

    def factor(self, currency: str, into: str) -> Decimal | None:
        """What to multiply an amount in one currency by to have it in the other; None where it is about others."""
        if (currency, into) == (self.from_, self.to):
            return self.rate
        return EXACT.divide(Decimal(1), self.rate) if (currency, into) == (self.to, self.from_) else None

    def meets(self, other: FixedRate) -> bool:
        """Whether both hold for the same two currencies on some day."""
        return (
            {self.from_, self.to} == {other.from_, other.to}
            and (self.since or date.min) <= (other.until or date.max)
            and (other.since or date.min) <= (self.until or date.max)
        )


class RatesSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exchange rates.

    Attributes:
        fetch: whether the European Central Bank's rates are fetched, once a working day, while there are amounts in
            a foreign currency; off, the last ones fetched and those that came with trayd are used.
        fixed: the user's own rates.
    """

    fetch: bool = True
    fixed: tuple[FixedRate, ...] = ()

    def __post_init__(self) -> None:
        for one, other in combinations(self.fixed, 2):
            if one.meets(other):
                raise ValueError(
                    f"rates.fixed has two rates for {one.from_} and {one.to} on the same day; end one with `until`"
                )
