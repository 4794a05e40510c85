"""What is given out: the report, the CSV export."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import work
from tests.benchmarks.harness import Row, Workshop, at_most, figure, in_turn, ratio, timed
from trayd.operations.exporting import ExportQuery

_MIB = 2**20


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
    """CSV of 100k records against csv.writer on rows that are ready; and the memory of much history against little."""
    operations = work.operations_on(workshop.shared(months=1, each=100_000))
    folder = workshop.empty("export")
    file, other = folder / "export.csv", folder / "yardstick.csv"

    def ours() -> float:
        def work() -> None:
            with file.open("w", encoding="utf-8", newline="") as out:
                out.writelines(operations.export(ExportQuery()))

        return timed(work)

    ours()
    with file.open(encoding="utf-8", newline="") as source:
        rows = [tuple(row) for row in csv.reader(source)]
    assert len(rows) == 100_001

    def yardstick() -> float:
        def work() -> None:
            with other.open("w", encoding="utf-8", newline="") as out:
                csv.writer(out).writerows(rows)

        return timed(work)

    taken = in_turn({"trayd": ours, "csv": yardstick}, 5, warm_up=1)
    times = ratio(taken["trayd"], taken["csv"])
    yield at_most(
        "CSV of 100k records, × csv.writer on ready rows",
        times,
        2,
        f"{times:.1f} ({taken['trayd'].text()} against {taken['csv'].text()})",
    )
    operations.ledger.close()
    peaks = [work.in_a_process("export", workshop.shared(months=months, each=30_000), file).peak for months in (24, 1)]
    grown = peaks[0] / peaks[1]
    yield at_most(
        "CSV of 24 months of 30k records, most memory × that of one month",
        grown,
        1.1,
        f"{figure(grown)} ({work.mib(peaks[0])} against {work.mib(peaks[1])})",
        "flat (≤ 1.1)",
    )
