"""The daemon's housekeeping: one thread alone touches the ledger, and a mistake in the settings is told."""

import asyncio
import gc
import threading
from datetime import UTC, datetime

from msgspec import structs

from tests.alerts.replay.host import Screen
from tests.ledger.making import event
from trayd.daemon import Daemon
from trayd.facts import Batch
from trayd.ledger.mirror import Journal
from trayd.settings import Paths, Settings, load


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


async def test_a_mistake_in_the_settings_is_told_once_and_they_stay(tmp_path, monkeypatch):
    monkeypatch.setattr("trayd.daemon.Deliverer", Screen)
    paths = Paths.under(tmp_path)
    paths.settings.write_text("[alerts]\nmost_per_hour = 3\n")
    daemon = Daemon(paths, load(paths.settings), url="http://127.0.0.1:9/v1")
    async with daemon._open(None):
        paths.settings.write_text('[alerts.quiet_hours]\nfom = "22:00"\nto = "07:00"\n')
        for _ in range(2):
            await daemon.reload()
            await asyncio.gather(*daemon._background)
        (notice,) = daemon._deliverer.shown
        assert notice.title == "The settings stay as they were"
        assert str(paths.settings) in notice.body
        assert "fom" in notice.body
        assert daemon.settings.alerts.most_per_hour == 3
        paths.settings.write_text("[alerts]\nmost_per_hour = 10\n")
        await daemon.reload()
        assert daemon.settings.alerts.most_per_hour == 10
        assert len(daemon._deliverer.shown) == 1
