from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.desktop.harness import Desktop, end
from tests.desktop.notices import deliverer, pressed

__all__ = ["deliverer", "pressed"]  # fixtures

ROOT = Path(__file__).parents[2]


@pytest.fixture
def quiet_desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    """An X server and a session bus that this process sees, with nobody to take notifications yet."""
    with Desktop(tmp_path / "desktop", panel=False, notifications=False) as session:
        for name in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY"):
            monkeypatch.setenv(name, session.env[name])
        yield session


@pytest.fixture
def dunst(quiet_desktop: Desktop) -> Desktop:
    """The same with a real notification service."""
    quiet_desktop.start_dunst()
    return quiet_desktop


@pytest.fixture
def bad_service(quiet_desktop: Desktop) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts one of the services that behave badly."""
    started = []

    def start(kind: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.alerts.services", kind]
        process = subprocess.Popen(
            command, cwd=ROOT, env=quiet_desktop.env, stdout=subprocess.PIPE, start_new_session=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        end(process)
