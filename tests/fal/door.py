from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from trayd.facts import Added, Batch
from trayd.fal.door import LedgerView
from trayd.ledger.store import Ledger

T = TypeVar("T")


class DirectDoor:
    """The door of a test, which has one thread only."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def submit(self, batch: Batch) -> Added:
        return self._ledger.add(batch)

    async def read(self, look: Callable[[LedgerView], T]) -> T:
        return look(self._ledger)
