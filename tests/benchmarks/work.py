"""``python -m tests.benchmarks.work WHAT HOME [FILE]``: one piece of work in a fresh process, as a command does it.

Prints one JSON line: how long it took, without the start of Python and imports, and how much memory it took.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.benchmarks import data
from tests.benchmarks.harness import Samples
from trayd.operations.exporting import ExportQuery, ReportQuery
from trayd.operations.operations import Operations
from trayd.reports.formats import FORMATS
from trayd.settings import Paths, Settings

_MIB = 2**20


class Done(msgspec.Struct, frozen=True):
    """How it went.

    Attributes:
        seconds: from before the ledger is opened until the work is done.
        pss: the memory that the process has afterwards, and ``peak`` the most it had resident, in bytes.
    """

    seconds: float
    pss: int
    peak: int


def status(operations: Operations, _file: Path) -> None:
    operations.status()


def report(operations: Operations, file: Path) -> None:
    with file.open("w", encoding="utf-8") as out:
        out.writelines(operations.report(ReportQuery()))


def export(operations: Operations, file: Path, query: ExportQuery) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        out.writelines(operations.export(query))


def _export_as(name: str) -> Callable[[Operations, Path], None]:
    return lambda operations, file: export(operations, file, ExportQuery(format=name))


_WORK: dict[str, Callable[[Operations, Path], None]] = {
    "status": status,
    "report": report,
    **{f"export-{name}": _export_as(name) for name in FORMATS},
}


def operations_on(home: Path) -> Operations:
    """The questions that a person can ask, on the ledger of that home."""
    return Operations(data.opened(home), Settings(time_zone="UTC"), Paths.under(home))


def in_a_process(what: str, home: Path, file: Path = Path("/dev/null")) -> Done:
    """Does the work in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.work", what, str(home), str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Done)


def over(pieces: list[Done]) -> Samples:
    """Their times."""
    return Samples(tuple(piece.seconds for piece in pieces))


def pss(pid: int | str = "self") -> int:
    """A process's share of memory, what it shares with others counted in proportion, in bytes."""
    return _field(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def _field(file: Path, name: str) -> int:
    line = next(line for line in file.read_text(encoding="ascii").splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def mib(size: float) -> str:
    """The size for people."""
    return f"{size / _MIB:.1f} MiB"


def main() -> None:
    what, home, file = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    began = time.perf_counter()
    operations = operations_on(home)
    _WORK[what](operations, file)
    seconds = time.perf_counter() - began
    done = Done(seconds, pss(), _field(Path("/proc/self/status"), "VmHWM:"))
    sys.stdout.write(msgspec.json.encode(done).decode() + "\n")


if __name__ == "__main__":
    main()
