"""``python -m tests.soak.trial FOLDER CYCLES [FLAW]``: a small soak in a process of its own, which forks.

Prints the summary as JSON; with a flaw put into the ledger it has to end with 1 instead, and say what is wrong.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from tests.soak.checker import SoakError
from tests.soak.cycles import Soak
from tests.soak.operations import Hand, Linked, Operation, Polled, Told
from trayd.ledger.disk import Disk


def _forgets(kind: type) -> None:
    real = Hand.do

    def do(self: Hand, operation: Operation) -> None:
        if not isinstance(operation, kind):
            real(self, operation)

    Hand.do = do  # type: ignore[method-assign]  # that is the flaw


def _writes_in_place() -> None:
    def replace(_disk: Disk, source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:-1])
        source.unlink()

    Disk.replace = replace  # type: ignore[method-assign]  # that is the flaw


#: What can be wrong with a ledger, for the soak to notice.
FLAWS = {
    "forgets events": lambda: _forgets(Told),
    "forgets billing": lambda: _forgets(Polled),
    "forgets links": lambda: _forgets(Linked),
    "writes in place": _writes_in_place,
}


def main() -> None:
    folder, cycles, *flaws = sys.argv[1:]
    for flaw in flaws:
        FLAWS[flaw]()
    try:
        summary = Soak(Path(folder), seed=11, big=2000).run(int(cycles))
    except SoakError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(msgspec.json.encode(summary))


if __name__ == "__main__":
    main()
