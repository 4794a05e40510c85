"""What no event file, no table and no answer of fal could have told is not taken from an export either."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal

import msgspec
import pytest

from tests.ledger.making import DAY, NOON, billing, cost, edit, estimate, event, row
from tests.ledger.making import run as ran
from tests.operations.histories import home
from trayd.facts import Batch
from trayd.ledger.merge import RecordFacts, fold
from trayd.operations.exporting import ExportQuery, ReportQuery
from trayd.reports.json_export import line_of

FUTURE = "2099-01-01T00:00:00Z"


@pytest.fixture
def document(tmp_path):
    """A history with a fact of every kind: a generation and a cost."""
    with home(tmp_path / "a") as first:
        first.ledger.add(
            Batch(
                events=(event("e1", "r1", client="Northwind", estimate=estimate("1.20"), units=Decimal(8)),),
                billing=(billing("r1", row("1.12"), key="render-box"),),
                runs=(ran("r1", duration_s=4.5),),
                costs=(cost("c1", amount="20.00", client="Northwind"),),
            )
        )
        first.ledger.add(Batch(edits=(edit("r1", "project", "Spring"),)))
        yield first.document()


def consistent(document, record_id, change):
    """The export with facts changed as a program would that writes exports: line, facts and totals agree."""
    record = next(each for each in document["records"] if each["id"] == record_id)
    change(record["facts"])
    kept = {name: record[name] for name in ("facts", "counting", "cost")}
    with suppress(ValueError, ArithmeticError):  # where no line can be made of them it stays as it was
        facts = msgspec.convert(record["facts"], RecordFacts)
        record.update(json.loads(msgspec.json.encode(line_of(fold(record_id, facts)))) | kept)
    if record_id == "c1":
        record["cost"] = record["actual_cost"]
    sums = sum(Decimal(each["cost"]["amount"]) for each in document["records"])
    document["totals"]["cost"][0]["amount"] = f"{sums:.2f}"
    return json.dumps(document).encode()


def of_event(**said):
    return "r1", lambda facts: facts["events"][0].update(said)


def of_cost(**said):
    return "c1", lambda facts: facts["cost"].update(said)


def of_bill(**said):
    return "r1", lambda facts: facts["billing"].update(said)


def of_row(**said):
    return "r1", lambda facts: facts["billing"]["rows"][0].update(said)


def of_run(**said):
    return "r1", lambda facts: facts["run"].update(said)


def of_edit(**said):
    return "r1", lambda facts: facts["edits"][0].update(said)


def of_expected(nanos, currency="USD"):
    at = {"at": "2026-11-10T12:00:00Z"}
    return of_event(estimate={"amount": {"nanos": nanos, "currency": currency}, **at})


LONG, SENTENCES = "x" * 201, "x" * 2001
SPLIT = "USD\n    evil:account  -5 USD"

CASES = {
    "event units of a million digits": of_event(units="1E+1000000"),
    "event units of many decimals": of_event(units="0." + "1" * 500),
    "event units without a number": of_event(units="NaN"),
    "event units below zero": of_event(units="-5"),
    "event units beyond all": of_event(units="1000000000001"),
    "event duration below zero": of_event(duration_s=-1.0),
    "event in year 1": of_event(time="0001-01-01T00:00:00Z"),
    "event in year 1970": of_event(time="1970-01-01T00:00:00Z"),
    "event in year 9999": of_event(time="9999-12-31T23:59:59Z"),
    "event of no model": of_event(endpoint_id=""),
    "event of a model with spaces": of_event(endpoint_id="fal-ai/a b"),
    "event of a long model": of_event(endpoint_id=LONG),
    "event of a long client": of_event(client=LONG),
    "event of a client in two lines": of_event(client="a\nb"),
    "event of a client with a nul": of_event(client="a\x00b"),
    "event with a long note": of_event(note=SENTENCES),
    "event with a large parameter": of_event(parameters={"seed": ["x" * 30] * 3000}),
    "event expected beyond all": of_expected(10**25),
    "event expected below zero": of_expected(-1),
    "event expected in no currency": of_expected(10**9, "ZZZ"),
    "event expected in two lines": of_expected(10**9, SPLIT),
    "cost in year 1": of_cost(date="0001-01-01"),
    "cost in year 1900": of_cost(date="1900-01-01"),
    "cost in year 9999": of_cost(date="9999-12-31"),
    "cost of fal": of_cost(kind="internal"),
    "cost in two lines": of_cost(amount={"nanos": 20 * 10**9, "currency": SPLIT}),
    "cost in no currency": of_cost(amount={"nanos": 20 * 10**9, "currency": "ZZZ"}),
    "cost beyond all": of_cost(amount={"nanos": 10**25, "currency": "USD"}),
    "cost with a long description": of_cost(description=SENTENCES),
    "cost with an escape": of_cost(description="\x1b[2J"),
    "cost of a long client": of_cost(client=SENTENCES),
    "cost of a long file": of_cost(file=SENTENCES),
    "bill of the future": of_bill(fetched_at=FUTURE),
    "bill of a key in two lines": of_bill(key="a\nb\x00"),
    "bill without a row": of_bill(rows=[]),
    "bill beyond all": of_row(total_nanos=10**25),
    "bill of units beyond all": of_row(units="1E+30"),
    "bill at a price beyond all": of_row(unit_price="1E+30"),
    "run of the future": of_run(fetched_at=FUTURE),
    "run of a long model": of_run(endpoint_id=SENTENCES),
    "edit of the future": of_edit(at=FUTURE),
    "edit taken back in the future": of_edit(undone=FUTURE),
    "edit to a long project": of_edit(value=LONG),
    "edit to two lines": of_edit(value="a\nb"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_record_is_rejected_by_its_id_and_line_and_the_other_one_is_taken_in(document, tmp_path, name):
    record_id, change = CASES[name]
    data = consistent(document, record_id, change)
    with home(tmp_path / "b") as second:
        answer = second.imports(data)
        (rejected,) = answer.rejected
        assert f"the record {record_id}" in rejected.reason
        assert rejected.line is not None
        assert len(rejected.reason) < 400
        assert {record.id for record in second.ledger.records()} == {"r1", "c1"} - {record_id}
        assert answer.recorded == 1
        for form in ("csv", "focus", "json", "ledger"):
            assert "".join(second.operations.export(ExportQuery(format=form)))
        assert "".join(second.operations.report(ReportQuery()))
        assert second.ledger.verify() == []
    with home(tmp_path / "b") as second:
        assert not list((tmp_path / "b").rglob("*.damaged*"))


def test_unchanged_it_is_taken_in(document, tmp_path):
    with home(tmp_path / "b") as second:
        answer = second.imports(consistent(document, "r1", dict))
        assert (answer.recorded, answer.rejected) == (2, ())


@pytest.mark.parametrize("known", ["cost", "generation"])
def test_an_id_is_not_of_a_cost_and_of_a_generation(tmp_path, known):
    costs, events = Batch(costs=(cost("same"),)), Batch(events=(event("e1", "same", estimate=estimate("1.20")),))
    here, there = (costs, events) if known == "cost" else (events, costs)
    with home(tmp_path / "a") as first, home(tmp_path / "b") as second:
        first.ledger.add(there)
        second.ledger.add(here)
        second.ledger.add(Batch(events=(event("e2", "other", NOON + DAY),)))
        before = second.known
        (rejected,) = second.imports(first.exported()).rejected
        assert "same is the id of a cost and of a generation" in rejected.reason
        assert rejected.line is not None
        assert second.known == before
