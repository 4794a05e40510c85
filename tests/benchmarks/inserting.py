"""Durable inserts: one, a thousand, and one while a large month is checkpointed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from tests.benchmarks import data
from tests.benchmarks.harness import Row, Samples, Workshop, at_most, figure, in_turn, ratio, timed
from tests.benchmarks.yardsticks import Bare, Sqlite, StockTinyDB
from trayd.facts import Batch, EventFact
from trayd.ledger.store import Ledger

_SIZES = {1_000: "1k", 10_000: "10k", 100_000: "100k"}
#: Stock TinyDB takes seconds for one; it is measured in every n-th round.
_STOCK_EVERY = {1_000: 10, 10_000: 20, 100_000: 100}
_ROUNDS = 300
_BATCHES = 20
_NEW = 10_000_000

#: How many bills are corrected to make a mirror long, of how many rows; and how many times its file it is then.
_LONG_BILLS = 40
_ROWS = 500
_OUTGROWN = 2.2


class _Month:
    """The ledger's present month with so many records, and the yardsticks with as many."""

    def __init__(self, workshop: Workshop, size: int, stack: ExitStack) -> None:
        home = workshop.ledger(f"insert-{size}", months=1, each=size)
        self.ledger = data.opened(home)
        stack.callback(self.ledger.close)
        self._numbers = itertools.count(_NEW)
        self.add(self.events(1))  # opens the month
        self._mirror = _newest(home)
        self._documents = _documents(size)
        beside = workshop.empty(f"yardsticks-{size}")
        self.bare = stack.enter_context(Bare(beside / "bare"))
        self.sqlite = stack.enter_context(Sqlite(beside / "sqlite", self._documents))
        decoded = (msgspec.json.decode(document) for _, document in self._documents)
        self._stock = stack.enter_context(StockTinyDB(beside / "stock.json", decoded))

    def events(self, count: int) -> tuple[EventFact, ...]:
        now = datetime.now(UTC)
        return tuple(data.told(number, now) for number in itertools.islice(self._numbers, count))

    def add(self, events: tuple[EventFact, ...]) -> float:
        batch = Batch(events=events)
        return timed(lambda: self.ledger.add(batch))

    def written(self) -> int:
        return self._mirror.stat().st_size

    def tail(self, start: int) -> bytes:
        with self._mirror.open("rb") as mirror:
            mirror.seek(start)
            return mirror.read()

    def stock(self) -> float:
        return self._stock.insert(msgspec.json.decode(msgspec.json.encode(self.events(1)[0])))


def _newest(home: Path) -> Path:
    return data.paths(home).backup / f"{datetime.now(UTC):%Y-%m}.jsonl"


def _documents(size: int) -> list[tuple[str, str]]:
    now = datetime.now(UTC)
    events = (data.told(number, now) for number in range(size))
    return [(event.record_id, msgspec.json.encode(event).decode()) for event in events]


def _measured(month: _Month, count: int, rounds: int, every: int | None) -> dict[str, Samples]:
    """Every round is the same bytes for all: the ledger's own lines for the append, the same facts for SQLite."""
    written = b""

    def ours() -> float:
        nonlocal written
        events, start = month.events(count), month.written()
        seconds = month.add(events)
        written = month.tail(start)
        return seconds

    def sqlite() -> float:
        return month.sqlite.insert(
            [(event.record_id, msgspec.json.encode(event).decode()) for event in month.events(count)]
        )

    contenders = {"trayd": ours, "bare": lambda: month.bare.append(written), "sqlite": sqlite}
    ours()
    if every is None:
        return in_turn(contenders, rounds)
    return in_turn({**contenders, "stock": month.stock}, rounds, every={"stock": every})


def insert(workshop: Workshop) -> Iterator[Row]:
    """One durable insert into months of three sizes, each beside its yardsticks; then the sizes beside each other."""
    for size, name in _SIZES.items():
        with ExitStack() as stack:
            taken = _measured(_Month(workshop, size, stack), 1, _ROUNDS, _STOCK_EVERY[size])
        to_bare, to_sqlite = (ratio(taken["trayd"], taken[other]) for other in ("bare", "sqlite"))
        what = f"one durable insert, {name} records in the month"
        yield at_most(
            f"{what}, × append + fdatasync",
            to_bare,
            1.5,
            f"{to_bare:.2f} ({taken['trayd'].text()} against {taken['bare'].text()})",
        )
        yield at_most(
            f"{what}, × SQLite (WAL, FULL)",
            to_sqlite,
            0.8,
            f"{to_sqlite:.2f} (against {taken['sqlite'].text()})",
        )
        by_stock = ratio(taken["stock"], taken["bare"])
        yield Row(
            f"the same by stock TinyDB, {name}", "", f"{figure(by_stock)} × append ({taken['stock'].text()})", None
        )
    with ExitStack() as stack:
        months = {name: _Month(workshop, size, stack) for size, name in _SIZES.items()}
        taken = in_turn({name: partial(_insert_one, month) for name, month in months.items()}, _ROUNDS)
    grown = ratio(taken["100k"], taken["1k"])
    yield at_most(
        "one durable insert, 100k against 1k records",
        grown,
        1.2,
        f"{grown:.2f} ({taken['100k'].text()} against {taken['1k'].text()})",
    )


def _insert_one(month: _Month) -> float:
    return month.add(month.events(1))


def batch(workshop: Workshop) -> Iterator[Row]:
    """A thousand events in one call, as SQLite takes a thousand rows in one transaction."""
    with ExitStack() as stack:
        taken = _measured(_Month(workshop, 100_000, stack), 1000, _BATCHES, None)
    for other, name, limit in (("bare", "append + fdatasync", 8), ("sqlite", "SQLite (WAL, FULL)", 0.3)):
        times = ratio(taken["trayd"], taken[other])
        yield at_most(
            f"1000 events at once into 100k, × {name} of the same",
            times,
            limit,
            f"{times:.2f} ({taken['trayd'].text()} against {taken[other].text()})",
        )


def stall(workshop: Workshop) -> Iterator[Row]:
    """Inserts that come while a month of 100k records is checkpointed: each waits for the step before it."""
    home = workshop.ledger("stall", months=1, each=100_000)
    ledger = data.opened(home)
    numbers = itertools.count(_NEW)

    def insert_one() -> None:
        ledger.add(Batch(events=(data.told(next(numbers), datetime.now(UTC)),)))

    insert_one()
    yield _stall_row(_stalls(ledger, insert_one), "checkpointed")
    size = _newest(home).stat().st_size
    _outgrow(ledger, home)
    taken = _stalls(ledger, insert_one)
    assert _newest(home).stat().st_size < 2 * size, "the mirror was not written anew"
    yield _stall_row(taken, "checkpointed and their mirror is written anew")
    ledger.close()


def _stalls(ledger: Ledger, insert_one: Callable[[], None]) -> Samples:
    taken = []
    steps = ledger.checkpoint_steps()
    while True:
        began = time.perf_counter()
        done = next(steps, _OVER) is _OVER
        insert_one()
        taken.append(time.perf_counter() - began)
        if done:
            return Samples(tuple(taken))


_OVER = object()


def _stall_row(taken: Samples, what: str) -> Row:
    return at_most(
        f"worst wait of an insert while 100k records are {what}",
        taken.worst,
        0.060,
        f"{figure(taken.worst * 1000)} ms; {taken.text()} over {len(taken.seconds)} inserts",
        "≤ 60 ms",
    )


def _outgrow(ledger: Ledger, home: Path) -> None:
    """Lets the mirror grow until the next checkpoint writes it anew: long bills that are corrected over and over."""
    file = data.paths(home).ledger / _newest(home).with_suffix(".json").name
    now = datetime.now(UTC)
    bills = [data.billed(_NEW - 1 - number, now) for number in range(_LONG_BILLS)]
    for cents in itertools.count(1):
        if _newest(home).stat().st_size > _OUTGROWN * file.stat().st_size:
            return
        later = now + timedelta(seconds=cents)
        corrected = [msgspec.structs.replace(bill.rows[0], total_nanos=cents * 10**7) for bill in bills]
        ledger.add(
            Batch(
                billing=tuple(
                    msgspec.structs.replace(bill, fetched_at=later, rows=(row,) * _ROWS)
                    for bill, row in zip(bills, corrected, strict=True)
                )
            )
        )
