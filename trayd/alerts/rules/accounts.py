"""Rules about the accounts: whether the key is good, and whether fal answers at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules.finding import About, Finding, Step, civil, open_episodes
from trayd.alerts.rules.observed import Observed, account_of
from trayd.facts import AccountFact
from trayd.money import Money

#: States of an account that the person has to end; ``offline`` is not one: it says nothing about the account.
_NEEDS_A_PERSON = frozenset({"bad_key", "needs_admin", "locked"})


class NoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An account that fal has not answered for.

    Attributes:
        problem: why not, in words.
        since: of when the last answer is (in the user's zone); None where there was none.
        tried_since: when it was first tried in vain (in the user's zone).
        now: the time at which this is told (in the user's zone).
        balance: the last one that is known.
    """

    account: str
    problem: str
    since: datetime | None
    tried_since: datetime
    now: datetime
    balance: Money | None


def account(observed: Observed, _limits: Alerts) -> Iterator[Finding]:
    """The key of an account is refused, is no Admin key, or has gone; or fal has locked the account.

    An account without a key is told only when it had been reached before: the key has gone. Not to have set one up yet
    is no event. Of an account that was taken out of the settings nothing is wrong.
    """
    for fact in observed.removed:
        yield Finding(rule="account", scope=fact.name)
    for fact in observed.accounts:
        lost = fact.state == "no_key" and fact.as_of is not None
        about = About(account=account_of(fact))
        if lost or fact.state in _NEEDS_A_PERSON:
            steps = (Step(fact.state, True, True),)
            yield Finding(rule="account", scope=fact.name, subject=fact, steps=steps, about=about)
        elif fact.state in {"ok", "no_key"}:
            yield Finding(rule="account", scope=fact.name)


def stale(observed: Observed, limits: Alerts) -> Iterator[Finding]:
    """No answer came from fal for some time, although it was tried all that time.

    The time that the computer slept does not count: the tries before and after it do not follow each other. What needs
    a person to end it, a key that is refused for one, is another rule's matter.
    """
    within = timedelta(minutes=limits.stale_after_minutes)
    for fact in observed.accounts:
        outage = observed.outages.get(fact.name)
        if outage is None or not within:
            if fact.state != "offline" or not within:
                yield Finding(rule="stale", scope=fact.name)
            continue
        steps = (Step("silent", reached=outage.tried - outage.since >= within, held=True),)
        yield Finding(
            rule="stale",
            scope=fact.name,
            subject=_no_answer(fact, observed, outage.since),
            steps=steps,
            about=About(account=account_of(fact)),
        )
    names = {fact.name for fact in observed.accounts}
    for episode in open_episodes(observed, "stale"):
        if episode.scope not in names:
            yield Finding(rule="stale", scope=episode.scope)


def _no_answer(fact: AccountFact, observed: Observed, tried_since: datetime) -> NoAnswer:
    reading = observed.balances.get(account_of(fact))
    return NoAnswer(
        account=account_of(fact),
        problem=fact.problem,
        since=civil(fact.as_of, observed) if fact.as_of else None,
        tried_since=civil(tried_since, observed),
        now=civil(observed.at, observed),
        balance=reading.amount if reading and fact.has_credits else None,
    )
