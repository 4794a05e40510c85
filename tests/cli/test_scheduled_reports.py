"""Reports that make themselves, by the real command line and the real daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess

SETTINGS = """
time_zone = "UTC"
locale = "en_US"
[alerts]
desktop = false
[poll]
backfill_days = 70  # all of the last month
[[report.schedule]]
every = "month"
after_days = 0
"""
LAST_MONTH = datetime.now(UTC).replace(day=1) - timedelta(days=2)
COSTS = f"date,description,amount,category,client\n{LAST_MONTH:%Y-%m-%d},Voices,12.50,voice,Northwind\n"
NAME = f"trayd-report-northwind-{LAST_MONTH:%Y-%m}.html"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "2", "--per-day", "3", "--seed", "5") as running:
        running.control("freeze", frozen=True)
        yield running


def made(home: Home) -> list[str]:
    return sorted(file.name for file in home.folder.glob("reports/*"))


def test_once_makes_what_is_due_and_says_where_it_is(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = Home(tmp_path / "home", sandbox)
    home.settings(SETTINGS)
    home.put("costs.csv", COSTS)
    for _ in range(2):
        home.run("run", "--once")
        assert made(home) == [NAME]

    (told,) = json.loads(home.run("alerts", "--rule", "report", "--json").stdout)["alerts"]
    assert (told["client"], told["state"], told["amount"]) == (
        "Northwind",
        "happened",
        {"amount": "12.50", "currency": "USD"},
    )
    shown = " ".join(home.run("alerts", "--rule", "report").stdout.split())
    assert told["text"].startswith("The work cost $12.50. ")
    assert f"{NAME} is in {home.folder / 'reports'}." in told["text"]
    assert "The work cost $12.50." in shown


def test_the_daemon_makes_it_once_over_its_restarts(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = Home(tmp_path / "home", sandbox)
    home.settings(SETTINGS.partition("[[")[0])
    home.put("costs.csv", COSTS)
    with home.started("--headless"):
        wait_until(lambda: home.json("history", "--client", "Northwind"), what="the cost")
        home.settings(SETTINGS)
        wait_until(lambda: made(home), timeout=30, what="the report")
        wait_until(
            lambda: json.loads(home.run("alerts", "--rule", "report", "--json").stdout)["alerts"],
            what="that it is told",
        )
    with home.started("--headless"):
        home.run("refresh")
        home.run("refresh")
    assert made(home) == [NAME]


def test_a_kill_between_two_clients_leaves_only_the_other_to_be_made(tmp_path: Path, sandbox: SandboxProcess) -> None:
    # The dearest comes first, and is soon made; there is much to write of the other one.
    many = "".join(f"{LAST_MONTH:%Y-%m-%d},Take {number},0.01,voice,Acme\n" for number in range(4000))
    several = f'{SETTINGS}formats = ["html", "csv", "json"]\n'
    acme, northwind = (
        [
            *(f"trayd-export-{client}-{LAST_MONTH:%Y-%m}.{form}" for form in ("csv", "json")),
            f"trayd-report-{client}-{LAST_MONTH:%Y-%m}.html",
        ]
        for client in ("acme", "northwind")
    )
    home = Home(tmp_path / "home", sandbox)
    home.settings(SETTINGS.partition("[[")[0])
    home.put("costs.csv", f"{COSTS.replace('12.50', '900')}{many}")
    with home.started("--headless") as daemon:
        wait_until(lambda: len(home.json("history", "--client", "Acme", "--limit", "5000")) == 4000, what="the costs")
        home.settings(several)
        mirror = home.folder / "backup" / "state.jsonl"
        wait_until(lambda: b"report:monthly/Northwind" in mirror.read_bytes(), timeout=60, what="the first")
        daemon.kill()
    assert made(home) == northwind, "killed too late to tell anything"

    with home.started("--headless"):
        wait_until(lambda: set(acme) <= set(made(home)), timeout=60, what="the other")
        wait_until(
            lambda: len(json.loads(home.run("alerts", "--rule", "report", "--json").stdout)["alerts"]) == 2,
            what="that it is told",
        )
    assert made(home) == sorted([*acme, *northwind])


def test_a_folder_that_is_missing_stands_in_the_status(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = Home(tmp_path / "home", sandbox)
    folder = tmp_path / "disk"
    home.settings(f'{SETTINGS}folder = "{folder.as_posix()}"\n')
    home.put("costs.csv", COSTS)
    home.run("run", "--once")
    assert f"There is no folder {folder}; make it" in " ".join(home.run("status").stdout.split())
    folder.mkdir()
    home.run("run", "--once")
    assert [file.name for file in folder.iterdir()] == [NAME]
    assert "There is no folder" not in home.run("status").stdout


def test_the_doctor_names_what_keeps_reports_from_being_made(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = Home(tmp_path / "home", sandbox)
    folder = tmp_path / "disk"
    home.settings(
        f"""{SETTINGS}folder = "{folder.as_posix()}"
        clients = ["Northwint"]
        [[report.schedule]]
        every = "week"
        [report]
        logo = "logo.png"
        [[report.client]]
        name = "Northwind"
        rates = {{ "fal-ai/nothing" = 5 }}
        """
    )
    home.put("costs.csv", COSTS)
    home.run("run", "--once")

    found = [
        (each["subject"], each["state"], each["text"].partition("; known: ")[0]) for each in home.json("doctor", code=1)
    ]
    mine = [each for each in found if each[0].startswith("report")]
    assert mine == [
        ("reports, monthly", "bad", f"there is no folder {folder}"),
        ("reports, weekly", "good", f"made in {home.folder / 'reports'}"),
        (
            "reports",
            "note",
            "the settings name one, and nothing recorded has the client “Northwint”; did you mean “Northwind”?",
        ),
        ("reports", "note", "the settings name one, and nothing recorded has the model “fal-ai/nothing”"),
        ("reports", "bad", f"report.logo: there is no file {home.folder / 'logo.png'}"),
    ]


def test_the_doctor_tries_templates_and_the_usual_folder(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = Home(tmp_path / "home", sandbox)

    def told(*settings: str) -> list[tuple[str, str, str]]:
        home.settings("\n".join(("[report]", *settings)))
        found = home.json("doctor", code=None)
        return [
            (each["subject"], each["state"], each["text"]) for each in found if each["subject"].startswith("report")
        ]

    assert told() == []
    templates = home.folder / "mine"
    assert told('templates = "mine"') == [
        ("report templates", "bad", f"report.templates: there is no folder {templates}")
    ]
    templates.mkdir()
    (templates / "report.html.j2").write_text(
        '{% extends "report.html.j2" %}\n{% block footer %}\n{{ studio }}\n{% endblock %}', encoding="utf-8"
    )
    assert told('templates = "mine"') == [
        ("report templates", "bad", f"{templates / 'report.html.j2'}, line 3: there is no 'studio'")
    ]
    (templates / "report.html.j2").unlink()
    (templates / "report.css").write_text("body { color: #123456 }", encoding="utf-8")
    assert told('templates = "mine"') == [("report templates", "good", f"those in {templates} make a page")]

    (home.folder / "reports").write_text("no folder")
    inside = home.folder / "drop" / "reports"
    inside.mkdir(parents=True, exist_ok=True)
    monthly = f'[[report.schedule]]\nevery = "month"\nfolder = "{inside.as_posix()}"'
    assert told(monthly) == [
        ("reports folder", "bad", f"{home.folder / 'reports'} is no folder"),
        ("reports, monthly", "bad", f"{inside} is in the drop folder, and exports there would be taken in as costs"),
    ]
