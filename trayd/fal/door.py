"""How the poller reaches the ledger: through a door that runs what it is given on the ledger's own thread."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from trayd.facts import AccountFact, Added, Batch, Coverage, EventFact, ModelFact, RunFact
from trayd.records import Counting, Filters, Generation, Kind, Record, Status, Sum

T = TypeVar("T")


class LedgerView(Protocol):
    """What the poller reads of the ledger.

    Attributes:
        records_version: counts up with every change of a record.
    """

    records_version: int

    def records(self, filters: Filters, /) -> Iterator[Record]:
        """The records that the filters admit."""
        ...

    def sums(self, filters: Filters, /, *, by: Collection[str]) -> tuple[Sum, ...]:
        """What the records that the filters admit add up to, told apart by these fields of the heading."""
        ...

    def get(self, record_id: str, /) -> Record | None:
        """The record of that id."""
        ...

    def coverage(self, account: str, /) -> Coverage | None:
        """Of what time the account's billing is known completely."""
        ...

    def accounts(self) -> dict[str, AccountFact]:
        """The accounts by the name that the user gave them."""
        ...

    def models(self) -> dict[str, ModelFact]:
        """What is known of each endpoint."""
        ...

    def unpriced_events(self, endpoint_ids: Collection[str], since: datetime, /) -> tuple[EventFact, ...]:
        """The events that tell a quantity of those endpoints, where nothing tells a price."""
        ...


class LedgerDoor(Protocol):
    """The only way from the event loop to the ledger."""

    async def submit(self, batch: Batch) -> Added:
        """Hands facts in; durable when it returns.

        Raises:
            LedgerError: they could not be stored, and nothing of them was.
        """
        ...

    async def read(self, look: Callable[[LedgerView], T]) -> T:
        """What a function sees of the ledger; it runs on the ledger's thread and keeps nothing of it."""
        ...


class Billed(msgspec.Struct, frozen=True):
    """What the ledger has of an endpoint in a stretch of time: the sum of the actuals, over so many requests."""

    nanos: int = 0
    requests: int = 0


def billed(view: LedgerView, account: str, since: datetime, until: datetime) -> dict[str, Billed]:
    """The sum of the actuals by endpoint; requests without an actual are not in it."""
    found: dict[str, Billed] = {}
    for heading, requests, nanos in view.sums(_filters(account, since, until), by=("endpoint_id",)):
        if heading.counting is Counting.ACTUAL and heading.endpoint_id is not None:
            known = found.get(heading.endpoint_id, Billed())
            found[heading.endpoint_id] = Billed(known.nanos + nanos, known.requests + requests)
    return found


class Activity(msgspec.Struct, frozen=True):
    """How an endpoint was used lately.

    Attributes:
        lacking: the time of the oldest request of which it is not known how it ran; None when there is none.
        running: the time of the oldest request that has not ended; None when there is none.
    """

    lacking: datetime | None = None
    running: datetime | None = None


def activity(view: LedgerView, account: str, since: datetime, until: datetime) -> dict[str, Activity]:
    """The endpoints in use in that time, and what is still to be learnt of their requests."""
    seen: dict[str, Activity] = {}
    for record in _generations(view, account, since, until):
        known = seen.get(record.endpoint_id, Activity())
        seen[record.endpoint_id] = Activity(
            _older(known.lacking, record, wanted=record.request_id is not None and record.duration_s is None),
            _older(known.running, record, wanted=record.status is Status.SUBMITTED),
        )
    return seen


def of_history(view: LedgerView, runs: Sequence[RunFact], account: str) -> tuple[RunFact, ...]:
    """Without requests that were sent before the account's history begins, and of which nothing else has told.

    fal's bills of that time are not read: what they cost would never be known.
    """
    coverage = view.coverage(account)
    if coverage is None:
        return tuple(runs)
    return tuple(run for run in runs if run.sent_at >= coverage.since or view.get(run.request_id) is not None)


def charged(view: LedgerView, request_id: str) -> int | None:
    """What the ledger knows that the request has cost, in nano-dollars; None where it knows nothing."""
    record = view.get(request_id)
    actual = record.actual if isinstance(record, Generation) else None
    return actual.nanos if actual else None


def charges(view: LedgerView, account: str, endpoint_id: str, since: datetime, until: datetime) -> dict[str, int]:
    """What the ledger has of an endpoint in a stretch of time, by request, in nano-dollars."""
    wanted = Filters(account=account, kind=Kind.INTERNAL, model=endpoint_id, since=since, until=until)
    return {
        record.id: record.actual.nanos
        for record in view.records(wanted)
        if isinstance(record, Generation) and record.actual is not None and record.endpoint_id == endpoint_id
    }


def _older(oldest: datetime | None, record: Generation, *, wanted: bool) -> datetime | None:
    if not wanted:
        return oldest
    return record.timestamp if oldest is None else min(oldest, record.timestamp)


def _generations(view: LedgerView, account: str, since: datetime, until: datetime) -> Iterator[Generation]:
    records = view.records(_filters(account, since, until))
    return (record for record in records if isinstance(record, Generation))


def _filters(account: str, since: datetime, until: datetime) -> Filters:
    return Filters(account=account, kind=Kind.INTERNAL, since=since, until=until)
