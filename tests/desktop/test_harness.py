from __future__ import annotations

from pathlib import Path

import pytest

from tests.desktop.harness import Desktop, DesktopError


def test_a_notification_sent_on_the_desktop_is_seen_with_its_text(desktop: Desktop) -> None:
    desktop.run("notify-send", "-u", "critical", "--", "-5 % left", "first\nsecond")

    shown = desktop.notification("5 % left")

    assert (shown.summary, shown.body, shown.urgency) == ("-5 % left", "first\nsecond", "CRITICAL")


def test_a_desktop_without_a_panel_has_no_tray_host_until_it_is_started(tmp_path: Path) -> None:
    with Desktop(tmp_path, panel=False, notifications=False) as desktop:
        assert not desktop.has_owner("org.kde.StatusNotifierWatcher")
        desktop.start_panel()
        assert desktop.has_owner("org.kde.StatusNotifierWatcher")
        with pytest.raises(DesktopError, match="a tray icon"):
            desktop.item(timeout=0.2)


def test_every_process_of_the_desktop_ends_with_it(tmp_path: Path) -> None:
    with Desktop(tmp_path) as desktop:
        home = desktop.env["HOME"]
        assert _processes_of(home)

    assert not _processes_of(home)


def _processes_of(home: str) -> list[str]:
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"HOME={home}\0".encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:
            continue
    return found
