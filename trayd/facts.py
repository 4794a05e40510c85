"""Facts: what one source says of something, as it is handed to the ledger.

The ledger keeps the facts of a record and merges them; merging is commutative and idempotent, so that it does not
matter which source speaks first, or how often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from trayd.episodes import Episode
from trayd.money import Money
from trayd.records import DEFAULT_ACCOUNT, BalanceReading, Estimate, ExternalCost, Status


class EventFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an event file says of a generation.

    Attributes:
        digest: SHA-256 of the event's canonical JSON, in hex: the same event twice is one fact, and an event without
            a request id is a record of this id.
        time: the event's own time (UTC).
    """

    digest: str
    time: datetime
    endpoint_id: str
    request_id: str | None = None
    account: str = DEFAULT_ACCOUNT
    status: Status = Status.COMPLETED
    duration_s: float | None = None
    units: Decimal | None = None
    unit: str | None = None
    estimate: Estimate | None = None
    client: str | None = None
    project: str | None = None
    deliverable: str | None = None
    note: str | None = None
    source: str | None = None
    parameters: dict[str, Any] = {}
    extra: dict[str, Any] = {}

    @property
    def record_id(self) -> str:
        """The id of the record it belongs to."""
        return self.request_id or self.digest


class BillingRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row of fal's billing events.

    Attributes:
        total_nanos: what was charged after discounts, in nano-dollars; None while fal has not priced it.
    """

    timestamp: datetime
    endpoint_id: str
    units: Decimal | None = None
    unit_price: Decimal | None = None
    percent_discount: Decimal | None = None
    total_nanos: int | None = None


class BillingFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All billing rows of one request, as one complete fetch found them.

    Attributes:
        fetched_at: when the fetch began (UTC); a newer fetch replaces the rows of an older one.
        key: the API key's name or the team member who made the request, where fal tells it.
    """

    request_id: str
    account: str
    fetched_at: datetime
    rows: tuple[BillingRow, ...]
    key: str | None = None


class RunFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What fal's list of requests says of one: how it ran, not what it cost.

    Attributes:
        sent_at: when the request was made (UTC); ``ended_at`` is None while it runs.
        parameters: the input, only where the user stores it.
    """

    request_id: str
    account: str
    endpoint_id: str
    fetched_at: datetime
    sent_at: datetime
    ended_at: datetime | None = None
    status: Status = Status.SUBMITTED
    duration_s: float | None = None
    parameters: dict[str, Any] = {}


class ModelFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What fal's catalogue and price list say of an endpoint at a time.

    Attributes:
        unit_price: the price of one ``unit`` in ``currency``; None where fal lists no price.
        seen_at: when this was read (UTC).
    """

    endpoint_id: str
    seen_at: datetime
    display_name: str | None = None
    operation: str | None = None
    license_type: str | None = None
    unit: str | None = None
    unit_price: Decimal | None = None
    currency: str = "USD"


class UserEdit(msgspec.Struct, frozen=True, kw_only=True):
    """A person sets one of the editable fields of a record; None clears it.

    Attributes:
        undone: when the person took it back (UTC); what the field was before shows again then.
    """

    record_id: str
    field: str
    value: str | None
    at: datetime
    undone: datetime | None = None


class Tagging(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person did to many records at once, so that it can be taken back at once.

    Its edits are those of its instant: the records are found by that, in the months they are stored in.

    Attributes:
        number: counts up from 1.
        at: the time of its edits (UTC), and of no other tagging's.
        values: what was set, by field; None is "cleared".
        records: how many were changed.
        months: where they are stored; the ledger fills it in.
        undone: when it was taken back (UTC).
    """

    number: int
    at: datetime
    values: dict[str, str | None]
    records: int
    months: tuple[str, ...] = ()
    undone: datetime | None = None


class Link(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person says that an event without a request id belongs to this request.

    Attributes:
        undone: when the person took it back (UTC); the event is a record of its own again then.
    """

    record_id: str
    request_id: str
    at: datetime
    undone: datetime | None = None


class Coverage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The stretch of time of which an account's billing has been fetched completely.

    Attributes:
        since: the first instant covered (UTC).
        until: the watermark: the first instant that is not.
        fetched_at: when the newest fetch began.
        first_completed_at: when the first poll (the backfill) was complete.
        continues: the ``fetched_at`` of the coverage that a fetch went on from. Where the ledger knows another one by
            then (a backup was restored while fal was asked), it claims nothing. Not kept.
    """

    account: str
    since: datetime
    until: datetime
    fetched_at: datetime
    first_completed_at: datetime
    continues: datetime | None = None


class AccountFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an account stands after the latest try to reach it.

    Attributes:
        name: what the user calls it; the key is kept under this name.
        username: fal's name for it, once known.
        state: ok, no_key, bad_key, needs_admin, locked or offline, as ``trayd status --json`` says it.
        problem: what to tell the person; with the state ok it is about names, runs or totals that could not be read.
        as_of: when fal last answered well (UTC).
        has_credits: false for accounts on invoice, which have no balance.
    """

    name: str
    state: str
    username: str | None = None
    problem: str = ""
    as_of: datetime | None = None
    tried_at: datetime | None = None
    has_credits: bool = True


def called(name: str, username: str | None) -> str:
    """What an account is called wherever a person reads: one name, the same everywhere.

    Args:
        name: that the settings give it; who gave none has ``default``, which tells nothing.
        username: fal's name for it, once known.
    """
    return username if username and name == DEFAULT_ACCOUNT else name


def called_names(accounts: Iterable[AccountFact]) -> dict[str, str]:
    """What accounts are called wherever a person reads, by the settings' names and by the ledger's."""
    told = [(fact.name, fact.username, called(fact.name, fact.username)) for fact in accounts]
    by_name = {name: shown for name, _, shown in told}
    return by_name | {username: shown for _, username, shown in told if username}


def called_as_written(written: str, names: Mapping[str, str]) -> str:
    """What an account is called that a person has named in the settings, by its name there or by fal's.

    Args:
        written: the name; it means the account that is called so, where one is, else the one that fal calls so.
        names: as :func:`called_names` gives them.
    """
    return written if written in names.values() else names.get(written, written)


class Disputed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that the ledger has with another charge than fal's billing events have.

    Attributes:
        ledger: what the ledger has of it within the time compared; None where it has no such charge.
        fal: what fal's billing events say of it; None where they do not have it.
    """

    request_id: str
    ledger: Money | None = None
    fal: Money | None = None

    @property
    def gap(self) -> Money:
        """By how much fal's charge is more than the ledger's."""
        return (self.fal or Money(0)) - (self.ledger or Money(0))


class Difference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """fal's own total of an endpoint and the ledger's are not the same.

    Attributes:
        since: the first instant compared (UTC); ``until`` the first one left out.
        records: the requests that explain it, those with the largest gaps first; the first hundred of them.
        requests: how many there are in all.
        explained: what all of them come to, fal's charge less the ledger's; None where it was not looked into.
    """

    account: str
    endpoint_id: str
    since: datetime
    until: datetime
    ledger: Money
    fal: Money
    records: tuple[Disputed, ...] = ()
    requests: int = 0
    explained: Money | None = None

    @property
    def gap(self) -> Money:
        """By how much fal's total is more than the ledger's."""
        return self.fal - self.ledger

    @property
    def unexplained(self) -> Money | None:
        """What of the gap no request explains: fal's totals count it, and fal's billing events do not tell it.

        None where nobody has looked for requests.
        """
        return None if self.explained is None else self.gap - self.explained


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The last comparison of an account's total with fal's own.

    Attributes:
        since: the first instant compared (UTC); ``until`` the first one left out.
        at: when it was made (UTC).
        ledger: the ledger's total of that time, and ``fal`` fal's, over all endpoints.
        agrees: whether the totals of every endpoint agree, not just the sum of all.
    """

    account: str
    since: datetime
    until: datetime
    at: datetime
    ledger: Money
    fal: Money
    agrees: bool


class BalanceJump(msgspec.Struct, frozen=True):
    """Two balance readings, one after the other, between which credits may have been bought.

    The later one is higher, or came so long after the first that what was bought in between may be spent again.
    """

    account: str
    before: BalanceReading
    after: BalanceReading


class AlertPause(msgspec.Struct, frozen=True):
    """A person wants no notifications on the desktop for some time.

    Attributes:
        until: when they come again (UTC); the moment at which that was said ends a pause.
        resumed: it is over, whatever a clock that was wrong at that moment says now.
    """

    until: datetime
    resumed: bool = False


class FileTaken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that was taken in, known by its content.

    Attributes:
        digest: SHA-256 of the content, in hex.
    """

    digest: str
    name: str
    at: datetime
    recorded: int = 0
    rejected: int = 0


class Batch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts that become durable together, in one write.

    Attributes:
        taggings: what ``edits`` were made by, or taken back by, where a person did many at once.
        differences: for each account that is named, the whole set that replaces what was known.
        pause: takes the place of the one before it; None says nothing of it.
    """

    events: tuple[EventFact, ...] = ()
    billing: tuple[BillingFact, ...] = ()
    runs: tuple[RunFact, ...] = ()
    models: tuple[ModelFact, ...] = ()
    costs: tuple[ExternalCost, ...] = ()
    edits: tuple[UserEdit, ...] = ()
    taggings: tuple[Tagging, ...] = ()
    links: tuple[Link, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    accounts: tuple[AccountFact, ...] = ()
    balances: tuple[BalanceReading, ...] = ()
    differences: dict[str, tuple[Difference, ...]] = {}
    checks: tuple[Checked, ...] = ()
    pause: AlertPause | None = None
    episodes: tuple[Episode, ...] = ()
    files: tuple[FileTaken, ...] = ()


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch.

    Attributes:
        created: ids of the records that are new; ``changed`` of those that had been there and are different now.
        known: how many facts about records told nothing new.
    """

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    known: int = 0
