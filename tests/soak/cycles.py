"""The cycles: a process writes and is killed, another one looks at what is left, over and over.

Both are forked from one that has everything imported, so that a cycle costs milliseconds; they are real processes,
killed by a real SIGKILL. A third one opens every TinyDB file with stock TinyDB all the time.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Self

import msgspec
import tinydb

from tests.ledger.making import opened
from tests.soak.checker import SoakError, check
from tests.soak.killing import KillingDisk
from tests.soak.model import SPREAD_DAYS, Model
from tests.soak.operations import Hand, Operation, Polled, operations

#: So many cycles go by on one ledger before a new, empty one is begun.
_CYCLES_EACH = 25
#: Of so many ledgers one begins with a big month, and lives for a few cycles only.
_BIG_EVERY = 20
_BIG_CYCLES = 4

#: The file call at which a process dies is among the first so many; at random moments it dies within so long.
_MOST_CALLS = 160
_LONGEST_S = 0.05
_MOST_OPERATIONS = 500


class Summary(msgspec.Struct):
    """What the cycles came to.

    Attributes:
        cycles: processes that were killed while they wrote, and ``recoveries`` while they mended.
        acknowledged: operations that were acknowledged before the kills.
        pending: kills in the middle of an operation after which it had happened, of ``cycles``.
        opened: how often stock TinyDB opened a file meanwhile.
        places: how many kills there were at each kind of place.
        seconds: how long it all took.
    """

    cycles: int = 0
    recoveries: int = 0
    acknowledged: int = 0
    pending: int = 0
    opened: int = 0
    big: int = 0
    places: dict[str, int] = {}
    seconds: float = 0


class Soak:
    """Runs cycles in a folder of its own.

    Args:
        folder: empty, or not there.
        seed: the same seed kills at the same places, as far as the machine's pace allows.
        big: how many records a big month has.
    """

    def __init__(self, folder: Path, seed: int, *, big: int = 20_000) -> None:
        self._folder = folder
        self._chance = Random(seed)
        self._big = big
        self._template: Model | None = None
        self._model = Model()
        self._home = folder
        self._left = 0
        self._homes = 0
        self.summary = Summary()

    def run(self, cycles: int, tell: Callable[[Summary], None] = lambda _summary: None) -> Summary:
        """Runs so many cycles.

        Args:
            cycles: how many processes are killed while they write.
            tell: is told how far it has come, now and then.

        Raises:
            SoakError: what one of them left is wrong; the ledger's folder is kept as it is.
        """
        began = time.monotonic()
        self._folder.mkdir(parents=True, exist_ok=True)
        with _Reader(self._folder) as reader:
            while self.summary.cycles < cycles:
                if not self._left:
                    self._begin_anew()
                self._left -= 1
                self._cycle()
                reader.look()
                if self.summary.cycles % 100 == 0:
                    self.summary.seconds = time.monotonic() - began
                    tell(self.summary)
        self.summary.opened = reader.opened
        self.summary.seconds = time.monotonic() - began
        shutil.rmtree(self._folder)
        return self.summary

    def _begin_anew(self) -> None:
        if self._homes:
            shutil.rmtree(self._home)
        self._homes += 1
        self._home = self._folder / f"home-{self._homes}"
        if self._big and self._homes % _BIG_EVERY == 0:
            self._left = _BIG_CYCLES
            self._model = self._big_month()
            self.summary.big += 1
        else:
            self._home.mkdir()
            self._left = _CYCLES_EACH
            self._model = Model()

    def _big_month(self) -> Model:
        kept = self._folder / "big"
        if self._template is None:
            self._template = Model()
            _forked(lambda _told: _make_big(kept, self._big)).must_end_well()
            for operation in _big_operations(self._big):
                operation.apply(self._template)
        # Copied beside it first: the reader must not see half a file.
        shutil.copytree(kept, self._folder / "copied")
        (self._folder / "copied").rename(self._home)
        return self._template.copy()

    def _cycle(self) -> None:
        seed = self._chance.getrandbits(32)
        at = self._chance.randrange(1, _MOST_CALLS) if self._chance.random() < 0.5 else None
        when = self._chance.choice(("before", "half", "after"))
        child = _forked(lambda tell: self._write(seed, at, when, tell))
        if at is None:
            if self._chance.random() < 0.7:
                child.wait_until_it_tells()
            time.sleep(self._chance.uniform(0, _LONGEST_S))
            child.kill()
        told = child.killed()
        acknowledged = told.count("+")
        story = operations(Random(seed), self._model)
        for _ in range(acknowledged):
            next(story).apply(self._model)
        pending = next(story)
        self._count(told)
        self.summary.acknowledged += acknowledged
        while self._chance.random() < 0.2:
            self._kill_in_recovery()
        if _forked(lambda tell: self._check(pending, seed, tell)).must_end_well() == ["happened"]:
            pending.apply(self._model)
            self.summary.pending += 1
        self.summary.cycles += 1

    def _count(self, told: list[str]) -> None:
        places = [line for line in told if line != "+"]
        self._killed_at(places[0] if places else "at a random moment")

    def _killed_at(self, place: str) -> None:
        self.summary.places[place] = self.summary.places.get(place, 0) + 1

    def _write(self, seed: int, at: int | None, when: str, tell: Callable[[str], None]) -> None:
        ledger = opened(self._home, KillingDisk(at, when, tell))
        hand = Hand(ledger, self._home, Random(seed))
        story = operations(Random(seed), self._model)
        for _ in range(_MOST_OPERATIONS):
            operation: Operation = next(story)
            hand.do(operation)
            tell("+")
            operation.apply(self._model)
        os.kill(os.getpid(), signal.SIGKILL)

    def _kill_in_recovery(self) -> None:
        at = self._chance.randrange(1, 20)

        def mend(tell: Callable[[str], None]) -> None:
            opened(self._home, KillingDisk(at, "before", tell)).close()
            os.kill(os.getpid(), signal.SIGKILL)

        told = _forked(mend).killed()
        self.summary.recoveries += 1
        self._killed_at(f"opening or closing: {told[0]}" if told else "after opening and closing")

    def _check(self, pending: Operation, seed: int, tell: Callable[[str], None]) -> None:
        if check(self._home, self._model, pending, Random(seed)):
            tell("happened")


def _big_operations(size: int) -> list[Polled]:
    # Requests whose numbers are this far apart are of the same day.
    requests = [f"r{SPREAD_DAYS * number}" for number in range(1, size + 1)]
    at = SPREAD_DAYS * (size + 1)
    return [
        Polled(dict.fromkeys(requests[start : start + 2000], 300), at=at + start, covered=1)
        for start in range(0, size, 2000)
    ]


def _make_big(home: Path, size: int) -> None:
    ledger = opened(home)
    for operation in _big_operations(size):
        ledger.add(operation.batch())
    ledger.close()


class _Forked:
    """A forked process and the pipe on which it tells."""

    def __init__(self, pid: int, pipe: int) -> None:
        self._pid = pid
        self._pipe = pipe

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def wait_until_it_tells(self) -> None:
        select.select([self._pipe], [], [])

    def _over(self) -> tuple[int, list[str]]:
        with os.fdopen(self._pipe, encoding="utf-8", errors="replace") as pipe:
            told = pipe.read()
        _, status = os.waitpid(self._pid, 0)
        # A line that was cut off was not told.
        return os.waitstatus_to_exitcode(status), told.split("\n")[:-1]

    def killed(self) -> list[str]:
        """What it told before it was killed."""
        code, told = self._over()
        if code != -signal.SIGKILL:
            raise SoakError("\n".join(["the writer failed instead of being killed:", *told[-40:]]))
        return told

    def must_end_well(self) -> list[str]:
        """What it told."""
        code, told = self._over()
        if code:
            raise SoakError("\n".join(told))
        return told


def _forked(work: Callable[[Callable[[str], None]], None]) -> _Forked:
    sys.stdout.flush()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return _Forked(pid, reading)
    os.close(reading)
    code = 1

    def tell(line: str) -> None:
        os.write(writing, f"{line}\n".encode())

    try:
        work(tell)
        code = 0
    except BaseException:  # noqa: BLE001 - nothing of the parent may run in the child
        tell(traceback.format_exc())
    finally:
        os._exit(code)


class _Reader:
    """A process that opens every TinyDB file below a folder, over and over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.opened = 0

    def __enter__(self) -> Self:
        self._counted, writing = os.pipe()
        os.set_blocking(self._counted, False)
        self._pid = os.fork()
        if not self._pid:
            try:
                _read_forever(self._folder, writing)
            except BaseException:  # noqa: BLE001 - whatever it is, the parent has to hear of it
                os.write(writing, f"!{traceback.format_exc()}".encode())
            finally:
                os._exit(1)
        os.close(writing)
        return self

    def look(self) -> None:
        """Takes note of how far it has come.

        Raises:
            SoakError: it could not read a file.
        """
        with suppress(BlockingIOError):
            told = os.read(self._counted, 1 << 16).decode()
            if not told or "!" in told:
                raise SoakError(f"stock TinyDB cannot open a file: {told.partition('!')[2]}")
            self.opened += sum(int(count) for count in told.split())

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._counted)


def _read_forever(folder: Path, told: int) -> None:
    os.nice(5)
    while True:
        count = 0
        for path in _files_below(folder):
            try:
                # TinyDB makes a file that is missing, unless it may only read.
                with tinydb.TinyDB(path, access_mode="r") as database:
                    for table in database.tables():
                        database.table(table).all()
                count += 1
            except FileNotFoundError:
                continue  # cleared meanwhile
            except Exception as error:  # noqa: BLE001 - whatever keeps TinyDB from reading it
                kept = folder / f"unreadable-{path.name}"
                with suppress(OSError):
                    shutil.copy(path, kept)
                os.write(told, f"!{path}: {error!r}; a copy is {kept}\n".encode())
                return
        os.write(told, f"{count}\n".encode())
        time.sleep(0.002)


def _files_below(folder: Path) -> list[Path]:
    while True:
        # A ledger that is done with can vanish while it is listed.
        with suppress(FileNotFoundError):
            return list(folder.glob("home-*/ledger/*.json"))
