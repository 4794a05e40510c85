"""Quiet hours of the real daemon on a real desktop: silence, a kill in the middle, one digest when they end."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.desktop.harness import Desktop, wait_until
from tests.end_to_end.support import Home, SandboxProcess

pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(sys.platform != "linux", reason="the desktop for tests is an X server: Linux only"),
]

HOUR = timedelta(hours=1)
PATIENCE_S = 20


def settings(begins: datetime, ends: datetime) -> str:
    """Quiet hours; a balance comes through them at no level."""
    return f"""\
time_zone = "UTC"
locale = "en_US"
[poll]
interval_s = 1
[alerts]
off = ["backfill", "expensive", "together", "anomaly", "run_out", "expiry"]
[alerts.quiet_hours]
from = "{begins:%H:%M:%S}"
to = "{ends:%H:%M:%S}"
critical = false
"""


def open_rules(home: Home) -> set[str]:
    return {alert["rule"] for alert in home.json("alerts")["alerts"]}


def test_what_came_up_in_quiet_hours_comes_as_one_notification_when_they_end_also_after_a_kill(
    dunst: Desktop, tmp_path: Path
) -> None:
    with SandboxProcess("--days", "4", "--per-day", "5", "--seed", "3") as sandbox:
        sandbox.control("freeze", frozen=True)
        sandbox.control("balance", amount="4.20")
        home = Home(tmp_path / "trayd", sandbox, dunst.env)
        now = datetime.now(UTC).replace(microsecond=0)
        home.settings(settings(now - HOUR, now + HOUR))
        with home.started("--headless") as daemon:
            wait_until(lambda: "balance" in open_rules(home), timeout=PATIENCE_S, what="the warning in the list")
            daemon.kill()
        with home.started("--headless"):
            home.put("costs.csv", "no,cost\n1,x\n")
            wait_until(lambda: "file" in open_rules(home), timeout=PATIENCE_S, what="the file in the list")
            before = dunst.notifications()
            # They end in some seconds instead.
            ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
            home.settings(settings(now - HOUR, ends))
            home.run("refresh")
            told = dunst.notification("While it was quiet", timeout=30)
            at = datetime.now(UTC)
            time.sleep(1)

    assert before == []
    assert at >= ends
    assert [one.summary for one in dunst.notifications()] == ["While it was quiet: 2 warnings"]
    first, second = told.body.splitlines()
    assert first.startswith("Balance under $5.00")
    assert "has $4.20 left. Add credits now" in first
    assert second.startswith("costs.csv was not taken in (at ")
