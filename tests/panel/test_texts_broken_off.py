"""Texts over HTTP that fail halfway, or that nobody waits for any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import pytest

from tests.desk import Desk
from tests.operations.test_turns import Thread, desk, slowly, thread
from trayd.errors import TraydError
from trayd.operations.documents import Document
from trayd.operations.exporting import ExportQuery
from trayd.operations.operations import Operations
from trayd.panel.texts import sent

__all__ = ["desk", "thread"]  # fixtures


def failing(operations: Operations) -> Document:
    document = operations.export(ExportQuery())
    whole = iter(document)

    def pieces() -> Iterator[str]:
        yield next(whole)
        raise TraydError("the template is wrong", "mend it")

    broken = Document(document.name, document.media_type)
    broken.consist_of(pieces())
    return broken


def told(error: Exception) -> dict[str, Any]:
    return {"message": str(error), "cure": "", "exit_code": 1}


async def lines_of(answer: Any) -> AsyncIterator[dict[str, Any]]:
    async for line in cast("AsyncIterator[bytes]", answer.body_iterator):
        yield json.loads(line)


def test_in_lines_the_last_one_says_what_went_wrong_and_there_is_no_answer(thread: Thread) -> None:
    async def work() -> list[dict[str, Any]]:
        answer = await sent(thread, failing, in_lines=True, error_of=told)
        return [line async for line in lines_of(answer)]

    lines = asyncio.run(work())
    assert "name" in lines[0]
    assert "the template is wrong" in lines[-1]["error"]["message"]
    assert not any("answer" in line or "text" in line for line in lines)


def test_else_it_is_an_error_and_nothing_is_sent(thread: Thread) -> None:
    with pytest.raises(TraydError, match="the template is wrong"):
        asyncio.run(sent(thread, failing, in_lines=False, error_of=told))


def test_who_leaves_early_ends_the_work(thread: Thread, desk: Desk) -> None:
    made: list[str] = []

    def endless(operations: Operations) -> Document:
        document = slowly(operations)

        def pieces() -> Iterator[str]:
            while True:
                made.append("piece")
                yield from slowly(operations, pieces=1)

        document.consist_of(pieces())
        return document

    async def work() -> int:
        answer = await sent(thread, endless, in_lines=True, error_of=told)
        lines = lines_of(answer)
        assert "name" in await anext(lines)
        with pytest.raises(TimeoutError):  # as a server does when its client has gone
            await asyncio.wait_for(anext(lines), 0.2)
        await thread.on_ledger(lambda _: None)  # the turn that was on its way is over
        so_far = len(made)
        for _ in range(5):
            await thread.on_ledger(lambda _: None)
            await asyncio.sleep(0.02)
        assert len(made) == so_far
        return so_far

    assert asyncio.run(work()) > 0
    assert desk.ledger.version > 0
