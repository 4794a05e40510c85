"""The alerts' way to the ledger: each look and what follows from it is one piece of work on the ledger's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from trayd.alerts.rules import Observed
from trayd.episodes import Episode
from trayd.errors import LedgerFullError
from trayd.facts import Batch
from trayd.operations.operations import Operations
from trayd.service.observing import Observing

T = TypeVar("T")


class Host(Protocol):
    """What the door needs of the daemon."""

    async def on_ledger(self, work: Callable[[Operations], T]) -> T:
        """Runs the work on the thread that owns the ledger."""

    def wrote(self, version: int, trouble: str = "") -> None:
        """Has others follow what was written; ``trouble`` says why nothing could be."""


class AlertDoor:
    """See :class:`trayd.alerts.watch.Door`."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._observing = Observing()

    async def look(self, now: datetime, decide: Callable[[Observed], Sequence[Episode]]) -> None:
        """Stores what follows from all that the rules look at."""
        await self._store(lambda operations: decide(self._observing.observe(operations, now)))

    async def amend(self, change: Callable[[Mapping[str, Episode]], Sequence[Episode]]) -> None:
        """Stores what follows from the episodes alone."""
        await self._store(lambda operations: change(operations.ledger.episodes()))

    async def _store(self, find: Callable[[Operations], Sequence[Episode]]) -> None:
        def work(operations: Operations) -> tuple[int, LedgerFullError | None]:
            episodes = tuple(find(operations))
            refused = None
            try:
                if episodes:
                    operations.ledger.add(Batch(episodes=episodes))
            except LedgerFullError as error:
                refused = error
            return (operations.ledger.version if episodes else 0), refused

        version, refused = await self._host.on_ledger(work)
        if version:
            self._host.wrote(version, str(refused or ""))
        if refused is not None:
            raise refused
