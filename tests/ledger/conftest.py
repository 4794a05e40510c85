import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.ledger.making import opened
from trayd.ledger.store import Ledger

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - the folders in it are made by tempfile


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = opened(tmp_path)
    yield ledger
    ledger.close()


@pytest.fixture
def quick_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where the system has such: for tests that make thousands of files and sync none."""
    where = _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else tmp_path
    with TemporaryDirectory(dir=where) as folder:
        yield Path(folder)
