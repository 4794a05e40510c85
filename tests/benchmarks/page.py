"""The page of figures, docs/benchmarks.md: each program writes its own section and leaves all else alone."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"

_FRAME = """\
# Measured

The sections of figures in marks are written by `make bench` and `make soak`; the rest by hand.

## Speed, memory and disk

<!-- bench -->
Not measured yet: `make bench`.
<!-- /bench -->

## Killed, over and over

A process that writes to a ledger is killed with SIGKILL, at a random moment or at a chosen file call, while it takes
in events, billing, other costs, edits, links, balances and files, makes checkpoints in steps, archives, backs up and
restores. Then another process opens what is left and compares all of it with what was acknowledged: every record with
its amount and its tags, the watermark, the links, the balances, the files taken. `trayd ledger verify` has to find
nothing, and nothing may have been mended. All the while a third process opens every `.json` of the ledger with stock
`tinydb.TinyDB`.

<!-- soak -->
Not run yet: `make soak`.
<!-- /soak -->
"""


def write_section(page: Path, name: str, text: str) -> None:
    """Puts a text in the place of one section.

    Raises:
        ValueError: there is no such section.
    """
    whole = page.read_text(encoding="utf-8") if page.exists() else _FRAME
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    found = re.search(f"{re.escape(start)}.*?{re.escape(end)}", whole, re.DOTALL)
    if found is None:
        raise ValueError(f"{page.name} has no section {name}; remove the file and it is made anew")
    page.write_text(f"{whole[: found.start()]}{start}{text}{end}{whole[found.end() :]}", encoding="utf-8")
