"""A ledger that an older trayd wrote is brought up after a copy was made; one that a newer one wrote is left alone."""

import itertools
import json
import shutil
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
import tinydb

from tests.ledger.faults import FaultyDisk, QuickDisk
from tests.ledger.making import NOON, billing, crash, edit, event, folders, opened
from trayd.errors import LedgerDamagedError, LedgerFullError, LedgerNewerError
from trayd.facts import Batch
from trayd.ledger import formats
from trayd.ledger.formats import brought_up, format_of
from trayd.ledger.journal import FORMAT
from trayd.ledger.rebuild import rebuild
from trayd.ledger.upkeep import examine, held

URL = "https://api.fal.ai/v1"
FORMAT_1 = Path(__file__).parents[1] / "data" / "ledger-format-1"


@pytest.fixture
def old(tmp_path):
    """A home with a ledger of format 1, left as by a crash."""
    return put_back(tmp_path / "home")


def put_back(home):
    for part in ("ledger", "backup"):
        shutil.copytree(FORMAT_1 / part, home / part)
    return home


def records(ledger):
    return json.loads(msgspec.json.encode(list(ledger.records())))


def expected():
    return json.loads((FORMAT_1 / "expected.json").read_text(encoding="utf-8"))


def versions(home):
    return {path.name: format_of(path) for path in sorted(home.glob("*/*.json*")) if ".lock" not in path.name}


def test_a_ledger_of_format_1_is_the_same_after_it(old):
    ledger = opened(old, QuickDisk(), URL)
    assert records(ledger) == expected()
    assert ledger.verify() == []
    assert ledger.coverage("acme").until == NOON
    assert [str(reading.amount.text()) for reading in ledger.balances()] == ["50.00", "47.85"]
    assert set(ledger.models()) == {"fal-ai/kling-video/v3/pro/text-to-video", "fal-ai/flux/dev"}
    assert ledger.get("e4").id == "r4", "links are still resolved"
    assert ledger.file_taken("ab" * 32).name == "november.csv"
    assert ledger.episodes()["balance acme 20.00"].level == "20.00"
    assert len(ledger.differences()) == 1
    ledger.close()
    assert set(versions(old).values()) == {FORMAT}
    for file in (old / "ledger").glob("20*.json"):
        with tinydb.TinyDB(file) as database:
            assert all("facts" in document for document in database.all())


def test_it_is_told_once_with_the_name_of_the_copy(old):
    ledger = opened(old, QuickDisk(), URL)
    (notice,) = ledger.notices
    (copy,) = old.glob("ledger-*-format1.zip")
    assert notice == f"the ledger was brought from format 1 to {FORMAT}; a copy of it as it was is {copy}"
    ledger.close()
    again = opened(old, QuickDisk(), URL)
    assert again.notices == ()
    again.close()
    assert len(list(old.glob("*.zip"))) == 1


def test_the_copy_is_whole_and_can_be_put_back(old):
    ledger = opened(old, QuickDisk(), URL)
    (copy,) = old.glob("ledger-*-format1.zip")
    assert examine(copy).records == len(expected())
    ledger.add(Batch(edits=(edit("r1", "client", "Someone else"),)))
    ledger.restore(copy, NOON)
    assert records(ledger) == expected()
    assert ledger.verify() == []
    ledger.close()


def test_it_takes_facts_and_edits_in_as_if_nothing_had_been(old):
    ledger = opened(old, QuickDisk(), URL)
    ledger.add(Batch(edits=(edit("r1", "client", "Northwind Inc", NOON),), events=(event("new", "new"),)))
    crash(ledger)
    ledger = opened(old, QuickDisk(), URL)
    assert ledger.get("r1").client == "Northwind Inc"
    assert len(records(ledger)) == len(expected()) + 1
    ledger.close()


@pytest.mark.parametrize("lost", ["ledger/2026-10.json", "backup/2026-10.jsonl", "ledger/state.json"])
def test_one_file_of_a_pair_is_enough(old, lost):
    (old / lost).unlink()
    ledger = opened(old, QuickDisk(), URL)
    assert records(ledger) == expected()
    assert ledger.verify() == []
    ledger.close()


def test_tags_that_were_written_into_an_old_file_by_hand_are_taken_in(old):
    with tinydb.TinyDB(old / "ledger/2026-10.json") as database:
        database.update({"client": "By hand"}, tinydb.where("id") == "r1")
    ledger = opened(old, QuickDisk(), URL)
    found = {record["id"]: record for record in records(ledger)}
    assert found.pop("r1")["client"] == "By hand"
    assert list(found.values()) == [record for record in expected() if record["id"] != "r1"]
    ledger.close()


def test_two_damaged_files_of_an_old_pair_are_refused_by_name_and_rebuilt_when_asked(old):
    disk = QuickDisk()
    for path in (old / "ledger/2026-10.json", old / "backup/2026-10.jsonl"):
        data = path.read_bytes()
        path.write_bytes(data.replace(b"Northwind Ltd", b"Northw\x00nd Lt", 1))
    with pytest.raises(LedgerDamagedError, match=r"2026-10 is of an older format .* `trayd ledger rebuild 2026-10`"):
        opened(old, disk, URL)
    with held(folders(old), "a test", disk):
        state, done = rebuild(folders(old), disk, ["2026-10"], None, {})
    assert (state.name, state.missing) == ("state", ()), "it has to be read in the form of this version"
    assert done.missing
    ledger = opened(old, disk, URL)
    found = {record["id"] for record in records(ledger)}
    assert {record["id"] for record in expected()} - found <= {"r1"}
    assert ledger.verify() == []
    ledger.close()


@pytest.mark.parametrize("lasts", [False, True])
def test_cut_short_at_any_call_it_is_brought_up_later(lasts, tmp_path):
    """By a disk that refuses one call; or by one that refuses all from then on, which leaves what a kill leaves."""
    for call in itertools.count(1):
        home = put_back(tmp_path / str(call))
        disk = FaultyDisk(call, lasts=lasts)
        with suppress(LedgerFullError):
            opened(home, disk, URL).close()
        ledger = opened(home, QuickDisk(), URL)
        assert records(ledger) == expected(), call
        assert ledger.verify() == []
        ledger.close()
        assert len(list(home.glob("*-format1.zip"))) == 1, "one copy is enough"
        shutil.rmtree(home)
        if disk.made < call:
            break
    assert call > 20


class TestSteps:
    def test_every_version_has_its_step(self):
        assert set(formats.STEPS) == set(range(1, FORMAT))

    def test_edits_of_format_1_become_a_list(self):
        then = b'{"run":{"x":1},"edits":{"note":{"value":null,"at":"2026-11-10T12:00:00Z"}}}'
        now = b'{"run":{"x":1},"edits":[{"field":"note","value":null,"at":"2026-11-10T12:00:00Z"}]}'
        assert brought_up("_default", then, 1) == now
        assert brought_up("_default", now, 2) == now

    @pytest.mark.parametrize("payload", [b'{"events":[{"parameters":{"edits":{}}}]}', b"{}", b'{"edits":[]}'])
    def test_what_has_none_stays_byte_for_byte(self, payload):
        assert brought_up("_default", payload, 1) == payload

    def test_what_rollups_know_is_no_table_any_more(self):
        assert brought_up("drift", b'{"since":"2026-11-10T12:00:00Z","until":"2026-12-01T00:00:00Z"}', 1) is None

    def test_the_state_has_no_edits(self):
        assert brought_up("accounts", b'{"edits":{"a":{}}}', 1) == b'{"edits":{"a":{}}}'


class TestTheLook:
    def test_at_a_version_costs_a_few_bytes_however_large_the_file(self, tmp_path):
        ledger = opened(tmp_path, QuickDisk())
        ledger.add(Batch(billing=tuple(billing(f"r{number}") for number in range(300))))
        ledger.close()
        assert set(versions(tmp_path).values()) == {FORMAT}

    def test_at_what_is_missing_empty_or_no_such_file_finds_none(self, tmp_path):
        for name, data in {
            "a.jsonl": b"",
            "b.jsonl": b'{"trayd":1}\n',
            "c.json": b"{}",
            "d.json": b"\xff" * 9000,
        }.items():
            (tmp_path / name).write_bytes(data)
            assert format_of(tmp_path / name) is None
        assert format_of(tmp_path / "nowhere.jsonl") is None

    def test_at_one_file_that_is_too_new_stops_before_any_other_is_brought_up(self, old):
        seal = (old / "ledger/state.json").read_bytes()
        (old / "ledger/state.json").write_bytes(seal.replace(b'{"1": {"trayd":1,', b'{"1": {"trayd":9,'))
        before = {path: path.read_bytes() for path in old.glob("*/*.json*")}
        with pytest.raises(LedgerNewerError, match=r"state\.json was written by a newer trayd .*9.*; update trayd"):
            opened(old, QuickDisk(), URL)
        assert {path: path.read_bytes() for path in old.glob("*/*.json*")} == before
        assert not list(old.glob("*.zip"))
