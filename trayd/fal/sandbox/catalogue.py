"""The endpoints that the sandbox knows: real ids, names, units and prices."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from importlib.resources import files

import msgspec


class Endpoint(msgspec.Struct, frozen=True):
    """One endpoint of fal.

    Attributes:
        id: the endpoint id, its identity.
        name: the display name; None where fal's registry has no entry and so ``/models`` gives no metadata.
        unit: what is counted, in fal's own words, oddities included; None where there is no price.
        price: dollars for one unit, exact; None where there is no price.
        license: ``commercial``, ``research`` or ``private``; None where not known. MMAudio V2 has ``research``
            for the sake of what warns of that: fal tells none.
        units: the quantity that one call typically bills.
        seconds: how long one call typically runs; None where not known.
        operation: fal's category.
    """

    id: str
    name: str | None = None
    unit: str | None = None
    price: Decimal | None = None
    license: str | None = None
    units: Decimal = Decimal(1)
    seconds: float | None = None
    operation: str = ""


@cache
def catalogue() -> dict[str, Endpoint]:
    """All endpoints by id, in the order of the data file."""
    text = files(__package__).joinpath("catalogue.json").read_bytes()
    by_operation = msgspec.json.decode(text, type=dict[str, list[Endpoint]])
    return {
        endpoint.id: msgspec.structs.replace(endpoint, operation=operation)
        for operation, endpoints in by_operation.items()
        for endpoint in endpoints
    }
