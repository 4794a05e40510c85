"""Known unit prices, and what a quantity costs by them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from trayd.facts import ModelFact
from trayd.money import Money, price
from trayd.records import Estimate


def price_of(models: Mapping[str, ModelFact], endpoint_id: str, units: Decimal, at: datetime) -> Estimate | None:
    """What so many units of an endpoint cost at its list price, rounded once, half to even, to a nano.

    Discounts of the account are not in it; fal tells them with the bill.

    Args:
        models: what is known of each endpoint, by endpoint id.
        endpoint_id: fal's id of the model.
        units: the quantity in the endpoint's own unit.
        at: when the estimate is made (UTC); it keeps this time, because prices change.

    Returns:
        None where no price is known: that is not a price of zero.

    Raises:
        ValueError: the quantity is not a finite number of zero or more.
    """
    if not units.is_finite() or units < 0:
        raise ValueError(f"{units} is not a quantity")
    model = models.get(endpoint_id)
    if model is None or model.unit_price is None:
        return None
    return Estimate(Money(price(model.unit_price, units), model.currency), at)
