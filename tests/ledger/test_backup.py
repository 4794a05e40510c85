"""Copies of a ledger, putting them back, and clearing: whole or refused, and finished whatever cuts them short."""

import itertools
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

from tests.ledger.faults import FaultyDisk, QuickDisk
from tests.ledger.making import DAY, NOON, billing, cost, covers, crash, edit, event, folders, opened, row
from trayd.errors import LedgerDamagedError, LedgerError, LedgerFullError, LedgerNewerError
from trayd.facts import Batch
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.ledger.swap import Plan
from trayd.ledger.upkeep import examine

URL = "http://127.0.0.1:1/v1"


def content(ledger):
    return list(ledger.records()), ledger.coverage("acme")


def files(home):
    """Every file of the ledger's but the lock, which only says who has it."""
    found = [path for part in ("ledger", "backup") for path in (home / part).rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in found if "lock" not in path.name}


def first_state(home, disk=None):
    ledger = opened(home, disk or QuickDisk(), URL)
    ledger.add(
        Batch(
            events=(event("a", "r1", client="Northwind"),),
            billing=(billing("r1"), billing("r2", row(at=NOON - 40 * DAY))),
            costs=(cost(),),
            coverage=(covers("acme", NOON - 50 * DAY, NOON),),
        )
    )
    return ledger


def second_state(ledger):
    ledger.add(Batch(edits=(edit("r1", "client", "Contoso"),), billing=(billing("r3"),)))
    ledger.add(Batch(coverage=(covers("acme", NOON - 50 * DAY, NOON + DAY),)))


@pytest.fixture
def copied(tmp_path):
    """A home whose ledger has gone on since a copy was made of it; what was in it then, and what is in it now."""
    ledger = first_state(tmp_path)
    old = content(ledger)
    ledger.backup(NOON, tmp_path / "copy.zip")
    second_state(ledger)
    new = content(ledger)
    ledger.close()
    return tmp_path, old, new


class TestBackup:
    def test_holds_what_was_acknowledged_also_before_any_checkpoint(self, tmp_path):
        ledger = first_state(tmp_path)
        done = ledger.backup(NOON)
        assert done.path == tmp_path / "ledger-20261110T120000Z-backup.zip"
        assert (done.records, done.months, done.size) == (3, 2, done.path.stat().st_size)
        found = content(ledger)
        second_state(ledger)
        ledger.restore(done.path, NOON)
        assert content(ledger) == found
        ledger.close()

    def test_goes_where_it_is_told_and_writes_over_nothing(self, copied):
        home, _, _ = copied
        ledger = opened(home)
        with pytest.raises(LedgerError, match=r"copy\.zip is there already"):
            ledger.backup(NOON, home / "copy.zip")
        with pytest.raises(LedgerError, match="there is no folder"):
            ledger.backup(NOON, home / "nowhere" / "copy.zip")
        ledger.close()

    def test_leaves_kept_aside_files_and_what_is_not_the_ledgers_out(self, tmp_path):
        ledger = first_state(tmp_path)
        for name in ("ledger/2026-11.json.damaged-20261110T120000Z", "backup/thesis.docx", "ledger/notes.json"):
            (tmp_path / name).write_text("{}")
        with zipfile.ZipFile(ledger.backup(NOON).path) as packed:
            assert set(packed.namelist()) == {
                f"{part}/{name}{end}"
                for part, end in (("ledger", ".json"), ("backup", ".jsonl"))
                for name in ("state", "2026-10", "2026-11")
            }
        ledger.close()

    def test_of_an_empty_ledger_can_be_put_back_too(self, tmp_path):
        ledger = opened(tmp_path, base_url=URL)
        done = ledger.backup(NOON)
        ledger.add(Batch(events=(event(),)))
        ledger.restore(done.path, NOON)
        assert list(ledger.records()) == []
        ledger.close()

    def test_that_the_disk_refuses_leaves_no_half_a_file(self, tmp_path):
        ledger = first_state(tmp_path)
        ledger.checkpoint()
        disk = ledger._disk = FaultyDisk(3, "ENOSPC", lasts=True)
        with pytest.raises(LedgerFullError, match=r"backup\.zip: the disk is full"):
            ledger.backup(NOON)
        assert not list(tmp_path.glob("*.zip*")) or disk.calls.count("remove") > 0
        disk.at = None
        assert ledger.backup(NOON).records == 3
        ledger.close()


class TestRestore:
    def test_puts_records_and_watermark_back_together(self, copied):
        home, old, new = copied
        ledger = opened(home, base_url=URL)
        done = ledger.restore(home / "copy.zip", NOON)
        assert content(ledger) == old != new
        assert ledger.verify() == []
        assert (done.records, done.months) == (3, 2)
        ledger.close()
        ledger = opened(home, base_url=URL)
        assert content(ledger) == old
        assert ledger.notices == ()
        ledger.close()

    def test_archives_what_was_there_and_that_can_be_put_back(self, copied):
        home, old, new = copied
        ledger = opened(home, base_url=URL)
        kept = ledger.restore(home / "copy.zip", NOON).archive
        again = ledger.restore(kept, NOON).archive
        assert content(ledger) == new
        ledger.restore(again, NOON)
        assert content(ledger) == old
        ledger.close()

    def test_takes_months_away_that_the_copy_does_not_have(self, copied):
        home, old, _ = copied
        ledger = opened(home, base_url=URL)
        ledger.add(Batch(events=(event("far", "r9", NOON - 300 * DAY),)))
        ledger.restore(home / "copy.zip", NOON)
        assert content(ledger) == old
        assert not list(home.rglob("2026-01.json*"))
        ledger.close()

    def test_goes_on_taking_facts_in(self, copied):
        home, _, _ = copied
        ledger = opened(home, base_url=URL)
        ledger.restore(home / "copy.zip", NOON)
        second_state(ledger)
        there = content(ledger)
        crash(ledger)
        ledger = opened(home, base_url=URL)
        assert content(ledger) == there
        assert ledger.verify() == []
        ledger.close()

    def test_sums_are_those_of_what_was_put_back(self, copied):
        home, _, _ = copied
        ledger = opened(home, base_url=URL)
        ledger.restore(home / "copy.zip", NOON)
        assert sum(each.nanos for each in ledger.sums()) == sum(
            record.cost.nanos for record in ledger.records() if record.cost is not None
        )
        ledger.close()

    def test_of_a_copy_of_which_one_file_of_a_pair_is_lacking_takes_the_other(self, copied):
        home, old, _ = copied
        with zipfile.ZipFile(home / "copy.zip") as packed, zipfile.ZipFile(home / "half.zip", "w") as half:
            for name in packed.namelist():
                if name not in {"ledger/2026-11.json", "backup/state.jsonl"}:
                    half.writestr(name, packed.read(name))
        ledger = opened(home, base_url=URL)
        ledger.restore(home / "half.zip", NOON)
        assert content(ledger) == old
        ledger.close()

    def test_of_an_archive_that_a_reset_made(self, tmp_path):
        ledger = first_state(tmp_path)
        old = content(ledger)
        (tmp_path / "ledger/2026-11.json.damaged-20261101T000000Z").write_text("{")
        kept = ledger.archive_and_clear(NOON)
        assert content(ledger) == ([], None)
        ledger.restore(kept, NOON)
        assert content(ledger) == old
        ledger.close()

    def test_works_with_the_backup_in_the_ledgers_own_folder(self, tmp_path):
        both = tmp_path / "both"
        paths = LedgerPaths(both, both)
        ledger = archive_home(paths)
        found = list(ledger.records())
        kept = ledger.archive_and_clear(NOON)
        assert list(ledger.records()) == []
        ledger.restore(kept, NOON)
        assert list(ledger.records()) == found
        ledger.close()


def archive_home(paths):
    ledger = Ledger.open(paths, base_url=None, holder="a test", disk=QuickDisk(), clock=lambda: NOON)
    ledger.add(Batch(events=(event(),), billing=(billing("r2"),)))
    return ledger


def packed_with(home, *entries):
    path = home / "bad.zip"
    with zipfile.ZipFile(home / "copy.zip") as good, zipfile.ZipFile(path, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name))
        for name, data in entries:
            bad.writestr(name, data)
    return path


class TestRefused:
    @pytest.fixture
    def refused(self, copied):
        """Wants the file refused and nothing touched; gives what was said."""
        home, _, new = copied

        def try_it(source, kind=LedgerError):
            before = files(home)
            ledger = opened(home, base_url=URL)
            with pytest.raises(kind) as error:
                ledger.restore(source, NOON)
            assert content(ledger) == new
            ledger.close()
            assert set(files(home)) == set(before)
            assert not [path for path in home.glob("*.zip") if path.name not in {"copy.zip", "bad.zip"}]
            return str(error.value)

        return home, try_it

    def test_a_file_that_is_not_there(self, refused):
        home, try_it = refused
        assert "there is no file" in try_it(home / "nowhere.zip")

    def test_a_file_that_is_no_zip_file(self, refused):
        home, try_it = refused
        (home / "bad.zip").write_text("Dear diary")
        assert "is no zip file" in try_it(home / "bad.zip")

    def test_a_zip_file_of_something_else(self, refused):
        home, try_it = refused
        with zipfile.ZipFile(home / "bad.zip", "w") as packed:
            packed.writestr("report.html", "<html>")
        assert "holds 'report.html', which no ledger has" in try_it(home / "bad.zip")

    def test_an_empty_zip_file(self, refused):
        home, try_it = refused
        zipfile.ZipFile(home / "bad.zip", "w").close()
        assert "holds no ledger" in try_it(home / "bad.zip")

    @pytest.mark.parametrize(
        "name", ["../ledger/2026-11.json", "/etc/passwd", "ledger/../../x.json", "ledger/2026-13.json", "C:\\x.json"]
    )
    def test_names_that_lead_elsewhere(self, refused, name):
        home, try_it = refused
        assert "which no ledger has" in try_it(packed_with(home, (name, "{}")))

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_one_file_twice(self, refused):
        home, try_it = refused
        assert "holds ledger/state.json twice" in try_it(packed_with(home, ("ledger/state.json", "{}")))

    def test_a_copy_that_was_cut_off_or_damaged_anywhere(self, refused):
        home, try_it = refused
        whole = (home / "copy.zip").read_bytes()
        for number in range(12):
            at = 40 + number * (len(whole) - 80) // 12
            (home / "bad.zip").write_bytes(whole[:at] if number % 2 else whole[:at] + b"\xff" + whole[at + 1 :])
            try:
                try_it(home / "bad.zip")
            except pytest.fail.Exception:
                # A byte that nothing hangs on: a time stamp, say.
                assert examine(home / "bad.zip") == examine(home / "copy.zip")
                break

    def test_a_pair_of_which_neither_file_is_whole(self, refused):
        home, try_it = refused
        with zipfile.ZipFile(home / "copy.zip") as good, zipfile.ZipFile(home / "bad.zip", "w") as bad:
            for name in good.namelist():
                data = good.read(name)
                bad.writestr(
                    name, data[: len(data) // 2] + b"\0\n\0" + data[len(data) // 2 :] if "-11" in name else data
                )
        said = try_it(home / "bad.zip", LedgerDamagedError)
        assert "the pair 2026-11 is damaged" in said
        assert "/trayd-" not in said, "no name of a folder that is gone again"

    def test_the_history_of_another_api(self, copied, tmp_path):
        home, _, _ = copied
        other = tmp_path / "other"
        ledger = opened(other, base_url="https://api.fal.ai/v1")
        with pytest.raises(LedgerError, match=r"copy\.zip holds the history of http://127.* not of https://api"):
            ledger.restore(home / "copy.zip", NOON)
        ledger.close()
        assert not list(other.rglob("*11.json*"))

    def test_a_copy_that_a_newer_trayd_made(self, refused):
        home, try_it = refused
        with zipfile.ZipFile(home / "copy.zip") as good, zipfile.ZipFile(home / "bad.zip", "w") as bad:
            for name in good.namelist():
                bad.writestr(name, good.read(name).replace(b'{"1": {"trayd":2', b'{"1": {"trayd":7'))
        assert "newer trayd (format 7" in try_it(home / "bad.zip", LedgerNewerError)

    def test_one_for_which_there_is_no_room(self, refused, monkeypatch):
        home, try_it = refused
        usage = shutil.disk_usage(home)._replace(free=1000)
        monkeypatch.setattr("trayd.ledger.archive.shutil.disk_usage", lambda _: usage)
        assert "are needed and 1 kB are free" in try_it(home / "copy.zip", LedgerFullError)


@pytest.fixture(scope="module")
def keeper():
    command = [sys.executable, "-m", "tests.ledger.keeper"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(home, work, call):
            process.stdin.write(f"{home} {work} {call}\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        yield ask
        process.stdin.close()


@pytest.mark.parametrize("work", ["clear", "restore", "backup"])
def test_killed_at_any_file_call_it_is_done_or_not_begun(work, copied, keeper, tmp_path):
    origin, old, new = copied
    after = {"clear": ([], None), "restore": old, "backup": new}[work]
    seen = set()
    for call in itertools.count(1):
        home = tmp_path / f"{call}"
        home.mkdir()
        for name in ("ledger", "backup"):
            shutil.copytree(origin / name, home / name)
        shutil.copy(origin / "copy.zip", home)
        answer = keeper(home, work, call)
        assert answer in {"killed", "done"}
        ledger = opened(home, QuickDisk(), URL)
        found = content(ledger)
        assert found in (new, after), f"call {call}"
        assert ledger.verify() == []
        if found == after and answer == "killed" and work != "backup":
            seen.add("finished" if ledger.notices else "done")
            assert all("finished now" in notice for notice in ledger.notices)
        else:
            assert ledger.notices == ()
        ledger.close()
        assert not [path for path in home.rglob("*") if path.name.endswith((".restoring", ".plan"))]
        if found != new:
            (kept,) = [path for path in home.glob("ledger-*.zip") if "backup" not in path.name]
            assert examine(kept).records == len(new[0]), "what was there before is archived, whole"
        shutil.rmtree(home)
        if answer == "done":
            break
    assert call > 5
    assert work == "backup" or "finished" in seen


@pytest.mark.parametrize("work", ["clear", "restore"])
@pytest.mark.parametrize("lasts", [False, True])
def test_refused_at_any_file_call_it_is_done_or_not_begun_and_the_ledger_goes_on(work, lasts, copied, tmp_path):
    origin, old, new = copied
    after = ([], None) if work == "clear" else old
    for call in itertools.count(1):
        home = tmp_path / f"{call}"
        home.mkdir()
        for name in ("ledger", "backup"):
            shutil.copytree(origin / name, home / name)
        disk = FaultyDisk(fault="EIO", lasts=lasts)
        ledger = opened(home, disk, URL)
        disk.at, disk.made = call, 0
        try:
            ledger.archive_and_clear(NOON) if work == "clear" else ledger.restore(origin / "copy.zip", NOON)
            done = True
        except LedgerFullError:
            done = False
        made, disk.at = disk.made, None
        found = content(ledger)
        assert found == after if done else found in (new, after), f"call {call}"
        ledger.add(Batch(events=(event("later", "later"),)))
        assert ledger.get("later") is not None
        assert ledger.verify() == []
        crash(ledger)
        ledger = opened(home, QuickDisk(), URL)
        assert ledger.get("later") is not None
        ledger.close()
        shutil.rmtree(home)
        if made < call:
            break
    assert call > 5


def test_a_mirrors_disk_that_is_gone_in_the_middle_is_waited_for(copied):
    """The plan names a file that is in neither place: nothing is guessed."""
    home, _, _ = copied
    plan = Plan(told="copy.zip was being restored", ledger=("2026-11.json",), backup=("2026-11.jsonl", "2026-12.jsonl"))
    (home / "ledger/ledger.plan").write_bytes(msgspec.json.encode(plan))
    before = files(home)
    with pytest.raises(LedgerDamagedError, match=r"2026-12\.jsonl is not there; connect the disk"):
        opened(home)
    assert files(home) == before
    assert folders(home).ledger.is_dir()


def test_a_poll_that_was_under_way_claims_nothing_of_what_was_put_back(copied):
    """It went on from a watermark that is gone; what it brought stays, and the next poll fetches the rest."""
    home, old, _ = copied
    ledger = opened(home, QuickDisk(), URL)
    before = ledger.coverage("acme")
    ledger.restore(home / "copy.zip", NOON)
    claim = msgspec.structs.replace(before, until=NOON + 2 * DAY, continues=before.fetched_at)
    ledger.add(Batch(billing=(billing("late"),), coverage=(claim,)))
    assert ledger.get("late") is not None
    assert ledger.coverage("acme") == old[1]
    now = msgspec.structs.replace(claim, continues=old[1].fetched_at, fetched_at=NOON + 2 * DAY)
    ledger.add(Batch(coverage=(now,)))
    assert ledger.coverage("acme") == msgspec.structs.replace(now, continues=None)
    ledger.close()


def test_a_checkpoint_that_was_under_way_writes_nothing_over_what_was_put_back(copied):
    home, old, _ = copied
    for steps_before in itertools.count():
        ledger = opened(home, QuickDisk(), URL)
        second_state(ledger)
        ledger.add(Batch(edits=(edit("r1", "note", str(steps_before)),)))
        steps = ledger.checkpoint_steps()
        over = any(next(steps, "over") == "over" for _ in range(steps_before))
        ledger.restore(home / "copy.zip", NOON)
        assert list(steps) == [] or steps_before == 0
        assert content(ledger) == old
        assert ledger.verify() == []
        ledger.close()
        ledger = opened(home, QuickDisk(), URL)
        assert (content(ledger), ledger.notices) == (old, ())
        assert sum(each.nanos for each in ledger.sums()) == sum(
            record.cost.nanos for record in ledger.records() if record.cost is not None
        )
        ledger.close()
        if over:
            break
    assert steps_before > 5


def test_a_copy_has_the_tinydb_file_that_a_crash_kept_from_being_there(tmp_path):
    crash(first_state(tmp_path))
    files_before = sorted(path.name for path in (tmp_path / "ledger").glob("20*.json"))
    assert files_before == []

    ledger = opened(tmp_path, base_url=URL)
    copy = ledger.backup(NOON, tmp_path / "copy.zip").path
    with zipfile.ZipFile(copy) as packed:
        assert {"ledger/2026-10.json", "ledger/2026-11.json"} <= set(packed.namelist())
    second_state(ledger)
    crash(ledger)

    ledger = opened(tmp_path, base_url=URL)
    assert content(ledger)[1].until == NOON + DAY
    assert ledger.notices == ()
    assert ledger.verify() == []
    ledger.close()
