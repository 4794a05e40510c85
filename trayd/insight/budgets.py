"""Budgets: what was spent of each in its running period, and what it is expected to come to at the end."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from trayd.budget_settings import Budget
from trayd.money import Money


class BudgetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a budget stands.

    Attributes:
        budget: as the settings say it.
        period: that runs: ``2026-11``, ``2026-W47``, ``2026-11-21`` or ``total``.
        since: its first instant (UTC), and ``until`` the first one after it; None for ``total``.
        limit: the budget's amount, in its currency, as all amounts here.
        spent: within its scope; what is unknown or has no rate is not in it.
        share: of the limit, in percent, rounded down to a tenth: 100 is reached, never almost.
        unpriced: generations within its scope and period whose cost nobody knows yet.
        left_out: amounts in currencies without an exchange rate, by currency.
        expected: what it comes to at the end of the period; from ``low`` to ``high`` four times out of five. None
            without a forecast, and ``why_none`` says why, in words.
        expected_share: the same in percent of the limit.
    """

    budget: Budget
    period: str
    since: datetime | None
    until: datetime | None
    limit: Money
    spent: Money
    share: Decimal
    unpriced: int = 0
    left_out: tuple[Money, ...] = ()
    expected: Money | None = None
    low: Money | None = None
    high: Money | None = None
    expected_share: Decimal | None = None
    why_none: str = ""
