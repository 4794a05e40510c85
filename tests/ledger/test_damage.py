"""Damaged, missing, edited and exchanged files, as a person meets them at the door; every byte: ``test_every_byte``."""

import json
import os
import shutil
from zlib import crc32

import pytest
import tinydb

from tests.ledger.making import DAY, NOON, billing, crash, edit, event, folders, opened, row
from trayd.errors import LedgerDamagedError, LedgerError
from trayd.facts import Batch
from trayd.ledger.journal import FORMAT


def content(ledger):
    return list(ledger.records())


def states_of(home):
    """A small ledger with a checkpoint in the middle, left as by a crash; what it held after each change."""
    ledger = opened(home)
    states = [content(ledger)]
    for batch in (
        Batch(events=(event("a", "r1", client="Northwind"),)),
        Batch(billing=(billing("r1"), billing("r2", row(at=NOON + DAY)))),
        Batch(edits=(edit("r1", "note", "first"),)),
    ):
        ledger.add(batch)
        states.append(content(ledger))
    ledger.checkpoint()
    ledger.add(Batch(edits=(edit("r2", "note", "after the checkpoint"),)))
    states.append(content(ledger))
    crash(ledger)
    return states


@pytest.fixture
def kept(tmp_path):
    """The ledger's folder and a function that puts it back as it was."""
    home, origin = tmp_path / "home", tmp_path / "origin"
    states = states_of(origin)

    def put_back():
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(origin, home)
        return home

    return put_back, states


def file_of(home):
    return home / "ledger/2026-11.json"


def mirror_of(home):
    return home / "backup/2026-11.jsonl"


def reopened(home):
    ledger = opened(home)
    found = content(ledger)
    assert ledger.verify() == []
    ledger.checkpoint()
    with tinydb.TinyDB(file_of(home)) as database:
        assert {document["id"] for document in database.all()} == {record.id for record in found}
    notices = ledger.notices
    ledger.close()
    again = opened(home)
    assert content(again) == found
    assert again.notices == ()
    again.close()
    return found, notices


def test_a_mirror_that_was_cut_loses_at_most_what_was_cut_off(kept):
    put_back, states = kept
    whole = mirror_of(put_back()).read_bytes()
    for size in range(0, len(whole), 97):
        home = put_back()
        mirror_of(home).write_bytes(whole[:size])
        found, _ = reopened(home)
        assert found in (states[-1], states[-2]), "the TinyDB file holds all up to its checkpoint"


def test_a_tinydb_file_that_was_cut_is_rebuilt_from_the_mirror_and_kept_aside(kept):
    put_back, states = kept
    whole = file_of(put_back()).read_bytes()
    for size in range(0, len(whole) - 1, 97):
        home = put_back()
        file_of(home).write_bytes(whole[:size])
        found, notices = reopened(home)
        assert found == states[-1]
        (aside,) = (home / "ledger").glob("2026-11.json.damaged-*")
        assert aside.read_bytes() == whole[:size]
        assert aside.name in notices[0]


def test_flipped_bits_in_the_tinydb_file_never_change_an_amount(kept):
    put_back, states = kept
    whole = file_of(put_back()).read_bytes()
    for at in range(0, len(whole) - 1, 53):
        home = put_back()
        file_of(home).write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        found, notices = reopened(home)
        assert notices
        for record, right in zip(found, states[-1], strict=True):
            assert (record.id, record.actual, record.timestamp) == (right.id, right.actual, right.timestamp)


@pytest.mark.parametrize("missing", [file_of, mirror_of])
def test_one_file_missing_is_rebuilt_from_the_other(kept, missing):
    put_back, states = kept
    home = put_back()
    missing(home).unlink()
    found, notices = reopened(home)
    assert found == states[-1 if missing is file_of else -2]
    assert "missing" in notices[0]


def test_both_damaged_is_refused_by_both_names_and_nothing_is_touched(kept):
    put_back, _ = kept
    home = put_back()
    for path in (file_of(home), mirror_of(home)):
        data = path.read_bytes()
        path.write_bytes(data[:50] + b"\x00" + data[51:])
    before = {path: path.read_bytes() for path in home.rglob("2026*")}
    ledger = opened(home)
    with pytest.raises(LedgerDamagedError, match=r"2026-11\.json is damaged and .*2026-11\.jsonl is damaged"):
        content(ledger)
    ledger.close()
    assert {path: path.read_bytes() for path in home.rglob("2026*")} == before


def test_a_file_that_is_not_trayds_without_a_mirror_is_refused(kept):
    put_back, _ = kept
    home = put_back()
    file_of(home).write_bytes(file_of(home).read_bytes().replace(b"1120000000", b"9120000000"))
    mirror_of(home).unlink()
    ledger = opened(home)
    with pytest.raises(LedgerDamagedError, match="not as trayd wrote it"):
        content(ledger)
    ledger.close()


@pytest.mark.parametrize("swapped", [file_of, mirror_of])
def test_one_of_the_two_swapped_for_yesterdays(tmp_path, swapped):
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("a", "r1"),)))
    ledger.close()
    yesterday = swapped(tmp_path).read_bytes()
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("b", "r2"),)))
    right = content(ledger)
    ledger.close()
    swapped(tmp_path).write_bytes(yesterday)
    found, _ = reopened(tmp_path)
    assert found == right


def test_tags_and_notes_of_a_hand_edited_file_are_taken_in_and_the_rest_stays(kept):
    put_back, _ = kept
    home = put_back()
    with tinydb.TinyDB(file_of(home)) as database:
        database.update({"client": "Contoso", "note": None, "account": "mallory"}, tinydb.where("id") == "r1")
        database.remove(tinydb.where("id") == "r2")
        database.insert({"id": "r3", "client": "Nobody"})
    edited = file_of(home).read_bytes()
    found, notices = reopened(home)
    by_id = {record.id: record for record in found}
    assert set(by_id) == {"r1", "r2"}
    assert (by_id["r1"].client, by_id["r1"].note, by_id["r1"].account) == ("Contoso", None, "acme")
    assert by_id["r2"].note == "after the checkpoint", "what the file did not hold yet is no edit"
    (aside,) = (home / "ledger").glob("2026-11.json.edited-*")
    assert aside.read_bytes() == edited
    assert "damaged" not in " ".join(notices)


def newer(path):
    """The file as a newer trayd writes it: every format seals a mirror's first line alike."""
    data = path.read_bytes()
    if path.suffix == ".json":
        return data.replace(b'"trayd":%d' % FORMAT, b'"trayd":9')
    head, rest = data.split(b"\n", 1)
    body = head[18:].replace(b'"trayd":%d' % FORMAT, b'"trayd":9')
    return b'{"sum":"%08x",%s\n%s' % (crc32(body), body, rest)


@pytest.mark.parametrize("path_of", [file_of, mirror_of])
def test_a_newer_format_is_refused_and_left_alone(kept, path_of):
    put_back, _ = kept
    home = put_back()
    path = path_of(home)
    path.write_bytes(newer(path))
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="newer trayd"):
        opened(home)
    assert path.read_bytes() == before


@pytest.mark.parametrize("path_of", [file_of, mirror_of])
def test_a_version_that_changed_to_an_older_one_is_damage_and_no_older_ledger(kept, path_of):
    put_back, states = kept
    home = put_back()
    path = path_of(home)
    path.write_bytes(path.read_bytes().replace(b'"trayd":%d' % FORMAT, b'"trayd":%d' % (FORMAT - 1), 1))
    found, _ = reopened(home)
    assert found == states[-1]


@pytest.fixture
def two_months(tmp_path):
    ledger = opened(tmp_path)
    for number in range(3):
        ledger.add(Batch(events=(event(f"a{number}", f"r{number}"),)))
    ledger.add(Batch(events=(event("b", "r9", NOON - 30 * DAY),)))
    ledger.checkpoint()
    ledger.add(Batch(events=(event("c", "r8", NOON - 30 * DAY),)))
    right = content(ledger)
    ledger.close()
    return tmp_path, right


def exchange(one, other):
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


def test_mirrors_of_two_months_in_each_others_place_are_refused_by_name_and_nothing_is_touched(two_months):
    home, right = two_months
    mirrors = home / "backup/2026-10.jsonl", home / "backup/2026-11.jsonl"
    exchange(*mirrors)
    before = [path.read_bytes() for path in mirrors]
    ledger = opened(home)
    with pytest.raises(LedgerDamagedError, match=r"2026-1.\.jsonl is the mirror of 2026-1"):
        content(ledger)
    crash(ledger)
    assert [path.read_bytes() for path in mirrors] == before
    exchange(*mirrors)
    ledger = opened(home)
    assert content(ledger) == right
    ledger.close()


def test_tinydb_files_of_two_months_in_each_others_place_are_told_from_the_months_own(two_months):
    home, right = two_months
    exchange(home / "ledger/2026-10.json", home / "ledger/2026-11.json")
    ledger = opened(home)
    assert content(ledger) == right
    assert len(ledger.notices) == 2
    ledger.checkpoint()
    assert ledger.verify() == []
    ledger.close()


def test_a_file_of_another_month_does_not_stand_in_for_a_missing_mirror(two_months):
    home, _ = two_months
    shutil.copy(home / "ledger/2026-10.json", home / "ledger/2026-11.json")
    (home / "backup/2026-11.jsonl").unlink()
    ledger = opened(home)
    with pytest.raises(LedgerDamagedError, match=r"2026-11\.json is not as trayd wrote it"):
        content(ledger)
    crash(ledger)


def test_damage_of_the_state_is_mended_the_same_way(tmp_path):
    ledger = opened(tmp_path, base_url="http://127.0.0.1:1")
    ledger.close()
    (tmp_path / "ledger/state.json").write_text("{")
    with pytest.raises(LedgerError, match="holds the history of"):
        opened(tmp_path, base_url="http://127.0.0.1:2")
    assert list((tmp_path / "ledger").glob("state.json.damaged-*"))
    (tmp_path / "backup/state.jsonl").write_text("{}\n")
    (tmp_path / "ledger/state.json").write_text("{")
    with pytest.raises(LedgerDamagedError, match=r"state\.json is damaged and .*state\.jsonl holds nothing whole"):
        opened(tmp_path)


def test_half_written_files_of_a_crash_are_cleared_away(kept):
    put_back, states = kept
    home = put_back()
    left = [path.with_name(path.name + ".tmp") for path in (file_of(home), mirror_of(home))]
    for path in left:
        path.write_text("{")
    assert reopened(home)[0] == states[-1]
    assert not any(path.exists() for path in left)


def test_what_the_file_shows_a_person_is_plain(kept):
    put_back, _ = kept
    documents = json.loads(file_of(put_back()).read_text())["_default"]
    assert documents["1"]["client"] == "Northwind"
    assert os.linesep not in documents["1"]["cost"]
    assert folders(put_back()).ledger.name == "ledger"


def test_a_hand_edit_counts_after_every_tag_that_was_there_whatever_the_files_clock_says(tmp_path):
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("a", "r1"),), edits=(edit("r1", "client", "Northwind", NOON + DAY),)))
    ledger.close()
    with tinydb.TinyDB(file_of(tmp_path)) as database:
        database.update({"client": "Contoso"}, tinydb.where("id") == "r1")
    os.utime(file_of(tmp_path), (NOON.timestamp() - 86_400, NOON.timestamp() - 86_400))
    ledger = opened(tmp_path)
    assert ledger.get("r1").client == "Contoso"
    ledger.close()


def test_an_empty_text_written_by_hand_clears_and_a_long_one_is_made_one_line_of_its_length(tmp_path):
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("a", "r1", client="Northwind"),)))
    ledger.close()
    with tinydb.TinyDB(file_of(tmp_path)) as database:
        database.update({"client": " ", "note": "a\n" * 3000, "amount": "9.99"}, tinydb.where("id") == "r1")
    ledger = opened(tmp_path)
    record = ledger.get("r1")
    assert record.client is None
    assert record.note.startswith("a a a")
    assert len(record.note) <= 2000
    assert "tags and notes of one record were taken in" in ledger.notices[1]
    ledger.close()
