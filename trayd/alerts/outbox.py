"""The outbox: a queue of warnings that the desktop has not shown yet, each sent as soon as it may be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime

import msgspec

from trayd.alerts.delivery import Outcome
from trayd.alerts.digest import digest
from trayd.alerts.grouping import Group, changes_at, deduplicated, grouped, within_the_hour
from trayd.alerts.holds import Holds
from trayd.alerts.notice import Notice, notice_of, summary
from trayd.episodes import Episode

#: Warnings that come within this time of each other go out together.
GATHER_S = 0.3

#: How often a desktop that took nothing is tried again. A daemon that starts with the session is often there before
#: the notification service.
RETRY_S = 20.0

#: A warning that no desktop took for this long stays in the log and in the status.
GIVE_UP_S = 24 * 3600.0

# Sleeping longer than this in one go would miss the end of a pause by the time that the computer was asleep.
_LONGEST_WAIT_S = 60.0

#: What makes an episode news: it began then, came to that level then, is to be told again then.
Newness = tuple[str, datetime, str, datetime | None, datetime | None, bool]


class Outbox:
    """Holds the untold episodes, as the ledger has them.

    Args:
        show: puts one notice before the person.
        on_told: called with the episodes that the person has been told of, after each notice.
        clock: the time (UTC).
        holds: what holds warnings back.
        most_per_hour: see the property.
    """

    def __init__(
        self,
        show: Callable[[Notice], Awaitable[Outcome]],
        on_told: Callable[[tuple[Episode, ...]], Awaitable[None]],
        clock: Callable[[], datetime],
        holds: Holds,
        most_per_hour: int,
    ) -> None:
        self._most_per_hour = most_per_hour
        self._show = show
        self._on_told = on_told
        self._clock = clock
        self._holds = holds
        # By instance: one that is over can wait beside the next one of its id.
        self._waiting: dict[str, Episode] = {}
        # What the person was told of just now, until the ledger knows.
        self._marking: set[Newness] = set()
        # When the desktop refused each for the first time, on the loop's clock.
        self._refused: dict[Newness, float] = {}
        # When notices went out: of an earlier run as far as the ledger knows, then of this one.
        self._shown: list[datetime] | None = None
        self._news = asyncio.Event()
        self._failed = False
        self._turn = asyncio.Lock()

    @property
    def most_per_hour(self) -> int:
        """How many notices may go out in any hour, but for critical ones."""
        return self._most_per_hour

    @most_per_hour.setter
    def most_per_hour(self, most_per_hour: int) -> None:
        if most_per_hour != self._most_per_hour:
            self._most_per_hour = most_per_hour
            self._news.set()

    @property
    def holds(self) -> Holds:
        """What holds warnings back."""
        return self._holds

    @holds.setter
    def holds(self, holds: Holds) -> None:
        if holds != self._holds:
            self._holds = holds
            self._news.set()

    def follow(self, waiting: Sequence[Episode], shown: Iterable[datetime]) -> None:
        """Takes over what is still to be told by now. Returns at once.

        Args:
            waiting: all of it, in the order in which it came up; what is not in it any more is over.
            shown: when notices went out before this run of the daemon, as far as that is known.
        """
        if self._shown is None:
            self._shown = within_the_hour(list(shown), self._clock())
        known = {newness(episode) for episode in self._waiting.values()}
        # A look that had begun before that takes them for untold.
        waiting = [episode for episode in waiting if newness(episode) not in self._marking]
        self._waiting = {episode.instance: episode for episode in waiting}
        now_known = {newness(episode) for episode in waiting}
        self._refused = {key: at for key, at in self._refused.items() if key in now_known}
        if now_known - known:
            self._news.set()

    def crowded(self, shown: Iterable[datetime]) -> bool:
        """Whether nothing but critical warnings may go out in this hour any more.

        Args:
            shown: when notices went out, as far as the ledger knows.
        """
        known = shown if self._shown is None else self._shown
        return len(within_the_hour(list(known), self._clock())) >= self.most_per_hour

    async def run(self) -> None:
        """Tells what comes in, until cancelled."""
        while True:
            await self._something_to_do()
            await asyncio.sleep(GATHER_S)
            await self.tell()

    async def tell(self) -> None:
        """Tells what may be told now; what no desktop takes goes on waiting."""
        async with self._turn:
            self._failed = False
            for group in self._groups():
                await self._tell_together(group)

    def _groups(self) -> list[Group]:
        waiting = list(self._waiting.values())
        return grouped(waiting, self._clock(), self._holds, self._shown or [], self.most_per_hour)

    async def _tell_together(self, group: Group) -> None:
        now = self._clock()
        outcome = await self._show(self._notice(group, now))
        late = outcome is Outcome.LATER
        began = asyncio.get_running_loop().time()
        told = []
        for episode in group.episodes:
            waits = self._waiting.get(episode.instance)
            # What has escalated or ended meanwhile is another matter.
            if waits is None or newness(waits) != newness(episode):
                continue
            if late and began - self._refused.setdefault(newness(episode), began) < GIVE_UP_S:
                self._failed = True
            else:
                del self._waiting[episode.instance]
                told.append(episode)
        if outcome not in {Outcome.LATER, Outcome.LOG}:
            self._shown = [*within_the_hour(self._shown or [], now), now]
        if told:
            self._marking = set(map(newness, told))
            try:
                await self._on_told(tuple(told))
            finally:
                self._marking.clear()

    def _notice(self, group: Group, now: datetime) -> Notice:
        told = [bundle[0] for bundle in deduplicated(group.episodes)]
        if group.digest:
            quiet = any(map(self._holds.held, group.episodes))
            notice = digest(told, now, self._holds.zone, quiet=quiet)
        else:
            notice = notice_of(told[0]) if len(told) == 1 else summary(told)
        with_it = [episode.id for episode in group.episodes if episode not in told]
        return msgspec.structs.replace(notice, episodes=(*notice.episodes, *with_it))

    async def _something_to_do(self) -> None:
        while True:
            self._news.clear()
            if not self._failed and self._groups():
                return
            try:
                async with asyncio.timeout(self._patience()):
                    await self._news.wait()
            except TimeoutError:
                pass
            # Something new, the end of a hold or of the time between two tries: the desktop is worth another look.
            self._failed = False

    def _patience(self) -> float | None:
        """Seconds until there may be something to do; None when nothing waits."""
        if not self._waiting:
            return None
        now = self._clock()
        change = changes_at(list(self._waiting.values()), now, self._holds, self._shown or [])
        waits = [] if change is None else [(change - now).total_seconds()]
        return min([*waits, *([RETRY_S] if self._failed else []), _LONGEST_WAIT_S])


def newness(episode: Episode) -> Newness:
    """What tells one piece of news from the next of the same episode; in other words it is still the same."""
    return (
        episode.id,
        episode.since,
        episode.level,
        episode.reached,
        episode.snoozed_until,
        episode.resolved is None,
    )
