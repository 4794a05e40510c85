"""Looking through a ledger, and writing pairs of it anew from whatever can still be read."""

import itertools
import re
import shutil
from contextlib import suppress

import pytest
import tinydb
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger.faults import FaultyDisk, QuickDisk
from tests.ledger.making import DAY, HOUR, NOON, billing, covers, crash, edit, event, folders, opened, row
from trayd.errors import LedgerDamagedError, LedgerError, LedgerFullError
from trayd.facts import Batch, FileTaken
from trayd.ledger.contents import Source
from trayd.ledger.rebuild import rebuild
from trayd.ledger.upkeep import held

URL = "http://127.0.0.1:1/v1"


def content(ledger):
    return list(ledger.records())


def file_of(home):
    return home / "ledger/2026-11.json"


def mirror_of(home):
    return home / "backup/2026-11.jsonl"


def filled(home, disk=None):
    """Eight records in one line of the mirror each, the first four in the TinyDB file as well, one in October."""
    ledger = opened(home, disk or QuickDisk(), URL)
    ledger.add(Batch(billing=(billing("october", row(at=NOON - 30 * DAY)),)))
    for number in range(8):
        ledger.add(Batch(events=(event(f"e{number}", f"r{number}", NOON + number * HOUR, client=f"Client {number}"),)))
        if number == 3:
            ledger.checkpoint()
    ledger.add(
        Batch(
            coverage=(covers("acme", NOON - 60 * DAY, NOON + DAY),),
            files=(
                FileTaken(digest="old", name="october.jsonl", at=NOON - 30 * DAY),
                FileTaken(digest="new", name="november.jsonl", at=NOON),
            ),
        )
    )
    return ledger


@pytest.fixture
def home(tmp_path):
    """As :func:`filled` leaves it when it is killed."""
    crash(filled(tmp_path))
    return tmp_path


def rebuilt(home, *names, source=None, disk=None):
    """Writes pairs anew as the command does where the ledger cannot be opened."""
    with held(folders(home), "a test", disk or QuickDisk()) as held_disk:
        return {one.name: one for one in rebuild(folders(home), held_disk, names, source, {})}


def damage(path, *needles):
    """Breaks the lines that say this, and leaves their number and the others as they are."""
    data = path.read_bytes()
    for needle in needles:
        assert needle in data
        data = data.replace(needle, bytes(len(needle)))
    path.write_bytes(data)


class TestVerify:
    def test_names_the_pair_the_file_and_the_cure(self, home):
        ledger = opened(home, QuickDisk(), URL)
        content(ledger)
        damage(mirror_of(home), b"Client 6")
        problem, *_ = ledger.verify()
        assert problem.pair == "2026-11"
        assert str(mirror_of(home)) in problem.text
        assert problem.cure == "run `trayd ledger rebuild 2026-11`; what it replaces is kept"
        crash(ledger)

    def test_goes_on_with_the_other_months_where_one_cannot_be_opened(self, home):
        for path in (file_of(home), mirror_of(home)):
            path.write_bytes(b"\0" * 900)
        ledger = opened(home, QuickDisk(), URL)
        (problem,) = ledger.verify()
        assert problem.pair == "2026-11"
        assert re.search(r"2026-11\.json is damaged and .*2026-11\.jsonl holds nothing whole", problem.text)
        ledger.close()

    def test_tells_how_far_it_is(self, home):
        ledger = opened(home, QuickDisk(), URL)
        steps = ledger.verify_steps()
        assert [(step.done, step.of) for step in steps] == [(0, 2), (1, 2), (2, 2)]
        ledger.close()


class TestRebuild:
    def test_from_memory_mends_what_has_rotted_under_a_ledger_that_is_open(self, home):
        ledger = opened(home, QuickDisk(), URL)
        found = content(ledger)
        damage(mirror_of(home), b"Client 6")
        file_of(home).write_bytes(b"{")
        assert ledger.verify()
        (done,) = ledger.rebuild(["2026-11"])
        assert (done.name, done.documents, done.read, done.missing) == ("2026-11", 8, "memory", ())
        assert content(ledger) == found
        assert ledger.verify() == []
        assert ledger.notices == ()
        crash(ledger)

    def test_keeps_what_it_replaces_and_deletes_nothing(self, home):
        before = {path.read_bytes() for path in (file_of(home), mirror_of(home))}
        done = rebuilt(home, "2026-11")["2026-11"]
        assert {path.read_bytes() for path in done.kept} == before
        assert all(re.search(r"\.jsonl?\.replaced-[0-9]{8}T[0-9]{6}Z", path.name) for path in done.kept)

    def test_of_all_leaves_the_same_records_and_sound_files(self, home):
        ledger = opened(home, QuickDisk(), URL)
        found = content(ledger)
        crash(ledger)
        done = rebuilt(home)
        assert list(done) == ["state", "2026-10", "2026-11"]
        assert {one.read for one in done.values()} == {"mirror"}
        ledger = opened(home, QuickDisk(), URL)
        assert content(ledger) == found
        assert ledger.coverage("acme").until == NOON + DAY
        assert ledger.verify() == []
        assert ledger.notices == ()
        ledger.close()
        with tinydb.TinyDB(file_of(home)) as database:
            assert len(database.all()) == 8

    def test_of_a_pair_that_is_not_there_is_refused(self, home):
        with pytest.raises(LedgerError, match="no files of '2026-12'; name one of state, 2026-10, 2026-11"):
            rebuilt(home, "2026-11", "2026-12")
        assert not list(home.rglob("*.replaced-*"))
        mirror_of(home).unlink()
        with pytest.raises(LedgerError, match=r"there is no .*2026-11\.jsonl; read the other file"):
            rebuilt(home, "2026-11", source=Source.MIRROR)

    def test_from_the_mirror_alone_leaves_out_what_was_written_into_the_file(self, home):
        with tinydb.TinyDB(file_of(home)) as database:
            database.update({"client": "By hand"}, tinydb.where("id") == "r1")
        done = rebuilt(home, "2026-11", source=Source.MIRROR)["2026-11"]
        assert (done.read, done.documents, done.missing) == ("mirror", 8, ())
        ledger = opened(home, QuickDisk(), URL)
        assert ledger.get("r1").client == "Client 1"
        assert ledger.notices == ()
        ledger.close()

    def test_without_a_choice_takes_edits_by_hand_in_as_any_start_does(self, home):
        with tinydb.TinyDB(file_of(home)) as database:
            database.update({"client": "By hand"}, tinydb.where("id") == "r1")
        rebuilt(home, "2026-11")
        ledger = opened(home, QuickDisk(), URL)
        assert [record.client for record in content(ledger) if record.id in {"r1", "r2"}] == ["Client 2", "By hand"]
        ledger.close()

    def test_from_the_file_alone_also_where_it_was_edited_and_the_mirror_is_lost(self, home):
        """A start refuses this pair: it cannot know what the person has changed."""
        with tinydb.TinyDB(file_of(home)) as database:
            database.update({"client": "By hand"}, tinydb.where("id") == "r1")
        mirror_of(home).unlink()
        ledger = opened(home, QuickDisk(), URL)
        with pytest.raises(LedgerDamagedError, match=r"2026-11\.json is not as trayd wrote it"):
            content(ledger)
        (done,) = ledger.rebuild(["2026-11"], Source.FILE)
        assert (done.read, done.documents, done.missing) == ("file", 4, ())
        assert {record.id: record.client for record in content(ledger) if record.id.startswith("r")} == {
            "r0": "Client 0",
            "r1": "By hand",
            "r2": "Client 2",
            "r3": "Client 3",
        }
        assert ledger.verify() == []
        ledger.close()


class TestWhatIsLost:
    def test_is_named_line_by_line_where_neither_file_is_whole(self, home):
        damage(mirror_of(home), b'"key":"r2"', b'"key":"r3"', b'"key":"r6"')
        damage(file_of(home), b'"id":"r2"')
        done = rebuilt(home, "2026-11")["2026-11"]
        ledger = opened(home, QuickDisk(), URL)
        assert {record.id for record in content(ledger)} == {"october", "r0", "r1", "r3", "r4", "r5", "r7"}
        assert ledger.verify() == []
        ledger.close()
        assert done.read == "both"
        mirror, file = done.missing
        assert re.fullmatch(r".*2026-11\.jsonl: lines 4–5, 9 cannot be read", mirror), mirror
        assert re.fullmatch(r".*2026-11\.json: line 4 cannot be read", file), file

    def test_is_asked_of_fal_again_and_can_be_dropped_again(self, home):
        damage(mirror_of(home), b'"key":"r6"')
        done = rebuilt(home, "2026-11")["2026-11"]
        assert done.again_since == NOON.replace(day=1, hour=0)
        ledger = opened(home, QuickDisk(), URL)
        assert ledger.coverage("acme").until == NOON.replace(day=1, hour=0)
        assert ledger.coverage("acme").since == NOON - 60 * DAY
        assert ledger.file_taken("new") is None
        assert ledger.file_taken("old") is not None
        ledger.close()

    def test_is_nothing_where_the_file_has_what_the_mirror_lost(self, home):
        damage(mirror_of(home), b'"key":"r2"')
        done = rebuilt(home, "2026-11")["2026-11"]
        assert (done.read, done.documents, done.missing, done.again_since) == ("both", 8, (), None)

    def test_of_the_state_keeps_the_ledger_from_opening_until_it_is_rebuilt(self, home):
        damage(home / "backup/state.jsonl", b'"base_url"')
        (home / "ledger/state.json").write_bytes(b"{")
        with pytest.raises(LedgerDamagedError, match=r"state\.json .* and .*state\.jsonl"):
            opened(home, QuickDisk(), URL)
        with pytest.raises(LedgerDamagedError, match="state"):
            rebuilt(home, "2026-11")
        done = rebuilt(home, "state")["state"]
        assert any("cannot be read" in text for text in done.missing)
        ledger = opened(home, QuickDisk(), URL)
        assert len(content(ledger)) == 9
        assert ledger.coverage("acme").until == NOON + DAY
        ledger.close()

    def test_is_left_out_where_it_makes_no_sense(self, home):
        with tinydb.TinyDB(file_of(home)) as database:
            database.insert({"id": "stranger", "cost": "a lot"})
            database.insert({"id": "odd", "facts": {"events": "none"}})
        done = rebuilt(home, "2026-11", source=Source.FILE)["2026-11"]
        assert done.documents == 4
        assert len(done.missing) == 2
        ledger = opened(home, QuickDisk(), URL)
        assert ledger.verify() == []
        ledger.close()


@settings(max_examples=60)
@given(data=st.data())
def test_whatever_is_cut_off_or_overwritten_each_whole_line_is_taken(data, tmp_path_factory):
    origin = tmp_path_factory.getbasetemp() / "origin"
    if not origin.exists():
        crash(filled(origin))
    home = tmp_path_factory.mktemp("harmed")
    for part in ("ledger", "backup"):
        shutil.copytree(origin / part, home / part)
    whole = set()
    for path in (mirror_of(home), file_of(home)):
        content_ = path.read_bytes()
        start = data.draw(st.integers(0, len(content_) - 1))
        length = data.draw(st.integers(1, len(content_)))
        noise = data.draw(st.sampled_from([b"", b"\0", b"\n", b"{", b'"']))
        harmed = content_[:start] + noise * min(length, len(content_) - start) + content_[start + length :]
        path.write_bytes(harmed)
        lines = set(content_.split(b"\n"))
        pattern = rb'"key":"(r[0-9])"' if path == mirror_of(home) else rb'"id":"(r[0-9])"'
        # A file's last document has the ends of its table and of the file on its line: it may be lost with them.
        # A mirror's line that does not end was never acknowledged.
        kept = [line for line in harmed.split(b"\n")[:-1] if line in lines]
        whole |= {match[1].decode() for line in kept if (match := re.search(pattern, line))}
    rebuilt(home, "2026-11")
    ledger = opened(home, QuickDisk(), URL)
    there = {record.id for record in content(ledger)}
    assert whole <= there <= {"october", *(f"r{number}" for number in range(8))}
    assert ledger.verify() == []
    ledger.close()


@pytest.mark.parametrize("lasts", [False, True])
def test_a_disk_that_refuses_any_call_of_a_rebuild_costs_nothing(lasts, tmp_path):
    for call in itertools.count(1):
        home = tmp_path / str(call)
        ledger = filled(home)
        found = content(ledger)
        crash(ledger)
        disk = FaultyDisk(call, "EIO", lasts=lasts)
        with suppress(LedgerFullError):
            rebuilt(home, disk=disk)
        ledger = opened(home, QuickDisk(), URL)
        assert content(ledger) == found, call
        assert ledger.verify() == []
        ledger.close()
        shutil.rmtree(home)
        if disk.made < call:
            break
    assert call > 20


def test_a_person_can_still_edit_what_was_rebuilt(home):
    rebuilt(home)
    ledger = opened(home, QuickDisk(), URL)
    ledger.add(Batch(edits=(edit("r1", "client", "Contoso"),)))
    crash(ledger)
    ledger = opened(home, QuickDisk(), URL)
    assert ledger.get("r1").client == "Contoso"
    ledger.close()
