"""Notices for tests, and somebody who shows them and notes which buttons are pressed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from trayd.alerts.delivery import Deliverer
from trayd.alerts.notice import Notice

LOW_BALANCE = Notice(
    episodes=("balance:northwind",),
    title="Balance under $20.00",
    body="fal account northwind has $14.32 left.",
    actions=(("Add credits", "open:billing"), ("Open dashboard", "open:dashboard")),
)


@pytest.fixture
def pressed() -> list[str]:
    """The actions of the buttons that were pressed."""
    return []


@pytest.fixture
async def deliverer(pressed: list[str]) -> AsyncIterator[Deliverer]:
    """The way to the desktop that is there."""
    one = Deliverer(pressed.append)
    yield one
    one.close()


async def until(probe: Callable[[], object]) -> None:
    """Waits for what happens in other processes."""
    async with asyncio.timeout(10):
        while not probe():  # noqa: ASYNC110  # nothing of this loop tells of it
            await asyncio.sleep(0.02)
