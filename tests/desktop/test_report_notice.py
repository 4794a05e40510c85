"""Scheduled reports on a real desktop: told together, and their folder opens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.desktop.bubbles import bubbles, start_bubbles
from tests.desktop.harness import Desktop, wait_until
from tests.desktop.test_alert_buttons import drawn
from tests.end_to_end.support import Home, SandboxProcess

LAST_MONTH = datetime.now(UTC).replace(day=1) - timedelta(days=2)
COSTS = "date,description,amount,category,client\n" + "".join(
    f"{LAST_MONTH:%Y-%m-%d},Voices,12.50,voice,{client}\n" for client in ("Northwind", "Acme")
)


def test_reports_of_two_clients_are_one_notification_whose_button_opens_their_folder(tmp_path: Path) -> None:
    folder, opened = tmp_path / "für Kunden", tmp_path / "opened.txt"
    folder.mkdir()
    opener = tmp_path / "opener"
    opener.write_text(f'#!/bin/sh\necho "$1" >> "{opened}"\n')
    opener.chmod(0o755)
    with (
        Desktop(tmp_path / "desktop", panel=False, notifications=False) as screen,
        SandboxProcess("--days", "1", "--per-day", "1", "--seed", "3") as sandbox,
    ):
        start_bubbles(screen)
        sandbox.control("freeze", frozen=True)
        home = Home(tmp_path / "trayd", sandbox, screen.env)
        home.env["BROWSER"] = str(opener)
        home.settings(
            'time_zone = "UTC"\nlocale = "en_US"\n[alerts]\noff = ["backfill", "balance"]\n'
            f'[[report.schedule]]\nevery = "month"\nname = "für alle"\nafter_days = 0\nfolder = "{folder}"\n'
        )
        home.put("costs.csv", COSTS)
        with home.started("--headless"):
            points = wait_until(lambda: drawn(screen, of=1), timeout=60, what="the notification with its button")
            screen.screenshot(tmp_path / "screen.png")
            assert len(bubbles(screen)) == 1
            assert len(list(folder.iterdir())) == 2
            screen.mouse_click(*points[0])
            wait_until(opened.exists, what="the folder")
    assert opened.read_text().strip() in {folder.as_uri(), str(folder)}
