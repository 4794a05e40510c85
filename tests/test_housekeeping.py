"""The daemon's housekeeping: whatever becomes of its tasks, one thread alone touches the ledger."""

import asyncio
import gc
import threading
from datetime import UTC, datetime

from msgspec import structs

from tests.ledger.making import event
from trayd.daemon import Daemon
from trayd.facts import Batch
from trayd.ledger.mirror import Journal
from trayd.settings import Paths, Settings


async def test_a_checkpoint_that_is_given_up_ends_on_the_thread_of_the_ledger(tmp_path, monkeypatch):
    threads = []
    let_go = Journal.let_go
    monkeypatch.setattr(
        Journal,
        "let_go",
        lambda journal, held: threads.append(threading.current_thread().name) or let_go(journal, held),
    )
    settings = Settings()
    settings = structs.replace(settings, alerts=structs.replace(settings.alerts, desktop=False))
    daemon = Daemon(Paths.under(tmp_path), settings, url="http://127.0.0.1:9/v1")
    async with daemon._open(None):
        await daemon.submit(Batch(events=(event(time=datetime.now(UTC)),)))
        begun, go_on = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def hold_up(_operations):
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(10)

        checkpoint = asyncio.create_task(daemon._housekeeping.checkpoint())
        while not await daemon.read(lambda ledger: any(m.pair._journal.holds for m in ledger._months.opened())):
            assert not checkpoint.done()
        other = asyncio.create_task(daemon.on_ledger(hold_up))
        await begun.wait()
        checkpoint.cancel()
        given_up = await asyncio.gather(checkpoint, return_exceptions=True)
        assert threads == []
        go_on.set()
        await other
        # Nobody else has the steps now.
        del checkpoint, given_up
        gc.collect()
        assert await daemon.read(lambda ledger: ledger.dirty)
    assert len({*threads}) == 1
    assert threads[0].startswith("ledger")
