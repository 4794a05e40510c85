"""Forecasts: how long balances last, and what the month comes to."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from trayd.money import Money


class Burn(msgspec.Struct, frozen=True, kw_only=True):
    """What an account spends on a day, as its last days tell; recent days weigh more.

    Attributes:
        per_day: over a whole week, so that weekends are in it as they are; in the balance's currency.
        low: four times out of five, the coming week's average day lies from here to ``high``.
        days: whole days of known spending that it rests on, of the last nine weeks.
    """

    per_day: Money
    low: Money
    high: Money
    days: int


class RunOut(msgspec.Struct, frozen=True, kw_only=True):
    """When a balance is expected to be used up, if nothing is added to it.

    Attributes:
        day: on which it reaches zero, in the user's time zone; it can be past where the balance was read long ago.
        earliest: four times out of five it is from here to ``latest``; None there: maybe not within a year.
    """

    day: date
    earliest: date
    latest: date | None


class AccountForecast(msgspec.Struct, frozen=True, kw_only=True):
    """What can be foreseen of an account.

    Attributes:
        account: what the user calls it.
        username: fal's name for it, once known.
        balance: as fal told it last, at ``as_of``; None where it is not known or the account has none (invoiced). What
            was spent since then is part of what is expected.
        as_of: when the balance was read (UTC).
        burn: None without a forecast.
        run_out: None without one, and where the balance lasts for more than a year.
        why_none: why there is no day on which the balance runs out, in words; empty where there is one.
        notes: what to know of the figures: estimates among them, days that are left out, a balance read long ago.
    """

    account: str
    username: str | None = None
    balance: Money | None = None
    as_of: datetime | None = None
    burn: Burn | None = None
    run_out: RunOut | None = None
    why_none: str = ""
    notes: tuple[str, ...] = ()


class MonthEnd(msgspec.Struct, frozen=True, kw_only=True):
    """What a calendar month comes to, all kinds of costs together, in the home currency.

    Attributes:
        month: ``2026-11``, in the user's time zone.
        spent: what the month holds by now, as ``trayd usage --window month`` says it.
        to_come: shared costs of the settings that are still to be charged this month; in the other three.
        expected: at the end; four times out of five it is from ``low`` to ``high``.
    """

    month: str
    spent: Money
    to_come: Money
    expected: Money
    low: Money
    high: Money


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What can be foreseen.

    Attributes:
        accounts: in the user's order.
        month_end: None without a forecast, and ``why_none`` says why there is none, in words.
        notes: what to know of the month's end.
    """

    accounts: tuple[AccountForecast, ...] = ()
    month_end: MonthEnd | None = None
    why_none: str = ""
    notes: tuple[str, ...] = ()
