"""Grouping and rate limit: which of the warnings that wait go to the desktop now, and which in one notice. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from trayd.alerts.holds import Holds
from trayd.episodes import Episode, Urgency

#: More warnings than this at once become one summary.
APART = 2

#: Of these rules any two are one summary: the reports of one period are one piece of work.
_TOGETHER = frozenset({"report"})

HOUR = timedelta(hours=1)


class Group(msgspec.Struct, frozen=True):
    """Episodes that are told in one notice.

    Attributes:
        digest: they were held back, or some are over by now; they are told together, each with its times.
    """

    episodes: tuple[Episode, ...]
    digest: bool = False


def grouped(
    waiting: Sequence[Episode], now: datetime, holds: Holds, shown: Sequence[datetime], most_per_hour: int
) -> list[Group]:
    """The notices that can go out now.

    What was held back goes out as one digest, with everything else that waits by then. Else critical warnings go out at
    once, and others as long as there is room in the hour; beyond that they wait, and come as one summary with all that
    waits by then, which is a digest as well where some of them are over.

    Args:
        waiting: all that is still to be told, in the order in which it came up.
        now: the time (UTC).
        holds: what holds warnings back.
        shown: when notices went out before.
        most_per_hour: how many may go out in any hour; critical ones count, and go out all the same.
    """
    free = [episode for episode in waiting if not holds.holds(now, episode.urgency)]
    if any(map(holds.held, free)):
        return [Group(tuple(free), digest=True)]
    room = most_per_hour - len(within_the_hour(shown, now))
    found = deduplicated(free)
    critical = [bundle for bundle in found if bundle[0].urgency == Urgency.CRITICAL]
    batch = found if room > 0 else critical
    together = tuple(episode for bundle in batch for episode in bundle)
    if not batch:
        return []
    if any(episode.over for episode in together):
        return [Group(together, digest=True)]
    waited = len(batch) > 1 and any(episode.held_back for episode in together)
    if waited or len(batch) > APART or (room > 0 and len(found) - len(critical) > room):
        return [Group(together)]
    if all(episode.rule in _TOGETHER for episode in together):
        return [Group(together)]
    return [Group(bundle) for bundle in batch]


def deduplicated(episodes: Sequence[Episode]) -> list[tuple[Episode, ...]]:
    """The episodes without repetitions: each that another one says as well is behind that one.

    What is spent of a budget is told with what it is expected to come to, and what jobs cost that were submitted
    together with what each of them cost, so that alone is no other matter.
    """
    echoes = {name: episode.id for episode in episodes if not episode.over for name in episode.includes}
    behind: dict[str, list[Episode]] = {}
    found = []
    for episode in episodes:
        if episode.id in echoes and not episode.over:
            behind.setdefault(echoes[episode.id], []).append(episode)
        else:
            found.append(episode)
    return [(episode, *behind.get(episode.id, ())) for episode in found]


def within_the_hour(shown: Sequence[datetime], now: datetime) -> list[datetime]:
    """Those that count: of the last hour. One in the future was before a clock was set back, and tells nothing."""
    return [at for at in shown if timedelta(0) <= now - at < HOUR]


def changes_at(waiting: Sequence[Episode], now: datetime, holds: Holds, shown: Sequence[datetime]) -> datetime | None:
    """When more of what waits may go out than now (UTC): a hold ends, or the hour has room again."""
    held = [until for episode in waiting if (until := holds.released(now, episode.urgency)) > now]
    return min([*held, *(at + HOUR for at in within_the_hour(shown, now))], default=None)
