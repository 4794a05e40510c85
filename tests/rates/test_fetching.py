"""Fetching over real HTTP: from the stand-in of the bank, and from servers that tell nonsense."""

from __future__ import annotations

import io
import socket
import time
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.rates.conftest import Answer, HandClock, Serve, asked
from tests.rates.tables import day
from trayd.errors import RatesError, SettingsError
from trayd.fal.sandbox.faults import Fault
from trayd.fal.sandbox.server import Sandbox
from trayd.service.ecb import RECENT_DAYS, Document, RetryPolicy, Validators, fetch
from trayd.settings import RATES_URL, rates_url
from trayd.target_days import is_target_day

TODAY = date(2026, 11, 21)
NOTHING = Validators()
QUICK = RetryPolicy(attempts=3, total_s=5, connect_s=1, read_s=0.3, first_wait_s=0.02, longest_wait_s=0.05)

XML = '<Envelope><Cube><Cube time="{day}"><Cube currency="USD" rate="{rate}"/></Cube></Cube></Envelope>'


class TestWhatTheBankHas:
    async def test_the_newest_day_is_a_small_file(self, bank: Sandbox) -> None:
        told = await fetch(bank.rates_url, Document.NEWEST, NOTHING, TODAY)
        assert told is not None
        assert told.sheet.days == (day("11-20"),)
        assert {"USD", "SEK", "JPY", "GBP"} <= set(told.sheet.currencies)

    async def test_the_recent_days_leave_weekends_out(self, bank: Sandbox) -> None:
        told = await fetch(bank.rates_url, Document.RECENT, NOTHING, TODAY)
        assert told is not None
        assert told.sheet.days[-1] - told.sheet.days[0] >= timedelta(days=RECENT_DAYS)
        assert all(is_target_day(each) for each in told.sheet.days)

    async def test_the_whole_history_goes_back_to_the_euros_first_day_and_tells_the_same(self, bank: Sandbox) -> None:
        whole = await fetch(bank.rates_url, Document.WHOLE, NOTHING, TODAY)
        recent = await fetch(bank.rates_url, Document.RECENT, NOTHING, TODAY)
        assert whole is not None
        assert recent is not None
        assert whole.sheet.days[0] == date(1999, 1, 4)
        assert list(whole.sheet.rows())[-len(recent.sheet.days) :] == list(recent.sheet.rows())

    async def test_what_is_known_is_not_sent_again_until_it_is_different(self, bank: Sandbox, clock: HandClock) -> None:
        told = await fetch(bank.rates_url, Document.NEWEST, NOTHING, TODAY)
        assert told is not None
        assert await fetch(bank.rates_url, Document.NEWEST, told.version, TODAY) is None
        only_by_time = Validators(modified=told.version.modified)
        assert await fetch(bank.rates_url, Document.NEWEST, only_by_time, TODAY) is None
        assert asked(bank) == [f"eurofxref-daily.xml {status}" for status in (200, 304, 304)]
        clock.moment = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
        again = await fetch(bank.rates_url, Document.NEWEST, told.version, clock.moment.date())
        assert again is not None
        assert again.sheet.days == (day("11-23"),)

    async def test_a_days_rates_come_out_at_four_in_frankfurt(self, bank: Sandbox, clock: HandClock) -> None:
        clock.moment = datetime(2026, 7, 1, 13, 59, tzinfo=UTC)
        before = await fetch(bank.rates_url, Document.NEWEST, NOTHING, clock.moment.date())
        clock.advance(minutes=1)
        after = await fetch(bank.rates_url, Document.NEWEST, NOTHING, clock.moment.date())
        assert before is not None
        assert after is not None
        assert (before.sheet.days[-1], after.sheet.days[-1]) == (date(2026, 6, 30), date(2026, 7, 1))


class TestWhatPassesIsTriedAgain:
    @pytest.mark.parametrize(
        "fault",
        [
            Fault(status=500),
            Fault(status=503),
            Fault(status=429),
            Fault(status=429, retry_after="0"),
            Fault("cut"),
            Fault("slow", seconds=0.6),
        ],
        ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.retry_after}",
    )
    async def test_and_told_when_it_works(self, bank: Sandbox, fault: Fault) -> None:
        bank.faults.inject(fault)
        assert await fetch(bank.rates_url, Document.NEWEST, NOTHING, TODAY, QUICK) is not None

    async def test_a_zip_of_which_half_came_is_tried_again(self, bank: Sandbox) -> None:
        bank.faults.inject(Fault("garbage"))
        assert await fetch(bank.rates_url, Document.WHOLE, NOTHING, TODAY, unhurried()) is not None

    async def test_half_an_xml_is_tried_again(self, bank: Sandbox) -> None:
        bank.faults.inject(Fault("garbage", times=2))
        assert await fetch(bank.rates_url, Document.RECENT, NOTHING, TODAY, QUICK) is not None

    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            (Fault(status=500, times=9), r"eurofxref-daily\.xml is refused \(500\); nothing to do"),
            (Fault("cut", times=9), "broke off in the middle"),
            (Fault("garbage", times=9), "these are no exchange rates"),
            (Fault("slow", seconds=1, times=9), "does not answer"),
        ],
        ids=lambda value: value.kind if isinstance(value, Fault) else "",
    )
    async def test_and_said_when_it_goes_on(self, bank: Sandbox, fault: Fault, said: str) -> None:
        bank.faults.inject(fault)
        with pytest.raises(RatesError, match=said):
            await fetch(bank.rates_url, Document.NEWEST, NOTHING, TODAY, QUICK)
        assert len(asked(bank)) <= QUICK.attempts

    async def test_a_server_that_is_not_there(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            with pytest.raises(RatesError, match="connection refused"):
                await fetch(f"http://127.0.0.1:{taken.getsockname()[1]}", Document.NEWEST, NOTHING, TODAY, QUICK)

    async def test_a_name_that_nobody_knows(self) -> None:
        with pytest.raises(RatesError, match=r"cannot be resolved|no connection"):
            await fetch("https://rates.invalid", Document.NEWEST, NOTHING, TODAY, QUICK)

    async def test_a_server_that_speaks_no_tls(self, bank: Sandbox) -> None:
        url = bank.rates_url.replace("http://", "https://")
        with pytest.raises(RatesError, match="TLS"):
            await fetch(url, Document.NEWEST, NOTHING, TODAY, QUICK)

    async def test_all_tries_together_have_an_end(self, bank: Sandbox) -> None:
        bank.faults.inject(Fault(status=503, retry_after="3600", times=9))
        began = time.monotonic()
        with pytest.raises(RatesError):
            await fetch(bank.rates_url, Document.NEWEST, NOTHING, TODAY, QUICK)
        assert time.monotonic() - began < QUICK.total_s


def unhurried() -> RetryPolicy:
    """The whole history takes the stand-in a moment."""
    return RetryPolicy(attempts=3, total_s=20, first_wait_s=0.02, longest_wait_s=0.05)


class TestWhatIsNoneOfTheBanksIsRefused:
    async def test_a_web_page_in_the_place_of_rates(self, bank: Sandbox) -> None:
        bank.faults.inject(Fault("html", status=200))
        with pytest.raises(RatesError, match="a web page came in place of exchange rates; log in to the network"):
            await fetch(bank.rates_url, Document.NEWEST, NOTHING, TODAY, QUICK)
        assert len(asked(bank)) == 1

    async def test_a_redirect_to_another_host(self, bank: Sandbox) -> None:
        bank.faults.inject(Fault("redirect", location="https://login.hotel.example/"))
        with pytest.raises(RatesError, match=r"redirects to login\.hotel\.example"):
            await fetch(bank.rates_url, Document.NEWEST, NOTHING, TODAY, QUICK)

    async def test_a_redirect_from_tls_to_none_would_be_another_host_too(self, serve: Serve) -> None:
        there = serve(lambda _path: Answer(XML.format(day="2026-11-20", rate="1.1").encode()))
        here = serve(lambda path: Answer(b"", 302, Location=there + path))
        with pytest.raises(RatesError, match=r"redirects to 127\.0\.0\.1"):
            await fetch(here, Document.NEWEST, NOTHING, TODAY, QUICK)

    async def test_a_redirect_within_the_host_is_followed_but_not_in_a_circle(self, serve: Serve) -> None:
        body = XML.format(day="2026-11-20", rate="1.1").encode()
        url = serve(
            lambda path: (
                Answer(body)
                if path == "/new.xml"
                else Answer(b"", 301, Location=path if "c" in path.split("/")[1] else "/new.xml")
            )
        )
        told = await fetch(f"{url}/moved", Document.NEWEST, NOTHING, TODAY, QUICK)
        assert told is not None
        with pytest.raises(RatesError, match="redirects in a circle"):
            await fetch(f"{url}/circle", Document.NEWEST, NOTHING, TODAY, QUICK)

    async def test_a_file_that_is_gone(self, bank: Sandbox) -> None:
        with pytest.raises(RatesError, match=r"is refused \(404\); check TRAYD_RATES_URL"):
            await fetch(f"{bank.rates_url}/elsewhere", Document.NEWEST, NOTHING, TODAY, QUICK)

    async def test_more_than_anybody_has_to_tell(self, serve: Serve) -> None:
        url = serve(lambda _path: Answer(b" " * (8 * 1024 * 1024 + 1)))
        with pytest.raises(RatesError, match="larger than 8 MB"):
            await fetch(url, Document.NEWEST, NOTHING, TODAY, RetryPolicy(attempts=1))

    async def test_a_small_zip_that_unpacks_to_a_large_one(self, serve: Serve) -> None:
        bomb = zipped(b"Date,USD\n" + b"0" * (33 * 1024 * 1024))
        url = serve(lambda _path: Answer(bomb))
        with pytest.raises(RatesError, match="too large"):
            await fetch(url, Document.WHOLE, NOTHING, TODAY, RetryPolicy(attempts=1))

    @pytest.mark.parametrize(
        ("body", "why"),
        [
            (b"", "no element found"),
            (b'{"rates": {}}', "not well-formed"),
            (b"<Envelope/>", "none in it"),
            (XML.format(day="2026-11-23", rate="1.1").encode(), "rates of 2026-11-23 cannot be told"),
            (XML.format(day="1998-12-31", rate="1.1").encode(), "rates of 1998-12-31 cannot be told"),
            (XML.format(day="yesterday", rate="1.1").encode(), "yesterday"),
            (XML.format(day="2026-11-20", rate="0.000").encode(), "USD of 2026-11-20 is told as '0.000'"),
            (XML.format(day="2026-11-20", rate="-1.1").encode(), "USD of 2026-11-20 is told as '-1.1'"),
            (XML.format(day="2026-11-20", rate="NaN").encode(), "told as 'NaN'"),
            (XML.format(day="2026-11-20", rate="1e400").encode(), "told as '1e400'"),
            (XML.format(day="2026-11-20", rate="1,1").encode(), "told as '1,1'"),
            (b"<Cube><Cube currency='USD' rate='1'/></Cube>", "USD is told twice, or of no day"),
            (b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><Cube/>", "document type"),
            (b"PK\x03\x04 not really a zip file", "zip"),
        ],
    )
    async def test_nonsense_is_named(self, serve: Serve, body: bytes, why: str) -> None:
        url = serve(lambda _path: Answer(body))
        with pytest.raises(RatesError, match=why):
            await fetch(url, Document.NEWEST, NOTHING, TODAY, RetryPolicy(attempts=1))

    @pytest.mark.parametrize(
        ("table", "why"),
        [
            (b"", "names no currencies"),
            (b"Time,USD\n", "names no currencies"),
            (b"Date,USD,\n2026-11-20,1.1\n", "line 2 has 2 cells instead of 3"),
            (b"Date,USD,\n2026-11-20,1.1,\n2026-11-20,1.1,\n", "twice"),
            (b"Date,USD,\n", "none in it"),
            (b"Date,USD,\n2026-11-20,\xff,\n", "decode"),
        ],
    )
    async def test_so_is_nonsense_in_a_zip(self, serve: Serve, table: bytes, why: str) -> None:
        url = serve(lambda _path: Answer(zipped(table)))
        with pytest.raises(RatesError, match=why):
            await fetch(url, Document.WHOLE, NOTHING, TODAY, RetryPolicy(attempts=1))

    async def test_days_without_a_rate_of_a_currency_are_read_as_the_bank_writes_them(self, serve: Serve) -> None:
        table = b"Date,USD,BGN,\n2026-01-02,1.17,N/A,\n2025-12-31,1.16,1.9558,\n"
        url = serve(lambda _path: Answer(zipped(table)))
        told = await fetch(url, Document.WHOLE, NOTHING, TODAY)
        assert told is not None
        assert list(told.sheet.rows()) == [
            (date(2025, 12, 31), {"USD": "1.16", "BGN": "1.9558"}),
            (date(2026, 1, 2), {"USD": "1.17"}),
        ]


def zipped(table: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eurofxref-hist.csv", table)
    return packed.getvalue()


class TestWhereRatesAreFetched:
    def test_at_the_european_central_bank(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TRAYD_RATES_URL", raising=False)
        assert rates_url("https://api.fal.ai/v1") == RATES_URL

    def test_nowhere_while_fal_is_a_stand_in_on_this_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TRAYD_RATES_URL", raising=False)
        assert rates_url("http://127.0.0.1:8000/v1") is None
        monkeypatch.setenv("TRAYD_RATES_URL", "http://127.0.0.1:8000/rates/")
        assert rates_url("http://127.0.0.1:8000/v1") == "http://127.0.0.1:8000/rates"

    @pytest.mark.parametrize("url", ["http://rates.example", "ftp://127.0.0.1", "rates", "https://", "http://[::1"])
    def test_not_where_anybody_could_change_them_on_the_way(self, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        monkeypatch.setenv("TRAYD_RATES_URL", url)
        with pytest.raises(SettingsError, match="TRAYD_RATES_URL"):
            rates_url("https://api.fal.ai/v1")
