"""Does upkeep to ledgers and is killed in the middle of it. Run by the tests of it.

Usage: python -m tests.ledger.keeper, with one line on its input for each work to do: HOME WORK CALL. The worker is a
process of its own that opens the ledger, or brings it up, and kills itself at its CALL-th file call of the work. It is
answered with ``killed`` or ``done``.
"""

import os
import signal
import sys
from pathlib import Path

from tests.ledger.faults import FaultyDisk
from tests.ledger.making import NOON, opened


def do(home, work, call):
    disk = FaultyDisk(fault="KILL")
    if work == "open":
        disk.at = call
    ledger = opened(home, disk)
    disk.at, disk.made = call, 0
    match work:
        case "clear":
            ledger.archive_and_clear(NOON)
        case "restore":
            ledger.restore(home / "copy.zip", NOON)
        case "rebuild":
            ledger.rebuild()
        case "backup":
            ledger.backup(NOON)
    os._exit(0)


def main():
    for line in sys.stdin:
        home, work, call = line.split()
        worker = os.fork()
        if not worker:
            try:
                do(Path(home), work, int(call))
            finally:
                os._exit(1)
        _, status = os.waitpid(worker, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        sys.stdout.write("killed\n" if killed else "done\n" if status == 0 else "failed\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
