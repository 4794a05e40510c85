"""Commands as hooks, with real child processes: what they get, and how they end when they do not by themselves."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.alerts.conftest import ROOT
from tests.desktop.harness import wait_until
from trayd.alert_settings import Hook
from trayd.alerts.hook_events import event_of
from trayd.alerts.hooks import Hooks
from trayd.episodes import Episode

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands of these tests are shell scripts")

SINCE = datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)
DEAR = Episode(
    id="expensive:req-1",
    rule="expensive",
    scope="req-1",
    since=SINCE,
    resolved=SINCE,
    title="Expensive generation: $6.25",
    text='Veo 3.1 cost $6.25 for Northwind / "Spring" $(touch /tmp/never).',
    client="Northwind",
)

Script = Callable[..., Hook]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """A hook that runs this shell script."""

    def make(text: str, *arguments: str, name: str = "script", timeout_s: float = 10) -> Hook:
        file = tmp_path / f"{name}.sh"
        file.write_text(f"#!/bin/sh\ncd '{tmp_path}'\n{text}\n")
        file.chmod(0o755)
        return Hook(name=name, command=(str(file), *arguments), timeout_s=timeout_s)

    return make


@pytest.fixture
def hooks() -> Hooks:
    return Hooks()


@pytest.fixture(autouse=True)
def _seen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def gone(pid: int) -> bool:
    """Whether there is no such process, or only what is left of it until somebody asks for its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_the_warning_comes_as_json_on_standard_input(hooks: Hooks, script: Script, tmp_path: Path) -> None:
    assert await hooks.carry(script("cat > got.json"), DEAR, "opened")

    got = json.loads((tmp_path / "got.json").read_text())
    assert (got["trayd"], got["event"], got["id"], got["client"]) == (1, "opened", "expensive:req-1", "Northwind")
    assert got["since"] == got["resolved"] == "2026-11-20T14:03:11Z"
    assert hooks.troubles == {}


async def test_each_warning_is_a_line_of_its_own(hooks: Hooks, script: Script, tmp_path: Path) -> None:
    for event in ("opened", "resolved"):
        assert await hooks.carry(script("cat >> log.jsonl"), DEAR, event)

    got = [json.loads(line)["event"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert got == ["opened", "resolved"]


async def test_no_shell_reads_the_arguments_or_the_words(hooks: Hooks, script: Script, tmp_path: Path) -> None:
    hook = script('printf "%s\\n" "$@" "$TRAYD_TEXT" > got.txt', "$HOME; echo x", "a b", "*")

    assert await hooks.carry(hook, DEAR, "opened")

    assert (tmp_path / "got.txt").read_text().splitlines() == ["$HOME; echo x", "a b", "*", DEAR.text]


async def test_the_environment_has_no_keys_and_no_secrets_of_anybody(
    hooks: Hooks, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FAL_ADMIN_KEY", "FAL_KEY", "TRAYD_HOME", "TRAYD_FAL_URL", "AWS_SECRET_ACCESS_KEY", "LD_PRELOAD_X"):
        monkeypatch.setenv(name, "s3cret")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")

    assert await hooks.carry(script("env -0 > env.bin; pwd -P > /dev/null"), DEAR, "escalated")

    got = dict(line.split("=", 1) for line in (tmp_path / "env.bin").read_text().split("\0")[:-1])
    assert "s3cret" not in got.values()
    assert {name: value for name, value in got.items() if name.startswith("TRAYD_")} == {
        "TRAYD_EVENT": "escalated",
        "TRAYD_ID": "expensive:req-1",
        "TRAYD_RULE": "expensive",
        "TRAYD_URGENCY": "normal",
        "TRAYD_TITLE": DEAR.title,
        "TRAYD_TEXT": DEAR.text,
    }
    assert got["PATH"] == os.environ["PATH"]
    assert got["XDG_RUNTIME_DIR"] == "/run/user/1000"
    assert event_of(DEAR, "opened").resolved == SINCE


async def test_it_starts_in_no_folder_of_the_person(hooks: Hooks, tmp_path: Path) -> None:
    file = tmp_path / "where.sh"
    file.write_text(f"#!/bin/sh\npwd > {tmp_path}/where.txt\n")
    file.chmod(0o755)

    assert await hooks.carry(Hook(name="where", command=(str(file),)), DEAR, "opened")

    assert (tmp_path / "where.txt").read_text() == "/\n"


async def test_what_it_says_is_in_the_log_as_one_clean_line(
    hooks: Hooks, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    assert await hooks.carry(script("printf 'sent\\n\\033[31mred\\000 \\377 done\\n'; echo oh >&2"), DEAR, "opened")

    assert caplog.messages == ["hook 'script' said: sent [31mred \ufffd done oh"]


async def test_megabytes_of_output_are_drained_and_a_line_of_them_kept(
    hooks: Hooks, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    assert await hooks.carry(script("yes 0123456789 | head -c 20000000; exit 3"), DEAR, "opened")

    trouble = hooks.troubles["script"]
    assert "ended with exit code 3, and said: 0123456789 0123456789" in trouble
    assert len(trouble) < 700
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_failure_is_told_once_and_not_run_again(
    hooks: Hooks, script: Script, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hook = script("echo run >> runs; echo no such channel >&2; exit 1")
    assert await hooks.carry(hook, DEAR, "opened")
    assert await hooks.carry(hook, DEAR, "resolved")
    (told,) = caplog.messages
    assert told.startswith(f"hook 'script': {hook.command[0]} ended with exit code 1, and said: no such channel; ")

    assert await hooks.carry(script("true"), DEAR, "opened")

    assert (tmp_path / "runs").read_text() == "run\nrun\n"
    assert caplog.messages[1:] == ["hook 'script' works again"]
    assert hooks.troubles == {}


@pytest.mark.parametrize("what", ["missing", "not executable", "a folder"])
async def test_what_cannot_be_started_says_so(hooks: Hooks, tmp_path: Path, what: str) -> None:
    program = tmp_path / "program"
    if what == "not executable":
        program.write_text("#!/bin/sh\n")
    if what == "a folder":
        program.mkdir()

    assert await hooks.carry(Hook(name="script", command=(str(program),)), DEAR, "opened")

    assert f"{program} cannot be started (" in hooks.troubles["script"]


async def test_one_that_reads_nothing_is_all_right(hooks: Hooks, script: Script) -> None:
    assert await hooks.carry(script("exec <&-; sleep 0.1"), DEAR, "opened")

    assert hooks.troubles == {}


async def test_one_that_hangs_is_killed_with_all_that_it_started(hooks: Hooks, script: Script, tmp_path: Path) -> None:
    hook = script(
        "trap '' TERM\n"
        f"{sys.executable} -c 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)' &\n"
        "echo $$ $! > pids; echo waiting; wait; sleep 60",
        timeout_s=0.5,
    )
    began = time.monotonic()

    assert await hooks.carry(hook, DEAR, "opened")

    assert time.monotonic() - began < 30
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    wait_until(lambda: all(map(gone, pids)), what="the end of both")
    assert "had not ended after 0.5 s, and was killed; it said: waiting" in hooks.troubles["script"]


@pytest.mark.skipif(sys.platform != "linux", reason="setsid is a program of Linux")
async def test_what_has_made_itself_independent_goes_on_and_holds_up_nothing(
    hooks: Hooks, script: Script, tmp_path: Path
) -> None:
    """With a session of its own, as a server that a script starts has one; it holds on to the output for ever."""
    hook = script("setsid sh -c 'echo $$ > pid; exec sleep 60' & sleep 60", timeout_s=0.5)
    began = time.monotonic()

    assert await hooks.carry(hook, DEAR, "opened")

    assert time.monotonic() - began < 30
    pid = int((tmp_path / "pid").read_text())
    assert not gone(pid)
    os.kill(pid, signal.SIGKILL)


async def test_one_that_asks_to_clean_up_gets_the_time(hooks: Hooks, script: Script, tmp_path: Path) -> None:
    hook = script("trap 'echo bye > bye; exit 0' TERM\nsleep 60 & wait", timeout_s=0.3)

    assert await hooks.carry(hook, DEAR, "opened")

    assert (tmp_path / "bye").read_text() == "bye\n"
    assert "was killed" in hooks.troubles["script"]


async def test_what_it_leaves_running_on_purpose_is_neither_waited_for_nor_killed(
    hooks: Hooks, script: Script, tmp_path: Path
) -> None:
    began = time.monotonic()

    assert await hooks.carry(script("sleep 30 & echo $! > pid; echo ok"), DEAR, "opened")

    assert time.monotonic() - began < 15
    pid = int((tmp_path / "pid").read_text())
    assert not gone(pid)
    os.kill(pid, signal.SIGKILL)
    assert hooks.troubles == {}


async def test_one_that_hangs_holds_up_neither_the_loop_nor_others(
    hooks: Hooks, script: Script, tmp_path: Path
) -> None:
    stuck = asyncio.create_task(hooks.carry(script("sleep 60", name="stuck", timeout_s=60), DEAR, "opened"))
    await asyncio.sleep(0.1)

    assert await hooks.carry(script("cat > other", name="other"), DEAR, "opened")

    assert (tmp_path / "other").exists()
    assert not stuck.done()
    stuck.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stuck


async def test_the_end_of_the_daemon_ends_the_command(hooks: Hooks, script: Script, tmp_path: Path) -> None:
    running = asyncio.create_task(hooks.carry(script("sleep 60 & echo $$ $! > pids; wait"), DEAR, "opened"))
    pids = tmp_path / "pids"
    async with asyncio.timeout(5):
        while not (pids.exists() and pids.read_text().endswith("\n")):  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.02)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    wait_until(lambda: all(gone(int(pid)) for pid in pids.read_text().split()), what="the end of both")


def test_a_command_works_on_a_loop_that_is_not_on_the_main_thread(tmp_path: Path) -> None:
    """As in the daemon, whose main thread has the icon."""
    program = (
        "import asyncio, threading; from tests.alerts.test_hook_commands import DEAR\n"
        "from trayd.alert_settings import Hook; from trayd.alerts.hooks import Hooks\n"
        "async def main():\n"
        "    hooks = Hooks()\n"
        f"    hook = Hook(name='x', command=('/bin/sh', '-c', 'cat > {tmp_path}/got; exit 4'))\n"
        "    print(await hooks.carry(hook, DEAR, 'opened'), hooks.troubles['x'])\n"
        "thread = threading.Thread(target=lambda: asyncio.run(main())); thread.start(); thread.join()\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout.startswith("True /bin/sh ended with exit code 4")
    assert json.loads((tmp_path / "got").read_text())["id"] == DEAR.id
