"""A checkpoint goes in short steps; whatever comes in between two of them is kept, however it ends."""

import gc
import json
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest
import tinydb

from tests.ledger.faults import FaultyDisk
from tests.ledger.making import HOUR, NOON, account, billing, cost, crash, edit, estimate, event, opened
from trayd.errors import LedgerFullError
from trayd.facts import Batch
from trayd.ledger import disk as disk_room
from trayd.ledger import mirror as mirror_room
from trayd.ledger import storage
from trayd.ledger.disk import Disk
from trayd.ledger.store import Ledger

ROOT = Path(__file__).parents[2]
LONG = 3000 * "x"
CHUNK, SYNC = 500, 3000


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch):
    """So that a small month takes as many steps as a large one does."""
    for room in (storage, mirror_room):
        monkeypatch.setattr(room, "_CHUNK_BYTES", CHUNK)
    monkeypatch.setattr(disk_room, "_SYNC_BYTES", SYNC)


def fill(ledger, *, rotates=True):
    """A month whose mirror has grown so long that the next checkpoint writes it anew."""
    for number in range(6):
        ledger.add(Batch(events=(event(f"e{number}", f"r{number}", NOON + number * HOUR),)))
    ledger.checkpoint()
    for hour in range(16 if rotates else 2):
        ledger.add(Batch(edits=(edit("r0", "note", f"{hour} {LONG}", NOON + hour * HOUR),)))
    return pair_of(ledger)


def pair_of(ledger):
    return ledger._months.open("2026-11").pair


def more(ledger, number):
    """One change more: a new record, a changed one, or one that leaves."""
    name = f"r{number % 6}"
    if number % 2:
        ledger.add(Batch(edits=(edit(name, "client", f"client {number}", NOON + (100 + number) * HOUR),)))
    else:
        ledger.add(Batch(billing=(billing(f"b{number}"),)))


def content(ledger):
    return list(ledger.records())


def left_over(home):
    return list(home.rglob("*.tmp"))


def files(home):
    return home / "ledger/2026-11.json", home / "backup/2026-11.jsonl"


def check(home, expected):
    ledger = opened(home)
    assert content(ledger) == expected
    assert ledger.verify() == []
    assert ledger.notices == ()
    assert left_over(home) == []
    ledger.close()


def steps_of(tmp_path, name="counted"):
    ledger = opened(tmp_path / name)
    number = sum(1 for _ in fill(ledger).checkpoint_steps())
    ledger.close()
    return number


def test_changes_between_the_steps_are_kept_and_tinydb_opens_the_file_after_each(tmp_path):
    ledger = opened(tmp_path)
    pair = fill(ledger)
    file, mirror = files(tmp_path)
    before = mirror.stat().st_ino
    for number, _ in enumerate(pair.checkpoint_steps()):
        more(ledger, number)
        with tinydb.TinyDB(file) as database:
            assert len(database) >= 6
    assert number > 10
    assert mirror.stat().st_ino != before, "it was written anew"
    assert mirror.stat().st_size < 200_000
    assert pair.dirty, "what came since the first step is not in the file yet"
    expected = content(ledger)
    assert ledger.verify() == []
    crash(ledger)
    check(tmp_path, expected)


def test_a_checkpoint_without_changes_in_between_leaves_nothing_to_do(tmp_path):
    ledger = opened(tmp_path)
    pair = fill(ledger)
    for _ in pair.checkpoint_steps():
        assert pair.dirty
    assert not pair.dirty, "to tell the mirror of the file is no change"
    assert list(pair.checkpoint_steps()) == []
    crash(ledger)
    ledger = opened(tmp_path)
    assert not pair_of(ledger).dirty
    ledger.close()


def test_one_change_in_between_is_one_thing_to_do(tmp_path):
    ledger = opened(tmp_path)
    pair = fill(ledger, rotates=False)
    steps = pair.checkpoint_steps()
    next(steps)
    more(ledger, 0)
    list(steps)
    assert pair.dirty
    pair.checkpoint()
    assert not pair.dirty
    ledger.close()


def test_a_crash_after_any_step_loses_nothing(tmp_path):
    for number in range(steps_of(tmp_path) + 1):
        home = tmp_path / str(number)
        ledger = opened(home)
        for step, _ in zip(range(number), fill(ledger).checkpoint_steps(), strict=False):
            more(ledger, step)
        expected = content(ledger)
        crash(ledger)
        check(home, expected)


@pytest.mark.parametrize("way", ["closed", "dropped", "followed by another", "ledger closed"])
def test_a_checkpoint_that_is_given_up_at_any_step_leaves_nothing_behind(way, tmp_path):
    for number in range(1, steps_of(tmp_path), 3):
        home = tmp_path / str(number)
        ledger = opened(home)
        pair = fill(ledger)
        steps = pair.checkpoint_steps()
        for step in range(number):
            next(steps)
            more(ledger, step)
        if way == "closed":
            steps.close()
        elif way == "dropped":
            del steps
        elif way == "followed by another":
            pair.checkpoint()
            assert list(steps) == []
        else:
            ledger.close()
            assert list(steps) == []
            ledger = opened(home)
        assert left_over(home) == []
        more(ledger, 999)
        expected = content(ledger)
        assert ledger.verify() == []
        crash(ledger)
        check(home, expected)


@pytest.mark.parametrize("fault", ["ENOSPC", "EIO"])
def test_every_call_of_a_stepped_checkpoint_and_rotation_fails(fault, tmp_path):
    counting = FaultyDisk()
    ledger = opened(tmp_path / "counted", counting)
    pair = fill(ledger)
    before = counting.made
    for number, _ in enumerate(pair.checkpoint_steps()):
        more(ledger, number)
    made = counting.made
    ledger.close()
    refused = 0
    for at in range(before + 1, made + 1, 2):
        home = tmp_path / str(at)
        disk = FaultyDisk(at, fault)
        ledger = opened(home, disk)
        steps = fill(ledger).checkpoint_steps()
        for number in count():
            acknowledged = content(ledger)
            try:
                if next(steps, "done") == "done":
                    break
                acknowledged = content(ledger)
                more(ledger, number)
            except LedgerFullError:
                refused += 1
                assert content(ledger) == acknowledged
                if not (home / "ledger/2026-11.json.tmp").exists() and at % 4 < 2:
                    break
        expected = content(ledger)
        if at % 3:
            crash(ledger)
        else:
            ledger.close()
        check(home, expected)
    assert refused > (made - before) // 3


def test_a_mirror_in_doubt_is_written_anew_at_once_though_a_new_one_is_being_written(tmp_path):
    class Doubtful(Disk):
        fails = False

        def sync(self, handle):
            if self.fails:
                self.fails = False
                raise OSError(5, "Input/output error")
            super().sync(handle)

    total = steps_of(tmp_path)
    for number in range(1, total, 2):
        home = tmp_path / str(number)
        disk = Doubtful()
        ledger = opened(home, disk)
        steps = fill(ledger).checkpoint_steps()
        for _ in range(number):
            next(steps)
        disk.fails = True
        with pytest.raises(LedgerFullError):
            more(ledger, 0)
        more(ledger, 2)
        for step, _ in enumerate(steps):
            more(ledger, step)
        assert left_over(home) == []
        assert ledger.verify() == []
        expected = content(ledger)
        crash(ledger)
        check(home, expected)


def test_what_was_taken_back_in_between_is_in_no_file(tmp_path):
    class Refuses(Disk):
        path = None

        def open_append(self, path):
            if self.path is not None and path.name == self.path:
                raise OSError(28, "No space left on device")
            return super().open_append(path)

    disk = Refuses()
    ledger = opened(tmp_path, disk)
    pair = fill(ledger)
    disk.path = "2026-12.jsonl"
    for number, _ in enumerate(pair.checkpoint_steps()):
        with pytest.raises(LedgerFullError):  # November is written first, and December is refused
            ledger.add(
                Batch(events=(event(f"n{number}", f"n{number}"), event(f"d{number}", f"d{number}", NOON + 720 * HOUR)))
            )
    expected = content(ledger)
    assert len(expected) == 6
    crash(ledger)
    check(tmp_path, expected)


def test_the_numbers_of_a_mirror_that_was_written_anew_go_on_rising(tmp_path):
    ledger = opened(tmp_path)
    pair = fill(ledger)
    _, mirror = files(tmp_path)

    def numbers():
        return [json.loads(line)["seq"] for line in mirror.read_bytes().splitlines()]

    before = numbers()
    inode = mirror.stat().st_ino
    for number, _ in enumerate(pair.checkpoint_steps()):
        if mirror.stat().st_ino == inode:
            more(ledger, number)
            before = numbers()
    after = numbers()
    assert mirror.stat().st_ino != inode
    assert after == list(range(after[0], after[0] + len(after)))
    assert after[-1] > before[-1]
    ledger.close()


def test_a_mirror_is_finished_however_fast_more_comes(tmp_path):
    ledger = opened(tmp_path)
    pair = fill(ledger)
    for number, _ in enumerate(pair.checkpoint_steps()):
        for again in range(4):
            ledger.add(Batch(events=(event(f"n{number}-{again}", f"n{number}-{again}", note=LONG),)))
        assert number < 100
    expected = content(ledger)
    assert ledger.verify() == []
    crash(ledger)
    check(tmp_path, expected)


def test_no_step_writes_much_or_waits_for_the_disk_for_long(tmp_path):
    class Watching(Disk):
        written = most = longest = 0

        def __init__(self):
            self.unsynced = {}

        def open_new(self, path):
            handle = super().open_new(path)
            self.unsynced[handle] = 0
            return handle

        def write(self, handle, data):
            self.written += len(data)
            self.unsynced[handle] = self.unsynced.get(handle, 0) + len(data)
            return super().write(handle, data)

        def sync(self, handle):
            self.most = max(self.most, self.unsynced.get(handle, 0))
            self.unsynced[handle] = 0
            super().sync(handle)

    disk = Watching()
    ledger = opened(tmp_path, disk)
    pair = fill(ledger)
    disk.most = disk.written = 0
    for _ in pair.checkpoint_steps():
        disk.longest = max(disk.longest, disk.written)
        disk.written = 0
    a_chunk = CHUNK + 20 * len(LONG)  # it ends with the document that fills it: the one with all edits
    assert 0 < disk.longest <= a_chunk
    assert 0 < disk.most <= SYNC + a_chunk
    ledger.close()


def die_at(home, call):
    """Run by a process of its own: a checkpoint with changes in between, until it kills itself."""
    ledger = opened(Path(home), FaultyDisk(call, "KILL"))
    for number, _ in enumerate(fill(ledger).checkpoint_steps()):
        more(ledger, number)
    more(ledger, 999)
    sys.exit("it was to be killed")


def calls_from_the_renames_on(tmp_path):
    disk = FaultyDisk()
    ledger = opened(tmp_path / "counted", disk)
    pair = fill(ledger)
    before = disk.made
    for number, _ in enumerate(pair.checkpoint_steps()):
        more(ledger, number)
    replaces = [at for at in range(before + 1, disk.made + 1) if disk.calls[at - 1] == "replace"]
    ledger.close()
    assert len(replaces) == 2, "the file, and then the mirror"
    return [at + later for at in replaces for later in (-1, 0, 1, 2)]


def test_killed_around_the_very_renames_nothing_looks_like_an_edit_or_a_damage(tmp_path):
    script = "import sys; from tests.ledger.test_checkpoint import *; small(); die_at(sys.argv[1], int(sys.argv[2]))"
    for at in calls_from_the_renames_on(tmp_path):
        home = tmp_path / str(at)
        done = subprocess.run(
            [sys.executable, "-c", script, str(home), str(at)], cwd=ROOT, check=False, capture_output=True, timeout=60
        )
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        ledger = opened(home)
        assert ledger.verify() == []
        assert ledger.notices == ()
        assert len(content(ledger)) > 6
        ledger.close()
        assert not list(home.rglob("*.edited-*"))
        assert not list(home.rglob("*.damaged-*"))


def small():
    storage._CHUNK_BYTES = mirror_room._CHUNK_BYTES = CHUNK
    disk_room._SYNC_BYTES = SYNC


def test_what_another_program_writes_into_the_file_between_two_steps_is_kept_aside(tmp_path):
    ledger = opened(tmp_path)
    pair = fill(ledger)
    file, _ = files(tmp_path)
    for number, _ in enumerate(pair.checkpoint_steps()):
        if number == 2:
            time.sleep(0.01)
            file.write_text('{"mine": {}}')
    (kept,) = (tmp_path / "ledger").glob("*.edited-*")
    assert kept.read_text() == '{"mine": {}}'
    expected = content(ledger)
    ledger.close()
    check(tmp_path, expected)


def test_a_record_that_speaks_like_the_mirror_is_not_taken_for_it(tmp_path):
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("a", "r1"),)))
    ledger.checkpoint()
    lie = {"file": {"seq": 99, "sha256": "", "covers": 99, "size": 5, "crc": "00000000"}}
    ledger.add(Batch(events=(event("b", "r2", extra=lie),)))
    expected = content(ledger)
    crash(ledger)
    check(tmp_path, expected)


def test_damage_in_what_the_file_holds_already_is_found_at_the_start(tmp_path):
    ledger = opened(tmp_path)
    fill(ledger)
    ledger.close()
    _, mirror = files(tmp_path)
    data = bytearray(mirror.read_bytes())
    data[len(data) // 2] ^= 1
    mirror.write_bytes(data)
    ledger = opened(tmp_path)
    assert len(content(ledger)) == 6
    (notice,) = ledger.notices
    assert "2026-11.jsonl is damaged and was rebuilt" in notice
    ledger.close()


def test_a_first_file_that_never_got_its_name_is_not_said_to_be_missing(tmp_path):
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event(),)))
    ledger.checkpoint()
    crash(ledger)
    file = tmp_path / "ledger" / "2026-11.json"
    file.rename(file.with_name(f"{file.name}.tmp"))  # as a kill between announcement and rename leaves it

    for number in range(2):
        ledger = opened(tmp_path)
        ledger.add(Batch(events=(event(f"later{number}", f"later{number}"),)))
        assert ledger.notices == ()
        crash(ledger)
    ledger = opened(tmp_path)
    assert len(list(ledger.records())) == 3
    ledger.close()
    assert file.exists()
    assert not file.with_name(f"{file.name}.tmp").exists()

    file.unlink()
    ledger = opened(tmp_path)
    assert len(list(ledger.records())) == 3
    assert [notice.partition(" was ")[2] for notice in ledger.notices] == ["missing and was rebuilt from its mirror"]
    ledger.close()


@pytest.mark.parametrize("taken", range(0, 60, 3))
def test_a_checkpoint_begun_in_steps_ends_when_a_whole_one_or_a_copy_is_made(tmp_path, taken):
    for name, whole in (
        ("checkpoint", Ledger.checkpoint),
        ("backup", lambda ledger: ledger.backup(NOON)),
        ("clear", lambda ledger: ledger.archive_and_clear(NOON)),
    ):
        ledger = opened(tmp_path / name)
        fill(ledger)
        steps = ledger.checkpoint_steps()
        for _ in range(taken):
            next(steps, None)
        whole(ledger)
        assert list(steps) == []
        assert ledger.verify() == []
        assert not list((tmp_path / name / "ledger").rglob("*.tmp"))
        ledger.close()


def test_records_in_memory_hold_nobody_up_while_the_garbage_collector_runs(tmp_path):
    ledger = opened(tmp_path)
    said = event("a", "r1", estimate=estimate("1.00"), parameters={"resolution": "1080p"})
    ledger.add(Batch(events=(said,), billing=(billing("r1"),), costs=(cost(),)))
    ledger.close()
    ledger = opened(tmp_path)
    assert len(content(ledger)) == 2
    for row in pair_of(ledger).table("_default").rows.values():
        assert not gc.is_tracked(row)
        assert not gc.is_tracked(row.view)
        assert not gc.is_tracked(getattr(row.view, "estimate", None))
    ledger.close()


def test_ages_that_come_to_wait_during_a_checkpoint_look_like_no_damage(tmp_path):
    ledger = opened(tmp_path)
    ledger.add(Batch(accounts=(account("acme", "acme", as_of=NOON),)))
    polls = count(1)
    for _ in ledger.checkpoint_steps():
        ledger.add(Batch(accounts=(account("acme", "acme", as_of=NOON + next(polls) * HOUR),)))
    crash(ledger)
    ledger = opened(tmp_path)
    assert ledger.verify() == []
    ledger.backup(NOON)
    ledger.close()
