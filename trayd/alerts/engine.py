"""The state machine of episodes: while a rule's condition holds there is one, told once for each level it reaches.

Pure: findings and the episodes so far go in, the episodes to store come out. Delivery is at least once: an episode is
stored untold, then shown to the person, then stored as told. A crash between the last two tells it a second time at
the next start; the other order would lose a warning, which is worse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from trayd.alerts.holds import NEWS_FOR, Holds
from trayd.alerts.rules import Finding
from trayd.alerts.words import Words
from trayd.episodes import NEVER_TOLD, Episode, Heard

#: An episode that ends at the moment of its beginning, or before it on a clock that was set back, lasted this long.
_SHORTEST = timedelta(microseconds=1)

Worder = Callable[[Finding, int], Words]
IsHeldBack = Callable[[Episode], bool]


class Decision(msgspec.Struct, frozen=True):
    """What follows from the findings.

    Attributes:
        episodes: to be stored, before anyone is told; those that end are among them.
        tell: those of them that are news, for the person to be told of as soon as that may be.
        reworded: episodes that nobody was told of yet, in the words that are right by now; nothing else has changed.
        present: all that last and were looked at, with the words and the amount of now, which nobody is told of.
    """

    episodes: tuple[Episode, ...] = ()
    tell: tuple[Episode, ...] = ()
    reworded: tuple[Episode, ...] = ()
    present: tuple[Episode, ...] = ()


def evaluate(
    findings: Iterable[Finding],
    episodes: Mapping[str, Episode],
    now: datetime,
    words: Worder,
    *,
    held: IsHeldBack = lambda _untold: False,
) -> Decision:
    """Opens, escalates, eases and resolves episodes, and reminds of those whose snooze is over.

    Several levels reached at once are one notice, for the gravest. An episode eases to a milder level, silently, when
    it has recovered from the graver one, which is armed again by that. One that reaches a graver level while it is
    snoozed is told at once: the person knew of the milder one when he wanted to hear of it later.

    Args:
        findings: at most one for each rule, scope and period.
        episodes: by id, as they are stored.
        now: the time of this look (UTC).
        words: what to say of a finding at its step of that index.
        held: whether nobody can be told of this episode because nothing is to go to the desktop, or no more in this
            hour. When it ends, the person hears that it was; of any other untold one there is nothing to tell.
    """
    changed: dict[str, Episode] = {}
    reworded = []
    present = []
    for finding in findings:
        before = episodes.get(finding.episode_id)
        after = _after(finding, before, now, words)
        lasting = after or before
        if lasting is not None and lasting.resolved is None:
            present.append(_as_it_stands(finding, lasting, words))
        if after is None:
            continue
        after = _noted_as_held(before, after, held)
        if before is not None and _state(before) == _state(after):
            reworded.append(after)
        else:
            changed[after.id] = after
    for episode in episodes.values():
        if episode.id not in changed and _reminds(episode, now):
            changed[episode.id] = msgspec.structs.replace(episode, **_reminder(episode))
    reworded = [episode for episode in reworded if episode.id not in changed]
    tell = [episode for episode in changed.values() if _is_news(episodes.get(episode.id), episode)]
    return Decision(tuple(changed.values()), tuple(tell), tuple(reworded), tuple(present))


def _after(finding: Finding, before: Episode | None, now: datetime, words: Worder) -> Episode | None:
    """The episode as it is to be from now on; None where nothing changes."""
    if finding.once and before is not None:
        return None
    standing = before if before is not None and (before.resolved is None or _returns(finding, before)) else None
    stands = _height(finding, standing)
    reached = sum(step.reached for step in finding.steps)
    kept = sum(step.held for step in finding.steps)
    height = max(reached, min(stands, kept))
    if height == 0:
        return None if standing is None else _ended(finding, standing, now)
    if standing is None:
        fresh = Episode(id=finding.episode_id, rule=finding.rule, scope=finding.scope, since=now, text="")
        said = words(finding, height - 1)
        ends: dict[str, object] = {"resolved": now} if finding.once else {}
        return _worded(fresh, finding, height, said, now, **ends, told=NEVER_TOLD if finding.silent else None)
    moved = _moved(finding, standing, stands, height, now)
    if not moved and standing.told is not None:
        return None
    # Of what was told the words stay as they were told.
    anew = height != stands or standing.told is None or "told" in moved
    return _worded(standing, finding, height, _said(finding, height, words) if anew else None, now, **moved)


def _noted_as_held(before: Episode | None, after: Episode, held: IsHeldBack) -> Episode:
    """The episode with what held it back noted in it: by the time that it ends, the settings can be others."""
    if after.told is not None or after.over:
        return after
    waited = before is not None and before.told is None and before.reached == after.reached and before.held_back
    return msgspec.structs.replace(after, held_back=waited or held(after))


def _moved(finding: Finding, standing: Episode, stands: int, height: int, now: datetime) -> dict[str, object]:
    """What is different of an episode that goes on, beside its level and its words."""
    # To hooks it is news that it goes on, at a time of its own.
    moved: dict[str, object] = {} if standing.resolved is None else {"resolved": None, "lapsed": False, "reached": now}
    if height > stands:
        heard = standing.heard if standing.told is None else Heard(standing.level, standing.told)
        moved |= {"told": None, "heard": heard if stands else None, "reached": now, "snoozed_until": None}
    elif height < stands:
        moved |= _eased(finding, standing, height, now)
    elif _reminds(standing, now):
        moved |= _reminder(standing)
    return moved


def _worded(
    episode: Episode, finding: Finding, height: int, said: Words | None, now: datetime, **changes: object
) -> Episode:
    about = finding.about
    if said is not None:
        changes |= {"title": said.title, "text": said.text, "urgency": said.urgency, "worded": now}
        changes |= msgspec.structs.asdict(about)
    return msgspec.structs.replace(episode, level=finding.steps[height - 1].level, period=finding.period, **changes)


def _as_it_stands(finding: Finding, episode: Episode, words: Worder) -> Episode:
    height = _height(finding, episode)
    said = _said(finding, height, words) if height else None
    if said is None:
        return episode
    return msgspec.structs.replace(episode, title=said.title, text=said.text, amount=finding.about.amount)


def _said(finding: Finding, height: int, words: Worder) -> Words | None:
    """What there is to say of a step that stands; None where nothing new is known of it (a forecast that is lost)."""
    said = words(finding, height - 1)
    return said if said.text else None


def _ended(finding: Finding, standing: Episode, now: datetime) -> Episode | None:
    """The episode as it is when its condition holds no longer."""
    if standing.resolved is not None:
        # It had lapsed, and has recovered since: the next crossing is news.
        return msgspec.structs.replace(standing, lapsed=False) if finding.steps else None
    waits = standing.told is None and standing.snoozed_until is None and standing.held_back
    known = standing.told or _told_before_its_snooze(standing)
    return msgspec.structs.replace(
        standing,
        resolved=max(now, standing.since + _SHORTEST),
        # One that ends unheard has nothing more to tell. What is over and untold has waited, whatever holds later.
        told=None if waits else known or NEVER_TOLD,
        held_back=waits,
        snoozed_until=None,
        heard=None,
        lapsed=not finding.steps and (waits or known is not None),
    )


def _told_before_its_snooze(standing: Episode) -> datetime | None:
    return standing.heard.at if standing.snoozed_until is not None and standing.heard is not None else None


def _eased(finding: Finding, standing: Episode, height: int, now: datetime) -> dict[str, object]:
    """Whether an episode that is back at a milder level has to be told.

    Not where that level was told before, though the graver one was not; unless the person wants to be reminded.
    """
    level = finding.steps[height - 1].level
    # What hooks were told of, or are being told, is the graver level: it is news for them as well once it comes again.
    changes: dict[str, object] = {
        "hooked": {name: level if what == standing.level else what for name, what in standing.hooked.items()}
    }
    if _reminds(standing, now):
        return changes | _reminder(standing)
    heard = standing.heard
    if standing.told is not None or heard is None or standing.snoozed_until is not None:
        return changes
    levels = [step.level for step in finding.steps]
    known = heard.level in levels and levels.index(heard.level) + 1 >= height
    return changes | {"told": heard.at, "heard": None} if known else changes


def _reminder(episode: Episode) -> dict[str, object]:
    """What is different of an episode that is to be told again."""
    return {"told": None, "heard": None if episode.told is None else Heard(episode.level, episode.told)}


def _returns(finding: Finding, before: Episode) -> bool:
    """Whether an episode that ended without a recovery goes on: its period is at hand again.

    The clock was set back over the end of the period, or the rule was off for a while.
    """
    return before.lapsed and bool(finding.period) and bool(finding.steps)


def _height(finding: Finding, standing: Episode | None) -> int:
    """How many steps up the episode stands.

    One at a level that the rule has no more (the user changed the thresholds, fal gives another reason) was not told
    of what holds now, and starts anew.
    """
    if standing is None:
        return 0
    levels = [step.level for step in finding.steps]
    return levels.index(standing.level) + 1 if standing.level in levels else 0


def _reminds(episode: Episode, now: datetime) -> bool:
    """Whether the person wants to hear of it again by now, and was not told yet."""
    return episode.told is not None and episode.snoozed_until is not None and episode.snoozed_until <= now


def _state(episode: Episode) -> tuple[object, ...]:
    """What is durable of an episode at once; its words can wait until they are told."""
    return (
        episode.level,
        episode.told,
        episode.resolved,
        episode.lapsed,
        episode.snoozed_until,
        episode.held_back,
    )


def _is_news(before: Episode | None, after: Episode) -> bool:
    if after.told is not None:
        return False
    # What eases or ends before it was told is told in its place; that it is to be told is no news.
    return before is None or before.told is not None or after.reached != before.reached or before.resolved is not None


def waiting(episodes: Iterable[Episode], now: datetime, holds: Holds) -> list[Episode]:
    """Who still has to be told, whatever was in between: what a daemon that was killed had stored, what was held back.

    A state that lasts is told however late, and so is what the person wanted to be reminded of. Events are told while
    they are news, counted from when they could be told. What is over is untold only where it could not go to the
    desktop while it lasted. What is snoozed waits for the end of that. In the order in which it came up.
    """
    untold = (episode for episode in episodes if episode.told is None)
    return sorted(
        (episode for episode in untold if _still_told(episode, now, holds)), key=lambda episode: episode.news_at
    )


def _still_told(episode: Episode, now: datetime, holds: Holds) -> bool:
    if episode.snoozed_until is not None:
        return episode.snoozed_until <= now
    if episode.resolved is None:
        return True
    return now - holds.released(episode.news_at, episode.urgency) < NEWS_FOR


def as_told(current: Episode | None, shown: Episode, now: datetime) -> Episode | None:
    """The episode after the person has seen it as it is in ``shown``; None where there is nothing to note.

    Args:
        current: the same episode as it is stored by now; it can have gone on while the notice was on its way.
        shown: as it was told, with the words of that moment.
        now: when it was told (UTC).
    """
    if current is None or current.told is not None:
        return None
    if current.reached != shown.reached:
        # Graver by now: that is still to be told.
        return msgspec.structs.replace(current, heard=Heard(shown.level, now))
    snoozed = current.snoozed_until if current.snoozed_until != shown.snoozed_until else None
    said = shown if current.level == shown.level else current
    return msgspec.structs.replace(
        current,
        told=now,
        heard=None,
        held_back=False,
        snoozed_until=snoozed,
        title=said.title,
        text=said.text,
        urgency=said.urgency,
        amount=said.amount,
        worded=said.worded,
    )


def told_times(episodes: Iterable[Episode]) -> set[datetime]:
    """When notices went out: what was told together was told at one time."""
    return {episode.heard_at for episode in episodes if episode.heard_at is not None}
