"""Runs a drop folder on a real ledger, with the ledger on a thread of its own as in the daemon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from trayd.errors import LedgerFullError
from trayd.facts import Added, Batch, ModelFact
from trayd.intake.drop import DropFolder
from trayd.intake.notices import DropNotice
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.records import ExternalCost, Record
from trayd.settings import Settings

T = TypeVar("T")


class Host:
    def __init__(self, home: Path) -> None:
        self.drop = home / "drop"
        self.settings = Settings()
        self.notices: list[DropNotice] = []
        self.batches = 0
        self.full = False
        self.before_writing: Callable[[], None] = lambda: None
        self.time: datetime | None = None
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._ledger = self._thread.submit(
            Ledger.open,
            LedgerPaths(ledger=home / "ledger", backup=home / "backup"),
            base_url=None,
            holder="a test",
        ).result()

    def close(self) -> None:
        self._thread.submit(self._ledger.close).result()
        self._thread.shutdown()

    async def on_ledger(self, work: Callable[[Ledger], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._ledger)

    def now(self) -> datetime:
        return self.time or datetime.now(UTC)

    async def submit(self, batch: Batch) -> Added:
        self.before_writing()
        if self.full:
            raise LedgerFullError("the disk is full", "make room")
        self.batches += 1
        return await self.on_ledger(lambda ledger: ledger.add(batch))

    async def files_taken(self, digests: Sequence[str]) -> Container[str]:
        return await self.on_ledger(lambda ledger: {digest for digest in digests if ledger.file_taken(digest)})

    async def models(self) -> Mapping[str, ModelFact]:
        return await self.on_ledger(lambda ledger: ledger.models())

    async def tell(self, notice: DropNotice) -> None:
        self.notices.append(notice)

    async def records(self) -> list[Record]:
        return await self.on_ledger(lambda ledger: list(ledger.records()))

    async def descriptions(self) -> list[str]:
        return sorted(record.description for record in await self.records() if isinstance(record, ExternalCost))

    def tree(self) -> list[str]:
        """Every file and folder below the drop folder, the month left out."""
        month = f"{self.now():%Y-%m}/"
        found = [str(path.relative_to(self.drop)) for path in self.drop.rglob("*") if not path.is_dir()]
        return sorted(name.replace(month, "") for name in found)

    def reason(self, name: str) -> str:
        return (self.drop / "rejected" / f"{name}.reason.txt").read_text(encoding="utf-8")

    async def scan(self) -> None:
        await DropFolder(self.drop, self).scan_once()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[DropFolder]:
        folder, stop = DropFolder(self.drop, self), asyncio.Event()
        task = asyncio.create_task(folder.run(stop))
        try:
            yield folder
        finally:
            stop.set()
            await task


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits for a condition, and fails where it does not come true in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what is waited for happens in files and other threads
            await asyncio.sleep(0.01)
