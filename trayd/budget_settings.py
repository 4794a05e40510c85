"""``[[budget]]`` in the settings: how much may be spent on what, in which time, as a person writes it."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from trayd.money import is_currency
from trayd.texts import check_names

#: The stretches of time that a budget is for; ``total`` is all of the history.
BUDGET_PERIODS = ("day", "week", "month", "total")

#: What a budget can be narrowed to; several of them together have to hold all.
SCOPES = ("account", "client", "project", "model", "key")

_LARGEST_AMOUNT = Decimal(10) ** 12
_LARGEST_SHARE = Decimal(1000)


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much may be spent.

    Attributes:
        name: what warnings call it.
        amount: what one period may cost, in ``currency``; an empty one is the home currency.
        period: day, week (from Monday on), month, or total.
        account: only what this account spent; ``client``, ``project``, ``model`` (an endpoint id, or the start of one
            up to a slash) and ``key`` (an API key or team member) likewise. None of them: everything, external and
            pool costs too.
        at: percentages of the amount; one warning for each that what was spent reaches.
        forecast_at: the same for what the period is expected to come to at its end; empty for none.
    """

    name: str
    amount: Decimal
    currency: str = ""
    period: str = "month"
    account: str | None = None
    client: str | None = None
    project: str | None = None
    model: str | None = None
    key: str | None = None
    at: tuple[Decimal, ...] = (Decimal(50), Decimal(80), Decimal(100))
    forecast_at: tuple[Decimal, ...] = (Decimal(100),)

    def __post_init__(self) -> None:
        check_names("budget", (self.name,))
        told = f"budget {self.name!r}"
        if not self.amount.is_finite() or not 0 < self.amount <= _LARGEST_AMOUNT:
            raise ValueError(f"{told}: the amount is above zero, such as 500.00, not {self.amount}")
        if self.currency and not is_currency(self.currency):
            raise ValueError(f"{told}: currency {self.currency!r} is no ISO 4217 code such as USD or EUR")
        if self.period not in BUDGET_PERIODS:
            raise ValueError(f"{told}: there is no period {self.period!r}; take one of {', '.join(BUDGET_PERIODS)}")
        for scope in SCOPES:
            if getattr(self, scope) == "":
                raise ValueError(f"{told}: {scope} is empty; name one, or leave it out for all of them")
        for name in ("at", "forecast_at"):
            if any(not share.is_finite() or not 0 < share <= _LARGEST_SHARE for share in getattr(self, name)):
                raise ValueError(
                    f"{told}: {name} takes percentages above 0, up to {_LARGEST_SHARE}, such as [50, 80, 100]"
                )
