"""One process at a time, and clearing the history."""

import errno
import json
import os
import platform
import subprocess
import sys
import textwrap
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from tests.ledger.making import DAY, NOON, billing, covers, crash, event, folders, opened
from trayd.errors import LedgerError, LedgerFullError, LedgerLockedError
from trayd.facts import Batch
from trayd.ledger.disk import Disk
from trayd.ledger.store import Ledger

HOLDER = """
    import sys
    from pathlib import Path
    from trayd.ledger.store import Ledger, LedgerPaths
    home = Path(sys.argv[1])
    ledger = Ledger.open(LedgerPaths(home / "ledger", home / "backup"), base_url=None, holder="the trayd daemon")
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_told_who_holds_the_ledger_until_it_is_gone(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(HOLDER), str(tmp_path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as holder:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(LedgerLockedError, match=rf"in use by the trayd daemon \(process {holder.pid}\)"):
            opened(tmp_path)
        holder.kill()
    opened(tmp_path).close()


def test_the_same_process_cannot_open_it_twice_either(tmp_path):
    ledger = opened(tmp_path)
    with pytest.raises(LedgerLockedError):
        opened(tmp_path)
    ledger.close()


def test_resetting_archives_everything_and_starts_empty(tmp_path):
    ledger = opened(tmp_path, base_url="http://127.0.0.1:1")
    ledger.add(
        Batch(events=(event("a", "r1"),), billing=(billing("r2"),), coverage=(covers("acme", NOON, NOON + DAY),))
    )
    found = list(ledger.records())
    archive = ledger.archive_and_clear(NOON)
    assert archive == tmp_path / "ledger-20261110T120000Z.zip"
    assert list(ledger.records()) == []
    assert ledger.coverage("acme") is None
    ledger.add(Batch(events=(event("b", "r3"),)))
    assert ledger.archive_and_clear(NOON) == tmp_path / "ledger-20261110T120000Z-2.zip", "nothing is overwritten"
    ledger.close()
    restored = tmp_path / "restored"
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
        assert "2026-11.json" in json.dumps(packed.namelist())
        packed.extractall(restored)
    ledger = opened(restored, base_url="http://127.0.0.1:1")
    assert list(ledger.records()) == found
    ledger.close()


def test_nothing_is_cleared_when_the_archive_cannot_be_written(tmp_path):
    class Stubborn(Disk):
        def open_new(self, path):
            if path.name.endswith(".zip.tmp"):
                raise OSError(28, "No space left on device")
            return super().open_new(path)

    ledger = opened(tmp_path, Stubborn())
    ledger.add(Batch(events=(event("a", "r1"),)))
    with pytest.raises(LedgerFullError, match=r"\.zip: the disk is full"):
        ledger.archive_and_clear(NOON)
    assert [record.id for record in ledger.records()] == ["r1"]
    ledger.close()


def test_a_lock_that_a_dead_process_left_is_no_obstacle(tmp_path):
    crash(opened(tmp_path))
    assert (folders(tmp_path).ledger / "ledger.lock.holder").exists()
    opened(tmp_path).close()


def test_clearing_leaves_the_users_own_files_in_the_backup_folder_alone(ledger, tmp_path):
    ledger.add(Batch(billing=(billing("r1"),)))
    own = [folders(tmp_path).backup / name for name in ("thesis.docx", "other.jsonl", "2026.jsonl")]
    for path in own:
        path.write_text("mine")
    ledger.archive_and_clear(NOON)
    assert [path.read_text() for path in own] == ["mine"] * 3
    assert list(ledger.records()) == []


def test_a_full_disk_does_not_keep_a_person_from_reading_the_ledger(tmp_path):
    class Full(Disk):
        def open_new(self, _path):
            raise OSError(errno.ENOSPC, "No space left on device")

    ledger = opened(tmp_path)
    ledger.add(Batch(billing=(billing("r1"),)))
    ledger.close()
    full = Ledger.open(folders(tmp_path), base_url=None, holder="test", disk=Full())
    assert [record.id for record in full.records()] == ["r1"]
    with suppress(LedgerFullError):
        full.close()


@pytest.mark.usefixtures("ledger")
class TestWhoHasIt:
    """What a second process is told, whatever the first one left."""

    def told(self, home):
        with pytest.raises(LedgerLockedError) as error:
            opened(home)
        return str(error.value)

    def say(self, home, **said):
        (folders(home).ledger / "ledger.lock.holder").write_text(json.dumps(said))

    def test_a_name_that_a_dead_process_left_is_not_believed(self, tmp_path):
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        self.say(tmp_path, pid=gone.pid, program="the trayd daemon", host=platform.node())
        assert "is in use by another process; end that one first" in self.told(tmp_path)

    def test_a_machine_that_shares_the_folder_is_named(self, tmp_path):
        self.say(tmp_path, pid=4711, program="the trayd daemon", host="attic")
        assert self.told(tmp_path).endswith("in use by the trayd daemon (process 4711 on attic); end that one first")

    def test_a_command_is_waited_for_and_not_ended(self, tmp_path):
        self.say(tmp_path, pid=4711, program="a trayd command", host="attic")
        told = self.told(tmp_path)
        assert told.endswith("in use by a trayd command (process 4711 on attic); try again when that has ended")

    @pytest.mark.parametrize("text", ["", "{", '{"pid": "none"}'])
    def test_a_file_that_makes_no_sense_is_none(self, tmp_path, text):
        (folders(tmp_path).ledger / "ledger.lock.holder").write_text(text)
        assert "is in use by another process" in self.told(tmp_path)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOLCK, "knows no locks"),
        (errno.EROFS, "cannot be written"),
        (errno.EACCES, "cannot be written"),
        (errno.EIO, "the disk refuses"),
    ],
)
def test_a_file_system_that_gives_no_lock_is_told_as_what_it_is(number, said, tmp_path, monkeypatch):
    def refuse(*_arguments, **_named):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("trayd.ledger.lock.FileLock.acquire", refuse)
    with pytest.raises(LedgerError, match=said) as error:
        opened(tmp_path)
    assert str(folders(tmp_path).ledger) in str(error.value)
