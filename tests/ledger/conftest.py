from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.making import opened
from trayd.ledger.store import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = opened(tmp_path)
    yield ledger
    ledger.close()
