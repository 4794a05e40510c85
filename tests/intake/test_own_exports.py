"""A FOCUS export of trayd that is dropped into trayd is named as what it is, and nothing of it is counted again."""

from __future__ import annotations

import csv
import gzip
import io

import pytest
from openpyxl import Workbook

from tests.desk import NOW
from tests.reports.studio import studio
from trayd.intake.take import Understood, read_file
from trayd.operations.exporting import ExportQuery
from trayd.settings import Settings


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    with studio(tmp_path_factory.mktemp("home")) as desk:
        return "".join(desk.operations.export(ExportQuery(format="focus")))


def read(name: str, data: bytes) -> Understood:
    return read_file(name, data, settings=Settings(), models={}, now=NOW)


def refusal(understood: Understood) -> str:
    assert (understood.facts, understood.rejected) == (0, ())
    assert understood.refused is not None
    return understood.refused.text(understood.name)


def test_it_is_refused_by_name(export):
    told = (
        "export.csv line 1: it is a FOCUS export of trayd itself: all of it is in a ledger already; "
        "to take a history into another ledger, use `trayd export --format json`"
    )
    assert refusal(read("export.csv", export.encode())) == told


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
