from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.harness import Desktop
from tests.desktop.notices import deliverer, pressed

__all__ = ["deliverer", "pressed"]  # fixtures


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    """A desktop with a panel and a notification service, for one test."""
    with Desktop(tmp_path / "desktop") as session:
        yield session


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.desktop)
            if sys.platform != "linux":
                item.add_marker(pytest.mark.skip(reason="the desktop for tests is an X server: Linux only"))
