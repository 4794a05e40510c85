"""Polls one account: balance, what was billed, names and prices, how requests ran, and whether the totals agree.

Each step stands by itself: what one brings is kept when another fails. Times are fal's wherever they go into the
ledger, so that a wrong clock here neither hides rows nor claims a future that was not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

import msgspec

from trayd.blocking import on_daemon_thread
from trayd.errors import (
    FalError,
    KeyRefusedError,
    KeyringError,
    KeyScopeError,
    LedgerError,
    RecordError,
)
from trayd.facts import AccountFact, Batch, BillingFact, Coverage, Difference, ModelFact
from trayd.fal.billing import fetch_billing
from trayd.fal.catalogue import look_up
from trayd.fal.client import FalClient
from trayd.fal.door import Activity, LedgerDoor, activity, billed, of_history
from trayd.fal.keys import Key
from trayd.fal.outcome import BackfillSummary, PollOutcome
from trayd.fal.reconcile import reconcile
from trayd.fal.rounds import BALANCE, BILLED, CountingDoor, Round, account_after, cut_off, fal_time, step, waits_told
from trayd.fal.runs import RunListing
from trayd.fal.transport import RetryPolicy
from trayd.fal.wire import Billing
from trayd.money import Money
from trayd.prices import price_of
from trayd.records import BalanceReading
from trayd.settings import Poll

# Prices change now and then; names hardly ever.
_CATALOGUE_AGE = timedelta(days=1)

# An endpoint counts as in use for so long after its last request.
_IN_USE = timedelta(days=7)

#: How long what was found to be in use is good for, where no record has changed.
_SEEN_LATELY = timedelta(hours=6)

# Totals are compared this often, and at every poll while they differ.
_RECONCILE_EVERY = timedelta(minutes=10)

# A difference that stays is looked into again, should its rows have come after all.
_LOOK_INTO_EVERY = timedelta(hours=1)

# How much later a fetch is than the one before, whatever the clock says.
_ONE_STEP = timedelta(milliseconds=2)


class _Known(msgspec.Struct, frozen=True):
    """How endpoints were used, at a version of the records, and how far back that was looked for."""

    reach: timedelta
    version: int
    at: datetime
    activity: dict[str, Activity]


class Poller:
    """One account, polled again and again. One poll at a time.

    Args:
        name: what the user calls the account.
        door: the way to the ledger.
        find_key: where the account's key comes from; it may block and is called beside the event loop.
        base_url: of the Platform API.
        poll: how far back the first poll reads and how far each later one looks back.
        payloads: whether the inputs of requests are asked for, which can hold prompts.
        retry_policy: how long and how often a call is tried.
    """

    def __init__(
        self,
        name: str,
        door: LedgerDoor,
        find_key: Callable[[], Key],
        *,
        base_url: str,
        poll: Poll,
        payloads: bool = False,
        retry_policy: RetryPolicy = RetryPolicy(),
    ) -> None:
        self.name = name
        self._door = door
        self._find_key = find_key
        self._base_url = base_url
        self._poll = poll
        self._payloads = payloads
        self._retry_policy = retry_policy
        self._key: Key | None = None
        self._client: FalClient | None = None
        self._listing: RunListing | None = None
        self._looked_up: dict[str, datetime] = {}
        self._activity: _Known | None = None
        self._differences: tuple[Difference, ...] | None = None
        self._reconciled_at: datetime | None = None
        self._looked_into_at: datetime | None = None
        self._troubles: dict[str, str] = {}

    async def aclose(self) -> None:
        """Closes the connections."""
        if self._listing is not None:
            await self._listing.forget_reading()
        if self._client is not None:
            await self._client.aclose()
        self._client = None

    async def poll(self, now: datetime, *, thorough: bool = False) -> PollOutcome:
        """Asks fal for everything that is new and hands it to the ledger.

        It does not raise what fal, the keyring or the ledger raise: the outcome tells it.

        Args:
            now: by this machine's clock (UTC).
            thorough: a person asked: the key is looked up anew and the totals are compared now.
        """
        tally = CountingDoor(self._door, self._troubles)
        before = AccountFact(name=self.name, state="offline", problem="fal has not been asked yet")
        try:
            known = await tally.read(lambda view: view.accounts())
            before = known.get(self.name, before)
            try:
                client = await self._client_now(afresh=thorough or before.state in {"bad_key", "no_key"})
            except (FalError, KeyringError) as error:
                state = error.state if isinstance(error, FalError) else "no_key"
                after = msgspec.structs.replace(before, state=state, problem=str(error), tried_at=now)
                backfill = None
            else:
                after, backfill = await self._ask(client, before, now, tally, thorough=thorough)
            await tally.submit(Batch(accounts=(after,)))
        except (LedgerError, RecordError) as error:
            after, backfill = msgspec.structs.replace(before, problem=str(error)), None
        return PollOutcome(
            name=self.name,
            account=after.username or self.name,
            at=now,
            state=after.state,
            problem=after.problem,
            created=tuple(tally.created),
            changed=tuple(name for name in tally.changed if name not in tally.created),
            backfill=backfill,
            differences=self._differences or (),
            retry_after=max(waits_told(tally), default=None),
        )

    async def _client_now(self, *, afresh: bool) -> FalClient:
        if self._client is not None and not afresh:
            return self._client
        key = await on_daemon_thread(self._find_key, "keyring")
        if self._client is None or key != self._key:
            await self.aclose()
            self._key, self._client = key, FalClient(self._base_url, key, retry_policy=self._retry_policy)
        return self._client

    async def _ask(
        self, client: FalClient, before: AccountFact, now: datetime, tally: CountingDoor, *, thorough: bool
    ) -> tuple[AccountFact, BackfillSummary | None]:
        known = before
        billing = await step(tally, BALANCE, client.billing())
        if isinstance(billing, Billing):
            known = msgspec.structs.replace(
                before, username=billing.username, has_credits=billing.credits is not None, as_of=now
            )
        refusal = tally.failed.get(BALANCE)
        if isinstance(refusal, KeyRefusedError) or cut_off(refusal):
            return account_after(known, now, tally), None
        round_ = Round(client, known.username or self.name, fal_time(client.server_time, now), tally)
        if isinstance(billing, Billing):
            await tally.submit(Batch(accounts=(known,), balances=_reading(billing, round_.now)))
        backfill = None
        if not isinstance(refusal, KeyScopeError):
            backfill = await step(tally, BILLED, self._fetch_billing(round_))
        in_use = await self._in_use(round_)
        await step(tally, "names and prices", self._look_up(round_, in_use))
        await step(tally, "how requests ran", self._list_runs(round_, in_use))
        if round_.coverage is not None and self._due(now, thorough=thorough):
            await step(tally, "fal's own totals", self._compare(round_, round_.coverage, now, thorough=thorough))
        if isinstance(refusal, KeyScopeError) and len(tally.failed) == 1:
            known = msgspec.structs.replace(known, as_of=now)
        return account_after(known, now, tally), backfill

    async def _fetch_billing(self, round_: Round) -> BackfillSummary | None:
        account, now = round_.account, round_.now
        coverage = await round_.door.read(lambda view: view.coverage(account))
        if coverage is None:
            start, fetched_at = now - timedelta(days=self._poll.backfill_days), now
            round_.begins = start
        else:
            # A watermark ahead of fal's clock was set by a wrong one; nothing beyond it has been read.
            start = min(coverage.until, now) - timedelta(hours=self._poll.overlap_hours)
            fetched_at = max(now, coverage.fetched_at + _ONE_STEP)
        kept: list[BillingFact] = []
        requests = 0
        async for facts in fetch_billing(round_.client, account, start, now, fetched_at):
            round_.endpoints |= {row.endpoint_id for fact in facts for row in fact.rows}
            requests += sum(fact.fetched_at == fetched_at for fact in facts)
            if coverage is None:
                # A long past is made safe page by page; cut short, it is asked for again, as no coverage claims it.
                await round_.door.submit(Batch(billing=facts))
            else:
                kept += facts
        round_.coverage = Coverage(
            account=account,
            since=coverage.since if coverage else start,
            until=now,
            fetched_at=fetched_at,
            first_completed_at=coverage.first_completed_at if coverage else now,
            continues=coverage.fetched_at if coverage else None,
        )
        await round_.door.submit(Batch(billing=tuple(kept), coverage=(round_.coverage,)))
        if coverage is not None:
            return None
        sums = (await round_.door.read(lambda view: billed(view, account, start, now))).values()
        priced = sum(each.requests for each in sums)
        return BackfillSummary(
            generations=requests,
            cost=Money(sum(each.nanos for each in sums)),
            since=start,
            at=now,
            unpriced=max(requests - priced, 0),
        )

    async def _in_use(self, round_: Round) -> dict[str, Activity]:
        reach = timedelta(days=self._poll.backfill_days) if self._listing is None else _IN_USE
        since = round_.now - reach
        version = await round_.door.read(lambda view: view.records_version)
        known = self._activity
        if known is None or (known.reach, known.version) != (reach, version) or round_.now - known.at > _SEEN_LATELY:
            # It is the one thing of a quiet poll that needs the records; without it they stay out of memory.
            found = await round_.door.read(lambda view: activity(view, round_.account, since, round_.now))
            known = self._activity = _Known(reach, version, round_.now, found)
        return known.activity

    async def _look_up(self, round_: Round, in_use: dict[str, Activity]) -> None:
        def stale(seen_at: datetime | None) -> bool:
            return seen_at is None or abs(round_.now - seen_at) > _CATALOGUE_AGE

        known = await round_.door.read(lambda view: view.models())
        wanted = {
            name
            for name in {*in_use, *round_.endpoints}
            if stale(known[name].seen_at if name in known else None) and stale(self._looked_up.get(name))
        }
        if wanted:
            models = await look_up(round_.client, wanted, round_.now)
            await round_.door.submit(Batch(models=models))
            self._looked_up |= dict.fromkeys(wanted, round_.now)
            await self._price_events(round_, {model.endpoint_id: model for model in models})

    async def _price_events(self, round_: Round, models: dict[str, ModelFact]) -> None:
        """Prices events that were taken in before the price of their model was known."""
        since = round_.now - timedelta(days=self._poll.backfill_days)
        waiting = await round_.door.read(lambda view: view.unpriced_events(models, since))
        priced = []
        for event in waiting:
            estimate = price_of(models, event.endpoint_id, event.units, round_.now) if event.units is not None else None
            if estimate is not None:
                priced.append(msgspec.structs.replace(event, estimate=estimate))
        if priced:
            await round_.door.submit(Batch(events=tuple(priced)))

    async def _list_runs(self, round_: Round, in_use: dict[str, Activity]) -> None:
        if self._listing is None or self._listing.account != round_.account:
            self._listing = RunListing(round_.account, payloads=self._payloads)
        async for facts in self._listing.list_runs(round_.client, in_use, round_.now, round_.begins):
            known = await round_.door.read(partial(of_history, runs=facts, account=round_.account))
            await round_.door.submit(Batch(runs=known))

    def _due(self, now: datetime, *, thorough: bool) -> bool:
        at = self._reconciled_at
        return thorough or at is None or bool(self._differences) or abs(now - at) >= _RECONCILE_EVERY

    async def _compare(self, round_: Round, coverage: Coverage, now: datetime, *, thorough: bool) -> None:
        before = self._differences
        again = thorough or self._looked_into_at is None or abs(now - self._looked_into_at) >= _LOOK_INTO_EVERY
        believed = () if again or before is None else before
        compared = await reconcile(round_.client, round_.door, coverage, now=round_.now, believed=believed)
        found = compared.differences
        changed = before is None or _amounts(found) != _amounts(before)
        await round_.door.submit(
            Batch(
                differences={round_.account: found} if changed else {},
                checks=(compared.check,) if compared.check is not None else (),
            )
        )
        if again:
            self._looked_into_at = now
        self._differences, self._reconciled_at = found, now


def _amounts(differences: Iterable[Difference]) -> list[tuple[object, ...]]:
    return [(each.endpoint_id, each.ledger, each.fal, each.records, each.explained) for each in differences]


def _reading(billing: Billing, at: datetime) -> tuple[BalanceReading, ...]:
    if billing.credits is None:
        return ()
    return (BalanceReading(billing.username, at, Money.of(billing.credits.current_balance, billing.credits.currency)),)
