"""Notices on a real desktop: a real session bus, dunst, real clicks, and services that hang or are not there."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.alerts.conftest import ROOT
from tests.desktop.harness import Desktop
from tests.desktop.notices import LOW_BALANCE as LOW
from tests.desktop.notices import until
from trayd.alerts import desktop as desktop_module
from trayd.alerts import fallback
from trayd.alerts.delivery import Deliverer, DesktopState, Outcome
from trayd.alerts.notice import Notice
from trayd.episodes import Urgency

pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(sys.platform != "linux", reason="the desktop for tests is an X server: Linux only"),
]

LOW_BALANCE = msgspec.structs.replace(LOW, urgency=Urgency.CRITICAL)


async def test_a_warning_is_shown_with_its_text_and_urgency(dunst: Desktop, deliverer: Deliverer) -> None:
    assert await deliverer.show(LOW_BALANCE) is Outcome.DESKTOP

    shown = await asyncio.to_thread(dunst.notification, "Balance under")
    assert (shown.app, shown.summary, shown.body, shown.urgency) == (
        "trayd",
        "Balance under $20.00",
        "fal account northwind has $14.32 left.",
        "CRITICAL",
    )


async def test_what_looks_like_markup_or_an_option_is_shown_as_it_is(dunst: Desktop, deliverer: Deliverer) -> None:
    odd = Notice(episodes=("x",), title="-u critical <b>", body="Black & <i>White</i>\nC:\\new \x00 \ud800 'x'")

    assert await deliverer.show(odd) is Outcome.DESKTOP

    shown = await asyncio.to_thread(dunst.notification, "critical")
    assert shown.summary == "-u critical <b>"
    # dunst's script sees the body as it came, with the markup escaped.
    assert shown.body == "Black &amp; &lt;i&gt;White&lt;/i&gt;\nC:\\new   ? 'x'"


async def test_a_click_on_the_notification_does_its_first_action(
    dunst: Desktop, deliverer: Deliverer, pressed: list[str]
) -> None:
    await deliverer.show(LOW_BALANCE)
    await asyncio.to_thread(dunst.notification, "Balance under")
    # Where it appears, and where dunst by default takes the middle button for "do it".
    await asyncio.to_thread(dunst.mouse_click, 600, 70, 2)

    await until(lambda: pressed)
    assert pressed == ["open:billing"]


async def test_each_button_does_what_it_says(dunst: Desktop, deliverer: Deliverer, pressed: list[str]) -> None:
    # dunst has a program of its own choosing show the buttons as a menu; this one picks the second.
    picker = dunst.home / "pick.sh"
    picker.write_text("#!/bin/sh\ngrep dashboard\n")
    picker.chmod(0o755)
    config = (dunst.home / "dunstrc").read_text().replace("[global]", f"[global]\ndmenu = {picker}")
    await asyncio.to_thread(dunst.stop_dunst)
    (dunst.home / "picking.dunstrc").write_text(config)
    dunst._spawn("dunst", ["dunst", "-config", str(dunst.home / "picking.dunstrc")])
    await until(lambda: dunst.has_owner("org.freedesktop.Notifications"))

    await deliverer.show(LOW_BALANCE)
    await asyncio.to_thread(dunst.notification, "Balance under")
    await asyncio.to_thread(dunst.run, "dunstctl", "context")

    await until(lambda: pressed)
    assert pressed == ["open:dashboard"]


async def test_a_service_that_was_restarted_gets_the_next_warning_and_its_buttons_work(
    dunst: Desktop, deliverer: Deliverer, pressed: list[str]
) -> None:
    await deliverer.show(LOW_BALANCE)
    await until(lambda: len(dunst.notifications()) == 1)
    await asyncio.to_thread(dunst.stop_dunst)
    assert await deliverer.show(LOW_BALANCE) is Outcome.LATER
    await asyncio.to_thread(dunst.start_dunst)

    assert await deliverer.show(LOW_BALANCE) is Outcome.DESKTOP

    await until(lambda: len(dunst.notifications()) == 2)
    await asyncio.to_thread(dunst.run, "dunstctl", "action", "0")
    await until(lambda: pressed)
    assert pressed == ["open:billing"]


async def test_without_a_service_the_log_has_it_at_once_and_says_why_once(
    quiet_desktop: Desktop, deliverer: Deliverer, caplog: pytest.LogCaptureFixture
) -> None:
    assert not quiet_desktop.has_owner("org.freedesktop.Notifications")
    began = time.monotonic()

    assert await deliverer.show(LOW_BALANCE) is Outcome.LATER
    assert await deliverer.show(LOW_BALANCE) is Outcome.LATER

    assert time.monotonic() - began < 3
    assert caplog.messages == ["notifications on the desktop: there is no notification service on the session bus"]


async def test_the_log_says_once_that_notifications_work_again(
    quiet_desktop: Desktop, deliverer: Deliverer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "trayd.alerts.delivery")
    await deliverer.show(LOW_BALANCE)
    await asyncio.to_thread(quiet_desktop.start_dunst)

    for _ in range(2):
        assert await deliverer.show(LOW_BALANCE) is Outcome.DESKTOP

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert caplog.messages[-1] == "notifications on the desktop work again"


async def test_how_it_stands_with_the_desktop_is_known_from_the_last_notice(
    quiet_desktop: Desktop, deliverer: Deliverer
) -> None:
    assert deliverer.state == DesktopState()
    await deliverer.show(LOW_BALANCE)
    assert deliverer.state == DesktopState(trouble="there is no notification service on the session bus")

    deliverer.desktop = False
    await deliverer.show(LOW_BALANCE)
    assert deliverer.state == DesktopState(off="alerts.desktop is false in the settings")

    deliverer.desktop = True
    await asyncio.to_thread(quiet_desktop.start_dunst)
    await deliverer.show(LOW_BALANCE)
    assert deliverer.state == DesktopState()


async def test_without_a_desktop_the_log_has_to_do(deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)

    assert await deliverer.show(LOW_BALANCE) is Outcome.LOG
    assert deliverer.state == DesktopState(off="there is no desktop here")


async def test_a_bus_that_is_gone_is_no_reason_to_fail(
    deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/gone")

    assert await deliverer.show(LOW_BALANCE) is Outcome.LATER


async def test_who_wants_no_notifications_gets_none(dunst: Desktop) -> None:
    assert await Deliverer(print, desktop=False).show(LOW_BALANCE) is Outcome.LOG
    assert dunst.notifications() == []


async def test_a_service_that_hangs_does_not_stop_the_loop_and_is_given_up_in_time(
    bad_service: Callable[[str], subprocess.Popen[bytes]],
    deliverer: Deliverer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(desktop_module, "PATIENCE_S", 1.0)
    bad_service("hang")
    longest = 0.0

    async def heart() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - before)

    beating = asyncio.create_task(heart())
    began = time.monotonic()
    outcome = await deliverer.show(LOW_BALANCE)
    took = time.monotonic() - began
    beating.cancel()

    assert outcome is Outcome.LATER
    assert 1.0 <= took < 3.0
    assert longest < 0.5
    assert caplog.messages == ["notifications on the desktop: the notification service did not answer for 1 s"]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_bus_that_hangs_is_left_alone_and_found_again_and_costs_nothing_meanwhile(
    dunst: Desktop, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await deliverer.show(LOW_BALANCE) is Outcome.DESKTOP
    bus = dunst._processes["bus"].pid

    monkeypatch.setattr(desktop_module, "PATIENCE_S", 0.3)
    os.kill(bus, signal.SIGSTOP)
    counts = set()
    for _ in range(4):
        assert await deliverer.show(LOW_BALANCE) is Outcome.LATER
        counts.add(open_files())
    os.kill(bus, signal.SIGCONT)
    monkeypatch.setattr(desktop_module, "PATIENCE_S", 5.0)

    assert await deliverer.show(LOW_BALANCE) is Outcome.DESKTOP
    assert len(counts) <= 2


async def test_plyer_takes_what_a_service_without_introspection_still_shows(
    bad_service: Callable[[str], subprocess.Popen[bytes]], deliverer: Deliverer
) -> None:
    service = bad_service("blank")
    odd = Notice(episodes=("x",), title="-5 % left", body="-it's C:\\new & <b>")

    assert await deliverer.show(odd) is Outcome.PLYER

    assert deliverer.state.instead is Outcome.PLYER
    assert deliverer.state.trouble.startswith("the notification service failed")
    assert service.stdout is not None
    app, title, body = json.loads(await asyncio.to_thread(service.stdout.readline))
    assert (app, title, body) == ("trayd", " -5 % left", " -it’s C:\\new &amp; &lt;b&gt;")


async def test_plyer_that_hangs_is_left_behind(
    bad_service: Callable[[str], subprocess.Popen[bytes]], deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "PATIENCE_S", 0.5)
    bad_service("trap")
    began = time.monotonic()

    assert await deliverer.show(LOW_BALANCE) is Outcome.LATER
    assert await deliverer.show(LOW_BALANCE) is Outcome.LATER

    assert time.monotonic() - began < 5


def test_a_process_whose_plyer_hangs_ends_when_it_wants_to(
    bad_service: Callable[[str], subprocess.Popen[bytes]], quiet_desktop: Desktop, tmp_path: Path
) -> None:
    bad_service("trap")
    program = (
        "import asyncio; from trayd.alerts import fallback; from trayd.alerts.notice import Notice\n"
        "fallback.PATIENCE_S = 0.5\n"
        "async def main():\n"
        "    try: await fallback.PlyerChannel().send(Notice(episodes=('x',), title='t', body='b'))\n"
        "    except fallback.ChannelError as error: print(error)\n"
        "asyncio.run(main())\n"
    )
    said = tmp_path / "said"
    # To a file: the notify-send that hangs keeps a pipe open.
    with said.open("w") as out:
        ended = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=quiet_desktop.env, stdout=out, timeout=15, check=True
        )

    assert ended.returncode == 0
    assert said.read_text() == "plyer hangs for more than 0.5 s\n"


@pytest.fixture(autouse=True)
def _seen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
