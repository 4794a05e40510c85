"""The watch: looks at the ledger after each change, keeps the episodes, and sees to it that the person is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from trayd.alerts.delivery import Deliverer
from trayd.alerts.engine import Decision, evaluate, untold
from trayd.alerts.outbox import Outbox
from trayd.alerts.rules import (
    EXPENSIVE_WITHIN,
    BackfillDone,
    FileRejected,
    Finding,
    Observed,
    account_of,
    event,
    findings,
)
from trayd.alerts.words import Words, words
from trayd.errors import TraydError
from trayd.facts import AccountFact, Batch, Coverage
from trayd.records import BalanceReading, Episode, Generation
from trayd.settings import Settings

_log = logging.getLogger(__name__)


class Readable(Protocol):
    """The part of the ledger that alerts are made from."""

    def latest(self, since: datetime) -> list[Generation]:
        """The generations from that time on."""

    def latest_balances(self) -> dict[str, BalanceReading]:
        """The newest reading of each account."""

    def coverage(self, account: str) -> Coverage | None:
        """Of which time an account's billing has been fetched."""

    def accounts(self) -> dict[str, AccountFact]:
        """How the accounts stand."""

    def episodes(self) -> dict[str, Episode]:
        """The episodes by id."""


def observe(ledger: Readable, now: datetime, *, names: Collection[str]) -> Observed:
    """What the rules look at; to be called on the thread that the ledger belongs to.

    Args:
        ledger: as it is.
        now: the time (UTC).
        names: of the accounts that are set up.
    """
    known = ledger.accounts()
    accounts = tuple(fact for name, fact in known.items() if name in names)
    coverage = {name: ledger.coverage(name) for name in map(account_of, accounts)}
    return Observed(
        at=now,
        balances=ledger.latest_balances(),
        accounts=accounts,
        removed=tuple(fact for name, fact in known.items() if name not in names),
        coverage={name: covered for name, covered in coverage.items() if covered is not None},
        generations=tuple(ledger.latest(now - EXPENSIVE_WITHIN)),
        episodes=ledger.episodes(),
    )


class Watch:
    """Alerts from end to end, on one event loop. Nothing here waits for the desktop but :meth:`run` and :meth:`once`.

    Attributes:
        settings: as they are now; replaced when the file changes.

    Args:
        read: observes the ledger at that time, on its own thread.
        submit: makes a batch durable.
        deliverer: the way to the desktop.
        clock: the time (UTC).
    """

    def __init__(
        self,
        settings: Settings,
        *,
        read: Callable[[datetime], Awaitable[Observed]],
        submit: Callable[[Batch], Awaitable[object]],
        deliverer: Deliverer,
        clock: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self._read = read
        self._submit = submit
        self._clock = clock
        self._lock = asyncio.Lock()
        self._outbox = Outbox(deliverer.show, self._mark_told, clock)
        # What could not be stored (a full disk) counts all the same, so that it is not told at every look.
        self._unsaved: dict[str, Episode] = {}
        self._telling: dict[str, Episode] = {}

    @property
    def paused_until(self) -> datetime | None:
        """Until when nothing goes to the desktop; warnings go on into the log and the status, and are told after it."""
        return self._outbox.paused_until

    @paused_until.setter
    def paused_until(self, until: datetime | None) -> None:
        self._outbox.paused_until = until

    async def check(self) -> None:
        """Looks at the ledger as it is now; to be called after each poll and each file."""
        async with self._lock:
            now = self._clock()
            observed = await self._read(now)
            await self._decide(findings(observed, self.settings.alerts), observed, now)

    async def tell(self, *happened: FileRejected | BackfillDone) -> None:
        """Tells of something that happened once; the same twice is told once."""
        async with self._lock:
            now = self._clock()
            await self._decide([event(one) for one in happened], await self._read(now), now)

    async def run(self) -> None:
        """Tells what an earlier run could not, then what comes up, until cancelled."""
        await self._resume()
        # What is over by now, because an account was taken out meanwhile, is not told any more.
        await self.check()
        await self._outbox.run()

    async def once(self) -> None:
        """Looks once, tells once, and returns."""
        await self._resume()
        await self.check()
        await self._outbox.tell()

    async def _resume(self) -> None:
        async with self._lock:
            now = self._clock()
            left = untold((await self._read(now)).episodes, now)
            self._tell([episode for episode in left if episode.id not in self._telling])

    async def _decide(self, found: Sequence[Finding], observed: Observed, now: datetime) -> None:
        decision: Decision = evaluate(found, {**observed.episodes, **self._unsaved}, now, self._words)
        await self._store(decision.episodes)
        over = {episode.id for episode in decision.episodes} - {episode.id for episode in decision.tell}
        for name in over:
            self._telling.pop(name, None)
        self._outbox.forget(over)
        self._tell(decision.tell)

    def _tell(self, episodes: Sequence[Episode]) -> None:
        self._telling |= {episode.id: episode for episode in episodes}
        self._outbox.put(episodes)

    async def _mark_told(self, episodes: tuple[Episode, ...]) -> None:
        async with self._lock:
            now = self._clock()
            # One that has escalated since the notice was shown is not told yet.
            told = [episode for episode in episodes if self._telling.get(episode.id) is episode]
            for episode in told:
                del self._telling[episode.id]
            await self._store([msgspec.structs.replace(episode, told=now) for episode in told])

    async def _store(self, episodes: Sequence[Episode]) -> None:
        self._unsaved |= {episode.id: episode for episode in episodes}
        if not self._unsaved:
            return
        try:
            await self._submit(Batch(episodes=tuple(self._unsaved.values())))
        except TraydError as error:
            _log.error("alerts cannot be stored, and may be told again after a restart: %s", error)
        else:
            self._unsaved.clear()

    def _words(self, finding: Finding, step: int) -> Words:
        return words(finding, step, self.settings.alerts, self.settings.number_locale())
