"""What the doctor says of accounts: with a daemon what that one has met with, whatever this shell's environment has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.tables import new_home
from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "2", "--per-day", "5", "--seed", "5") as running:
        yield running


def of_accounts(home: Home) -> list[tuple[str, str, str]]:
    found: list[dict[str, Any]] = home.json("doctor", code=None)
    return [
        (each["subject"], each["state"], each["text"])
        for each in found
        if each["subject"].startswith(("account", "fal"))
    ]


def polled(home: Home) -> Any:
    account = home.json("status")["accounts"][0]
    return account["state"] if account["username"] or account["state"] == "no_key" else None


def test_a_key_that_the_daemon_alone_has_is_one(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = new_home(tmp_path, sandbox)
    with home.started("--headless"):
        wait_until(lambda: polled(home) == "ok", what="the first poll")
        username = home.json("status")["accounts"][0]["username"]
        del home.env["FAL_ADMIN_KEY"], home.env["TRAYD_FAL_URL"]
        assert of_accounts(home) == [("account default", "good", f"the running trayd has an Admin key of {username}")]
    home.env["TRAYD_FAL_URL"] = sandbox.url
    (fal, (_, state, text)) = of_accounts(home)
    assert fal == ("fal", "good", f"asked at {sandbox.url}")
    assert (state, text.partition(" for ")[0]) == ("bad", "there is no key")


def test_a_key_that_this_shell_alone_has_is_of_no_use_to_the_daemon(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = new_home(tmp_path, sandbox)
    key = home.env.pop("FAL_ADMIN_KEY")
    with home.started("--headless"):
        wait_until(lambda: polled(home) == "no_key", what="the first poll")
        home.env["FAL_ADMIN_KEY"] = key
        ((subject, state, text),) = of_accounts(home)
        assert (subject, state) == ("account default", "bad")
        assert text.startswith("the running trayd says: ")
        assert [each["cure"] for each in home.json("doctor", code=1) if each["subject"] == subject] != [""]
