from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.harness import Desktop
from tests.end_to_end.support import SandboxProcess


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    """Thirty days of made-up history, then as in life."""
    with SandboxProcess("--days", "29", "--per-day", "20", "--seed", "7") as running:
        yield running


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    """A desktop with a panel and a notification service."""
    with Desktop(tmp_path / "desktop") as session:
        yield session
