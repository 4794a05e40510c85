"""The soak in small, and that it would notice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.soak.cycles import Summary
from tests.soak.trial import FLAWS

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif("sys.platform != 'linux'", reason="it forks, and reads /proc")


def soak(folder: Path, cycles: int, *flaws: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.soak.trial", str(folder), str(cycles), *flaws]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)


def test_nothing_acknowledged_is_lost_in_a_hundred_kills(tmp_path: Path) -> None:
    done = soak(tmp_path / "soak", 100)

    assert done.returncode == 0, done.stderr
    summary = msgspec.json.decode(done.stdout, type=Summary)
    assert summary.cycles == 100
    assert summary.acknowledged > 300
    assert 10 < summary.pending < 100
    assert summary.opened > 100
    assert len(summary.places) > 15
    assert not (tmp_path / "soak").exists()


@pytest.mark.parametrize("flaw", FLAWS)
def test_it_notices_a_ledger_with_a_flaw(flaw: str, tmp_path: Path) -> None:
    done = soak(tmp_path / "soak", 60, flaw)

    assert done.returncode == 1, done.stdout
    assert "Error" in done.stderr
    assert list((tmp_path / "soak").glob("home-*")), "what was found is kept"
