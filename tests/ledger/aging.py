"""A ledger that grows old: a clock that a test moves, and what is in the state and in the past."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import tinydb

from tests.ledger.faults import QuickDisk
from tests.ledger.making import DAY, HOUR, NOON, balance, event, folders
from trayd.episodes import Episode
from trayd.facts import Batch, FileTaken
from trayd.ledger.disk import Disk
from trayd.ledger.store import Ledger


class Clock:
    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def opened(home: Path, clock: Clock, disk: Disk | None = None) -> Ledger:
    return Ledger.open(folders(home), base_url=None, holder="a test", disk=disk or QuickDisk(), clock=clock)


@contextmanager
def using(home: Path, clock: Clock, disk: Disk | None = None) -> Iterator[Ledger]:
    with closing(opened(home, clock, disk)) as ledger:
        yield ledger


def checkpoints(ledger: Ledger) -> None:
    ledger.checkpoint()
    while ledger.dirty:
        ledger.checkpoint()


def resident(home: Path, table: str) -> list[dict]:
    return list(json.loads((home / "ledger/state.json").read_text())[table].values())


def in_tinydb(home: Path, table: str) -> list[dict]:
    """All rows of a table as stock TinyDB finds them, in whatever pair they are."""
    found = []
    for path in sorted((home / "ledger").glob("state*.json")):
        with tinydb.TinyDB(path) as database:
            found += database.table(table).all()
    return found


def episode(scope: str, since: datetime, resolved: datetime | None = None, rule: str = "balance") -> Episode:
    return Episode(id=f"{rule}:{scope}", rule=rule, scope=scope, since=since, text="low", told=since, resolved=resolved)


def about_to_leave(home: Path) -> Clock:
    """A home whose next checkpoint moves rows of three tables and two months."""
    clock = Clock(NOON - 5 * DAY)
    with using(home, clock) as ledger:
        ledger.add(
            Batch(
                balances=tuple(balance(str(n + 1), NOON - 5 * DAY + n * DAY) for n in range(6)),
                episodes=(episode("acme", NOON, NOON + HOUR), episode("beta", NOON)),
                files=(FileTaken(digest="d", name="a.json", at=NOON),),
                events=(event(),),
            )
        )
    clock.now = NOON + 120 * DAY
    return clock


def told(ledger: Ledger) -> tuple:
    return list(ledger.balances()), list(ledger.past_episodes()), ledger.latest_balances(), list(ledger.records())
