"""The independent check: fal's own totals by endpoint against the sums of the ledger, to the nano-dollar.

Compared is the time from the start of the account's coverage, 90 days at most, to six hours ago: billing rows come
late by minutes, sometimes hours, and what is still on its way is no difference. A difference that is new is not
believed at once: the requests that account for it are asked for by id (this also mends what came later than a poll
looks back), then both sides are compared again. What is left is told with the requests that explain it.

What "to the nano" means: fal lists each charge in whole or broken nano-dollars, which the ledger keeps rounded to a
nano, and its totals in dollars. fal does not say in which direction it rounds a charge, nor that its totals are sums
of rounded charges. Whichever way it is done, a billing row is off by less than a nano. So totals are the same where
they are apart by no more than a nano for each row: a ten-thousandth of a dollar in a hundred thousand requests.
Both totals are kept as they are, and people see them with all nine decimals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from trayd.facts import Batch, Checked, Coverage, Difference, Disputed
from trayd.fal.billing import fetch_requests, windows
from trayd.fal.client import LONGEST_WINDOW_DAYS, MOST_IDS, FalClient
from trayd.fal.door import Billed, LedgerDoor, LedgerView, billed, charged, charges
from trayd.fal.wire import BillingEvent, UsageRow
from trayd.money import EXACT, Money, nanos_of

#: After this long a billing row has come.
SETTLED_AFTER = timedelta(hours=6)

_REACH = timedelta(days=LONGEST_WINDOW_DAYS)

# Billing events are in US dollars, so totals in another currency have no counterpart in them.
_CURRENCY = "USD"

# So many requests are named for a difference; how many there are, and what all of them come to, is told anyway.
_MOST_NAMED = 100


class Reconciled(msgspec.Struct, frozen=True):
    """What a comparison found.

    Attributes:
        check: both totals; None where nothing has been read for long enough to be compared.
        differences: the endpoints whose totals are not the same.
    """

    check: Checked | None = None
    differences: tuple[Difference, ...] = ()


class _Events:
    """What fal's billing events say of some endpoints: the charge of each request, and how many rows there are."""

    def __init__(self) -> None:
        self.charges: dict[str, dict[str, int | None]] = {}
        self.rows: dict[str, int] = {}

    def add(self, page: Iterable[BillingEvent]) -> None:
        for event in page:
            by_endpoint = self.charges.setdefault(event.request_id, {})
            nanos, so_far = event.total_nanos, by_endpoint.get(event.endpoint_id, 0)
            by_endpoint[event.endpoint_id] = None if nanos is None or so_far is None else so_far + nanos
            self.rows[event.endpoint_id] = self.rows.get(event.endpoint_id, 0) + 1

    def total(self, request_id: str) -> int | None:
        """What a request was charged; None while a part of it has no price."""
        parts = self.charges[request_id].values()
        return None if any(part is None for part in parts) else sum(part or 0 for part in parts)


async def reconcile(
    client: FalClient,
    door: LedgerDoor,
    coverage: Coverage,
    *,
    now: datetime,
    believed: Iterable[Difference] = (),
) -> Reconciled:
    """Compares fal's totals with the ledger's.

    Args:
        client: the account's.
        door: the way to the ledger.
        coverage: of the account's billing.
        now: by fal's clock.
        believed: the differences that were found before, which are not looked into again.

    Raises:
        FalError: fal did not tell.
        LedgerError: what was found missing could not be stored.
    """
    since, until = _settled(coverage, now)
    if since >= until:
        return Reconciled()
    found = await _compared(client, door, coverage.account, (since, until), now)
    known = {(each.endpoint_id, each.gap): each for each in believed}
    unheard = {each.endpoint_id for each in found.differences if (each.endpoint_id, each.gap) not in known}
    if not unheard:
        explained = tuple(_as_before(each, known[each.endpoint_id, each.gap]) for each in found.differences)
        return msgspec.structs.replace(found, differences=explained)
    names = {each.endpoint_id for each in found.differences}
    events = await _events(client, names, (since, until))
    await _mend(client, door, coverage, events, (since, until))
    found = await _compared(client, door, coverage.account, (since, until), now)
    if not found.differences:
        return found
    left = await door.read(lambda view: _explained(view, found.differences, events))
    check = found.check and msgspec.structs.replace(found.check, agrees=not left)
    return Reconciled(check, left)


def _settled(coverage: Coverage, now: datetime) -> tuple[datetime, datetime]:
    # Whole seconds, so that both sides cut at the same instant however a time is written.
    since = max(coverage.since, now - _REACH)
    until = min(coverage.until, now - SETTLED_AFTER)
    return since.replace(microsecond=0) + timedelta(seconds=bool(since.microsecond)), until.replace(microsecond=0)


async def _compared(
    client: FalClient, door: LedgerDoor, account: str, span: tuple[datetime, datetime], now: datetime
) -> Reconciled:
    since, until = span
    theirs = totals(await client.usage(since, until))
    ours = await door.read(lambda view: billed(view, account, since, until))
    differences = tuple(
        Difference(
            account=account,
            endpoint_id=name,
            since=since,
            until=until,
            ledger=Money(mine),
            fal=Money(theirs.get(name, 0)),
        )
        for name, mine in differing(ours, theirs).items()
    )
    check = Checked(
        account=account,
        since=since,
        until=until,
        at=now,
        ledger=Money(sum(mine.nanos for mine in ours.values())),
        fal=Money(sum(theirs.values())),
        agrees=not differences,
    )
    return Reconciled(check, differences)


def totals(rows: Iterable[UsageRow]) -> dict[str, int]:
    """The rows added up by endpoint, in nano-dollars; an endpoint has one for each of its prices and discounts.

    They are added up as fal writes them, and rounded once.
    """
    sums: dict[str, Decimal] = {}
    for row in rows:
        if row.currency == _CURRENCY:
            sums[row.endpoint_id] = EXACT.add(sums.get(row.endpoint_id, Decimal(0)), row.cost_total)
    return {name: nanos_of(total) for name, total in sums.items()}


def differing(ours: Mapping[str, Billed], theirs: Mapping[str, int]) -> dict[str, int]:
    """The ledger's sums, by endpoint, that are not fal's: apart by more than a nano for each request billed.

    A request has one billing row at least, so this never lets pass what is more than rounding; where requests have
    several, :func:`reconcile` counts the rows before it says so.
    """
    sums = {name: ours.get(name, Billed()) for name in sorted({*ours, *theirs})}
    return {name: mine.nanos for name, mine in sums.items() if abs(mine.nanos - theirs.get(name, 0)) > mine.requests}


async def _events(client: FalClient, endpoint_ids: Iterable[str], span: tuple[datetime, datetime]) -> _Events:
    events = _Events()
    names = sorted(endpoint_ids)
    for at in range(0, len(names), MOST_IDS):
        for start, end in windows(*span):
            async for page in client.billing_events(start, end, endpoint_ids=names[at : at + MOST_IDS]):
                events.add(page)
    return events


async def _mend(
    client: FalClient, door: LedgerDoor, coverage: Coverage, events: _Events, span: tuple[datetime, datetime]
) -> None:
    """Asks again for the requests whose charge the ledger knows otherwise."""
    ours = await door.read(lambda view: {request_id: charged(view, request_id) for request_id in events.charges})
    theirs = {request_id: events.total(request_id) for request_id in events.charges}
    wrong = {name for name, nanos in theirs.items() if nanos is not None and nanos != ours[name]}
    # By id, because a request may have rows of other endpoints, too. Newer than anything the poll has fetched.
    later = coverage.fetched_at + timedelta(milliseconds=1)
    async for facts in fetch_requests(client, coverage.account, wrong, span, later):
        await door.submit(Batch(billing=facts))


def _explained(view: LedgerView, differences: Iterable[Difference], events: _Events) -> tuple[Difference, ...]:
    """The differences with the requests that explain them, less those that are none when looked at closely."""
    left = []
    for difference in differences:
        name = difference.endpoint_id
        ours = charges(view, difference.account, name, difference.since, difference.until)
        disputed, moved = [], 0
        for request_id in {*ours, *(one for one, by_endpoint in events.charges.items() if name in by_endpoint)}:
            mine = ours.get(request_id)
            parts = events.charges.get(request_id, {})
            theirs = parts.get(name)
            if mine == theirs:
                continue
            if len(parts) > 1 and charged(view, request_id) == events.total(request_id):
                moved += (theirs or 0) - (mine or 0)  # fal counts a part of it at another endpoint
            else:
                disputed.append(Disputed(request_id=request_id, ledger=_money(mine), fal=_money(theirs)))
        if abs(difference.gap.nanos - moved) > max(events.rows.get(name, 0), len(ours)):
            disputed.sort(key=lambda one: (-abs(one.gap.nanos), one.request_id))
            left.append(
                msgspec.structs.replace(
                    difference,
                    records=tuple(disputed[:_MOST_NAMED]),
                    requests=len(disputed),
                    explained=Money(moved + sum(one.gap.nanos for one in disputed)),
                )
            )
    return tuple(left)


def _money(nanos: int | None) -> Money | None:
    return None if nanos is None else Money(nanos)


def _as_before(found: Difference, known: Difference) -> Difference:
    """A difference that was looked into before, with what was found then."""
    return msgspec.structs.replace(found, records=known.records, requests=known.requests, explained=known.explained)
