"""Rules about budgets: what was spent of them, and what they are expected to come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules.finding import (
    About,
    Finding,
    Step,
    and_where_it_stands,
    beginning_nothing,
    but_what_was_told,
    ending,
    open_episodes,
)
from trayd.alerts.rules.observed import Observed, account_of
from trayd.episodes import Episode
from trayd.insight.budgets import BudgetStatus
from trayd.money import Money

# Spending falls when records are tagged anew or a bill is lower than its estimate. A percentage counts as recovered
# when it is missed by this much of itself; a forecast, which moves from day to day, by more.
_HELD = Decimal("0.95")
_FORECAST_HELD = Decimal("0.9")

_INSTANT = timedelta(microseconds=1)


class BudgetSpent(msgspec.Struct, frozen=True, kw_only=True):
    """How a budget stands.

    Attributes:
        days: the first and the last day of its period; None where that is all of the history.
        over: the period has ended.
        today: the civil day on which this is told.
    """

    status: BudgetStatus
    days: tuple[date, date] | None
    over: bool
    today: date


class BudgetExpected(BudgetSpent, frozen=True, kw_only=True):
    """The same, as it is expected to stand at its end."""


def budget(observed: Observed, _limits: Alerts) -> Iterator[Finding]:
    """So much of a budget is spent, in percent.

    A crossing that only bills or tags of a period that is over have brought is told for a day after its end, unless it
    lies before trayd was set up. While a first poll is under way nothing begins: of what it brings, the last is told.
    """
    if observed.budgets is not None:
        found = _and_endings(map(_spent(observed), observed.budgets), observed, "budget")
        yield from map(beginning_nothing, found) if observed.starting else found


def _spent(observed: Observed) -> Callable[[BudgetStatus], Finding]:
    def finding(status: BudgetStatus) -> Finding:
        over = status.until is not None and status.until <= observed.at
        episode = observed.episodes.get(f"budget:{status.budget.name}:{status.period}")
        steps = tuple(
            Step(_level(percent), reached=status.share >= percent, held=status.share >= percent * _HELD)
            for percent in and_where_it_stands(status.budget.at, episode)
        )
        subject = BudgetSpent(status=status, days=_days(status, observed), over=over, today=observed.today)
        found = _finding("budget", status, subject, steps, status.spent)
        if not over:
            return found
        watched = observed.watched_since
        if status.until is None or watched is None or watched >= status.until:
            return msgspec.structs.replace(found, steps=())
        return but_what_was_told(found, observed.episodes)

    return finding


def budget_forecast(observed: Observed, _limits: Alerts) -> Iterator[Finding]:
    """A budget is expected to come to so many percent at the end of its period.

    Without a forecast nothing begins and nothing recovers, nor does anything begin that would count on bills which fal
    has not been asked for lately. Of a percentage that is spent already, or that the budget's own warning stands at,
    nothing is said.
    """
    if observed.budgets is None:
        return
    running = (each for each in observed.budgets if each.until is None or each.until > observed.at)
    for finding in _and_endings(map(_expected(observed), running), observed, "budget_forecast"):
        old = observed.starting or _accounts_of(finding.about.account, observed) & observed.unanswered
        yield beginning_nothing(finding) if old else finding


def _accounts_of(account: str | None, observed: Observed) -> set[str]:
    """The accounts that a budget counts, as records name them."""
    return {account_of(fact) for fact in observed.accounts if account in {None, fact.name, fact.username}}


def _expected(observed: Observed) -> Callable[[BudgetStatus], Finding]:
    def finding(status: BudgetStatus) -> Finding:
        told = _told(observed.episodes.get(f"budget:{status.budget.name}:{status.period}"))
        expected = status.expected_share
        before = observed.episodes.get(f"budget_forecast:{status.budget.name}:{status.period}")
        steps = []
        for percent in and_where_it_stands(status.budget.forecast_at, before):
            if status.share >= percent or told >= percent:
                continue
            if expected is None:
                stands = before is not None and before.resolved is None and _told(before) >= percent
                steps.append(Step(_level(percent), reached=False, held=stands))
            else:
                held = expected >= percent * _FORECAST_HELD
                steps.append(Step(_level(percent), reached=expected >= percent, held=held))
        subject = BudgetExpected(status=status, days=_days(status, observed), over=False, today=observed.today)
        return _finding("budget_forecast", status, subject, tuple(steps), status.expected)

    return finding


def _told(episode: Episode | None) -> Decimal:
    """The percentage that an episode stands at; zero where there is none that lasts."""
    return Decimal(0) if episode is None or episode.resolved is not None else Decimal(episode.level)


def _finding(
    rule: str, status: BudgetStatus, subject: BudgetSpent, steps: tuple[Step, ...], amount: Money | None
) -> Finding:
    of = status.budget
    # What is spent is told with what it is expected to come to.
    includes = (f"budget_forecast:{of.name}:{status.period}",) if rule == "budget" else ()
    return Finding(
        rule=rule,
        scope=of.name,
        period=status.period,
        subject=subject,
        steps=steps,
        about=About(amount=amount, account=of.account, client=of.client, project=of.project, includes=includes),
    )


def _and_endings(findings: Iterable[Finding], observed: Observed, rule: str) -> Iterator[Finding]:
    """The findings, and the end of every episode of a period that is over, or of a budget that there is no more."""
    found = set()
    for finding in findings:
        found.add(finding.episode_id)
        yield finding
    for episode in open_episodes(observed, rule):
        if episode.id not in found:
            yield ending(episode)


def _level(percent: Decimal) -> str:
    return f"{percent.normalize():f}"


def _days(status: BudgetStatus, observed: Observed) -> tuple[date, date] | None:
    if status.since is None or status.until is None:
        return None
    first, last = (at.astimezone(observed.zone).date() for at in (status.since, status.until - _INSTANT))
    return first, last
