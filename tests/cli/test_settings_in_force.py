"""A slip in the settings file while a daemon runs: it goes on by what was in force, and every command says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess

GOOD = 'home_currency = "USD"\n[poll]\ninterval_s = 3600\n[[budget]]\nname = "Film"\namount = 50\n'
#: As typed: from.
BAD = f'{GOOD}[alerts.quiet_hours]\nfom = "22:00"\nto = "07:00"\n'


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "4", "--per-day", "20", "--seed", "5") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, sandbox: SandboxProcess) -> Home:
    home = Home(tmp_path / "home", sandbox)
    home.settings(GOOD)
    return home


def test_the_daemon_answers_by_the_settings_in_force_and_the_mistake_is_told_with_its_cure(
    home: Home, tmp_path: Path
) -> None:
    with home.started("--headless"):
        wait_until(lambda: home.json("status")["accounts"][0]["state"] == "ok", what="the first poll")
        home.settings(BAD)
        for command in (["status"], ["budgets"], ["usage"], ["report", "--out", str(tmp_path / "r.html")]):
            (told, *_) = home.run(*command).stderr.splitlines()
            assert told.startswith("the settings stay as they were: ")
            assert "settings.toml" in told
            assert "fom" in told
        asked = home.run("budgets", "--json")
        assert [each["budget"]["name"] for each in json.loads(asked.stdout)] == ["Film"]
        assert len(asked.stderr.splitlines()) == 1
        home.settings(GOOD)
        assert home.run("status").stderr == ""
        home.settings(BAD)
    assert "fom" in home.run("status", code=1).stderr


def test_what_a_killed_daemon_left_is_no_daemon(home: Home) -> None:
    home.run("refresh")
    home.settings(BAD)
    (home.folder / "run").mkdir(exist_ok=True)
    (home.folder / "run" / "trayd.json").write_text('{"pid": 1, "url": "http://127.0.0.1:9", "token": "t"}')
    assert "fom" in home.run("status", code=1).stderr
