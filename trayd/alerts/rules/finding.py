"""Findings: how one rule stands for one scope, as a value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules.observed import Observed
from trayd.episodes import Episode
from trayd.money import Money


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


class About(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a finding is about, as far as there is an amount, an account, a client or a project.

    Attributes:
        includes: ids of other alerts that these words tell of as well.
        files: what was made, as paths.
    """

    amount: Money | None = None
    account: str | None = None
    client: str | None = None
    project: str | None = None
    includes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """How one rule stands for one scope.

    Attributes:
        rule: its name, one of :data:`trayd.alert_settings.RULE_NAMES`.
        scope: what it is about: an account, a budget, a request id.
        period: the stretch of time that it is about, where it is about one; each has an episode of its own.
        subject: what the words of the warning are made from; None where there is nothing to say.
        steps: from the mildest level to the gravest; when one is reached, all before it are. None at all means that
            nothing can be wrong here, so an open episode ends.
        once: this is an event, told once ever, not a state that lasts.
        silent: of an event: that it happened is kept, and nobody is told.
    """

    rule: str
    scope: str
    period: str = ""
    subject: Any = None
    steps: tuple[Step, ...] = ()
    once: bool = False
    silent: bool = False
    about: About = About()

    @property
    def episode_id(self) -> str:
        """The id of its episode."""
        return ":".join(filter(None, (self.rule, self.scope, self.period)))


Rule = Callable[[Observed, Alerts], Iterator[Finding]]


def ending(episode: Episode) -> Finding:
    """The finding that ends an episode of which nothing is to be said any more."""
    return Finding(rule=episode.rule, scope=episode.scope, period=episode.period)


def open_episodes(observed: Observed, rule: str) -> Iterator[Episode]:
    """The episodes of a rule that last."""
    return (each for each in observed.episodes.values() if each.rule == rule and each.resolved is None)


def and_where_it_stands(
    levels: Collection[Decimal], episode: Episode | None, *, falling: bool = False
) -> list[Decimal]:
    """The levels, and among them the one that an episode stands at though the settings have it no more.

    Who takes a limit out knows what it was told of. Without it the episode would be news again at a milder one.

    Args:
        levels: as the settings have them.
        episode: of the rule, scope and period, as it is stored.
        falling: the smaller a level, the graver it is.

    Returns:
        from the mildest to the gravest.
    """
    ordered = sorted(set(levels), reverse=falling)
    if episode is None or not ordered or not (episode.resolved is None or (episode.lapsed and episode.period)):
        return ordered
    ordered = sorted({*ordered, Decimal(episode.level)}, reverse=falling)
    # One that is milder than all there are now ends.
    return ordered if ordered[0] in levels else ordered[1:]


def beginning_nothing(finding: Finding) -> Finding:
    """With what stands, and nothing that would be news: more is on its way that may take it back."""
    return msgspec.structs.replace(
        finding, steps=tuple(msgspec.structs.replace(step, reached=False) for step in finding.steps)
    )


def but_what_was_told(finding: Finding, episodes: Mapping[str, Episode]) -> Finding:
    """Of a period that is over: with what has been told of it, or worse, left out.

    What came in late can still be told for a while; what was told ends, silently. An episode that nobody could be told
    of so far goes on.
    """
    episode = episodes.get(finding.episode_id)
    if episode is None or (episode.resolved is None and episode.told is None):
        return finding
    levels = [step.level for step in finding.steps]
    told = levels.index(episode.level) + 1 if episode.level in levels else 0
    if sum(step.reached for step in finding.steps) > told:
        return finding
    return ending(episode)


def civil(at: datetime, observed: Observed) -> datetime:
    """That time on the clock of the user's zone."""
    return at.astimezone(observed.zone)
