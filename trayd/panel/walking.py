"""Long work over HTTP: each step on the thread where it belongs, and where that is asked for a line of JSON after it.

``{"done": 2000, "of": 10000}`` tells how far it is; the last line is ``{"answer": …}`` or ``{"error": …}``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from trayd.operations.operations import Operations
from trayd.operations.turns import LedgerThread
from trayd.shapes import plain
from trayd.steps import Step, Steps


class Done(msgspec.Struct, frozen=True):
    """The end of a work, with its answer as JSON."""

    answer: bytes


async def walk(thread: LedgerThread, begin: Callable[[Operations], Steps[Any]]) -> AsyncIterator[Step | Done]:
    """Does a work step by step; others have the ledger in between. Who stops listening ends it after the step it is at.

    Args:
        thread: the ledger's.
        begin: gives the steps.

    Raises:
        TraydError: the work's own errors.
    """
    steps = await thread.on_ledger(begin)
    apart = False
    while True:
        done = await (asyncio.to_thread(_next, steps) if apart else thread.on_ledger(lambda _: _next(steps)))
        yield done
        if isinstance(done, Done):
            return
        apart = done.apart


def _next(steps: Steps[Any]) -> Step | Done:
    try:
        return next(steps)
    except StopIteration as end:
        return Done(msgspec.json.encode(plain(end.value)))


async def lines(
    walked: AsyncIterator[Step | Done], error_of: Callable[[Exception], dict[str, Any]]
) -> AsyncIterator[bytes]:
    """What is told of a work, line by line.

    Args:
        walked: the work.
        error_of: what an error says of itself.
    """
    try:
        async for done in walked:
            if isinstance(done, Done):
                yield b'{"answer":' + done.answer + b"}\n"
            else:
                yield msgspec.json.encode({"done": done.done, "of": done.of}) + b"\n"
    except Exception as error:  # noqa: BLE001  # the answer has begun: only its last line can say that it failed
        yield msgspec.json.encode({"error": error_of(error)}) + b"\n"
