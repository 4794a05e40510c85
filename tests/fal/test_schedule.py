from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from tests.fal.conftest import QUICK, SECRET, still_sandbox
from tests.fal.door import DirectDoor
from trayd.fal import schedule as schedule_module
from trayd.fal.keys import Key
from trayd.fal.outcome import PollOutcome
from trayd.fal.poller import Poller
from trayd.fal.sandbox.faults import Fault
from trayd.fal.sandbox.server import Sandbox
from trayd.fal.schedule import Schedule, pause_s
from trayd.ledger.store import Ledger
from trayd.settings import Poll


class Told:
    """Keeps what was told, and waits for more."""

    def __init__(self) -> None:
        self.outcomes: list[PollOutcome] = []
        self._news = asyncio.Condition()

    async def __call__(self, outcome: PollOutcome) -> None:
        async with self._news:
            self.outcomes.append(outcome)
            self._news.notify_all()

    async def count(self, number: int, name: str | None = None) -> None:
        async with self._news, asyncio.timeout(10):
            await self._news.wait_for(lambda: len(self.of(name)) >= number)

    def of(self, name: str | None) -> list[PollOutcome]:
        return [outcome for outcome in self.outcomes if name in (None, outcome.name)]


class Running:
    """A schedule that runs while the context lasts."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Schedule:
        self._task = asyncio.create_task(self._schedule.run(self._stop))
        return self._schedule

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        async with asyncio.timeout(5):
            await self._task


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with still_sandbox(days=1, per_day=5, accounts=2) as running:
        yield running


def poller(url: str, ledger: Ledger, name: str = "default", key: str = SECRET) -> Poller:
    return Poller(name, DirectDoor(ledger), lambda: Key(key), base_url=url, poll=Poll(), retry_policy=QUICK)


async def test_accounts_are_polled_now_and_at_every_interval(sandbox: Sandbox, ledger: Ledger) -> None:
    told = Told()
    async with Running(Schedule([poller(sandbox.url, ledger)], 0.2, told)):
        await told.count(3)
    assert [outcome.state for outcome in told.outcomes[:3]] == ["ok"] * 3
    assert [outcome.backfill is not None for outcome in told.outcomes[:3]] == [True, False, False]


async def test_an_account_that_hangs_delays_no_other(sandbox: Sandbox, ledger: Ledger) -> None:
    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    held: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(hold, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/v1"
    told = Told()
    pollers = [poller(url, ledger, "silent"), poller(sandbox.url, ledger, "studio")]
    async with Running(Schedule(pollers, 0.1, told)):
        await told.count(3, "studio")
        assert told.of("silent") == []
    for writer in held:
        writer.close()
    silent.close()


async def test_refresh_polls_now_and_gives_what_came_of_it(sandbox: Sandbox, ledger: Ledger) -> None:
    told = Told()
    second = sandbox.world.accounts[1].keys.admin_key
    pollers = [poller(sandbox.url, ledger, "studio"), poller(sandbox.url, ledger, "agency", second)]
    async with Running(Schedule(pollers, 3600, told)) as schedule:
        await told.count(2)
        job = sandbox.world.add_job("fal-ai/veo3")
        outcomes = await schedule.refresh()
    assert [outcome.name for outcome in outcomes] == ["studio", "agency"]
    assert outcomes[0].created == (job.request_id,)
    assert told.outcomes[2:] != []


async def test_wishes_that_come_together_share_one_poll(sandbox: Sandbox, ledger: Ledger) -> None:
    told = Told()
    async with Running(Schedule([poller(sandbox.url, ledger)], 3600, told)) as schedule:
        await told.count(1)
        sandbox.calls.clear()
        await asyncio.gather(*[schedule.refresh() for _ in range(5)])
    assert sum("/account/billing" in call.path for call in sandbox.calls) == 1


async def test_a_wish_that_is_given_up_still_polls_for_the_others(sandbox: Sandbox, ledger: Ledger) -> None:
    told = Told()
    async with Running(Schedule([poller(sandbox.url, ledger)], 3600, told)) as schedule:
        await told.count(1)
        wishes = [asyncio.create_task(schedule.refresh()) for _ in range(2)]
        await asyncio.sleep(0)
        wishes[0].cancel()
        ((outcome,),) = await asyncio.gather(wishes[1])
        with suppress(asyncio.CancelledError):
            await wishes[0]
    assert outcome.state == "ok"


async def test_a_refresh_during_which_the_schedule_ends_comes_back(ledger: Ledger) -> None:
    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    held: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(hold, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/v1"
    async with Running(Schedule([poller(url, ledger)], 3600, Told())) as schedule:
        wish = asyncio.create_task(schedule.refresh())
        await asyncio.sleep(0.1)
    assert await wish == ()
    for writer in held:
        writer.close()
    silent.close()


async def test_a_refresh_that_fails_says_so(sandbox: Sandbox, ledger: Ledger) -> None:
    told = Told()
    async with Running(Schedule([poller(sandbox.url, ledger)], 3600, told)) as schedule:
        await told.count(1)
        sandbox.faults.inject(Fault(status=401, times=9))
        (outcome,) = await schedule.refresh()
    assert outcome.state == "bad_key"


async def test_stopping_does_not_wait_for_a_poll(ledger: Ledger) -> None:
    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    held: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(hold, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/v1"
    began = asyncio.get_running_loop().time()
    async with Running(Schedule([poller(url, ledger)], 3600, Told())):
        await asyncio.sleep(0.1)
    assert asyncio.get_running_loop().time() - began < 0.4
    for writer in held:
        writer.close()
    silent.close()


async def test_a_mistake_in_one_poll_does_not_end_the_next(
    sandbox: Sandbox, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told()
    account = poller(sandbox.url, ledger)
    polls = iter([ZeroDivisionError("a mistake")])
    poll = account.poll

    async def mistaken(now: datetime, *, thorough: bool = False) -> PollOutcome:
        for error in polls:
            raise error
        return await poll(now, thorough=thorough)

    monkeypatch.setattr(account, "poll", mistaken)
    async with Running(Schedule([account], 0.1, told)):
        await told.count(1)
    assert told.outcomes[0].state == "ok"
    assert "a mistake" in caplog.text


async def test_after_a_sleep_of_the_machine_accounts_are_polled_soon(
    sandbox: Sandbox, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule_module, "LOOK_S", 0.05)
    monkeypatch.setattr(schedule_module, "AFTER_SLEEP_S", 0.05)
    asleep = timedelta()
    told = Told()
    schedule = Schedule([poller(sandbox.url, ledger)], 3600, told, now=lambda: datetime.now(UTC) + asleep)
    async with Running(schedule):
        await told.count(1)
        await asyncio.sleep(0.2)
        assert len(told.outcomes) == 1
        asleep = timedelta(hours=8)
        await told.count(2)


@pytest.mark.parametrize(
    ("failures", "retry_after", "chance", "seconds"),
    [
        (0, None, 0.5, 120),
        (0, None, 0.0, 108),
        (0, None, 1.0, 132),
        (1, None, 0.5, 240),
        (2, None, 0.5, 300),
        (10_000, None, 0.5, 300),
        (1, 600, 0.5, 600),
    ],
)
def test_the_pause_grows_with_failures_up_to_minutes_and_keeps_to_what_fal_asks(
    failures: int, retry_after: float | None, chance: float, seconds: float
) -> None:
    assert pause_s(120, failures, retry_after, chance) == pytest.approx(seconds)


def test_an_interval_of_hours_is_not_shortened_by_failures() -> None:
    assert pause_s(7200, 3, None, 0.5) == pytest.approx(7200)
