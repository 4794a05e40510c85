"""What the command line says when something is wrong: the thing, the fault, the cure, and never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.support import Home, SandboxProcess


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "3", "--per-day", "20", "--seed", "5") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, sandbox: SandboxProcess) -> Home:
    return Home(tmp_path / "home", sandbox)


def refused(home: Home, *arguments: str, code: int, text: str | None = None) -> str:
    """What the refused command said on stderr."""
    said = home.run(*arguments, code=code, text=text).stderr
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("nonsense", "1", "there is no setting 'nonsense'"),
        ("alerts.nope", "1", "there is no setting 'alerts.nope'"),
        ("a..b", "1", "there is no setting 'a..b'"),
        ("poll.interval_s", "abc", "poll.interval_s: expected a number, got text"),
        ("poll.interval_s", "-5", "poll.interval_s is a number from 0.2 on"),
        ("poll.interval_s.x", "1", "there is no setting 'poll.interval_s.x'"),
        ("alerts.balance_below", "30", "expected a list, got a whole number; write one such as [20.00, 5.00]"),
        ("home_currency", "XXQ", "'XXQ' is no ISO 4217 code"),
        ("locale", "xx_YY", "locale 'xx_YY' is not known"),
        ("time_zone", "Mars/Olympus", "no IANA time zone"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_and_changes_nothing(
    home: Home, key: str, value: str, said: str
) -> None:
    assert said in refused(home, "config", "set", key, value, code=2)
    assert not (home.folder / "settings.toml").exists()


def test_a_broken_settings_file_is_named_as_the_file_and_not_as_the_change(home: Home) -> None:
    home.settings("store_prompts = 7\n")
    said = refused(home, "config", "set", "poll.interval_s", "60", code=2)
    assert "settings.toml" in said
    assert "store_prompts" in said


def test_the_doctor_examines_even_a_broken_settings_file(home: Home) -> None:
    home.settings("a = = 3")
    done = home.run("doctor", code=1)
    assert "✗ settings" in done.stdout
    assert "this is not TOML" in done.stdout
    assert done.stderr == ""


def test_the_doctor_tells_a_file_where_a_folder_should_be(home: Home) -> None:
    home.settings("")
    (home.folder / "drop").write_text("")
    assert f"{home.drop} is no folder" in home.run("doctor", code=1).stdout.replace("\n", " ")


def test_the_doctor_says_that_no_icon_can_be_shown_here(home: Home) -> None:
    (tray,) = [each for each in home.json("doctor", code=0) if each["subject"] == "tray"]
    assert tray["state"] == "note"
    assert "no tray icon" in tray["text"]
    assert "log" in tray["cure"]


@pytest.mark.parametrize("url", ["http://[bad", "http://example.com/v1"])
def test_an_address_of_fal_that_cannot_be_is_refused(home: Home, url: str) -> None:
    home.env["TRAYD_FAL_URL"] = url
    assert url in refused(home, "status", code=1)


def test_a_poll_that_fails_is_told_once(home: Home) -> None:
    home.env["FAL_ADMIN_KEY"] = "wrong:key"
    done = home.run("refresh", code=1)
    assert done.stderr == ""
    assert done.stdout.count("fal does not know this key") == 1
    assert "fal does not know this key" in (home.folder / "log" / "trayd.log").read_text()


def test_files_to_import_are_all_looked_at_before_any_is_recorded(home: Home, tmp_path: Path) -> None:
    good = tmp_path / "good.csv"
    good.write_text("date,description,amount,category\n2026-11-01,Plan,30.00,image\n")
    said = refused(home, "import", str(good), str(tmp_path / "missing.csv"), code=2)
    assert "missing.csv does not exist; nothing was recorded" in said
    assert "is no file" in refused(home, "import", str(tmp_path), code=2)
    assert home.json("history") == []


def test_a_file_that_is_rejected_whole_bears_no_line(home: Home, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    assert "None" not in home.run("import", str(empty), code=1).stdout


def test_an_account_is_refused_before_its_key_is_asked_for(home: Home, sandbox: SandboxProcess) -> None:
    said = refused(home, "account", "add", "  ", text=sandbox.key, code=1)
    assert "cannot be the name of an account" in said


def test_an_account_goes_even_where_no_keyring_is(home: Home) -> None:
    assert "trayd key remove" in refused(home, "account", "remove", "default", code=2)
    home.settings('[[account]]\nname = "studio"\n[[account]]\nname = "lab"\n')
    assert "there are: studio, lab" in refused(home, "account", "remove", "nosuch", code=2)
    home.env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    done = home.run("account", "remove", "studio")
    assert "studio is no longer polled" in done.stdout
    assert "its key was not looked for" in done.stderr
    assert home.json("config", "show")["account"] == [{"name": "lab"}]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
@pytest.mark.parametrize("command", [["status"], ["status", "--json"], ["export"], ["config", "path"]])
def test_an_output_that_takes_nothing_is_told(home: Home, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "trayd", *command],
            env=home.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "trayd: the output cannot be used (No space left on device)"
    assert "make room" in done.stderr


@pytest.mark.parametrize("command", [["export"], ["history", "--limit", "9999"], ["history", "--json"]])
def test_a_reader_that_has_had_enough_is_no_failure(home: Home, tmp_path: Path, command: list[str]) -> None:
    rows = "".join(f"2026-11-01,{'long ' * 20}{number},1.00,image\n" for number in range(2000))
    (tmp_path / "many.csv").write_text(f"date,description,amount,category\n{rows}")
    home.run("import", str(tmp_path / "many.csv"))
    reading = subprocess.Popen(
        [sys.executable, "-m", "trayd", *command, *([] if command[0] == "export" else ["--limit", "2000"])],
        env=home.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert reading.stdout is not None
    assert reading.stderr is not None
    reading.stdout.read(10)
    reading.stdout.close()
    with reading.stderr as said:
        assert said.read() == b""
    assert reading.wait(30) == 0


def test_a_report_that_cannot_be_written_names_the_place_and_a_way_out(home: Home) -> None:
    said = refused(home, "report", "--out", "/proc/report.html", code=1)
    assert "/proc/report.html cannot be written" in said
    assert "choose another place" in said


def test_a_folder_that_is_not_there_is_not_made_for_a_report(home: Home) -> None:
    said = refused(home, "report", "--out", str(home.folder / "nowhere" / "report.html"), code=2)
    assert "there is no folder" in said
    assert not (home.folder / "nowhere").exists()


def test_a_page_is_named_even_where_nothing_opens_it(home: Home) -> None:
    home.env["BROWSER"] = "true"
    assert "https://fal.ai/dashboard/billing" in home.run("open", "billing").stdout


def test_a_drop_folder_that_cannot_be_made_is_named(home: Home) -> None:
    home.settings("")
    home.drop.write_text("")
    assert f"{home.drop} cannot be used" in refused(home, "open", "drop", code=1)


def test_json_is_whole_in_a_pipe(home: Home) -> None:
    assert json.loads(home.run("status", "--json").stdout)["daemon"] == {"running": False, "url": None, "backup": None}


def test_output_that_lacks_a_character_gets_a_plain_one_and_no_traceback(home: Home) -> None:
    home.settings('[[budget]]\nname = "Tokyo 東京 → Café"\namount = 300\n')
    home.env["PYTHONIOENCODING"] = "cp1252"
    done = subprocess.run(
        [sys.executable, "-m", "trayd", "budgets"], env=home.env, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    told = done.stdout.decode("cp1252")
    assert "Tokyo ?? -> Café" in told
    home.env["PYTHONIOENCODING"] = "ascii"
    assert json.loads(home.run("budgets", "--json").stdout)[0]["budget"]["name"] == "Tokyo 東京 → Café"
