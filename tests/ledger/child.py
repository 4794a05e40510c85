"""Writes to a ledger until it is killed; says what was acknowledged. Run by the crash tests.

Usage: python -m tests.ledger.child, with one line on its input for each writer to run: HOME START CALL. The writer is
a process of its own that numbers its records from START and kills itself at its CALL-th file call, or after CALL
acknowledgements and a moment where that is negative. What it acknowledged is answered in one line.
"""

import itertools
import os
import random
import signal
import sys
import time
from pathlib import Path

from tests.ledger.faults import FaultyDisk
from tests.ledger.making import DAY, HOUR, NOON, billing, covers, crash, edit, event, opened, row
from trayd.facts import Batch, Link

#: Makes the mirror long enough to be written anew.
LONG = (80 << 10) * "x"


def write(home, start, call, told):
    """Changes of one month, of two, and of the state; checkpoints in steps with changes between; long mirrors."""

    def acknowledged(what, number):
        os.write(told, f"{what} {number},".encode())

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
        ledger.add(Batch(billing=(billing(name, row(at=when), key=LONG, fetched=NOON + HOUR),)))
        ledger.add(Batch(billing=(billing(name, row(at=when), key="short", fetched=NOON + 2 * HOUR),)))
        ledger.add(Batch(edits=(edit(name, "note", "x"),)))
        acknowledged("edited", number)
        match number % 3:
            case 0:
                ledger.checkpoint()
            case 1:
                for step, _ in enumerate(ledger.checkpoint_steps()):
                    between = f"b{number}-{step}"
                    ledger.add(Batch(events=(event(between, between, when),)))
                    acknowledged("between", f"{number}-{step}")
            case _:
                crash(ledger)
                ledger = opened(home, FaultyDisk(call, "KILL"))


def run(home, start, call):
    """A writer in a process of its own; what it acknowledged before it was killed."""
    read, told = os.pipe()
    writer = os.fork()
    if not writer:
        os.close(read)
        write(home, start, call if call > 0 else None, told)
    os.close(told)
    heard = []
    with os.fdopen(read, "rb", buffering=0) as acknowledgements:
        while heard.count(b",") < -call:
            heard.append(acknowledgements.read(1))
        if call < 0:
            time.sleep(random.uniform(0, 0.01))
            os.kill(writer, signal.SIGKILL)
        heard.append(acknowledgements.read() or b"")
    _, status = os.waitpid(writer, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
    return b"".join(heard).decode()


if __name__ == "__main__":
    for line in sys.stdin:
        home, start, call = line.split("\t")
        sys.stdout.write(run(Path(home), int(start), int(call)) + "\n")
        sys.stdout.flush()
