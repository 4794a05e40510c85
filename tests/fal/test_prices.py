from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.facts import ModelFact
from trayd.money import Money
from trayd.prices import price_of
from trayd.records import Estimate

AT = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)


def models(unit_price: str | None, currency: str = "USD") -> dict[str, ModelFact]:
    fact = ModelFact(
        endpoint_id="fal-ai/veo3",
        seen_at=AT,
        unit="seconds",
        unit_price=None if unit_price is None else Decimal(unit_price),
        currency=currency,
    )
    return {fact.endpoint_id: fact}


@pytest.mark.parametrize(
    ("unit_price", "units", "nanos"),
    [
        ("0.03", "3.008", 90_240_000),
        ("0.00006944444", "41.7", 2_895_833),
        ("0.0000000005", "1", 0),
        ("0.0000000015", "1", 2),
        ("0", "12", 0),
    ],
)
def test_units_cost_their_price_rounded_once_half_to_even(unit_price: str, units: str, nanos: int) -> None:
    assert price_of(models(unit_price), "fal-ai/veo3", Decimal(units), AT) == Estimate(Money(nanos), AT)


def test_an_unknown_price_is_not_a_price_of_zero() -> None:
    assert price_of(models(None), "fal-ai/veo3", Decimal(1), AT) is None
    assert price_of({}, "fal-ai/veo3", Decimal(1), AT) is None


def test_the_estimate_is_in_the_prices_currency() -> None:
    estimate = price_of(models("2", "EUR"), "fal-ai/veo3", Decimal(3), AT)
    assert estimate == Estimate(Money(6_000_000_000, "EUR"), AT)


@pytest.mark.parametrize("units", ["-1", "NaN", "Infinity"])
def test_what_is_no_quantity_is_refused(units: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        price_of(models("1"), "fal-ai/veo3", Decimal(units), AT)


@given(st.decimals(0, 1000, places=6), st.decimals(0, 1000, places=6), st.decimals("0.000001", 10, places=9))
def test_more_units_never_cost_less(less: Decimal, more: Decimal, unit_price: Decimal) -> None:
    low, high = (price_of(models(str(unit_price)), "fal-ai/veo3", units, AT) for units in sorted((less, more)))
    assert low is not None
    assert high is not None
    assert low.amount.nanos <= high.amount.nanos
