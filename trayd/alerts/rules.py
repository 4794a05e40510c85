"""The rules: what is worth a warning, as pure functions of what was observed and of the limits that the user set.

A rule yields one :class:`Finding` for each scope that it knows something about, also when all is well there. Where it
knows nothing (a failed fetch, a balance that was never read) it yields none, and nothing changes: neither a warning
nor a recovery comes from not knowing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from trayd.alert_settings import Alerts
from trayd.facts import AccountFact, Coverage
from trayd.money import Money
from trayd.records import BalanceReading, Episode, Generation

#: The currency of fal's balances and bills, and so of the limits in the settings.
LIMIT_CURRENCY = "USD"

#: A generation older than this is never told as expensive: a warning is for what can still be stopped.
EXPENSIVE_WITHIN = timedelta(hours=24)

# A threshold counts as recovered once the balance is a tenth above it, and at least this much, so that a balance that
# hovers around it (fal corrects a bill, a small top-up) is told once.
_RECOVERY_FACTOR = Decimal("1.1")
_RECOVERY_MARGIN = Decimal("1.00")

#: States of an account that the person has to end; ``offline`` is not one: it says nothing about the account.
_NEEDS_A_PERSON = frozenset({"bad_key", "needs_admin", "locked"})


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules look at, all read from the ledger at one moment.

    Attributes:
        at: that moment (UTC).
        balances: the newest reading of each account that has one.
        accounts: how each account that is set up stands after the latest try to reach it.
        removed: the accounts that were taken out of the settings, as they stood last.
        coverage: by account, for those whose first poll is complete.
        generations: at least all of the last 24 hours.
        episodes: by id.
    """

    at: datetime
    balances: Mapping[str, BalanceReading] = {}
    accounts: tuple[AccountFact, ...] = ()
    removed: tuple[AccountFact, ...] = ()
    coverage: Mapping[str, Coverage] = {}
    generations: tuple[Generation, ...] = ()
    episodes: Mapping[str, Episode] = {}


class FileRejected(msgspec.Struct, frozen=True):
    """A dropped file, or the folder, needs a person: ``title`` says what it is, ``reason`` names line, column and cure.

    ``at`` is UTC.
    """

    name: str
    title: str
    reason: str
    at: datetime


class BackfillDone(msgspec.Struct, frozen=True):
    """The first poll of an account is complete; ``found`` says what was there, as text."""

    account: str
    found: str


Subject = BalanceReading | AccountFact | Generation | FileRejected | BackfillDone


class Step(msgspec.Struct, frozen=True):
    """One level of a rule.

    Attributes:
        level: its name in the episode (``20.00``, ``locked``).
        reached: whether the condition holds now.
        held: whether an episode that stands at this level stays there; it outlasts ``reached`` by the margin of a real
            recovery.
    """

    level: str
    reached: bool
    held: bool


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """How one rule stands for one scope.

    Attributes:
        steps: from the mildest level to the gravest; when one is reached, all before it are. None at all means that
            nothing can be wrong here, so an open episode ends.
        once: this is an event, told once ever, not a state that lasts.
        subject: what the words of the warning are made from.
    """

    rule: str
    scope: str
    subject: Subject
    steps: tuple[Step, ...] = ()
    once: bool = False

    @property
    def episode_id(self) -> str:
        """The id of its episode."""
        return f"{self.rule}:{self.scope}"


Rule = Callable[[Observed, Alerts], Iterator[Finding]]


def balance(observed: Observed, limits: Alerts) -> Iterator[Finding]:
    """The balance of an account is under a threshold.

    Only a reading speaks. An account on invoice has no balance, and one that became such ends its episode, as does one
    that was taken out of the settings. A balance in another currency than the thresholds is not compared with them.
    """
    without = {account_of(fact) for fact in observed.accounts if not fact.has_credits}
    # An account can be set up under two names, and one of them be taken out.
    without |= set(map(account_of, observed.removed)) - set(map(account_of, observed.accounts))
    for account, reading in observed.balances.items():
        if reading.amount.currency != LIMIT_CURRENCY:
            continue
        thresholds = () if account in without else sorted(set(limits.balance_below), reverse=True)
        amount = reading.amount.amount
        steps = tuple(
            Step(Money.of(threshold).text(), reached=amount < threshold, held=amount < _recovery(threshold))
            for threshold in thresholds
        )
        yield Finding(rule="balance", scope=account, subject=reading, steps=steps)


def _recovery(threshold: Decimal) -> Decimal:
    """The balance at which the threshold is armed again."""
    return max(threshold * _RECOVERY_FACTOR, threshold + _RECOVERY_MARGIN)


def expensive(observed: Observed, limits: Alerts) -> Iterator[Finding]:
    """One generation cost as much as the limit or more: by its actual, until then by its estimate.

    An estimate in another currency than the limit waits for the bill. Which generations count: :func:`_is_news`.
    """
    if not limits.expensive_generation:
        return
    limit = Money.of(limits.expensive_generation, LIMIT_CURRENCY)
    for generation in observed.generations:
        cost = generation.cost
        if cost is None or cost.currency != limit.currency or cost.nanos < limit.nanos:
            continue
        if _is_news(generation, observed.coverage.get(generation.account), observed.at):
            yield _expensive_finding(generation, limit)


def _is_news(generation: Generation, coverage: Coverage | None, now: datetime) -> bool:
    """Whether the generation ran under trayd's eyes, not before it was set up.

    With billing covered: when it is timed after the first completed poll. Without (no Admin key, or the first poll is
    still running): when an event told of it and no bill did, because a bill can then only come from the backfill.

    An event without a request id on a covered account is left to its bill, which will come under another id: else one
    job would be told twice.
    """
    if now - generation.timestamp >= EXPENSIVE_WITHIN:
        return False
    if coverage is None:
        return generation.actual is None
    return generation.request_id is not None and generation.timestamp > coverage.first_completed_at


def _expensive_finding(generation: Generation, limit: Money) -> Finding:
    reached = (Step(limit.text(), reached=True, held=True),)
    return Finding(rule="expensive", scope=generation.id, subject=generation, steps=reached, once=True)


def account(observed: Observed, _limits: Alerts) -> Iterator[Finding]:
    """The key of an account is refused, is no Admin key, or has gone; or fal has locked the account.

    An account without a key is told only when it had been reached before: the key has gone. Not to have set one up yet
    is no event. Of an account that was taken out of the settings nothing is wrong.
    """
    for fact in observed.removed:
        yield Finding(rule="account", scope=fact.name, subject=fact)
    for fact in observed.accounts:
        lost = fact.state == "no_key" and fact.as_of is not None
        if lost or fact.state in _NEEDS_A_PERSON:
            yield Finding(rule="account", scope=fact.name, subject=fact, steps=(Step(fact.state, True, True),))
        elif fact.state in {"ok", "no_key"}:
            yield Finding(rule="account", scope=fact.name, subject=fact)


#: The rules that are looked at after each change of the ledger.
RULES: tuple[Rule, ...] = (balance, expensive, account)


def findings(observed: Observed, limits: Alerts) -> list[Finding]:
    """What all rules find."""
    return [finding for rule in RULES for finding in rule(observed, limits)]


def event(happened: FileRejected | BackfillDone) -> Finding:
    """The finding for something that happened once and is not kept in the ledger as a state."""
    match happened:
        case FileRejected():
            rule, scope = "file", f"{happened.name}@{happened.at.isoformat()}"
        case BackfillDone():
            rule, scope = "backfill", happened.account
    return Finding(rule=rule, scope=scope, subject=happened, steps=(Step("", True, True),), once=True)


def account_of(fact: AccountFact) -> str:
    """The account's name in records and readings: fal's username once it is known."""
    return fact.username or fact.name
