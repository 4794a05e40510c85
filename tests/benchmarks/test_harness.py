"""The benchmarks measure what they say: turns, medians, ratios, the table and its page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from tests.benchmarks import data, work
from tests.benchmarks.harness import Row, Samples, Workshop, at_most, figure, in_turn, ratio, table
from tests.benchmarks.list import BENCHMARKS
from tests.benchmarks.machine import machine
from tests.benchmarks.page import write_section
from tests.benchmarks.yardsticks import Bare, Sqlite, StockTinyDB

ROOT = Path(__file__).parents[2]


def test_contenders_take_turns_and_each_round_begins_with_another() -> None:
    calls: list[str] = []
    contenders = {name: (lambda name=name: calls.append(name) or 1.0) for name in "abc"}

    taken = in_turn(contenders, 3, warm_up=1)

    assert ["".join(calls[at : at + 3]) for at in range(0, len(calls), 3)] == ["cab", "abc", "bca", "cab"]
    assert {name: len(samples.seconds) for name, samples in taken.items()} == {"a": 3, "b": 3, "c": 3}


def test_a_slow_contender_takes_every_nth_turn_and_no_warm_up() -> None:
    calls: Counter[str] = Counter()
    contenders = {name: (lambda name=name: calls.update([name]) or 1.0) for name in ("quick", "slow")}

    taken = in_turn(contenders, 10, warm_up=2, every={"slow": 4})

    assert calls == {"quick": 12, "slow": 3}
    assert len(taken["slow"].seconds) == 3


def test_no_sample_is_left_out() -> None:
    samples = Samples((0.001,) * 9 + (9.0,))

    assert samples.worst == 9.0
    assert samples.median == 0.001
    assert ratio(Samples((0.003, 0.003, 50.0)), Samples((0.002,))) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ((0.00024,), "0.24 ms"),
        ((0.0002, 0.00024, 0.00031), "0.24 ms (0.20 to 0.31)"),
        ((2.2, 2.0, 2.4), "2.20 s (2.00 to 2.40)"),
        (tuple(number / 1000 for number in range(1, 21)), "10.5 ms (3.00 to 18.0)"),
    ],
)
def test_a_figure_is_the_median_with_its_spread(seconds: tuple[float, ...], text: str) -> None:
    assert Samples(seconds).text() == text


def test_three_digits_matter() -> None:
    assert [figure(number) for number in (0.126, 1.234, 12.34, 123.4, 5128.2)] == [
        "0.13",
        "1.23",
        "12.3",
        "123",
        "5,128",
    ]


def test_a_missed_target_is_shown_as_missed() -> None:
    rows = [
        at_most("one insert", 1.5, 1.5, "1.50"),
        at_most("a batch", 8.01, 8, "8.01"),
        Row("stock TinyDB", "", "70", None),
    ]

    assert table(rows).splitlines()[2:] == [
        "| one insert | ≤ 1.5 | 1.50 | met |",
        "| a batch | ≤ 8 | 8.01 | **missed** |",
        "| stock TinyDB |  | 70 |  |",
    ]


def test_each_program_writes_its_own_section_of_the_page_and_keeps_the_words(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    write_section(page, "bench", "fast\n")
    write_section(page, "soak", "safe\n")
    page.write_text(f"{page.read_text(encoding='utf-8')}\n## Why\n\nBy hand.\n", encoding="utf-8")
    write_section(page, "bench", "faster\n")

    text = page.read_text(encoding="utf-8")
    assert text.endswith("<!-- /soak -->\n\n## Why\n\nBy hand.\n")
    assert "<!-- bench -->\nfaster\n<!-- /bench -->" in text
    assert "<!-- soak -->\nsafe\n<!-- /soak -->" in text
    assert "Not measured" not in text
    with pytest.raises(ValueError, match="no section speed"):
        write_section(page, "speed", "")


def test_the_machine_is_described_and_not_named() -> None:
    text = "\n".join(machine())

    assert re.search(r"\d+ cores, \d+ GiB of memory", text)
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in text
    assert os.uname().nodename not in text
    assert str(Path.home()) not in text


def test_a_made_up_ledger_has_what_was_asked_for_and_is_sound(tmp_path: Path) -> None:
    home = Workshop(tmp_path).ledger("mine", months=3, each=40)
    ledger = data.opened(home)

    records = list(ledger.records())
    assert len(records) == 120
    assert len({record.timestamp.strftime("%Y-%m") for record in records}) == 3
    assert all(record.cost for record in records)
    assert sum(record.client is not None or record.project is not None for record in records) > 20
    assert ledger.verify() == []
    ledger.close()


def test_a_ledger_is_built_once_and_each_gets_a_copy(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    first, second = (workshop.ledger(name, months=1, each=10) for name in ("first", "second"))

    data.opened(first).close()
    mirror = data.paths(first).backup.glob("20*.jsonl")
    next(mirror).write_text("spoilt")
    assert len(list(data.opened(second).records())) == 10


def test_yardsticks_keep_what_they_are_given(tmp_path: Path) -> None:
    with Bare(tmp_path / "bare") as bare, Sqlite(tmp_path / "sqlite", [("a", "{}")]) as database:
        assert bare.append(b"line\n") > 0
        assert database.insert([("b", "{}"), ("c", "{}")]) > 0
        modes = [database._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        assert modes == ["wal", 2]
        assert database._database.execute("SELECT count(*) FROM records").fetchone() == (3,)
    assert (tmp_path / "bare").read_bytes() == b"line\n"
    with StockTinyDB(tmp_path / "stock.json", [{"id": "a"}]) as stock:
        assert stock.insert({"id": "b"}) > 0
    assert '"2": {"id": "b"}' in (tmp_path / "stock.json").read_text()


@pytest.mark.parametrize("what", ["status", "report", "export-csv", "export-json"])
def test_work_in_a_process_of_its_own_tells_time_and_memory(what: str, tmp_path: Path) -> None:
    home = Workshop(tmp_path).ledger("mine", months=1, each=10)
    file = tmp_path / "out"

    done = work.in_a_process(what, home, file)

    assert 0 < done.seconds < 30
    assert 2**20 < done.pss <= 2 * done.peak
    assert what == "status" or data.request_id(9) in file.read_text() or "<table" in file.read_text()


def test_a_part_is_printed_only_and_a_wrong_name_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "inserts"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "there is no benchmark 'inserts'; there are insert, batch" in done.stderr


def test_a_row_survives_the_way_from_its_process() -> None:
    row = Row("× append", "≤ 1.5", "1.4", met=True)

    assert msgspec.json.decode(msgspec.json.encode(row), type=Row) == row
    assert len(BENCHMARKS) > 10
