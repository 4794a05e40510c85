"""From the ledger's changes to what is shown: stored before told, told once, nothing lost on the way."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.alerts.story import START, coverage, job
from trayd.alert_settings import Alerts, Hook, QuietHours
from trayd.alerts import hook_dispatcher, outbox
from trayd.alerts.delivery import Deliverer, Outcome
from trayd.alerts.hooks import Hooks
from trayd.alerts.notice import Notice
from trayd.alerts.rules import BackfillDone, FileRejected, Observed, ReportMade, reports_made
from trayd.alerts.watch import Watch
from trayd.episodes import Episode
from trayd.errors import LedgerFullError
from trayd.facts import AccountFact
from trayd.money import Money
from trayd.operations.alerts import as_they_stand
from trayd.records import BalanceReading, Generation
from trayd.settings import Settings

STOCKHOLM = ZoneInfo("Europe/Stockholm")


class Desk(Deliverer):
    """A screen that notes what it shows; ``takes`` says what becomes of it."""

    def __init__(self) -> None:
        super().__init__(print)
        self.shown: list[Notice] = []
        self.takes = Outcome.DESKTOP
        self.while_showing: Callable[[], object] = lambda: None
        self.turns = 0

    async def show(self, notice: Notice) -> Outcome:
        await asyncio.sleep(0)
        self.while_showing()
        for _ in range(self.turns):
            await asyncio.sleep(0)
        if self.takes is not Outcome.LATER:
            self.shown.append(notice)
        return self.takes

    @property
    def titles(self) -> list[str]:
        return [notice.title for notice in self.shown]


class Receivers(Hooks):
    """Hooks that note what they are handed; ``down`` are the names of those that cannot be reached."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[tuple[str, str, str, str]] = []
        self.down: set[str] = set()

    async def carry(self, hook: Hook, episode: Episode, event: str) -> bool:
        await asyncio.sleep(0)
        if hook.name not in self.down:
            self.got.append((hook.name, event, episode.rule, episode.level))
        return hook.name not in self.down


class World:
    """A ledger's worth of observations, on which daemons come and go. Episodes live as bytes, as on a disk."""

    def __init__(self) -> None:
        self.now = START
        self.content = b"{}"
        self.balance: str | None = None
        self.generations: tuple[Generation, ...] = ()
        self.full = False
        self.slow_looks = 0
        self.paused_until: datetime | None = None
        self.accounts: tuple[AccountFact, ...] = ()
        self.settings = Settings(locale="en_US", time_zone="Europe/Stockholm")
        self.desk = Desk()
        self.hooks = Receivers()
        self.ended: list[Episode] = []

    @property
    def episodes(self) -> dict[str, Episode]:
        return msgspec.json.decode(self.content, type=dict[str, Episode])

    def observed(self, now: datetime) -> Observed:
        left = self.balance
        return Observed(
            at=now,
            zone=STOCKHOLM,
            balances={} if left is None else {"northwind": BalanceReading("northwind", now, Money.of(left))},
            accounts=self.accounts,
            coverage={"northwind": coverage()},
            generations=self.generations,
            episodes=self.episodes,
            paused_until=self.paused_until,
        )

    async def look(self, now: datetime, decide: Callable[[Observed], Sequence[Episode]]) -> None:
        await asyncio.sleep(0)
        self.store(decide(self.observed(now)))
        for _ in range(self.slow_looks):
            await asyncio.sleep(0)

    async def amend(self, change: Callable[[Mapping[str, Episode]], Sequence[Episode]]) -> None:
        await asyncio.sleep(0)
        self.store(change(self.episodes))

    def store(self, episodes: Sequence[Episode]) -> None:
        if self.full and episodes:
            raise LedgerFullError("there is no room on the disk", "make room")
        self.ended += [one for one in episodes if one.resolved]
        self.content = msgspec.json.encode(self.episodes | {episode.id: episode for episode in episodes})

    def snooze(self, name: str, until: datetime) -> None:
        self.store([msgspec.structs.replace(self.episodes[name], snoozed_until=until)])

    def daemon(self) -> Watch:
        return Watch(
            self.settings,
            door=self,
            deliverer=self.desk,
            hooks=self.hooks,
            clock=lambda: self.now,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Watch]:
        watch = self.daemon()
        task = asyncio.create_task(watch.run())
        yield watch
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(outbox, "GATHER_S", 0.01)
    monkeypatch.setattr(outbox, "RETRY_S", 0.05)
    return World()


async def settled(probe: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not probe():  # noqa: ASYNC110 - the parts under test have no event for this
            await asyncio.sleep(0.005)


async def some_time() -> None:
    """Long enough for anything that is wrongly told to be told."""
    await asyncio.sleep(0.15)


async def test_a_warning_is_stored_then_told_then_marked_as_told(world: World) -> None:
    stored: list[bool] = []
    world.desk.while_showing = lambda: stored.append(world.episodes["balance:northwind"].told is None)
    world.balance = "4"
    async with world.running() as watch:
        await watch.check()
        await settled(lambda: world.desk.shown and world.episodes["balance:northwind"].told)

    assert stored == [True]
    assert world.desk.titles == ["Balance under $5.00 (northwind)"]
    assert world.desk.shown[0].actions[0] == ("Add credits", "open:billing")


@pytest.mark.parametrize(("name", "called"), [("studio", "studio"), ("default", "northwind")])
async def test_an_account_is_called_as_everywhere_else(world: World, name: str, called: str) -> None:
    world.accounts = (AccountFact(name=name, username="northwind", state="ok"),)
    world.balance = "4"
    async with world.running() as watch:
        await watch.check()
        await watch.tell(BackfillDone("northwind", "1 generation, $0.40, since 3 Nov"))
        await settled(lambda: len(world.desk.shown) > 1)

    assert world.desk.titles == [f"Balance under $5.00 ({called})", f"trayd has read your history ({called})"]
    assert all(notice.body.startswith(f"fal account {called} has ") for notice in world.desk.shown)
    assert world.episodes["balance:northwind"].account == "northwind", "programs are told the ledger's name"


async def test_looking_again_and_starting_again_tell_nothing_again(world: World) -> None:
    world.balance, world.generations = "4", (job(),)
    for _ in range(3):
        async with world.running() as watch:
            await watch.check()
            await watch.check()
            await some_time()

    assert world.desk.titles == ["Balance under $5.00 (northwind)", "Expensive generation: $6.40"]


async def test_what_was_stored_and_not_told_before_a_kill_is_told_at_the_next_start(world: World) -> None:
    world.balance, world.generations = "4", (job(),)
    await world.daemon().check()
    assert world.desk.shown == []

    async with world.running():
        await some_time()

    assert world.desk.titles == ["Balance under $5.00 (northwind)", "Expensive generation: $6.40"]


async def test_an_event_that_nobody_heard_of_for_a_day_is_no_news_but_a_state_is(world: World) -> None:
    world.balance, world.generations = "4", (job(),)
    await world.daemon().check()
    world.now += timedelta(hours=25)

    async with world.running():
        await some_time()

    assert world.desk.titles == ["Balance under $5.00 (northwind)"]


async def test_a_notification_service_that_comes_late_gets_what_waited(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world.desk.takes = Outcome.LATER
    world.balance = "4"
    async with world.running() as watch:
        await watch.check()
        await some_time()
        assert world.episodes["balance:northwind"].told is None

        world.desk.takes = Outcome.DESKTOP
        await settled(lambda: world.desk.shown)

    assert [record.message for record in caplog.records] == [
        f"Balance under $5.00 (northwind): {world.episodes['balance:northwind'].text}"
    ]


async def test_a_warning_that_no_desktop_took_for_a_day_is_left_to_log_and_status(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "GIVE_UP_S", 0.1)
    world.desk.takes = Outcome.LATER
    world.balance = "4"
    async with world.running() as watch:
        await watch.check()
        await settled(lambda: world.episodes["balance:northwind"].told)

    assert world.episodes["balance:northwind"].resolved is None


async def test_without_a_desktop_the_log_is_enough(world: World) -> None:
    world.desk.takes = Outcome.LOG
    world.balance = "4"
    async with world.running() as watch:
        await watch.check()
        await settled(lambda: world.episodes["balance:northwind"].told)


async def test_a_recovery_takes_back_what_was_not_told_yet(world: World) -> None:
    world.desk.takes = Outcome.LATER
    world.balance = "4"
    async with world.running() as watch:
        await watch.check()
        await some_time()
        world.balance = "50"
        await watch.check()
        world.desk.takes = Outcome.DESKTOP
        await some_time()
        assert world.desk.shown == []

        world.balance = "4"
        await watch.check()
        await settled(lambda: world.desk.shown)


@pytest.mark.parametrize("turns", range(12))
async def test_an_escalation_while_the_milder_warning_is_being_shown_is_told_too(world: World, turns: int) -> None:
    """At whatever turn of the loop it falls: before, while or after the milder one is marked as told."""
    world.desk.turns = turns
    world.balance = "19"
    async with world.running() as watch:
        checks: list[asyncio.Task[None]] = []

        def fall() -> None:
            if world.balance == "19":
                world.balance = "4"
                checks.append(asyncio.create_task(watch.check()))

        world.desk.while_showing = fall
        await watch.check()
        await settled(lambda: len(world.desk.shown) == 2 and world.episodes["balance:northwind"].told)
        await asyncio.gather(*checks)

    assert world.desk.titles == ["Balance under $20.00 (northwind)", "Balance under $5.00 (northwind)"]
    assert world.episodes["balance:northwind"].level == "5.00"


async def test_a_pause_holds_the_desktop_back_and_its_end_tells_in_a_digest(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.balance = "4"
    world.paused_until = world.now + timedelta(hours=1)
    async with world.running() as watch:
        await watch.check()
        await some_time()
        assert world.desk.shown == []
        assert caplog.messages[0].startswith("Balance under $5.00 (northwind)")
        assert world.episodes["balance:northwind"].resolved is None

        world.paused_until = world.now = world.now + timedelta(minutes=10)
        await watch.check()
        await settled(lambda: world.desk.shown)

    assert world.desk.titles == ["While it was quiet: Balance under $5.00 (northwind)"]


async def test_a_pause_ends_by_itself(world: World) -> None:
    world.balance = "4"
    world.paused_until = world.now + timedelta(milliseconds=50)
    async with world.running() as watch:
        await watch.check()
        world.now += timedelta(milliseconds=50)
        await settled(lambda: world.desk.shown)


async def test_a_burst_is_one_summary_with_the_gravest_first(world: World) -> None:
    world.balance = "4"
    world.generations = tuple(job(str(6 + n), id=f"r{n}", request_id=f"r{n}") for n in range(6))
    async with world.running() as watch:
        await watch.check()
        await settled(lambda: world.desk.shown)
        await some_time()

    (notice,) = world.desk.shown
    assert notice.title == "Balance under $5.00 (northwind), and 6 more warnings"
    assert notice.body.splitlines() == [
        world.episodes["balance:northwind"].text,
        "Expensive generation: $6.00",
        "Expensive generation: $7.00",
        "Expensive generation: $8.00",
        "and 3 more: trayd alerts names them",
    ]
    assert (notice.urgency, notice.actions[0]) == ("critical", ("Add credits", "open:billing"))
    assert all(episode.told for episode in world.episodes.values())


async def test_many_rejected_files_are_one_notice(world: World) -> None:
    rejected = [
        FileRejected(f"{n}.csv", f"{n}.csv was not taken in", f"{n}.csv: no header; add one", START) for n in range(50)
    ]
    async with world.running() as watch:
        await watch.tell(*rejected)
        await settled(lambda: world.desk.shown)

    (notice,) = world.desk.shown
    assert notice.title == "50 files were not, or not wholly, taken in"
    assert notice.actions == (("Open drop folder", "open:drop"),)


async def test_the_end_of_the_first_poll_is_told_once(world: World) -> None:
    done = BackfillDone("default", "1 generation, $0.40, since 3 November")
    async with world.running() as watch:
        await watch.tell(done)
        await watch.tell(done)
        await some_time()

    (notice,) = world.desk.shown
    assert notice.body == "Your fal account has 1 generation, $0.40, since 3 November."


async def test_a_full_disk_keeps_no_warning_back_and_repeats_none(world: World) -> None:
    world.full = True
    world.balance = "4"
    async with world.running() as watch:
        await watch.check()
        await settled(lambda: world.desk.shown)
        await watch.check()
        await some_time()
        assert world.desk.titles == ["Balance under $5.00 (northwind)"]

        world.full = False
        await watch.check()
        await settled(lambda: world.episodes)

    assert world.episodes["balance:northwind"].told


async def test_once_looks_tells_and_returns(world: World) -> None:
    world.balance = "4"

    await world.daemon().once()
    await world.daemon().once()

    assert world.desk.titles == ["Balance under $5.00 (northwind)"]


async def test_back_at_the_level_that_was_told_nothing_is_told_again_though_the_graver_one_was_not(
    world: World,
) -> None:
    async with world.running() as watch:
        world.balance = "19"
        await watch.check()
        await settled(lambda: world.desk.shown and world.episodes["balance:northwind"].told)
        world.paused_until = world.now + timedelta(hours=1)
        for world.balance in ("4", "12"):
            await watch.check()
        world.now += timedelta(hours=2)
        await watch.check()
        await some_time()

    assert world.desk.titles == ["Balance under $20.00 (northwind)"]


async def test_a_look_that_began_before_the_notice_was_taken_tells_nothing_again(world: World) -> None:
    world.balance = "14.20"
    world.desk.turns = 20
    async with world.running() as watch:
        looking: list[asyncio.Task[None]] = []
        world.desk.while_showing = lambda: looking.append(asyncio.create_task(watch.check()))
        world.slow_looks = 40
        await settled(lambda: world.desk.shown and world.episodes["balance:northwind"].told)
        await some_time()

    assert looking
    assert world.desk.titles == ["Balance under $20.00 (northwind)"]


async def test_what_came_and_went_in_quiet_hours_is_told_as_over_after_them_and_after_a_restart(world: World) -> None:
    world.settings = Settings(
        locale="en_US",
        time_zone="Europe/Stockholm",
        alerts=Alerts(quiet_hours=QuietHours(since="22:00", until="07:00", critical=False)),
    )
    world.now = datetime(2026, 11, 20, 22, 30, tzinfo=STOCKHOLM).astimezone(UTC)
    async with world.running() as watch:
        world.balance = "4"
        await watch.check()
        world.now += timedelta(minutes=45)
        world.balance = "50"
        await watch.check()
        await some_time()
        assert world.desk.shown == []

    world.now = datetime(2026, 11, 21, 7, 5, tzinfo=STOCKHOLM).astimezone(UTC)
    async with world.running():
        await settled(lambda: world.desk.shown)
    async with world.running():
        await some_time()

    (notice,) = world.desk.shown
    assert notice.title == "While it was quiet: Balance under $5.00 (northwind)"
    assert notice.body == "From 20 Nov 22:30 to 23:15; it is over by now."


async def test_a_snoozed_alert_is_told_again_if_it_still_lasts_and_a_graver_level_at_once(world: World) -> None:
    world.balance = "19"
    async with world.running() as watch:
        await watch.check()
        await settled(lambda: world.desk.shown and world.episodes["balance:northwind"].told)
        world.snooze("balance:northwind", world.now + timedelta(hours=1))
        world.balance = "18"
        await watch.check()
        await some_time()
        assert len(world.desk.shown) == 1

        world.now += timedelta(hours=1)
        await watch.check()
        await settled(lambda: len(world.desk.shown) == 2 and world.episodes["balance:northwind"].told)
        assert "$18.00" in world.desk.shown[-1].body
        assert world.episodes["balance:northwind"].snoozed_until is None

        world.snooze("balance:northwind", world.now + timedelta(hours=1))
        world.balance = "4"
        await watch.check()
        await settled(lambda: len(world.desk.shown) == 3)

    assert world.desk.titles == [
        "Balance under $20.00 (northwind)",
        "Balance under $20.00 (northwind)",
        "Balance under $5.00 (northwind)",
    ]


async def test_more_than_so_many_in_an_hour_wait_and_come_as_one_summary(world: World) -> None:
    world.settings = Settings(locale="en_US", time_zone="UTC", alerts=Alerts(most_per_hour=1))
    async with world.running() as watch:
        for number in range(3):
            world.generations += (job(str(6 + number), id=f"r{number}", request_id=f"r{number}"),)
            await watch.check()
            await some_time()
        assert len(world.desk.shown) == 1
        world.balance = "4"
        await watch.check()
        await settled(lambda: len(world.desk.shown) == 2)
        world.balance = None

    world.now += timedelta(minutes=61)
    async with world.running():
        await settled(lambda: len(world.desk.shown) == 3)

    assert world.desk.titles == [
        "Expensive generation: $6.00",
        "Balance under $5.00 (northwind)",
        "2 expensive generations",
    ]


async def test_a_limit_that_is_raised_lets_out_at_once_what_waited_for_room(world: World) -> None:
    world.settings = Settings(locale="en_US", time_zone="UTC", alerts=Alerts(most_per_hour=0))
    world.balance = "19"
    async with world.running() as watch:
        await watch.check()
        await some_time()
        assert world.desk.shown == []

        watch.settings = Settings(locale="en_US", time_zone="UTC")
        await settled(lambda: world.desk.shown)


async def test_what_waited_for_room_and_was_over_before_there_was_any_is_told_as_over(world: World) -> None:
    world.settings = Settings(locale="en_US", time_zone="UTC", alerts=Alerts(most_per_hour=1))
    world.now = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    world.generations = (job(timestamp=world.now),)
    async with world.running() as watch:
        await settled(lambda: world.desk.shown)
        world.now += timedelta(minutes=5)
        world.balance = "19"
        await watch.check()
        world.now += timedelta(minutes=15)
        world.balance = "50"
        await watch.check()
        await some_time()
        assert world.desk.titles == ["Expensive generation: $6.40"]

    world.now += timedelta(minutes=41)
    for _ in range(2):
        async with world.running():
            await some_time()

    assert world.desk.titles[1:] == ["Meanwhile: Balance under $20.00 (northwind)"]
    assert world.desk.shown[1].body == "From 10:05 to 10:20; it is over by now."


async def test_what_is_over_and_waited_for_quiet_hours_is_told_though_these_are_taken_out_of_the_settings(
    world: World,
) -> None:
    world.settings = Settings(
        locale="en_US", time_zone="UTC", alerts=Alerts(quiet_hours=QuietHours(since="22:00", until="07:00"))
    )
    world.now = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
    async with world.running() as watch:
        for world.balance in ("19", "50"):
            await watch.check()
            world.now += timedelta(minutes=10)
        watch.settings = Settings(locale="en_US", time_zone="UTC")
        await watch.check()
        await settled(lambda: world.desk.shown)

    assert world.desk.titles == ["Meanwhile: Balance under $20.00 (northwind)"]


async def test_an_episode_that_ended_on_a_full_disk_is_kept_beside_the_next_one_of_its_id(world: World) -> None:
    world.full = True
    async with world.running() as watch:
        for world.balance in ("4", "50", "3"):
            world.now += timedelta(minutes=2)
            await watch.check()
            await some_time()
        world.full = False
        await watch.check()
        await settled(lambda: world.episodes)

    assert len(world.desk.shown) == 2
    assert [(one.id, one.since) for one in world.ended] == [("balance:northwind", START + timedelta(minutes=2))]


async def test_hooks_hear_of_each_change_in_order_also_in_a_pause_and_one_that_is_down_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook_dispatcher, "FIRST_RETRY_S", 0.05)
    hooks = (Hook(name="log", command=("/bin/cat",)), Hook(name="chat", command=("/bin/cat",), rules=("balance",)))
    world.settings = Settings(locale="en_US", time_zone="UTC", hook=hooks)
    world.paused_until = world.now + timedelta(days=1)
    world.hooks.down = {"chat"}
    changes = [("opened", "20.00"), ("escalated", "5.00"), ("resolved", "5.00")]

    async with world.running() as watch, serving_hooks(watch):
        for world.balance in ("19", "4", "50"):
            world.now += timedelta(minutes=2)
            await watch.check()
        await settled(lambda: len(world.hooks.got) == 3)
        assert world.hooks.got == [("log", event, "balance", level) for event, level in changes]

    world.hooks.got.clear()
    world.hooks.down.clear()
    async with world.running() as watch, serving_hooks(watch):
        await settled(lambda: len(world.hooks.got) == 2)
        await some_time()

    # What a hook did not hear of before the restart is told as it stands by then.
    assert world.hooks.got == [("chat", "opened", "balance", "5.00"), ("chat", "resolved", "balance", "5.00")]


async def test_what_is_shown_of_an_alert_that_lasts_is_what_is_so_now_and_the_history_what_was_told(
    world: World,
) -> None:
    reworded: list[None] = []
    async with world.running() as watch:
        watch._on_reworded = lambda: reworded.append(None)
        for world.balance in ("4", "4", "1.94"):
            await watch.check()
            await settled(lambda: world.episodes["balance:northwind"].told)
        (shown,) = as_they_stand(world.episodes.values(), watch.present)
        assert "$1.94" in shown.text
        assert "$4.00" in world.episodes["balance:northwind"].text
        assert len(reworded) == 1

        world.balance = "50"
        await watch.check()
        (over,) = as_they_stand(world.episodes.values(), watch.present)
        assert "$4.00" in over.text
        assert watch.present == {}


async def test_who_is_cancelled_between_storing_and_following_leaves_nothing_behind(world: World) -> None:
    """A change of the settings cancels polls, one of which may be telling of a first poll that is complete."""
    world.settings = Settings(locale="en_US", hook=(Hook(name="log", command=("/bin/cat",)),))
    stored = asyncio.Event()

    class SlowToAnswer(World):
        async def look(self, now: datetime, decide: Callable[[Observed], Sequence[Episode]]) -> None:
            changed = decide(world.observed(now))
            world.store(changed)
            if changed:
                stored.set()
            await asyncio.sleep(0.05)

    async with world.running() as watch, serving_hooks(watch):
        await watch.check()
        watch._door = SlowToAnswer()
        telling = asyncio.create_task(watch.tell(BackfillDone("default", "1 generation")))
        await stored.wait()
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        assert telling.cancelled()
        watch._door = world
        await settled(lambda: world.hooks.got)

    assert world.hooks.got == [("log", "opened", "backfill", "")]


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_report_that_nobody_is_to_hear_of_is_kept_and_told_to_nobody(world: World, wanted: bool) -> None:
    off = () if wanted else ("report",)
    world.settings = Settings(locale="en_US", hook=(Hook(name="log", command=("/bin/cat",)),), alerts=Alerts(off=off))
    made = report_made("Northwind")
    async with world.running() as watch, serving_hooks(watch):
        await watch.tell(made)
        await watch.tell(made)
        await some_time()
    # What is switched on again is no news for that.
    world.settings = msgspec.structs.replace(world.settings, alerts=Alerts())
    async with world.running() as watch, serving_hooks(watch):
        await watch.tell(made)
        await some_time()

    assert world.desk.titles == ["Report for Northwind, October 2026"] * wanted
    assert world.hooks.got == [("log", "opened", "report", "")] * wanted
    assert reports_made(world.episodes.values(), "monthly") == {"2026-10": {"Northwind"}}
    assert reports_made(world.episodes.values(), "month") == {}


async def test_what_is_kept_survives_a_kill_and_is_told_together_once_all_of_it_has_happened(world: World) -> None:
    world.settings = Settings(locale="en_US", hook=(Hook(name="log", command=("/bin/cat",)),))
    made = [report_made(client) for client in ("Acme", "Northwind")]
    async with world.running() as watch, serving_hooks(watch):
        for one in made:
            await watch.keep(one)
            await watch.check()
            await some_time()
        assert world.desk.titles == []
        assert world.hooks.got == [("log", "opened", "report", "")] * 2
        assert reports_made(world.episodes.values(), "monthly") == {"2026-10": {"Acme", "Northwind"}}
        await watch.tell(*made)
        await settled(lambda: world.desk.titles)
        await watch.keep(report_made("Lumen"))
    assert world.desk.titles == ["2 reports are ready"]

    # trayd was killed before that one could be told of.
    async with world.running():
        await settled(lambda: len(world.desk.titles) == 2)
    assert world.desk.titles[1:] == ["Report for Lumen, October 2026"]


def report_made(client: str) -> ReportMade:
    return ReportMade(
        schedule="monthly",
        client=client,
        period="2026-10",
        first=date(2026, 10, 1),
        last=date(2026, 10, 31),
        files=("r.html",),
        folder="/reports",
        cost=None,
        billed=True,
    )


@contextlib.asynccontextmanager
async def serving_hooks(watch: Watch) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.run_hooks())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
