"""The benchmarks by name, in the order of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.benchmarks import asking, dropping, importing, inserting, opening, polling, running, telling
from tests.benchmarks.harness import Row, Workshop

BENCHMARKS: dict[str, Callable[[Workshop], Iterator[Row]]] = {
    "insert": inserting.insert,
    "batch": inserting.batch,
    "stall": inserting.stall,
    "open": opening.open_month,
    "years": opening.start,
    "usage": asking.usage,
    "drop": dropping.drop,
    "import": importing.import_,
    "idle": running.idle,
    "start": running.start,
    "poll": polling.poll,
    "report": telling.report,
    "export": telling.export,
    "history": running.history,
    "panel": running.panel,
}
