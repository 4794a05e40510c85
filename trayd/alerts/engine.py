"""The episodes: one stretch of time in which a rule's condition held is told once for each level it reaches.

Pure: findings and the episodes so far go in, the episodes to store come out. Told is at least once: an episode is
stored untold, then carried to the person, then stored as told. A crash between the last two tells it a second time at
the next start; the other order would lose a warning, which is worse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules import Finding, Observed, expensive
from trayd.alerts.words import Words
from trayd.records import Episode, Generation

#: An event that nobody could be told of is news for this long; a state that lasts is told however late.
NEWS_FOR = timedelta(hours=24)

Worder = Callable[[Finding, int], Words]


class Decision(msgspec.Struct, frozen=True):
    """What follows from the findings.

    Attributes:
        episodes: to be stored, before anyone is told; those that end are among them.
        tell: those of them that the person is to be told of now.
    """

    episodes: tuple[Episode, ...] = ()
    tell: tuple[Episode, ...] = ()


def evaluate(findings: Iterable[Finding], episodes: Mapping[str, Episode], now: datetime, words: Worder) -> Decision:
    """Opens, escalates, eases and resolves episodes.

    Several levels reached at once are one notice, for the gravest. An episode eases to a milder level, silently, when
    it has recovered from the graver one, which is armed again by that.

    Args:
        findings: at most one for each rule and scope.
        episodes: by id, as they are stored.
        now: the time of this look (UTC).
        words: what to say of a finding at its step of that index.
    """
    changed = []
    tell = []
    for finding in findings:
        before = episodes.get(finding.episode_id)
        after = _after(finding, before, now, words)
        if after is None:
            continue
        changed.append(after)
        if after.told is None:
            tell.append(after)
    return Decision(tuple(changed), tuple(tell))


def _after(finding: Finding, before: Episode | None, now: datetime, words: Worder) -> Episode | None:
    """The episode as it is to be from now on; None where none is to be stored."""
    if finding.once and before is not None:
        return None
    lasting = before if before is not None and before.resolved is None else None
    stands = _height(finding, lasting)
    reached = sum(step.reached for step in finding.steps)
    held = sum(step.held for step in finding.steps)
    height = max(reached, min(stands, held))
    if height == 0:
        # An episode that ends unheard has nothing more to tell.
        return msgspec.structs.replace(lasting, resolved=now, told=lasting.told or now) if lasting else None
    if lasting and height == stands:
        return None
    said = words(finding, height - 1)
    return Episode(
        id=finding.episode_id,
        rule=finding.rule,
        scope=finding.scope,
        since=lasting.since if lasting else now,
        title=said.title,
        text=said.text,
        level=finding.steps[height - 1].level,
        urgency=said.urgency,
        told=lasting.told if lasting and height < stands else None,
        resolved=now if finding.once else None,
    )


def _height(finding: Finding, lasting: Episode | None) -> int:
    """How many steps up the episode stands.

    One at a level that the rule has no more (the user changed the thresholds, fal gives another reason) was not told
    of what holds now, and starts anew.
    """
    if lasting is None:
        return 0
    levels = [step.level for step in finding.steps]
    return levels.index(lasting.level) + 1 if lasting.level in levels else 0


def untold(episodes: Mapping[str, Episode], now: datetime) -> tuple[Episode, ...]:
    """What a daemon that was killed had stored and not told: every state that lasts, and events that are still news."""
    return tuple(
        episode
        for episode in episodes.values()
        if episode.told is None and (episode.resolved is None or now - episode.resolved < NEWS_FOR)
    )


def hushed(
    generations: Iterable[Generation], limits: Alerts, episodes: Mapping[str, Episode], now: datetime
) -> tuple[Episode, ...]:
    """Episodes to store with an import, so that what the user took in by hand is never told as news.

    They have no words, because nobody is told. Only generations young enough to be told need one.
    """
    seen = Observed(at=now, generations=tuple(generations))
    return tuple(
        Episode(
            id=finding.episode_id,
            rule=finding.rule,
            scope=finding.scope,
            since=now,
            text="",
            level=finding.steps[0].level,
            told=now,
            resolved=now,
        )
        for finding in expensive(seen, limits)
        if finding.episode_id not in episodes
    )
