"""Keeping the rates up to date: a real ledger, a real folder, real HTTP to the stand-in of the bank."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from tests.rates.conftest import HandClock, asked
from tests.rates.tables import day
from trayd.exchange_rates.store import open_rates, store_of
from trayd.facts import Batch
from trayd.fal.sandbox.faults import Fault
from trayd.fal.sandbox.options import SandboxOptions
from trayd.fal.sandbox.server import Sandbox, running_sandbox
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.money import Money
from trayd.pool_settings import Pool
from trayd.rate_settings import FixedRate, RatesSettings
from trayd.rates import Rate, RateSource
from trayd.records import ExternalCost
from trayd.service import rate_keeping
from trayd.service.rate_keeping import RateKeeping
from trayd.settings import Paths, Settings

T = TypeVar("T")


class Host:
    """A daemon as far as exchange rates go."""

    def __init__(self, home: Path, ledger: Ledger, clock: HandClock, url: str | None) -> None:
        self.settings = Settings()
        self.clock = clock
        self.trouble = ""
        self.changes = 0
        self._ledger = ledger
        paths = Paths.under(home)
        self.store = store_of(paths, url)
        self.rates = open_rates(paths, self.settings, url, clock)
        self.keeping = RateKeeping(self, self.store, url)

    def now(self) -> datetime:
        return self.clock()

    async def read(self, look: Callable[[Ledger], T]) -> T:
        return look(self._ledger)

    async def rates_fetched(self, trouble: str) -> None:
        self.trouble = trouble
        self.changes += 1
        self.rates.renew()

    def spend(self, amount: str, currency: str, when: date) -> None:
        cost = ExternalCost(
            id=f"{when}{amount}{currency}", date=when, description="x", amount=Money.of(amount, currency)
        )
        self._ledger.add(Batch(costs=(cost,)))

    def dollars(self, currency: str, when: date) -> Rate | None:
        return self.rates.converter(self.settings.home_currency).rate(currency, when)


@pytest.fixture
def ledger(home: Path, clock: HandClock) -> Iterator[Ledger]:
    folders = LedgerPaths(ledger=home / "ledger", backup=home / "backup")
    with closing(Ledger.open(folders, base_url=None, holder="a test", clock=clock)) as ledger:
        yield ledger


@pytest.fixture
def host(home: Path, ledger: Ledger, clock: HandClock, bank: Sandbox) -> Host:
    return Host(home, ledger, clock, bank.rates_url)


class TestWhatIsFetched:
    async def test_nothing_while_everything_is_in_the_home_currency(self, host: Host, bank: Sandbox) -> None:
        await host.keeping.refresh()
        host.spend("30", "USD", day("11-20"))
        await host.keeping.refresh()
        assert asked(bank) == []
        assert not host.store.folder.exists()

    async def test_the_recent_rates_when_the_first_amount_in_another_currency_comes(
        self, host: Host, bank: Sandbox
    ) -> None:
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        assert asked(bank) == ["eurofxref-hist-90d.xml 200"]
        rate = host.dollars("SEK", day("11-03"))
        told = dict(bank.rates.row(day("11-03")))
        assert rate is not None
        assert round(rate.factor, 20) == round(Decimal(told["USD"]) / Decimal(told["SEK"]), 20)
        assert (rate.published, rate.source, rate.last_known) == (day("11-03"), RateSource.ECB, False)

    async def test_the_whole_history_once_for_an_amount_that_is_older(self, host: Host, bank: Sandbox) -> None:
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        host.spend("20", "EUR", date(2019, 5, 6))
        await host.keeping.refresh()
        assert asked(bank) == ["eurofxref-hist-90d.xml 200", "eurofxref-hist.zip 200"]
        assert host.dollars("EUR", date(2019, 5, 6)) is not None
        host.spend("20", "EUR", date(2018, 5, 6))
        host.spend("20", "EUR", date(1998, 5, 6))
        await host.keeping.refresh()
        assert asked(bank) == []

    async def test_then_the_newest_day_and_only_once_it_is_out(
        self, host: Host, bank: Sandbox, clock: HandClock
    ) -> None:
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        assert len(asked(bank)) == 1
        for hours in (24, 20):  # Sunday, Monday morning
            clock.advance(hours=hours)
            await host.keeping.refresh()
        assert asked(bank) == []
        clock.moment = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
        await host.keeping.refresh()
        await host.keeping.refresh()
        assert asked(bank) == ["eurofxref-daily.xml 200"]
        assert host.store.table().span() == (day("08-24"), day("11-23"))

    async def test_after_some_days_away_the_recent_ones_and_after_long_the_whole(
        self, host: Host, bank: Sandbox, clock: HandClock
    ) -> None:
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        clock.advance(days=12)
        await host.keeping.refresh()
        clock.advance(days=100)
        await host.keeping.refresh()
        assert asked(bank) == [f"eurofxref-hist{name} 200" for name in ("-90d.xml", "-90d.xml", ".zip")]

    async def test_the_same_day_is_asked_for_again_without_being_sent_again(
        self, host: Host, bank: Sandbox, clock: HandClock, home: Path, ledger: Ledger
    ) -> None:
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        clock.moment = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
        await host.keeping.refresh()
        assert len(asked(bank)) == 2
        # The bank closes for once, unforeseen: on the day after, it still tells Monday's rates.
        bank.rates._clock = lambda: datetime(2026, 11, 23, 20, tzinfo=UTC)  # type: ignore[misc]
        clock.advance(days=1)
        await host.keeping.refresh()
        await Host(home, ledger, clock, bank.rates_url).keeping.refresh()
        assert asked(bank) == ["eurofxref-daily.xml 304", "eurofxref-daily.xml 304"]

    async def test_for_a_home_currency_that_fal_does_not_bill_in(self, host: Host, bank: Sandbox) -> None:
        host.settings = Settings(home_currency="SEK")
        host.spend("30", "USD", day("11-20"))
        await host.keeping.refresh()
        assert asked(bank) == ["eurofxref-hist-90d.xml 200"]

    async def test_for_a_shared_cost_that_only_the_settings_tell(self, host: Host, bank: Sandbox) -> None:
        host.settings = Settings(pool=(Pool(name="studio", amount=Decimal(90), currency="EUR", since=day("11-01")),))
        await host.keeping.refresh()
        assert asked(bank) == ["eurofxref-hist-90d.xml 200"]

    async def test_nothing_where_the_settings_say_so(self, host: Host, bank: Sandbox) -> None:
        host.settings = Settings(rates=RatesSettings(fetch=False))
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        assert asked(bank) == []

    async def test_nothing_where_all_is_fixed_for_ever(self, host: Host, bank: Sandbox) -> None:
        krona = FixedRate(from_="SEK", to="USD", rate=Decimal("0.1"))
        host.settings = Settings(rates=RatesSettings(fixed=(krona,)))
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        assert asked(bank) == []
        until = msgspec.structs.replace(krona, until=day("11-10"))
        host.settings = Settings(rates=RatesSettings(fixed=(until,)))
        await host.keeping.refresh()
        assert asked(bank) == ["eurofxref-hist-90d.xml 200"]

    async def test_nothing_without_an_address(self, home: Path, ledger: Ledger, clock: HandClock) -> None:
        host = Host(home, ledger, clock, None)
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        assert (host.trouble, host.store.folder.exists()) == ("", False)


class TestWhatGoesWrong:
    async def test_offline_the_last_known_rates_go_on_and_it_is_said(
        self, host: Host, bank: Sandbox, clock: HandClock
    ) -> None:
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        clock.advance(days=3, hours=8)
        bank.faults.inject(Fault(status=503, times=9))
        await host.keeping.refresh()
        assert "is refused (503)" in host.trouble
        rate = host.dollars("SEK", day("11-24"))
        assert rate is not None
        assert (rate.published, rate.source, rate.last_known) == (day("11-20"), RateSource.ECB, True)
        bank.faults.clear()
        await host.keeping.refresh()
        assert host.trouble == ""
        again = host.dollars("SEK", day("11-24"))
        assert again is not None
        assert (again.published, again.last_known) == (day("11-24"), False)

    async def test_while_it_runs_a_failure_is_followed_by_a_pause_that_grows(
        self, host: Host, bank: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rate_keeping, "USUAL", rate_keeping._IMPATIENT)
        monkeypatch.setattr(rate_keeping, "GATHER_S", 0.02)
        monkeypatch.setattr(rate_keeping, "_AFTER_FAILURE_S", 0.4)
        bank.faults.inject(Fault(status=404, times=99))
        host.spend("300", "SEK", day("11-03"))
        async with running(host):
            await until(lambda: host.trouble)
            for _ in range(20):
                host.keeping.look_soon()
                await asyncio.sleep(0.01)
            assert len(asked(bank)) == 1
            await until(lambda: len(bank.calls) >= 1)
            bank.faults.clear()
            await until(lambda: not host.trouble)
        assert host.dollars("SEK", day("11-03")).source is RateSource.ECB  # type: ignore[union-attr]

    async def test_a_damaged_file_is_moved_aside_and_its_rates_are_fetched_again(
        self, host: Host, bank: Sandbox, home: Path, ledger: Ledger, clock: HandClock
    ) -> None:
        host.spend("300", "SEK", day("11-03"))
        host.spend("300", "SEK", date(2024, 11, 4))
        await host.keeping.refresh()
        assert asked(bank) == ["eurofxref-hist.zip 200"]
        before = host.dollars("SEK", date(2024, 11, 4))
        path = host.store.folder / "2024.csv"
        path.write_text(path.read_text().replace("1", "2", 5))
        restarted = Host(home, ledger, clock, bank.rates_url)
        standing_in = restarted.dollars("SEK", date(2024, 11, 4))
        assert standing_in is not None
        assert standing_in.source is RateSource.BUNDLED
        await restarted.keeping.refresh()
        assert asked(bank) == ["eurofxref-hist.zip 200"]
        assert restarted.dollars("SEK", date(2024, 11, 4)) == before
        assert [each.name for each in host.store.folder.glob("2024.csv.damaged-*")]

    async def test_a_rate_that_was_used_is_not_changed_afterwards(
        self, host: Host, bank: Sandbox, clock: HandClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        before = host.dollars("SEK", day("11-03"))
        bank.rates.change(day("11-03"), "SEK", "9.99")
        clock.advance(days=5)
        await host.keeping.refresh()
        assert asked(bank)[-1] == "eurofxref-hist-90d.xml 200"
        assert host.dollars("SEK", day("11-03")) == before
        assert "SEK of 2026-11-03 is told as 9.99 now" in caplog.text

    async def test_a_rate_with_a_lost_decimal_point_is_left_out(
        self, host: Host, bank: Sandbox, clock: HandClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        bank.rates.change(day("11-23"), "SEK", "109600")
        clock.moment = datetime(2026, 11, 23, 20, tzinfo=UTC)
        await host.keeping.refresh()
        rate = host.dollars("SEK", day("11-23"))
        assert rate is not None
        assert rate.published == day("11-20")
        assert "it is left out" in caplog.text

    async def test_where_nothing_can_be_written_it_is_said_and_the_amounts_are_converted_as_before(
        self, host: Host, bank: Sandbox
    ) -> None:
        host.store.folder.parent.mkdir(parents=True)
        host.store.folder.write_text("in the way")
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        assert "cannot be written" in host.trouble
        assert host.dollars("SEK", day("11-03")).source is RateSource.BUNDLED  # type: ignore[union-attr]
        assert len(asked(bank)) == 1

    async def test_another_source_after_this_one_is_not_believed_where_it_contradicts(
        self, host: Host, home: Path, ledger: Ledger, clock: HandClock
    ) -> None:
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        known = host.dollars("SEK", day("11-03"))
        clock.advance(days=5)
        with running_sandbox(SandboxOptions(days=0, seed=7), clock) as other:
            elsewhere = Host(home, ledger, clock, other.rates_url)
            await elsewhere.keeping.refresh()
        assert "rates are not as they are known" in elsewhere.trouble
        assert elsewhere.dollars("SEK", day("11-03")) == known


class TestTheClock:
    async def test_set_back_it_asks_for_nothing_and_keeps_what_it_has(
        self, host: Host, bank: Sandbox, clock: HandClock
    ) -> None:
        host.spend("300", "SEK", day("11-03"))
        await host.keeping.refresh()
        bank.calls.clear()
        clock.advance(days=-40)
        await host.keeping.refresh()
        assert asked(bank) == []
        assert host.store.table().span() == (day("08-24"), day("11-20"))

    async def test_years_ahead_it_takes_what_the_bank_has_and_is_right_again_afterwards(
        self, host: Host, bank: Sandbox, clock: HandClock
    ) -> None:
        host.spend("300", "SEK", day("11-03"))
        bank.rates._clock = lambda: datetime(2026, 11, 21, tzinfo=UTC)  # type: ignore[misc]
        clock.advance(days=1000)
        await host.keeping.refresh()
        assert asked(bank) == ["eurofxref-hist.zip 200"]
        clock.advance(days=-1000)
        await host.keeping.refresh()
        assert host.trouble == ""
        assert asked(bank) == []


class TestWhileItRuns:
    @pytest.fixture(autouse=True)
    def _soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rate_keeping, "GATHER_S", 0.02)

    async def test_a_dropped_cost_in_another_currency_has_its_rate_in_a_moment(self, host: Host, bank: Sandbox) -> None:
        async with running(host):
            await asyncio.sleep(0.2)
            assert asked(bank) == []
            host.spend("300", "SEK", day("11-03"))
            host.keeping.look_soon()
            await until(lambda: host.changes)
        assert asked(bank) == ["eurofxref-hist-90d.xml 200"]

    async def test_the_next_days_rates_are_noticed_by_the_wall_clock(
        self, host: Host, bank: Sandbox, clock: HandClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rate_keeping, "LOOK_S", 0.1)
        host.spend("300", "SEK", day("11-03"))
        async with running(host):
            await until(lambda: host.changes)
            await asyncio.sleep(0.5)
            assert len(asked(bank)) == 1
            clock.moment = datetime(2026, 11, 23, 20, tzinfo=UTC)
            await until(lambda: host.changes == 2)
        assert asked(bank) == ["eurofxref-daily.xml 200"]


@asynccontextmanager
async def running(host: Host) -> AsyncIterator[None]:
    task = asyncio.create_task(host.keeping.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(met: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not met():  # noqa: ASYNC110 - whatever it is, nobody tells when it is met
            await asyncio.sleep(0.01)
