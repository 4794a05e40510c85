"""Every write, sync, rename and truncation in turn fails: the state is the old one or the new one, never between."""

import errno
import itertools
import os
import shutil

import msgspec
import pytest
import tinydb

from tests.ledger.faults import FaultyDisk, FullDisk, QuickDisk, ShortDisk
from tests.ledger.making import DAY, HOUR, NOON, balance, billing, cost, covers, crash, edit, event, model, opened, row
from trayd.errors import LedgerError, LedgerFullError
from trayd.facts import Batch, Link
from trayd.ledger.disk import Disk
from trayd.records import Counting, ExternalCost

HOME_OF_TWO_MONTHS = (
    Batch(events=(event("lost", None, NOON - 20 * DAY, client="Northwind"), event("a", "r1"))),
    Batch(
        billing=(billing("r1"), billing("r2", row(at=NOON - 30 * DAY))), coverage=(covers("acme", NOON - DAY, NOON),)
    ),
    "checkpoint",
    Batch(edits=(edit("r1", "note", "first"),), balances=(balance("50"),)),
)
LONG = (
    Batch(billing=(billing("r1", key=(200 << 10) * "x", fetched=NOON + HOUR),)),
    Batch(billing=(billing("r1", key="short", fetched=NOON + 2 * HOUR),)),
)

#: What is done, and what was done to the ledger before.
OPERATIONS = {
    "a change of one month": ((), Batch(events=(event("b", "r3"),))),
    "the first change of a month": ((), Batch(events=(event("b", "r3", NOON + 60 * DAY),))),
    "a change of two months and the state": (
        (),
        Batch(
            billing=(billing("r3"), billing("r4", row(at=NOON - 30 * DAY))),
            coverage=(covers("acme", NOON - DAY, NOON + DAY),),
            balances=(balance("40", NOON + HOUR),),
            models=(model("Kling"),),
        ),
    ),
    "a link between two months": ((), Batch(links=(Link(record_id="lost", request_id="r1", at=NOON),))),
    "a record that leaves its month": (
        (),
        Batch(billing=(billing("r1", row(at=NOON + 60 * DAY), fetched=NOON + DAY),)),
    ),
    "a checkpoint": ((), "checkpoint"),
    "a checkpoint that writes a mirror anew": (LONG, "checkpoint"),
    "the first checkpoint of a month": ((Batch(costs=(cost(on=NOON + 60 * DAY),)),), "checkpoint"),
    "a backup": ((), "backup"),
    "clearing": ((), "clear"),
}


def content(ledger):
    records = sorted(ledger.records(), key=lambda record: record.id)
    return records, ledger.coverage("acme"), list(ledger.balances()), ledger.models()


def do(ledger, step):
    match step:
        case "checkpoint":
            ledger.checkpoint()
        case "backup":
            ledger.backup(NOON)
        case "clear":
            ledger.archive_and_clear(NOON)
        case _:
            ledger.add(step)


@pytest.fixture(scope="module", params=OPERATIONS)
def prepared(request, tmp_path_factory):
    """A folder with a ledger as it is before an operation, what it holds then, the operation, and what it leads to."""
    home = tmp_path_factory.mktemp("prepared")
    before, step = OPERATIONS[request.param]
    ledger = opened(home, QuickDisk())
    for earlier in (*HOME_OF_TWO_MONTHS, *before):
        do(ledger, earlier)
    old = content(ledger)
    crash(ledger)
    right = home.with_name(home.name + "-right")
    shutil.copytree(home, right)
    ledger = opened(right, QuickDisk())
    do(ledger, step)
    new = content(ledger)
    crash(ledger)
    return home, step, old, new


def sound(ledger, right):
    """It holds this, and once the daemon has made its checkpoint, both files do."""
    if content(ledger) != right:
        return False
    ledger.checkpoint()
    return content(ledger) == right and ledger.verify() == [] and not ledger.dirty


FAULTS = ("EIO", "ENOSPC", "EROFS", "EDQUOT")


def after_a_crash(home):
    """What another process finds that looks at the files as they are now."""
    image = home.with_name(f"{home.name}-crashed")
    shutil.copytree(home, image)
    ledger = opened(image, QuickDisk())
    found = content(ledger)
    crash(ledger)
    shutil.rmtree(image)
    return found


def is_old_or_new(found, old, new):
    """Each month by itself; what the state says of the records is new only where all of them are."""
    by_id = [{record.id: comparable(record) for record in records} for records, *_ in (found, old, new)]
    there, before, after = by_id
    return (
        all(there.get(key) in (before.get(key), after.get(key)) for key in {*there, *(before.keys() & after.keys())})
        and all(part in parts for part, *parts in zip(found[1:], old[1:], new[1:], strict=True))
        and (found[1] == old[1] or there == after)
    )


def comparable(record):
    """Without what the state tells of it."""
    if isinstance(record, ExternalCost):
        return record
    return msgspec.structs.replace(record, counting=Counting.UNKNOWN, display_name=None)


@pytest.mark.parametrize("lasts", [False, True])
def test_the_nth_call_fails(prepared, lasts, quick_path):
    """The ledger goes on by itself when the disk is well again, and is right when the process ends before that."""
    origin, step, old, new = prepared
    failures = 0
    for at in itertools.count(1):
        home = quick_path / str(at)
        shutil.copytree(origin, home)
        fault = FAULTS[at % len(FAULTS)]
        disk = FaultyDisk(fault=fault, lasts=lasts)
        ledger = opened(home, disk)
        content(ledger)
        disk.at, disk.made = at, 0
        disk.calls.clear()
        refused = None
        try:
            do(ledger, step)
        except LedgerFullError as error:
            refused = str(error)
        where = f"call {at}, {disk.calls[-1] if disk.calls else 'none'}"
        if disk.made < at:
            crash(ledger)
            break
        assert is_old_or_new(after_a_crash(home), old, new), where
        if refused:
            failures += 1
            assert str(home) in refused
            assert ("make room on it" if fault in {"ENOSPC", "EDQUOT"} else "check the disk") in refused
        if refused and lasts and step != "clear":
            assert content(ledger) == old, f"{where}: it can be read while the disk is ill"
            with pytest.raises(LedgerFullError):
                do(ledger, step)
        disk.at = None
        assert content(ledger) == old if refused and step != "clear" else content(ledger) in (old, new), where
        do(ledger, step)
        assert sound(ledger, new), where
        crash(ledger)
        ledger = opened(home, QuickDisk())
        assert content(ledger) == new, where
        crash(ledger)
        assert not list(home.glob("*/2026*.tmp")), where
        shutil.rmtree(home)
    assert failures >= 3


@pytest.mark.parametrize(("fault", "lasts"), [("EIO", False), ("ENOSPC", True)])
def test_the_nth_call_fails_between_the_steps_of_a_checkpoint_and_changes_in_them(fault, lasts, quick_path):
    """A change that fails is not there, one that does not is; the checkpoint is tried again."""
    origin = quick_path / "origin"
    ledger = opened(origin, QuickDisk())
    for step in (*HOME_OF_TWO_MONTHS, *LONG):
        do(ledger, step)
    crash(ledger)
    failures = 0
    for at in itertools.count(1):
        home = quick_path / str(at)
        shutil.copytree(origin, home)
        disk = FaultyDisk(fault=fault, lasts=lasts)
        ledger = opened(home, disk)
        there = {record.id for record in ledger.records()}
        disk.at, disk.made = at, 0
        refused = set()
        failed = False
        try:
            for number, _ in enumerate(ledger.checkpoint_steps()):
                try:
                    ledger.add(Batch(events=(event(f"n{number}", f"n{number}"),)))
                    there.add(f"n{number}")
                except LedgerFullError:
                    refused.add(f"n{number}")
                    disk.at = None
        except LedgerFullError:
            failed = True
        failures += failed or bool(refused)
        disk.at = None
        assert {record.id for record in ledger.records()} == there, at
        if at % 2:
            crash(ledger)
            ledger = opened(home, QuickDisk())
            found = {record.id for record in ledger.records()}
            assert there <= found <= there | refused, "what was refused may be there after a crash, whole"
        ledger.checkpoint()
        assert ledger.verify() == []
        assert ledger.notices == ()
        assert not ledger.dirty
        crash(ledger)
        shutil.rmtree(home)
        if disk.made < at:
            break
    assert failures > 10


def torn(home):
    with (home / "backup/2026-11.jsonl").open("ab") as mirror:
        mirror.write(b'{"sum":"01234567","seq":')


def damaged(home):
    (home / "ledger/2026-11.json").write_bytes(b"{")


def without_a_mirror(home):
    (home / "backup/2026-10.jsonl").unlink()


def edited_by_hand(home):
    with tinydb.TinyDB(home / "ledger/2026-10.json") as database:
        database.update({"account": "mallory"}, tinydb.where("id") == "r2")


def half_written(home):
    for name in ("ledger/2026-11.json", "backup/2026-11.jsonl", "backup/state.jsonl"):
        path = home / name
        path.with_name(path.name + ".tmp").write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize("lasts", [False, True])
@pytest.mark.parametrize("harm", [torn, damaged, without_a_mirror, edited_by_hand, half_written])
def test_the_nth_call_of_mending_fails(harm, lasts, quick_path):
    origin = quick_path / "origin"
    ledger = opened(origin, QuickDisk())
    for step in HOME_OF_TWO_MONTHS:
        do(ledger, step)
    old = content(ledger)
    crash(ledger)
    harm(origin)
    for at in itertools.count(1):
        home = quick_path / str(at)
        shutil.copytree(origin, home)
        disk = FaultyDisk(at, "EIO", lasts=lasts)
        ledger = refused = None
        try:
            ledger = opened(home, disk)
            assert content(ledger) == old, at
        except LedgerFullError as error:
            refused = str(error)
        disk.at = None
        assert refused is None or str(home) in refused
        if ledger is None:
            ledger = opened(home, disk)
        assert sound(ledger, old), at
        crash(ledger)
        shutil.rmtree(home)
        if disk.made < at:
            break
    assert at > 3


def test_writes_that_come_up_short_are_gone_on_with(tmp_path):
    ledger = opened(tmp_path, ShortDisk())
    for step in (*HOME_OF_TWO_MONTHS, *LONG, "checkpoint"):
        do(ledger, step)
    right = content(ledger)
    crash(ledger)
    ledger = opened(tmp_path)
    assert sound(ledger, right)
    ledger.archive_and_clear(NOON)
    ledger.close()


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
