"""The ledger's folder and the mirrors' folder: moved, out of reach, another ledger's, or touched by another program."""

import json
import shutil

import pytest

from tests.ledger.making import DAY, NOON, crash, edit, event, folders, opened
from trayd.errors import LedgerDamagedError, LedgerError
from trayd.facts import Batch
from trayd.ledger.contents import Source
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.operations.keeping import RebuildQuery, write_anew_closed


def held_in(paths):
    return Ledger.open(paths, base_url=None, holder="a test", clock=lambda: NOON)


def elsewhere(home, name="other disk"):
    return LedgerPaths(home / "ledger", home / name)


def ids(ledger):
    return {record.id for record in ledger.records()}


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if ".lock" not in path.name}


@pytest.fixture
def killed(tmp_path):
    """A home whose last change, the note, stands in the mirror alone."""
    ledger = opened(tmp_path, base_url="https://api.fal.ai")
    ledger.add(Batch(events=(event("a", "r1"), event("b", "r2", NOON - 30 * DAY))))
    ledger.checkpoint()
    ledger.add(Batch(edits=(edit("r1", "note", "the newest"),)))
    crash(ledger)
    return tmp_path


@pytest.fixture
def closed(tmp_path):
    """A home that was closed as it should be."""
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("a", "r1"), event("b", "r2", NOON - 30 * DAY))))
    ledger.close()
    return tmp_path


class TestAnotherFolder:
    def test_gets_the_mirrors_of_the_one_before(self, killed):
        before = files_in(killed / "backup")
        ledger = held_in(elsewhere(killed))
        assert ledger.get("r1").note == "the newest"
        assert "mirrors were copied" in " ".join(ledger.notices)
        assert ledger.verify() == []
        ledger.close()
        assert files_in(killed / "backup") == before, "the old ones stay"
        again = held_in(elsewhere(killed))
        assert again.notices == ()
        again.close()

    def test_is_gone_back_from_with_what_came_meanwhile(self, killed):
        ledger = held_in(elsewhere(killed))
        ledger.add(Batch(edits=(edit("r1", "note", "newer still", NOON + DAY),)))
        crash(ledger)
        ledger = opened(killed)
        assert ledger.get("r1").note == "newer still"
        assert ledger.verify() == []
        ledger.close()

    def test_can_have_other_files(self, killed):
        (killed / "other disk").mkdir()
        (killed / "other disk/letter.txt").write_text("mine")
        held_in(elsewhere(killed)).close()
        assert (killed / "other disk/letter.txt").read_text() == "mine"

    def test_is_refused_where_the_one_before_has_the_newest_and_is_out_of_reach(self, killed):
        (killed / "backup").rename(killed / "unplugged")
        with pytest.raises(
            LedgerDamagedError, match=r"newest changes of 2026-10, 2026-11, state may stand only in .*backup;"
        ):
            held_in(elsewhere(killed))
        assert not (killed / "other disk").exists()

    def test_that_has_left_mirrors_of_long_ago_is_not_taken_for_the_newest(self, killed):
        shutil.copytree(killed / "backup", killed / "old copy")
        ledger = held_in(elsewhere(killed))
        ledger.add(Batch(edits=(edit("r1", "note", "newer still", NOON + DAY),)))
        crash(ledger)
        (killed / "other disk").rename(killed / "unplugged")
        with pytest.raises(LedgerDamagedError, match="newest changes"):
            opened(killed)


class TestTheMirrorsOutOfReach:
    def test_after_a_crash_are_waited_for_by_name(self, killed):
        (killed / "backup").rename(killed / "unplugged")
        for _ in range(2):
            with pytest.raises(
                LedgerDamagedError, match=r"newest changes of 2026-10, 2026-11, state .*rebuild --from file"
            ):
                opened(killed)
        assert not (killed / "backup").exists()
        (killed / "unplugged").rename(killed / "backup")
        ledger = opened(killed)
        assert ledger.get("r1").note == "the newest"
        ledger.close()

    def test_after_a_crash_can_be_done_without(self, killed):
        shutil.rmtree(killed / "backup")
        done = write_anew_closed(folders(killed), RebuildQuery(source=Source.FILE), holder="a test")
        assert {"2026-10", "2026-11"} <= {one.pair for one in done}
        ledger = opened(killed)
        assert ids(ledger) == {"r1", "r2"}
        assert ledger.get("r1").note is None
        ledger.close()

    def test_after_an_end_as_it_should_be_are_written_anew_and_told_of_once(self, closed):
        (closed / "backup").rename(closed / "unplugged")
        ledger = opened(closed)
        assert ids(ledger) == {"r1", "r2"}
        (notice,) = ledger.notices
        assert "had no mirrors" in notice
        ledger.add(Batch(events=(event("c", "r3"),)))
        ledger.close()
        shutil.rmtree(closed / "backup")
        (closed / "unplugged").rename(closed / "backup")
        ledger = opened(closed)
        assert sorted(record.id for record in ledger.records()) == ["r1", "r2", "r3"]
        assert ledger.verify() == []
        ledger.close()

    def test_of_a_month_that_a_crash_left_and_nobody_asked_for_since(self, killed):
        ledger = opened(killed)
        ledger.add(Batch(events=(event("c", "r3", NOON - 30 * DAY),)))
        ledger.close()
        shutil.rmtree(killed / "backup")
        ledger = opened(killed)
        assert ledger.get("r1").note == "the newest", "the end brought its file up to date"
        ledger.close()


class TestTwoHomes:
    def test_with_one_backup_folder_are_one_too_many(self, tmp_path):
        shared = tmp_path / "shared"
        first, second = (LedgerPaths(tmp_path / name / "ledger", shared) for name in ("first", "second"))
        ledger = held_in(first)
        ledger.add(Batch(events=(event("a", "r1"),)))
        before = files_in(shared)
        with pytest.raises(LedgerError, match=r"holds the mirrors of the ledger in .*first.*folders\.backup"):
            held_in(second)
        assert files_in(shared) == before
        ledger.close()
        ledger = held_in(first)
        assert ids(ledger) == {"r1"}
        ledger.close()

    def test_of_which_one_is_a_copy_have_one_backup_folder_no_more_than_others(self, tmp_path):
        first, second = (LedgerPaths(tmp_path / name / "ledger", tmp_path / "shared") for name in ("first", "second"))
        ledger = held_in(first)
        ledger.add(Batch(events=(event("a", "r1"),)))
        ledger.close()
        shutil.copytree(first.ledger, second.ledger)
        with pytest.raises(LedgerError, match="holds the mirrors of the ledger in"):
            held_in(second)

    def test_that_were_copied_with_both_folders_are_two(self, killed, tmp_path_factory):
        copy = tmp_path_factory.mktemp("copy") / "home"
        shutil.copytree(killed, copy)
        for home in (copy, killed):
            ledger = opened(home)
            assert ledger.get("r1").note == "the newest"
            ledger.add(Batch(events=(event("c", "r3"),)))
            ledger.close()

    def test_that_has_moved_is_the_same(self, killed, tmp_path_factory):
        moved = tmp_path_factory.mktemp("moved") / "home"
        shutil.move(killed, moved)
        ledger = opened(moved)
        assert ledger.get("r1").note == "the newest"
        assert ledger.notices == ()
        ledger.close()


class TestTheMarks:
    def test_are_not_missed_in_a_ledger_of_before(self, killed):
        (killed / "ledger/ledger.mark").unlink()
        (killed / "backup/mirrors.mark").unlink()
        ledger = opened(killed)
        assert ledger.get("r1").note == "the newest"
        assert ledger.notices == ()
        ledger.add(Batch(events=(event("c", "r3"),)))
        ledger.close()
        assert (killed / "backup/mirrors.mark").exists()

    def test_let_a_lost_ledger_come_back_from_its_mirrors(self, killed):
        shutil.rmtree(killed / "ledger")
        ledger = opened(killed)
        assert ledger.get("r1").note == "the newest"
        ledger.close()

    def test_stay_through_a_reset_and_a_restore(self, closed, tmp_path_factory):
        def identity():
            return json.loads((closed / "ledger/ledger.mark").read_bytes())["id"]

        before = identity()
        ledger = opened(closed)
        archive = ledger.archive_and_clear(NOON)
        ledger.restore(archive, NOON)
        ledger.close()
        assert identity() == before
        other = tmp_path_factory.mktemp("other")
        ledger = opened(other)
        ledger.add(Batch(events=(event("z", "r9"),)))
        ledger.close()
        mark = json.loads((other / "ledger/ledger.mark").read_bytes())["id"]
        ledger = opened(other)
        ledger.restore(archive, NOON)
        ledger.close()
        ledger = opened(other)
        assert ids(ledger) == {"r1", "r2"}
        ledger.close()
        assert json.loads((other / "ledger/ledger.mark").read_bytes())["id"] == mark != before


def take_away(mirror):
    mirror.unlink()


def exchange_for_itself(mirror):
    content = mirror.read_bytes()
    mirror.unlink()
    mirror.write_bytes(content)


def exchange_for_an_older_one(mirror):
    lines = mirror.read_bytes().splitlines(keepends=True)
    mirror.unlink()
    mirror.write_bytes(b"".join(lines[:2]))


def write_into(mirror):
    with mirror.open("ab") as file:
        file.write(b"a sync conflict\n")


MEDDLING = pytest.mark.parametrize("meddle", [take_away, exchange_for_itself, exchange_for_an_older_one, write_into])


@MEDDLING
def test_a_mirror_that_another_program_touches_is_written_anew_from_memory(tmp_path, meddle):
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("a", "r1"), event("b", "r2"))))
    meddle(tmp_path / "backup/2026-11.jsonl")
    ledger.add(Batch(edits=(edit("r1", "note", "after that"),)))
    ledger.add(Batch(events=(event("c", "r3"),)))
    (notice,) = ledger.notices
    assert "written anew" in notice
    crash(ledger)
    ledger = opened(tmp_path)
    assert ids(ledger) == {"r1", "r2", "r3"}
    assert ledger.get("r1").note == "after that"
    assert ledger.verify() == []
    ledger.close()


@MEDDLING
def test_so_is_one_that_was_not_written_since_the_start(closed, meddle):
    ledger = opened(closed)
    assert ids(ledger) == {"r1", "r2"}
    meddle(closed / "backup/2026-11.jsonl")
    ledger.add(Batch(events=(event("c", "r3"),)))
    crash(ledger)
    ledger = opened(closed)
    assert ids(ledger) == {"r1", "r2", "r3"}
    assert ledger.verify() == []
    ledger.close()


@MEDDLING
def test_so_is_one_that_a_checkpoint_finds(tmp_path, meddle):
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("a", "r1"), event("b", "r2"))))
    meddle(tmp_path / "backup/2026-11.jsonl")
    ledger.checkpoint()
    assert ledger.verify() == []
    crash(ledger)
    ledger = opened(tmp_path)
    assert ids(ledger) == {"r1", "r2"}
    ledger.close()
