"""A table that trayd exported and that is dropped into trayd is named as what it is, and nothing is counted again."""

from __future__ import annotations

import csv
import gzip
import io
from itertools import product

import pytest
from openpyxl import Workbook

from tests.desk import NOW
from tests.reports.studio import studio
from trayd.intake.take import Understood, read_file
from trayd.operations.exporting import ExportQuery
from trayd.settings import Settings

CURE = "all of it is in a ledger already; to take a history into another ledger, use `trayd export --format json`"

STYLES = [
    {"delimiter": delimiter, "decimal": decimal, "bom": bom, "currency": currency}
    for delimiter, decimal, bom, currency in product(
        ("comma", "semicolon", "tab"), ("point", "comma"), (False, True), (None, "EUR")
    )
    if (delimiter, decimal) != ("comma", "comma")
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with studio(tmp_path_factory.mktemp("home")) as desk:
        yield desk


@pytest.fixture(scope="module")
def export(desk):
    return "".join(desk.operations.export(ExportQuery(format="focus")))


@pytest.fixture(scope="module")
def table(desk):
    return list(csv.reader("".join(desk.operations.export(ExportQuery())).splitlines(keepends=True)))


def written(rows) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def read(name: str, data: bytes) -> Understood:
    return read_file(name, data, settings=Settings(), models={}, now=NOW)


def refusal(understood: Understood) -> str:
    assert (understood.facts, understood.rejected) == (0, ())
    assert understood.refused is not None
    return understood.refused.text(understood.name)


def test_it_is_refused_by_name(export):
    told = refusal(read("export.csv", export.encode()))
    assert told == f"export.csv line 1: it is a FOCUS export of trayd itself: {CURE}"


def test_also_packed_and_saved_by_a_spreadsheet_under_a_title(export):
    rows = list(csv.reader(io.StringIO(export, newline="")))
    in_europe = "\r\n".join(";".join(row) for row in [["Costs of November"], *rows])
    workbook = Workbook()
    for row in [["Costs of November"], *rows]:
        workbook.active.append(row)
    saved = io.BytesIO()
    workbook.save(saved)
    for name, data in (
        ("export.csv.gz", gzip.compress(export.encode())),
        ("export.csv", in_europe.encode("utf-16")),
        ("export.xlsx", saved.getvalue()),
    ):
        assert "it is a FOCUS export of trayd itself" in refusal(read(name, data))


def test_a_focus_export_of_another_tool_is_taken_in(export):
    rows = list(csv.DictReader(io.StringIO(export, newline="")))
    foreign = [name for name in rows[0] if not name.startswith("x_")]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, foreign, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    understood = read("focus.csv", text.getvalue().encode())
    assert understood.refused is None
    assert understood.costs


@pytest.mark.parametrize("style", STYLES, ids=lambda style: "-".join(map(str, style.values())))
def test_a_csv_export_is_refused_by_name_however_it_is_written(desk, style):
    document = desk.operations.export(ExportQuery(**style))
    told = refusal(read(document.name, "".join(document).encode()))
    assert told == f"{document.name} line 1: it is a CSV export of trayd itself: {CURE}"


def test_a_csv_export_that_a_spreadsheet_saved_is_known_as_well(table):
    workbook = Workbook()
    for row in [["Costs of November"], *table]:
        workbook.active.append(row)
    saved = io.BytesIO()
    workbook.save(saved)
    wider = [[*row, "", ""] for row in table]
    for name, data in (("export.xlsx", saved.getvalue()), ("export.csv", written(wider))):
        assert "it is a CSV export of trayd itself" in refusal(read(name, data))


@pytest.mark.parametrize("without", ["estimated_cost", "duration_s", "category", "note"])
def test_a_table_that_merely_has_most_of_the_columns_is_taken_in(table, without):
    place = table[0].index(without)
    understood = read("costs.csv", written([cell for at, cell in enumerate(row) if at != place] for row in table))
    assert understood.refused is None
    assert understood.costs
    own = read("costs.csv", written([*row, "checked by" if row is table[0] else "Ada"] for row in table))
    assert own.refused is None
    assert own.costs
