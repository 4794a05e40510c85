"""A slip of the pen in a filter looks like no spending at all: whoever reads is told, a program's answer stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess

COMMANDS = (
    ("usage",),
    ("history",),
    ("reconcile",),
    ("pools",),
    ("tips",),
    ("export",),
    ("report", "--out", "report.html"),
    ("tag", "--dry-run", "--note", "seen"),
)
TOLD = "nothing recorded has the key “nobody's”; known: "


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "4", "--per-day", "20", "--seed", "5") as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, sandbox: SandboxProcess) -> Home:
    home = Home(tmp_path_factory.mktemp("names") / "home", sandbox)
    home.settings('time_zone = "UTC"\n[poll]\ninterval_s = 3600\n')
    home.run("refresh")
    return home


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_filter_that_nothing_has_is_named(home: Home, command: tuple[str, ...], tmp_path: Path) -> None:
    wanted = [str(tmp_path / part) if part.endswith(".html") else part for part in command]
    done = home.run(*wanted, "--key", "nobody's")
    assert done.stderr.startswith(TOLD)
    assert "nothing recorded" not in home.run(*wanted, "--account", "default").stderr


def test_where_tags_are_set_the_filters_are_looked_at_and_not_what_is_set(home: Home) -> None:
    done = home.run("tag", "--dry-run", "--client", "New client", "--where-client", "Nobody")
    assert done.stderr == "nothing recorded has the client “Nobody”\n"


def test_a_program_has_its_answer_all_the_same_and_a_daemon_says_it_as_well(home: Home) -> None:
    with home.started("--headless"):
        wait_until(lambda: home.json("status")["daemon"]["running"], what="the daemon")
        done = home.run("usage", "--json", "--key", "nobody's")
        assert json.loads(done.stdout)["total"]["generations"] == 0
        assert done.stderr.startswith(TOLD)
