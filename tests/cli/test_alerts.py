"""``trayd alerts`` by the real command line, with a daemon and without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.support import Home, SandboxProcess

SETTINGS = """
time_zone = "UTC"
locale = "en_US"
[poll]
interval_s = 3600
[alerts]
balance_below = [100000]
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "2", "--per-day", "3", "--seed", "5") as running:
        running.control("freeze", frozen=True)
        yield running


def listed(home: Home, *options: str) -> dict[str, Any]:
    return json.loads(home.run("alerts", *options, "--json").stdout)


def test_an_open_alert_is_listed_snoozed_and_survives_all_that(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = Home(tmp_path / "home", sandbox)
    home.settings(SETTINGS)
    home.run("run", "--once")

    (alert,) = [one for one in listed(home)["alerts"] if one["rule"] == "balance"]
    assert (alert["state"], alert["level"]) == ("open", "100000.00")
    shown = home.run("alerts").stdout
    assert "Balance under $100,000.00" in shown
    assert f"id {alert['id']}" in shown

    home.run("alerts", "snooze", "balance:", "2h")
    (alert,) = [one for one in listed(home, "--rule", "balance")["alerts"] if one["state"] == "snoozed"]
    assert alert["snoozed_until"] is not None


def test_a_pause_is_the_same_with_a_daemon_and_without_and_outlives_its_end(
    tmp_path: Path, sandbox: SandboxProcess
) -> None:
    home = Home(tmp_path / "home", sandbox)
    home.settings(SETTINGS)
    with home.daemon():
        assert "until `trayd alerts resume`" in home.run("alerts", "pause", "on").stdout
        assert listed(home)["paused_until"].startswith("8999")
    assert listed(home)["paused_until"].startswith("8999")

    assert home.run("alerts", "resume").stdout == "the pause is over; alerts go to the desktop\n"
    with home.daemon():
        assert listed(home)["paused_until"] is None


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (("pause", "soon"), "is no length of time"),
        (("pause", "-5h"), "'-5h' is no length of time"),
        (("snooze", "balance:", "-1d"), "'-1d' is no length of time"),
        (("--json", "resume"), "`trayd alerts resume` takes nothing before its name"),
        (("--rule", "budget", "snooze", "x"), "`trayd alerts snooze` takes nothing before its name"),
        (("--all", "--since", "2026-11-01"), "give one of them"),
        (("snooze", "balance:nobody"), "there is no open alert"),
        (("--rule", "weather"), "there is no rule 'weather'"),
        (("--since", "yesterday"), "is no date"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_cure(
    tmp_path: Path, sandbox: SandboxProcess, order: tuple[str, ...], said: str
) -> None:
    home = Home(tmp_path / "home", sandbox)

    refused = home.run("alerts", *order, code=2)

    assert said in refused.stderr
