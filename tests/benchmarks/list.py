"""The benchmarks by name, in the order of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.benchmarks import inserting
from tests.benchmarks.harness import Row, Workshop

BENCHMARKS: dict[str, Callable[[Workshop], Iterator[Row]]] = {
    "insert": inserting.insert,
    "batch": inserting.batch,
    "stall": inserting.stall,
}
