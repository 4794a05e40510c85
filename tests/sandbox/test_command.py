"""`trayd sandbox` as a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

MAIN = "from trayd.fal.sandbox.command import sandbox_command; sandbox_command(prog_name='trayd sandbox')"


def run(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    with run("--days", "2", "--accounts", "2", "--speed", "50") as process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_cleanly(process: subprocess.Popen[str], number: signal.Signals):
    assert process.stdout
    line = json.loads(process.stdout.readline())
    assert {"url", "queue_url", "admin_key", "api_key"} <= line.keys()
    assert len(line["accounts"]) == 2
    for account in line["accounts"]:
        headers = {"Authorization": f"Key {account['admin_key']}"}
        answer = httpx.get(line["url"] + "/account/billing", headers=headers)
        assert answer.json()["username"] == account["username"]
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_keys_differ_from_start_to_start():
    keys = set()
    for _ in range(2):
        with run("--days", "0") as process:
            assert process.stdout
            keys.add(json.loads(process.stdout.readline())["admin_key"])
            process.terminate()
            process.communicate(timeout=10)
    assert len(keys) == 2


def test_a_port_that_is_taken_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with run("--port", str(port)) as process:
            _, err = process.communicate(timeout=10)
    assert process.returncode == 1
    assert f"cannot listen on port {port}" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--speed", "0"),
        ("--days", "-1"),
        ("--port", "70000"),
        ("--accounts", "0"),
        ("--days", "3000", "--per-day", "90000"),
        ("--speed", "nan"),
    ],
)
def test_wrong_options_are_refused(arguments: tuple[str, ...]):
    with run(*arguments) as process:
        _, err = process.communicate(timeout=10)
    assert process.returncode == 2
    assert arguments[0].strip("-") in err
