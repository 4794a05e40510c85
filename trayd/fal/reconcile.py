"""The independent check: fal's own totals by endpoint against the sums of the ledger.

Compared is the time from the start of the account's coverage, 90 days at most, to six hours ago: billing rows come
late by minutes, sometimes hours, and what is still on its way is no difference. A difference that is new is not
believed at once: the requests that account for it are asked for by id (this also mends what came later than a poll
looks back), then both sides are compared again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from trayd.facts import Batch, Coverage, Difference
from trayd.fal.billing import fetch_requests, windows
from trayd.fal.client import LONGEST_WINDOW_DAYS, MOST_IDS, FalClient
from trayd.fal.door import Billed, LedgerDoor, billed, charged
from trayd.fal.wire import BillingEvent, UsageRow
from trayd.money import Money, nanos_of

#: After this long a billing row has come.
SETTLED_AFTER = timedelta(hours=6)

_REACH = timedelta(days=LONGEST_WINDOW_DAYS)

# Billing events are in US dollars, so totals in another currency have no counterpart in them.
_CURRENCY = "USD"


async def reconcile(
    client: FalClient,
    door: LedgerDoor,
    coverage: Coverage,
    *,
    now: datetime,
    believed: Iterable[Difference] = (),
) -> tuple[Difference, ...]:
    """Where fal's totals and the ledger's differ.

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
        return ()
    found = await _compared(client, door, coverage.account, since, until)
    unheard = _amounts(found) - _amounts(believed)
    if not unheard:
        return found
    await _mend(client, door, coverage, {name for name, _ in unheard}, (since, until))
    return await _compared(client, door, coverage.account, since, until)


def _settled(coverage: Coverage, now: datetime) -> tuple[datetime, datetime]:
    # Whole seconds, so that both sides cut at the same instant however a time is written.
    since = max(coverage.since, now - _REACH)
    until = min(coverage.until, now - SETTLED_AFTER)
    return since.replace(microsecond=0) + timedelta(seconds=bool(since.microsecond)), until.replace(microsecond=0)


async def _compared(
    client: FalClient, door: LedgerDoor, account: str, since: datetime, until: datetime
) -> tuple[Difference, ...]:
    theirs = totals(await client.usage(since, until))
    ours = await door.read(lambda view: billed(view, account, since, until))
    return tuple(
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


def totals(rows: Iterable[UsageRow]) -> dict[str, int]:
    """The rows added up by endpoint, in nano-dollars; an endpoint has one for each of its prices and discounts."""
    sums: dict[str, int] = {}
    for row in rows:
        if row.currency == _CURRENCY:
            sums[row.endpoint_id] = sums.get(row.endpoint_id, 0) + nanos_of(row.cost_total)
    return sums


def differing(ours: Mapping[str, Billed], theirs: Mapping[str, int]) -> dict[str, int]:
    """The ledger's sums, by endpoint, that are not fal's.

    Each billed request is rounded to a nano, a total only once: so they may differ by as many nanos as there are
    requests, and by no more.
    """
    sums = {name: ours.get(name, Billed()) for name in sorted({*ours, *theirs})}
    return {name: mine.nanos for name, mine in sums.items() if abs(mine.nanos - theirs.get(name, 0)) > mine.requests}


async def _mend(
    client: FalClient,
    door: LedgerDoor,
    coverage: Coverage,
    endpoint_ids: Iterable[str],
    span: tuple[datetime, datetime],
) -> None:
    """Asks again for the requests of the endpoints whose charge the ledger knows otherwise."""
    names = sorted(endpoint_ids)
    theirs: dict[str, int | None] = {}
    for at in range(0, len(names), MOST_IDS):
        for start, end in windows(*span):
            async for page in client.billing_events(start, end, endpoint_ids=names[at : at + MOST_IDS]):
                _add_up(theirs, page)
    ours = await door.read(lambda view: {request_id: charged(view, request_id) for request_id in theirs})
    wrong = {name for name, nanos in theirs.items() if nanos is not None and nanos != ours[name]}
    # By id, because a request may have rows of other endpoints, too. Newer than anything the poll has fetched.
    later = coverage.fetched_at + timedelta(milliseconds=1)
    async for facts in fetch_requests(client, coverage.account, wrong, span, later):
        await door.submit(Batch(billing=facts))


def _add_up(sums: dict[str, int | None], page: Iterable[BillingEvent]) -> None:
    for event in page:
        nanos, so_far = event.total_nanos, sums.get(event.request_id, 0)
        sums[event.request_id] = None if nanos is None or so_far is None else so_far + nanos


def _amounts(differences: Iterable[Difference]) -> set[tuple[str, int]]:
    return {(each.endpoint_id, each.fal.nanos - each.ledger.nanos) for each in differences}
