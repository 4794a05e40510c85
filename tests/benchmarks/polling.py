"""A poll of 10,000 billing events, from a stand-in of fal in a process of its own."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

from tests.benchmarks import data
from tests.benchmarks.harness import Row, Workshop, at_most, in_turn, ratio
from tests.end_to_end.support import SandboxProcess
from trayd.facts import Batch, Coverage
from trayd.fal.billing import fetch_billing
from trayd.fal.client import FalClient
from trayd.fal.keys import Key

#: Some more days and requests than are asked for; exactly so many events are taken.
_EVENTS = 10_000
_DAYS, _PER_DAY = 40, 280
_ROUNDS = 5


def poll(workshop: Workshop) -> Iterator[Row]:
    """Fetched, merged and durable, against downloaded and decoded."""
    with SandboxProcess("--days", str(_DAYS), "--per-day", str(_PER_DAY), "--seed", "3") as sandbox:
        sandbox.control("freeze", frozen=True)
        end = datetime.now(UTC)
        times = sorted(row["timestamp"] for row in sandbox.billing_rows(_DAYS + 1))
        start = datetime.fromisoformat(times[-_EVENTS])
        client = FalClient(sandbox.url, Key(sandbox.key))
        loop = asyncio.new_event_loop()
        numbers = itertools.count()
        counted: dict[str, int] = {}

        async def download() -> float:
            began = loop.time()
            counted["downloaded"] = 0
            async for page in client.billing_events(start - timedelta(hours=1), end):
                counted["downloaded"] += len(page)
            return loop.time() - began

        async def keep() -> float:
            home = workshop.empty(f"poll-{next(numbers)}")
            with closing(data.opened(home)) as ledger:
                began = loop.time()
                counted["kept"] = 0
                async for facts in fetch_billing(client, data.ACCOUNT, start, end, end):
                    ledger.add(Batch(billing=facts))
                    counted["kept"] += sum(len(fact.rows) for fact in facts)
                claim = Coverage(account=data.ACCOUNT, since=start, until=end, fetched_at=end, first_completed_at=end)
                ledger.add(Batch(coverage=(claim,)))
                return loop.time() - began

        try:
            taken = in_turn(
                {
                    "trayd": lambda: loop.run_until_complete(keep()),
                    "download": lambda: loop.run_until_complete(download()),
                },
                _ROUNDS,
                warm_up=1,
            )
            loop.run_until_complete(client.aclose())
        finally:
            loop.close()
    slower = ratio(taken["trayd"], taken["download"])
    yield at_most(
        f"poll of {counted['kept']:,} billing events, durable, × downloading and decoding them",
        slower,
        2,
        f"{slower:.2f} ({taken['trayd'].text()} against {taken['download'].text()})",
    )
