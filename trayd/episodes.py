"""Episodes: what alerts were about, and what the person was told of them, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from trayd.money import Money

#: The end of a pause that lasts until it is ended: later than anything happens, and a time that a ledger takes.
UNTIL_RESUMED = datetime(8999, 1, 1, tzinfo=UTC)

#: When the person was told of what nobody is to be told of: earlier than anything happens.
NEVER_TOLD = datetime(1970, 1, 1, tzinfo=UTC)


class Urgency(StrEnum):
    """How grave a warning is, as notification services know it; the gravest last."""

    LOW = "low"
    NORMAL = "normal"
    CRITICAL = "critical"

    @property
    def gravity(self) -> int:
        """The greater, the graver."""
        return tuple(Urgency).index(self)


class Heard(msgspec.Struct, frozen=True):
    """What the person was told of: a level, and when (UTC)."""

    level: str
    at: datetime


class Episode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One stretch of time in which a rule's condition held: told once, however long it lasts.

    Attributes:
        id: rule, scope and period in one text; there is one episode of an id at a time. :attr:`instance` tells it from
            those before it.
        rule: the rule's name (``balance``, ``expensive``).
        scope: what it is about: an account, a request id.
        since: when it began (UTC); ``resolved`` when it ended, None while it lasts.
        level: the threshold that was crossed, as text (``20.00``); an episode that crosses a lower one escalates.
        title: the headline over ``text``; ``text`` is what the person was told.
        worded: when ``title`` and ``text`` were written (UTC).
        told: when the person was told of this level; None until then, so that a crash on the way loses no warning;
            :data:`NEVER_TOLD` where there is nothing to tell any more, and nobody was.
        period: the stretch of time that it is about, where it is about one (``2026-11``, ``2026-W47``, a date).
        amount: how much, where it is about an amount; ``account``, ``client`` and ``project`` for whom, likewise.
        includes: ids of other alerts that ``text`` tells of as well; where both are news, they are one notification.
        files: what was made, as paths; empty where it is about no file.
        snoozed_until: the person wants to be told again then, should it still last (UTC).
        hooked: what each hook was told of last, by the hook's name: a level, or ``resolved``.
        reached: when it came to this level (UTC); None: when it began.
        heard: of an untold episode, the milder level that was told before this one.
        held_back: of an untold episode: nothing was to go to the desktop, or no more in that hour, when it came up or
            since. Should it end so, the person still hears that it was.
        lapsed: it ended because its period did or the rule was switched off, not by a recovery.
    """

    id: str
    rule: str
    scope: str
    since: datetime
    text: str
    title: str = ""
    level: str = ""
    urgency: Urgency = Urgency.NORMAL
    told: datetime | None = None
    resolved: datetime | None = None
    period: str = ""
    amount: Money | None = None
    account: str | None = None
    client: str | None = None
    project: str | None = None
    includes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    snoozed_until: datetime | None = None
    hooked: dict[str, str] = {}
    reached: datetime | None = None
    heard: Heard | None = None
    worded: datetime | None = None
    held_back: bool = False
    lapsed: bool = False

    @property
    def instance(self) -> str:
        """What it is known by once another of its id has begun."""
        return f"{self.id} {self.since.isoformat()}"

    @property
    def over(self) -> bool:
        """Whether it lasted and has ended; an event, which is told once and does not last, has no such end."""
        return self.resolved is not None and self.resolved > self.since

    @property
    def heard_at(self) -> datetime | None:
        """When the person was told of it (UTC); None: not yet, or never."""
        return None if self.told == NEVER_TOLD else self.told

    @property
    def news_at(self) -> datetime:
        """When there was something to tell of it: its level was reached, or a snooze was over (UTC)."""
        return max(moment for moment in (self.since, self.reached, self.snoozed_until) if moment is not None)


def current_or_earlier(known: Mapping[str, Episode], episode: Episode) -> Episode | None:
    """The same episode as it is known: under its id, or under its instance where another of its id has begun."""
    current = known.get(episode.id)
    return current if current is not None and current.since == episode.since else known.get(episode.instance)


def with_changed(known: Mapping[str, Episode], changed: Iterable[Episode]) -> dict[str, Episode]:
    """The episodes as they are after changes, each under its id; under its instance once another of its id has begun.

    Args:
        known: the episodes before, likewise.
        changed: new ones, and known ones that have changed, in any order.
    """
    after = dict(known)
    for episode in changed:
        current = after.get(episode.id)
        if current is None or current.since == episode.since:
            after[episode.id] = episode
        elif episode.instance in after or (episode.resolved is not None and episode.since < current.since):
            after[episode.instance] = episode
        else:
            if current.resolved is not None:
                after[current.instance] = current
            after[episode.id] = episode
    return after
