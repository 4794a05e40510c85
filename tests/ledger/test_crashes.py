"""A real process is killed while it writes: nothing acknowledged is lost or doubled, TinyDB opens every file."""

import itertools
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tinydb

from tests.ledger.faults import QuickDisk
from tests.ledger.making import HOUR, NOON, crash, opened
from trayd.money import Money

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def killed():
    """Runs a writer until it dies at a file call, or after some acknowledgements; what it acknowledged."""
    command = [sys.executable, "-m", "tests.ledger.child"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:

        def run(home, start, call):
            server.stdin.write(f"{home}\t{start}\t{call}\n")
            server.stdin.flush()
            return [tuple(one.split()) for one in server.stdout.readline().strip().split(",") if one]

        yield run
        server.stdin.close()
    assert server.returncode == 0


def check(home, acknowledged):
    for path in (home / "ledger").glob("*.json"):
        with tinydb.TinyDB(path) as database:
            assert all(database.table(table).all() is not None for table in database.tables())
    ledger = opened(home, QuickDisk())
    records = list(ledger.records())
    by_id = {record.id: record for record in records}
    assert len(by_id) == len(records)
    for what, number in acknowledged:
        if what == "between":
            assert f"b{number}" in by_id
            continue
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
    assert not any("damaged" in notice or "edited" in notice for notice in ledger.notices)
    crash(ledger)


def test_killed_at_every_file_call(killed, quick_path):
    for call in itertools.count(1):
        home = quick_path / str(call)
        acknowledged = killed(home, 0, call)
        check(home, acknowledged)
        shutil.rmtree(home)
        if ("billed", "3") in acknowledged:
            break  # with that it has done everything once
    assert {what for what, _ in acknowledged} == {"billed", "linked", "edited", "between"}
    assert call > 100


def test_killed_a_hundred_times_at_any_moment(killed, quick_path):
    acknowledged = []
    for number in range(100):
        acknowledged += killed(quick_path, number * 1000, -random.randint(1, 12))
        if number % 10 == 9:
            check(quick_path, acknowledged)
    assert len(acknowledged) > 300
