"""SIGKILL at bad moments: during the first backfill, and during checkpoints. Every record is there afterwards, once."""

from __future__ import annotations

import csv
import io
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tinydb

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, Program, SandboxProcess
from tests.end_to_end.test_main_job import assert_every_record_once

SETTINGS = """\
time_zone = "UTC"
[poll]
interval_s = 0.2
"""


@pytest.fixture
def home(tmp_path: Path, sandbox: SandboxProcess) -> Home:
    home = Home(tmp_path / "trayd", sandbox)
    home.settings(SETTINGS)
    return home


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


def test_killed_during_the_backfill(home: Home, sandbox: SandboxProcess) -> None:
    chance = random.Random(3)
    for _ in range(4):
        # As soon as the first rows are in the mirror, and a little later each time.
        size = mirrored(home)
        killed_when(home, lambda size=size: mirrored(home) > size + chance.randrange(1, 20_000))
        check_files(home)
        state = home.folder / "backup" / "state.jsonl"
        if state.exists() and "first_completed_at" in state.read_text():
            break
    with settled(home, sandbox):
        assert_every_record_once(records(home), sandbox)
    check_files(home)
    assert home.json("doctor", code=None)


def test_killed_during_a_checkpoint(home: Home, sandbox: SandboxProcess) -> None:
    with settled(home, sandbox):
        pass
    seen: list[str] = []

    def writing() -> bool:
        """A TinyDB file is being written: its temporary file stands beside it."""
        found = [
            path.name for path in (home.folder / "ledger").iterdir() if "tmp" in path.name or path.suffix == ".new"
        ]
        seen.extend(found)
        return bool(found)

    for number in range(3):
        daemon = home.started("--headless")
        try:
            for extra in range(5):
                sandbox.control("jobs", endpoint_id="fal-ai/flux/dev", cost=f"0.{number}{extra}1")
            end = time.monotonic() + 30
            while not writing() and time.monotonic() < end:
                pass
            daemon.kill()
        finally:
            if daemon.process.poll() is None:
                daemon.kill()
        check_files(home)
    assert seen, "no checkpoint was caught in the act"
    with settled(home, sandbox):
        assert_every_record_once(records(home), sandbox)
    check_files(home)
    assert json.loads(home.run("status", "--json").stdout)["daemon"]["running"] is False
