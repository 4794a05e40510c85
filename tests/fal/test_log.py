"""The log of polls that fail: each step once, until it is something else."""

from __future__ import annotations

import logging

import pytest

from tests.fal.polls import now, polling
from trayd.fal.sandbox.faults import Fault
from trayd.fal.sandbox.server import Sandbox
from trayd.ledger.store import Ledger

LOCKED = Fault(status=403, message="User is locked. Reason: Exhausted balance.", times=500)
NO_KEY = Fault(status=401, times=500)


@pytest.fixture(autouse=True)
def _seen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "trayd.fal")


async def test_an_account_that_stays_locked_is_in_the_log_once_and_again_when_it_is_locked_again(
    sandbox: Sandbox, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    async def locked() -> list[str]:
        sandbox.faults.inject(LOCKED)
        caplog.clear()
        for _ in range(3):
            await poller.poll(now())
        sandbox.faults.clear()
        return [text for text in caplog.messages if "could not be read" in text]

    async with polling(sandbox, ledger) as poller:
        await poller.poll(now())
        first = await locked()
        await poller.poll(now())
        second = await locked()

    assert [text.partition(" could not")[0] for text in first] == [
        "the balance",
        "what was billed",
        "how requests ran",
    ]
    assert second == first


async def test_another_reason_is_told_at_once(
    sandbox: Sandbox, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    async with polling(sandbox, ledger) as poller:
        await poller.poll(now())
        for fault in (LOCKED, NO_KEY):
            sandbox.faults.inject(fault)
            await poller.poll(now())
            await poller.poll(now())
            sandbox.faults.clear()

    told = [text for text in caplog.messages if text.startswith("the balance could not be read")]
    assert ["locked" in text for text in told] == [True, False]
    assert "fal does not know this key" in told[1]


async def test_a_poll_that_is_cut_off_after_its_first_step_makes_the_others_no_news(
    sandbox: Sandbox, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    async with polling(sandbox, ledger) as poller:
        await poller.poll(now())
        for fault in (LOCKED, NO_KEY, LOCKED):
            sandbox.faults.inject(fault)
            await poller.poll(now())
            sandbox.faults.clear()

    billed = [text for text in caplog.messages if text.startswith("what was billed could not be read")]
    assert len(billed) == 1
