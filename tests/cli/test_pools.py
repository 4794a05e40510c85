"""Shared costs by the real command line."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess

#: Long gone, so that nothing of the sandbox's history is in its period.
SETTINGS = """
time_zone = "UTC"
[poll]
interval_s = 3600
[[pool]]
name = "Midjourney Standard"
amount = 30.00
from = 2024-03-15
to = 2024-04-30
"""

COSTS = """date,description,amount,category,type,client,project
2024-03-20,Voice-over,5.00,voice,external,Northwind,Spring
2024-03-21,Stock music,3.00,music,external,Contoso,Relaunch
2024-04-02,Render farm,0.00000001,video,pool,,
2024-04-10,Stock photo,1.00,image,external,Northwind,Spring
2024-04-10,Stock photo,2.00,image,external,Northwind,Film
2024-04-11,Stock photo,1.00,image,external,Contoso,Relaunch
2024-04-12,Own licence,7.00,image,pool,Contoso,Relaunch
2024-04-13,Suite,10.00,image,pool,Northwind,
"""

APRIL = ("--since", "2024-04-01", "--until", "2024-04-30")
ALL = ("--since", "2024-01-01", "--until", "2024-12-31")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "2", "--per-day", "3", "--seed", "5") as running:
        running.control("freeze", frozen=True)
        yield running


@pytest.fixture
def home(tmp_path: Path, sandbox: SandboxProcess) -> Home:
    """A home with costs of two months, one of them shared by the settings."""
    home = Home(tmp_path / "home", sandbox)
    home.settings(SETTINGS)
    costs = tmp_path / "costs.csv"
    costs.write_text(COSTS)
    home.run("import", str(costs))
    return home


@pytest.fixture
def running(home: Home) -> Iterator[Home]:
    """The same with a daemon."""
    with home.started("--headless"):
        yield home


def amounts(records: list[dict[str, Any]]) -> Counter[tuple[str | None, str | None, str]]:
    return Counter((record["client"], record["project"], record["cost"]["amount"]) for record in records)


def total(home: Home, *asked: str) -> Decimal:
    return Decimal(home.json("usage", *asked)["total"]["cost"]["amount"])


def test_shares_are_in_history_usage_export_and_report_and_add_up(home: Home) -> None:
    log = home.json("history", "--limit", "100", "--kind", "pool", *ALL)
    assert amounts(log) == {
        # Midjourney, 15 March to 14 April: they spent 6, 2 and 4 of 12 dollars, and from 15 April nobody's yet.
        ("Northwind", "Spring", "15.00"): 1,
        ("Northwind", "Film", "5.00"): 1,
        ("Contoso", "Relaunch", "10.00"): 1,
        (None, None, "30.00"): 1,
        ("Northwind", "Spring", "0.000000002"): 1,
        ("Northwind", "Film", "0.000000005"): 1,
        ("Contoso", "Relaunch", "0.000000003"): 1,
        ("Contoso", "Relaunch", "7.00"): 1,
        ("Northwind", "Spring", "3.333333333"): 1,
        ("Northwind", "Film", "6.666666667"): 1,
    }
    notes = {record["note"] for record in log if record["description"] == "Midjourney Standard" and record["project"]}
    assert "33.3 % of 30.00 USD by spend, 2024-03-15 to 2024-04-14" in notes
    assert len({record["id"] for record in log}) == len(log)

    pages = [
        home.json("history", "--limit", "4", "--offset", str(offset), "--kind", "pool", *ALL) for offset in (0, 4, 8)
    ]
    assert [record["id"] for page in pages for record in page] == [record["id"] for record in log]
    assert home.json("history", "--project", "Film", "--kind", "pool", *ALL) == [
        record for record in log if record["project"] == "Film"
    ]

    window = ("--window", "2024-01-01..2024-12-31")
    everything = total(home, *window)
    assert everything == Decimal("89.00000001")
    for by in ("project", "client", "day"):
        parts = home.json("usage", *window, "--by", by)["by"]
        assert sum(Decimal(part["cost"]["amount"]) for part in parts) == everything, by
    of_relaunch = home.json("usage", *window, "--by", "client", "--project", "Relaunch")
    assert [(part["key"], part["cost"]["amount"]) for part in of_relaunch["by"]] == [("Contoso", "21.000000003")]
    assert total(home, *window, "--kind", "pool", "--client", "Northwind") == Decimal("30.000000007")

    rows = list(csv.DictReader(home.run("export", "--format", "csv", *ALL).stdout.splitlines()))
    assert sum(Decimal(row["cost"]) for row in rows) == everything
    assert Counter(row["project"] for row in rows if row["kind"] == "pool") == {
        "Spring": 3,
        "Film": 3,
        "Relaunch": 3,
        "": 1,
    }
    report = home.folder / "film.html"
    home.run("report", "--project", "Film", "--out", str(report), *ALL)
    page = report.read_text()
    assert "shared cost" in page
    assert "16.7 % of 30.00 USD by spend, 2024-03-15 to 2024-04-14" in page


def test_pools_lists_what_is_shared_and_by_whom(home: Home) -> None:
    listed = home.json("pools", *ALL)
    assert [(pool["date"], pool["description"], pool["set_up"]) for pool in listed] == [
        ("2024-04-15", "Midjourney Standard", True),
        ("2024-04-13", "Suite", False),
        ("2024-04-12", "Own licence", False),
        ("2024-04-02", "Render farm", False),
        ("2024-03-15", "Midjourney Standard", True),
    ]
    undivided, suite, own, _, midjourney = listed
    assert undivided["trouble"] == "nobody shares it: no project spent anything in 2024-04-15 to 2024-05-14"
    assert undivided["shares"] == own["shares"] == []
    assert (own["project"], own["trouble"]) == ("Relaunch", "")
    assert midjourney["period"] == {"from": "2024-03-15", "to": "2024-04-14"}
    assert {share["project"]: share["amount"]["amount"] for share in midjourney["shares"]} == {
        "Spring": "15.00",
        "Film": "5.00",
        "Relaunch": "10.00",
    }
    assert [pool["description"] for pool in home.json("pools", "--project", "Film", *ALL)] == [
        "Suite",
        "Render farm",
        "Midjourney Standard",
    ]
    shown = home.run("pools", *APRIL).stdout
    assert "Northwind / Film" in shown
    assert "not shared" in shown
    assert "Midjourney Standard, 2024-04-15: nobody shares it" in shown
    doctor = {finding["subject"]: finding for finding in home.json("doctor", code=None)}
    assert doctor["pool Midjourney Standard"]["text"].startswith("the cost of 2024-04-15: nobody shares it")

    suite_shares = {share["id"] for share in suite["shares"]}
    refused = home.run("tag", suite_shares.pop(), "--client", "Contoso", code=1).stderr
    assert f"share of the cost {suite['id']}" in refused
    assert "config edit" in home.run("tag", undivided["id"], "--project", "Film", code=1).stderr
    home.run("tag", suite["id"], "--project", "Film")
    assert home.json("pools", "--client", "Northwind", *APRIL)[0]["project"] == "Film"


def test_the_daemon_takes_over_what_the_settings_say_of_pools(running: Home) -> None:
    home = running
    path = home.folder / "settings.toml"
    path.write_text(SETTINGS.replace("30.00", "60.00") + 'split = { Film = 1, "Contoso/Relaunch" = 2, Movie = 1 }\n')

    def shares() -> dict[str, str]:
        first = home.json("pools", *ALL)[-1]
        return {share["project"]: share["amount"]["amount"] for share in first["shares"]}

    expected = {"Film": "15.00", "Relaunch": "30.00", "Movie": "15.00"}
    wait_until(lambda: shares() == expected, timeout=15, what="the new settings to be in force")
    assert home.json("pools", *ALL)[0]["trouble"] == "no record is of a project 'Movie'"
    assert json.loads(home.run("config", "show", "--json").stdout)["pool"][0]["from"] == "2024-03-15"
    assert "[[pool]] name = Midjourney Standard, amount = 60.00, from = 2024-03-15" in home.run("config", "show").stdout

    path.write_text(SETTINGS.partition("[[pool]]")[0])
    wait_until(lambda: len(home.json("pools", *ALL)) == 3, timeout=15, what="the new settings to be in force")
    assert home.json("usage", "--window", "2024-03-01..2024-03-31")["total"]["pool"]["amount"] == "0.00"


def test_a_wrong_pool_is_refused_in_words(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = Home(tmp_path / "home", sandbox)
    home.settings(SETTINGS.replace("to = 2024-04-30", "to = 2024-03-01"))
    said = home.run("status", code=1).stderr
    assert "pool 'Midjourney Standard': to 2024-03-01 is before from 2024-03-15" in said


def test_pools_are_shown_with_who_bears_what_and_what_may_still_change(home: Home) -> None:
    # A cost of each year from then on: the period of the newest goes on.
    office = '[[pool]]\nname = "Office"\namount = 9.00\nperiod = "year"\nfrom = 2024-01-01\n'
    home.settings(f"{SETTINGS}{office}split = {{ Spring = 2, Film = 1 }}\n")
    shown = home.run("pools").stdout
    newest = next(line for line in shown.splitlines() if "Office" in line)
    assert "by weights" in newest
    assert "Northwind / Spring" in newest
    assert "66.7%" in newest
    assert "*" not in shown  # weights do not follow what is spent, and the others' periods have ended
