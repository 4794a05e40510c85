"""Hooks of the real daemon, which is killed in the middle of them: none is lost, one may come twice, nothing leaks."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.alerts.webhooks import Answer, WebhookServer
from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands of these tests are shell scripts")

SECRET = "T0AAAA/B0BBBB/s3cretS3cret"
SETTINGS = """\
time_zone = "UTC"
locale = "en_US"
[poll]
interval_s = 1
[alerts]
off = ["backfill", "expensive", "together", "anomaly", "run_out", "expiry"]
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home whose balance is under the lowest threshold: one critical warning, and no other."""
    with SandboxProcess("--days", "4", "--per-day", "5", "--seed", "3") as sandbox:
        sandbox.control("freeze", frozen=True)
        sandbox.control("balance", amount="4.20")
        yield Home(tmp_path / "trayd", sandbox)


def command(home: Home, text: str, timeout_s: float = 30) -> None:
    """Settings with a hook that runs this shell script in the home's parent folder."""
    folder = home.folder.parent
    script = folder / "a hook.sh"
    script.write_text(f"#!/bin/sh\ncd '{folder}'\n{text}\n")
    script.chmod(0o755)
    hook = f'[[hook]]\nname = "script"\ncommand = ["{script}"]\ntimeout_s = {timeout_s}\n'
    home.settings(SETTINGS + hook)


def asked(home: Home, path: str) -> str:
    """What the running daemon's API answers there."""
    run = json.loads((home.folder / "run" / "trayd.json").read_text())
    answer = httpx.get(
        run["url"].rstrip("/") + path, headers={"Authorization": f"Bearer {run['token']}"}, trust_env=False
    )
    assert answer.is_success, answer.text
    return answer.text


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def settled(home: Home, runs: Path, count: int) -> None:
    """Waits for so many runs, then proves that another start of the daemon adds none."""
    with home.started("--headless"):
        wait_until(lambda: len(lines(runs)) >= count, timeout=20, what=f"{count} runs")
        time.sleep(1)
    with home.started("--headless"):
        time.sleep(2)
    assert len(lines(runs)) == count


def test_a_daemon_that_is_killed_while_a_command_runs_hands_it_over_again(home: Home, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    # The first one goes on for ever, the next one is quick.
    command(home, 'echo "$$ $TRAYD_EVENT $TRAYD_TITLE" >> runs\n[ -e killed ] || exec sleep 600')
    with home.started("--headless") as daemon:
        wait_until(lambda: lines(runs), timeout=20, what="the command")
        daemon.kill()
    (tmp_path / "killed").touch()
    pid = int(lines(runs)[0].split()[0])
    os.kill(pid, 9)

    settled(home, runs, 2)

    assert [line.partition(" ")[2] for line in lines(runs)] == ["opened Balance under $5.00 (north-light-studio)"] * 2
    assert home.run("ledger", "verify")


def test_a_daemon_that_is_killed_between_the_command_s_work_and_its_record_repeats_it_once(
    home: Home, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    # The command itself kills the daemon when it has done its work.
    command(home, 'cat > got.json; echo "$TRAYD_EVENT" >> runs\n[ -e killed ] || { touch killed; kill -9 $PPID; }')
    with home.started("--headless") as daemon:
        wait_until(lambda: daemon.process.poll() is not None, timeout=20, what="the end of the daemon")

    settled(home, runs, 2)

    assert json.loads((tmp_path / "got.json").read_text())["level"] == "5.00"


def test_a_daemon_that_is_killed_while_a_webhook_is_answered_sends_the_same_key_again(home: Home) -> None:
    with WebhookServer(Answer(silence_s=600)).running() as server:
        home.settings(f'{SETTINGS}[[hook]]\nname = "chat"\nurl = "{server.url}/{SECRET}"\ntimeout_s = 60\n')
        with home.started("--headless") as daemon:
            wait_until(lambda: server.sent, timeout=20, what="the message")
            daemon.kill()
        with home.started("--headless"):
            wait_until(lambda: len(server.sent) == 2, timeout=20, what="the message again")
            time.sleep(1)
        with home.started("--headless"):
            home.sandbox.control("balance", amount="50")
            wait_until(lambda: len(server.sent) == 3, timeout=20, what="the end")

    first, second, third = server.sent
    assert first.json == second.json
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert third.json["event"] == "resolved"
    assert third.headers["idempotency-key"] != first.headers["idempotency-key"]


def test_neither_the_key_nor_the_address_of_a_webhook_is_anywhere(home: Home, tmp_path: Path) -> None:
    """One address refuses, one answers with an error that repeats it, one is not there, and a command fails."""
    secret = home.sandbox.key.partition(":")[2]
    says = f"no such channel: /services/{SECRET}".encode()
    with WebhookServer(*(Answer(403, body=says) for _ in range(9))).running() as server:
        command(home, "cat > got.json; env > got.env; exit 3")
        urls = (f"{server.url}/services/{SECRET}?token=s3cret", f"http://127.0.0.1:9/{SECRET}")
        hooks = "".join(f'[[hook]]\nname = "chat {place}"\nurl = "{url}"\n' for place, url in enumerate(urls))
        settings = home.folder / "settings.toml"
        settings.write_text(settings.read_text() + hooks)
        with home.started("--headless") as daemon:
            wait_until(lambda: server.sent and (tmp_path / "got.env").exists(), timeout=20, what="the hooks")
            tried = home.run("alerts", "test", code=1)
            answers = {path: asked(home, path) for path in ("/api/v1/alerts", "/api/v1/status", "/api/v1/hooks")}
            doctor = home.run("doctor", code=1)
            listed = home.run("alerts", "--all")
        texts = {"terminal": daemon.output, **answers}
        texts |= {str(one.args): one.stdout + one.stderr for one in (tried, doctor, listed)}
        texts |= {name: (tmp_path / name).read_text() for name in ("got.json", "got.env")}
        texts |= {str(place): repr(sent.json) + repr(sent.headers) for place, sent in enumerate(server.sent)}
        for path in home.folder.rglob("*"):
            if path.is_file() and path != settings:
                texts[str(path)] = path.read_bytes().decode("utf-8", "replace")

    assert "refuses it (403 Forbidden)" in texts[str(doctor.args)]
    assert "chat 1" in tried.stdout
    assert "ended with exit code 3" in doctor.stdout
    for hidden in (secret, "s3cret", "B0BBBB"):
        assert [name for name, text in texts.items() if hidden in text] == []
