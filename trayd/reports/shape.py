"""The outward shape of a record: the one place for the names and the order of its fields."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from trayd.money import Money
from trayd.records import Counting, ExternalCost, Kind, Record, Status


class HistoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """A record as the log shows it; :func:`trayd.shapes.plain` makes it JSON.

    Attributes:
        timestamp: UTC; for an external cost the start of its date.
        model: the endpoint id, None for what does not come from fal; ``display_name`` is the model's name then.
        estimated_cost: None where there was no estimate, ``actual_cost`` where nothing is confirmed, ``cost`` where
            it does not count: pending, unmatched or without a price. None is never zero.
        currency: of ``cost``, else of what is known of it.
        counting: how it enters the totals, and so why a cost is None.
        confirmed: someone was billed for it, or fal had the time to and did not.
    """

    id: str
    timestamp: datetime
    model: str | None
    operation: str | None
    kind: Kind
    source: str
    estimated_cost: Money | None
    actual_cost: Money | None
    cost: Money | None
    currency: str | None
    client: str | None
    project: str | None
    deliverable: str | None
    duration_s: float | None
    units: Decimal | None
    unit: str | None
    request_id: str | None
    account: str | None
    description: str | None
    category: str | None
    note: str | None
    status: Status | None
    display_name: str | None
    parameters: dict[str, Any]
    counting: Counting
    confirmed: bool


def currency_of(record: Record) -> str | None:
    """The currency of what is known of the record's cost; None where nothing is."""
    if isinstance(record, ExternalCost):
        return record.amount.currency
    known = record.cost or record.actual or (record.estimate.amount if record.estimate else None)
    return known.currency if known else None


def history_item(record: Record) -> HistoryItem:
    """The record in its outward shape."""
    return HistoryItem(**outward_fields(record))


def outward_fields(record: Record) -> dict[str, Any]:
    """What a record says under the names of :class:`HistoryItem`."""
    if isinstance(record, ExternalCost):
        return {
            "id": record.id,
            "timestamp": record.timestamp,
            "model": None,
            "operation": None,
            "kind": record.kind,
            "source": record.source,
            "estimated_cost": None,
            "actual_cost": record.amount,
            "cost": record.amount,
            "currency": record.amount.currency,
            "client": record.client,
            "project": record.project,
            "deliverable": record.deliverable,
            "duration_s": None,
            "units": None,
            "unit": None,
            "request_id": None,
            "account": None,
            "description": record.description,
            "category": record.category,
            "note": record.note,
            "status": None,
            "display_name": None,
            "parameters": {},
            "counting": record.counting,
            "confirmed": True,
        }
    return {
        "id": record.id,
        "timestamp": record.timestamp,
        "model": record.endpoint_id,
        "operation": record.operation,
        "kind": record.kind,
        "source": record.source,
        "estimated_cost": record.estimate.amount if record.estimate else None,
        "actual_cost": record.actual,
        "cost": record.cost,
        "currency": currency_of(record),
        "client": record.client,
        "project": record.project,
        "deliverable": record.deliverable,
        "duration_s": record.duration_s,
        "units": record.units,
        "unit": record.unit,
        "request_id": record.request_id,
        "account": record.account,
        "description": None,
        "category": None,
        "note": record.note,
        "status": record.status,
        "display_name": record.display_name,
        "parameters": record.parameters,
        "counting": record.counting,
        "confirmed": record.confirmed,
    }
