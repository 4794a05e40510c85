"""The real daemon where nobody takes notifications: the list and the doctor say so, until somebody does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.harness import Desktop, wait_until
from tests.end_to_end.support import Home, SandboxProcess
from trayd.doctor import _notifications

pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(sys.platform != "linux", reason="the desktop for tests is an X server: Linux only"),
]

SETTINGS = """\
time_zone = "UTC"
locale = "en_US"
[poll]
interval_s = 3600
[alerts]
off = ["backfill", "expensive", "together", "anomaly", "run_out", "expiry"]
"""
NOBODY = "there is no notification service on the session bus"


def notifications(home: Home) -> dict[str, Any] | None:
    """What the doctor finds there."""
    return next((each for each in home.json("doctor", code=None) if each["subject"] == "notifications"), None)


def test_what_the_desktop_does_not_take_is_named_by_the_list_and_the_doctor_until_it_does(
    quiet_desktop: Desktop, tmp_path: Path
) -> None:
    with SandboxProcess("--days", "4", "--per-day", "5", "--seed", "3") as sandbox:
        sandbox.control("freeze", frozen=True)
        sandbox.control("balance", amount="4.20")
        home = Home(tmp_path / "trayd", sandbox, quiet_desktop.env)
        home.settings(SETTINGS)
        home.put("costs.csv", "no,cost\n1,x\n")
        with home.started("--headless") as daemon:
            wait_until(lambda: NOBODY in daemon.output, timeout=20, what="a notice that nobody takes")
            wait_until(lambda: len(home.json("alerts")["alerts"]) == 2, timeout=20, what="both warnings")
            listed, found = home.run("alerts").stdout, notifications(home)
        # Without a daemon nobody knows how the desktop is, and nobody would be told.
        alone, unknown = home.run("alerts").stdout, notifications(home)
        quiet_desktop.start_dunst()
        with home.started("--headless"):
            quiet_desktop.notification("Balance under")
            wait_until(lambda: "not told" not in home.run("alerts").stdout, timeout=20, what="both to be told")
            healed = notifications(home)

    assert " ".join(listed.split()).count(f"not told yet: {NOBODY}") == 2
    assert found is not None
    assert (found["state"], found["text"]) == ("bad", NOBODY)
    assert "notification service" in found["cure"]
    assert " ".join(alone.split()).count("not told yet: trayd does not run") == 2
    assert unknown is None
    assert healed is not None
    assert (healed["state"], healed["cure"]) == ("good", "")


def test_a_notice_that_another_way_takes_is_no_failure_of_the_doctor() -> None:
    state = {"off": "", "trouble": "the notification service failed", "instead": "plyer"}

    found = _notifications(state)
    assert (found["state"], found["text"]) == (
        "note",
        "shown by plyer, without buttons: the notification service failed",
    )
