"""``python -m tests.benchmarks.one NAME FOLDER``: one benchmark in a process of its own; prints its rows as JSON."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from tests.benchmarks.harness import Workshop
from tests.benchmarks.list import BENCHMARKS


def main() -> None:
    name, folder = sys.argv[1:]
    for row in BENCHMARKS[name](Workshop(Path(folder))):
        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
