"""``trayd export`` and where it writes, by the real command line, on the ledger itself and through a running daemon."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.terminal import on_a_terminal
from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess
from trayd.commands.exports import export
from trayd.reports.formats import FORMATS

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
#: Each of these ends a line for some reader of lines.
STYLE = "one\u2028two\u2029three\u0085four\x1e; 睡蓮"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "4", "--per-day", "20", "--seed", "5") as running:
        running.control("freeze", frozen=True)
        yield running


@pytest.fixture(scope="module", params=["ledger", "daemon"])
def home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sandbox: SandboxProcess
) -> Iterator[Home]:
    """A home with generations and with costs in three currencies: without a daemon, and with one."""
    folder = tmp_path_factory.mktemp("exports")
    home = Home(folder / "home", sandbox)
    home.settings(SETTINGS)
    today = datetime.now(UTC).date()
    (folder / "costs.csv").write_text(
        "date,description,amount,currency,category,client,project\n"
        f"{today},Plan,100,SEK,image,Northwind,Relaunch\n{today},Music,8,USD,sound,Contoso,Film\n"
        f"{today},Voice,5,KWD,sound,,\n"
    )
    home.run("import", str(folder / "costs.csv"))
    event = {"trayd": 1, "type": "generation", "endpoint_id": "fal-ai/flux/dev", "time": f"{today}T00:00:00Z"}
    told = {**event, "source": "premiere", "request_id": "told", "parameters": {"style": STYLE}}
    (folder / "event.json").write_text(json.dumps(told))
    home.run("import", str(folder / "event.json"))
    if request.param == "ledger":
        home.run("refresh")
        yield home
        return
    with home.started("--headless"):
        wait_until(lambda: home.json("status")["accounts"][0]["state"] == "ok", what="the first poll")
        yield home


def rows(home: Home, *options: str, delimiter: str = ",") -> list[dict[str, str]]:
    text = home.run("export", *options).stdout
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_every_format_that_there_is_can_be_asked_for() -> None:
    (choice,) = [option.type for option in export.params if option.name == "format"]
    assert set(choice.choices) == set(FORMATS)  # type: ignore[attr-defined]


def test_the_filters_say_what_is_in_it(home: Home) -> None:
    known: list[dict[str, Any]] = home.json("history", "--limit", "500")
    billed = next(record for record in known if record["kind"] == "internal")
    day = billed["timestamp"][:10]
    asked: list[tuple[list[str], Callable[[dict[str, Any]], bool]]] = [
        ([], bool),
        (["--client", "Northwind"], lambda record: record["client"] == "Northwind"),
        (["--client", ""], lambda record: record["client"] is None),
        (["--project", "Film"], lambda record: record["project"] == "Film"),
        (["--kind", "external"], lambda record: record["kind"] == "external"),
        (["--model", billed["model"]], lambda record: record["model"] == billed["model"]),
        (["--account", "default", "--kind", "internal"], lambda record: record["kind"] == "internal"),
        (["--since", day, "--until", day], lambda record: record["timestamp"][:10] == day),
        (["--client", "Nobody"], lambda record: record["client"] == "Nobody"),
    ]
    for options, meant in asked:
        told = [(row["timestamp"], row["request_id"], row["description"]) for row in rows(home, *options)]
        wanted = [
            (record["timestamp"], record["request_id"] or "", record["description"] or "")
            for record in known
            if meant(record)
        ]
        assert sorted(told) == sorted(wanted), options
        assert told == sorted(told, key=lambda row: datetime.fromisoformat(row[0])), "oldest first"


def ids_in(name: str, text: str) -> set[str]:
    """Of the records that have a cost."""
    if name == "json":
        return {record["id"] for record in json.loads(text)["records"] if record["cost"]}
    if name == "focus":
        return {row["x_TraydId"] for row in csv.DictReader(io.StringIO(text, newline=""))}
    entries = [lines for lines in text.split("\n\n") if re.match(r"\d{4}-\d\d-\d\d [*!]", lines)]
    return {found[1] for entry in entries if (found := re.search(r"\bid: *([^,\n]+)", entry))}


@pytest.mark.parametrize("name", ["focus", "json", "ledger"])
def test_the_filters_say_what_is_in_every_other_format(home: Home, name: str) -> None:
    known: list[dict[str, Any]] = [each for each in home.json("history", "--limit", "500") if each["cost"]]
    if name == "ledger":  # what was free is a comment there
        known = [each for each in known if each["counting"] != "free"]
    billed = next(record for record in known if record["kind"] == "internal")
    day = billed["timestamp"][:10]
    asked: list[tuple[list[str], Callable[[dict[str, Any]], bool]]] = [
        ([], bool),
        (["--client", "Northwind", "--project", "Relaunch"], lambda record: record["client"] == "Northwind"),
        (["--model", billed["model"]], lambda record: record["model"] == billed["model"]),
        (
            ["--kind", "internal", "--since", day, "--until", day],
            lambda record: record["model"] and record["timestamp"][:10] == day,
        ),
        (["--client", "Nobody"], lambda record: record["client"] == "Nobody"),
    ]
    for options, meant in asked:
        told = ids_in(name, home.run("export", "--format", name, *options).stdout)
        assert told == {record["id"] for record in known if meant(record)}, options


@pytest.mark.parametrize("name", ["focus", "ledger"])
def test_what_could_not_be_in_it_is_said_beside_it(home: Home, name: str) -> None:
    done = home.run("export", "--format", name, "--model", "fal-ai/flux/dev")
    without = [
        each for each in home.json("history", "--limit", "500", "--model", "fal-ai/flux/dev") if not each["cost"]
    ]
    assert len(without) == 1
    assert "1 without a price" in done.stderr
    assert "without a price" not in home.run("export", "--model", "fal-ai/flux/dev").stderr


def test_amounts_that_could_not_be_converted_are_said_beside_it(home: Home) -> None:
    today = datetime.now(UTC).date()
    said = f"no rate of KWD into USD is known of {today}: 5.00 KWD "
    for name in ("csv", "json", "ledger"):
        assert said in home.run("export", "--format", name, "--currency", "USD").stderr
    told = home.run("export", "--currency", "USD")
    assert told.stderr == f"{said}stays unconverted\n"
    assert home.run("export").stderr == ""


def test_with_a_currency_what_was_billed_and_what_that_is_stand_beside_each_other(home: Home) -> None:
    costs = {row["description"]: row for row in rows(home, "--kind", "external", "--currency", "usd")}
    assert {name: (row["cost"], row["currency"]) for name, row in costs.items()} == {
        "Plan": ("100.00", "SEK"),
        "Music": ("8.00", "USD"),
        "Voice": ("5.00", "KWD"),
    }
    more = ("converted_cost", "converted_currency", "exchange_rate", "rate_date")
    today = datetime.now(UTC).date().isoformat()
    assert {name: tuple(row[each] for each in more) for name, row in costs.items()} == {
        "Plan": ("10.00", "USD", "0.10", today),
        "Music": ("8.00", "USD", "1", ""),
        "Voice": ("", "", "", ""),
    }


def test_for_excel_there_are_semicolons_decimal_commas_and_a_mark(home: Home, tmp_path: Path) -> None:
    told = home.run(
        "export",
        "--kind",
        "external",
        "--delimiter",
        "semicolon",
        "--decimal",
        "comma",
        "--bom",
        "--out",
        str(tmp_path),
    )
    (file,) = tmp_path.glob("trayd-export-*.csv")
    assert told.stderr == f"written to {file}\n"
    content = file.read_bytes()
    assert content.startswith("\ufefftimestamp;model;".encode())
    read = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert sorted(row["cost"] for row in read) == ["100,00", "5,00", "8,00"]


def test_a_text_with_any_line_separator_comes_through_whole(home: Home) -> None:
    (event,) = [each for each in exported_json(home)["records"] if each["source"] == "premiere"]
    assert event["parameters"] == {"style": STYLE}


def exported_json(home: Home) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(home.run("export", "--format", "json").stdout)
    return whole


def test_stdout_is_a_dash_and_nothing_as_well(home: Home) -> None:
    whole = home.run("export").stdout
    dashed = home.run("export", "--out", "-")
    assert dashed.stdout == whole
    assert dashed.stderr == ""
    assert whole.count("\n") == len(home.json("history", "--limit", "500")) + 1


def test_a_folder_gets_a_file_named_by_what_is_inside(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    month = ("--since", "2026-11-01", "--until", "2026-11-30", "--client", "Northwind")
    home.run("export", *month, "--out", str(folder))
    home.run("export", *month, "--delimiter", "tab", "--out", str(folder))
    assert {file.name for file in folder.iterdir()} == {
        "trayd-export-northwind-2026-11.csv",
        "trayd-export-northwind-2026-11.tsv",
    }


def test_a_file_is_replaced_through_a_link_and_a_device_is_written_to(home: Home, tmp_path: Path) -> None:
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    link.symlink_to(real)
    home.run("export", "--kind", "external", "--out", str(link))
    assert link.is_symlink()
    assert real.read_text().startswith("timestamp,")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
    home.run("export", "--kind", "external", "--out", str(pipe))
    assert reading.communicate(timeout=30)[0] == real.read_text().replace("\r\n", "\n")
    assert pipe.is_fifo()


def test_a_report_goes_to_the_same_places(home: Home, tmp_path: Path) -> None:
    month = ("--since", "2026-11-01", "--until", "2026-11-30", "--client", "Northwind", "--kind", "external")
    page = home.run("report", *month, "--out", "-").stdout
    assert page.lower().startswith("<!doctype html>")
    told = home.run("report", *month, "--out", str(tmp_path)).stderr
    file = tmp_path / "trayd-report-northwind-2026-11.html"
    assert told == f"written to {file}\n"
    assert "Northwind" in file.read_text(encoding="utf-8")
    assert "drop folder" in home.run("report", "--out", str(home.folder / "drop" / "r.html"), code=2).stderr
    assert "there is no folder" in home.run("report", "--out", f"{tmp_path}/To send/", code=2).stderr
    assert not (tmp_path / "To send").exists()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--format", "pdf"], 2, "'pdf' is not one of"),
        (["--currency", "Euro"], 2, "'Euro' is no ISO 4217 code"),
        (["--out", ""], 2, "--out is empty"),
        (["--client", "a\udcff"], 2, "client: this is no text in UTF-8"),
        (["--decimal", "comma"], 2, "a comma cannot be both the delimiter and the decimal mark"),
        (["--since", "yesterday"], 2, "yesterday"),
        (["--out", "nowhere/costs.csv"], 2, "there is no folder nowhere"),
        (["--out", "nowhere/"], 2, "there is no folder nowhere"),
        (["--out", "HOME/ledger/2026-11.json"], 2, "among trayd's own files"),
        (["--out", "HOME/settings.toml"], 2, "among trayd's own files"),
        (["--out", "HOME/drop/costs.csv"], 2, "drop folder"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_cure(home: Home, options: list[str], code: int, said: str) -> None:
    given = [option.replace("HOME", str(home.folder)) for option in options]
    before = (home.folder / "settings.toml").read_text()
    refused = home.run("export", *given, code=code).stderr
    assert said in refused
    assert "Traceback" not in refused
    assert (home.folder / "settings.toml").read_text() == before


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"csv"}))
@pytest.mark.parametrize(
    "options", [["--delimiter", "tab"], ["--delimiter", "semicolon", "--decimal", "comma"], ["--bom"]]
)
def test_what_only_csv_has_is_refused_elsewhere_by_name(
    tmp_path: Path, sandbox: SandboxProcess, name: str, options: list[str]
) -> None:
    home = Home(tmp_path / "home", sandbox)
    refused = home.run("export", "--format", name, *options, code=2).stderr
    assert f"{options[0]} is for --format csv; --format {name} has one form only" in refused


@pytest.mark.parametrize("name", sorted(name for name, form in FORMATS.items() if form.instead_of_currency))
def test_formats_with_amounts_as_billed_refuse_a_currency_by_name(
    tmp_path: Path, sandbox: SandboxProcess, name: str
) -> None:
    refused = Home(tmp_path / "home", sandbox).run("export", "--format", name, "--currency", "EUR", code=2).stderr
    assert f"--currency does not go with --format {name}, which has amounts as they were billed" in refused
    assert FORMATS[name].instead_of_currency in refused


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_is_written_with_and_without_a_daemon(home: Home, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    home.run("export", "--format", name, "--kind", "internal", "--out", str(folder))
    (file,) = folder.iterdir()
    assert file.name.endswith(FORMATS[name].suffix)
    # What has no price so far is in some formats left out.
    billed = (each for each in home.json("history", "--kind", "internal") if each["actual_cost"])
    model = next(billed)["model"]
    content = file.read_text(encoding="utf-8")
    assert model in content
    assert "Plan" not in content
    if FORMATS[name].suffix == ".json":
        json.loads(content)


def test_a_bar_is_shown_on_a_terminal_and_nowhere_else(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = Home(tmp_path / "home", sandbox)
    many = tmp_path / "many.csv"
    lines = "".join(f"2026-11-{1 + number % 20:02},Plan {number},1.00,image\n" for number in range(6000))
    many.write_text(f"date,description,amount,category\n{lines}")
    home.run("import", str(many))
    shown = on_a_terminal("export", "--out", str(tmp_path / "out.csv"), env=home.env)
    assert "exporting" in shown
    assert "written to" in shown
    assert home.run("export", "--out", str(tmp_path / "out.csv")).stderr == f"written to {tmp_path / 'out.csv'}\n"


def test_an_export_that_is_broken_off_leaves_what_was_there(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = Home(tmp_path / "home", sandbox)
    many, out = tmp_path / "many.csv", tmp_path / "out" / "costs.csv"
    lines = "".join(f"2026-11-{1 + number % 20:02},Plan {number},1.00,image\n" for number in range(20_000))
    many.write_text(f"date,description,amount,category\n{lines}")
    home.run("import", str(many))
    out.parent.mkdir()
    ended = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
    for number, code in ended.items():
        out.write_text("what was there")
        running = subprocess.Popen(
            [sys.executable, "-m", "trayd", "export", "--out", str(out)],
            env=home.env,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 30
        while len(list(out.parent.iterdir())) == 1 and running.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        running.send_signal(number)
        said = running.communicate(timeout=30)[1]
        assert "Traceback" not in said
        if running.returncode:
            assert running.returncode == code
            assert out.read_text() == "what was there"
        assert [file.name for file in out.parent.iterdir()] == ["costs.csv"]
