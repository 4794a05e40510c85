"""Credits and saving tips by the real command line, with and without a daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.end_to_end.support import Home, SandboxProcess

SETTINGS = """
time_zone = "UTC"
[poll]
interval_s = 3600
"""
PRO = "fal-ai/kling-video/v3/pro/text-to-video"
DAY = 86_400


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "0", "--per-day", "0", "--seed", "5") as running:
        running.control("freeze", frozen=True)
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, sandbox: SandboxProcess) -> Home:
    """A home that saw credits bought, and twenty-five videos for one project, ten of them with sound."""
    home = Home(tmp_path_factory.mktemp("saving") / "home", sandbox)
    home.settings(SETTINGS)
    events = []
    for number in range(25):
        sound = number < 10
        job = sandbox.control("jobs", endpoint_id=PRO, units="6" if sound else "4", age_s=(1 + number % 9) * DAY)
        events.append(
            {
                "trayd": 1,
                "type": "generation",
                "request_id": job["request_id"],
                "endpoint_id": PRO,
                "time": datetime.now(UTC).isoformat(),
                "client": "Northwind",
                "project": "Spring Campaign",
                "deliverable": "Animatic",
                "parameters": {"duration": "5", "generate_audio": sound},
            }
        )
    sandbox.control("balance", amount="30.00")
    home.run("refresh")
    sandbox.control("topup", amount="100.00")
    home.run("refresh")
    events_file = home.folder / "events.jsonl"
    events_file.write_text("".join(json.dumps(event) + "\n" for event in events))
    home.run("import", str(events_file))
    return home


@pytest.fixture
def running(home: Home) -> Iterator[Home]:
    """The same with a daemon."""
    with home.started("--headless"):
        yield home


def look(home: Home) -> None:
    (account,) = home.json("credits")
    opening, bought = account["lots"]
    assert (opening["origin"], opening["amount"]["amount"], opening["expires"]) == ("opening", "30.00", None)
    assert (bought["origin"], bought["estimated"]) == ("purchase", True)
    assert bought["at_least"]["amount"] == bought["likely"]["amount"] == bought["left"]["amount"] == "100.00"
    assert sum(Decimal(lot["left"]["amount"]) for lot in account["lots"]) == Decimal(account["balance"]["amount"])

    found = home.json("tips", "--client", "Northwind")
    assert (found["generations"], found["unpriced"]) == (25, 0)
    (tip,) = found["tips"]
    assert (tip["kind"], tip["saving"], tip["records"]) == ("sound", {"amount": "2.80", "currency": "USD"}, 10)
    assert tip["evidence"][0]["project"] == "Spring Campaign"
    assert home.json("tips", "--client", "Nobody")["tips"] == []


def test_without_a_daemon(home: Home) -> None:
    look(home)


def test_with_a_daemon(running: Home) -> None:
    look(running)


def test_what_a_person_sees(home: Home) -> None:
    shown = home.run("credits").stdout
    assert "before trayd" in shown
    assert "estimated from the balance" in shown
    tips = home.run("tips").stdout
    assert "without sound: $2.80 less" in tips
    assert "Switch sound off" in tips
    assert "a tip needs several generations" in home.run("tips", "--project", "None").stdout
    none = home.run("tips", "--limit", "0").stdout
    assert "and 1 more tip: --limit" in none
    assert "nothing found" not in none
