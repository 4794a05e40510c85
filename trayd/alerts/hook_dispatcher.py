"""The dispatcher of hooks: delivers each change of an episode to them, in order, until they took it or it is no news.

What lasts is news; what is over is news for a day. A hook that cannot be reached is tried again with a backoff.

What a hook was told of last stands in the episode. So what a daemon that was killed had not brought to an end follows
from the ledger, and nothing is kept beside it. A hook that is down holds up only itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

import msgspec

from trayd.alert_settings import Hook
from trayd.alerts.holds import NEWS_FOR
from trayd.alerts.hook_events import EventName, happened
from trayd.episodes import NEVER_TOLD, Episode

#: What a hook was told of an episode that has ended.
RESOLVED = "resolved"
#: And of one that lasts and has no levels.
OPENED = "opened"

#: A hook that could not be reached is tried again after this long, then after twice as long, up to the longest.
FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 600.0

_log = logging.getLogger(__name__)

Carry = Callable[[Hook, Episode, EventName], Awaitable[bool]]
OnTold = Callable[[Episode, str, str], Awaitable[None]]


class PendingDelivery(msgspec.Struct, frozen=True):
    """One event of an episode that a hook is still to be told of; ``what`` is kept of it in the episode after that."""

    episode: Episode
    event: EventName
    what: str

    def __str__(self) -> str:
        return f"{self.event}, {self.episode.title}"

    @property
    def happened(self) -> datetime:
        """When it did (UTC)."""
        return happened(self.episode, self.event)


def with_pending_hooks(before: Episode | None, after: Episode, hooks: Iterable[Hook]) -> Episode:
    """The episode as it is to be stored, with the hooks that are to hear of what is new in it.

    One that is added to the settings later hears of what comes up from then on, not of what lasts. Of what nobody is to
    be told of, none hears.
    """
    if before is None and after.told == NEVER_TOLD:
        return after
    opens = before is None or (before.resolved is not None and after.resolved is None)
    if not opens and before is not None and before.reached == after.reached:
        return after
    names = [hook.name for hook in hooks if not hook.rules or after.rule in hook.rules]
    hooked = dict.fromkeys(names, "") if opens else {**dict.fromkeys(names, ""), **after.hooked}
    return msgspec.structs.replace(after, hooked=hooked)


def pending_deliveries(episode: Episode, told: str | None) -> list[PendingDelivery]:
    """What a hook is still to be told of an episode, in order.

    Args:
        episode: as it is.
        told: what the hook was told of it last; empty: nothing so far; None: it is not to be told of it.
    """
    if told is None or told == RESOLVED:
        return []
    found = []
    event = episode.resolved is not None and not episode.over
    if not told:
        found.append(PendingDelivery(episode, "opened", RESOLVED if event else episode.level or OPENED))
    elif told != (episode.level or OPENED):
        found.append(PendingDelivery(episode, "escalated", episode.level))
    if episode.over:
        found.append(PendingDelivery(episode, "resolved", RESOLVED))
    return found


class _Queue:
    """What waits for one hook, the first first; and by episode, as what it will be known once all of that is told."""

    def __init__(self) -> None:
        self.waiting: list[PendingDelivery] = []
        self.last: dict[tuple[str, datetime], PendingDelivery] = {}
        # The first one was taken, and only the ledger does not know it yet.
        self.taken = False
        self.news = asyncio.Event()

    def take(self, name: str, episode: Episode) -> None:
        key = (episode.id, episode.since)
        told = episode.hooked.get(name)
        last = self.last.get(key)
        if last is not None:
            # Back at a milder level before the hook has heard of the graver one: that it comes again would be news.
            eased = last.what != RESOLVED and last.episode.reached == episode.reached
            told = (episode.level or OPENED) if eased else last.what
        for delivery in pending_deliveries(episode, told):
            self.waiting.append(delivery)
            self.last[key] = delivery
            self.news.set()

    def is_over(self, delivery: PendingDelivery) -> bool:
        """Whether what it tells of has ended by now."""
        return self.last[delivery.episode.id, delivery.episode.since].what == RESOLVED

    def done(self) -> None:
        """The first one is dealt with; from here on its episode says so, unless more of it waits."""
        delivery = self.waiting.pop(0)
        self.taken = False
        key = (delivery.episode.id, delivery.episode.since)
        if self.last.get(key) is delivery:
            del self.last[key]


class HookDispatcher:
    """Holds what hooks are still to be told.

    Attributes:
        follows: whether it knows yet what an earlier run had left.

    Args:
        carry: hands an event to a hook; false when that could not be reached and may be later.
        on_told: makes durable what a hook was told of an episode last.
        clock: the time (UTC).
        hooks: as the settings have them.
    """

    def __init__(self, carry: Carry, on_told: OnTold, clock: Callable[[], datetime], hooks: tuple[Hook, ...]) -> None:
        self.follows = False
        self._carry = carry
        self._on_told = on_told
        self._clock = clock
        self._hooks = hooks
        self._queues: dict[str, _Queue] = {hook.name: _Queue() for hook in hooks}
        self._anew = asyncio.Event()

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """The hooks as the settings have them; one that is new hears of what comes up from now on."""
        return self._hooks

    @hooks.setter
    def hooks(self, hooks: tuple[Hook, ...]) -> None:
        if hooks != self._hooks:
            self._hooks = hooks
            self._queues = {hook.name: self._queues.get(hook.name) or _Queue() for hook in hooks}
            self._anew.set()

    def follow(self, episodes: Iterable[Episode]) -> None:
        """Takes in episodes that have changed; at first all there are. Returns at once."""
        self.follows = True
        now = self._clock()
        for episode in episodes:
            for hook in self._hooks:
                if _is_news(episode, now):
                    self._queues[hook.name].take(hook.name, episode)

    async def run(self) -> None:
        """Brings what comes in to the hooks, until cancelled.

        What fails unexpectedly on the way ends it; what waits is still there for the next run.
        """
        while True:
            self._anew.clear()
            anew = asyncio.create_task(self._anew.wait())
            tasks = [anew, *(asyncio.create_task(self._serve(hook, self._queues[hook.name])) for hook in self._hooks)]
            try:
                ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def once(self) -> None:
        """Brings what waits to the hooks, each once; what could not be brought is left for another run."""
        await asyncio.gather(*(self._empty(hook, self._queues[hook.name]) for hook in self._hooks))

    async def _serve(self, hook: Hook, queue: _Queue) -> None:
        wait = FIRST_RETRY_S
        while True:
            queue.news.clear()
            if await self._empty(hook, queue):
                wait = FIRST_RETRY_S
                await queue.news.wait()
            else:
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_RETRY_S)

    async def _empty(self, hook: Hook, queue: _Queue) -> bool:
        """Whether nothing waits any more."""
        while queue.waiting:
            delivery = queue.waiting[0]
            if queue.taken:
                pass
            elif self._clock() - delivery.happened >= NEWS_FOR and queue.is_over(delivery):
                _log.warning("hook %r did not take it for a day, and it is over: %s", hook.name, delivery)
            elif not await self._carry(hook, delivery.episode, delivery.event):
                return False
            queue.taken = True
            await self._on_told(delivery.episode, hook.name, delivery.what)
            queue.done()
        return True


def _is_news(episode: Episode, now: datetime) -> bool:
    return episode.resolved is None or now - episode.resolved < NEWS_FOR
