"""What people trust trayd for: figures that are checked, keys that stay secret, nothing lost by bad input or reset."""

from __future__ import annotations

import json
import socket
import time
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with SandboxProcess("--days", "9", "--per-day", "15", "--seed", "11") as sandbox:
        sandbox.control("freeze", frozen=True)
        home = Home(tmp_path / "trayd", sandbox)
        home.settings('time_zone = "UTC"\nlocale = "en_US"\n')
        yield home


def test_a_row_that_fal_hides_is_named_with_its_amount_until_it_appears(home: Home) -> None:
    old = [row for row in home.sandbox.billing_rows() if row["cost_total"] > 0]
    hidden = sorted(old, key=lambda row: row["timestamp"])[len(old) // 2]
    home.sandbox.control("hide", request_id=hidden["request_id"])
    home.run("run", "--once")
    status = home.json("status")
    (difference,) = status["differences"]
    assert difference["endpoint_id"] == hidden["endpoint_id"]
    missing = Decimal(difference["fal"]["amount"]) - Decimal(difference["ledger"]["amount"])
    rows = [row for row in old if row["request_id"] == hidden["request_id"]]
    assert missing == sum(Decimal(str(row["cost_estimate_nano_usd"])) for row in rows) / 10**9
    told = home.run("status").stdout
    assert hidden["endpoint_id"] in told
    assert "fal says" in told
    assert any(hidden["endpoint_id"] in finding["text"] for finding in home.json("doctor", code=1))

    home.sandbox.control("hide", request_id=hidden["request_id"], hidden=False)
    home.run("refresh")
    assert home.json("status")["differences"] == []
    assert [one["request_id"] for one in home.json("history", "--limit", "1000")].count(hidden["request_id"]) == 1


def test_the_key_is_nowhere_but_in_the_environment(home: Home) -> None:
    key = home.sandbox.key
    secret = key.partition(":")[2]
    home.sandbox.control(
        "faults", kind="status", path="/models/usage", times=2, status=500, message=f"failed for {key}"
    )
    with home.started("--headless") as daemon:
        wait_until(lambda: home.json("status")["spent"]["total"]["generations"], what="the first poll")
        home.put("bad.json", json.dumps({"trayd": 1, "type": "generation", "note": key}))
        wait_until(lambda: list((home.drop / "rejected").glob("*.reason.txt")), what="the reason")
        printed = [
            home.run(*one, code=None) for one in (["status"], ["doctor"], ["config", "show"], ["account", "list"])
        ]
        commands = Path(f"/proc/{daemon.process.pid}/cmdline").read_bytes().decode()
    for form in ("csv", "focus", "json", "ledger"):
        home.run("export", "--format", form, "--out", str(home.folder / f"out.{form}"))
    home.run("report", "--out", str(home.folder / "out.html"))
    texts = {"process list": commands, "terminal": daemon.output}
    texts |= {f"printed {number}": one.stdout + one.stderr for number, one in enumerate(printed)}
    for path in home.folder.rglob("*"):
        # What the person dropped is the person's own file.
        if path.is_file() and "rejected" not in path.parts:
            texts[str(path)] = path.read_bytes().decode("utf-8", "replace")
    assert len(texts) > 10
    assert [name for name, text in texts.items() if secret in text] == []


def test_run_once_polls_takes_the_drop_folder_in_and_ends(home: Home) -> None:
    home.put(
        "event.json",
        json.dumps(
            {
                "trayd": 1,
                "type": "generation",
                "request_id": "0192b0a8-0000-7000-8000-000000000001",
                "endpoint_id": "fal-ai/flux/dev",
                "time": "2026-11-20T10:00:00Z",
                "estimate": {"amount": "0.30", "currency": "USD"},
            }
        ),
    )
    home.run("run", "--once")
    history = home.json("history", "--limit", "1000")
    assert len(history) > 50
    assert [one["estimated_cost"]["amount"] for one in history if one["source"] != "fal"] == ["0.30"]


def test_a_second_daemon_is_told_who_holds_the_ledger(home: Home) -> None:
    with home.started("--headless") as daemon:
        second = home.run("run", "--headless", code=1)
        assert str(daemon.process.pid) in second.stderr
        assert "Traceback" not in second.stderr


def test_reset_archives_before_it_clears(home: Home) -> None:
    home.run("run", "--once")
    before = len(home.json("history", "--limit", "1000"))
    assert before
    for words in ([], ["--confirm", "delete"], ["--confirm", "yes"]):
        refused = home.run("reset", *words, code=10)
        assert "DELETE" in refused.stderr
    assert len(home.json("history", "--limit", "1000")) == before
    archive = Path(home.json("reset", "--confirm", "DELETE")["archive"])
    assert home.json("history") == []
    assert archive.exists()
    assert archive.is_dir() or zipfile.is_zipfile(archive)
    # What was cleared comes back from fal, as it would on a new machine.
    home.run("run", "--once")
    assert len(home.json("history", "--limit", "1000")) == before


def test_real_and_sandbox_never_meet(home: Home) -> None:
    home.run("run", "--once")
    with SandboxProcess("--days", "1", "--per-day", "2") as other:
        stranger = Home(home.folder, other)
        refused = stranger.run("run", "--once", code=1)
        assert home.sandbox.url in refused.stderr
        assert other.url in refused.stderr


def test_the_last_known_figures_stay_when_fal_is_gone(home: Home) -> None:
    home.run("run", "--once")
    before = home.json("status")
    home.sandbox.end()
    home.run("refresh", code=1)
    after = home.json("status")
    assert after["accounts"][0]["state"] == "offline"
    assert after["accounts"][0]["balance"] == before["accounts"][0]["balance"]
    assert after["accounts"][0]["as_of"] == before["accounts"][0]["as_of"]
    assert after["spent"]["total"] == before["spent"]["total"]
    assert after["alerts"] == before["alerts"]


def test_without_a_key_files_are_still_taken_in_and_the_cure_is_named(home: Home) -> None:
    del home.env["FAL_ADMIN_KEY"]
    assert home.run("run", "--once", code=1).stderr.count("trayd key set")
    (account,) = home.json("status")["accounts"]
    assert account["state"] == "no_key"
    assert account["balance"] is None
    path = home.folder / "costs.csv"
    path.write_text("date,description,amount,category\n2026-11-20,Licence,12.00,software\n")
    assert home.json("import", str(path))["recorded"] == 1
    assert home.json("status")["spent"]["total"]["cost"]["amount"] == "12.00"


def test_an_api_scope_key_is_useful_and_says_what_it_lacks(home: Home) -> None:
    home.env["FAL_ADMIN_KEY"] = home.sandbox.said["api_key"]
    home.run("run", "--once", code=None)
    (account,) = home.json("status")["accounts"]
    assert account["state"] == "needs_admin"
    assert account["balance"] is None
    assert "Admin" in account["problem"]
    # What was billed cannot be known with it: unknown, never zero.
    assert {spent["cost"] for spent in home.json("status")["spent"].values()} == {None}
    assert "$0.00" not in home.run("status").stdout


def test_a_cost_from_elsewhere_is_shown_on_its_date_in_every_time_zone(home: Home) -> None:
    path = home.folder / "costs.csv"
    path.write_text("date,description,amount,category\n2026-11-06,Licence,12.00,software\n")
    home.run("import", str(path))
    for zone in ("America/Los_Angeles", "Asia/Tokyo", "UTC"):
        home.run("config", "set", "time_zone", zone)
        assert "2026-11-06  Licence" in home.run("history").stdout


def test_accounts_as_the_first_steps_say(tmp_path: Path) -> None:
    with SandboxProcess("--days", "3", "--per-day", "10", "--accounts", "2") as sandbox:
        sandbox.control("freeze", frozen=True)
        first, second = sandbox.said["accounts"]
        home = Home(tmp_path / "trayd", sandbox)
        del home.env["FAL_ADMIN_KEY"]
        # A keyring that the processes of this test share.
        home.env |= {
            "PYTHON_KEYRING_BACKEND": "tests.end_to_end.file_keyring.FileKeyring",
            "TEST_KEYRING_FILE": str(tmp_path / "keyring.json"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        assert first["username"] in home.run("key", "set", text=first["admin_key"] + "\n").stdout
        assert "account add nobody" in home.run("key", "set", "nobody", code=2, text="x\n").stderr
        twin = home.run("account", "add", "twin", code=2, text=first["spare_admin_key"] + "\n")
        assert "'default'" in twin.stderr
        assert home.run("account", "add", "harbour", code=1, text="wrong-key\n").stderr
        assert second["username"] in home.run("account", "add", "harbour", text=second["admin_key"] + "\n").stdout
        home.run("run", "--once")
        accounts = {each["name"]: each for each in home.json("status")["accounts"]}
        assert {name: each["username"] for name, each in accounts.items()} == {
            "default": first["username"],
            "harbour": second["username"],
        }
        assert all(each["balance"] for each in accounts.values())
        by_account = {part["key"] for part in home.json("usage", "--by", "account")["by"]}
        assert by_account == {first["username"], second["username"]}
        home.run("account", "remove", "harbour")
        assert [each["name"] for each in home.json("status")["accounts"]] == ["default"]
        assert home.json("history", "--account", second["username"])


def test_a_client_that_does_not_read_keeps_the_daemon_from_ending_for_moments_only(home: Home) -> None:
    with home.started("--headless") as daemon:
        wait_until(lambda: home.json("status")["spent"]["total"]["generations"], what="the first poll")
        home.run("import", str(large_csv(home.folder / "large.csv")))
        said = json.loads((home.folder / "run" / "trayd.json").read_text())
        host, port = said["url"].removeprefix("http://").split(":")
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect((host, int(port)))
            head = (
                f"GET /api/v1/export HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {said['token']}\r\n\r\n"
            )
            slow.sendall(head.encode())
            assert slow.recv(12) == b"HTTP/1.1 200"
            begun = time.monotonic()
            assert daemon.end() == 0
            assert time.monotonic() - begun < 10
        assert "Traceback" not in daemon.output


def large_csv(path: Path) -> Path:
    rows = "".join(f"2026-11-{1 + n % 20:02d},Licence {n},{n}.00,software\n" for n in range(1, 40_000))
    path.write_text("date,description,amount,category\n" + rows)
    return path


def test_after_a_reset_the_running_daemon_reads_everything_anew(home: Home) -> None:
    with home.started("--headless"):
        wait_until(lambda: home.json("history", "--limit", "1000"), what="the first poll")
        home.run("refresh")
        before = home.json("history", "--limit", "1000")
        home.run("reset", "--confirm", "DELETE")

        def as_before() -> bool:
            now = home.json("history", "--limit", "1000")
            named = [(one["request_id"], one["display_name"], one["operation"]) for one in now]
            return named == [(one["request_id"], one["display_name"], one["operation"]) for one in before]

        wait_until(as_before, timeout=30, what="records with their names and operations")


def test_nothing_lies_between_a_later_and_an_earlier_time(home: Home) -> None:
    refused = home.run("history", "--since", "2026-11-10", "--until", "2026-11-01", code=2)
    assert "2026-11-10" in refused.stderr
    assert "swap" in refused.stderr


def test_a_system_time_zone_without_a_name_is_told_with_its_cure(home: Home) -> None:
    home.settings("")
    home.env["TZ"] = "CET-1CEST"
    refused = home.run("status", code=1)
    assert "time_zone" in refused.stderr
    assert "Traceback" not in refused.stderr
    home.run("config", "set", "time_zone", "Europe/Paris")
    home.run("status")
