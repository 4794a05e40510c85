"""``python -m tests.fuzz [MINUTES] [SEED]``: looks for files that are read wrongly, and tells what it found.

Ends with 1 where something was found; the smallest file of each failure is then in ``build/fuzz``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.fuzz.running import fuzzed

_MINUTES = 10.0
_FOLDER = Path("build/fuzz")


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else _MINUTES
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    examples, failures = fuzzed(minutes * 60, seed, _FOLDER)
    lines = [f"{minutes:g} minutes, seeds from {seed}", ""]
    lines += [f"{count:>9,}  {name}" for name, count in examples.items()]
    lines += [f"{examples.total():>9,}  in all; {len(failures)} failures"]
    for number, failure in enumerate(failures.values(), 1):
        lines += ["", f"{number}. {failure.of}: {failure.where}", f"   {_FOLDER / f'{number}-{failure.name}'}"]
    sys.stdout.write("\n".join([*lines, ""]))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
