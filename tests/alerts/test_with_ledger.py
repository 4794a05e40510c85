"""The watch on a real ledger in real files: what it reads there, and what it leaves there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from tests.alerts.story import START, coverage
from tests.alerts.test_watch import Desk
from trayd.alerts import outbox
from trayd.alerts.hooks import Hooks
from trayd.alerts.imports import quietly
from trayd.alerts.watch import Watch
from trayd.episodes import Episode
from trayd.facts import AccountFact, Batch, BillingFact, BillingRow, EventFact
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.money import Money
from trayd.operations.alerts import AlertsQuery, listed_alerts
from trayd.operations.operations import Operations
from trayd.records import BalanceReading, Estimate
from trayd.service.alert_door import AlertDoor
from trayd.settings import Account, Paths, Settings

T = TypeVar("T")

ENDPOINT = "fal-ai/kling-video/v3/pro/text-to-video"
ACCOUNT = AccountFact(name="studio", state="ok", username="northwind", as_of=START)


@contextmanager
def opened(home: Path) -> Iterator[Ledger]:
    paths = LedgerPaths(ledger=home / "ledger", backup=home / "backup")
    with closing(Ledger.open(paths, base_url=None, holder="a test", clock=lambda: START)) as ledger:
        yield ledger


class Host:
    """What the door to the ledger needs of a daemon."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations

    async def on_ledger(self, work: Callable[[Operations], T]) -> T:
        await asyncio.sleep(0)
        return work(self.operations)

    def wrote(self, version: int, trouble: str = "") -> None:
        assert version == self.operations.ledger.version
        self.operations.ledger_trouble = trouble


def watching(ledger: Ledger, desk: Desk, now: datetime, names: tuple[str, ...]) -> Watch:
    settings = Settings(locale="en_US", time_zone="UTC", account=tuple(Account(name=name) for name in names))
    operations = Operations(ledger, settings, Paths.under(Path.cwd() / "no home"), lambda: now)
    return Watch(settings, door=AlertDoor(Host(operations)), deliverer=desk, hooks=Hooks(), clock=lambda: now)


async def told_in(ledger: Ledger, now: datetime = START, names: tuple[str, ...] = ("studio",)) -> list[str]:
    """What a daemon tells that looks at the ledger once."""
    desk = Desk()
    await watching(ledger, desk, now, names).once()
    return desk.titles


def event(request_id: str, cost: str, *, ago: timedelta = timedelta(minutes=5)) -> EventFact:
    at = START - ago
    return EventFact(
        digest=f"digest of {request_id}",
        time=at,
        endpoint_id=ENDPOINT,
        request_id=request_id,
        account="studio",
        estimate=Estimate(Money.of(cost), at),
    )


def bill(request_id: str, dollars: int) -> BillingFact:
    row = BillingRow(timestamp=START - timedelta(minutes=5), endpoint_id=ENDPOINT, total_nanos=dollars * 1_000_000_000)
    return BillingFact(request_id=request_id, account="northwind", fetched_at=START, rows=(row,))


async def test_a_day_of_warnings_survives_every_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        low = BalanceReading("northwind", START, Money.of("4.32"))
        ledger.add(Batch(accounts=(ACCOUNT,), coverage=(coverage(),), balances=(low,), events=(event("r1", "6.40"),)))
        assert await told_in(ledger) == ["Balance under $5.00 (studio)", "Expensive generation: $6.40"]

    with opened(tmp_path) as ledger:
        ledger.add(Batch(billing=(bill("r1", 7), bill("r2", 9))))
        assert await told_in(ledger, START + timedelta(minutes=2)) == ["Expensive generation: $9.00"]
        ledger.add(Batch(balances=(BalanceReading("northwind", START + timedelta(hours=1), Money.of(48)),)))
        assert await told_in(ledger, START + timedelta(hours=1)) == []
        assert ledger.episodes()["balance:northwind"].resolved == START + timedelta(hours=1)


async def test_the_chunks_of_a_first_poll_that_still_runs_are_not_told(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.add(Batch(accounts=(ACCOUNT,), billing=(bill("r1", 40), bill("r2", 9))))

        assert await told_in(ledger) == []


async def test_an_imported_file_is_no_news_and_in_no_list_but_a_dropped_one_is(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.add(Batch(accounts=(ACCOUNT,), events=(event("dropped", "6.40"),)))
        with quietly(ledger, Settings().alerts, START):
            ledger.add(Batch(events=(event("imported", "12.00"), event("dropped", "6.40"))))

        assert await told_in(ledger) == ["Expensive generation: $6.40"]
        assert "expensive:imported" in ledger.episodes()
        listed = listed_alerts(ledger, Settings(), AlertsQuery(), START, {}, None)
        assert [alert.id for alert in listed.alerts] == ["expensive:dropped"]


async def test_jobs_that_come_in_with_two_imports_are_no_news_together_either(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.add(Batch(accounts=(ACCOUNT,), events=(event("dropped", "6.40"),)))
        for name in ("first", "second"):
            with quietly(ledger, Settings().alerts, START):
                ledger.add(Batch(events=(event(name, "4.50"),)))

        assert await told_in(ledger) == ["Expensive generation: $6.40"]


async def test_of_imported_jobs_only_a_bill_that_makes_one_expensive_is_news(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.add(Batch(accounts=(ACCOUNT,), coverage=(coverage(),)))
        with quietly(ledger, Settings().alerts, START):
            ledger.add(Batch(events=(event("cheap", "4.90"), event("dear", "6.40"))))
        assert await told_in(ledger) == []

        ledger.add(Batch(billing=(bill("cheap", 6), bill("dear", 7))))

        assert await told_in(ledger, START + timedelta(minutes=2)) == ["Expensive generation: $6.00"]


async def test_an_account_that_was_taken_out_of_the_settings_ends_its_warnings_silently(tmp_path: Path) -> None:
    refused = AccountFact(name="studio", state="bad_key", username="northwind", problem="refused", as_of=START)
    low = BalanceReading("northwind", START, Money.of("4.32"))
    with opened(tmp_path) as ledger:
        ledger.add(Batch(accounts=(refused,), balances=(low,)))
        assert sorted(await told_in(ledger)) == ["Balance under $5.00 (studio)", "fal refuses the key (studio)"]

        assert await told_in(ledger, START + timedelta(days=300), names=("agency",)) == []

        assert {episode.resolved for episode in ledger.episodes().values()} == {START + timedelta(days=300)}


async def test_a_balance_is_watched_as_long_as_one_name_of_its_account_is_set_up(tmp_path: Path) -> None:
    low = BalanceReading("northwind", START, Money.of("4.32"))
    spare = msgspec.structs.replace(ACCOUNT, name="spare")
    with opened(tmp_path) as ledger:
        ledger.add(Batch(accounts=(ACCOUNT, spare), balances=(low,)))

        assert await told_in(ledger, names=("spare",)) == ["Balance under $5.00 (spare)"]


async def test_a_month_that_cannot_be_read_is_told_and_ends_nothing_else(tmp_path: Path) -> None:
    low = BalanceReading("northwind", START, Money.of("4.32"))
    with opened(tmp_path) as ledger:
        ledger.add(Batch(accounts=(ACCOUNT,), coverage=(coverage(),), balances=(low,), events=(event("r1", "6.40"),)))
        await told_in(ledger)
        lasting = {name for name, each in ledger.episodes().items() if each.resolved is None}
    for path in (tmp_path / "ledger" / "2026-11.json", tmp_path / "backup" / "2026-11.jsonl"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)

    with opened(tmp_path) as ledger:
        assert await told_in(ledger) == ["The ledger is damaged"]
        assert await told_in(ledger) == []
        assert "2026-11" in ledger.episodes()["ledger:files"].text
        assert lasting <= {name for name, each in ledger.episodes().items() if each.resolved is None}


async def test_what_was_left_untold_of_an_account_that_is_no_more_stays_untold(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        left = Episode(
            id="account:studio", rule="account", scope="studio", since=START, title="refused", text="", level="bad_key"
        )
        ledger.add(Batch(accounts=(ACCOUNT,), episodes=(left,)))
        desk = Desk()

        watch = watching(ledger, desk, START, ("agency",))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * outbox.GATHER_S + 0.5):
                await watch.run()

        assert desk.titles == []
        assert ledger.episodes()["account:studio"].over
