"""``trayd alerts test``: with and without a daemon, what became of each way that warnings go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.webhooks import Answer, WebhookServer
from tests.end_to_end.support import Home, SandboxProcess


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    with WebhookServer().running() as running:
        yield running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "1", "--per-day", "1") as running:
        running.control("balance", amount="1000.00")
        yield running


@pytest.fixture
def home(tmp_path: Path, sandbox: SandboxProcess, server: WebhookServer) -> Home:
    home = Home(tmp_path / "trayd", sandbox)
    home.settings(f"""\
[[hook]]
name = "keep"
command = ["/bin/sh", "-c", "cat > '{tmp_path}/kept.json'"]
[[hook]]
name = "chat"
url = "{server.url}/services/s3cret?token=s3cret"
rules = ["budget"]
""")
    return home


def test_each_hook_gets_a_test_and_says_what_became_of_it(home: Home, server: WebhookServer, tmp_path: Path) -> None:
    told = home.run("alerts", "test")

    assert told.stdout.splitlines() == [
        "• notifications: off: there is no desktop here",
        "• hook keep, command /bin/sh: delivered",
        "• hook chat, localhost (trayd): delivered",
    ]
    assert told.stderr == ""
    assert json.loads((tmp_path / "kept.json").read_text())["event"] == "test"
    assert [sent.json["event"] for sent in server.sent] == ["test"]


def test_one_that_fails_is_named_and_ends_with_1(home: Home, server: WebhookServer) -> None:
    server.answers.append(Answer(404))

    (tried,) = home.json("alerts", "test", "--hook", "chat", code=1)

    assert (tried["name"], tried["target"], tried["state"]) == ("chat", "localhost (trayd)", "failed")
    assert "404 Not Found" in tried["trouble"]


def test_a_hook_that_is_not_there_is_wrong_usage(home: Home) -> None:
    told = home.run("alerts", "test", "--hook", "fax", code=2)

    assert "there is no hook 'fax' in the settings" in told.stderr


def test_the_daemon_sends_it_and_the_doctor_names_what_failed_until_it_works(home: Home, server: WebhookServer) -> None:
    with home.started("--headless"):
        server.sent.clear()
        server.answers[:] = [Answer(410)]
        home.run("alerts", "test", "--hook", "chat", code=1)
        failed = home.run("doctor", code=1).stdout
        home.run("alerts", "test", "--hook", "chat")
        works = home.json("doctor", code=None)
        home.run("alerts", "test", "--hook", "fax", code=2)

    assert "410 Gone" in failed
    assert "localhost (trayd)" in failed
    (finding,) = (one for one in works if one["subject"] == "hook chat")
    assert finding["state"] == "good"
    (finding,) = (one for one in works if one["subject"] == "notifications")
    assert (finding["state"], finding["text"]) == ("note", "off: there is no desktop here")
    printed = failed + json.dumps(works) + "".join(file.read_text() for file in (home.folder / "log").iterdir())
    assert "s3cret" not in printed
