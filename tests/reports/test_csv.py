"""The CSV export, read back with the csv module as a spreadsheet would."""

import csv
import gc
import io
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given

from tests.insight.samples import external, generation, records
from trayd.export_columns import COLUMNS
from trayd.money import Money
from trayd.records import Counting, Estimate, ExternalCost
from trayd.reports.csv_export import csv_lines
from trayd.reports.shape import HistoryItem, history_item
from trayd.shapes import plain

CONTRACT = (
    "timestamp,model,operation,kind,source,estimated_cost,actual_cost,cost,currency,client,project,deliverable,"
    "duration_s,units,unit,request_id,account,description,category,note"
)


def text_of(of):
    return "".join(csv_lines(of))


def rows_of(of):
    return list(csv.DictReader(io.StringIO(text_of(of), newline="")))


def row_of(record):
    [row] = rows_of([record])
    return row


def test_the_header_is_the_contract_and_lines_end_in_cr_lf():
    assert text_of([]) == f"{CONTRACT}\r\n"


def test_a_billed_generation():
    record = generation(
        "1.12",
        timestamp=datetime(2026, 11, 20, 15, 3, 11, tzinfo=timezone(timedelta(hours=1))),
        endpoint_id="fal-ai/kling-video/v3/pro/text-to-video",
        operation="text-to-video",
        estimate=Estimate(Money.of("1.10"), datetime(2026, 11, 20, tzinfo=UTC)),
        client="Northwind",
        project="Spring Campaign",
        deliverable="Hero Film",
        duration_s=41.7,
        units=Decimal("8.439999999999998"),
        unit="seconds",
        note="second take",
    )
    assert row_of(record) == {
        "timestamp": "2026-11-20T14:03:11Z",
        "model": "fal-ai/kling-video/v3/pro/text-to-video",
        "operation": "text-to-video",
        "kind": "internal",
        "source": "fal",
        "estimated_cost": "1.10",
        "actual_cost": "1.12",
        "cost": "1.12",
        "currency": "USD",
        "client": "Northwind",
        "project": "Spring Campaign",
        "deliverable": "Hero Film",
        "duration_s": "41.7",
        "units": "8.439999999999998",
        "unit": "seconds",
        "request_id": "r1",
        "account": "acme-studio",
        "description": "",
        "category": "",
        "note": "second take",
    }


def test_an_external_cost_prints_its_date_as_midnight_utc():
    row = row_of(external("-12.00", "2026-11-03", category="subscription"))
    assert row["timestamp"] == "2026-11-03T00:00:00Z"
    assert (row["kind"], row["source"], row["description"]) == ("external", "midjourney", "Midjourney plan")
    assert (row["estimated_cost"], row["actual_cost"], row["cost"]) == ("", "-12.00", "-12.00")


@pytest.mark.parametrize(
    ("counting", "estimated", "cost"),
    [
        (Counting.ESTIMATE, "0.50", "0.50"),
        (Counting.PENDING, "0.50", ""),
        (Counting.UNMATCHED, "0.50", ""),
        (Counting.FREE, "0.50", "0.00"),
    ],
)
def test_only_what_counts_has_a_cost(counting, estimated, cost):
    row = row_of(generation("0.50", counting=counting))
    assert (row["estimated_cost"], row["actual_cost"], row["cost"]) == (estimated, "", cost)


def test_without_a_price_the_cells_are_empty_and_not_zero():
    row = row_of(generation(None))
    assert (row["estimated_cost"], row["actual_cost"], row["cost"], row["currency"]) == ("", "", "", "")


def test_an_estimate_in_another_currency_is_not_passed_off_as_the_rows():
    euros = Estimate(Money.of("1.00", "EUR"), datetime(2026, 11, 20, tzinfo=UTC))
    row = row_of(generation("1.08", estimate=euros))
    assert (row["estimated_cost"], row["cost"], row["currency"]) == ("", "1.08", "USD")


def test_small_numbers_are_written_out():
    row = row_of(generation("0.000000001", units=Decimal("1E-9"), duration_s=1e-05))
    assert (row["cost"], row["units"], row["duration_s"]) == ("0.000000001", "0.000000001", "0.00001")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])  # noqa: RUF001
def test_no_cell_of_text_is_run_as_a_formula(start):
    formula = f'{start}HYPERLINK("https://example.org","pay")'
    row = row_of(generation(note=formula, client=formula, endpoint_id=formula, key=formula, unit=formula))
    assert row["note"] == row["client"] == row["model"] == row["unit"] == f"'{formula}"
    assert row_of(external(description=formula))["description"] == f"'{formula}"
    for request_id in (formula, f"{start}1", f"{start}a-1"):
        assert row_of(generation(request_id=request_id))["request_id"] == f"'{request_id}"


def test_quotes_commas_and_line_breaks_come_back():
    note = 'He said "wait", then\r\nleft; Näckrosen 睡蓮'
    assert row_of(generation(note=note))["note"] == note


@given(records)
def test_every_record_is_one_row_and_every_amount_comes_back_exactly(of):
    rows = rows_of(of)
    assert len(rows) == len(of)
    for record, row in zip(of, rows, strict=True):
        if record.cost is None:
            assert row["cost"] == ""
        else:
            assert Money.of(row["cost"], row["currency"]) == record.cost
        assert datetime.fromisoformat(row["timestamp"]) == record.timestamp
        if not isinstance(record, ExternalCost) and record.units is not None:
            assert Decimal(row["units"]) == record.units


@given(records)
def test_the_log_as_json_and_the_csv_say_the_same(of):
    for record, row in zip(of, rows_of(of), strict=True):
        item = plain(history_item(record))
        assert row["timestamp"] == item["timestamp"]
        assert row["cost"] == (item["cost"]["amount"] if item["cost"] else "")
        assert row["currency"] == (item["currency"] or "")
        assert row["kind"] == item["kind"]


def test_the_log_has_the_columns_in_their_order_and_five_more_names():
    names = HistoryItem.__struct_fields__
    assert ",".join(COLUMNS) == CONTRACT
    assert tuple(name for name in names if name in COLUMNS) == COLUMNS
    assert {"id", "status", "display_name", "parameters", "confirmed"} <= set(names)


def test_a_record_in_the_log_as_json():
    item = plain(history_item(generation("1.12", display_name="FLUX.1 [dev]", parameters={"seed": 7})))
    assert item["actual_cost"] == {"amount": "1.12", "currency": "USD"}
    assert item["estimated_cost"] is None
    assert (item["status"], item["confirmed"], item["parameters"]) == ("completed", True, {"seed": 7})


@pytest.mark.parametrize("words", [1, 60], ids=["short notes", "long notes"])
def test_memory_does_not_grow_with_the_history(words):
    def most(rows):
        """The most memory that was in use, and how many characters went through it."""
        different = (generation("1.12", note=f"take {number} " * words) for number in range(rows))
        gc.collect()
        tracemalloc.start()
        written = sum(map(len, csv_lines(different)))
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest, written

    (little, short), (much, long) = most(9_000), most(15_000)
    # One that kept what it has written, or the records, would need more than all of it.
    assert much - little < (long - short) / 4
    assert much < 5_000_000
