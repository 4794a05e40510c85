"""verify, rebuild, backup, restore and reset as a person types them, beside a running daemon and without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "3", "--per-day", "30", "--seed", "5") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, sandbox: SandboxProcess) -> Home:
    home = Home(tmp_path / "home", sandbox)
    home.settings("[poll]\ninterval_s = 0.5\n")
    return home


def ids(home: Home) -> set[str]:
    return {record["id"] for record in home.json("history", "--limit", "1000")}


def state_files(home: Home) -> list[Path]:
    return [home.folder / "ledger" / "state.json", home.folder / "backup" / "state.jsonl"]


def test_beside_a_running_daemon(home: Home, tmp_path: Path) -> None:
    bill = tmp_path / "bill.csv"
    bill.write_text("date,description,amount,category\n2026-11-01,Plan,30.00,image\n")
    with home.started("--headless"):
        wait_until(lambda: len(ids(home)) > 50, timeout=20, what="the first poll")
        assert home.json("ledger", "verify") == {"problems": [], "mended": []}
        copy = tmp_path / "copy.zip"
        done = home.json("ledger", "backup", "--out", str(copy))
        assert done["file"] == str(copy)
        assert done["size"] == copy.stat().st_size
        before = ids(home)

        home.run("import", str(bill))
        assert len(ids(home)) == len(before) + 1
        told = home.json("ledger", "restore", str(copy), "--confirm", "RESTORE")
        assert Path(told["archive"]).parent == home.folder
        assert ids(home) == before
        home.run("ledger", "restore", told["archive"], "--confirm", "RESTORE")
        assert len(ids(home)) == len(before) + 1, "and back again"

        said = home.run("reset", "--confirm", "DELETE").stdout
        wait_until(lambda: ids(home) == before, timeout=20, what="a daemon that begins anew after the reset")
        (command,) = [line.strip() for line in said.splitlines() if "trayd ledger restore" in line]
        archive = command.removeprefix("trayd ledger restore ")
        assert Path(archive).is_file()
        home.run("ledger", "restore", archive, "--confirm", "RESTORE")
        assert len(ids(home)) == len(before) + 1

        (month, *_) = sorted((home.folder / "backup").glob("20*.jsonl"), reverse=True)
        data = month.read_bytes()
        month.write_bytes(data.replace(b"request_id", b"request-id", 1))
        problems = home.json("ledger", "verify", code=1)["problems"]
        assert problems[0]["cure"].startswith(f"run `trayd ledger rebuild {month.stem}`")
        (rebuilt,) = home.json("ledger", "rebuild", month.stem)
        assert (rebuilt["read"], rebuilt["missing"]) == ("memory", [])
        assert home.json("ledger", "verify")["problems"] == []
        assert len(ids(home)) == len(before) + 1


def test_after_a_restore_the_next_poll_fetches_what_is_missing(home: Home) -> None:
    home.run("ledger", "verify")  # makes an empty ledger
    copy = home.json("ledger", "backup")["file"]
    home.run("refresh")
    found = ids(home)
    assert len(found) > 50
    home.run("ledger", "restore", copy, "--confirm", "RESTORE")
    assert ids(home) == set()
    home.run("refresh")
    assert ids(home) == found


def test_where_the_ledger_cannot_be_opened(home: Home, tmp_path: Path) -> None:
    home.run("refresh")
    found = ids(home)
    copy = home.json("ledger", "backup", "--out", str(tmp_path / "copy.zip"))["file"]
    for path in state_files(home):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2].replace(b'"', b"\0", 7))
    refused = home.run("status", code=1).stderr
    assert "state.json is damaged and" in refused
    assert "trayd ledger rebuild state" in refused
    assert "state.json is damaged" in home.run("ledger", "verify", code=1).stderr
    assert "state.json is damaged" in home.run("doctor", code=1).stdout.replace("\n", "")

    said = home.run("ledger", "rebuild", "state", code=1).stdout
    assert "cannot be read" in said
    assert said.count("kept: ") == 2
    assert ids(home) == found

    for path in state_files(home):
        path.write_bytes(b"\0" * 300)
    home.run("ledger", "restore", copy, "--confirm", "RESTORE")
    assert ids(home) == found
    assert home.run("ledger", "verify").stdout.strip().endswith("the ledger is sound")


def test_what_is_refused_says_why_and_changes_nothing(home: Home, tmp_path: Path) -> None:
    home.run("refresh")
    found = ids(home)
    (tmp_path / "diary.zip").write_text("Dear diary")
    copy = home.json("ledger", "backup")["file"]
    for arguments, code, said in (
        (["restore", copy], 10, "that takes the word RESTORE"),
        (["restore", copy, "--confirm", "restore"], 10, "that takes the word RESTORE"),
        (["restore", str(tmp_path / "diary.zip"), "--confirm", "RESTORE"], 1, "is no zip file"),
        (["restore", str(tmp_path / "nowhere.zip"), "--confirm", "RESTORE"], 1, "there is no file"),
        (["backup", "--out", copy], 1, "is there already"),
        (["rebuild", "2020-01"], 1, "there are no files of '2020-01'"),
        (["rebuild", "--from", "thin air"], 2, "'thin air' is not one of"),
    ):
        refused = home.run("ledger", *arguments, code=code).stderr
        assert said in refused.replace("\n", " "), arguments
        assert "Traceback" not in refused
    assert ids(home) == found
    assert {path.name for path in home.folder.glob("*.zip")} == {Path(copy).name}


def test_a_ledger_of_another_api_is_told_apart(home: Home, tmp_path: Path) -> None:
    home.run("refresh")
    copy = home.json("ledger", "backup")["file"]
    other = Home(tmp_path / "other", home.sandbox)
    other.env["TRAYD_FAL_URL"] = "https://api.fal.ai/v1"
    said = other.run("ledger", "restore", copy, "--confirm", "RESTORE", code=1).stderr
    assert f"holds the history of {home.sandbox.url}, not of https://api.fal.ai/v1" in said.replace("\n", " ")


def test_a_month_that_is_gone_is_missed_in_the_totals_until_a_person_goes_on_without_it(home: Home) -> None:
    home.run("refresh")
    found = ids(home)
    assert home.run("history", "--unmatched").stdout.strip() == "no unmatched events"
    (month, *_) = sorted((home.folder / "backup").glob("20*.jsonl"))
    for path in (month, home.folder / f"ledger/{month.stem}.json"):
        path.unlink()
    for command in ("status", "history"):
        refused = home.run(command, *(["--limit", "100000"] if command == "history" else []), code=1).stderr
        assert "are both missing" in " ".join(refused.split())
        assert f"trayd ledger rebuild {month.stem}" in " ".join(refused.split())
    said = home.run("ledger", "rebuild", month.stem, code=1).stdout
    assert "all of it is lost" in " ".join(said.split())
    assert "asks fal again for what was billed since" in said.replace("\n", " ")
    assert ids(home) < found
    home.run("refresh")
    assert ids(home) == found
