"""Polls of the stand-in of fal, and what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from tests.fal.conftest import QUICK, SECRET
from tests.fal.door import DirectDoor
from trayd.fal.keys import Key
from trayd.fal.poller import Poller
from trayd.fal.sandbox.jobs import Job
from trayd.fal.sandbox.server import Sandbox
from trayd.ledger.store import Ledger
from trayd.records import Filters, Generation
from trayd.settings import Poll

MONTH = Poll(backfill_days=30)
VEO = "fal-ai/veo3"


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def polling(
    sandbox: Sandbox | str,
    ledger: Ledger,
    *,
    name: str = "default",
    key: str = SECRET,
    poll: Poll = MONTH,
    payloads: bool = False,
    find_key: Callable[[], Key] | None = None,
) -> AsyncIterator[Poller]:
    url = sandbox if isinstance(sandbox, str) else sandbox.url
    poller = Poller(
        name,
        DirectDoor(ledger),
        find_key or (lambda: Key(key)),
        base_url=url,
        poll=poll,
        payloads=payloads,
        retry_policy=QUICK,
    )
    try:
        yield poller
    finally:
        await poller.aclose()


def generations(ledger: Ledger, account: str | None = None) -> dict[str, Generation]:
    found = ledger.records(Filters(account=account))
    return {record.id: record for record in found if isinstance(record, Generation)}


def jobs(sandbox: Sandbox, account: int = 0) -> dict[str, Job]:
    history = sandbox.world.accounts[account].jobs(now() - timedelta(days=90), now() + timedelta(days=1))
    return {job.request_id: job for job in history}


def known_jobs(sandbox: Sandbox, account: int = 0) -> set[str]:
    """Requests that can be found: fal lists what has begun by endpoint, known once one request of it is billed."""
    every = jobs(sandbox, account)
    endpoints = {every[name].endpoint for name in billed_jobs(sandbox, account)}
    return {name for name, job in every.items() if job.endpoint in endpoints and job.started_at <= now()}


def billed_jobs(sandbox: Sandbox, account: int = 0) -> dict[str, int]:
    return {
        name: sum(charge.total for charge in job.charges)
        for name, job in jobs(sandbox, account).items()
        if job.charges and all(charge.listed_at <= now() for charge in job.charges)
    }


def asked(sandbox: Sandbox) -> Counter[str]:
    return Counter(call.path.removeprefix("/v1").partition("?")[0] for call in sandbox.calls)
