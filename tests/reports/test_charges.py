"""What clients are charged, and that nothing of what it cost is left where that is hidden."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.money import Money
from trayd.rates import Converter, Rate, RateSource
from trayd.records import Counting, Estimate, ExternalCost, Generation, Kind, Record, Status
from trayd.report_settings import ClientTerms
from trayd.reports.charges import Charges

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FACTORS = {("EUR", "USD"): Decimal("1.084"), ("USD", "EUR"): Decimal("0.9225")}


def rate(currency: str, into: str) -> Rate | None:
    factor = FACTORS.get((currency, into))
    return None if factor is None else Rate(factor, DAY, RateSource.SETTINGS, last_known=False)


def charges(into: str = "USD", **terms: object) -> Charges:
    given = ClientTerms(name="Northwind", **terms)  # type: ignore[arg-type]
    return Charges(given, Converter(into, lambda currency, _day: rate(currency, into)), "USD", UTC)


def job(counting: Counting = Counting.ACTUAL, cost: str = "1.10", **more: object) -> Generation:
    given: dict[str, object] = {
        "id": "r1",
        "account": "northwind",
        "endpoint_id": "fal-ai/veo3",
        "timestamp": NOON,
        "counting": counting,
        "actual": Money.of(cost) if counting is Counting.ACTUAL else None,
        "estimate": Estimate(Money.of(cost), NOON) if counting in {Counting.ESTIMATE, Counting.PENDING} else None,
    }
    return Generation(**(given | more))  # type: ignore[arg-type]


def outside(amount: str, currency: str = "USD", **more: object) -> ExternalCost:
    given: dict[str, object] = {
        "id": "x1",
        "date": DAY,
        "amount": Money.of(amount, currency),
        "description": "voices",
        "source": "ElevenLabs",
    }
    return ExternalCost(**(given | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("terms", "record", "charged"),
    [
        ({}, job(), "1.10"),
        ({"markup_percent": Decimal(20)}, job(), "1.32"),
        ({"markup_percent": Decimal("12.5")}, job(Counting.ESTIMATE, "0.000000001"), "0.000000001"),
        ({"markup_percent": Decimal(20)}, outside("10"), "12"),
        ({"rate": Decimal("2.50")}, job(), "2.50"),
        ({"rate": Decimal("2.50")}, job(Counting.UNKNOWN), "2.50"),
        ({"rate": Decimal("2.50"), "markup_percent": Decimal(10)}, outside("10"), "11"),
        ({"rate": Decimal(1), "rates": {"fal-ai/veo3": Decimal(6)}}, job(), "6"),
        ({"rates": {"fal-ai/flux/dev": Decimal(6)}, "markup_percent": Decimal(100)}, job(), "2.20"),
        ({"rate": Decimal(0)}, job(), "0"),
        ({"rate": Decimal("2.50")}, job(Counting.FREE), "0"),
        ({"rate": Decimal("2.50"), "markup_percent": Decimal(20)}, job(status=Status.FAILED), "1.32"),
        ({"rates": {"fal-ai/veo3": Decimal(6)}}, job(status=Status.CANCELLED), "1.10"),
        ({"rate": Decimal("2.50")}, job(Counting.UNKNOWN, status=Status.FAILED), None),
        ({"rate": Decimal("2.50")}, job(status=Status.SUBMITTED), "2.50"),
        ({"rate": Decimal("2.50")}, job(Counting.PENDING), None),
        ({"rate": Decimal("2.50")}, job(Counting.FAILED), None),
        ({"rate": Decimal("2.50")}, job(Counting.UNMATCHED), None),
        ({"markup_percent": Decimal(20)}, job(Counting.UNKNOWN), None),
        ({"markup_percent": Decimal(50)}, outside("10", "EUR"), "16.26"),
        ({}, outside("10", "SEK"), None),
    ],
)
def test_what_is_charged(terms: dict[str, object], record: Record, charged: str | None) -> None:
    assert charges(**terms).charge(record) == (None if charged is None else Money.of(charged))


def test_rates_are_in_the_home_currency_whatever_the_report_is_in() -> None:
    assert charges("EUR", rate=Decimal(2)).charge(job()) == Money.of("1.845", "EUR")


CALLED = {Kind.EXTERNAL: "External cost", Kind.POOL: "Shared cost"}
amounts = st.decimals("0.000000001", 1000, places=9)
PRICED = {
    "estimate": Estimate(Money.of("7.77"), NOON),
    "units": Decimal(11),
    "unit_price": Decimal("0.10"),
    "percent_discount": Decimal(5),
    "extra": {"list_price": "0.10"},
}
jobs = st.builds(lambda cost, counting: job(counting, str(cost), **PRICED), amounts, st.sampled_from(Counting))
costs = st.builds(
    lambda cost, currency, kind: outside(
        str(cost), currency, kind=kind, description=f"ELEVENLABS {cost} 30.00 USD", note="half of 30.00 USD by spend"
    ),
    amounts,
    st.sampled_from(["USD", "EUR", "SEK"]),
    st.sampled_from([Kind.EXTERNAL, Kind.POOL]),
)


@given(jobs | costs, st.decimals(1, 300, places=3), st.none() | amounts)
def test_of_a_hidden_cost_nothing_is_left_and_the_charge_is_what_it_costs(
    record: Record, markup: Decimal, flat: Decimal | None
) -> None:
    asked = charges(markup_percent=markup, rate=flat)
    charge, seen = asked.charge(record), asked.as_charged(record)

    if charge is not None and charge.nanos:
        assert seen.cost == charge
    cost = record.cost
    if cost is not None and cost.nanos > 1_000_000 and (charge is None or charge.nanos != cost.nanos):
        shown = msgspec.json.encode(seen).decode()
        assert str(cost.nanos) not in shown
        assert str(cost.amount) not in shown
    assert "30.00" not in msgspec.json.encode(seen).decode()
    if isinstance(seen, ExternalCost):
        assert (seen.description, seen.source) == (CALLED[seen.kind], "ElevenLabs")
    if isinstance(seen, Generation):
        assert (seen.unit_price, seen.percent_discount, seen.units) == (None, None, None)
        assert seen.extra == {}
        told = (seen.actual, seen.estimate and seen.estimate.amount)
        assert {amount for amount in told if amount is not None} <= {charge}
