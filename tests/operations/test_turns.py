"""Documents that are made on the ledger's thread in turns: others have it in between, and each is of one state."""

from __future__ import annotations

import asyncio
import csv
import re
import resource
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import repeat
from pathlib import Path
from tempfile import gettempdir
from typing import TypeVar

import pytest

from tests.desk import NOW, Desk, opened_desk
from tests.ledger.making import edit
from trayd.errors import TraydError, UsageError
from trayd.facts import Batch
from trayd.operations.documents import Document
from trayd.operations.exporting import ExportQuery, ReportQuery
from trayd.operations.operations import Operations
from trayd.operations.turns import Making
from trayd.report_settings import ReportSettings

T = TypeVar("T")


class Thread:
    """The one thread that the ledger is on."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._one = ThreadPoolExecutor(1)

    async def on_ledger(self, work: Callable[[Operations], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._one, work, self._operations)

    def close(self) -> None:
        self._one.shutdown()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened_desk(tmp_path) as desk:
        for number in range(40):
            desk.spends("1.00", NOW - timedelta(minutes=number))
        yield desk


@pytest.fixture
def thread(desk: Desk) -> Iterator[Thread]:
    thread = Thread(desk.operations)
    yield thread
    thread.close()


def slowly(operations: Operations, pieces: int = 20, each_s: float = 0.015) -> Document:
    """The export, preceded by pieces that take their time."""
    export = operations.export(ExportQuery())

    def made() -> Iterator[str]:
        for _ in range(pieces):
            time.sleep(each_s)
            yield ""
        yield from export

    document = Document(export.name, export.media_type)
    document.consist_of(made())
    return document


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def tags_first(operations: Operations, client: str) -> None:
    operations.ledger.add(Batch(edits=(edit("r1", "client", client, NOW),)))


async def made(thread: Thread, making: Making) -> list[dict[str, str]]:
    await making.finish(thread)
    with making.text as text:
        return list(csv.DictReader(text))


def test_others_have_the_thread_in_between(thread: Thread) -> None:
    async def work() -> int:
        making = asyncio.create_task(made(thread, Making(slowly)))
        asked = 0
        while not making.done():
            await thread.on_ledger(lambda _: None)
            asked += 1
        assert len(await making) == 40
        return asked

    assert asyncio.run(work()) >= 5


def test_what_changes_halfway_is_in_it_altogether(thread: Thread) -> None:
    async def work() -> list[dict[str, str]]:
        begun: list[Operations] = []

        def begin(operations: Operations) -> Document:
            begun.append(operations)
            return slowly(operations, pieces=4)

        making = Making(begin)
        await thread.on_ledger(making.begin)
        await thread.on_ledger(making.turn)
        await thread.on_ledger(lambda operations: tags_first(operations, "Northwind"))
        rows = await made(thread, making)
        assert len(begun) == 2
        return rows

    rows = asyncio.run(work())
    assert len(rows) == 40
    assert [row["client"] for row in rows if row["request_id"] == "r1"] == ["Northwind"]


def test_other_exchange_rates_halfway_begin_it_anew(thread: Thread) -> None:
    async def work() -> int:
        begun: list[Operations] = []

        def begin(operations: Operations) -> Document:
            begun.append(operations)
            return slowly(operations, pieces=4)

        making = Making(begin)
        await thread.on_ledger(making.begin)
        await thread.on_ledger(making.turn)
        await thread.on_ledger(lambda operations: operations.rates.renew())
        assert len(await made(thread, making)) == 40
        return len(begun)

    assert asyncio.run(work()) == 2


def test_a_text_that_has_no_room_on_the_disk_is_told_with_the_cure(thread: Thread) -> None:
    def endless(_operations: Operations) -> Document:
        document = Document("long.csv", "text/csv")
        document.consist_of(repeat("x" * 100_000))
        return document

    async def work() -> None:
        with pytest.raises(TraydError, match=rf"does not fit into a temporary file in {re.escape(gettempdir())}"):
            await Making(endless).finish(thread)

    # The system refuses larger files as it refuses those that a disk has no room for.
    with files_of_at_most(2 * 1024**2):
        asyncio.run(work())


def test_a_ledger_that_goes_on_changing_does_not_keep_it_from_its_end(thread: Thread) -> None:
    async def work() -> list[dict[str, str]]:
        making = asyncio.create_task(made(thread, Making(slowly)))
        number = 0
        while not making.done():
            number += 1
            client = f"client {number}"
            await thread.on_ledger(lambda operations, client=client: tags_first(operations, client))
        return await making

    assert len(asyncio.run(work())) == 40


def test_a_slow_template_keeps_nobody_waiting_even_where_the_ledger_goes_on_changing(
    desk: Desk, thread: Thread, tmp_path: Path
) -> None:
    templates = tmp_path / "templates"
    templates.mkdir()
    slow = "{% for a in range(1500) %}{% for b in range(60000) %}{% endfor %}{% endfor %}"
    (templates / "report.html.j2").write_text(
        f'{{% extends "report.html.j2" %}}{{% block footer %}}{slow}{{% endblock %}}'
    )
    desk.set(report=ReportSettings(templates=str(templates)))

    async def work() -> tuple[str, float, float]:
        begun = time.monotonic()
        making = Making(lambda operations: operations.report(ReportQuery()))
        making_of_it = asyncio.create_task(making.finish(thread))
        number, longest = 0, 0.0
        while not making_of_it.done():
            number += 1
            asked = time.monotonic()
            await thread.on_ledger(partial(tags_first, client=f"client {number}"))
            longest = max(longest, time.monotonic() - asked)
        await making_of_it
        with making.text as text:
            return text.read(), longest, time.monotonic() - begun

    page, longest, all_of_it = asyncio.run(work())
    assert "Combined total" in page
    assert all_of_it > 0.5, "or it shows nothing"
    assert longest < all_of_it / 2


def test_what_cannot_be_is_said_at_the_beginning_and_what_fails_leaves_no_file(thread: Thread) -> None:
    def failing(operations: Operations) -> Document:
        document = slowly(operations)

        def pieces() -> Iterator[str]:
            yield "half of it"
            raise OSError(5, "Input/output error")

        document.consist_of(pieces())
        return document

    async def work() -> None:
        wrong = Making(lambda operations: operations.export(ExportQuery(format="pdf")))
        with pytest.raises(UsageError, match="no export format"):
            await thread.on_ledger(wrong.begin)
        wrong.text.close()
        with pytest.raises(UsageError, match="no export format"):
            await Making(lambda operations: operations.export(ExportQuery(format="pdf"))).finish(thread)
        making = Making(failing)
        with pytest.raises(OSError, match="Input/output"):
            await making.finish(thread)
        assert making.text.closed

    asyncio.run(work())


def test_who_gives_it_up_ends_what_makes_it_on_the_ledgers_thread(thread: Thread) -> None:
    ended: list[str] = []

    def begin(operations: Operations) -> Document:
        document = Document("x", "text/plain")

        def pieces() -> Iterator[str]:
            try:
                for record in document.counted(iter(range(10_000)), lambda: 10_000):
                    time.sleep(0.005)
                    yield f"{record}{operations.now}"
            finally:
                ended.append(threading.current_thread().name)

        document.consist_of(pieces())
        return document

    async def work() -> None:
        making = Making(begin)
        finishing = asyncio.create_task(making.finish(thread))
        await asyncio.sleep(0.2)
        finishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await finishing
        assert making.text.closed
        assert ended == [await thread.on_ledger(lambda _: threading.current_thread().name)]

    asyncio.run(work())


def test_how_far_it_is_is_told_of_how_many_there_are(desk: Desk) -> None:
    told: list[tuple[int, int]] = []
    document = desk.operations.export(ExportQuery())
    document.progress = lambda done, of: told.append((done, of))
    assert "".join(document).count("\r\n") == 41
    assert told == [(40, 40)]
