"""``trayd import`` and the drop folder take a file in by the same steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake.samples import NOW, event, numbered, read
from trayd.facts import Batch
from trayd.intake.take import RejectedRow, batches
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.operations.importing import Imported, ImportQuery, import_data
from trayd.settings import Settings
from trayd.shapes import plain
from trayd.steps import finish

HEADER = "date,description,amount,category\n"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    paths = LedgerPaths(ledger=tmp_path / "ledger", backup=tmp_path / "backup")
    ledger = Ledger.open(paths, base_url=None, holder="a test")
    yield ledger
    ledger.close()


def take(ledger: Ledger, name: str, content: str, *, dry_run: bool = False, **settings) -> Imported:
    query = ImportQuery(name=name, dry_run=dry_run)
    return finish(import_data(ledger, query, content.encode(), settings=Settings(**settings), now=NOW))


def test_an_import_tells_what_was_recorded_known_and_rejected(ledger):
    first = f"{HEADER}2026-11-03,a,1,x\n2026-11-04,b,2,x\n"
    assert take(ledger, "first.csv", first) == Imported(file="first.csv", recorded=2, assumed_currency="USD")
    second = take(ledger, "second.csv", f"{first}2026-11-05,c,3,x\n2026-11-06,d,oops,x\n")
    assert plain(second) == {
        "file": "second.csv",
        "recorded": 1,
        "duplicates": 2,
        "rejected": [
            {
                "line": 5,
                "column": "amount",
                "value": "oops",
                "reason": '"oops" is not an amount; correct it and try again',
            }
        ],
        "left_out": [],
        "assumed_currency": "USD",
    }


def test_a_known_file_changes_nothing_even_if_it_would_be_read_otherwise_now(ledger):
    content = f"{HEADER}2026-11-03,a,1,x\n"
    take(ledger, "costs.csv", content)
    version = ledger.version
    assert take(ledger, "again.csv", content, home_currency="SEK") == Imported(file="again.csv", duplicates=1)
    assert ledger.version == version


def test_a_known_file_tells_its_bad_rows_again(ledger):
    content = f"{HEADER}2026-11-03,a,1,x\n2026-11-03,b,?,x\n"
    first, again = (take(ledger, "costs.csv", content) for _ in range(2))
    assert (again.recorded, again.duplicates, again.rejected) == (0, 1, first.rejected)


def test_a_refused_file_is_told_as_one_rejection_and_can_be_taken_in_corrected(ledger):
    result = take(ledger, "costs.csv", f"{HEADER}03/04/2026,a,1,x\n")
    (row,) = result.rejected
    assert (result.recorded, row.line, row.column, row.value) == (0, 2, "date", "03/04/2026")
    assert take(ledger, "costs.csv", f"{HEADER}2026-04-03,a,1,x\n").recorded == 1


def test_an_unknown_kind_of_file_is_refused_as_a_whole(ledger):
    assert take(ledger, "notes.md", "hello").rejected == (
        RejectedRow(
            None,
            None,
            None,
            'files that end in ".md" are not read; drop .json or .jsonl files with events, or a table of costs: '
            ".csv, .txt, .xlsx, also in a .zip",
        ),
    )


def test_a_dry_run_records_nothing(ledger):
    content = f"{HEADER}2026-11-03,a,1,x\n"
    assert take(ledger, "costs.csv", content, dry_run=True).recorded == 1
    assert list(ledger.records()) == []
    take(ledger, "costs.csv", content)
    again = take(ledger, "costs.csv", content, dry_run=True)
    assert (again.recorded, again.duplicates) == (0, 1)


def test_one_event_twice_in_a_file_is_a_duplicate(ledger):
    result = take(ledger, "log.jsonl", f"{event()}\n{event()}\n{numbered(1)}\n")
    assert (result.recorded, result.duplicates) == (2, 1)


def test_a_large_file_is_written_in_parts_and_is_known_with_the_last_of_them(ledger):
    rows = "".join(f"2026-11-03,row {number},1,x\n" for number in range(8_000))
    parts = list(batches([read("costs.csv", HEADER + rows)], NOW))
    assert [(len(part.costs), len(part.files)) for part in parts] == [(2_500, 0)] * 3 + [(500, 1)]
    ledger.add(parts[0])
    result = take(ledger, "costs.csv", HEADER + rows)
    assert (result.recorded, result.duplicates) == (5_500, 2_500)


def test_small_files_share_one_write():
    files = [read(f"{number}.json", numbered(number)) for number in range(100)]
    (batch,) = batches(files, NOW)
    assert len(batch.events) == 100
    assert batch.files == (), "events are known each by itself"
    assert list(batches([], NOW)) == list[Batch]()
