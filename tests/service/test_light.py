"""What a daemon that only sits in the tray does without: it is imported with the first use."""

import subprocess
import sys

import pytest

#: By the work that needs it.
HEAVY = {
    "tables of costs": "trayd.intake.costs",
    "workbooks": "trayd.intake.workbook",
    "exports that are read back": "trayd.operations.history_import",
    "exports": "trayd.reports.json_export",
    "FOCUS": "trayd.reports.focus_export",
    "reports": "trayd.reports.context",
    "pages": "jinja2",
    "numbers as people write them": "babel",
    "progress in a terminal": "rich",
    "names that were meant": "difflib",
}


@pytest.fixture(scope="module")
def loaded() -> frozenset[str]:
    """The modules of a process that has imported all that a daemon runs on."""
    code = "import sys, trayd.cli, trayd.process; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return frozenset(done.stdout.split())


@pytest.mark.parametrize("name", HEAVY.values(), ids=HEAVY)
def test_it_is_not_loaded_at_the_start(loaded: frozenset[str], name: str) -> None:
    assert "trayd.daemon" in loaded
    assert name not in loaded
