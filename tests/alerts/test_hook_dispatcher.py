"""The dispatcher of hooks by itself: what each hears of an episode, in which order, how often and for how long."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from trayd.alert_settings import Hook
from trayd.alerts import hook_dispatcher
from trayd.alerts.hook_dispatcher import HookDispatcher, pending_deliveries, with_pending_hooks
from trayd.alerts.hook_events import EventName
from trayd.episodes import Episode

SINCE = datetime(2026, 11, 20, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHAT, LOG = (Hook(name=name, command=("/bin/cat",)) for name in ("chat", "log"))
MILD = Episode(id="balance:n", rule="balance", scope="n", since=SINCE, title="Balance", text="", level="20.00")
GRAVE = msgspec.structs.replace(MILD, level="5.00", reached=SINCE + HOUR)
OVER = msgspec.structs.replace(GRAVE, resolved=SINCE + 2 * HOUR)
HAPPENED = Episode(id="file:x", rule="file", scope="x", since=SINCE, text="", resolved=SINCE)


class World:
    """Hooks that take what they are handed unless they are down, and a ledger that keeps what they were told."""

    def __init__(self) -> None:
        self.now = SINCE + 3 * HOUR
        self.got: list[tuple[str, str, str]] = []
        self.kept: list[tuple[str, str]] = []
        self.down: set[str] = set()
        self.fails = False
        self.stuck: set[str] = set()

    async def carry(self, hook: Hook, episode: Episode, event: EventName) -> bool:
        await asyncio.sleep(0)
        if hook.name in self.stuck:
            await asyncio.sleep(60)
        if hook.name not in self.down:
            self.got.append((hook.name, event, episode.level))
        return hook.name not in self.down

    async def told(self, _episode: Episode, hook: str, what: str) -> None:
        if self.fails:
            self.fails = False
            raise RuntimeError("the ledger's thread has gone")
        self.kept.append((hook, what))

    def dispatcher(self, *hooks: Hook) -> HookDispatcher:
        return HookDispatcher(self.carry, self.told, lambda: self.now, hooks)


@pytest.fixture
def world() -> World:
    return World()


@contextlib.asynccontextmanager
async def running(one: HookDispatcher) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(one.run())
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until(probe: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not probe():  # noqa: ASYNC110  # the other tasks of this loop bring it about
            await asyncio.sleep(0.005)


def hooked(episode: Episode, **told: str) -> Episode:
    return msgspec.structs.replace(episode, hooked=told)


@pytest.mark.parametrize(
    ("episode", "told", "expected"),
    [
        pytest.param(MILD, "", [("opened", "20.00")], id="it opens"),
        pytest.param(MILD, "20.00", [], id="told already"),
        pytest.param(GRAVE, "20.00", [("escalated", "5.00")], id="it gets graver"),
        pytest.param(GRAVE, "", [("opened", "5.00")], id="graver before the hook has heard of it"),
        pytest.param(OVER, "5.00", [("resolved", "resolved")], id="it is over"),
        pytest.param(OVER, "20.00", [("escalated", "5.00"), ("resolved", "resolved")], id="graver and over"),
        pytest.param(OVER, "", [("opened", "5.00"), ("resolved", "resolved")], id="all of it at once"),
        pytest.param(OVER, "resolved", [], id="told to its end"),
        pytest.param(HAPPENED, "", [("opened", "resolved")], id="what happens has no end of its own"),
        pytest.param(MILD, None, [], id="no business of this hook"),
    ],
)
def test_what_a_hook_is_still_to_be_told(episode: Episode, told: str | None, expected: list[tuple[str, str]]) -> None:
    assert [(delivery.event, delivery.what) for delivery in pending_deliveries(episode, told)] == expected


def test_who_hears_of_an_episode_is_decided_when_it_opens_or_gets_graver() -> None:
    files = Hook(name="files", command=("/bin/cat",), rules=("file",))

    opened = with_pending_hooks(None, MILD, (CHAT, files))
    assert opened.hooked == {"chat": ""}
    # One that was set up meanwhile hears of it when there is news.
    assert with_pending_hooks(opened, msgspec.structs.replace(opened, told=SINCE), (CHAT, LOG)).hooked == {"chat": ""}
    told = hooked(MILD, chat="20.00")
    assert with_pending_hooks(told, hooked(GRAVE, chat="20.00"), (CHAT, LOG)).hooked == {"chat": "20.00", "log": ""}


async def test_events_come_in_their_order_and_a_hook_that_is_down_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook_dispatcher, "FIRST_RETRY_S", 0.02)
    one = world.dispatcher(CHAT, LOG)
    world.down = {"chat"}
    async with running(one):
        one.follow([hooked(MILD, chat="", log="")])
        one.follow([hooked(GRAVE, chat="", log="20.00")])
        await until(lambda: len(world.got) == 2)
        assert world.got == [("log", "opened", "20.00"), ("log", "escalated", "5.00")]

        world.down.clear()
        await until(lambda: len(world.got) == 4)

    assert world.got[2:] == [("chat", "opened", "20.00"), ("chat", "escalated", "5.00")]
    assert [what for name, what in world.kept if name == "chat"] == ["20.00", "5.00"]


async def test_the_waits_between_tries_grow_up_to_the_longest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook_dispatcher, "LONGEST_RETRY_S", 40.0)
    waits: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        if seconds:
            waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    one = world.dispatcher(CHAT)
    world.down = {"chat"}
    one.follow([hooked(MILD, chat="")])
    async with running(one):
        async with asyncio.timeout(5):
            while len(waits) < 6:
                await sleep(0.001)

    assert waits[:6] == [5, 10, 20, 40, 40, 40]


async def test_a_state_that_lasts_is_told_however_late_and_what_is_over_for_a_day(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.now = SINCE + 72 * HOUR
    one = world.dispatcher(CHAT)
    # As after a restart: two days of which the hook, or the computer, was down.
    one.follow([hooked(GRAVE, chat=""), hooked(HAPPENED, chat="")])
    await one.once()

    assert world.got == [("chat", "opened", "5.00")]
    assert caplog.messages == []


async def test_what_is_over_before_a_hook_was_back_for_a_day_is_let_go_and_the_log_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    one = world.dispatcher(CHAT)
    world.down = {"chat"}
    one.follow([hooked(GRAVE, chat="")])
    one.follow([hooked(OVER, chat="")])
    await one.once()
    world.now = SINCE + 30 * HOUR
    world.down.clear()
    await one.once()

    assert world.got == []
    assert world.kept == [("chat", "5.00"), ("chat", "resolved")]
    assert caplog.messages == [
        "hook 'chat' did not take it for a day, and it is over: opened, Balance",
        "hook 'chat' did not take it for a day, and it is over: resolved, Balance",
    ]


async def test_back_at_a_milder_level_and_graver_again_is_news_twice(world: World) -> None:
    again = msgspec.structs.replace(GRAVE, reached=SINCE + 2 * HOUR)
    one = world.dispatcher(CHAT)

    for episode in (hooked(GRAVE, chat=""), hooked(GRAVE, chat="5.00"), hooked(again, chat="20.00")):
        one.follow([episode])
        await one.once()

    assert [event for _, event, _ in world.got] == ["opened", "escalated"]


async def test_the_next_episode_of_an_id_is_told_beside_the_one_that_ended(world: World) -> None:
    second = msgspec.structs.replace(MILD, since=SINCE + 2 * HOUR + timedelta(minutes=5))
    one = world.dispatcher(CHAT)
    one.follow([hooked(OVER, chat="5.00")])
    one.follow([hooked(second, chat="")])
    await one.once()

    assert [event for _, event, _ in world.got] == ["resolved", "opened"]


async def test_a_fault_ends_the_run_and_the_next_one_loses_nothing(world: World) -> None:
    one = world.dispatcher(CHAT)
    world.fails = True
    one.follow([hooked(MILD, chat="")])

    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError, match="thread has gone"):
            await one.run()

    async with running(one):
        await until(lambda: world.kept)
    assert world.kept == [("chat", "20.00")]
    # It has been taken: only the ledger is still to be told.
    assert world.got == [("chat", "opened", "20.00")]


async def test_hooks_that_are_changed_or_taken_out_while_one_hangs(world: World) -> None:
    one = world.dispatcher(CHAT, LOG)
    world.stuck = {"chat"}
    async with running(one):
        one.follow([hooked(MILD, chat="", log="")])
        await until(lambda: world.got)

        one.hooks = (LOG,)
        one.follow([hooked(GRAVE, chat="", log="20.00")])
        await until(lambda: len(world.got) == 2)

        world.stuck.clear()
        one.hooks = (CHAT, LOG)
        one.follow([hooked(OVER, chat="", log="5.00")])
        await until(lambda: len(world.got) == 5)

    assert [event for name, event, _ in world.got if name == "log"] == ["opened", "escalated", "resolved"]
    # What it had not heard of before it was taken out follows from the episode.
    assert [event for name, event, _ in world.got if name == "chat"] == ["opened", "resolved"]
