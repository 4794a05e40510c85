"""Buttons of warnings: drawn by a real notification service, pressed by a real pointer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.desktop.bubbles import bubbles, buttons, start_bubbles
from tests.desktop.harness import Desktop, wait_until
from tests.desktop.notices import LOW_BALANCE, until
from tests.end_to_end.support import Home, SandboxProcess
from trayd.alerts.delivery import Deliverer, Outcome
from trayd.alerts.notice import Notice
from trayd.episodes import Urgency

GRAVER = msgspec.structs.replace(LOW_BALANCE, title="Balance under $5.00", urgency=Urgency.CRITICAL)
OTHER = Notice(episodes=("file:costs.csv",), title="costs.csv was rejected", body="Line 3.", urgency=Urgency.CRITICAL)


@pytest.fixture
def screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    """A desktop whose notifications have buttons."""
    with Desktop(tmp_path / "desktop", panel=False, notifications=False) as session:
        start_bubbles(session)
        for name in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY"):
            monkeypatch.setenv(name, session.env[name])
        yield session


async def press(screen: Desktop, place: int, *, of: int) -> None:
    """Clicks the button that is drawn at that place, from the left, once so many are seen."""

    def seen() -> list[tuple[int, int]]:
        found = [buttons(screen, bubble) for bubble in bubbles(screen)]
        return found[0] if found and len(found[0]) == of else []

    points = await asyncio.to_thread(wait_until, seen, what=f"{of} buttons on the screen")
    await asyncio.to_thread(screen.mouse_click, *points[place])


@pytest.mark.parametrize(
    ("place", "action"), [(0, "open:billing"), (1, "open:dashboard"), (2, "snooze:balance:northwind")]
)
async def test_each_drawn_button_does_what_it_says(
    screen: Desktop, deliverer: Deliverer, pressed: list[str], place: int, action: str
) -> None:
    assert await deliverer.show(LOW_BALANCE) is Outcome.DESKTOP

    await press(screen, place, of=3)

    await until(lambda: pressed)
    assert pressed == [action]


async def test_snoozing_several_snoozes_each_that_is_not_over(
    screen: Desktop, deliverer: Deliverer, pressed: list[str]
) -> None:
    several = msgspec.structs.replace(
        LOW_BALANCE, episodes=("balance:northwind", "stale:north", "file:a:b.csv"), over=("stale:north",), actions=()
    )
    await deliverer.show(several)

    await press(screen, 0, of=1)

    await until(lambda: len(pressed) == 2)
    assert pressed == ["snooze:balance:northwind", "snooze:file:a:b.csv"]


async def test_what_gets_graver_takes_the_place_of_what_was_told_before(
    screen: Desktop, deliverer: Deliverer, pressed: list[str]
) -> None:
    await deliverer.show(OTHER)
    await deliverer.show(LOW_BALANCE)
    await until(lambda: len(bubbles(screen)) == 2)

    await deliverer.show(GRAVER)
    await deliverer.show(GRAVER)

    await asyncio.sleep(0.5)
    assert len(bubbles(screen)) == 2
    deliverer.withdraw(["file:costs.csv"])
    await until(lambda: len(bubbles(screen)) == 1)
    await press(screen, 0, of=3)
    await until(lambda: pressed)
    assert pressed == ["open:billing"]


async def test_what_is_over_is_taken_away_and_what_tells_of_more_stays(screen: Desktop, deliverer: Deliverer) -> None:
    await deliverer.show(msgspec.structs.replace(GRAVER, episodes=("a", "b")))
    await until(lambda: len(bubbles(screen)) == 1)

    deliverer.withdraw(["a", "unknown"])
    await asyncio.sleep(0.4)
    assert len(bubbles(screen)) == 1

    deliverer.withdraw(["b"])
    await until(lambda: not bubbles(screen))


SETTINGS = """\
time_zone = "UTC"
locale = "en_US"
[poll]
interval_s = 1
"""


def test_a_person_snoozes_a_warning_of_the_running_daemon_and_it_is_kept(screen: Desktop, tmp_path: Path) -> None:
    with SandboxProcess("--days", "4", "--per-day", "5", "--seed", "3") as sandbox:
        home = warned(tmp_path, sandbox, screen)
        with home.started("--headless") as daemon:
            points = wait_until(lambda: drawn(screen, of=3), timeout=30, what="the warning with its buttons")
            screen.mouse_click(*points[2])
            wait_until(lambda: snoozed(home), what="the snooze")
            until_when = snoozed(home)
            assert not bubbles(screen)
            daemon.kill()

        # It is in the ledger, not in the head of the daemon that was killed.
        assert snoozed(home) == until_when
        assert home.run("ledger", "verify")


def test_add_credits_opens_the_billing_page(screen: Desktop, tmp_path: Path) -> None:
    opened = tmp_path / "opened.txt"
    with SandboxProcess("--days", "4", "--per-day", "5", "--seed", "3") as sandbox:
        home = warned(tmp_path, sandbox, screen)
        with home.started("--headless"):
            points = wait_until(lambda: drawn(screen, of=3), timeout=30, what="the warning with its buttons")
            screen.mouse_click(*points[0])
            wait_until(opened.exists, what="the page")

    assert opened.read_text() == "https://fal.ai/dashboard/billing\n"


def warned(tmp_path: Path, sandbox: SandboxProcess, screen: Desktop) -> Home:
    """A home whose balance is under its last threshold, and in which pages are opened by a program that notes them."""
    sandbox.control("balance", amount="4.20")
    sandbox.control("freeze", frozen=True)
    home = Home(tmp_path / "trayd", sandbox, screen.env)
    home.settings(SETTINGS + '[alerts]\noff = ["backfill", "expensive", "together", "anomaly", "run_out", "expiry"]\n')
    opener = tmp_path / "opener"
    opener.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path / "opened.txt"}\n')
    opener.chmod(0o755)
    home.env["BROWSER"] = str(opener)
    return home


def drawn(screen: Desktop, *, of: int) -> list[tuple[int, int]]:
    """The buttons of the topmost bubble, once so many are seen."""
    found = [buttons(screen, bubble) for bubble in bubbles(screen)]
    return found[0] if found and len(found[0]) == of else []


def snoozed(home: Home) -> str | None:
    """Until when the warning of the balance is put off."""
    balances = [alert for alert in home.json("alerts")["alerts"] if alert["rule"] == "balance"]
    return next((alert["snoozed_until"] for alert in balances), None)
