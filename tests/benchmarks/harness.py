"""What all benchmarks share: contenders measured in turn, medians with their spread, and rows of the table."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from tests.benchmarks import data

#: A contender: does its work once, and returns how many seconds that took.
Contender = Callable[[], float]

_MS = 1e-3


class Row(msgspec.Struct, frozen=True):
    """One row of the table.

    Attributes:
        what: what was measured.
        target: what it has to reach.
        measured: the figures.
        met: whether it does; None where the row is for comparison alone.
    """

    what: str
    target: str
    measured: str
    met: bool | None


class Samples(msgspec.Struct, frozen=True):
    """How long something took, each time, in seconds; none of them is left out."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    @property
    def worst(self) -> float:
        """The longest."""
        return max(self.seconds)

    def text(self) -> str:
        """The median, and the range that eight of ten are in: ``0.24 ms (0.20 to 0.31)``."""
        ordered = sorted(self.seconds)
        cut = len(ordered) // 10
        low, high = ordered[cut], ordered[-1 - cut]
        unit, scale = ("ms", 1 / _MS) if self.median < 1 else ("s", 1.0)
        spread = "" if len(ordered) == 1 else f" ({figure(low * scale)} to {figure(high * scale)})"
        return f"{figure(self.median * scale)} {unit}{spread}"


def figure(number: float) -> str:
    """Three digits that matter."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def timed(work: Callable[[], object]) -> float:
    """How many seconds the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turn(
    contenders: Mapping[str, Contender], rounds: int, *, warm_up: int = 3, every: Mapping[str, int] | None = None
) -> dict[str, Samples]:
    """Measures contenders in turn, in one run, so that what the machine does besides hits all alike.

    Args:
        contenders: by their names; each round begins with another one.
        rounds: how often each is measured.
        warm_up: how many rounds go before, unmeasured.
        every: contenders that take so long that they are measured in every n-th round only, from the first on, and
            are not warmed up.
    """
    seldom = every or {}
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(-warm_up, rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            if name in seldom and (number < 0 or number % seldom[name]):
                continue
            seconds = contenders[name]()
            if number >= 0:
                taken[name].append(seconds)
    return {name: Samples(tuple(seconds)) for name, seconds in taken.items()}


def ratio(of: Samples, to: Samples) -> float:
    """How many times as long the one takes as the other, by their medians."""
    return of.median / to.median


def at_most(what: str, number: float, limit: float, measured: str, target: str | None = None) -> Row:
    """The row of a figure that must not be over its limit."""
    return Row(what, target or f"≤ {limit:g}", measured, number <= limit)


def table(rows: Sequence[Row]) -> str:
    """The table in Markdown."""
    marks = {True: "met", False: "**missed**", None: ""}
    lines = ["| what | target | measured | |", "| --- | --- | --- | --- |"]
    lines += [f"| {row.what} | {row.target} | {row.measured} | {marks[row.met]} |" for row in rows]
    return "\n".join(lines) + "\n"


class Workshop:
    """The folder of one run: ledgers that are made once and copied for whoever needs one.

    Args:
        folder: on the disk that is measured.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def empty(self, name: str) -> Path:
        """A new folder."""
        made = self._folder / name
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        return made

    def shared(self, *, months: int, each: int) -> Path:
        """The home of a ledger with so many records in each of so many months, for those who only read."""
        kept = self._folder / f"ledger-{months}-{each}"
        if not kept.exists():
            data.build(self.empty("being-built"), months=months, each=each)
            (self._folder / "being-built").rename(kept)
        return kept

    def ledger(self, name: str, *, months: int, each: int) -> Path:
        """The same for one's own."""
        home = self.empty(name)
        shutil.copytree(self.shared(months=months, each=each), home, dirs_exist_ok=True)
        return home
