"""Group commit: batches that come while others are being written are written together, with one wait for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from trayd.errors import TraydError
from trayd.facts import Added, Batch

Write = Callable[[Sequence[Batch]], Awaitable[Sequence[Added | TraydError]]]


class Submissions:
    """The way of batches from the event loop to the ledger.

    Args:
        write: makes several batches durable; what became of each, or what was wrong with it.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._waiting: list[tuple[Batch, asyncio.Future[Added]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def submit(self, batch: Batch) -> Added:
        """Returns when the batch is durable. Who gives up waiting does not take it back.

        Raises:
            TraydError: what was wrong with this batch.
        """
        result: asyncio.Future[Added] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, result))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all(), name="writing")
        return await result

    async def settle(self) -> None:
        """Waits until all that was submitted has been written."""
        if self._writing is not None:
            await self._writing

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                await self._write_group(group)
        finally:
            self._writing = None

    async def _write_group(self, group: Sequence[tuple[Batch, asyncio.Future[Added]]]) -> None:
        results: Sequence[Added | BaseException]
        try:
            results = await self._write([batch for batch, _ in group])
        except Exception as error:  # noqa: BLE001 - handed to everyone who waits
            results = [error] * len(group)
        for (_, waiting), result in zip(group, results, strict=True):
            if waiting.done():  # cancelled
                continue
            if isinstance(result, BaseException):
                waiting.set_exception(result)
            else:
                waiting.set_result(result)
