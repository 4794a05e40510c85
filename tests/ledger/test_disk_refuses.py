"""Every write, sync, rename and truncation in turn fails: the state is the old one or the new one, never between."""

import errno
import os

import pytest

from tests.ledger.faults import FaultyDisk, FullDisk
from tests.ledger.making import DAY, HOUR, NOON, balance, billing, cost, covers, crash, edit, event, model, opened, row
from trayd.errors import LedgerError, LedgerFullError
from trayd.facts import Batch, Link
from trayd.ledger.disk import Disk

LONG = 9000 * "x"


def scenario():
    """Steps that touch several months, link across them, and make the mirror long enough to be written anew."""
    yield Batch(events=(event("lost", None, NOON - 20 * DAY, client="Northwind"), event("a", "r1")))
    yield Batch(
        billing=(billing("r1"), billing("r2", row(at=NOON - 30 * DAY))), coverage=(covers("acme", NOON - DAY, NOON),)
    )
    yield "checkpoint"
    yield Batch(links=(Link(record_id="lost", request_id="r1", at=NOON),), costs=(cost(),))
    for hour in range(12):
        yield Batch(edits=(edit("r1", "note", f"{hour} {LONG}", NOON + hour * HOUR),), balances=(balance(str(hour)),))
    yield "checkpoint"
    yield Batch(
        billing=(billing("r1", row("2.00", at=NOON + 60 * DAY), fetched=NOON + HOUR),), models=(model("Kling"),)
    )
    yield Batch(events=(event("z", "r9"),), coverage=(covers("acme", NOON - DAY, NOON + DAY),))
    yield "checkpoint"


def content(ledger):
    return list(ledger.records()), ledger.coverage("acme"), list(ledger.balances()), ledger.models()


def do(ledger, step):
    ledger.checkpoint() if step == "checkpoint" else ledger.add(step)


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    """What the scenario leads to, step by step, on a disk that works; and how many calls it makes."""
    disk = FaultyDisk()
    ledger = opened(tmp_path_factory.mktemp("right"), disk)
    states = [content(ledger)]
    for step in scenario():
        do(ledger, step)
        states.append(content(ledger))
    made = disk.made
    ledger.close()
    assert {"write", "sync", "replace", "sync_folder", "open_new", "open_append"} <= set(disk.calls)
    return states, made


@pytest.mark.parametrize("fault", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("after", ["goes on", "crashes"])
def test_the_nth_call_fails(fault, after, right, tmp_path):
    states, made = right
    failures = 0
    for at in range(1, made + 1, 3 if after == "crashes" else 1):
        home = tmp_path / str(at)
        disk = FaultyDisk(fault=fault)
        ledger = opened(home, disk)
        disk.at, disk.made = at, 0
        for number, step in enumerate(scenario()):
            try:
                do(ledger, step)
            except LedgerFullError:
                failures += 1
                old = states[number + 1 if step == "checkpoint" else number]
                assert content(ledger) == old, f"call {at} ({disk.calls[at - 1]}) in step {number}"
                if after == "crashes":
                    crash(ledger)
                    ledger = opened(home, disk)
                    assert content(ledger) == old
                do(ledger, step)
            assert content(ledger) == states[number + 1]
        assert ledger.verify() == []
        ledger.close()
        ledger = opened(home)
        assert content(ledger) == states[-1]
        assert ledger.verify() == []
        ledger.close()
    assert failures > made // (4 if after == "crashes" else 2)


def test_a_full_disk_is_told_with_a_cure_and_over_when_there_is_room(tmp_path):
    disk = FullDisk()
    ledger = opened(tmp_path, disk)
    ledger.add(Batch(events=(event("a", "r1"),)))
    disk.full = True
    for _ in range(3):
        with pytest.raises(LedgerFullError, match=r"2026-11\.jsonl: the disk is full .*make room on it"):
            ledger.add(Batch(events=(event("b", "r2"),)))
    with pytest.raises(LedgerFullError):
        ledger.checkpoint()
    assert [record.id for record in ledger.records()] == ["r1"]
    disk.full = False
    ledger.add(Batch(events=(event("b", "r2"),)))
    ledger.checkpoint()
    assert ledger.verify() == []
    assert not list(tmp_path.rglob("*.tmp"))
    ledger.close()


def test_a_really_full_disk(tmp_path):
    """/dev/full takes every open and refuses every byte."""

    class OnFull(Disk):
        full = False

        def open_append(self, path):
            return os.open("/dev/full", os.O_WRONLY) if self.full else super().open_append(path)

        def truncate(self, handle, size):
            if not self.full:
                super().truncate(handle, size)

    disk = OnFull()
    ledger = opened(tmp_path, disk)
    disk.full = True
    with pytest.raises(LedgerFullError, match="the disk is full"):
        ledger.add(Batch(events=(event(),)))
    disk.full = False
    crash(ledger)
    ledger = opened(tmp_path)
    assert list(ledger.records()) == []
    ledger.close()


def test_after_a_failed_sync_the_mirror_is_written_anew_because_what_it_holds_is_in_doubt(tmp_path):
    class Doubtful(Disk):
        failures = 0

        def sync(self, handle):
            if self.failures:
                self.failures -= 1
                raise OSError(errno.EIO, "Input/output error")
            super().sync(handle)

    disk = Doubtful()
    ledger = opened(tmp_path, disk)
    ledger.add(Batch(events=(event("a", "r1"),)))
    mirror = tmp_path / "backup/2026-11.jsonl"
    before = mirror.stat().st_ino
    disk.failures = 1
    with pytest.raises(LedgerError, match="the disk refuses"):
        ledger.add(Batch(events=(event("b", "r2"),)))
    disk.failures = 1
    with pytest.raises(LedgerError, match="the disk refuses"):
        ledger.add(Batch(events=(event("b", "r2"),)))
    assert mirror.stat().st_ino == before, "the old one stays until the new one is whole"
    ledger.add(Batch(events=(event("c", "r3"),)))
    assert mirror.stat().st_ino != before
    assert {record.id for record in ledger.records()} == {"r1", "r3"}
    crash(ledger)
    ledger = opened(tmp_path)
    assert {record.id for record in ledger.records()} == {"r1", "r3"}
    ledger.close()


def test_an_edit_of_the_file_while_trayd_has_it_is_kept_aside(tmp_path):
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("a", "r1"),)))
    ledger.checkpoint()
    (tmp_path / "ledger/2026-11.json").write_text('{"mine": {}}')
    ledger.add(Batch(events=(event("b", "r2"),)))
    ledger.close()
    (kept,) = (tmp_path / "ledger").glob("*.edited-*")
    assert kept.read_text() == '{"mine": {}}'
