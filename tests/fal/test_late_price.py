from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from tests.fal.conftest import still_sandbox
from tests.fal.polls import generations, now, polling
from trayd.facts import Batch, EventFact
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.money import Money
from trayd.records import Counting


async def test_an_event_that_came_before_its_models_price_is_priced_when_that_is_known(tmp_path: Path) -> None:
    folders = LedgerPaths(ledger=tmp_path / "l", backup=tmp_path / "b")
    event = EventFact(digest="d", time=datetime.now(UTC), endpoint_id="fal-ai/veo3", request_id="r", units=Decimal(8))
    with closing(Ledger.open(folders, base_url=None, holder="test")) as ledger:
        ledger.add(Batch(events=(event,)))
        assert generations(ledger)["r"].counting is Counting.UNKNOWN
        # An API key is enough for prices.
        with still_sandbox() as sandbox:
            async with polling(sandbox, ledger, key=sandbox.api_key) as poller:
                await poller.poll(now())
            price = ledger.models()["fal-ai/veo3"].unit_price
            assert price
            record = generations(ledger)["r"]
            assert record.counting is Counting.ESTIMATE
            assert record.cost == Money.of(price * 8)
            # The file again, as it came, tells nothing new.
            assert ledger.add(Batch(events=(event,))).known == 1
        assert generations(ledger)["r"].cost == record.cost
