"""Merging: what all sources say of one record, joined, and folded into the record that people see.

The join is commutative, associative and idempotent: the same facts give the same record in whatever order and
however often they come. Nothing here reads or writes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from trayd.facts import BillingFact, BillingRow, EventFact, Link, RunFact, UserEdit
from trayd.money import EXACT, Money
from trayd.records import EDITABLE_FIELDS, ExternalCost, Generation, Record, Status


class Edit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person set a field to, and when; None is "cleared".

    Attributes:
        undone: when it was taken back (UTC); None while it holds.
        event: the id of the event that it was made on, where that was linked to this record.
    """

    field: str
    value: str | None
    at: datetime
    undone: datetime | None = None
    event: str | None = None


class RecordFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """All that is known of one record, by source.

    Attributes:
        events: one of each digest, in the order of the digests.
        links: events without a request id that a person has said to belong here, by their old record ids.
        cost: only for a cost from outside fal, and then beside ``edits`` alone.
        edits: all that were ever made, also those that are taken back, by field and then by time.
    """

    events: tuple[EventFact, ...] = ()
    billing: BillingFact | None = None
    run: RunFact | None = None
    links: tuple[Link, ...] = ()
    cost: ExternalCost | None = None
    edits: tuple[Edit, ...] = ()

    @property
    def billed(self) -> bool:
        """Whether fal's billing lists it, priced or not."""
        return self.billing is not None


NOTHING = RecordFacts()

_encode = msgspec.json.Encoder(order="deterministic").encode
_NO_TIME = datetime.min.replace(tzinfo=UTC)


def with_event(facts: RecordFacts, event: EventFact) -> RecordFacts:
    """The facts and an event; the same object where it tells nothing new.

    One digest can come with two estimates, because trayd prices an event when it reads it: the earlier one stays, as
    an estimate keeps the price of its time.
    """
    if not facts.events:
        return msgspec.structs.replace(facts, events=(event,))
    kept = {known.digest: known for known in facts.events}
    known = kept.get(event.digest)
    if known is not None and (known == event or _prefers(known) <= _prefers(event)):
        return facts
    kept[event.digest] = event
    return msgspec.structs.replace(facts, events=tuple(kept[digest] for digest in sorted(kept)))


def _prefers(event: EventFact) -> tuple[bool, float, bytes]:
    estimate = event.estimate
    return estimate is None, estimate.at.timestamp() if estimate else 0.0, _encode(event)


def with_billing(facts: RecordFacts, billing: BillingFact) -> RecordFacts:
    """The facts and a complete fetch of the request's billing rows: the newest fetch replaces the whole set."""
    billing = in_order(billing)
    known = facts.billing
    if known is not None and (known == billing or _fetch(known) >= _fetch(billing)):
        return facts
    return msgspec.structs.replace(facts, billing=billing)


def in_order(billing: BillingFact) -> BillingFact:
    """The same rows in the one order that does not depend on fal's pages."""
    if len(billing.rows) < 2:  # noqa: PLR2004 - what is alone is in order
        return billing
    return msgspec.structs.replace(billing, rows=tuple(sorted(billing.rows, key=_encode)))


def with_run(facts: RecordFacts, run: RunFact) -> RecordFacts:
    """The facts and what fal's list of requests says: the newest fetch wins."""
    known = facts.run
    if known is not None and (known == run or _fetch(known) >= _fetch(run)):
        return facts
    return msgspec.structs.replace(facts, run=run)


def _fetch(fact: BillingFact | RunFact) -> tuple[datetime, bytes]:
    return fact.fetched_at, _encode(fact)


def with_cost(facts: RecordFacts, cost: ExternalCost) -> RecordFacts:
    """The facts and a cost from outside; its id tells what it is, so the same id again tells nothing new."""
    return facts if facts.cost is not None else msgspec.structs.replace(facts, cost=cost)


def with_edit(facts: RecordFacts, edit: UserEdit, event: str | None = None) -> RecordFacts:
    """The facts and a person's change of one field, or that it was taken back; taken back once is taken back.

    Args:
        facts: of the record.
        edit: what the person said.
        event: the id that the person said, where it is that of an event linked to the record.
    """
    return _with_edit(
        facts, Edit(field=edit.field, value=edit.value, at=edit.at, undone=edit.undone, event=event or None)
    )


def _with_edit(facts: RecordFacts, edit: Edit) -> RecordFacts:
    if not facts.edits:
        return msgspec.structs.replace(facts, edits=(edit,))
    kept = {_identity(known): known for known in facts.edits}
    known = kept.get(_identity(edit))
    if known is not None:
        undone = min((when for when in (known.undone, edit.undone) if when is not None), default=None)
        if undone == known.undone:
            return facts
        edit = msgspec.structs.replace(known, undone=undone)
    kept[_identity(edit)] = edit
    return msgspec.structs.replace(facts, edits=tuple(kept[identity] for identity in sorted(kept)))


def _identity(edit: Edit) -> tuple[str, datetime, bool, str, str]:
    return edit.field, edit.at, edit.value is not None, edit.value or "", edit.event or ""


def with_link(facts: RecordFacts, link: Link) -> RecordFacts:
    """The facts and a person's word that an event belongs here; of one event the first word stays."""
    kept = {known.record_id: known for known in facts.links}
    known = kept.get(link.record_id)
    if known is not None and (known.at, known.request_id) <= (link.at, link.request_id):
        return facts
    kept[link.record_id] = link
    return msgspec.structs.replace(facts, links=tuple(kept[old] for old in sorted(kept)))


def brought(facts: RecordFacts, event: str) -> RecordFacts:
    """What an event that was a record of its own brings to its request: the edits tell whose they are."""
    edits = (msgspec.structs.replace(edit, event=event) for edit in facts.edits)
    return msgspec.structs.replace(facts, edits=tuple(edits))


def parted(facts: RecordFacts, event: str) -> tuple[RecordFacts | None, RecordFacts]:
    """What is left of a request without an event that was linked to it, and what that event brought.

    What was said of the request since then stays with it. Nothing is left (None) of a request of which nobody but the
    event has told; what was said of it goes with the event then.
    """
    own = msgspec.structs.replace(
        NOTHING,
        events=tuple(each for each in facts.events if _is(each, event)),
        edits=tuple(msgspec.structs.replace(edit, event=None) for edit in facts.edits if edit.event == event),
    )
    rest = msgspec.structs.replace(
        facts,
        events=tuple(each for each in facts.events if not _is(each, event)),
        links=tuple(link for link in facts.links if link.record_id != event),
        edits=tuple(edit for edit in facts.edits if edit.event != event),
    )
    if rest.events or rest.billing is not None or rest.run is not None:
        return rest, own
    return None, join(own, msgspec.structs.replace(NOTHING, edits=rest.edits))


def _is(event: EventFact, record_id: str) -> bool:
    return event.request_id is None and event.digest == record_id


def join(left: RecordFacts, right: RecordFacts) -> RecordFacts:
    """All that both know."""
    facts = left
    for event in right.events:
        facts = with_event(facts, event)
    if right.billing is not None:
        facts = with_billing(facts, right.billing)
    if right.run is not None:
        facts = with_run(facts, right.run)
    if right.cost is not None:
        facts = with_cost(facts, right.cost)
    for edit in right.edits:
        facts = _with_edit(facts, edit)
    for link in right.links:
        facts = with_link(facts, link)
    return facts


def content(fact: BillingFact | RunFact) -> int:
    """A hash of what a fetch told of a request, whenever that was; it means nothing to another process."""
    if isinstance(fact, BillingFact):
        fact = in_order(fact)
    return hash(_encode(msgspec.structs.replace(fact, fetched_at=_NO_TIME)))


def fold(record_id: str, facts: RecordFacts) -> Record:
    """The record that the facts make, as far as they alone can tell.

    What depends on other things (the name of the model, the account's username, how it counts) is not in it. For each
    field the greatest version wins: user edit, then fal (billing, then its list of requests), then events by the rank
    of their status, their time and their digest.
    """
    if facts.cost is not None:
        return msgspec.structs.replace(facts.cost, **_edits(facts))
    if len(facts.events) == 1 and not (facts.billing or facts.run or facts.links or facts.edits):
        return _of_event(record_id, facts.events[0])
    return _merged(record_id, facts)


def _of_event(record_id: str, event: EventFact) -> Generation:
    """What :func:`_merged` makes of one event alone, in a third of the time: most records begin so."""
    return Generation(
        id=record_id,
        account=event.account,
        endpoint_id=event.endpoint_id,
        timestamp=event.time,
        request_id=event.request_id,
        status=event.status,
        duration_s=event.duration_s,
        units=event.units,
        unit=event.unit,
        estimate=event.estimate,
        client=event.client,
        project=event.project,
        deliverable=event.deliverable,
        note=event.note,
        source=event.source or "event",
        parameters=event.parameters.copy(),
        extra=event.extra.copy(),
    )


def _merged(record_id: str, facts: RecordFacts) -> Generation:
    values = _from_events(facts)
    if facts.run is not None:
        _from_run(values, facts.run)
    if facts.billing is not None:
        _from_billing(values, facts.billing)
    values["status"] = _status(facts)
    values["source"] = _source(facts)
    values.update(_edits(facts))
    if facts.links:
        values["request_id"] = facts.links[0].request_id
    return Generation(id=record_id, **values)


def _edits(facts: RecordFacts) -> dict[str, Any]:
    """By field the newest edit that is not taken back; they stand in the order of their times."""
    return {edit.field: edit.value for edit in facts.edits if edit.undone is None and edit.field in EDITABLE_FIELDS}


_EVENT_FIELDS = ("request_id", "duration_s", "units", "unit", "estimate", *EDITABLE_FIELDS)


def _version(event: EventFact) -> tuple[int, datetime, str]:
    return event.status.rank, event.time, event.digest


def _age(event: EventFact) -> tuple[datetime, str]:
    return event.time, event.digest


def _in_order(events: tuple[EventFact, ...], by: Callable[[EventFact], Any]) -> Sequence[EventFact]:
    """Almost every record has one event, and what is alone is in order."""
    return events if len(events) < 2 else sorted(events, key=by)  # noqa: PLR2004 - two are the first that can differ


def _from_events(facts: RecordFacts) -> dict[str, Any]:
    values: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for event in _in_order(facts.events, _version):
        values |= {"account": event.account, "endpoint_id": event.endpoint_id, "timestamp": event.time}
        for field in _EVENT_FIELDS:
            value = getattr(event, field)
            if value is not None:
                values[field] = value
        parameters |= event.parameters
        extra |= event.extra
    if facts.run is not None:
        parameters |= facts.run.parameters
    if parameters:
        values["parameters"] = parameters
    if extra:
        values["extra"] = extra
    return values


def _from_run(values: dict[str, Any], run: RunFact) -> None:
    values |= {
        "request_id": run.request_id,
        "account": run.account,
        "endpoint_id": run.endpoint_id,
        "timestamp": run.sent_at,
    }
    if run.duration_s is not None:
        values["duration_s"] = run.duration_s


def _from_billing(values: dict[str, Any], billing: BillingFact) -> None:
    rows = billing.rows
    alone = len(rows) == 1  # as almost all are
    first = rows[0] if alone else min(rows, key=lambda row: (row.timestamp, row.endpoint_id))
    values |= {
        "request_id": billing.request_id,
        "account": billing.account,
        "endpoint_id": first.endpoint_id,
        "timestamp": first.timestamp,
    }
    if billing.key is not None:
        values["key"] = billing.key
    if alone or all(row.unit_price == first.unit_price for row in rows):
        values["unit_price"] = first.unit_price
        units = _sum_of_units(rows)
        if units is not None:
            # An event may count in another unit than fal bills in; fal's quantity goes with fal's own unit.
            values["units"] = units
            values.pop("unit", None)
    if alone or all(row.percent_discount == first.percent_discount for row in rows):
        values["percent_discount"] = first.percent_discount
    totals = [row.total_nanos for row in rows if row.total_nanos is not None]
    if len(totals) == len(rows):
        values["actual"] = Money(sum(totals))


def _sum_of_units(rows: tuple[BillingRow, ...]) -> Decimal | None:
    total: Decimal | None = None
    for row in rows:
        if row.units is None:
            return None
        total = row.units if total is None else EXACT.add(total, row.units)
    return total


def _status(facts: RecordFacts) -> Status:
    """Fal's word on how it ended; else that of the greatest event; a charge means that it ran to its end."""
    if facts.run is not None and facts.run.status.rank:
        return facts.run.status
    if facts.events:
        latest = _in_order(facts.events, _version)[-1].status
        if latest.rank:
            return latest
    return Status.COMPLETED if facts.billed else Status.SUBMITTED


def _source(facts: RecordFacts) -> str:
    """The first event that names its tool; fal where no event does; ``event`` while fal has not told of it either."""
    for event in _in_order(facts.events, _age):
        if event.source:
            return event.source
    return "fal" if facts.billing is not None or facts.run is not None else "event"
