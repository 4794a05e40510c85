"""The drop folder of a real daemon: from a file's arrival until it is durable."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from tests.benchmarks import data
from tests.benchmarks.harness import Row, Samples, Workshop, at_most, figure, timed
from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess

_SINGLE = 100
_PAUSE_S = 0.05
_LOOK_S = 0.0001
_BURST = 10_000
_LONGEST_S = 120.0


class _Folder:
    """The drop folder of a running daemon, with 30k records."""

    def __init__(self, workshop: Workshop, stack: ExitStack) -> None:
        sandbox = stack.enter_context(SandboxProcess("--days", "0", "--per-day", "0"))
        folder = workshop.ledger("drop", months=1, each=30_000)
        (folder / "drop").mkdir()
        self.home = Home(folder, sandbox)
        self.daemon = stack.enter_context(self.home.started("--headless"))
        self._staging = folder / "staging"
        self._staging.mkdir()
        self._numbers = itertools.count(1)

    @property
    def done(self) -> Path:
        """Where a file is moved to when what it says is durable."""
        return self.home.drop / "done" / f"{datetime.now(UTC):%Y-%m}"

    def staged(self, count: int) -> list[Path]:
        """Files that say something each, ready to be renamed in."""
        made = []
        for number in itertools.islice(self._numbers, count):
            event = {
                "trayd": 1,
                "type": "generation",
                "request_id": self.request_id(number),
                "endpoint_id": "fal-ai/kling-video/v3/pro/text-to-video",
                "time": datetime.now(UTC),
                "duration_s": 41.7,
                "units": Decimal(8),
                "unit": "second",
                "estimate": {"amount": "1.12", "currency": "USD"},
                "client": "Northwind",
                "project": "Spring Campaign",
                "parameters": {"resolution": "1080p", "duration": "8"},
                "source": "premiere",
            }
            path = self._staging / f"event-{number}.json"
            path.write_bytes(msgspec.json.encode(event))
            made.append(path)
        return made

    @staticmethod
    def request_id(number: int) -> str:
        return data.request_id(1_000_000 + number)

    def put(self, staged: list[Path]) -> None:
        """Renames them in, as fast as it goes."""
        for path in staged:
            path.rename(self.home.drop / path.name)

    def mirrored(self) -> int:
        return sum(path.stat().st_size for path in self.home.folder.joinpath("backup").glob("20*.jsonl"))

    def waiting(self) -> int:
        return sum(name.endswith(".json") for name in os.listdir(self.home.drop))  # noqa: PTH208 - it is the quickest

    def until_done(self, staged: list[Path]) -> None:
        """Until all of them are out of the folder: each is moved when it is durable, not before."""
        wait_until(lambda: not self.waiting(), timeout=_LONGEST_S, what="the end of the burst")
        there = {path.name for path in self.done.iterdir()}
        assert there >= {path.name for path in staged}

    def lost(self, first: int, last: int) -> int:
        """How many of the requests are not in the mirror."""
        mirrors = self.home.folder.joinpath("backup").glob("20*.jsonl")
        text = "".join(path.read_text(encoding="utf-8") for path in mirrors)
        return sum(f'"key":"{self.request_id(number)}"' not in text for number in range(first, last + 1))


def drop(workshop: Workshop) -> Iterator[Row]:
    """One file, then ten thousand while the daemon watches, then ten thousand that wait for it."""
    with ExitStack() as stack:
        folder = _Folder(workshop, stack)
        yield from _single(folder)
        yield from _burst(folder)
        yield from _waiting(folder, workshop)


def _single(folder: _Folder) -> Iterator[Row]:
    written, moved = [], []
    for path in folder.staged(_SINGLE + 1):
        before, target = folder.mirrored(), folder.done / path.name
        began = time.perf_counter()
        folder.put([path])
        in_mirror = None
        while not target.exists():
            if in_mirror is None and folder.mirrored() > before:
                in_mirror = time.perf_counter() - began
            assert time.perf_counter() - began < _LONGEST_S
            # Who looks without a pause takes a processor from who is looked at: of two, as much as the answer costs.
            time.sleep(_LOOK_S)
        moved.append(time.perf_counter() - began)
        written.append(in_mirror or moved[-1])
        time.sleep(_PAUSE_S)
    # The first one has the folder of the month made, and whatever else happens once.
    until_moved, until_written = Samples(tuple(moved[1:])), Samples(tuple(written[1:]))
    yield at_most(
        "a file renamed in until it is durable and moved to done/",
        until_moved.median,
        0.005,
        f"{until_moved.text()}, worst {figure(until_moved.worst * 1000)} ms; its line is written, not yet synced, "
        f"after {until_written.text()}",
        "≤ 5 ms",
    )


def _burst(folder: _Folder) -> Iterator[Row]:
    staged = folder.staged(_BURST)
    writing = timed(lambda: folder.put(staged))
    after = timed(lambda: folder.until_done(staged))
    first, last = _SINGLE + 2, _SINGLE + 1 + _BURST
    lost = folder.lost(first, last)
    yield at_most("10,000 files renamed in at once: lost", lost, 0, str(lost), "0")
    yield at_most(
        "10,000 files renamed in at once: durable after the writer's end",
        after,
        1.0,
        f"{figure(after)} s (the writer took {figure(writing)} s)",
        "≤ 1 s",
    )


def _waiting(folder: _Folder, workshop: Workshop) -> Iterator[Row]:
    here, there = workshop.empty("bare-here"), workshop.empty("bare-there")
    bare = []
    for number in range(3):
        for path in folder.staged(_BURST):
            path.rename(here / f"{number}-{path.name}")
        bare.append(timed(lambda: _read_and_rename(here, there)))
    staged = folder.staged(_BURST)
    daemon = folder.daemon.process
    daemon.send_signal(signal.SIGSTOP)
    try:
        folder.put(staged)
    finally:
        daemon.send_signal(signal.SIGCONT)
    taken = timed(lambda: folder.until_done(staged))
    yardstick = Samples(tuple(bare))
    times = taken / yardstick.median
    yield at_most(
        "10,000 files that wait, all durable and moved, × reading and renaming them",
        times,
        2,
        f"{times:.1f} ({figure(taken)} s against {yardstick.text()})",
    )


def _read_and_rename(here: Path, there: Path) -> None:
    for name in os.listdir(here):  # noqa: PTH208 - it is the quickest
        path = here / name
        path.read_bytes()
        path.rename(there / name)
