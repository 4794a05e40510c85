from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from tests.fal.conftest import still_sandbox
from tests.fal.polls import generations, now, polling
from trayd.facts import Batch, EventFact
from trayd.ledger.store import Ledger, LedgerPaths


async def test_an_endpoint_that_fal_does_not_know_stops_nothing(tmp_path: Path) -> None:
    """Somebody's own app, named by an event: fal refuses every question that names it."""
    folders = LedgerPaths(ledger=tmp_path / "l", backup=tmp_path / "b")
    with closing(Ledger.open(folders, base_url=None, holder="test")) as ledger:
        ledger.add(
            Batch(
                events=(EventFact(digest="d", time=datetime.now(UTC), endpoint_id="my-team/own-app", request_id="r"),)
            )
        )
        with still_sandbox() as sandbox:
            async with polling(sandbox, ledger) as poller:
                assert (await poller.poll(now())).problem == ""
                job = sandbox.world.add_job("fal-ai/flux/dev", age_s=60)
                assert (await poller.poll(now(), thorough=True)).problem == ""
                assert generations(ledger)[job.request_id].duration_s is not None
                sandbox.calls.clear()
                await poller.poll(now())
                assert not [call for call in sandbox.calls if call.status == 404]
