"""The outbox: what is still to be told. A warning is in the log at once, on the desktop as soon as that takes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from trayd.alerts.delivery import Outcome
from trayd.alerts.notice import Notice, notice_of, summary
from trayd.alerts.words import LOW
from trayd.records import Episode

#: Warnings that come within this time of each other go out together.
GATHER_S = 0.3

#: How often a desktop that took nothing is tried again. A daemon that starts with the session is often there before
#: the notification service.
RETRY_S = 20.0

#: A warning that no desktop took for this long stays in the log and in the status.
GIVE_UP_S = 24 * 3600.0

#: More warnings than this at once become one summary.
APART = 2

# Sleeping longer than this in one go would miss the end of a pause by the time that the computer was asleep.
_LONGEST_WAIT_S = 60.0

_log = logging.getLogger("trayd.alerts")


class Outbox:
    """Holds untold episodes by their id: a newer one of an id takes the older one's place.

    Args:
        show: puts one notice before the person.
        on_told: called with the episodes that the person has been told of, after each notice.
        clock: the time (UTC), for the end of a pause.
    """

    def __init__(
        self,
        show: Callable[[Notice], Awaitable[Outcome]],
        on_told: Callable[[tuple[Episode, ...]], Awaitable[None]],
        clock: Callable[[], datetime],
    ) -> None:
        self._show = show
        self._on_told = on_told
        self._clock = clock
        self._waiting: dict[str, tuple[Episode, float]] = {}
        self._paused_until: datetime | None = None
        self._news = asyncio.Event()
        self._failed = False
        self._turn = asyncio.Lock()

    @property
    def paused_until(self) -> datetime | None:
        """Until when nothing goes to the desktop; None when that is not so, or is over."""
        if self._paused_until is not None and self._clock() >= self._paused_until:
            self._paused_until = None
        return self._paused_until

    @paused_until.setter
    def paused_until(self, until: datetime | None) -> None:
        self._paused_until = until
        self._news.set()

    def put(self, episodes: Iterable[Episode]) -> None:
        """Takes warnings in, to be told. Returns at once."""
        now = asyncio.get_running_loop().time()
        for episode in episodes:
            _log.log(logging.INFO if episode.urgency == LOW else logging.WARNING, "%s: %s", episode.title, episode.text)
            self._waiting[episode.id] = (episode, now)
            self._news.set()

    def forget(self, ids: Iterable[str]) -> None:
        """Takes back what has not been told and is over."""
        for name in ids:
            self._waiting.pop(name, None)

    async def run(self) -> None:
        """Tells what comes in, until cancelled."""
        while True:
            await self._something_to_do()
            await asyncio.sleep(GATHER_S)
            await self.tell()

    async def tell(self) -> None:
        """Tells what waits, unless there is a pause; what no desktop takes goes on waiting."""
        async with self._turn:
            if self.paused_until is not None or not self._waiting:
                return
            self._failed = False
            batch = [episode for episode, _ in self._waiting.values()]
            groups = [(episode,) for episode in batch] if len(batch) <= APART else [tuple(batch)]
            for group in groups:
                await self._tell_together(group)

    async def _tell_together(self, group: tuple[Episode, ...]) -> None:
        notice = notice_of(group[0]) if len(group) == 1 else summary(group)
        late = await self._show(notice) is Outcome.LATER
        oldest = asyncio.get_running_loop().time() - GIVE_UP_S
        told = []
        for episode in group:
            waiting, since = self._waiting.get(episode.id, (None, 0.0))
            # What has escalated or ended meanwhile is another matter.
            if waiting is not episode:
                continue
            if late and since > oldest:
                self._failed = True
            else:
                del self._waiting[episode.id]
                told.append(episode)
        if told:
            await self._on_told(tuple(told))

    async def _something_to_do(self) -> None:
        while True:
            self._news.clear()
            paused = self.paused_until is not None
            if self._waiting and not paused and not self._failed:
                return
            wait = None if not self._waiting else min(self._patience(), _LONGEST_WAIT_S)
            try:
                async with asyncio.timeout(wait):
                    await self._news.wait()
            except TimeoutError:
                pass
            # Something new, the end of a pause or of the time between two tries: the desktop is worth another look.
            self._failed = False

    def _patience(self) -> float:
        """Seconds until there may be something to do."""
        until = self.paused_until
        return RETRY_S if until is None else max((until - self._clock()).total_seconds(), 0.0)
