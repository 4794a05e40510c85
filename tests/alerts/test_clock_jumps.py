"""The clock is set while warnings are put off: nothing is lost, nothing is told twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.alerts.test_watch import World, settled, some_time
from trayd.alert_settings import Alerts, Hook, QuietHours
from trayd.alerts import outbox
from trayd.settings import Settings

HOUR = timedelta(hours=1)
LOW = "Balance under $20.00 (northwind)"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "GATHER_S", 0.01)
    # How often it looks whether the clock was set.
    monkeypatch.setattr(outbox, "_LONGEST_WAIT_S", 0.05)


@pytest.fixture
def low() -> World:
    """A world whose balance is low; it is nine in the morning."""
    world = World()
    world.settings = Settings(locale="en_US", time_zone="UTC")
    world.balance = "19"
    return world


@pytest.mark.parametrize("hours", [-5, 5])
async def test_in_a_snooze(low: World, hours: int) -> None:
    async with low.running() as watch:
        await settled(lambda: low.desk.shown and low.episodes["balance:northwind"].told)
        until = low.now + HOUR
        low.snooze("balance:northwind", until)
        await watch.check()

        low.now += hours * HOUR
        await watch.check()
        await some_time()
        assert low.desk.titles == [LOW] * (2 if hours > 0 else 1)

        # Set right again, and on to the moment that the person chose.
        low.now = until
        for _ in range(3):
            await watch.check()
            await some_time()
            low.now += HOUR

    assert low.desk.titles == [LOW] * 2


async def told_at_the_end_of_a_hold(low: World, hours: int) -> None:
    """What an hour's hold keeps back is told once, whatever the clock did meanwhile."""
    ends = low.now + HOUR
    async with low.running() as watch:
        await settled(lambda: low.episodes)
        low.now += hours * HOUR
        await watch.check()
        await some_time()
        assert len(low.desk.shown) == (1 if hours > 0 else 0)

        low.now = ends
        for _ in range(3):
            await watch.check()
            await some_time()
            low.now += HOUR

    assert low.desk.titles == [f"While it was quiet: {LOW}"]


@pytest.mark.parametrize("hours", [-5, 5])
async def test_in_a_pause(low: World, hours: int) -> None:
    low.paused_until = low.now + HOUR
    await told_at_the_end_of_a_hold(low, hours)


@pytest.mark.parametrize("hours", [-5, 5])
async def test_in_quiet_hours(low: World, hours: int) -> None:
    quiet = QuietHours(since="03:00", until="10:00")
    low.settings = Settings(locale="en_US", time_zone="UTC", alerts=Alerts(quiet_hours=quiet))
    await told_at_the_end_of_a_hold(low, hours)


@pytest.mark.parametrize("hours", [-5, 5, 48])
async def test_while_a_hook_is_down(low: World, hours: int) -> None:
    low.settings = Settings(locale="en_US", time_zone="UTC", hook=(Hook(name="chat", command=("/bin/cat",)),))
    low.hooks.down = {"chat"}
    watch = low.daemon()
    await watch.once()
    low.now += hours * HOUR
    low.hooks.down.clear()
    await watch.once()
    await watch.once()

    # A balance that is still low is news however late.
    assert low.hooks.got == [("chat", "opened", "balance", "20.00")]
