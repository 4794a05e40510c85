"""``python -m tests.benchmarks [NAME,NAME…]``: prints the table; a whole run writes it into docs/benchmarks.md."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from tests.benchmarks.harness import Row, table
from tests.benchmarks.list import BENCHMARKS
from tests.benchmarks.machine import machine, today
from tests.benchmarks.page import PAGE, write_section


def main() -> None:
    wanted = [name for name in (sys.argv[1] if len(sys.argv) > 1 else "").split(",") if name]
    unknown = [name for name in wanted if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    began = time.monotonic()
    rows: list[Row] = []
    failed = []
    with tempfile.TemporaryDirectory(prefix="trayd-bench-") as folder:
        for name in wanted or BENCHMARKS:
            started = time.monotonic()
            found, well = _run(name, Path(folder))
            rows += found
            if not well:
                failed.append(name)
            sys.stderr.write(f"{name}: {time.monotonic() - started:.0f} s\n")
    text = section(rows, time.monotonic() - began)
    sys.stdout.write(text)
    if failed:
        sys.exit(f"these did not come to their end: {', '.join(failed)}")
    if not wanted:
        write_section(PAGE, "bench", text)


def _run(name: str, folder: Path) -> tuple[list[Row], bool]:
    """The rows of one benchmark, in a process of its own: none is measured with the memory of another."""
    command = [sys.executable, "-m", "tests.benchmarks.one", name, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    rows = [msgspec.json.decode(line, type=Row) for line in done.stdout.splitlines()]
    for row in rows:
        sys.stderr.write(f"  {row.what}: {row.measured}\n")
    return rows, done.returncode == 0


def section(rows: list[Row], seconds: float) -> str:
    """The page's section, in Markdown."""
    missed = sum(row.met is False for row in rows)
    judged = sum(row.met is not None for row in rows)
    lines = [
        f"`make bench` on {today()}, {seconds / 60:.0f} minutes: {judged - missed} of {judged} targets met.",
        *machine(),
        "",
        "Contenders are measured in turn, in one run. A figure is the median, with the range that eight of ten samples",
        "are in; no sample is left out. A ratio is one of medians.",
        "",
    ]
    return "\n".join(lines) + "\n" + table(rows)


if __name__ == "__main__":
    main()
