"""``trayd import`` as people use it: look first, say what a file cannot tell, have it remembered."""

from __future__ import annotations

import os
import re
import shlex
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.tables import BANK, PLAIN, TWO_WAYS, long_table, new_home, recorded
from tests.cli.terminal import on_a_terminal
from tests.end_to_end.support import Home, SandboxProcess
from tests.intake.samples import numbered


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "3", "--per-day", "20", "--seed", "5") as running:
        running.control("freeze", frozen=True)
        yield running


@pytest.fixture
def home(tmp_path: Path, sandbox: SandboxProcess) -> Home:
    return new_home(tmp_path, sandbox)


class TestLooking:
    def test_it_is_shown_how_a_file_is_read_and_nothing_is_recorded(self, home, put):
        shown = home.run("import", "--dry-run", put("bank.csv", BANK), code=1).stdout
        told = " ".join(shown.split())
        assert "nothing was recorded" in told
        assert "UTF-8, cells divided by semicolons, header on line 4" in told
        assert re.search(r"Buchungstag +date", shown)
        assert re.search(r"Betrag +amount", shown)
        assert "with a decimal comma" in told
        assert re.search(r"2026-11-02 +.*Abo November.* €35\.00", shown)
        assert "1 record would be recorded, 1 would be rejected" in told
        assert "1 pending (line 7)" in told
        assert re.search(r"line 8, column Betrag: .*27,x0", shown)
        assert home.json("history") == []

    def test_a_narrow_terminal_shows_all_of_it(self, home, put):
        shown = on_a_terminal("import", "--dry-run", put("bank.csv", BANK), env=home.env)
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
        assert "Verwendungszweck" in plain
        rejection = "line 8, column Betrag"
        assert all(len(line) <= 80 for line in plain.splitlines() if rejection not in line)

    def test_programs_get_the_same(self, home, put):
        told = home.json("import", "--dry-run", put("bank.csv", BANK), code=1)
        assert told["recorded"] == 1
        assert {each["name"]: each["field"] for each in told["understood"]["columns"]}["Betrag"] == "amount"
        assert told["understood"]["header_line"] == 4
        (first,) = told["sample"]
        assert (first["timestamp"], first["cost"]) == ("2026-11-02T00:00:00Z", {"amount": "35.00", "currency": "EUR"})
        assert {"line": 7, "what": "left out", "reason": "pending"} in told["left_out"]
        assert [row["line"] for row in told["rejected"]] == [8]

    def test_what_is_known_already_is_told(self, home, put):
        home.run("import", put("first.csv", PLAIN))
        told = home.json("import", "--dry-run", put("more.csv", f"{PLAIN}2026-11-04,Suno,10.00,music\n"))
        assert (told["recorded"], told["duplicates"]) == (1, 1)

    def test_events_are_shown_as_the_generations_that_they_become(self, home, put):
        told = home.json("import", "--dry-run", put("jobs.jsonl", f"{numbered(1)}\n{numbered(2)}\n"))
        assert [one["request_id"] for one in told["sample"]] == ["request-1", "request-2"]
        assert told["understood"] is None
        assert "kling-video" in home.run("import", "--dry-run", put("jobs.jsonl", numbered(1))).stdout

    def test_the_first_five_records_are_shown(self, home, put):
        rows = "".join(f"2026-11-{day:02},Plan {day},1.00,x\n" for day in range(1, 21))
        told = home.json("import", "--dry-run", put("many.csv", f"date,description,amount,category\n{rows}"))
        assert [one["description"] for one in told["sample"]] == [f"Plan {day}" for day in range(1, 6)]

    def test_what_a_file_holds_is_no_command_to_the_terminal(self, home, put):
        file = put("bell.csv", "Date,Description\x1b]0;x\x07,Amount\n2026-11-03,A\x07B\x1b[31mred,15.00\n")
        shown = home.run("import", "--dry-run", file).stdout + home.run("import", file).stdout
        shown += home.run("history").stdout
        assert "B [31mred" in shown
        assert not set(shown) & {"\x1b", "\x07"}


class TestTaking:
    def test_every_row_is_recorded_rejected_or_named(self, home, put):
        told = home.json("import", put("bank.csv", BANK), code=1)
        assert "understood" not in told
        named = {row["line"] for row in (*told["rejected"], *told["left_out"])}
        assert (told["recorded"], named) == (1, {1, 2, 6, 7, 8})
        assert recorded(home) == [("2026-11-02", recorded(home)[0][1], "35.00")]

    def test_a_person_is_told_what_costs_nothing(self, home, put):
        shown = " ".join(home.run("import", put("bank.csv", BANK), code=1).stdout.split())
        assert "bank.csv: 1 record recorded, 0 known already, 1 rejected, 2 left out" in shown
        assert "1 pending (line 7)" in shown

    def test_a_clean_file_leaves_nothing_out(self, home, put):
        told = home.json("import", put("plain.csv", PLAIN))
        assert told == {"file": "plain.csv", "recorded": 1, "duplicates": 0} | {
            "rejected": [],
            "left_out": [],
            "assumed_currency": "USD",
        }

    def test_a_file_that_is_known_ends_well(self, home, put):
        home.run("import", put("plain.csv", PLAIN))
        assert "0 records recorded, 1 known already" in home.run("import", put("again.csv", PLAIN)).stdout

    def test_a_file_without_a_cost_is_never_silent(self, home, put):
        income = "Date,Description,Amount,Status\n2026-11-03,Suno,-10.00,pending\n2026-11-04,Runway,-9.00,pending\n"
        (row,) = home.json("import", put("pending.csv", income), code=1)["rejected"]
        assert row["reason"].startswith("none of its rows is a cost: 2 pending")

    def test_of_many_rejected_rows_the_first_are_shown(self, home, put):
        rows = "".join(f"2026-11-03,bad {number},?,x\n" for number in range(50))
        shown = home.run("import", put("bad.csv", f"{PLAIN}{rows}"), code=1).stdout
        assert shown.count("is not an amount") == 20
        assert "and 30 more; --json lists them all" in shown


class TestSaying:
    def test_the_command_that_settles_a_file_can_be_copied_from_its_refusal(self, home, tmp_path):
        folder = tmp_path / "my statements"
        folder.mkdir()
        (folder / "it's two ways.csv").write_text(TWO_WAYS)
        shown = on_a_terminal("import", str(folder / "it's two ways.csv"), env=home.env)
        command = re.search(r"trayd (import --date-order dmy .*?\.csv'?)(?= )", shown.replace("\r\n", ""))
        assert command
        home.run(*shlex.split(command[1]))
        assert recorded(home) == [("2026-04-03", "Midjourney", "30.00"), ("2026-06-05", "Suno", "10.00")]

    def test_dates_are_as_the_person_says(self, home, put):
        file = put("two-ways.csv", TWO_WAYS)
        assert "reads" not in home.run("import", file, code=1).stderr
        assert home.json("history", "--kind", "external") == []
        home.run("import", "--date-order", "mdy", file)
        assert [day for day, _, _ in recorded(home)] == ["2026-03-04", "2026-05-06"]

    def test_numbers_currency_and_source_are_as_the_person_says(self, home, put):
        file = put("costs.csv", 'Date,Description,Amount\n2026-11-03,Render farm,"12,500"\n')
        home.run("import", file, code=1)
        home.run("import", "--decimal", "comma", "--currency", "sek", "--source", "Farm", file)
        (one,) = home.json("history", "--kind", "external")
        assert (one["cost"], one["source"]) == ({"amount": "12.50", "currency": "SEK"}, "Farm")

    def test_the_sign_is_as_the_person_says(self, home, put):
        file = put("signs.csv", "Date,Description,Amount\n2026-11-03,Ana Vogt,-120.00\n2026-11-05,Northwind,80.00\n")
        assert "--spending" in home.json("import", file, code=1)["rejected"][0]["reason"]
        home.run("import", "--spending", "positive", file)
        assert recorded(home) == [("2026-11-05", "Northwind", "80.00")]

    def test_columns_are_as_the_person_says(self, home, put):
        file = put("net.csv", "Datum;Lieferant;Netto;MwSt;Brutto\n13.11.2026;Getty;100,00;19,00;119,00\n")
        home.run("import", file, code=1)
        home.run("import", "--column", "amount=Brutto", "--column", "description=Lieferant", file)
        assert recorded(home) == [("2026-11-13", "Getty", "119.00")]

    def test_each_table_of_an_archive_is_taken_in_by_itself(self, home, tmp_path):
        with zipfile.ZipFile(tmp_path / "year.zip", "w") as archive:
            archive.writestr("october.csv", PLAIN.replace("2026-11", "2026-10"))
            archive.writestr("november.csv", PLAIN)
        file = str(tmp_path / "year.zip")
        (row,) = home.json("import", file, code=1)["rejected"]
        assert f"trayd import --sheet october.csv --sheet november.csv {file}" in row["reason"]
        home.run("import", "--sheet", "november.csv", file)
        october, november = home.json("import", "--sheet", "october.csv", "--sheet", "november.csv", file)
        assert (october["sheet"], october["recorded"]) == ("october.csv", 1)
        assert (november["sheet"], november["recorded"], november["duplicates"]) == ("november.csv", 0, 1)
        assert [day for day, _, _ in recorded(home)] == ["2026-10-03", "2026-11-03"]

    def test_what_is_said_of_a_known_file_changes_nothing_and_that_is_told(self, home, put):
        home.run("import", put("plain.csv", PLAIN))
        again = home.run("import", "--currency", "EUR", put("plain.csv", PLAIN))
        assert "1 known already" in again.stdout
        assert "what is said of it now changes nothing there" in again.stderr
        assert home.json("history", "--kind", "external")[0]["currency"] == "USD"

    def test_what_makes_no_sense_is_refused_before_anything_is_recorded(self, home, put):
        file = put("plain.csv", PLAIN)
        for options, said in (
            (["--column", "amount"], "write FIELD=NAME"),
            (["--column", "price=Net"], "there is no field 'price'"),
            (["--currency", "XQQ"], "'XQQ' is no currency"),
            (["--date-order", "ymx"], "'ymx' is not one of 'dmy', 'mdy', 'ymd'"),
            (["--dry-run", "--remember"], "leave one of the two out"),
            (["--remember"], "--remember keeps what is said of a file, and nothing is said"),
            (["--remember", "--sheet", "plain.csv"], "or leave --remember out"),
        ):
            assert said in " ".join(home.run("import", *options, file, code=2).stderr.split())
        assert recorded(home) == []
        assert home.json("config", "show")["source"] == []


class TestRemembering:
    def test_the_next_file_of_the_source_is_read_without_asking(self, home, put):
        shown = home.run(
            "import", "--date-order", "dmy", "--source", "My Bank", "--remember", put("a.csv", TWO_WAYS)
        ).stdout
        assert "remembered for the next files of My Bank" in shown
        settings = (home.folder / "settings.toml").read_text()
        assert settings.startswith('# mine\ntime_zone = "UTC"\n')
        assert home.json("config", "show")["source"] == [
            {"name": "My Bank", "header": ["Booked", "Text", "Sum"], "date_order": "dmy"}
            | {"columns": {}, "decimal": None, "currency": None, "spending": None}
        ]
        home.put("b.csv", TWO_WAYS.replace("03/04", "07/08").replace("05/06", "09/10"))
        home.run("run", "--once")
        assert [day for day, _, _ in recorded(home)] == ["2026-04-03", "2026-06-05", "2026-08-07", "2026-10-09"]
        assert {one["source"] for one in home.json("history", "--kind", "external")} == {"My Bank"}

    def test_without_a_name_the_costs_keep_theirs_and_do_not_double(self, home, put):
        home.run("import", "--date-order", "dmy", put("a.csv", TWO_WAYS))
        home.run("import", "--date-order", "dmy", "--remember", put("a.csv", TWO_WAYS))
        assert home.json("import", put("b.csv", f"{TWO_WAYS}07/08/2026,Runway,15.00\n"))["recorded"] == 1

    def test_what_is_said_later_adds_to_what_is_remembered(self, home, put):
        home.run("import", "--date-order", "dmy", "--remember", put("a.csv", TWO_WAYS))
        home.run("import", "--currency", "EUR", "--remember", put("b.csv", TWO_WAYS.replace("2026", "2025")))
        (source,) = home.json("config", "show")["source"]
        assert (source["date_order"], source["currency"]) == ("dmy", "EUR")

    def test_a_source_that_trayd_knows_is_remembered_by_its_name(self, home, put):
        header = "Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance\n"
        row = "CARD_PAYMENT,Current,2026-11-03 10:00:00,2026-11-04 10:00:00,Suno,-10.00,0.00,EUR,COMPLETED,90.00\n"
        home.run("import", "--spending", "negative", "--remember", put("r.csv", header + row))
        (source,) = home.json("config", "show")["source"]
        assert (source["name"], source["header"], source["spending"]) == ("Revolut", [], "negative")
        assert home.json("import", put("r2.csv", header + row.replace("Suno", "Runway")))["recorded"] == 1

    def test_what_can_not_be_read_even_so_is_not_remembered(self, home, put):
        told = home.json("import", "--decimal", "point", "--remember", put("a.csv", TWO_WAYS), code=1)
        assert told["rejected"]
        assert "remembered" not in told
        assert home.json("config", "show")["source"] == []

    def test_a_file_without_a_header_can_not_be_known_again(self, home, put):
        file = put("bare.csv", "03/11/2026,Suno,10.00\n05/11/2026,Runway,20.00\n25/11/2026,Krea,9.00\n")
        said = home.run("import", "--date-order", "dmy", "--remember", file, code=2).stderr
        assert "it has no header to know the next file by; nothing was recorded" in said
        assert recorded(home) == []


class TestFiles:
    def test_a_name_that_is_no_text_is_told(self, home, tmp_path):
        path = os.fsencode(tmp_path) + b"/caf\xe9.csv"
        Path(os.fsdecode(path)).write_text(PLAIN)
        assert "caf\\xe9.csv: the name is not valid UTF-8" in home.run("import", os.fsdecode(path), code=2).stderr

    def test_folders_and_pipes_are_told(self, home, tmp_path):
        (tmp_path / "x.csv").mkdir()
        os.mkfifo(tmp_path / "y.csv")
        assert "x.csv is no file but a folder" in home.run("import", str(tmp_path / "x.csv"), code=2).stderr
        assert "y.csv is no file but a pipe" in home.run("import", str(tmp_path / "y.csv"), code=2).stderr

    def test_a_huge_file_is_refused_unread(self, home, tmp_path, put):
        with (tmp_path / "huge.csv").open("wb") as file:
            file.truncate(3 * 1024**3)
        huge, plain = home.json("import", str(tmp_path / "huge.csv"), put("plain.csv", PLAIN), code=1)
        assert huge["rejected"][0]["reason"] == "the file has 3072 MiB, more than the 100 that are read; split it"
        assert plain["recorded"] == 1


class TestLongFiles:
    def test_a_bar_is_shown_from_ten_thousand_rows(self, home, put):
        short = on_a_terminal("import", put("short.csv", long_table(9_000)), env=home.env)
        long = on_a_terminal("import", "--dry-run", put("long.csv", long_table(12_000)), env=home.env)
        assert ("%" in short, "reading long.csv" in long, "%" in long) == (False, True, True)

    def test_a_bar_is_for_terminals_only(self, home, put):
        assert home.run("import", put("long.csv", long_table(12_000))).stderr == ""


class TestACurrencyThatNothingTells:
    def test_is_the_home_currency_and_that_is_said(self, home, put):
        table = put("plan.csv", "Date,What,Amount\n2026-11-03,Standard plan,30.00\n")
        assert "currency: USD, your home currency" in home.run("import", table).stdout
        assert (
            home.json("import", put("told.csv", "Date,What,Amount\n2026-11-03,Pro plan,€60.00\n"))["assumed_currency"]
            is None
        )

    def test_is_what_a_person_says(self, home, put):
        table = put("plan.csv", "Date,What,Amount\n2026-11-03,Standard plan,30.00\n")
        assert "home currency" not in home.run("import", "--currency", "EUR", table).stdout
