"""Forecasts and the state of budgets, from the ledger and the settings.

None of it depends on the time of day: a forecast begins where what is known ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo

import msgspec

from trayd.books import pool_costs
from trayd.budget_settings import Budget
from trayd.facts import AccountFact, called
from trayd.forecasting.inputs import Inputs, LedgerContext
from trayd.forecasting.unusual_days import UnusualDays
from trayd.insight.anomalies import Anomaly
from trayd.insight.budgets import (
    NEVER_FORESEEN,
    BudgetStatus,
    Period,
    budget_status,
    is_for_all,
    period_at,
    scope_of,
)
from trayd.insight.conversion import converted, rounded
from trayd.insight.forecast import (
    NOT_READ,
    AccountForecast,
    Forecast,
    account_forecast,
    beyond,
    month_end,
    notes_on,
    still_to_come,
    together,
    too_few,
)
from trayd.insight.known_days import History
from trayd.insight.pace import LOOKED_AT, Pace, Prediction
from trayd.insight.tally import Tally, dated_sums, tallied
from trayd.insight.windows import day_start
from trayd.money import Money
from trayd.rates import Converter
from trayd.records import Filters, Kind

_DAY = timedelta(days=1)

#: Periods of budgets that ended so lately are told of as well: bills come late.
LATE = timedelta(hours=24)

_NEEDS_ADMIN = "fal tells its balance and its billing to a key with Admin scope alone; `trayd key set` takes one"

#: fal's own currency.
_DOLLAR = "USD"


class Forecasting:
    """Answers with forecasts, budgets and unusual days, from a cache as long as nothing has changed.

    Args:
        context: gives the ledger, the settings and the rates as they are now.
    """

    def __init__(self, context: LedgerContext) -> None:
        self._context = context
        self._inputs = Inputs(context)
        self._unusual = UnusualDays(self._inputs)

    def forecast(self) -> Forecast:
        """How long each balance lasts, and what the month comes to."""
        return self._inputs.cached("forecast", self._forecast)

    def budgets(self) -> tuple[BudgetStatus, ...]:
        """How each budget stands in its running period, in the settings' order."""
        return self._inputs.cached(
            "budgets", lambda: tuple(self._budget(each, self._inputs.today) for each in self._context.settings.budget)
        )

    def budgets_ended(self) -> tuple[BudgetStatus, ...]:
        """How budgets stood in periods that ended lately; nothing is expected of these any more."""
        ended = self._inputs.cached("ended", lambda: tuple(self._ended()))
        return tuple(each for each in ended if each.until is not None and self._context.now - each.until < LATE)

    def unusual(self, days: Sequence[date]) -> tuple[Anomaly, ...]:
        """Those of these days that are unusual, in their order; whether they matter is not asked."""
        return self._unusual.among(days)

    def known_days(self, first: date, last: date) -> int:
        """How many days between these two are over and known."""
        return self._unusual.known(first, last)

    def judged_days(self, first: date, last: date) -> int:
        """Of how many days between these two it is known what is usual, so that they can be told to be unusual."""
        return self._unusual.judged(first, last)

    def _histories(self, scope: Filters, converter: Converter) -> Mapping[str, History]:
        """The known days that what is to come is foreseen from.

        Twice as far back is looked as a pace does, for to see whether spending is new or has only paused.
        """
        today = self._inputs.today
        return self._inputs.histories(scope, converter, today - 2 * LOOKED_AT * _DAY, today - _DAY)

    def _forecast(self) -> Forecast:
        ledger = self._context.ledger
        found = self._histories(Filters(), self._context.rates.converter(_DOLLAR))
        paces = _paces(found)
        balances = ledger.latest_balances()
        accounts: list[AccountForecast] = []
        for name, fact in self._inputs.accounts().items():
            username = fact.username if fact else None
            account = username or name
            reading = balances.get(account)
            has_balance = reading is not None and (fact is None or fact.has_credits)
            accounts.append(
                account_forecast(
                    name,
                    username=username,
                    balance=reading.amount if reading and has_balance else None,
                    as_of=reading.at if reading and has_balance else None,
                    history=found.get(account),
                    pace=paces.get(account),
                    why_no_balance=_why_no_balance(fact),
                    zone=self._inputs.zone,
                    today=self._inputs.today,
                )
            )
        return self._with_month(tuple(accounts))

    def _with_month(self, accounts: tuple[AccountForecast, ...]) -> Forecast:
        home, zone = self._context.converter, self._inputs.zone
        found = self._histories(Filters(), home)
        paces = _paces(found)
        missing = self._missing(found, paces)
        if not paces:
            return Forecast(accounts=accounts, why_none=_told(self._called(missing)))
        month = period_at("month", self._inputs.today)
        since, until = _ends(month, zone)
        tally = self._spent(Filters(since=since, until=until), home)
        to_come = sum(each.nanos for each in self._to_come(month, home))
        notes = [*_not_in("it", self._called(missing))]
        if tally.unpriced:
            count = tally.unpriced
            notes.append(f"{count} generation{'' if count == 1 else 's'} of this month without a price not counted")
        notes += [
            f"{each.text()} {each.currency} without an exchange rate not counted" for each in tally.amounts_left_out()
        ]
        notes += [note for account in paces for note in notes_on(found[account], home.currency)]
        return Forecast(
            accounts=accounts,
            month_end=month_end(
                month=month.name,
                spent=tally.cost,
                to_come=Money(to_come, home.currency),
                rests=[
                    self._still_to_come(pace, account, found[account].until, month, Filters(), home)
                    for account, pace in paces.items()
                ],
            ),
            notes=tuple(dict.fromkeys(notes)),
        )

    def _spent(self, filters: Filters, converter: Converter) -> Tally:
        sums = dated_sums(self._inputs.books, filters, zone=self._inputs.zone, home=converter.currency)
        return tallied(sums, converter)

    def _to_come(self, period: Period, converter: Converter) -> Iterator[Money]:
        """What pools of the settings will still charge before the period ends; without a rate it is not foreseen."""
        today = self._inputs.today
        if period.end is None:
            return
        for pool in self._context.settings.pool:
            for one in pool_costs(pool, self._context.settings.home_currency, period.end - _DAY):
                amount = one.cost.amount
                rate = converter.rate(amount.currency, today)
                if one.cost.date > today and rate is not None:
                    yield Money(rounded(converted(amount.nanos, rate)), converter.currency)

    def _budget(self, budget: Budget, day: date, *, over: bool = False) -> BudgetStatus:
        zone = self._inputs.zone
        converter = self._context.rates.converter(budget.currency or self._context.settings.home_currency)
        period = period_at(budget.period, day)
        scope = scope_of(budget)
        tally = self._spent(
            Filters(
                account=scope.account,
                client=scope.client,
                project=scope.project,
                model=scope.model,
                key=scope.key,
                since=period.since(zone),
                until=period.until(zone),
            ),
            converter,
        )
        why = NEVER_FORESEEN.get(budget.period, "") or ("it is over" if over else "")
        rest: Prediction | None = None
        to_come: tuple[Money, ...] = ()
        notes: tuple[str, ...] = ()
        if not why:
            rest, why, notes = self._rest(budget, scope, period, converter)
            to_come = tuple(self._to_come(period, converter)) if is_for_all(budget) else ()
        return budget_status(budget, period, tally, zone, rest=rest, to_come=to_come, why_none=why, notes=notes)

    def _rest(
        self, budget: Budget, scope: Filters, period: Period, converter: Converter
    ) -> tuple[Prediction | None, str, tuple[str, ...]]:
        """What is still to come within a budget's scope and period, why that cannot be foreseen, and what it lacks."""
        found = self._histories(scope, converter)
        paces = _paces(found)
        missing = self._missing(found, paces)
        if budget.account is not None:
            usernames = self._usernames()
            account = usernames.get(budget.account, budget.account)
            paces = {name: pace for name, pace in paces.items() if name == account}
            missing = {name: why for name, why in missing.items() if usernames[name] == account}
        if not paces:
            return None, _told(self._called(missing)) or NOT_READ, ()
        rests = [
            self._still_to_come(pace, account, found[account].until, period, scope, converter)
            for account, pace in paces.items()
        ]
        return together(rests), "", tuple(_not_in("what is expected", self._called(missing)))

    def _still_to_come(
        self, pace: Pace, account: str, read_to: datetime, period: Period, scope: Filters, converter: Converter
    ) -> Prediction:
        """What an account is expected to spend in a period beyond what is known of it."""
        zone = self._inputs.zone
        first, until = _ends(period, zone)
        since = max(read_to, first)
        rest = still_to_come(pace, since, until, zone)
        tomorrow = min(day_start(self._inputs.today + _DAY, zone), until)
        if since >= day_start(self._inputs.today, zone):
            return rest
        # fal could not be read for a while; what tools told of these days is known, by estimates.
        within = msgspec.structs.replace(scope, account=account, kind=Kind.INTERNAL, since=since, until=tomorrow)
        expected = still_to_come(pace, since, tomorrow, zone).mean
        return beyond(rest, expected, self._spent(within, converter).total)

    def _missing(self, found: Mapping[str, History], paces: Mapping[str, Pace]) -> dict[str, str]:
        """The accounts of which nothing can be foreseen, by the user's names, and why, in words."""
        return {
            name: too_few(found[account]) if account in found else self._unread(name)
            for name, account in self._usernames().items()
            if account not in paces
        }

    def _called(self, missing: Mapping[str, str]) -> dict[str, str]:
        usernames = self._usernames()
        return {called(name, usernames[name]): why for name, why in missing.items()}

    def _unread(self, name: str) -> str:
        fact = self._inputs.accounts().get(name)
        return _NEEDS_ADMIN if fact is not None and fact.state == "needs_admin" else NOT_READ

    def _usernames(self) -> dict[str, str]:
        """Fal's names for the accounts that are set up, by the user's."""
        return {name: (fact.username if fact else None) or name for name, fact in self._inputs.accounts().items()}

    def _ended(self) -> Iterator[BudgetStatus]:
        for budget in self._context.settings.budget:
            running = period_at(budget.period, self._inputs.today)
            # A period that ended a whole day before today began is of no interest any more.
            if running.first is not None and running.first >= self._inputs.today - _DAY:
                yield self._budget(budget, running.first - _DAY, over=True)


def _paces(found: Mapping[str, History]) -> dict[str, Pace]:
    """The pace of each account that has enough days."""
    return {account: pace for account, history in found.items() if (pace := Pace.of(history.days)) is not None}


def _not_in(it: str, missing: Mapping[str, str]) -> Iterator[str]:
    return (f"{name} is not in {it}: {why}" for name, why in missing.items())


def _ends(period: Period, zone: tzinfo) -> tuple[datetime, datetime]:
    since, until = period.since(zone), period.until(zone)
    if since is None or until is None:
        raise ValueError("all of the history has no ends")
    return since, until


def _why_no_balance(fact: AccountFact | None) -> str:
    if fact is None:
        return "fal has not been asked yet; `trayd refresh` asks it"
    if fact.state == "needs_admin":
        return _NEEDS_ADMIN
    return "its balance is not known" if fact.has_credits else "it is on invoice and has no balance"


def _told(reasons: Mapping[str, str]) -> str:
    """Why nothing is foreseen of accounts, in words; their names only where there are several."""
    if len(reasons) == 1:
        return next(iter(reasons.values()))
    return "; ".join(f"{name}: {why}" for name, why in reasons.items())
