"""Costs in several currencies by the real command line: totals in the home currency, records as they were billed."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess

SETTINGS = """time_zone = "UTC"
[poll]
interval_s = 3600
[rates]
fetch = false
[[rates.fixed]]
from = "SEK"
to = "USD"
rate = 0.10
"""
EXTERNAL = ("--kind", "external")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "4", "--per-day", "20", "--seed", "5") as running:
        running.control("freeze", frozen=True)
        yield running


@pytest.fixture(params=["ledger", "daemon"])
def home(request: pytest.FixtureRequest, tmp_path: Path, sandbox: SandboxProcess) -> Iterator[Home]:
    """A home with costs in three currencies, one of them without a rate: without a daemon, and with one."""
    home = Home(tmp_path / "home", sandbox)
    home.settings(SETTINGS)
    today = datetime.now(UTC).date()
    costs = tmp_path / "costs.csv"
    costs.write_text(
        "date,description,amount,currency,category,project\n"
        f"{today},Plan,100,SEK,image,Relaunch\n{today},Music,8,USD,sound,Film\n{today},Voice,5,KWD,sound,Film\n"
    )
    home.run("import", str(costs))
    if request.param == "ledger":
        yield home
        return
    with home.started("--headless"):
        wait_until(lambda: home.json("status")["accounts"][0]["state"] == "ok", what="the first poll")
        yield home


def external(home: Home, *options: str) -> dict[str, Any]:
    usage: dict[str, Any] = home.json("usage", "--window", "24h", *EXTERNAL, *options)
    return usage


def test_another_home_currency_is_in_force_at_once_everywhere(home: Home, tmp_path: Path) -> None:
    assert external(home)["total"]["cost"] == {"amount": "18.00", "currency": "USD"}
    home.run("config", "set", "home_currency", "SEK")
    wait_until(lambda: home.json("status")["spent"]["total"]["cost"]["currency"] == "SEK", what="the new currency")

    usage = external(home, "--by", "project")
    assert usage["total"]["cost"] == {"amount": "180.00", "currency": "SEK"}
    assert usage["total"]["left_out"] == [{"amount": "5.00", "currency": "KWD"}]
    assert [(rate["currency"], rate["source"]) for rate in usage["total"]["rates"]] == [("USD", "settings")]
    assert [(part["key"], part["cost"]["amount"]) for part in usage["by"]] == [
        ("Relaunch", "100.00"),
        ("Film", "80.00"),
    ]
    told = home.run("usage", "--window", "24h", *EXTERNAL).stdout
    assert "$8.00 converted at the rate fixed in the settings" in told
    assert "left out of the totals: no exchange rate is known for KWD" in told

    report = tmp_path / "report.html"
    home.run("report", *EXTERNAL, "--out", str(report))
    assert "180.0 kr" in report.read_text()


def test_records_stay_in_the_currency_that_they_were_billed_in(home: Home, tmp_path: Path) -> None:
    before = home.json("history", *EXTERNAL)
    home.run("config", "set", "home_currency", "SEK")
    wait_until(lambda: external(home)["total"]["cost"]["currency"] == "SEK", what="the new currency")
    assert home.json("history", *EXTERNAL) == before
    assert {item["cost"]["currency"] for item in before} == {"SEK", "USD", "KWD"}

    exported = tmp_path / "costs.csv"
    home.run("export", "--format", "csv", *EXTERNAL, "--out", str(exported))
    rows = list(csv.DictReader(exported.read_text().splitlines()))
    assert {(row["cost"], row["currency"]) for row in rows} == {("100.00", "SEK"), ("8.00", "USD"), ("5.00", "KWD")}
