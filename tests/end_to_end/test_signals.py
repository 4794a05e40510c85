"""The daemon ends when it is told to, whichever of its threads the system tells."""

from __future__ import annotations

import ctypes
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.desktop.harness import Desktop, wait_until
from tests.end_to_end.support import Home, Program, SandboxProcess

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="Linux alone lets one thread of another process be told"
)


def tell_another_thread(program: Program) -> None:
    """SIGTERM for a thread that is not the main one; of a signal for the process the system may choose any."""
    main = program.process.pid
    thread = max(int(each.name) for each in Path(f"/proc/{main}/task").iterdir())
    assert thread != main
    assert ctypes.CDLL(None).tgkill(main, thread, signal.SIGTERM) == 0


@pytest.fixture
def home(tmp_path: Path, sandbox: SandboxProcess) -> Home:
    return Home(tmp_path / "home", sandbox)


def ends_within_seconds(program: Program) -> bool:
    # Whatever else wakes the main thread would have it look at the signal as well.
    wait_until(lambda: sleeps_on(program), timeout=30, what="a main thread that nothing wakes")
    tell_another_thread(program)
    return program.process.wait(8) == 0


def sleeps_on(program: Program) -> bool:
    """Whether the main thread was not woken in two seconds, by the kernel's count of how often it has gone to sleep."""
    status = Path(f"/proc/{program.process.pid}/status")

    def slept() -> str:
        return next(line for line in status.read_text().splitlines() if line.startswith("voluntary_ctxt_switches"))

    before = slept()
    time.sleep(2)
    return slept() == before


def test_without_an_icon(home: Home) -> None:
    with home.started("--headless") as daemon:
        assert ends_within_seconds(daemon)


@pytest.mark.desktop
def test_with_an_icon(desktop: Desktop, tmp_path: Path, sandbox: SandboxProcess) -> None:
    with Home(tmp_path / "home", sandbox, desktop.env).started() as daemon:
        assert ends_within_seconds(daemon)
