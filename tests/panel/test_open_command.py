"""``trayd open panel``: the running daemon's link, in the person's browser."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.desktop.harness import wait_until
from tests.panel.served import Panel, daemon, hostile_home
from tests.reports.full_ledger import make


def command(env: dict[str, str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trayd", "open", "panel"],
        env={**env, **more},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A browser that writes down what it opens."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {tmp_path}/opened\n')
    program.chmod(0o755)
    return program


def test_the_browser_opens_the_link_that_is_printed(panel: Panel, browser: Path) -> None:
    done = command(panel.env, BROWSER=str(browser))
    assert done.returncode == 0, done.stderr
    link = done.stdout.strip()
    opened = browser.with_name("opened")
    wait_until(lambda: opened.exists() and opened.read_text() == link, what="the browser")
    assert done.stderr == "it opens the panel once, within 60 seconds\n"
    assert httpx.get(link, trust_env=False).status_code == 200
    assert httpx.get(link, trust_env=False).status_code == 403


def test_where_no_browser_is_the_link_is_printed_all_the_same(panel: Panel) -> None:
    done = command(panel.env, BROWSER="/nowhere/at/all", PATH="")
    assert done.returncode == 0, done.stderr
    assert httpx.get(done.stdout.strip(), trust_env=False).status_code == 200


def test_without_a_daemon_it_says_what_to_do(tmp_path: Path) -> None:
    home = make(tmp_path / "home")
    done = command({**os.environ, "TRAYD_HOME": str(home)})
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "trayd: trayd does not run\n       start it with `trayd run`\n"


def test_a_file_that_a_killed_daemon_left_leads_nowhere(tmp_path: Path) -> None:
    with daemon(hostile_home(tmp_path / "home")) as panel:
        panel.daemon.kill()
        assert (panel.home / "run" / "trayd.json").exists()
        done = command(panel.env)
        assert (done.returncode, done.stdout) == (1, "")
        assert "trayd does not run" in done.stderr


def test_a_mistake_in_the_settings_keeps_nobody_out(tmp_path: Path, browser: Path) -> None:
    with daemon(hostile_home(tmp_path / "home")) as panel:
        (panel.home / "settings.toml").write_text("nonsense = [")
        done = command(panel.env, BROWSER=str(browser))
        assert done.returncode == 0, done.stderr
        assert httpx.get(done.stdout.strip(), trust_env=False).status_code == 200


def test_one_that_is_about_to_start_is_waited_for(tmp_path: Path, browser: Path) -> None:
    """As when both are in a script: it has the ledger, and answers a moment later."""
    with daemon(hostile_home(tmp_path / "home")) as panel:
        address = panel.home / "run" / "trayd.json"
        aside = address.rename(address.with_suffix(".aside"))
        asking = subprocess.Popen(
            [sys.executable, "-m", "trayd", "open", "panel"],
            env={**panel.env, "BROWSER": str(browser)},
            stdout=subprocess.PIPE,
            text=True,
        )
        time.sleep(1.5)
        assert asking.poll() is None
        aside.rename(address)
        told, _ = asking.communicate(timeout=20)
        assert asking.returncode == 0
        assert httpx.get(told.strip(), trust_env=False).status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="what a process has loaded stands in /proc")
def test_what_makes_pages_is_loaded_with_the_first_one(tmp_path: Path) -> None:
    with daemon(hostile_home(tmp_path / "home")) as panel:
        visitor = panel.visitor()
        visitor.api("/status")
        maps = Path(f"/proc/{panel.daemon.process.pid}/maps")
        assert "markupsafe" not in maps.read_text()
        visitor.enter()
        assert "markupsafe" in maps.read_text()
