"""The JSON export as other programs read it: one object, by its schema, exact, in the log's own words."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.insight.samples import NOW, daily, ecb, generation, rates, records
from tests.ledger.making import FLUX, KLING, NOON, account, billing, cost, covers, event, model, row
from tests.operations.histories import Home, home
from trayd.facts import Batch
from trayd.money import NANOS_PER_UNIT, Money
from trayd.operations.export_schema import FILE, export_schema, export_schema_text
from trayd.operations.records import HistoryQuery
from trayd.records import Filters, Kind, Recorded
from trayd.reports.json_export import TYPE, VERSION, Amount, Head, History, json_lines, nanos_in
from trayd.reports.open_shares import OpenShares
from trayd.reports.shape import HistoryItem, history_item
from trayd.shapes import plain

VALIDATOR = Draft202012Validator(export_schema())


def pieces_of(found, converter=None, *, converts=False, remarks=None):
    converter = converter or rates()
    head = Head(
        trayd=VERSION,
        type=TYPE,
        made_at=NOW,
        made_by="trayd",
        base_url=None,
        home_currency="USD",
        time_zone="UTC",
        currency=converter.currency,
        filters=Filters(),
    )
    recorded = (Recorded(record, b"") for record in found)
    return json_lines(
        History(
            head=head,
            recorded=recorded,
            converter=converter,
            converts=converts,
            shares=OpenShares(lambda _share: None),
            zone=ZoneInfo("UTC"),
        ),
        remark=([] if remarks is None else remarks).append,
    )


def text(found, converter=None, *, converts=False) -> str:
    return "".join(pieces_of(found, converter, converts=converts))


def document(found, converter=None, *, converts=False) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(text(found, converter, converts=converts))
    return told


@given(records)
def test_each_record_says_what_the_log_says_of_it(found):
    told = document(found)["records"]
    for record, line in zip(found, told, strict=True):
        item = plain(history_item(record))
        assert {name: line[name] for name in HistoryItem.__struct_fields__} == item
        assert line["key"] == getattr(record, "key", None)


@given(records)
def test_each_record_is_a_line_and_all_of_it_is_one_object(found):
    first, *lines, end, nothing = text(found).split("\n")
    assert first.endswith('"records":[')
    assert [json.loads(line.removesuffix(","))["id"] for line in lines] == [record.id for record in found]
    assert end.startswith("],")
    assert nothing == ""


@given(records)
def test_the_totals_are_those_of_a_recount_with_the_rates_that_it_tells(found):
    told = document(found, daily(EUR={record.timestamp.date().isoformat(): "1.08403456" for record in found}))
    used = {(rate["from"], rate["day"]): Fraction(rate["rate"]) for rate in told["rates_used"]}
    billed: dict[str, Fraction] = {}
    kinds = dict.fromkeys(("internal", "external", "pool"), Fraction(0))
    without = set()
    for record in told["records"]:
        if record["cost"] is None:
            continue
        amount, currency = Fraction(record["cost"]["amount"]), record["cost"]["currency"]
        billed[currency] = billed.get(currency, Fraction(0)) + amount
        rate = Fraction(1) if currency == "USD" else used.get((currency, record["timestamp"][:10]))
        if rate is not None:
            kinds[record["kind"]] += amount * rate
        elif amount:
            without.add(currency)
    totals = told["totals"]
    assert {each["currency"]: Fraction(each["amount"]) for each in totals["cost"]} == {
        currency: amount for currency, amount in billed.items() if amount
    }
    assert Fraction(totals["total"]["amount"]) * NANOS_PER_UNIT == round(sum(kinds.values()) * NANOS_PER_UNIT)
    assert sum(Fraction(each["amount"]) for each in totals["by_kind"].values()) == Fraction(totals["total"]["amount"])
    for kind, each in totals["by_kind"].items():
        assert abs(Fraction(each["amount"]) - kinds[kind]) * NANOS_PER_UNIT < 1
    assert {each["currency"] for each in totals["unconverted"]} >= without


@pytest.mark.parametrize("converts", [False, True])
def test_what_is_in_no_total_for_it_has_no_rate_is_told(converts):
    remarks: list[str] = []
    found = [generation("2.00", currency="KWD"), generation("1.00", id="b"), generation("0.00", id="c", currency="SEK")]
    told = json.loads("".join(pieces_of(found, rates("EUR", USD=ecb("0.9")), converts=converts, remarks=remarks)))
    assert {"amount": "2.00", "currency": "KWD"} in told["totals"]["unconverted"]
    assert remarks == ["no rate of KWD into EUR is known of 2026-11-20: 2.00 KWD is in no total in EUR"]


@given(records)
def test_its_schema_admits_it(found):
    assert [error.message for error in VALIDATOR.iter_errors(document(found, converts=True))] == []


@given(st.integers(-(10**24), 10**24))
def test_amounts_are_read_as_they_were_written(nanos):
    assert nanos_in(Amount(Money(nanos).text(), "USD")) == nanos


@pytest.mark.parametrize("amount", ["", "1", "1e3", "NaN", "-Infinity", "1.2", "1.1234567891", "+1.00", "1,00", "٣.00"])
def test_what_is_no_amount_is_refused(amount):
    with pytest.raises(ValueError, match="is no amount"):
        nanos_in(Amount(amount, "USD"))


class TestConverted:
    def test_with_a_currency_the_converted_cost_stands_beside_the_billed_one(self):
        told = document(
            [generation("2.00", id="a"), generation(None, id="b"), generation("1.00", id="c", currency="SEK")],
            daily("EUR", USD={"2026-11-20": "0.9"}),
            converts=True,
        )
        assert [
            (each["id"], each["converted_cost"], each["exchange_rate"], each["rate_date"]) for each in told["records"]
        ] == [
            ("a", {"amount": "1.80", "currency": "EUR"}, "0.9", "2026-11-20"),
            ("b", None, None, None),
            ("c", None, None, None),
        ]
        assert told["totals"]["total"] == {"amount": "1.80", "currency": "EUR"}
        assert told["totals"]["unconverted"] == [{"amount": "1.00", "currency": "SEK"}]

    def test_without_one_nothing_is_said_of_it(self):
        (line,) = document([generation("2.00")])["records"]
        assert "converted_cost" not in line


def test_pieces_come_while_records_do():
    taken = []

    def endless():
        for number in range(100_000):
            taken.append(number)
            yield generation("1.00", id=f"r{number}")

    pieces = iter(pieces_of(endless()))
    next(pieces)
    assert len(taken) == 0
    next(pieces)
    assert 0 < len(taken) < 1_000


class TestOfALedger:
    @pytest.fixture
    def one(self, tmp_path):
        with home(tmp_path) as one:
            one.ledger.add(
                Batch(
                    accounts=(account("studio", "acme"),),
                    models=(
                        model("Kling", operation="text-to-video", unit_price=Decimal("0.14")),
                        model("Flux", NOON, FLUX),
                    ),
                    events=(event("e1", "r1", client="Näckrosen", project="Spring", parameters={"seed": 7}),),
                    billing=(billing("r1"), billing("r2", row("0.30"), key="render-box")),
                    costs=(cost("c1"), cost("p1", kind=Kind.POOL)),
                )
            )
            one.ledger.add(Batch(coverage=(covers("acme", NOON, NOON),)))
            yield one

    def test_it_is_what_history_says(self, one: Home):
        told = one.document()["records"]
        log = plain(one.operations.history(HistoryQuery(limit=100)))
        assert [{name: line[name] for name in log[0]} for line in told] == log[::-1]

    def test_its_schema_admits_it_with_facts(self, one):
        for query in ({}, {"currency": "EUR"}, {"client": "Näckrosen"}, {"since": "2026-11-01", "kind": Kind.INTERNAL}):
            assert [error.message for error in VALIDATOR.iter_errors(one.document(**query))] == []

    def test_the_schema_refuses_what_is_not(self, one):
        told = one.document()
        for name in ("trayd", "records", "totals"):
            assert not VALIDATOR.is_valid({key: value for key, value in told.items() if key != name})
        assert not VALIDATOR.is_valid({**told, "trayd": 2})
        assert not VALIDATOR.is_valid({**told, "records": [{"id": "r1"}]})

    def test_filters_say_what_is_in_it(self, one):
        told = one.document(client="Näckrosen", model=KLING)
        assert told["filters"] == {"client": "Näckrosen", "model": KLING}
        assert [record["id"] for record in told["records"]] == ["r1"]

    def test_the_facts_are_there_for_whoever_wants_to_know_more(self, one):
        by_id = {record["id"]: record["facts"] for record in one.document()["records"] if "facts" in record}
        assert by_id["r1"]["billing"]["rows"][0]["total_nanos"] == 1_120_000_000
        assert by_id["r1"]["events"][0]["client"] == "Näckrosen"
        assert by_id["c1"]["cost"]["description"] == "Runway"


def test_the_schema_that_is_shipped_is_the_schema_of_the_types():
    assert FILE.read_text(encoding="utf-8") == export_schema_text(), "run python -m trayd.operations.export_schema"


def test_the_schema_itself_is_valid():
    Draft202012Validator.check_schema(export_schema())
    msgspec.json.encode(export_schema())
