"""The whole of it with real processes: the daemon, the command line and the stand-in, on this machine only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess
from tests.rates.conftest import Answer, Serve
from trayd.exchange_rates.store import bundled_table
from trayd.target_days import newest_due

SPENT = datetime.now(UTC).date() - timedelta(days=3)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "2", "--per-day", "4") as running:
        yield running


@pytest.fixture
def user(tmp_path: Path, sandbox: SandboxProcess) -> Home:
    user = Home(tmp_path / "trayd", sandbox)
    user.env["TRAYD_RATES_URL"] = sandbox.said["rates_url"]
    user.settings('locale = "en_US"\ntime_zone = "UTC"\n')
    return user


def costs(*amounts: str) -> str:
    return "date,description,amount,currency\n" + "".join(f"{SPENT},Something,{amount}\n" for amount in amounts)


def asked(sandbox: SandboxProcess) -> list[str]:
    calls = httpx.get(f"{sandbox.said['control_url']}/calls", trust_env=False).json()
    return [call["path"] for call in calls if call["path"].startswith("/rates")]


def rate_of(user: Home, currency: str) -> dict[str, Any]:
    listed = user.json("rates", currency, "--date", SPENT.isoformat())["rates"]
    assert [each["currency"] for each in listed] == [currency]
    return dict(listed[0])


def test_a_dropped_cost_in_another_currency_is_converted_at_the_rate_of_its_day(
    user: Home, sandbox: SandboxProcess
) -> None:
    before = len(asked(sandbox))
    with user.started("--headless"):
        assert user.json("rates")["newest"] is None
        assert len(asked(sandbox)) == before, "nobody is asked while all is in dollars"
        user.put("tools.csv", costs("300.00,SEK", "100.00,AED"))
        wait_until(lambda: user.json("rates")["newest"], timeout=20, what="the rates")
        listed = user.json("rates")
        assert [(each["currency"], each["used"], each["rate"] is None) for each in listed["rates"]] == [
            ("AED", True, True),
            ("SEK", True, False),
        ]
        assert date.fromisoformat(listed["newest"]) >= newest_due(datetime.now(UTC), timedelta(minutes=30))
        krona = rate_of(user, "SEK")
        assert krona["source"] == "ecb"
        assert date.fromisoformat(krona["published"]) <= SPENT
        told = user.json("usage", "--kind", "external")["total"]["cost"]
        assert abs(Decimal(told["amount"]) - 300 * Decimal(krona["rate"])) < Decimal("0.0001")
        doctor = {each["text"]: each["state"] for each in user.json("doctor", code=1) if "rates" in each["subject"]}
        assert "bad" in [state for text, state in doctor.items() if "AED" in text]
        assert "good" in [state for text, state in doctor.items() if "European Central Bank" in text]

        user.settings('locale = "en_US"\n[[rates.fixed]]\nfrom = "USD"\nto = "AED"\nrate = 3.6725\n')
        wait_until(lambda: rate_of(user, "AED")["rate"], timeout=20, what="the fixed rate")
        assert rate_of(user, "AED")["source"] == "settings"
        assert Decimal(rate_of(user, "AED")["inverse"]) == Decimal("3.6725")
    shown = user.run("rates").stdout
    assert "European Central Bank" in shown
    assert "your settings" in shown


def test_without_a_daemon_a_refresh_fetches_what_is_missing(user: Home, sandbox: SandboxProcess) -> None:
    path = user.folder / "tools.csv"
    path.write_text(costs("20.00,EUR"))
    user.run("import", str(path))
    assert rate_of(user, "EUR")["source"] == "bundled"
    before = len(asked(sandbox))
    user.run("refresh")
    assert asked(sandbox)[before:] == ["/rates/eurofxref-hist-90d.xml"]
    assert rate_of(user, "EUR")["source"] == "ecb"
    assert (user.folder / "cache/rates/loopback" / f"{SPENT.year}.csv").exists()


def test_a_refresh_says_why_the_rates_could_not_be_fetched(user: Home, serve: Serve) -> None:
    user.env["TRAYD_RATES_URL"] = serve(lambda _path: Answer(b"gone", 404))
    path = user.folder / "tools.csv"
    path.write_text(costs("20.00,EUR"))
    user.run("import", str(path))
    said = user.run("refresh").stderr
    assert said.startswith("exchange rates: ")
    assert "404" in said


def test_on_a_stand_in_of_fal_nobody_on_the_internet_is_asked_and_it_says_what_it_used(user: Home) -> None:
    del user.env["TRAYD_RATES_URL"]
    path = user.folder / "tools.csv"
    path.write_text(costs("20.00,EUR"))
    user.run("import", str(path))
    user.run("refresh")
    span = bundled_table().span()
    assert span is not None
    assert date.fromisoformat(rate_of(user, "EUR")["published"]) <= min(span[1], SPENT)
    assert "came with trayd" in user.run("rates").stdout
    assert "none are fetched: fal is a stand-in here" in user.run("rates").stdout
    doctor = [each["cure"] for each in user.json("doctor", code=None) if each["subject"] == "exchange rates"]
    assert [cure for cure in doctor if cure.startswith("none are fetched where fal is a stand-in")]
    assert not (user.folder / "cache/rates").exists()


def test_rates_says_what_it_cannot_read(user: Home) -> None:
    assert "'XYZ' is no ISO 4217 code" in user.run("rates", "XYZ", code=2).stderr
    assert "'soon' is no date" in user.run("rates", "--date", "soon", code=2).stderr


def test_without_any_foreign_amount_it_lists_what_is_known_and_says_that_none_is_needed(user: Home) -> None:
    listed = user.json("rates")
    assert {"EUR", "SEK", "JPY"} <= {each["currency"] for each in listed["rates"]}
    assert "no amount needs them" in user.run("rates").stdout


def test_an_address_that_anybody_could_tamper_with_is_refused_by_name(user: Home) -> None:
    user.env["TRAYD_RATES_URL"] = "http://rates.example"
    assert "TRAYD_RATES_URL 'http://rates.example' would let anybody" in user.run("status", code=1).stderr
