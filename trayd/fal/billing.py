"""Fetches billing events completely and groups them into what each request was charged."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from trayd.facts import BillingFact, BillingRow
from trayd.fal.client import LONGEST_WINDOW_DAYS, MOST_IDS, FalClient
from trayd.fal.wire import BillingEvent, utc

_WINDOW = timedelta(days=LONGEST_WINDOW_DAYS)

# fal times the rows of one request alike. Should it ever not, those of one request still lie within this.
_SPREAD = timedelta(hours=1)


async def fetch_billing(
    client: FalClient, account: str, start: datetime, end: datetime, fetched_at: datetime
) -> AsyncGenerator[tuple[BillingFact, ...], None]:
    """What each request of a time was charged, page by page, however long the time is.

    A request that a page cuts in two, or that rows which arrive meanwhile push onto a second page, comes twice: as
    its first page shows it and, after the last page, complete and with a later ``fetched_at``. So the newest fact
    of a request is always the complete one.

    Args:
        client: the account's.
        account: under which the facts go.
        start: the first instant; a request whose rows begin earlier is left out, as it would be incomplete.
        end: the first instant left out.
        fetched_at: when the fetch begins (UTC).

    Raises:
        FalError: a page could not be read; what came before it is good.
    """
    seen: set[str] = set()
    split: set[str] = set()
    for window_start, window_end in windows(start - _SPREAD, end):
        async for page in client.billing_events(window_start, window_end):
            facts = await asyncio.to_thread(group, page, account, fetched_at)
            split |= {fact.request_id for fact in facts if fact.request_id in seen}
            yield tuple(fact for fact in facts if fact.request_id not in seen and fact.rows[0].timestamp >= start)
            seen |= {fact.request_id for fact in facts}
    if split:
        later = fetched_at + timedelta(microseconds=1)
        async for facts in fetch_requests(client, account, split, (start - _SPREAD, end), later):
            yield tuple(fact for fact in facts if fact.rows[0].timestamp >= start)


async def fetch_requests(
    client: FalClient, account: str, request_ids: Collection[str], span: tuple[datetime, datetime], fetched_at: datetime
) -> AsyncIterator[tuple[BillingFact, ...]]:
    """What these requests were charged within a span of time, some of them at a time, each complete."""
    ids = sorted(request_ids)
    for at in range(0, len(ids), MOST_IDS):
        rows = [
            row
            for start, end in windows(*span)
            async for page in client.billing_events(start, end, request_ids=ids[at : at + MOST_IDS])
            for row in page
        ]
        yield group(rows, account, fetched_at)


def windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time in pieces that fal answers in one query, oldest first, without gap or overlap."""
    while start < end:
        until = min(start + _WINDOW, end)
        yield start, until
        start = until


def group(events: Iterable[BillingEvent], account: str, fetched_at: datetime) -> tuple[BillingFact, ...]:
    """The rows of each request as one fact."""
    by_request: dict[str, list[BillingEvent]] = defaultdict(list)
    for event in events:
        by_request[event.request_id].append(event)
    return tuple(
        BillingFact(
            request_id=request_id,
            account=account,
            fetched_at=fetched_at,
            # In one order, however the pages were ordered, so that the same rows are the same fact.
            rows=tuple(sorted(map(_row, rows), key=_order)),
            key=min((label for row in rows if (label := _label(row))), default=None),
        )
        for request_id, rows in by_request.items()
    )


def _row(event: BillingEvent) -> BillingRow:
    return BillingRow(
        timestamp=utc(event.timestamp),
        endpoint_id=event.endpoint_id,
        units=event.output_units,
        unit_price=event.unit_price,
        percent_discount=event.percent_discount,
        total_nanos=event.total_nanos,
    )


def _order(row: BillingRow) -> tuple[datetime, bytes]:
    return row.timestamp, msgspec.json.encode(row)


def _label(event: BillingEvent) -> str | None:
    return event.auth_method_structured.label if event.auth_method_structured else None
