"""Plays months to the rules and the engine in milliseconds: the clock and the ledger's episodes are plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from trayd.alert_settings import RULE_NAMES, Alerts
from trayd.alerts.delivery import Outcome
from trayd.alerts.engine import evaluate
from trayd.alerts.holds import Holds
from trayd.alerts.notice import Notice
from trayd.alerts.outbox import Outbox
from trayd.alerts.rules import Finding, Observed, findings
from trayd.alerts.words import Words, words
from trayd.episodes import Episode
from trayd.facts import AccountFact, Coverage
from trayd.money import Money
from trayd.records import BalanceReading, Counting, Estimate, Generation

START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
FIRST_POLL = START - timedelta(days=1)


def only(rule: str, **limits: Any) -> Alerts:
    """Limits under which one rule warns alone."""
    return Alerts(off=tuple(name for name in RULE_NAMES if name != rule), **limits)


class Story:
    """One account's time with trayd.

    ``tell`` of a look is marked as told at once, as it is where the desktop works.
    """

    def __init__(self, limits: Alerts | None = None) -> None:
        self.limits = limits or Alerts()
        self.now = START
        self.locale = "en_US"
        self.episodes: dict[str, Episode] = {}
        self.told: list[Episode] = []

    def look(self, **observed: Any) -> list[str]:
        """What is told at this look: the headlines."""
        self.now += timedelta(minutes=2)
        return self.tell(Observed(at=self.now, episodes=self.episodes, **observed))

    def tell(self, seen: Observed) -> list[str]:
        """What is told of what is seen."""
        return self.find(*findings(seen, self.limits))

    def find(self, *found: Finding) -> list[str]:
        """What is told of what rules have found."""
        decision = evaluate(found, self.episodes, self.now, self.words)
        self.episodes |= {episode.id: episode for episode in decision.episodes}
        told = [msgspec.structs.replace(episode, told=self.now) for episode in decision.tell]
        self.episodes |= {episode.id: episode for episode in told}
        self.told += told
        return [episode.title for episode in told]

    def balance(self, amount: str | Decimal, **more: Any) -> list[str]:
        """What is told when fal says that this much is left."""
        reading = BalanceReading("northwind", self.now, Money.of(amount))
        return self.look(balances={"northwind": reading}, **more)

    def account(self, state: str, **more: Any) -> list[str]:
        """What is told when the account is in this state."""
        fact = AccountFact(name="northwind", state=state, problem=f"it is {state}; mend it", **more)
        return self.look(accounts=(fact,))

    def jobs(self, *generations: Generation, covered: bool = True) -> list[str]:
        """What is told when the ledger holds these jobs."""
        return self.look(generations=generations, coverage={"northwind": coverage()} if covered else {})

    def words(self, finding: Finding, step: int) -> Words:
        return words(finding, step, self.limits, self.locale, {})

    def restart(self) -> None:
        """The daemon ends and starts: only what the ledger holds is left."""
        content = msgspec.json.encode(self.episodes)
        self.episodes = msgspec.json.decode(content, type=dict[str, Episode])


async def notices(story: Story, *, quiet: bool = False) -> list[Notice]:
    """The notices of all that was told, as if it were told now; ``quiet``: after a pause that held it back."""
    shown: list[Notice] = []
    marked: list[str] = []

    async def show(notice: Notice) -> Outcome:
        shown.append(notice)
        return Outcome.DESKTOP

    async def on_told(episodes: tuple[Episode, ...]) -> None:
        marked.extend(episode.id for episode in episodes)

    waits = [msgspec.structs.replace(each, told=None) for each in story.told]
    if quiet:
        waits = [msgspec.structs.replace(each, since=START, resolved=each.resolved and START) for each in waits]
    holds = Holds(zone=UTC, paused_until=story.now - timedelta(minutes=1) if quiet else None)
    outbox = Outbox(show, on_told, lambda: story.now, holds, 6)
    outbox.follow(waits, ())
    await outbox.tell()
    assert sorted(marked) == sorted(each.id for each in waits)
    return shown


def coverage() -> Coverage:
    return Coverage(
        account="northwind",
        since=FIRST_POLL - timedelta(days=30),
        until=START,
        fetched_at=START,
        first_completed_at=FIRST_POLL,
    )


def job(cost: str | None = "6.40", *, actual: str | None = None, **more: Any) -> Generation:
    """A finished job; ``cost`` is its estimate, ``actual`` what fal has billed."""
    given = {
        "id": "req-1",
        "request_id": "req-1",
        "account": "northwind",
        "endpoint_id": "fal-ai/kling-video/v3/pro/text-to-video",
        "display_name": "Kling Video v3 Pro",
        "timestamp": START - timedelta(minutes=5),
        "estimate": None if cost is None else Estimate(Money.of(cost), START),
        "actual": None if actual is None else Money.of(actual),
        "counting": Counting.ACTUAL if actual else Counting.ESTIMATE if cost else Counting.UNKNOWN,
    }
    return Generation(**(given | more))
