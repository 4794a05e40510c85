"""Asks fal's Platform API. It only reads: no call of this client creates, changes or spends anything.

Each method is one operation of the API, with its limits (rows a page, endpoints a call, days a query) kept here. How
a call is carried, tried again and refused is in :mod:`trayd.fal.transport`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Self, TypeVar

import msgspec

from trayd.errors import FalAnswerError
from trayd.fal.keys import Key
from trayd.fal.transport import Query, RetryPolicy, Transport
from trayd.fal.wire import (
    Billing,
    BillingEvent,
    BillingEvents,
    Model,
    Models,
    Price,
    Prices,
    RequestItem,
    RequestItems,
    Usage,
    UsageRow,
)

#: The longest time that one query for billing events may span.
LONGEST_WINDOW_DAYS = 90

#: How many endpoint or request ids one call may name.
MOST_IDS = 50

EVENTS_PAGE = 10_000
REQUESTS_PAGE = 100

Page = TypeVar("Page", BillingEvents, RequestItems, Models, Prices)


class FalClient:
    """The Platform API as one key sees it.

    Every method raises the :class:`~trayd.errors.FalError` that tells what went wrong: ``KeyRefusedError`` (401),
    ``KeyScopeError`` and ``AccountLockedError`` (403), ``FalRequestError`` (400, 404, 422), ``FalThrottledError``
    (429), ``FalUnreachableError`` (5xx, network) or ``FalAnswerError`` (an answer that is not fal's).

    Args:
        base_url: the API's address, without a slash at the end.
        key: sent to that address and nowhere else.
        retry_policy: how long and how often a call is tried.
    """

    def __init__(self, base_url: str, key: Key, *, retry_policy: RetryPolicy = RetryPolicy()) -> None:
        self._transport = Transport(base_url, key, retry_policy)

    def __repr__(self) -> str:
        return f"FalClient({self._transport.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._transport.aclose()

    @property
    def server_time(self) -> datetime | None:
        """The time (UTC) by fal's clock at its last answer, to the second; None before the first."""
        return self._transport.server_time

    async def billing(self) -> Billing:
        """The account's username and balance. Needs the Admin scope."""
        return await self._transport.ask(Billing, "/account/billing", [("expand", "credits")])

    async def billing_events(
        self, start: datetime, end: datetime, *, request_ids: Sequence[str] = (), endpoint_ids: Sequence[str] = ()
    ) -> AsyncGenerator[tuple[BillingEvent, ...], None]:
        """The billed rows of a time, page by page. Needs the Admin scope.

        Args:
            start: the first instant.
            end: the first instant left out, at most 90 days after ``start``.
            request_ids: only these requests, at most 50.
            endpoint_ids: only these endpoints, at most 50.
        """
        query = [
            *_window(start, end),
            ("limit", str(EVENTS_PAGE)),
            ("expand", "auth_method_structured"),
            *_ids("request_id", request_ids),
            *_ids("endpoint_id", endpoint_ids),
        ]
        async for page in self._pages(BillingEvents, "/models/billing-events", query):
            yield page.billing_events

    async def usage(self, start: datetime, end: datetime) -> tuple[UsageRow, ...]:
        """The totals, by fal's own count, of exactly that time, by endpoint and price. Needs the Admin scope."""
        # Paging is of time buckets; the summary is of the whole time and on the first page.
        query = [*_window(start, end), ("expand", "summary"), ("bound_to_timeframe", "false")]
        return (await self._transport.ask(Usage, "/models/usage", query)).summary

    async def requests(
        self, endpoint_ids: Sequence[str], start: datetime, end: datetime, *, payloads: bool = False
    ) -> AsyncGenerator[tuple[RequestItem, ...], None]:
        """The requests made of 1 to 50 endpoints, page by page; with their input where ``payloads`` is set."""
        query = [*_window(start, end), ("limit", str(REQUESTS_PAGE)), *_ids("endpoint_id", endpoint_ids)]
        if payloads:
            query.append(("expand", "payloads"))
        async for page in self._pages(RequestItems, "/models/requests/by-endpoint", query):
            yield page.items

    async def models(self, endpoint_ids: Sequence[str]) -> tuple[Model, ...]:
        """What the catalogue says of 1 to 50 endpoints."""
        pages = self._pages(Models, "/models", _ids("endpoint_id", endpoint_ids))
        return await _joined(pages, lambda page: page.models)

    async def pricing(self, endpoint_ids: Sequence[str]) -> tuple[Price, ...]:
        """The unit prices of 1 to 50 endpoints, as this account pays them; those without a price are left out."""
        pages = self._pages(Prices, "/models/pricing", _ids("endpoint_id", endpoint_ids))
        return await _joined(pages, lambda page: page.prices)

    async def _pages(self, kind: type[Page], path: str, query: Query) -> AsyncIterator[Page]:
        cursor: str | None = None
        seen = set()
        while True:
            page = await self._transport.ask(kind, path, [*query, ("cursor", cursor)] if cursor else query)
            yield page
            cursor = page.next_cursor
            if not cursor:
                return
            if cursor in seen:
                raise FalAnswerError(
                    f"{path}: fal's pages lead back to a page that was read already", "try again later"
                )
            seen.add(cursor)


Row = TypeVar("Row", bound=msgspec.Struct)


async def _joined(pages: AsyncIterator[Page], rows_of: Callable[[Page], Iterable[Row]]) -> tuple[Row, ...]:
    return tuple([row async for page in pages for row in rows_of(page)])


def _window(start: datetime, end: datetime) -> Query:
    return [("start", _stamp(start)), ("end", _stamp(end))]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _ids(name: str, ids: Sequence[str]) -> Query:
    if len(ids) > MOST_IDS:
        raise ValueError(f"fal takes {MOST_IDS} of {name} at most, not {len(ids)}")
    return [(name, value) for value in ids]
