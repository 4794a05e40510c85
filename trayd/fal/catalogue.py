"""Looks up what fal's catalogue and price list say of the endpoints in use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar

from trayd.errors import FalRequestError
from trayd.facts import ModelFact
from trayd.fal.client import MOST_IDS, FalClient
from trayd.fal.wire import Metadata

Row = TypeVar("Row")


async def look_up(client: FalClient, endpoint_ids: Collection[str], now: datetime) -> tuple[ModelFact, ...]:
    """What fal says of each of the endpoints; of one that it does not know, that nothing is known.

    Raises:
        FalError: catalogue or price list could not be read. Names without prices are not given out: they would pass
            for endpoints that have none.
    """
    facts: list[ModelFact] = []
    wanted = sorted(endpoint_ids)
    for at in range(0, len(wanted), MOST_IDS):
        ids = wanted[at : at + MOST_IDS]
        metadata = {model.endpoint_id: model.metadata for model in await _known(client.models, ids)}
        prices = {price.endpoint_id: price for price in await _known(client.pricing, ids)}
        for endpoint_id in ids:
            about = metadata.get(endpoint_id) or Metadata()
            price = prices.get(endpoint_id)
            facts.append(
                ModelFact(
                    endpoint_id=endpoint_id,
                    seen_at=now,
                    display_name=about.name,
                    operation=about.category,
                    license_type=about.license_type,
                    unit=price.unit if price else None,
                    unit_price=price.unit_price if price else None,
                    currency=price.currency if price else "USD",
                )
            )
    return tuple(facts)


async def _known(ask: Callable[[Sequence[str]], Awaitable[tuple[Row, ...]]], ids: Sequence[str]) -> tuple[Row, ...]:
    """The rows of those endpoints that fal knows: it refuses a whole question for one that it does not."""
    try:
        return await ask(ids)
    except FalRequestError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
    if len(ids) == 1:
        return ()
    middle = len(ids) // 2
    return *await _known(ask, ids[:middle]), *await _known(ask, ids[middle:])
