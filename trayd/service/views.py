"""What is shown follows the ledger: a snapshot after each change, and now and then without one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from trayd.insight.status import Status
from trayd.memory import give_back
from trayd.operations.operations import Operations
from trayd.records import Generation
from trayd.settings import Settings

T = TypeVar("T")

#: Changes within this time are shown together.
GATHER_S = 0.25
#: Sliding windows and ages move on without a change: what is shown is made anew after this long.
SHOWN_FOR_S = 300.0


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown at one moment: the status, the newest generations, and the settings they are shown by.

    Attributes:
        clients: that there is recent work for, those with most of it first.
    """

    at: datetime
    status: Status
    recent: tuple[Generation, ...]
    clients: tuple[str, ...]
    settings: Settings


class Host(Protocol):
    """What the views need of the daemon."""

    settings: Settings

    async def on_ledger(self, work: Callable[[Operations], T]) -> T:
        """Runs the work on the thread that owns the ledger."""

    def now(self) -> datetime:
        """The time (UTC)."""


class Views:
    """Keeps what is shown up to date.

    Args:
        host: whose ledger is shown.
        show: called with each new snapshot, on the loop's thread.
        follow: awaited after each; the alerts look at the same state.
    """

    def __init__(self, host: Host, show: Callable[[Snapshot], None], follow: Callable[[], Awaitable[None]]) -> None:
        self._host = host
        self._show = show
        self._follow = follow
        self._changed = asyncio.Event()

    def change(self) -> None:
        """Has everything shown anew a moment later."""
        self._changed.set()

    async def run(self) -> None:
        """Shows until cancelled."""
        first = True
        while True:
            self._changed.clear()
            self._show(await self._host.on_ledger(self._snapshot))
            await self._follow()
            if first:
                # The months were loaded for it.
                first = False
                await self._host.on_ledger(lambda _operations: give_back())
            try:
                async with asyncio.timeout(SHOWN_FOR_S):
                    await self._changed.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER_S)

    def _snapshot(self, operations: Operations) -> Snapshot:
        return Snapshot(
            at=self._host.now(),
            status=operations.status(),
            recent=operations.latest_generations(),
            clients=operations.recent_clients(),
            settings=self._host.settings,
        )
