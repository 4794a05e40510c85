"""The watch: looks at the ledger after each change, keeps the episodes, and sees to it that the person is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from trayd.alerts.delivery import Deliverer
from trayd.alerts.engine import Decision, Worder, as_told, evaluate, told_times, waiting
from trayd.alerts.holds import Holds
from trayd.alerts.hook_dispatcher import HookDispatcher, with_pending_hooks
from trayd.alerts.hooks import Hooks
from trayd.alerts.moments import next_moment
from trayd.alerts.outbox import Outbox
from trayd.alerts.rules import Finding, Happened, Observed, event, findings
from trayd.alerts.words import words
from trayd.episodes import Episode, Urgency, current_or_earlier, with_changed
from trayd.errors import TraydError
from trayd.facts import called_names
from trayd.settings import Settings

#: The log has every warning at once, whatever becomes of it on the desktop.
_told_log = logging.getLogger("trayd.alerts")
_log = logging.getLogger(__name__)

#: Rules whose words stay true when the period is over that they are about: they stay on the desktop.
_STAY_TRUE = frozenset({"budget", "anomaly"})

#: The clock is looked at this often at least: it can be set, and a computer can sleep.
LONGEST_WAIT_S = 60.0

Decide = Callable[[Observed], Sequence[Episode]]
Change = Callable[[Mapping[str, Episode]], Sequence[Episode]]


class Door(Protocol):
    """The watch's way to the ledger: what it reads and what it makes of that are one step there.

    Nothing can come between, such as a person who snoozes an alert. What the function gives back is durable when the
    call returns.

    Raises:
        TraydError: it could not be stored; the function has run all the same.
    """

    async def look(self, now: datetime, decide: Decide) -> None:
        """Stores what follows from all that the rules look at."""

    async def amend(self, change: Change) -> None:
        """Stores what follows from the episodes alone."""


class _Unsaved:
    """Episodes that could not be stored (a full disk): they count all the same, so that they are told once."""

    def __init__(self) -> None:
        # By instance: an episode that ended stays beside the next one of its id.
        self._kept: dict[str, Episode] = {}

    def over(self, episodes: Mapping[str, Episode]) -> dict[str, Episode]:
        """The episodes as they are with these."""
        return with_changed(episodes, self._kept.values())

    def take(self, episodes: Iterable[Episode]) -> tuple[Episode, ...]:
        """Takes more in; all of them, in their order."""
        self._kept |= {episode.instance: episode for episode in episodes}
        return tuple(self._kept.values())

    def clear(self) -> None:
        """All of them are stored."""
        self._kept.clear()


async def _to_its_end(work: Coroutine[None, None, object]) -> None:
    """Waits for the work, also when the waiting is cancelled: what was stored is to be followed as well."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        # Whatever came of it, who waits is cancelled.
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("alerts: %s", error)
        raise


class Watch:
    """Alerts from end to end, on one event loop.

    Nothing here waits for the desktop or a hook but :meth:`run`, :meth:`run_hooks` and :meth:`once`.

    Args:
        settings: as they are at the start.
        door: to the ledger.
        deliverer: the way to the desktop.
        hooks: the way to the user's own programs and servers.
        clock: the time (UTC).
        on_reworded: called when what there is to say of alerts that last has changed, and nothing else.

    Attributes:
        present: alerts that last, by their ids, with the words and amounts of the last look.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        door: Door,
        deliverer: Deliverer,
        hooks: Hooks,
        clock: Callable[[], datetime],
        on_reworded: Callable[[], None] = lambda: None,
    ) -> None:
        self.present: dict[str, Episode] = {}
        self._on_reworded = on_reworded
        self._settings = settings
        self._door = door
        self._deliverer = deliverer
        self._clock = clock
        self._lock = asyncio.Lock()
        self._unsaved = _Unsaved()
        self._kept: set[str] = set()
        limits = settings.alerts
        holds = Holds(zone=settings.zone(), quiet=limits.quiet_hours)
        self._outbox = Outbox(deliverer.show, self._mark_told, clock, holds, limits.most_per_hour)
        self._dispatcher = HookDispatcher(hooks.carry, self._mark_hooked, clock, settings.hook)
        self._trouble = ""
        self._due: datetime | None = None
        self._moved = asyncio.Event()

    @property
    def settings(self) -> Settings:
        """The settings as they are now; replaced when the file changes."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings
        self._outbox.most_per_hour = settings.alerts.most_per_hour
        self._dispatcher.hooks = settings.hook

    async def check(self) -> None:
        """Looks at the ledger as it is now; to be called after each change of it."""
        await self._look(lambda observed: findings(observed, self.settings.alerts))

    async def tell(self, *happened: Happened) -> None:
        """Tells of something that happened once; the same twice is told once."""
        told = [event(one, self.settings.alerts) for one in happened]
        self._kept -= {finding.episode_id for finding in told}
        await self._look(lambda _observed: told)

    async def keep(self, *happened: Happened) -> None:
        """Stores what happened, and tells the hooks; the desktop waits for a :meth:`tell` of it, or for a restart.

        So several things can be told together, and are not forgotten if trayd is killed before that.
        """
        kept = [event(one, self.settings.alerts) for one in happened]
        self._kept |= {finding.episode_id for finding in kept}
        await self._look(lambda _observed: kept)

    async def run(self) -> None:
        """Tells the person what an earlier run could not, then what comes up, until cancelled."""
        # What is over by now, because an account was taken out meanwhile, is not told any more.
        await self.check()
        await self._outbox.run()

    async def run_hooks(self) -> None:
        """Tells the hooks, likewise."""
        await self._dispatcher.run()

    async def run_clock(self) -> None:
        """Looks whenever the time alone can have changed something, until cancelled."""
        while True:
            self._moved.clear()
            wait = LONGEST_WAIT_S
            if self._due is not None:
                wait = min((self._due - self._clock()).total_seconds(), wait)
                if wait <= 0:
                    self._due = None
                    await self.check()
                    continue
            try:
                async with asyncio.timeout(wait):
                    await self._moved.wait()
            except TimeoutError:
                pass

    async def once(self) -> None:
        """Looks once, tells once, and returns."""
        await self.check()
        await self._outbox.tell()
        await self._dispatcher.once()

    async def _look(self, find: Callable[[Observed], Sequence[Finding]]) -> None:
        async with self._lock:
            await _to_its_end(self._look_and_follow(find))

    async def _look_and_follow(self, find: Callable[[Observed], Sequence[Finding]]) -> None:
        now = self._clock()
        seen: list[tuple[Observed, Decision, Holds]] = []

        def decide(observed: Observed) -> tuple[Episode, ...]:
            known = self._unsaved.over(observed.episodes)
            observed = msgspec.structs.replace(observed, episodes=known)
            holds = self._holds(observed.paused_until)
            crowded = self._outbox.crowded(told_times(known.values()))

            def held(untold: Episode) -> bool:
                return holds.holds(now, untold.urgency) or (crowded and untold.urgency != Urgency.CRITICAL)

            decision = evaluate(find(observed), known, now, self._worder(observed), held=held)
            ready = tuple(with_pending_hooks(known.get(one.id), one, self.settings.hook) for one in decision.episodes)
            seen.append((observed, msgspec.structs.replace(decision, episodes=ready), holds))
            return self._unsaved.take(ready)

        refused = await self._stored(self._door.look(now, decide))
        if seen:
            self._follow(now, *seen[-1])
        elif refused is not None:
            raise refused

    def _follow(self, now: datetime, observed: Observed, decision: Decision, holds: Holds) -> None:
        before = observed.episodes
        episodes = with_changed(before, decision.episodes)
        for episode in decision.tell:
            grave = logging.INFO if episode.urgency == Urgency.LOW else logging.WARNING
            _told_log.log(grave, "%s: %s", episode.title, episode.text)
        ended = [each for each in decision.episodes if each.over and before[each.id].resolved is None]
        self._deliverer.withdraw(each.id for each in ended if not (each.lapsed and each.rule in _STAY_TRUE))
        in_order = sorted(episodes.values(), key=lambda episode: episode.since)
        self._dispatcher.follow(decision.episodes if self._dispatcher.follows else in_order)
        shown = with_changed(episodes, decision.reworded)
        self._outbox.holds = holds
        untold = [each for each in waiting(shown.values(), now, holds) if each.id not in self._kept]
        self._outbox.follow(untold, told_times(episodes.values()))
        self._reword(episodes, decision.present)
        self._due = next_moment(observed, episodes.values(), self.settings.alerts)
        self._moved.set()

    def _reword(self, episodes: Mapping[str, Episode], present: Iterable[Episode]) -> None:
        # Others read it meanwhile, on the ledger's thread.
        for name in [name for name in self.present if name not in episodes or episodes[name].resolved is not None]:
            del self.present[name]
        # At the first look they are shown as they were told.
        before = {**episodes, **self.present}
        self.present.update({episode.id: episode for episode in present})
        if any(before[name].text != each.text for name, each in self.present.items()):
            self._on_reworded()

    def _holds(self, paused_until: datetime | None) -> Holds:
        return Holds(zone=self.settings.zone(), quiet=self.settings.alerts.quiet_hours, paused_until=paused_until)

    async def _mark_told(self, told: tuple[Episode, ...]) -> None:
        now = self._clock()
        await self._amend(lambda known: [as_told(current_or_earlier(known, shown), shown, now) for shown in told])

    async def _mark_hooked(self, episode: Episode, hook: str, what: str) -> None:
        def change(known: Mapping[str, Episode]) -> list[Episode]:
            current = current_or_earlier(known, episode)
            if current is None:
                return []
            eased = current.reached == episode.reached and what == episode.level
            level = current.level if eased else what
            return [msgspec.structs.replace(current, hooked={**current.hooked, hook: level})]

        await self._amend(change)

    async def _amend(self, change: Callable[[Mapping[str, Episode]], Sequence[Episode | None]]) -> None:
        async with self._lock:

            def changed(episodes: Mapping[str, Episode]) -> tuple[Episode, ...]:
                after = change(self._unsaved.over(episodes))
                return self._unsaved.take(episode for episode in after if episode is not None)

            await _to_its_end(self._stored(self._door.amend(changed)))

    async def _stored(self, storing: Awaitable[None]) -> TraydError | None:
        try:
            await storing
        except TraydError as error:
            if str(error) != self._trouble:
                _log.warning("alerts cannot be stored, and may be told again after a restart: %s", error)
            self._trouble = str(error)
            return error
        self._trouble = ""
        self._unsaved.clear()
        return None

    def _worder(self, observed: Observed) -> Worder:
        limits, locale, names = self.settings.alerts, self.settings.number_locale(), called_names(observed.accounts)
        return lambda finding, step: words(finding, step, limits, locale, names)
