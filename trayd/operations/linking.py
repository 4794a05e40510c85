"""Linking: a person settles to which request of fal an event without a request id belongs, and can take it back."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from trayd.errors import LedgerError
from trayd.facts import Batch, Link
from trayd.ledger.changes import no_event
from trayd.ledger.store import Ledger
from trayd.money import Money
from trayd.records import DEFAULT_ACCOUNT, ExternalCost, Filters, Generation, Kind, Record

#: An event's clock and the moment it is written at may be this far from fal's time of the request.
NEAR = timedelta(hours=24)
SUGGESTED = 10

_FORCE = "`--force` links it all the same"


class LinkQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event by its id, and the request it belongs to; ``force`` where that is not known or looks wrong."""

    id: str
    request_id: str
    force: bool = False


class EventQuery(msgspec.Struct, frozen=True, kw_only=True):
    """An event by its id."""

    id: str


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a link.

    Attributes:
        changed: false where all was so already.
    """

    id: str
    request_id: str
    changed: bool


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A request that an event may belong to.

    Attributes:
        timestamp: when the request was made (UTC); ``apart_s`` is how far the event's time is from it, in seconds,
            negative where the event is earlier.
        cost: what fal billed, or expects to; None while that is unknown.
    """

    request_id: str
    timestamp: datetime
    apart_s: float
    account: str
    cost: Money | None
    units: Decimal | None
    unit: str | None
    duration_s: float | None


def link(ledger: Ledger, query: LinkQuery, now: datetime) -> Linked:
    """Has the event count as part of the request.

    A request that no record has is refused unless forced: where an event is unmatched, billing has been read beyond
    its time, so that its request is known as a rule, and a slip of the pen would make a record that is never billed.

    Raises:
        LedgerError: these two do not go together; nothing was changed.
    """
    known = ledger.link_of(query.id)
    linked = known is not None and known.undone is None
    event = None if linked else _event(ledger, query.id)
    request = ledger.get(query.request_id)
    if event is not None and not query.force:
        _refuse_what_looks_wrong(event, request, query.request_id)
    at = max(now, known.undone + timedelta(microseconds=1)) if known is not None and known.undone else now
    added = ledger.add(Batch(links=(Link(record_id=query.id, request_id=query.request_id, at=at),)))
    return Linked(id=query.id, request_id=query.request_id, changed=not added.known)


def _refuse_what_looks_wrong(event: Generation, request: Record | None, request_id: str) -> None:
    if request is None:
        raise LedgerError(
            f"no request {request_id} is known",
            f"look at the id again; `trayd link {event.id}` lists likely ones. If fal has yet to tell of it, {_FORCE}",
        )
    if isinstance(request, Generation) and request.endpoint_id != event.endpoint_id:
        raise LedgerError(
            f"the event {event.id} is of {event.endpoint_id}, the request {request_id} of {request.endpoint_id}",
            f"look at the ids again; where they are one run, {_FORCE}",
        )


def unlink(ledger: Ledger, query: EventQuery, now: datetime) -> Linked:
    """Makes a linked event a record of its own again; what was said of the request since then stays with that.

    Raises:
        LedgerError: it is not linked.
    """
    known = ledger.link_of(query.id)
    if known is None or known.undone is not None:
        if ledger.get(query.id) is None:
            raise no_event(query.id)
        raise LedgerError(f"{query.id} is not linked to a request", "look at the id again; it is that of the event")
    ledger.add(Batch(links=(msgspec.structs.replace(known, undone=max(now, known.at)),)))
    return Linked(id=query.id, request_id=known.request_id, changed=True)


def likely(ledger: Ledger, query: EventQuery) -> list[Candidate]:
    """Requests of the same endpoint without an event of their own, the nearest in time first.

    Raises:
        LedgerError: it is no event without a request id.
    """
    known = ledger.link_of(query.id)
    if known is not None and known.undone is None:
        raise LedgerError(
            f"{query.id} is linked to {known.request_id} already",
            f"take that back first with `trayd link --undo {query.id}`",
        )
    event = _event(ledger, query.id)
    near = Filters(
        kind=Kind.INTERNAL,
        model=event.endpoint_id,
        account=None if event.account == DEFAULT_ACCOUNT else event.account,
        since=event.timestamp - NEAR,
        until=event.timestamp + NEAR,
    )
    found = [
        record
        for record in ledger.records(near)
        if isinstance(record, Generation) and record.request_id and record.endpoint_id == event.endpoint_id
    ]
    found.sort(key=lambda record: (abs(record.timestamp - event.timestamp), record.id))
    candidates: list[Candidate] = []
    for record in found:
        if len(candidates) == SUGGESTED:
            break
        if not ledger.has_event(record.id):
            candidates.append(_candidate(event, record))
    return candidates


def _candidate(event: Generation, record: Generation) -> Candidate:
    return Candidate(
        request_id=record.request_id or record.id,
        timestamp=record.timestamp,
        apart_s=(event.timestamp - record.timestamp).total_seconds(),
        account=record.account,
        cost=record.cost,
        units=record.units,
        unit=record.unit,
        duration_s=record.duration_s,
    )


def _event(ledger: Ledger, record_id: str) -> Generation:
    record = ledger.get(record_id)
    if record is None:
        raise no_event(record_id)
    how = "`trayd history --unmatched` lists the events that wait for their request"
    if isinstance(record, ExternalCost):
        raise LedgerError(f"{record_id} is a cost from outside fal, which no request belongs to", how)
    if record.request_id is not None:
        raise LedgerError(f"{record_id} has a request id already, {record.request_id}", how)
    return record
