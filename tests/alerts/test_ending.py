"""A daemon that is told to end while it looks: it ends at once, whatever becomes of the look."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess

LOOK_S = 0.5

# Loaded by the daemon's interpreter before anything of trayd's runs.
_SLOW_LOOKS = f"""\
import time
from pathlib import Path
from trayd.service.observing import Observing

observe = Observing.observe

def slowly(self, operations, now):
    Path({{looking!r}}).touch()
    time.sleep({LOOK_S})
    {{then}}
    return observe(self, operations, now)

Observing.observe = slowly
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "2", "--per-day", "2") as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    "then",
    [
        pytest.param("", id="that takes its time"),
        pytest.param("from trayd.errors import LedgerError; raise LedgerError('no', 'wait')", id="that cannot be done"),
    ],
)
def test_sigterm_during_a_look_ends_the_daemon_within_seconds(
    tmp_path: Path, sandbox: SandboxProcess, then: str
) -> None:
    looking = tmp_path / "looking"
    (tmp_path / "sitecustomize.py").write_text(_SLOW_LOOKS.format(looking=str(looking), then=then))
    home = Home(tmp_path / "home", sandbox)
    home.env["PYTHONPATH"] = str(tmp_path)
    with home.started("--headless") as daemon:
        wait_until(looking.exists, timeout=20, what="a look")
        told = time.monotonic()
        code = daemon.end()
        took = time.monotonic() - told

    assert (code, took < LOOK_S + 6) == (0, True), daemon.output
