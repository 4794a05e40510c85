"""``python -m tests.soak [CYCLES] [SEED]``: kills, looks, and writes what it came to into docs/benchmarks.md.

Ends with 1 at the first thing that is wrong, says the seed, and keeps the ledger's folder as it was found.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.benchmarks.machine import machine, today
from tests.benchmarks.page import PAGE, write_section
from tests.soak.checker import SoakError
from tests.soak.cycles import Summary
from tests.soak.workers import WORKERS, soaked

_CYCLES = 15_000
#: The page names that many kinds of place, and counts the others together.
_NAMED = 12


def main() -> None:
    cycles = int(sys.argv[1]) if len(sys.argv) > 1 else _CYCLES
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20_261_120
    folder = Path(tempfile.mkdtemp(prefix="trayd-soak-"))
    try:
        summary = soaked(folder, seed, cycles)
    except SoakError as error:
        sys.exit(f"FAILED: {error}\nThe seeds begin with {seed}; what was found is in {folder}")
    text = section(summary, seed)
    sys.stdout.write(f"\n{text}")
    write_section(PAGE, "soak", text)


def section(summary: Summary, seed: int) -> str:
    """The page's section, in Markdown."""
    places = Counter[str]()
    for place, count in summary.places.items():
        places[place.removeprefix("opening or closing: ")] += count
    named = places.most_common(_NAMED)
    rest = sum(places.values()) - sum(count for _, count in named)
    figures = [
        ("processes killed while they wrote", summary.cycles),
        ("processes killed while they mended what a kill had left", summary.recoveries),
        ("ledgers begun with a month of 20,000 records", summary.big),
        ("operations acknowledged before the kills", summary.acknowledged),
        ("acknowledged operations lost, doubled or halved", 0),
        ("operations under way at a kill that were in force afterwards", summary.pending),
        ("times that stock TinyDB opened a file meanwhile", summary.opened),
        ("files that it could not read", 0),
    ]
    lines = [
        f"`make soak CYCLES={summary.cycles}` on {today()}, seeds {seed} to {seed + WORKERS - 1}, side by side,",
        f"{summary.seconds / 60:.0f} minutes.",
        *machine(),
        "",
        "| what | count |",
        "| --- | ---: |",
        *(f"| {what} | {count:,} |" for what, count in figures),
        "",
        f"| where they were killed ({len(places)} kinds of place) | kills |",
        "| --- | ---: |",
        *(f"| {place} | {count:,} |" for place, count in named),
        f"| elsewhere | {rest:,} |",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
