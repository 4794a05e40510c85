"""The FOCUS export, read back with the csv module: every row against the record it is made from."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from itertools import repeat

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.desk import opened_desk
from tests.insight.samples import external, externals, generation, generations, texts
from tests.ledger.making import FLUX, KLING, model
from tests.reports.studio import studio
from trayd.errors import UsageError
from trayd.export_columns import FOCUS_ID_COLUMN
from trayd.insight.pools import PoolCost
from trayd.money import Money, nanos_of, price
from trayd.operations.exporting import ExportQuery
from trayd.pool_settings import Pool
from trayd.records import Counting, ExternalCost, Kind
from trayd.reports.focus_export import COLUMNS, focus_lines

WIDE = Context(prec=300)
PRICES = (
    "ListUnitPrice",
    "ContractedUnitPrice",
    "PricingCurrencyListUnitPrice",
    "PricingCurrencyContractedUnitPrice",
    "PricingQuantity",
)
#: What a charge has that is priced by the unit, and a credit has not.
OF_USAGE = (*PRICES, "PricingUnit", "PricingCategory", "ConsumedQuantity", "ConsumedUnit", "SkuId", "SkuMeter")

quantities = st.decimals(0, 10**6, places=15) | st.integers(0, 1000).map(Decimal) | st.just(Decimal("1E-9"))
unit_prices = st.decimals(0, 50, places=11) | st.sampled_from(
    [Decimal("0.14"), Decimal("0.00006944444"), Decimal("1E+1")]
)
discounts = st.none() | st.sampled_from([Decimal(0), Decimal("12.5"), Decimal(100)]) | st.decimals(0, 100, places=3)


def text_of(records, accounts=None, models=None, remarks=None):
    told = remarks if remarks is not None else []
    return "".join(
        focus_lines(
            records, accounts=accounts or {}, models=models or {}, pool_of=PoolCost.of_month, remark=told.append
        )
    )


def parsed(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def rows_of(records, **said):
    return parsed(text_of(records, **said))


def row_of(record, **said):
    [row] = rows_of([record], **said)
    return row


def billed(units, unit_price, discount=None, **said):
    """A generation that fal has billed by its own arithmetic."""
    units, unit_price = Decimal(units), Decimal(unit_price)
    percent = None if discount is None else Decimal(discount)
    nanos = price(unit_price, units, percent)
    return replace(
        generation("0", units=units, unit_price=unit_price, percent_discount=percent, unit="seconds", **said),
        actual=Money(nanos),
    )


def check_exact(row, cost):
    """Cost is price times quantity to the last digit, and what was charged is that, rounded to the nano once."""
    amount = {name: Decimal(row[name]) for name in row if name.endswith("Cost")}
    assert amount["BilledCost"] == amount["EffectiveCost"] == amount["PricingCurrencyEffectiveCost"] == cost.amount
    assert row["BillingCurrency"] == row["PricingCurrency"] == cost.currency
    if row["ChargeCategory"] == "Credit":
        assert cost.nanos < 0
        assert amount["ListCost"] == amount["ContractedCost"] == cost.amount
        assert not any(row[name] for name in OF_USAGE)
        return
    assert cost.nanos >= 0
    listed, contracted, _, _, quantity = (Decimal(row[name]) for name in PRICES)
    assert amount["ListCost"] == WIDE.multiply(listed, quantity)
    assert amount["ContractedCost"] == WIDE.multiply(contracted, quantity)
    assert nanos_of(amount["ContractedCost"]) == cost.nanos
    assert 0 <= contracted <= listed
    assert row["PricingCurrencyListUnitPrice"] == row["ListUnitPrice"]
    assert row["PricingCurrencyContractedUnitPrice"] == row["ContractedUnitPrice"]


def test_a_billed_generation():
    record = billed(
        "8",
        "0.14",
        "10",
        timestamp=datetime(2026, 12, 31, 23, 59, 30, 999_999, tzinfo=UTC),
        duration_s=41.7,
        endpoint_id=KLING,
        display_name="Kling 3.0 Pro",
        operation="text-to-video",
        key="Premiere panel",
        client="Northwind",
        project="Spring Campaign",
        deliverable="Hero Film",
        note="second take",
    )
    assert row_of(record, accounts={"acme-studio": "Studio North"}) == {
        "BilledCost": "1.008",
        "BillingAccountId": "fal.ai/acme-studio",
        "BillingAccountName": "Studio North",
        "BillingAccountType": "fal.ai Account",
        "BillingCurrency": "USD",
        "BillingPeriodEnd": "2027-01-01T00:00:00Z",
        "BillingPeriodStart": "2026-12-01T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeClass": "",
        "ChargeDescription": "Model run: Kling 3.0 Pro, 8.0 Seconds",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": "2027-01-01T00:00:13Z",
        "ChargePeriodStart": "2026-12-31T23:59:30Z",
        "CommitmentDiscountStatus": "",
        "ConsumedQuantity": "8.0",
        "ConsumedUnit": "Seconds",
        "ContractedCost": "1.008",
        "ContractedUnitPrice": "0.126",
        "EffectiveCost": "1.008",
        "InvoiceId": "",
        "InvoiceIssuerName": "fal.ai",
        "ListCost": "1.12",
        "ListUnitPrice": "0.14",
        "PricingCategory": "Standard",
        "PricingCurrency": "USD",
        "PricingCurrencyContractedUnitPrice": "0.126",
        "PricingCurrencyEffectiveCost": "1.008",
        "PricingCurrencyListUnitPrice": "0.14",
        "PricingQuantity": "8.0",
        "PricingUnit": "Seconds",
        "ProviderName": "fal.ai",
        "PublisherName": "fal.ai",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "fal.ai Model APIs",
        "ServiceSubcategory": "Generative AI",
        "SkuId": KLING,
        "SkuMeter": "Billed Seconds",
        "SkuPriceDetails": "",
        "SkuPriceId": f"{KLING}/Seconds",
        "SubAccountId": "fal.ai/acme-studio/Premiere panel",
        "SubAccountName": "Premiere panel",
        "SubAccountType": "API Key",
        "Tags": '{"client":"Northwind","project":"Spring Campaign","deliverable":"Hero Film"}',
        "x_TraydId": "r1",
        "x_Category": "",
        "x_CostBasis": "Billed",
        "x_Description": "",
        "x_Kind": "internal",
        "x_Model": KLING,
        "x_Note": "second take",
        "x_Operation": "text-to-video",
        "x_RequestId": "r1",
        "x_Source": "fal",
        "x_Unit": "seconds",
    }


def test_an_external_cost():
    record = external("99.95", "2026-11-07", currency="EUR", category="plan", client="Zoë", file="a.csv", line=4)
    row = row_of(record)
    check_exact(row, record.amount)
    told = ("BillingAccountId", "ProviderName", "InvoiceIssuerName", "ServiceName", "ChargeFrequency", "x_CostBasis")
    assert [row[name] for name in told] == [
        "external/midjourney",
        "midjourney",
        "midjourney",
        "midjourney",
        "One-Time",
        "Imported",
    ]
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == ("2026-11-07T00:00:00Z", "2026-11-08T00:00:00Z")
    assert (row["PricingQuantity"], row["PricingUnit"], row["SubAccountId"]) == ("1.0", "Charges", "")
    assert (row["Tags"], row["x_Kind"]) == ('{"client":"Zoë"}', "external")


@given(quantities, unit_prices, discounts)
@example(Decimal(3), Decimal("0.00006944444"), None)
@example(Decimal("8.439999999999998"), Decimal("0.14"), Decimal("12.5"))
@example(Decimal("1234567.123456789012345"), Decimal("0.000069444444444444444444444444"), Decimal("12.3456"))
def test_what_fal_bills_by_the_unit_is_priced_by_the_unit(units, unit_price, discount):
    record = billed(units, unit_price, discount)
    row = row_of(record)
    check_exact(row, record.cost)
    assert (Decimal(row["PricingQuantity"]), Decimal(row["ListUnitPrice"])) == (units, unit_price)
    assert row["PricingUnit"] == row["ConsumedUnit"] == "Seconds"


@given(generations, quantities | st.none(), unit_prices | st.none(), discounts)
def test_whatever_is_known_of_a_generation_its_cost_is_price_times_quantity(record, units, unit_price, discount):
    assume(record.cost is not None)
    record = replace(record, units=units, unit_price=unit_price, percent_discount=discount)
    check_exact(row_of(record), record.cost)


@given(externals)
def test_the_same_of_costs_from_outside(record):
    row = row_of(record)
    check_exact(row, record.amount)
    assert row["ChargeFrequency"] == "One-Time", "of what is imported nothing tells that it comes again"
    month = record.date.replace(day=1)
    first = month if record.kind is Kind.POOL else record.date
    assert row["ChargePeriodStart"] == f"{first}T00:00:00Z"
    assert row["BillingPeriodStart"] == f"{month}T00:00:00Z"
    assert row["ChargePeriodEnd"] > row["ChargePeriodStart"]


@pytest.mark.parametrize(
    ("period", "to", "told"),
    [
        ("month", None, ("Recurring", "2026-09-14", "2026-10-14")),
        ("year", None, ("Recurring", "2026-09-14", "2027-09-14")),
        ("once", date(2026, 11, 15), ("One-Time", "2026-09-14", "2026-11-16")),
        ("once", None, ("One-Time", "2026-09-01", "2026-10-01")),
    ],
)
def test_a_shared_cost_is_charged_for_its_period_and_comes_again_where_the_settings_say_so(tmp_path, period, to, told):
    pool = Pool(name="Render farm", amount=Decimal(90), since=date(2026, 9, 14), period=period, to=to)
    with opened_desk(tmp_path) as desk:
        desk.set(pool=(pool,))
        for project in ("Spring", "Autumn"):
            desk.spends("1.00", datetime(2026, 9, 20, tzinfo=UTC), client="Northwind", project=project)
        text = "".join(desk.operations.export(ExportQuery(format="focus", kind=Kind.POOL, until="2026-10-13")))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 2
    for row in rows:
        starts, ends = row["ChargePeriodStart"], row["ChargePeriodEnd"]
        assert (row["ChargeFrequency"], starts, ends) == (told[0], f"{told[1]}T00:00:00Z", f"{told[2]}T00:00:00Z")
        assert (row["BillingPeriodStart"], row["x_CostBasis"]) == ("2026-09-01T00:00:00Z", "Settings")


def test_what_no_price_explains_is_one_request_at_its_cost_and_what_was_made_is_still_told():
    row = row_of(generation("1.42", units=Decimal(10), unit="seconds", unit_price=Decimal("0.14")))
    assert (row["PricingQuantity"], row["PricingUnit"], row["ListUnitPrice"]) == ("1.0", "Requests", "1.42")
    assert (row["ConsumedQuantity"], row["ConsumedUnit"]) == ("10.0", "Seconds")


@pytest.mark.parametrize("units", ["NaN", "Infinity", "-2", "1E+999999", "1E-999999", "9" * 80])
def test_a_quantity_that_is_none_is_not_written(units):
    row = row_of(generation("0.00", units=Decimal(units), unit_price=Decimal(0)))
    assert (row["PricingQuantity"], row["ConsumedQuantity"]) == ("1.0", "1.0")


def test_an_estimate_is_at_the_list_price_where_that_gives_it():
    models = {FLUX: model("FLUX.1 [dev]", endpoint=FLUX, unit="megapixels", unit_price=Decimal("0.025"))}
    estimated = generation("0.05", counting=Counting.ESTIMATE, units=Decimal(2), unit="megapixels")
    row = row_of(estimated, models=models)
    assert (row["ListUnitPrice"], row["PricingQuantity"], row["PricingUnit"]) == ("0.025", "2.0", "Megapixels")
    assert row["x_CostBasis"] == "Estimated"
    # Another price today, or a price in another currency, does not explain it.
    for other in (
        model(None, endpoint=FLUX, unit_price=Decimal("0.03")),
        model(None, endpoint=FLUX, unit_price=Decimal("0.025"), currency="EUR"),
    ):
        row = row_of(estimated, models={FLUX: other})
        assert (row["ListUnitPrice"], row["PricingQuantity"], row["PricingUnit"]) == ("0.05", "1.0", "Requests")


def test_money_that_came_back_is_a_credit():
    for record in (external("-12.00"), generation("-0.28", units=Decimal(-2), unit_price=Decimal("0.14"))):
        row = row_of(record)
        assert row["ChargeCategory"] == "Credit"
        check_exact(row, record.cost)


def test_on_what_a_cost_rests_that_is_not_fals():
    for kind in (Kind.EXTERNAL, Kind.POOL):
        assert row_of(external(kind=kind, file="costs.csv"))["x_CostBasis"] == "Imported"
    assert row_of(external(kind=Kind.POOL))["x_CostBasis"] == "Settings"


def test_what_has_no_cost_is_left_out_and_counted():
    remarks: list[str] = []
    counted = [
        generation("1.00"),
        generation("1.00", counting=Counting.ESTIMATE),
        generation("1.00", counting=Counting.FREE),
        generation(None),
        generation(None),
        generation("1.00", counting=Counting.PENDING),
        generation("1.00", counting=Counting.FAILED),
        generation("1.00", counting=Counting.UNMATCHED),
    ]
    rows = rows_of(counted, remarks=remarks)
    assert [(row["x_CostBasis"], row["BilledCost"]) for row in rows] == [
        ("Billed", "1.0"),
        ("Estimated", "1.0"),
        ("Free", "0.0"),
    ]
    [remark] = remarks
    assert remark == (
        "5 records have no cost and are left out: 2 without a price so far, 1 still running, "
        "1 failed and not billed so far, 1 unmatched (`trayd history --unmatched`)"
    )
    one: list[str] = []
    rows_of([generation(None)], remarks=one)
    assert one == ["1 record has no cost and is left out: 1 without a price so far"]
    none: list[str] = []
    rows_of([generation("1.00")], remarks=none)
    assert none == []


def test_a_ledger_with_all_that_there_is(tmp_path):
    with studio(tmp_path) as desk:
        operations = desk.operations
        document = operations.export(ExportQuery(format="focus"))
        rows = parsed("".join(document))
        records = list(operations.books.records(zone=operations.settings.zone(), newest_first=False))
        with pytest.raises(UsageError, match="--currency does not go with --format focus"):
            operations.export(ExportQuery(format="focus", currency="EUR"))
    assert (document.name, document.media_type) == ("trayd-export-to-2026-11-20.focus.csv", "text/csv")
    without_cost, bills, not_final = sorted(document.remarks)
    assert without_cost.startswith("4 records have no cost")
    assert "is not final" in not_final
    assert bills.startswith("fal's bills are known up to 2026-11-20 11:00")
    known = [record for record in records if record.cost is not None]
    assert len(records) - len(known) == 4
    assert [row[FOCUS_ID_COLUMN] for row in rows] == [record.id for record in known]
    for row, record in zip(rows, known, strict=True):
        check_exact(row, record.cost)
        tags = {name: getattr(record, name) for name in ("client", "project", "deliverable")}
        assert json.loads(row["Tags"] or "{}") == {name: value for name, value in tags.items() if value}
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row["BillingCurrency"]] += nanos_of(row["BilledCost"])
    wanted: Counter[str] = Counter()
    for record in known:
        wanted[record.cost.currency] += record.cost.nanos
    assert sums == wanted
    assert set(sums) == {"USD", "EUR", "SEK", "GBP"}
    # Shares of what projects share add up to the whole, and are told to come again.
    pool = [row for row in rows if row["x_Kind"] == "pool" and row["ServiceName"] == "Runway plan"]
    assert {row["ChargeFrequency"] for row in pool} == {"Recurring"}
    assert {row["x_CostBasis"] for row in pool} == {"Settings"}
    assert sum(Decimal(row["BilledCost"]) for row in pool) == 2 * 35
    # All requests but those of two prices, of no price and those estimated as a whole are priced by their units.
    by_unit = [row["x_RequestId"] for row in rows if row["PricingUnit"] not in {"", "Charges", "Requests"}]
    assert sorted(by_unit) == sorted([f"r{number}" for number in range(1, 11)] + ["q1"])


@given(st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 30), timezones=st.just(UTC)), st.floats(0, 1e300))  # noqa: DTZ001 - naive bounds
def test_charge_periods_are_of_whole_seconds_and_take_all_of_the_run_in(start, duration):
    row = row_of(generation("1.00", timestamp=start, duration_s=duration))
    begins, ends, month, next_month = (
        datetime.fromisoformat(row[name])
        for name in ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd")
    )
    assert begins <= start < begins + timedelta(seconds=1)
    assert ends >= begins + timedelta(seconds=1)
    assert ends >= start + timedelta(seconds=min(duration, 366 * 86_400))
    assert month <= begins < next_month
    assert (month.day, next_month.day, next_month - timedelta(days=1)) == (1, 1, next_month - timedelta(days=1))
    assert (next_month - month).days in {28, 29, 30, 31}
    assert all(row[name].endswith("Z") and len(row[name]) == 20 for name in row if "Period" in name)


@given(texts)
@example("Näckrosen")
@example("睡蓮")
@example("12345")
@example("2026-11-07")
@example("nan")
@example("TRUE")
@example("NULL")
@example("=1+1")
def test_every_text_of_the_specification_is_ascii_that_is_taken_for_nothing_else(text):
    rows = rows_of(
        [
            generation(
                "1.00", account=text, key=text, endpoint_id=text, display_name=text, unit=text, units=Decimal(2)
            ),
            external("1.00", source=text, description=text),
        ]
    )
    for row in rows:
        for name in COLUMNS:
            value = row[name]
            if name.startswith("x_") or name == "Tags" or not value:
                continue
            assert value.isascii()
            assert value.isprintable()
            if not name.endswith(("Cost", "Price", "Quantity", "Start", "End")):
                assert value[0].isalpha() or (name.endswith("Unit") and value[0].isdigit())
                assert value.lower() not in {"nan", "true", "false", "null", "none", "inf", "infinity", "invalid"}


@given(texts, texts, texts)
def test_tags_come_back_as_they_are(client, project, deliverable):
    row = row_of(external(client=client, project=project, deliverable=deliverable))
    assert json.loads(row["Tags"]) == {"client": client, "project": project, "deliverable": deliverable}


@pytest.mark.parametrize("opened_with", [";", "\t"])
@pytest.mark.parametrize("start", ["=", '"=', "+", "-", "@", "＝"])  # noqa: RUF001
def test_no_formula_begins_where_the_file_is_opened_with_another_delimiter(start, opened_with):
    formula = f'x;{start}HYPERLINK("https://example.org")\t{start}1+1\n{start}2'
    fields = {"note": formula, "client": formula, "project": formula, "source": formula}
    text = text_of(
        [
            generation("1.00", account=formula, key=formula, display_name=formula, operation=formula, **fields),
            external("1.00", description=formula, category=formula, **fields),
        ]
    )
    cells = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=opened_with) for cell in row]
    assert len(cells) > len(text.splitlines()), "it is cut in other places"
    assert not [cell for cell in cells if cell.lstrip('"')[:1] in set("=+-@＝")]  # noqa: RUF001


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])  # noqa: RUF001
def test_no_cell_is_run_as_a_formula(start):
    formula = f'{start}HYPERLINK("https://example.org","pay")'
    fields = {"id": formula, "note": formula, "client": formula, "source": formula}
    rows = rows_of(
        [
            generation(
                "1.00", account=formula, endpoint_id=formula, key=formula, unit=formula, operation=formula,
                display_name=formula, request_id=formula, **fields,
            ),
            external("1.00", description=formula, category=formula, **fields),
        ]
    )  # fmt: skip
    assert len(rows) == 2
    for row in rows:
        assert not [name for name, value in row.items() if value and value[0] in "=+-@\t\r\n＝＋－＠"]  # noqa: RUF001
    assert rows[1]["x_Description"] == f"'{formula}"


def test_the_file_is_csv_with_a_header_also_without_rows():
    assert text_of([]) == f"{','.join(COLUMNS)}\r\n"
    assert len(set(COLUMNS)) == len(COLUMNS)
    own = [name for name in COLUMNS if name.startswith("x_")]
    assert list(COLUMNS[-len(own) :]) == own


def test_memory_does_not_grow_with_the_history():
    pieces = focus_lines(
        repeat(generation("1.12", note="take " * 20), 20_000),
        accounts={},
        models={},
        pool_of=PoolCost.of_month,
        remark=lambda _told: None,
    )
    tracemalloc.start()
    written = sum(len(piece) for piece in pieces)
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert highest < written / 8


def test_every_record_with_a_cost_is_a_row_in_their_order():
    records = [generation("1.00", id=f"r{n}") if n % 3 else external(id=f"x{n}") for n in range(1200)]
    rows = rows_of([*records, generation(None)])
    assert [row[FOCUS_ID_COLUMN] for row in rows] == [record.id for record in records]
    assert [bool(row["x_Model"]) for row in rows] == [not isinstance(record, ExternalCost) for record in records]
