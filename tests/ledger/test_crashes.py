"""A real process is killed while it writes: nothing acknowledged is lost or doubled, TinyDB opens every file."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import tinydb

from tests.ledger.making import HOUR, NOON, opened
from trayd.money import Money

ROOT = Path(__file__).parents[2]


def killed(home, start, call=None, after_s=None):
    """Runs the child until it dies; what it acknowledged."""
    command = [sys.executable, "-m", "tests.ledger.child", str(home), str(start), *([str(call)] if call else [])]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        if after_s is not None:
            first = child.stdout.readline()
            time.sleep(after_s)
            child.kill()
            told = [first, *child.stdout]
        else:
            told = list(child.stdout)
    assert child.returncode == -signal.SIGKILL
    return [line.split() for line in told if line.endswith("\n")]


def check(home, acknowledged):
    for path in (home / "ledger").glob("*.json"):
        with tinydb.TinyDB(path) as database:
            assert all(table == "trayd" or database.table(table).all() is not None for table in database.tables())
    ledger = opened(home)
    records = list(ledger.records())
    by_id = {record.id: record for record in records}
    assert len(by_id) == len(records)
    for what, number in acknowledged:
        record = by_id[f"r{number}"]
        assert record.actual == Money.of("1.12")
        assert ledger.coverage("acme").until >= NOON + int(number) * HOUR
        lost = by_id.get(f"lost{number}")
        assert (record.client == record.id) == (lost is None), "an event is in one record: not in two, not in none"
        if what in ("linked", "edited"):
            assert lost is None
        if what == "edited":
            assert record.note
    assert ledger.verify() == []
    assert ledger.notices == ()
    ledger.close()
    return len(records)


def test_killed_at_chosen_file_calls(tmp_path):
    acknowledged, start = [], 0
    for call in random.Random(7).sample(range(4, 140), 16):
        acknowledged += killed(tmp_path, start, call=call)
        start += 100
        check(tmp_path, acknowledged)


def test_killed_at_any_moment(tmp_path):
    acknowledged, start = [], 0
    for _ in range(10):
        acknowledged += killed(tmp_path, start, after_s=random.uniform(0, 0.15))
        start += 1000
        check(tmp_path, acknowledged)
    assert len(acknowledged) > 10
