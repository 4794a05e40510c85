"""Costs of other tools: a large table as rows, understood, and recorded; a workbook as rows."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import openpyxl

from tests.benchmarks import work
from tests.benchmarks.harness import Row, Samples, Workshop, figure, in_turn, ratio, timed
from tests.end_to_end.support import clean_env
from trayd.intake.sheet import open_sheets
from trayd.intake.take import read_file
from trayd.operations.exporting import ExportQuery
from trayd.settings import Settings

_ROWS = 100_000
_HEADER = ("date", "description", "amount", "currency", "category", "source", "client")
_NOW = datetime(2026, 11, 21, tzinfo=UTC)

_TRAYD = Path(sys.executable).with_name("trayd")


class _Typed(msgspec.Struct):
    """What a row says, where all of it is as it should be."""

    date: date
    description: str
    amount: Decimal
    currency: str
    category: str
    source: str
    client: str


class _Process(msgspec.Struct, frozen=True):
    """How a process went: seconds from its start to its end, and the most memory it had resident, in bytes."""

    seconds: float
    peak: int


def import_(workshop: Workshop) -> Iterator[Row]:
    """A table of 100k costs against Python's own reader, and by the command line; an export of 100k records."""
    table = _table()
    data = _as_csv(table)
    yield from _reading(data)
    yield from _by_command(workshop, data)
    yield _workbook(table)
    yield _back_in(workshop)


def _table() -> list[tuple[str, ...]]:
    first = date(2025, 12, 1)
    return [
        (
            (first + timedelta(days=number * 350 // _ROWS)).isoformat(),
            f"Plan {number % 40}, monthly, no. {number}",
            f"{number % 900 + 1}.{number % 100:02}",
            ("USD", "EUR")[number % 2],
            ("image", "video", "voice")[number % 3],
            "Midjourney",
            f"Client {number % 30}",
        )
        for number in range(_ROWS)
    ]


def _as_csv(table: list[tuple[str, ...]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([_HEADER, *table])
    return out.getvalue().encode()


def _by_python(data: bytes) -> Iterator[list[str]]:
    return csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""))


def _typed(data: bytes) -> list[_Typed]:
    rows = _by_python(data)
    header = next(rows)
    return [msgspec.convert(dict(zip(header, row, strict=True)), _Typed, strict=False) for row in rows]


def _reading(data: bytes) -> Iterator[Row]:
    def as_rows() -> None:
        assert sum(1 for _ in open_sheets("costs.csv", data)[0].rows()) == _ROWS + 1

    def understood() -> None:
        file = read_file("costs.csv", data, settings=Settings(), models={}, now=_NOW)
        assert len(file.costs) == _ROWS, file.refused

    taken = in_turn(
        {
            "rows": lambda: timed(as_rows),
            "python": lambda: timed(lambda: sum(1 for _ in _by_python(data))),
            "understood": lambda: timed(understood),
            "typed": lambda: timed(lambda: _typed(data)),
        },
        5,
        warm_up=1,
    )
    yield _compared("CSV of 100k costs as rows, × csv.reader", taken["rows"], taken["python"])
    yield _compared(
        "CSV of 100k costs worked out and read, × csv.reader and msgspec.convert of rows that are as they should be",
        taken["understood"],
        taken["typed"],
    )


def _compared(what: str, ours: Samples, yardstick: Samples) -> Row:
    return Row(what, "", f"{ratio(ours, yardstick):.1f} ({ours.text()} against {yardstick.text()})", None)


def _by_command(workshop: Workshop, data: bytes) -> Iterator[Row]:
    file = workshop.empty("import") / "costs.csv"
    file.write_bytes(data)
    for what, options in (
        ("`trayd import --dry-run` of 100k costs", ["--dry-run", "--json"]),
        ("`trayd import` of 100k costs, read and durable", ["--json"]),
    ):
        done = [_command(workshop.empty("import-home"), "import", *options, str(file)) for _ in range(3)]
        taken = Samples(tuple(one.seconds for one in done))
        peak = max(one.peak for one in done)
        told = f"{taken.text()}, {figure(_ROWS / taken.median)} a second; most memory {work.mib(peak)}"
        yield Row(what, "", told, None)


def _back_in(workshop: Workshop) -> Row:
    """A JSON export into an empty ledger."""
    operations = work.operations_on(workshop.shared(months=1, each=_ROWS))
    file = workshop.empty("import-history") / "history.json"
    work.export(operations, file, ExportQuery(format="json"))
    operations.ledger.close()
    done = [_command(workshop.empty("import-home"), "import", "--json", str(file)) for _ in range(3)]
    taken = Samples(tuple(one.seconds for one in done))
    peak = max(one.peak for one in done)
    told = f"{taken.text()}, {figure(_ROWS / taken.median)} a second; most memory {work.mib(peak)}"
    return Row("`trayd import` of a JSON export of 100k records, read and durable", "", told, None)


def _command(home: Path, *arguments: str) -> _Process:
    ended: list[tuple[int, int]] = []

    def run() -> None:
        env = clean_env() | {"TRAYD_HOME": str(home)}
        process = subprocess.Popen([_TRAYD, *arguments], env=env, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.append((process.returncode, usage.ru_maxrss * 1024))

    seconds = timed(run)
    ((code, peak),) = ended
    assert code == 0
    return _Process(seconds, peak)


def _workbook(table: list[tuple[str, ...]]) -> Row:
    """Against openpyxl, which reads the same sheet row by row as well."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Costs")
    sheet.append(_HEADER)
    for day, what, amount, *rest in table:
        sheet.append((date.fromisoformat(day), what, float(amount), *rest))
    out = io.BytesIO()
    book.save(out)
    data = out.getvalue()

    def ours() -> None:
        assert sum(1 for _ in open_sheets("costs.xlsx", data)[0].rows()) == _ROWS + 1

    def theirs() -> None:
        opened = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        assert sum(1 for _ in opened.active.iter_rows(values_only=True)) == _ROWS + 1

    taken = in_turn({"trayd": lambda: timed(ours), "openpyxl": lambda: timed(theirs)}, 3, warm_up=0)
    return _compared("workbook of 100k costs as rows, × openpyxl", taken["trayd"], taken["openpyxl"])
