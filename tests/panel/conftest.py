"""A home with everything in it, and the panel on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.panel.served import NOW, Panel, ServedHere, daemon, hostile_home, served_here


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    """A real daemon's."""
    with daemon(hostile_home(tmp_path_factory.mktemp("panel"))) as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[ServedHere]:
    with served_here(home) as served:
        yield served


@pytest.fixture
def here(served: ServedHere) -> Iterator[ServedHere]:
    """Served in this process, where its clock can be turned; as it was before, after each test."""
    before = served.here.paths, served.here.operations.settings
    yield served
    served.close()
    served.here.at = NOW
    served.here.paths, served.here.operations.settings = before
    vars(served.here.operations).pop("report", None)
