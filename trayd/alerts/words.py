"""What a warning says: what, how much, for which project, and what to do. And what can be done with one click."""

from __future__ import annotations

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules import BackfillDone, FileRejected, Finding
from trayd.facts import AccountFact
from trayd.money import Money, format_money
from trayd.records import DEFAULT_ACCOUNT, BalanceReading, Counting, Generation

LOW, NORMAL, CRITICAL = "low", "normal", "critical"

_ACCOUNT_TITLES = {
    "bad_key": "fal refuses the key",
    "no_key": "The fal key is gone",
    "needs_admin": "An Admin key is needed",
    "locked": "fal has locked the account",
}


class Words(msgspec.Struct, frozen=True):
    """The words of one warning, and how urgent it is."""

    title: str
    text: str
    urgency: str = NORMAL


def words(finding: Finding, step: int, limits: Alerts, locale: str) -> Words:
    """The words for a finding that stands at its step of that index; amounts as people of ``locale`` write them."""
    match finding.subject:
        case BalanceReading() as reading:
            return _balance(reading, finding, step, locale)
        case Generation() as generation:
            return _expensive(generation, limits, locale)
        case AccountFact() as fact:
            return _account(fact)
        case FileRejected() as rejected:
            return Words(rejected.title, rejected.reason)
        case BackfillDone() as done:
            return Words("trayd has read your history", f"{_owner(done.account)}: {done.found}.", LOW)


def _balance(reading: BalanceReading, finding: Finding, step: int, locale: str) -> Words:
    threshold = format_money(Money.of(finding.steps[step].level, reading.amount.currency), locale)
    left = format_money(reading.amount, locale)
    last = step == len(finding.steps) - 1
    cure = "Add credits now" if last else "Add credits in time"
    return Words(
        f"Balance under {threshold}",
        f"{_owner(reading.account)} has {left} left. {cure}: when they are used up, fal locks it and jobs fail.",
        CRITICAL if last else NORMAL,
    )


def _expensive(generation: Generation, limits: Alerts, locale: str) -> Words:
    cost = format_money(generation.cost or Money(0), locale)
    limit = format_money(Money.of(limits.expensive_generation), locale)
    model = generation.display_name or generation.endpoint_id
    verb = "cost" if generation.counting is Counting.ACTUAL else "is estimated to have cost"
    tags = [tag for tag in (generation.client, generation.project, generation.deliverable) if tag]
    what = f"{model} {verb} {cost}"
    what += f" for {' / '.join(tags)}." if tags else "."
    return Words(
        f"Expensive generation: {cost}",
        f"{what} Your limit for one is {limit}: look at what submits it, or set alerts.expensive_generation higher.",
    )


def _account(fact: AccountFact) -> Words:
    who = f" ({fact.name})" if fact.name != DEFAULT_ACCOUNT else ""
    urgency = CRITICAL if fact.state == "locked" else NORMAL
    return Words(f"{_ACCOUNT_TITLES[fact.state]}{who}", fact.problem, urgency)


def _owner(account: str) -> str:
    return "Your fal account" if account == DEFAULT_ACCOUNT else f"fal account {account}"


def actions_of(rule: str, level: str) -> tuple[tuple[str, str], ...]:
    """The buttons of a warning, the likeliest first: what is on it, and the action that it asks for."""
    match rule, level:
        case ("balance", _) | ("account", "locked"):
            return (("Add credits", "open:billing"), ("Open dashboard", "open:dashboard"))
        case ("account", _):
            return (("Open fal keys", "open:keys"),)
        case ("expensive", _):
            return (("Open dashboard", "open:dashboard"),)
        case ("file", _):
            return (("Open drop folder", "open:drop"),)
        case ("backfill", _):
            return (("Build report", "report"),)
        case _:
            return ()
