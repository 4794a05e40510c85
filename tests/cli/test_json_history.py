"""``trayd export --format json`` and ``trayd import`` of it, from one home to another, with daemons and without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.tables import new_home
from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess

STATEMENT = "date,description,amount,category,currency,type,client\n2026-11-03,Midjourney,60,images,USD,external,Acme\n"
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
BREAKDOWNS = ("model", "operation", "client", "project", "deliverable", "account", "key", "day")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "6", "--per-day", "40", "--seed", "5") as running:
        running.control("freeze", frozen=True)
        yield running


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, sandbox: SandboxProcess) -> Iterator[tuple[Home, Path]]:
    """A home whose daemon runs, and its export."""
    folder = tmp_path_factory.mktemp("first")
    home = new_home(folder, sandbox)
    (folder / "costs.csv").write_text(STATEMENT)
    with home.started("--headless"):
        wait_until(lambda: home.json("status")["accounts"][0]["state"] == "ok", what="the first poll")
        home.run("import", str(folder / "costs.csv"))
        newest = home.json("history", "--kind", "internal", "--limit", "3")
        home.run("tag", *(record["id"] for record in newest), "--client", "Acme", "--project", "Zoë’s film")
        home.run("export", "--format", "json", "--out", str(folder / "history.json"))
        yield home, folder / "history.json"


@pytest.fixture
def other(tmp_path: Path, sandbox: SandboxProcess) -> Home:
    home = new_home(tmp_path, sandbox)
    home.env.pop("FAL_ADMIN_KEY")
    return home


def known(home: Home) -> Any:
    """The log, and what all of it comes to by everything that it can be told apart by."""
    window = ("usage", "--window", "2026-01-01..2027-12-31")
    return home.json("history", "--limit", "10000"), [home.json(*window, "--by", by)["by"] for by in BREAKDOWNS]


def averages(home: Home) -> Any:
    """What hangs on since when fal's bills are known, of days that are over."""
    return home.json("usage", "--window", f"{YESTERDAY - timedelta(days=30)}..{YESTERDAY}", "--by", "day")


def test_without_a_daemon_a_new_home_has_the_same_history(first, other):
    home, file = first
    document = json.loads(file.read_text())
    assert len(document["records"]) > 200
    assert home.sandbox.key not in file.read_text(), "no key goes along"
    answer = other.json("import", str(file))
    assert (answer["recorded"], answer["rejected"]) == (len(document["records"]), [])
    assert answer["notes"] == []
    assert known(other) == known(home)
    assert averages(other) == averages(home)
    again = other.json("import", str(file))
    assert (again["recorded"], again["duplicates"]) == (0, len(document["records"]))
    said = other.run("import", str(file)).stdout
    assert f"0 records recorded, {len(document['records']):,} known already, 0 rejected" in said


def test_a_running_daemon_takes_one_in_over_http(first, other):
    home, file = first
    with other.started("--headless"):
        said = other.run("import", "--dry-run", str(file)).stdout
        assert "nothing was recorded" in said
        assert other.json("history") == []
        wait_until(lambda: other.json("status")["accounts"][0]["state"] == "no_key", what="the first poll")
        other.run("import", str(file))
        assert known(other) == known(home)
        assert averages(other) == averages(home)
        assert other.json("status")["accounts"][0]["username"] == home.json("status")["accounts"][0]["username"]


def test_what_it_is_refused_for_ends_the_command_with_1(first, other, tmp_path):
    _, file = first
    other.env["TRAYD_FAL_URL"] = "http://127.0.0.1:9"
    elsewhere = " ".join(other.run("import", str(file), code=1).stdout.split())
    assert f"it holds the history of {other.sandbox.url}, and this ledger that of http://127.0.0.1:9" in elsewhere
    cut = tmp_path / "cut.json"
    cut.write_bytes(file.read_bytes()[:-400])
    assert "this export is cut off or damaged" in " ".join(other.run("import", str(cut), code=1).stdout.split())


def test_dropped_it_goes_to_rejected_with_the_command(first, other):
    _, file = first
    with other.started("--headless"):
        other.put("history.json", file.read_text())
        reason = other.drop / "rejected" / "history.json.reason.txt"
        wait_until(reason.exists, what="the file to be put away")
        assert "take it in with `trayd import FILE`" in reason.read_text()
        assert other.json("history") == []
