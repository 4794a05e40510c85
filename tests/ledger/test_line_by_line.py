"""A file that is as trayd wrote it is read line by line; what it says is what it says when it is read as a whole."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.making import NOON, covers, crash, event, model, opened
from tests.ledger.memory import MemoryDisk
from trayd.facts import Batch
from trayd.ledger import journal
from trayd.ledger.disk import Disk
from trayd.ledger.storage import FileState, SealedStorage

FILE = Path("/nowhere/2026-11.json")

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
documents = st.lists(st.dictionaries(st.text(min_size=1, max_size=5), values, min_size=1, max_size=4), max_size=4)
tables = st.dictionaries(st.sampled_from(["_default", "accounts", "models", "links"]), documents, min_size=1)


def written(content):
    disk = MemoryDisk()
    storage = SealedStorage(FILE, disk=disk)
    storage.write({name: {str(n): each for n, each in enumerate(rows, 1)} for name, rows in content.items()})
    return disk


def taken(disk):
    """What was handed on, by table, and what the file was found to be."""
    told = {}
    found = SealedStorage(FILE, disk=disk).take_sound(
        lambda table, document: told.setdefault(table, []).append(msgspec.json.decode(document))
    )
    return told, found


@given(tables)
def test_every_document_is_handed_on_as_it_was_written(content):
    told, found = taken(written(content))
    assert found is not None
    assert found.state is FileState.SOUND
    assert told == {name: rows for name, rows in content.items() if rows}


@given(tables, st.data())
def test_what_was_changed_in_any_way_is_judged_as_it_is_as_a_whole(content, data):
    disk = written(content)
    whole = disk[FILE]
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = data.draw(
        st.sampled_from(
            [
                whole[:at],
                whole[:at] + whole[at + 1 :],
                whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
                whole[:at] + b"\n" + whole[at:],
                whole + b"\n",
                whole + whole,
            ]
        )
    )
    disk[FILE] = changed
    told, found = taken(disk)
    whole_file = SealedStorage(FILE, disk=disk).examine()
    # The number in the seal is the one thing that nothing in the file proves; the mirror does.
    assert (found is not None) == (whole_file.state is FileState.SOUND)
    if found is not None:
        assert found.seal == whole_file.seal
        documents = {
            name: [msgspec.json.decode(raw) for raw in rows.values()] for name, rows in whole_file.tables.items()
        }
        assert told == {name: rows for name, rows in documents.items() if rows}


def test_of_another_pair_a_file_is_not_sound():
    disk = written({"_default": [{"id": "r1"}]})
    other = FILE.with_name("2026-10.json")
    disk[other] = disk[FILE]
    assert SealedStorage(other, disk=disk).take_sound(lambda *_: None) is None


def test_where_there_is_no_file_none_is_told_of():
    assert taken(MemoryDisk()) == ({}, None)


class Watching(Disk):
    """Tells which files are read as a whole."""

    def __init__(self):
        self.whole = []

    def read(self, path):
        self.whole.append(path.name)
        return super().read(path)


@pytest.mark.parametrize("note", ["plain", "Näckrosen ✓ \U0001f9dc", 'it says "1": {"2": {}}, and more'])
def test_a_ledger_that_was_closed_well_opens_without_a_whole_file_in_memory(tmp_path, note):
    ledger = opened(tmp_path)
    ledger.add(
        Batch(
            events=(event("e1", "r1", note=note), event("e2", "r2")),
            models=(model("Kling"),),
            coverage=(covers("acme", NOON, NOON),),
        )
    )
    ledger.close()
    disk = Watching()
    ledger = opened(tmp_path, disk)
    assert {record.id: record.note for record in ledger.records()} == {"r1": note, "r2": None}
    assert "state.json" not in disk.whole
    assert {"2026-11.jsonl", "state.jsonl"}.isdisjoint(disk.whole)
    # Its sums, which are a small file of the same name, are read as a whole.
    assert disk.whole.count("2026-11.json") <= 1
    assert ledger.verify() == []
    ledger.close()


def test_a_file_that_another_program_has_written_on_is_kept_and_mended_as_before(tmp_path):
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("e1", "r1", note="ours"),)))
    ledger.close()
    file = tmp_path / "ledger" / "2026-11.json"
    file.write_bytes(file.read_bytes() + b"\n")
    ledger = opened(tmp_path)
    assert ledger.get("r1").note == "ours"
    assert "edited" in " ".join(ledger.notices)
    assert ledger.verify() == []
    ledger.close()


@pytest.mark.parametrize("part", [64, 300, 1 << 18])
def test_the_end_of_a_mirror_is_what_it_is_when_all_of_it_is_read(tmp_path, monkeypatch, part):
    monkeypatch.setattr(journal, "_PART_BYTES", part)
    disk = Watching()
    ledger = opened(tmp_path, disk)
    for number in range(12):
        ledger.add(Batch(events=(event(f"e{number}", f"r{number}", note="x" * number * 20),)))
        if number in {3, 7}:
            ledger.checkpoint()
    crash(ledger)
    mirror = tmp_path / "backup" / "2026-11.jsonl"
    for content in (mirror.read_bytes(), mirror.read_bytes()[:-30]):
        mirror.write_bytes(content)
        end, whole = journal.read_end(disk, mirror), journal.read(disk, mirror)
        assert end is not None
        assert (end.good, end.crc, end.size, end.last) == (whole.good, whole.crc, whole.size, whole.last)
        assert end.lines == (whole.lines[0], *whole.lines[-len(end.lines) + 1 :])
    damaged = bytearray(mirror.read_bytes())
    damaged[len(damaged) // 3] ^= 1
    mirror.write_bytes(damaged)
    assert journal.read_end(disk, mirror) is None
