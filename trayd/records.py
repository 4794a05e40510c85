"""The records: what the ledger holds, and what everything that people see is computed from.

A :class:`Generation` is one fal request, an :class:`ExternalCost` a cost from elsewhere. Both are read-only views:
sources hand in :mod:`trayd.facts`, the ledger merges them, and the merged record flows on unchanged. They hold plain
data, never each other in a circle, so the garbage collector leaves them alone (``gc=False``): looking through a
hundred thousand of them holds everything up for a fifth of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import msgspec

from trayd.money import Money

#: The account of a key that is only in the environment, until fal has told its username.
DEFAULT_ACCOUNT = "default"

#: What a person may change on a record, and how many characters each takes.
EDITABLE_FIELDS = {"client": 200, "project": 200, "deliverable": 200, "note": 2000}


class Kind(StrEnum):
    """Where a cost comes from."""

    INTERNAL = "internal"  #: a fal generation
    EXTERNAL = "external"  #: another tool's cost, imported
    POOL = "pool"  #: a shared cost for a period, distributed over projects


class Status(StrEnum):
    """How far a generation has come."""

    SUBMITTED = "submitted"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def rank(self) -> int:
        """Orders the versions of a record: an end outranks a start, whichever was heard of first."""
        return 0 if self is Status.SUBMITTED else 1


class Counting(StrEnum):
    """How a record enters the totals."""

    ACTUAL = "actual"  #: by what fal has billed
    ESTIMATE = "estimate"  #: by the estimate, until fal has billed it
    PENDING = "pending"  #: submitted: beside the totals, not in them
    UNKNOWN = "unknown"  #: without a price: named and counted, never as zero
    FAILED = "failed"  #: failed or cancelled, and not billed so far: free unless fal bills it within 48 hours
    FREE = "free"  #: failed or cancelled, and billing has covered its time for 48 hours without a charge
    UNMATCHED = "unmatched"  #: an event without a request id where billing covers its time: left out until linked


class Estimate(msgspec.Struct, frozen=True, gc=False):
    """What a generation was expected to cost.

    Attributes:
        amount: the estimate.
        at: when it was made (UTC); prices change, so an estimate keeps its own time.
    """

    amount: Money
    at: datetime


class Generation(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="record", tag="generation"
):
    """One fal request, merged from all that is known of it.

    Attributes:
        id: the request id; for an event without one, a hash of the event.
        request_id: fal's id of the request, or None while no source has told it.
        account: fal's username, or the name the user gave to the account while that is unknown.
        endpoint_id: fal's identity of the model; never changes.
        display_name: the model's name as it was when the record was made.
        operation: the model's category (``text-to-video``).
        timestamp: when the request was made (UTC); billing's once known.
        duration_s: how long it ran, in seconds.
        units: the billed quantity in ``unit``; ``unit_price`` is the price of one, before ``percent_discount``.
        estimate: what it was expected to cost.
        actual: what fal billed, summed over all its billing rows; None is "not confirmed yet", never zero.
        key: the API key's name or the team member who made the request.
        source: who told of it first: ``fal``, or the event's ``source``.
        parameters: the model's input, without prompts unless the user stores them.
        extra: fields of event files that trayd does not know; kept as they came.
        counting: how it enters the totals, worked out when the record is read.
    """

    id: str
    account: str
    endpoint_id: str
    timestamp: datetime
    request_id: str | None = None
    display_name: str | None = None
    operation: str | None = None
    status: Status = Status.COMPLETED
    duration_s: float | None = None
    units: Decimal | None = None
    unit: str | None = None
    unit_price: Decimal | None = None
    percent_discount: Decimal | None = None
    estimate: Estimate | None = None
    actual: Money | None = None
    key: str | None = None
    client: str | None = None
    project: str | None = None
    deliverable: str | None = None
    note: str | None = None
    source: str = "fal"
    parameters: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    counting: Counting = Counting.UNKNOWN

    @property
    def kind(self) -> Kind:
        """Always internal."""
        return Kind.INTERNAL

    @property
    def cost(self) -> Money | None:
        """What it counts in totals; None where that is unknown, pending or unmatched."""
        match self.counting:
            case Counting.ACTUAL:
                return self.actual
            case Counting.ESTIMATE:
                return self.estimate.amount if self.estimate else None
            case Counting.FREE:
                return Money(0)
            case _:
                return None

    @property
    def confirmed(self) -> bool:
        """Whether fal has billed it, or has had the time to and did not."""
        return self.counting in {Counting.ACTUAL, Counting.FREE}

    def instant(self, _zone: tzinfo) -> datetime:
        """When it counts (UTC); the zone matters to civil dates only."""
        return self.timestamp


class ExternalCost(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="record", tag="cost"
):
    """A cost from outside fal: an imported CSV row.

    Attributes:
        id: a hash of all that identifies it (source, date, amount, currency, description) and of how many like it stand
            above it in its file: statements that overlap do not double it, and true twins are two.
        date: the civil date it counts on, in every time zone.
        source: the tool or statement it comes from.
        file: the name of the file, and ``line`` the line in it, counted from 1.
        kind: external or pool.
    """

    id: str
    date: date
    description: str
    amount: Money
    category: str | None = None
    source: str = "csv"
    client: str | None = None
    project: str | None = None
    deliverable: str | None = None
    note: str | None = None
    file: str = ""
    line: int = 0
    kind: Kind = Kind.EXTERNAL

    @property
    def timestamp(self) -> datetime:
        """The start of its date in UTC: how exports print it."""
        return datetime.combine(self.date, time(), UTC)

    @property
    def cost(self) -> Money:
        """What it counts in totals."""
        return self.amount

    @property
    def counting(self) -> Counting:
        """Always the actual: someone was billed."""
        return Counting.ACTUAL

    @property
    def confirmed(self) -> bool:
        """Always true."""
        return True

    def instant(self, zone: tzinfo) -> datetime:
        """The start of its date in the user's zone, in UTC: so it falls on that date in every zone."""
        return datetime.combine(self.date, time(), zone).astimezone(UTC)


Record = Generation | ExternalCost


class Recorded(NamedTuple):
    """A record, and what it was merged from.

    Attributes:
        facts: as JSON, as the ledger keeps them; empty where it keeps none: the settings tell of the cost, or it is
            one of the shares of another.
    """

    record: Record
    facts: bytes


class Heading(NamedTuple):
    """What a sum is of: what all its records have in common. None is "no such mark", or "not told apart" in a total.

    The fields mean what they mean on the records; ``currency`` is empty where the records have no amount.
    """

    kind: Kind
    counting: Counting
    currency: str
    account: str | None = None
    endpoint_id: str | None = None
    operation: str | None = None
    key: str | None = None
    client: str | None = None
    project: str | None = None
    deliverable: str | None = None


class Sum(NamedTuple):
    """How many records of a kind there are, and what they add up to in nanos of the heading's currency.

    Of what is pending these are the estimates.
    """

    heading: Heading
    records: int
    nanos: int


class TimePart(StrEnum):
    """A part of civil time that sums can be told apart by, and the number that each of its parts has.

    Costs from outside have a date and no hour.
    """

    DAY = "day"  #: the ordinal of the date: ``date.fromordinal``
    WEEKDAY = "weekday"  #: 0 on Mondays to 6 on Sundays
    HOUR = "hour"  #: the hour of the day, 0 to 23; :data:`NO_HOUR` for what has none
    DAY_AND_HOUR = "day and hour"  #: the ordinal of the date times 24, plus the hour; what has no hour is left out


#: The number of the hour of what has none.
NO_HOUR = -1

#: What weekdays are called outside, Monday first.
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class BucketSums(NamedTuple):
    """A heading's records in time buckets: how many there are in each, and what they add up to in nanos.

    Three columns of the same length; a bucket has one row, and none where there is nothing.
    """

    parts: Sequence[int]
    records: Sequence[int]
    nanos: Sequence[int]


class BalanceReading(msgspec.Struct, frozen=True):
    """The balance of an account at a time, as fal told it."""

    account: str
    at: datetime
    amount: Money


class DropStatus(msgspec.Struct, frozen=True):
    """How many files wait in the drop folder and how many were rejected."""

    waiting: int = 0
    rejected: int = 0


class Tagged(Protocol):
    """What has a client, a project and a deliverable, or none of them."""

    @property
    def client(self) -> str | None:
        """Whom it is for."""

    @property
    def project(self) -> str | None:
        """What it is for."""

    @property
    def deliverable(self) -> str | None:
        """Which part of that."""


class Filters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which records are meant. Every field narrows; None does not.

    Attributes:
        model: an endpoint id, or the start of one up to a slash.
        key: an API key's name or a team member.
        since: the first instant taken in; ``until`` the first one left out.
    """

    client: str | None = None
    project: str | None = None
    deliverable: str | None = None
    model: str | None = None
    account: str | None = None
    key: str | None = None
    kind: Kind | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_part(self) -> bool:
        """Whether something is left out of the history of their time."""
        return msgspec.structs.replace(self, since=None, until=None) != Filters()

    def admits_sum(self, heading: Heading) -> bool:
        """Whether the records of a sum are meant; their time is not looked at."""
        return (
            (self.kind is None or self.kind is heading.kind)
            and self.admits_tags(heading)
            and self._admits_source(heading.endpoint_id, heading.account, heading.key)
        )

    def admits(self, record: Record, zone: tzinfo) -> bool:
        """Whether the record is meant; ``zone`` is the user's, for civil dates."""
        when = record.instant(zone)
        if (self.since is not None and when < self.since) or (self.until is not None and when >= self.until):
            return False
        if self.kind is not None and record.kind is not self.kind:
            return False
        if not self.admits_tags(record):
            return False
        if isinstance(record, ExternalCost):
            return self._admits_source(None, None, None)
        return self._admits_source(record.endpoint_id, record.account, record.key)

    def admits_tags(self, tagged: Tagged) -> bool:
        """Whether what has these tags can be meant; nothing else of it is looked at."""
        # Asked of each line of a month's sums for each budget: spelled out, it takes a quarter of the time.
        return (
            (self.client is None or self.client == (tagged.client or ""))
            and (self.project is None or self.project == (tagged.project or ""))
            and (self.deliverable is None or self.deliverable == (tagged.deliverable or ""))
        )

    def _admits_source(self, endpoint_id: str | None, account: str | None, key: str | None) -> bool:
        if self.account is not None and self.account != account:
            return False
        if self.key is not None and self.key != key:
            return False
        model = self.model
        return model is None or (
            endpoint_id is not None and (endpoint_id == model or endpoint_id.startswith(model.rstrip("/") + "/"))
        )
