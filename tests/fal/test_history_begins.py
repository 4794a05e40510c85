"""Where a history begins: what was sent before that is in no bill that trayd reads, and so it is no part of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fal.conftest import still_sandbox
from tests.fal.polls import MONTH, VEO, generations, now, polling
from trayd.facts import Batch, EventFact
from trayd.ledger.store import Ledger

_BEGINS_S = MONTH.backfill_days * 86_400


@pytest.mark.parametrize("account_is_known", [False, True])
async def test_a_request_of_before_the_history_is_not_taken_in(ledger: Ledger, *, account_is_known: bool) -> None:
    with still_sandbox(days=45, per_day=10) as sandbox:
        early = sandbox.world.add_job(VEO, units=Decimal(8), age_s=_BEGINS_S + 1200)
        first = sandbox.world.add_job(VEO, units=Decimal(8), age_s=_BEGINS_S - 600)
        async with polling(sandbox, ledger) as poller:
            account = (await poller.poll(now())).account
        if account_is_known:  # a trayd that starts again looks once more for what it lacks
            async with polling(sandbox, ledger) as poller:
                await poller.poll(now())
    found, coverage = generations(ledger), ledger.coverage(account)
    assert coverage is not None
    assert first.request_id in found
    assert early.request_id not in found
    assert min(record.timestamp for record in found.values()) >= coverage.since


async def test_but_one_that_an_event_told_of_learns_how_it_ran(ledger: Ledger) -> None:
    with still_sandbox(days=45, per_day=10) as sandbox:
        early = sandbox.world.add_job(VEO, units=Decimal(8), age_s=_BEGINS_S + 1200)
        sandbox.world.add_job(VEO, units=Decimal(8), age_s=_BEGINS_S - 600)
        event = EventFact(
            digest="d1", request_id=early.request_id, endpoint_id=VEO, time=now() - timedelta(seconds=_BEGINS_S + 1200)
        )
        ledger.add(Batch(events=(event,)))
        async with polling(sandbox, ledger) as poller:
            await poller.poll(now())
    assert generations(ledger)[early.request_id].duration_s is not None
