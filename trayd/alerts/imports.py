"""Suppression: records that a person imports by hand raise no alert of expensive jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

from trayd.alert_settings import Alerts
from trayd.alerts.rules import EXPENSIVE_WITHIN, Finding, Observed, expensive, together
from trayd.episodes import NEVER_TOLD, Episode
from trayd.facts import Batch
from trayd.records import Generation


class Writable(Protocol):
    """The part of the ledger that an import needs."""

    def latest(self, since: datetime) -> list[Generation]:
        """The generations from that time on."""

    def episodes(self) -> dict[str, Episode]:
        """The episodes by id."""

    def add(self, batch: Batch) -> object:
        """Makes the batch durable."""


@contextmanager
def quietly(ledger: Writable, limits: Alerts, now: datetime) -> Iterator[None]:
    """What comes in within this block and is expensive then, by itself or together, is never told as that.

    What it makes of a budget or a day is told all the same, and so is a bill that makes it expensive later. To be
    entered and left on the ledger's thread, in one go, so that no look at the ledger falls in between.

    Raises:
        LedgerError: the ledger cannot be written.
    """
    since = now - EXPENSIVE_WITHIN
    before = ledger.latest(since)
    yield
    episodes = hushed(before, ledger.latest(since), limits, ledger.episodes(), now)
    if episodes:
        ledger.add(Batch(episodes=episodes))


def hushed(
    before: Iterable[Generation],
    after: Iterable[Generation],
    limits: Alerts,
    episodes: Mapping[str, Episode],
    now: datetime,
) -> tuple[Episode, ...]:
    """Episodes to store with an import, so that what the user took in by hand is never told as news.

    They have no words, because nobody is told. Jobs that came in with an earlier import, or another part of this one,
    can be expensive only together with these; what was expensive without these is news all the same.

    Args:
        before: the generations that are young enough to be told of, as they were before the import.
        after: the same as they are by now.
        limits: as the settings have them.
        episodes: by id.
        now: the time (UTC).
    """
    news = {(finding.rule, finding.scope) for finding in _expensive(before, limits, episodes, now)}
    return tuple(
        Episode(
            id=finding.episode_id,
            rule=finding.rule,
            scope=finding.scope,
            period=finding.period,
            since=now,
            text="",
            level=finding.steps[0].level,
            told=NEVER_TOLD,
            resolved=now,
            account=finding.about.account,
        )
        for finding in _expensive(after, limits, episodes, now)
        if finding.episode_id not in episodes and (finding.rule, finding.scope) not in news
    )


def _expensive(
    generations: Iterable[Generation], limits: Alerts, episodes: Mapping[str, Episode], now: datetime
) -> list[Finding]:
    seen = Observed(at=now, zone=UTC, generations=tuple(generations), episodes=episodes)
    return [finding for rule in (expensive, together) for finding in rule(seen, limits)]
