from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake.host import Host
from trayd.intake import drop, ready


@pytest.fixture(autouse=True)
def fast(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quick pace, so that a test does not wait for seconds on what it is not about."""
    if "real_pace" not in request.fixturenames:
        monkeypatch.setattr(ready, "QUIET_S", 0.3)
        monkeypatch.setattr(ready, "LONG_QUIET_S", 0.3)
        monkeypatch.setattr(drop, "INTERVAL_S", 0.5)


@pytest.fixture
def real_pace() -> None:
    """Asked for by tests that are about the pace itself."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    host.drop.mkdir()
    yield host
    host.close()
