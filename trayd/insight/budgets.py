"""Budgets: what was spent of each in its running period, and what it is expected to come to at the end.

Periods are civil: days, weeks from Monday on, and months of the user's time zone. What a week or a month is expected to
come to is what it holds, what the accounts are expected to spend within the budget's scope from where their billing has
been read to the end (:mod:`trayd.insight.pace`, of the scope's own days), and, where the budget is for everything, the
shared costs that the settings will still charge. A day is too short to be foreseen: at ten in the morning nobody knows
whether the large job has run, and by the evening it is told as spent. All of the history has no end.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from decimal import ROUND_FLOOR, Context, Decimal, localcontext
from typing import NamedTuple

import msgspec

from trayd.budget_settings import SCOPES, Budget
from trayd.insight.pace import Prediction
from trayd.insight.tally import Tally
from trayd.insight.windows import day_start
from trayd.money import Money
from trayd.records import Filters

_DAY = timedelta(days=1)
_WEEK = 7
_LONGEST_MONTH = timedelta(days=31)
_PERCENT = 100
_TENTH = Decimal("0.1")
_CONTEXT = Context(prec=60)

#: Why nothing is foreseen of these periods.
NEVER_FORESEEN = {"day": "a day is too short to be foreseen", "total": "all of the history has no end"}


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
        notes: what to know of the expectation, in words: accounts that it is without.
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
    notes: tuple[str, ...] = ()


class Period(NamedTuple):
    """A stretch of time that a budget is for.

    Attributes:
        name: ``2026-11``, ``2026-W47``, ``2026-11-21`` or ``total``.
        first: its first civil day, and ``end`` the first one after it; None for all of the history.
    """

    name: str
    first: date | None
    end: date | None

    def since(self, zone: tzinfo) -> datetime | None:
        """Its first instant (UTC)."""
        return None if self.first is None else day_start(self.first, zone)

    def until(self, zone: tzinfo) -> datetime | None:
        """The first instant after it (UTC)."""
        return None if self.end is None else day_start(self.end, zone)


def period_at(period: str, day: date) -> Period:
    """The day, week, month or total that a civil day is in."""
    match period:
        case "day":
            return Period(day.isoformat(), day, day + _DAY)
        case "week":
            year, week, weekday = day.isocalendar()
            monday = day - (weekday - 1) * _DAY
            return Period(f"{year}-W{week:02d}", monday, monday + _WEEK * _DAY)
        case "month":
            first = day.replace(day=1)
            return Period(f"{day.year}-{day.month:02d}", first, (first + _LONGEST_MONTH).replace(day=1))
        case _:
            return Period("total", None, None)


def scope_of(budget: Budget) -> Filters:
    """Which records a budget is about, of all times."""
    return Filters(
        account=budget.account, client=budget.client, project=budget.project, model=budget.model, key=budget.key
    )


def is_for_all(budget: Budget) -> bool:
    """Whether it is narrowed to nothing, so that costs from outside and all that is shared count."""
    return all(getattr(budget, scope) is None for scope in SCOPES)


def budget_status(
    budget: Budget,
    period: Period,
    tally: Tally,
    zone: tzinfo,
    *,
    rest: Prediction | None = None,
    to_come: Iterable[Money] = (),
    why_none: str = "",
    notes: tuple[str, ...] = (),
) -> BudgetStatus:
    """How a budget stands.

    Args:
        budget: as the settings say it.
        period: of it.
        tally: what was spent within its scope and the period, in the budget's currency.
        zone: the user's.
        rest: what is still to come, in nanos of that currency; None where that cannot be foreseen, for ``why_none``.
        to_come: costs that are known to be charged before its end, in that currency.
        why_none: in words.
        notes: what to know of ``rest``, in words.
    """
    currency = tally.currency
    limit = Money.of(budget.amount, currency)
    spent = tally.cost
    known = sum((each.nanos for each in to_come), spent.nanos)
    outlook = None
    if rest is not None:
        outlook = [Money(known + int(amount.to_integral_value(context=_CONTEXT)), currency) for amount in rest]
    expected, low, high = outlook or (None, None, None)
    return BudgetStatus(
        budget=budget,
        period=period.name,
        since=period.since(zone),
        until=period.until(zone),
        limit=limit,
        spent=spent,
        share=_share(spent, limit),
        unpriced=tally.unpriced,
        left_out=tally.amounts_left_out(),
        expected=expected,
        low=low,
        high=high,
        expected_share=None if expected is None else _share(expected, limit),
        why_none="" if expected is not None else why_none,
        notes=notes,
    )


def _share(amount: Money, limit: Money) -> Decimal:
    with localcontext(_CONTEXT):
        percent = Decimal(_PERCENT * amount.nanos) / max(limit.nanos, 1)
        return percent.quantize(_TENTH, rounding=ROUND_FLOOR)
