"""Group commit: what comes together is written together, and one bad batch spoils no other."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from msgspec import structs

from tests.ledger.making import HOUR, KLING, NOON, balance, billing, crash, edit, event, model, opened
from trayd.episodes import Episode
from trayd.errors import LedgerFullError, RecordError
from trayd.facts import Batch, BillingFact, Link
from trayd.ledger.disk import Disk
from trayd.records import Counting
from trayd.service.submissions import Submissions


class SlowDisk(Disk):
    """Counts the waits for the medium, and lets a test hold them up."""

    def __init__(self):
        self.syncs = 0
        self.go = threading.Event()
        self.go.set()
        self.full = False

    def sync(self, handle):
        self.go.wait(10)
        self.syncs += 1
        super().sync(handle)

    def write(self, handle, data):
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(handle, data)


@pytest.fixture
def disk():
    return SlowDisk()


@pytest.fixture
def ledger(tmp_path, disk):
    ledger = opened(tmp_path, disk)
    yield ledger
    disk.full = False
    ledger.close()


@pytest.fixture
def thread():
    with ThreadPoolExecutor(1) as thread:
        yield thread


@pytest.fixture
def submissions(ledger, thread):
    async def write(batches):
        return await asyncio.get_running_loop().run_in_executor(thread, ledger.add_together, batches)

    return Submissions(write)


def one(number, **said):
    return Batch(events=(event(f"e{number}", f"r{number}", **said),))


async def test_many_at_once_wait_for_the_disk_once_or_twice(submissions, disk, ledger):
    await submissions.submit(one("first"))
    before = disk.syncs
    disk.go.clear()
    waiting = [asyncio.create_task(submissions.submit(one(number))) for number in range(200)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waiting), "not before it is durable"
    disk.go.set()
    added = await asyncio.gather(*waiting)
    assert disk.syncs - before <= 2
    assert [result.created for result in added] == [(f"r{number}",) for number in range(200)]
    assert len(list(ledger.records())) == 201


async def test_each_is_told_what_became_of_its_own(submissions):
    same = [one("a"), one("a"), Batch(billing=(billing("ra"),)), one("b"), one("a")]
    results = await asyncio.gather(*map(submissions.submit, same))
    assert [result.created for result in results] == [("ra",), (), (), ("rb",), ()]
    assert [result.changed for result in results] == [(), (), ("ra",), (), ()]
    assert [result.known for result in results] == [0, 1, 0, 0, 1]


async def test_a_bad_one_takes_no_other_with_it(submissions, ledger):
    empty = Batch(billing=(BillingFact(request_id="bad", account="acme", fetched_at=event().time, rows=()),))
    results = await asyncio.gather(
        *map(submissions.submit, [one("a"), empty, one("b"), Batch(billing=(billing("ra"),))]), return_exceptions=True
    )
    assert isinstance(results[1], RecordError)
    assert [record.id for record in ledger.records()] == ["rb", "ra"]
    assert ledger.get("ra").counting is Counting.ACTUAL


async def test_a_full_disk_is_told_to_all_and_then_it_goes_on(submissions, disk, ledger):
    await submissions.submit(one("first"))
    disk.full = True
    results = await asyncio.gather(*map(submissions.submit, map(one, range(3))), return_exceptions=True)
    assert all(isinstance(result, LedgerFullError) for result in results)
    disk.full = False
    await submissions.submit(one("then"))
    assert [record.id for record in ledger.records()] == ["rthen", "rfirst"]


async def test_who_gives_up_waiting_does_not_take_the_others_along(submissions, disk, ledger):
    disk.go.clear()
    first, second = (asyncio.create_task(submissions.submit(one(number))) for number in "ab")
    await asyncio.sleep(0.05)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    disk.go.set()
    assert (await second).created == ("rb",)
    await submissions.settle()
    assert len(list(ledger.records())) == 2


def test_an_alert_that_ends_and_begins_again_in_one_write_is_remembered(tmp_path):
    ledger = opened(tmp_path)
    first = Episode(id="balance:acme", rule="balance", scope="acme", since=NOON, text="low")
    ended = structs.replace(first, resolved=NOON + HOUR)
    again = structs.replace(first, since=NOON + 2 * HOUR)
    ledger.add(Batch(episodes=(first,)))
    ledger.add_together([Batch(episodes=(ended,)), Batch(episodes=(again,))])
    assert list(ledger.past_episodes()) == [ended]
    assert ledger.episodes() == {again.id: again, ended.instance: ended}
    ledger.close()


@pytest.mark.parametrize("first", ["old", "new"])
def test_what_can_wait_takes_the_place_of_nothing_that_cannot(tmp_path, first):
    ledger = opened(tmp_path)
    ledger.add(Batch(models=(model("Kling", NOON, unit_price=Decimal(1)),)))
    old = Batch(models=(model("Kling", NOON + HOUR, unit_price=Decimal(1)),))
    new = Batch(models=(model("Kling", NOON + 2 * HOUR, unit_price=Decimal(2)),))
    ledger.add_together([old, new] if first == "old" else [new, old])
    ledger.add(Batch(events=(event(),), balances=(balance("5"),)))
    crash(ledger)
    ledger = opened(tmp_path)
    assert ledger.models()[KLING].unit_price == 2
    ledger.close()


def test_what_a_person_says_of_a_record_counts_in_whatever_is_said_next(tmp_path):
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("e1", None),), billing=(billing("r1"),)))
    link = Link(record_id="e1", request_id="r1", at=NOON)
    undone = structs.replace(link, undone=NOON + HOUR)
    again = structs.replace(link, at=NOON + 2 * HOUR)
    ledger.add_together([Batch(edits=(edit("e1", "client", "Northwind"),)), Batch(links=(link,))])
    assert ledger.get("r1").client == "Northwind"
    ledger.add_together([Batch(links=(undone,)), Batch(links=(again,))])
    assert [record.id for record in ledger.records()] == ["r1"]
    assert ledger.get("r1").client == "Northwind"
    ledger.close()
