"""The daemon's housekeeping: the settings file is looked at again, the ledger's files follow, memory is let go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from trayd.errors import LedgerFullError
from trayd.ledger.store import Ledger
from trayd.memory import give_back

T = TypeVar("T")

#: How often the settings file is looked at and a checkpoint is considered.
HOUSEKEEPING_S = 5.0
#: A checkpoint is followed by a pause of this many times as long as it took.
CHECKPOINT_SHARE = 200


class Host(Protocol):
    """What housekeeping needs of the daemon."""

    async def read(self, look: Callable[[Ledger], T]) -> T:
        """What a function sees of the ledger; it runs on the ledger's thread."""

    def leave_to_ledger(self, work: Callable[[], object]) -> None:
        """Has the ledger's thread do the work; nobody waits for it."""

    async def reload(self) -> None:
        """Takes over a settings file that has changed."""

    def note_trouble(self, what: str, trouble: str) -> None:
        """Takes note of what the ledger could not do; empty: it could."""


class Housekeeping:
    """What has to be done now and then."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def run(self) -> None:
        """Keeps house until cancelled."""
        loop = asyncio.get_running_loop()
        due = 0.0
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            await self._host.reload()
            if loop.time() >= due:
                began = loop.time()
                if await self.checkpoint():
                    # A month is written whole: the longer that takes, the more seldom.
                    due = loop.time() + CHECKPOINT_SHARE * (loop.time() - began)
                    await self._host.read(lambda _ledger: give_back())
            await self._host.read(_release)

    async def checkpoint(self) -> bool:
        """Brings the ledger's files up to date, letting in whatever else wants the ledger; whether it was needed.

        Raises:
            LedgerFullError: there is no room for them.
        """
        steps = await self._host.read(lambda ledger: ledger.checkpoint_steps() if ledger.dirty else None)
        if steps is None:
            return False
        done = object()
        try:
            while await self._host.read(lambda _ledger: next(steps, done)) is not done:
                pass
        except LedgerFullError as error:
            self._host.note_trouble("keeping", str(error))
            raise
        else:
            self._host.note_trouble("keeping", "")
        finally:
            # Steps that are given up end on the ledger's thread as well: they clear up after themselves.
            self._host.leave_to_ledger(steps.close)
        return True


def _release(ledger: Ledger) -> None:
    if ledger.release():
        give_back()
