"""Writes to a ledger until it is killed; prints what was acknowledged. Run by the crash tests.

Usage: python -m tests.ledger.child HOME START [CALL]: kills itself at the CALL-th file call, else waits to be killed.
"""

import itertools
import sys
from pathlib import Path

from tests.ledger.faults import FaultyDisk
from tests.ledger.making import DAY, HOUR, NOON, billing, covers, edit, event, opened, row
from trayd.facts import Batch, Link


def acknowledged(what: str, number: int) -> None:
    sys.stdout.write(f"{what} {number}\n")
    sys.stdout.flush()


def main() -> None:
    home, start = Path(sys.argv[1]), int(sys.argv[2])
    call = int(sys.argv[3]) if len(sys.argv) > 3 else None
    ledger = opened(home, FaultyDisk(call, "KILL"))
    for number in itertools.count(start):
        name, when = f"r{number}", NOON + (number % 50) * DAY
        ledger.add(Batch(events=(event(f"lost{number}", None, when - 15 * DAY, client=name),)))
        ledger.add(
            Batch(billing=(billing(name, row(at=when)),), coverage=(covers("acme", NOON, NOON + number * HOUR),))
        )
        acknowledged("billed", number)
        ledger.add(Batch(links=(Link(record_id=f"lost{number}", request_id=name, at=when),)))
        acknowledged("linked", number)
        ledger.add(Batch(edits=(edit(name, "note", 3000 * "x"),)))
        acknowledged("edited", number)
        if number % 3 == 0:
            ledger.checkpoint()


main()
