"""SIGKILL at bad moments: during the first backfill, and during checkpoints. Every record is there afterwards, once."""

from __future__ import annotations

import csv
import io
import random
import time
from collections.abc import Callable
from pathlib import Path

import tinydb

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, Program, SandboxProcess
from tests.end_to_end.test_main_job import assert_every_record_once

SETTINGS = """\
time_zone = "UTC"
[poll]
interval_s = 0.2
"""


def killed_when(home: Home, moment: Callable[[], bool], timeout: float = 30) -> None:
    """Starts the daemon and kills it at that moment."""
    daemon = home.daemon("--headless")
    try:
        end = time.monotonic() + timeout
        while not moment():
            assert daemon.process.poll() is None, daemon.output
            assert time.monotonic() < end, f"the moment never came:\n{daemon.output}"
        daemon.kill()
    finally:
        if daemon.process.poll() is None:
            daemon.kill()


def mirrored(home: Home) -> int:
    return sum(path.stat().st_size for path in (home.folder / "backup").glob("20*.jsonl"))


def check_files(home: Home) -> None:
    for path in (home.folder / "ledger").glob("*.json"):
        with tinydb.TinyDB(path, access_mode="r") as database:
            assert database.tables() is not None


def settled(home: Home, sandbox: SandboxProcess) -> Program:
    """A daemon that has completed its backfill."""
    daemon = home.started("--headless")
    ids = {row["request_id"] for row in sandbox.billing_rows(days=30)}

    def complete() -> bool:
        rows = csv.DictReader(io.StringIO(home.run("export", "--kind", "internal").stdout))
        return ids <= {row["request_id"] for row in rows}

    wait_until(complete, timeout=30, what="the backfill")
    return daemon


def records(home: Home) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(home.run("export", "--kind", "internal").stdout)))


def test_killed_during_the_backfill(tmp_path: Path) -> None:
    chance = random.Random(3)
    with SandboxProcess("--days", "29", "--per-day", "200", "--seed", "5") as sandbox:
        home = Home(tmp_path / "trayd", sandbox)
        home.settings(SETTINGS)
        caught = 0
        for _ in range(5):
            # As soon as new rows are in the mirror, and a little later each time.
            more = mirrored(home) + chance.randrange(1, 300_000)
            killed_when(home, lambda more=more: mirrored(home) >= more or backfilled(home))
            caught += not backfilled(home)
            check_files(home)
        assert caught, "the backfill was always over before the kill"
        with settled(home, sandbox):
            assert_every_record_once(records(home), sandbox)
        check_files(home)


def backfilled(home: Home) -> bool:
    state = home.folder / "backup" / "state.jsonl"
    return state.exists() and "first_completed_at" in state.read_text()


def test_killed_during_a_checkpoint(tmp_path: Path) -> None:
    with SandboxProcess("--days", "20", "--per-day", "300", "--seed", "5") as sandbox:
        home = Home(tmp_path / "trayd", sandbox)
        home.settings(SETTINGS)
        with settled(home, sandbox):
            pass
        caught = 0
        for number in range(4):
            daemon = home.started("--headless")
            try:
                sandbox.control("jobs", endpoint_id="fal-ai/flux/dev", cost=f"0.{number}1")
                end = time.monotonic() + 30
                while not half_written(home):
                    assert time.monotonic() < end, f"there was no checkpoint:\n{daemon.output}"
                daemon.kill()
                caught += bool(half_written(home))
            finally:
                if daemon.process.poll() is None:
                    daemon.kill()
            check_files(home)
        assert caught, "every checkpoint was over before the kill"
        with settled(home, sandbox):
            assert_every_record_once(records(home), sandbox)
        check_files(home)
        assert home.json("status")["daemon"]["running"] is False


def half_written(home: Home) -> list[Path]:
    """TinyDB files that are being written, before they take the place of the old ones."""
    return list((home.folder / "ledger").glob("20*.json.tmp"))
