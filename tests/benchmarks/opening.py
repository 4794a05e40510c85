"""Opening: one large month, and a ledger with years of history."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from tests.benchmarks import data, work
from tests.benchmarks.harness import Row, Workshop, at_most, in_turn, ratio, timed

_MONTHS = 24
_EACH = 30_000


def open_month(workshop: Workshop) -> Iterator[Row]:
    """A month of 100k records until its records can be asked for, against orjson parsing the same file."""
    home = workshop.shared(months=1, each=100_000)
    file = data.paths(home).ledger / f"{datetime.now(UTC):%Y-%m}.json"

    def ours() -> float:
        found = []

        def work() -> None:
            ledger = data.opened(home)
            found.append((ledger, ledger.get(data.request_id(0))))

        seconds = timed(work)
        ledger, record = found.pop()
        assert record is not None
        ledger.close()
        del ledger, record
        gc.collect()
        return seconds

    def yardstick() -> float:
        parsed = []
        seconds = timed(lambda: parsed.append(orjson.loads(file.read_bytes())))
        assert len(parsed[0]["_default"]) == 100_000
        parsed.clear()
        gc.collect()
        return seconds

    taken = in_turn({"trayd": ours, "orjson": yardstick}, 7, warm_up=1)
    times = ratio(taken["trayd"], taken["orjson"])
    size = work.mib(file.stat().st_size)
    yield at_most(
        f"open a month of 100k records ({size}), × orjson.loads of its file",
        times,
        1.5,
        f"{times:.2f} ({taken['trayd'].text()} against {taken['orjson'].text()})",
    )


def start(workshop: Workshop) -> Iterator[Row]:
    """Open and status: two years of history against the newest month alone, in processes of their own."""
    years = workshop.shared(months=_MONTHS, each=_EACH)
    newest = workshop.shared(months=1, each=_EACH)
    by_years, by_newest = [], []
    for number in range(6):
        for home, done in ((years, by_years), (newest, by_newest))[:: 1 if number % 2 else -1]:
            found = work.in_a_process("status", home)
            if number:  # the first finds nothing in the page cache
                done.append(found)
    times = ratio(work.over(by_years), work.over(by_newest))
    what = f"{_MONTHS} months of 30k records against the newest month alone"
    yield at_most(
        f"open and status, {what}: time",
        times,
        1.1,
        f"{times:.2f} ({work.over(by_years).text()} against {work.over(by_newest).text()})",
    )
    heavy, light = (statistics.median(done.pss for done in both) for both in (by_years, by_newest))
    yield at_most(
        f"open and status, {what}: memory (PSS)",
        heavy / light,
        1.1,
        f"{heavy / light:.2f} ({work.mib(heavy)} against {work.mib(light)})",
    )
