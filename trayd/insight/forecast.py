"""Forecasts: how long balances last, and what the month comes to.

Both go on at the pace of the known days (:mod:`trayd.insight.pace`). A balance is what fal told at its time, so it is
from then on that spending is taken off it, the rest of that day first. A month comes to what it holds by now, what each
account is expected to spend from where its billing has been read to the month's end, and the shared costs that the
settings will charge in it. Costs from outside fal stand as they are: nobody knows the next invoice. Nothing is foreseen
from fewer than three whole known days. That credits are bought does not matter: what is spent does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from decimal import Context, Decimal, localcontext

import msgspec

from trayd.insight.known_days import History
from trayd.insight.pace import FEWEST_DAYS, Pace, Prediction, day_part
from trayd.insight.windows import day_start
from trayd.money import Money

_DAY = timedelta(days=1)
_WEEK = Decimal(7)

#: No further ahead than this many days is looked.
HORIZON = 365

NOT_READ = "its billing has not been read yet"

_CONTEXT = Context(prec=28)


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

    @property
    def in_ledger(self) -> str:
        """What the ledger calls the account."""
        return self.username or self.account


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

    @property
    def per_day(self) -> dict[str, Money]:
        """What accounts spend a day, by the ledger's names, as far as that is known."""
        return {each.in_ledger: each.burn.per_day for each in self.accounts if each.burn is not None}


def too_few(history: History) -> str:
    """Why nothing can be foreseen of an account, in words; empty where it can."""
    known = len(history.days)
    if known >= FEWEST_DAYS:
        return ""
    days = {0: "no whole day", 1: "only one whole day", 2: "only two whole days"}[known]
    reasons = []
    if history.unpriced:
        reasons.append(f"{_days(history.unpriced)} left out, with too many generations without a price")
    if history.unconverted:
        reasons.append(f"{_days(history.unconverted)} left out for want of an exchange rate")
    return "; ".join([f"{days} of spending known yet, and it takes three", *reasons])


def notes_on(history: History, currency: str) -> tuple[str, ...]:
    """What to know of figures that rest on this history, in words."""
    notes = []
    if history.estimated:
        notes.append(
            f"{Money(history.estimated, currency).text()} {currency} of what it rests on is estimated, not billed"
        )
    if history.unpriced and len(history.days) >= FEWEST_DAYS:
        notes.append(f"{_days(history.unpriced)} left out: too many generations without a price")
    if history.unconverted and len(history.days) >= FEWEST_DAYS:
        notes.append(f"{_days(history.unconverted)} left out: no exchange rate")
    return tuple(notes)


def burn_of(pace: Pace, currency: str) -> Burn:
    """The pace as a person hears it: of a day, with the range of the coming week's average."""
    week = pace.over(_WEEK)
    with localcontext(_CONTEXT):
        per_day, low, high = (_money(amount / _WEEK, currency) for amount in week)
    return Burn(per_day=per_day, low=low, high=high, days=pace.days)


def account_forecast(
    account: str,
    *,
    username: str | None,
    balance: Money | None,
    as_of: datetime | None,
    history: History | None,
    pace: Pace | None,
    why_no_balance: str,
    zone: tzinfo,
    today: date,
) -> AccountForecast:
    """What can be foreseen of an account.

    Args:
        account: what the user calls it.
        username: fal's name for it, once known.
        balance: as it was told at ``as_of``; None where there is none, and ``why_no_balance`` says why.
        as_of: when that was (UTC).
        history: its known days, in the balance's currency; None where its billing was never read.
        pace: the pace of these; None where they are too few.
        why_no_balance: in words.
        zone: the user's.
        today: the civil day that it is there.
    """
    currency = balance.currency if balance else "USD"
    run_out, why = None, ""
    if balance is None or as_of is None:
        why = why_no_balance
    elif balance.nanos <= 0:
        day = as_of.astimezone(zone).date()
        run_out = RunOut(day=day, earliest=day, latest=day)
    elif history is None:
        why = NOT_READ
    elif pace is None:
        why = too_few(history)
    else:
        run_out = _run_out(balance.nanos, as_of, pace, zone)
        why = "" if run_out else "at this rate not within a year"
    return AccountForecast(
        account=account,
        username=username,
        balance=balance,
        as_of=as_of if balance else None,
        burn=burn_of(pace, currency) if pace else None,
        run_out=run_out,
        why_none=why,
        notes=(
            *(_of_old_balance(run_out, as_of.astimezone(zone).date(), today) if balance and as_of else ()),
            *(notes_on(history, currency) if history else ()),
        ),
    )


def _of_old_balance(run_out: RunOut | None, read: date, today: date) -> Iterator[str]:
    if (today - read).days > 1:
        spent = run_out is not None and run_out.day < today
        yield f"the balance was read {(today - read).days} days ago{', and may be used up by now' if spent else ''}"


def _run_out(balance: int, at: datetime, pace: Pace, zone: tzinfo) -> RunOut | None:
    first = at.astimezone(zone).date()
    with localcontext(_CONTEXT):
        passed = [pace.factor(first) * _left_of_day(at, zone)]
        for number in range(1, HORIZON + 1):
            passed.append(passed[-1] + pace.factor(first + number * _DAY))
    reached = (
        bisect_left(passed, Decimal(balance), key=key)
        for key in (
            lambda days: pace.over(days).mean,
            lambda days: pace.over(days).high,
            lambda days: pace.over(days).low,
        )
    )
    day, earliest, latest = (first + number * _DAY if number < len(passed) else None for number in reached)
    if day is None:
        return None
    return RunOut(day=day, earliest=min(earliest or day, day), latest=latest and max(latest, day))


def still_to_come(pace: Pace, since: datetime, until: datetime, zone: tzinfo) -> Prediction:
    """What will be spent between two instants, of a running day only what is still to come of it."""
    if since >= until:
        return Prediction(Decimal(0), Decimal(0), Decimal(0))
    return pace.over(average_days(pace, since, until, zone))


def beyond(rest: Prediction, expected: Decimal, known: int) -> Prediction:
    """What is still to come, of which a part is known already, by estimates: nothing is counted twice.

    Args:
        rest: what will be spent from where billing has been read to on.
        expected: how much of it is expected by the end of the day that runs, in nanos.
        known: what is known of the same stretch, in nanos; where it is more than expected, the days after it are not
            expected to be any cheaper for that.
    """
    with localcontext(_CONTEXT):
        there = max(min(expected, Decimal(known)), Decimal(0))
        return Prediction(*(max(each - there, min(each, Decimal(0))) for each in rest))


def average_days(pace: Pace, since: datetime, until: datetime, zone: tzinfo) -> Decimal:
    """How many average days there are between two instants; the later one is the end of a day."""
    first, end = (at.astimezone(zone).date() for at in (since, until))
    with localcontext(_CONTEXT):
        whole = sum((pace.factor(first + number * _DAY) for number in range(1, (end - first).days)), Decimal(0))
        return whole + pace.factor(first) * _left_of_day(since, zone)


def _left_of_day(at: datetime, zone: tzinfo) -> Decimal:
    day = at.astimezone(zone).date()
    start, end = day_start(day, zone), day_start(day + _DAY, zone)
    return day_part(end - at, end - start)


def together(predictions: Iterable[Prediction]) -> Prediction:
    """What several that know nothing of each other come to: means add up, and so do the squares of their spreads."""
    found = [*predictions]
    with localcontext(_CONTEXT):
        mean = sum((each.mean for each in found), Decimal(0))
        below = sum(((each.mean - each.low) ** 2 for each in found), Decimal(0)).sqrt()
        above = sum(((each.high - each.mean) ** 2 for each in found), Decimal(0)).sqrt()
        return Prediction(mean, mean - below, mean + above)


def month_end(
    *,
    month: str,
    spent: Money,
    to_come: Money,
    rests: Iterable[Prediction],
) -> MonthEnd:
    """What the month comes to.

    Args:
        month: its name (``2026-11``).
        spent: what it holds by now.
        to_come: shared costs that are still to be charged in it.
        rests: what each account will spend beyond that, in nanos of the same currency.
    """
    rest = together(rests)
    known = spent + to_come
    with localcontext(_CONTEXT):
        expected, low, high = (known + _money(amount, spent.currency) for amount in rest)
    return MonthEnd(month=month, spent=spent, to_come=to_come, expected=expected, low=low, high=high)


def _money(nanos: Decimal, currency: str) -> Money:
    return Money(int(nanos.to_integral_value()), currency)


def _days(number: int) -> str:
    return "1 day is" if number == 1 else f"{number} days are"
