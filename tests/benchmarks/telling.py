"""What is given out: the report, the exports."""

from __future__ import annotations

import asyncio
import csv
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tests.benchmarks import work
from tests.benchmarks.harness import Row, Workshop, at_most, figure, in_turn, ratio, timed
from trayd.operations.exporting import ExportQuery
from trayd.operations.operations import Operations
from trayd.operations.turns import Making
from trayd.reports.formats import FORMATS

_MIB = 2**20

T = TypeVar("T")


def report(workshop: Workshop) -> Iterator[Row]:
    """The HTML report of 100k records, in a process of its own."""
    home = workshop.shared(months=1, each=100_000)
    file = workshop.empty("report") / "report.html"
    done = [work.in_a_process("report", home, file) for _ in range(3)]
    taken = work.over(done)
    yield at_most("report of 100k records", taken.median, 3.0, taken.text(), "≤ 3 s")
    peak = max(one.peak for one in done)
    yield at_most("report of 100k records, most memory", peak / _MIB, 250, work.mib(peak), "≤ 250 MiB")
    log = _text_of_log(file)
    times = file.stat().st_size / log
    yield at_most(
        "report of 100k records, × the text of its log",
        times,
        1.5,
        f"{times:.2f} ({work.mib(file.stat().st_size)} against {work.mib(log)})",
    )


def _text_of_log(file: Path) -> int:
    """How many bytes the cells of the log's tables say, without a tag."""
    page = file.read_text(encoding="utf-8")
    tables = re.findall(r"<table[^>]*\blog\b[^>]*>(.*?)</table>", page, re.DOTALL)
    assert tables, "the report has no log"
    return sum(len(re.sub(r"<[^>]*>|\s+(?=<)", "", table).encode()) for table in tables)


def export(workshop: Workshop) -> Iterator[Row]:
    """Exports of 100k records against csv.writer on ready rows; how long others wait; the memory of much history."""
    yield from _times(workshop)
    yield from _waits(workshop)
    file = workshop.empty("export-peaks") / "export"
    homes = {months: workshop.shared(months=months, each=30_000) for months in (24, 6, 1)}
    for name in FORMATS:
        peaks = {months: work.in_a_process(f"export-{name}", home, file).peak for months, home in homes.items()}
        for months, said in ((6, "six months"), (1, "one month")):
            grown = peaks[24] / peaks[months]
            yield at_most(
                f"{name} of 24 months of 30k records, most memory × that of {said}",
                grown,
                1.1,
                f"{figure(grown)} ({work.mib(peaks[24])} against {work.mib(peaks[months])})",
                "flat (≤ 1.1)",
            )


def _times(workshop: Workshop) -> Iterator[Row]:
    operations = work.operations_on(workshop.shared(months=1, each=100_000))
    folder = workshop.empty("export")
    file, other = folder / "export", folder / "yardstick.csv"

    def exported(query: ExportQuery) -> Callable[[], float]:
        return lambda: timed(lambda: work.export(operations, file, query))

    ours = {name: exported(ExportQuery(format=name)) for name in FORMATS}
    ours["csv in EUR"] = exported(ExportQuery(currency="EUR"))
    ours["csv"]()
    with file.open(encoding="utf-8", newline="") as source:
        rows = [tuple(row) for row in csv.reader(source)]
    assert len(rows) == 100_001

    def yardstick() -> float:
        def write() -> None:
            with other.open("w", encoding="utf-8", newline="") as out:
                csv.writer(out).writerows(rows)

        return timed(write)

    taken = in_turn({**ours, "csv.writer": yardstick}, 5, warm_up=1)
    for name in ours:
        times = ratio(taken[name], taken["csv.writer"])
        what = f"{name} of 100k records, × csv.writer on ready rows"
        told = f"{figure(times)} ({taken[name].text()} against {taken['csv.writer'].text()})"
        yield at_most(what, times, 2, told) if name == "csv" else Row(what, "", told, None)
    operations.ledger.close()


def _waits(workshop: Workshop) -> Iterator[Row]:
    """How long others wait for the ledger's thread while a daemon exports 100k records."""
    home = workshop.shared(months=1, each=100_000)
    operations = work.operations_on(home)
    work.export(
        operations, Path("/dev/null"), ExportQuery()
    )  # a month that is not open yet is read in one go, whoever asks for it
    waits = asyncio.run(_waited(operations))
    operations.ledger.close()
    what = "longest wait for the ledger while a daemon exports 100k records of an open month"
    yield Row(what, "", f"{max(waits) * 1000:.0f} ms (of {len(waits)})", None)


async def _waited(operations: Operations) -> list[float]:
    loop, waits = asyncio.get_running_loop(), []
    with ThreadPoolExecutor(1) as one:

        class Thread:
            async def on_ledger(self, do: Callable[[Operations], T]) -> T:
                return await loop.run_in_executor(one, do, operations)

        making = Making(lambda ledger: ledger.export(ExportQuery()))
        work_on = asyncio.create_task(making.finish(Thread()))
        while not work_on.done():
            began = time.perf_counter()
            await Thread().on_ledger(lambda _: None)
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(0.01)
        await work_on
        making.text.close()
    return waits
