"""Exports as people have them: what is in ``tests/data/costs`` is read as a careful bookkeeper would read it.

How an expectation is written stands in ``corpus.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.intake.corpus import FOLDER, Case, as_written_down, cases, files, fits, named, refusal
from trayd.intake.costs import Costs
from trayd.intake.rejection import RefusedError
from trayd.intake.understanding import Answers, RowKind

READABLE = [case for case in cases() if case.expected.refused is None]
REFUSED = [case for case in cases() if case.expected.refused is not None]


def by_name(case: Case) -> str:
    return case.name


def understood(case: Case) -> Costs:
    read = refused_or_read(case)
    if isinstance(read, RefusedError):
        pytest.fail(f"refused whole: {read.rejection.text(case.file)}")
    return read


def refused_or_read(case: Case) -> Costs | RefusedError:
    try:
        return case.read()
    except RefusedError as error:
        return error


@pytest.mark.parametrize("case", READABLE, ids=by_name)
def test_a_file_is_recorded_as_a_careful_bookkeeper_would(case: Case) -> None:
    costs = understood(case)
    wanted, seen = as_written_down(case.expected, costs)
    assert seen == wanted
    assert sorted(set(named(costs, RowKind.LEFT_OUT)) - set(case.expected.not_recorded)) == case.expected.left_out
    assert set(named(costs, RowKind.TOTAL)) >= set(case.expected.total)
    blamed = {row.rejection.line: row.rejection.column for row in costs.rejected}
    for row in case.expected.rejected:
        assert row.column is None or blamed[row.line] == row.column, f"line {row.line}"
    if case.expected.source is not None:
        source = costs.understanding.source
        assert source == "csv" if case.expected.source == "csv" else case.expected.source in source


@pytest.mark.parametrize("case", REFUSED, ids=by_name)
def test_a_file_that_reads_two_ways_or_not_at_all_is_refused_with_what_settles_it(case: Case) -> None:
    expected = case.expected.refused
    assert expected is not None
    read = refused_or_read(case)
    told = refusal(read, case.file)
    assert told is not None, "it was recorded"
    assert [pattern for pattern in expected.says if not fits(pattern, told)] == [], told
    assert expected.line is None or f"{case.file} line {expected.line}: " in told


@pytest.mark.parametrize("case", [case for case in READABLE if case.expected.rejected], ids=by_name)
def test_what_is_rejected_tells_the_line_and_a_cure(case: Case) -> None:
    for row in understood(case).rejected:
        assert row.rejection.text(case.file).startswith(f"{case.file} line {row.rejection.line}: ")
        assert row.rejection.cure


def test_every_file_has_an_expectation_without_an_answer() -> None:
    unanswered = {case.file for case in cases() if case.expected.answers == Answers()}
    assert {path.name for path in files()} == {case.file for case in cases()} == unanswered


def test_most_files_come_from_no_tool_that_trayd_knows() -> None:
    known = Counter(understood(case).understanding.known for case in READABLE if case.expected.answers == Answers())
    assert known[False] >= known[True] > 0
    assert known[False] >= 60


def test_each_encoding_and_delimiter_is_there_several_times() -> None:
    readings = [understood(case).understanding for case in READABLE if case.expected.answers == Answers()]
    encodings = Counter(reading.encoding for reading in readings)
    for encoding in ("UTF-8", "UTF-16", "Windows-1252", "Excel"):
        assert sum(count for name, count in encodings.items() if encoding in name) >= 2, encodings
    delimiters = Counter(reading.delimiter for reading in readings)
    assert min(delimiters[name] for name in ("comma", "semicolon", "tab", "bar")) >= 5, delimiters


def test_true_twins_survive_within_a_file_and_overlapping_statements_do_not_double() -> None:
    by_file = {case.name: case for case in READABLE}
    twins = understood(by_file["true-twins.csv"]).costs
    assert len({cost.id for cost in twins}) == len(twins) == 4
    october = {cost.id for cost in understood(by_file["statement-october.csv"]).costs}
    november = {cost.id for cost in understood(by_file["statement-november.csv"]).costs}
    assert (len(october), len(november), len(october | november)) == (5, 5, 7)


PIECES = ["wise.csv", "sparkasse.csv", "bad-rows-among-good.csv", "two-ways-dates.csv", "notes-with-newlines.csv"]


@pytest.mark.parametrize("name", PIECES)
def test_the_same_on_the_command_line(name: str, tmp_path: Path) -> None:
    case = next(case for case in cases() if case.name == name)
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text(f'home_currency = "{case.expected.home_currency}"\n')
    done = subprocess.run(
        [sys.executable, "-m", "trayd", "import", str(FOLDER / case.file), "--json"],
        env={**os.environ, "TRAYD_HOME": str(home), "FAL_KEY": "", "FAL_ADMIN_KEY": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = json.loads(done.stdout)
    assert (told["file"], told["recorded"], told["duplicates"]) == (case.file, len(case.expected.recorded), 0)
    if case.expected.refused is None:
        assert [row["line"] for row in told["rejected"]] == [row.line for row in case.expected.rejected]
        assert [row["line"] for row in told["left_out"] if row["what"] == "left out"] == case.expected.left_out
    else:
        (whole,) = told["rejected"]
        assert all(fits(pattern, whole["reason"]) for pattern in case.expected.refused.says[:2])
    assert done.returncode == (1 if told["rejected"] else 0)
