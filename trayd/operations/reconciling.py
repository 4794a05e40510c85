"""What a person asks about bills: whether totals agree with fal's, how good estimates were, what is not billed yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo

import msgspec

from trayd.errors import UsageError
from trayd.facts import Checked, Difference
from trayd.insight.accuracy import AccuracyBy, Compared, Comparing, Unconfirmed, unconfirmed
from trayd.insight.breakdown import named
from trayd.insight.windows import Bounds
from trayd.ledger.counting import LATE_BILLING
from trayd.ledger.month import bounds, month_of
from trayd.ledger.store import Ledger
from trayd.money import Money
from trayd.operations.filters import WindowQuery
from trayd.rates import Converter
from trayd.records import Counting, Filters, Generation, Kind
from trayd.steps import Step, Steps

#: So many generations that are not billed yet are named, the oldest ones; all are counted.
MOST_NAMED = 100

_UNCONFIRMED = frozenset({Counting.ESTIMATE, Counting.PENDING, Counting.UNKNOWN, Counting.FAILED})

_STATES = {
    "needs_admin": "its key has no Admin scope, without which fal tells no totals",
    "no_key": "it has no key",
    "bad_key": "fal refuses its key",
    "locked": "fal has locked it",
}
_TOO_NEW = "nothing of it is older than six hours, which billing rows are waited for"


class ReconcileQuery(WindowQuery, frozen=True, kw_only=True, omit_defaults=True):
    """Of which time the estimates are judged, and by what."""

    by: str = AccuracyBy.MODEL.value


class AccountCheck(msgspec.Struct, frozen=True, kw_only=True):
    """An account's total against fal's.

    Attributes:
        account: the ledger's name for it; ``name`` is what a person calls it.
        since: the first instant compared, ``until`` the first one left out (UTC).
        at: when it was compared last (UTC); None where it never was, and ``why_not`` says why.
        apart: by how much fal's total is more; what agrees may be apart by a nano for each billing row.
        agrees: None where it was never compared.
    """

    account: str
    name: str
    since: datetime | None = None
    until: datetime | None = None
    at: datetime | None = None
    ledger: Money | None = None
    fal: Money | None = None
    apart: Money | None = None
    agrees: bool | None = None
    why_not: str = ""


class DisputedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that explains a difference; ``apart`` is by how much fal's charge is more."""

    request_id: str
    ledger: Money | None
    fal: Money | None
    apart: Money


class ToldDifference(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint of which fal's total and the ledger's are not the same.

    Attributes:
        account: the ledger's name for it; ``name`` is what a person calls it.
        apart: by how much fal's total is more.
        requests: how many explain it; ``records`` are those with the largest amounts.
        explained: what they come to; ``unexplained`` is what no request explains. Both are null where nobody has
            looked for requests yet.
        unbilled: where something is unexplained, how many requests of that endpoint and time have no bill, and so may
            be what it is of; ``unbilled_ids`` are the oldest of them.
        cure: what to do about it.
    """

    account: str
    name: str
    endpoint_id: str
    since: datetime
    until: datetime
    ledger: Money
    fal: Money
    apart: Money
    requests: int
    records: list[DisputedRequest]
    explained: Money | None
    unexplained: Money | None
    cure: str
    unbilled: int = 0
    unbilled_ids: list[str] = []


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """Generations that fal has not billed yet.

    Attributes:
        generations: how many there are, of which ``covered`` are of a time that billing has been read of since.
        estimated: what they are expected to cost, by currency, as far as that is known.
        oldest: the oldest ones, the oldest first.
    """

    generations: int
    covered: int
    estimated: list[Money]
    oldest: list[Unconfirmed]


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """How the ledger, the estimates and fal's bills go together.

    Attributes:
        window: that the estimates are judged in; everything else is of all time.
        by: what ``accuracy`` is broken down by.
        unconfirmed: not billed yet; ``failed``: failed or cancelled, and free once billing has been read 48 h beyond.
    """

    window: Bounds
    by: str
    checks: list[AccountCheck]
    differences: list[ToldDifference]
    accuracy: Compared
    unconfirmed: Open
    failed: Open


class _Waiting:
    def __init__(self) -> None:
        self._count = self._covered = 0
        self._sums: dict[str, int] = {}
        self._oldest: list[Unconfirmed] = []

    def add(self, one: Unconfirmed) -> None:
        self._count += 1
        self._covered += one.covered
        if one.estimate is not None:
            currency = one.estimate.currency
            self._sums[currency] = self._sums.get(currency, 0) + one.estimate.nanos
        if len(self._oldest) < MOST_NAMED:
            self._oldest.append(one)

    def told(self) -> Open:
        estimated = [Money(nanos, currency) for currency, nanos in sorted(self._sums.items())]
        return Open(generations=self._count, covered=self._covered, estimated=estimated, oldest=self._oldest)


def reconciled(
    ledger: Ledger,
    query: ReconcileQuery,
    *,
    names: Mapping[str, str],
    now: datetime,
    zone: tzinfo,
    converter: Converter,
) -> Steps[Reconciliation]:
    """Compares what can be compared, in steps; the records are gone through once and none is kept.

    Args:
        ledger: what is compared.
        query: what to show.
        names: what accounts are called, by the ledger's names.
        now: the time (UTC).
        zone: whose days are meant.
        converter: the rates into the home currency.

    Raises:
        UsageError: the window, the breakdown or a filter cannot be read, or asks for costs that fal does not bill.
    """
    if query.kind not in {None, Kind.INTERNAL}:
        raise UsageError(f"--kind {query.kind}: only what fal bills can be compared", "leave it out")
    window, by = query.asked(now, zone), named(AccuracyBy, query.by)
    filters = msgspec.structs.replace(query.filters(zone), kind=Kind.INTERNAL)
    return _steps(ledger, filters, names, window.bounds, by, zone, converter)


def _steps(
    ledger: Ledger,
    filters: Filters,
    names: Mapping[str, str],
    window: Bounds,
    by: AccuracyBy,
    zone: tzinfo,
    converter: Converter,
) -> Steps[Reconciliation]:
    comparing = Comparing(by, zone, converter)
    differences = [_told(each, names) for each in ledger.differences() if _is_meant(ledger, each, filters)]
    waiting, failed = _Waiting(), _Waiting()

    def covered(account: str, when: datetime) -> bool:
        coverage = ledger.coverage(account)
        return coverage is not None and coverage.since <= when < coverage.until

    pieces = list(_pieces(ledger, filters))
    for done, piece in enumerate(pieces, start=1):
        if _meets(piece, window) or _has_unconfirmed(ledger, piece):
            for record in ledger.records(piece, zone=zone, newest_first=False):
                if not isinstance(record, Generation):
                    continue
                if window.since <= record.timestamp < window.until:
                    comparing.add(record)
                left = unconfirmed(record, covered, _free_after)
                if left is not None:
                    differences = [_with_candidate(each, left) for each in differences]
                    (waiting if left.free_from is None else failed).add(left)
        yield Step(done, len(pieces))
    return Reconciliation(
        window=window,
        by=by.value,
        checks=list(_checks(ledger, filters, names)),
        differences=differences,
        accuracy=comparing.compared(),
        unconfirmed=waiting.told(),
        failed=failed.told(),
    )


def _free_after(when: datetime) -> datetime:
    return when + LATE_BILLING


def _pieces(ledger: Ledger, filters: Filters) -> Iterator[Filters]:
    """The same filters for one month (UTC) after the other, the oldest first: each is opened once."""
    span = ledger.span()
    if span is None:
        return
    since, until = max(span[0], filters.since or span[0]), min(span[1], filters.until or span[1])
    while since < until:
        end = min(bounds(month_of(since))[1], until)
        yield msgspec.structs.replace(filters, since=since, until=end)
        since = end


def _meets(piece: Filters, window: Bounds) -> bool:
    first, end = piece.since or window.since, piece.until or window.until
    return first < window.until and window.since < end


def _has_unconfirmed(ledger: Ledger, piece: Filters) -> bool:
    return any(each.heading.counting in _UNCONFIRMED for each in ledger.sums(piece))


def _checks(ledger: Ledger, filters: Filters, names: Mapping[str, str]) -> Iterator[AccountCheck]:
    """The last check of each account; where there is none, why."""
    checks = dict(ledger.checks())
    for name, fact in sorted(ledger.accounts().items()):
        account = fact.username or name
        if filters.account in {None, account, name}:
            check = checks.pop(account, None)
            yield (
                AccountCheck(
                    account=account, name=names.get(account, account), why_not=_STATES.get(fact.state, _TOO_NEW)
                )
                if check is None
                else _shown(check, names)
            )
    if filters.account is None:
        yield from (_shown(check, names) for _, check in sorted(checks.items()))


def _shown(check: Checked, names: Mapping[str, str]) -> AccountCheck:
    return AccountCheck(
        account=check.account,
        name=names.get(check.account, check.account),
        since=check.since,
        until=check.until,
        at=check.at,
        ledger=check.ledger,
        fal=check.fal,
        apart=check.fal - check.ledger,
        agrees=check.agrees,
    )


def _is_meant(ledger: Ledger, difference: Difference, filters: Filters) -> bool:
    names = {
        difference.account,
        *(name for name, fact in ledger.accounts().items() if fact.username == difference.account),
    }
    model = filters.model
    return (filters.account is None or filters.account in names) and (
        model is None or f"{difference.endpoint_id}/".startswith(f"{model.rstrip('/')}/")
    )


def _told(difference: Difference, names: Mapping[str, str]) -> ToldDifference:
    return ToldDifference(
        account=difference.account,
        name=names.get(difference.account, difference.account),
        endpoint_id=difference.endpoint_id,
        since=difference.since,
        until=difference.until,
        ledger=difference.ledger,
        fal=difference.fal,
        apart=difference.gap,
        requests=difference.requests,
        records=[
            DisputedRequest(request_id=one.request_id, ledger=one.ledger, fal=one.fal, apart=one.gap)
            for one in difference.records
        ],
        explained=difference.explained,
        unexplained=difference.unexplained,
        cure=_cure(difference),
    )


def _with_candidate(told: ToldDifference, one: Unconfirmed) -> ToldDifference:
    """The difference, with a request that may be what is unexplained of it."""
    is_alike = (one.account, one.endpoint_id) == (told.account, told.endpoint_id)
    is_missing = told.unexplained is not None and told.unexplained.nanos > 0
    if one.request_id is None or not (is_alike and is_missing and told.since <= one.since < told.until):
        return told
    ids = [*told.unbilled_ids, one.request_id] if told.unbilled < MOST_NAMED else told.unbilled_ids
    return msgspec.structs.replace(told, unbilled=told.unbilled + 1, unbilled_ids=ids)


def _cure(difference: Difference) -> str:
    if difference.unexplained is None:
        return "run `trayd refresh`: it looks for the requests that explain it"
    if difference.unexplained.nanos:
        return (
            "fal counts an amount that its own list of requests does not tell, or no more; rows can come late: run "
            "`trayd refresh` in an hour, and if it stays ask fal about this endpoint and time"
        )
    if any(one.fal is None for one in difference.records):
        return (
            "fal's list of requests has lost charges that it told before; look at these requests in fal's dashboard, "
            "and ask fal whether they were refunded"
        )
    return "run `trayd refresh`; if it stays, compare these requests with fal's dashboard, and ask fal"
