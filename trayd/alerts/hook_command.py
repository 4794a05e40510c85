"""A hook that is a command: started without a shell, handed the warning on its standard input, ended in time.

It does not inherit the daemon's environment, which can hold keys of fal and of anything else. It gets what programs
need to find their tools, their user and the person's desktop, and the warning in words, so that a script of one line
needs no JSON.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from trayd.alert_settings import Hook
from trayd.alerts.hook_events import HookEvent, encoded
from trayd.alerts.notice import clean
from trayd.errors import TraydError
from trayd.texts import clip
from trayd.user_paths import user_path

#: Of what a command prints, so much is kept, in bytes; the log gets its beginning, in UTF-16 units.
KEPT_BYTES = 4096
QUOTED = 400

#: A command that is told to end has so long before it is killed.
GRACE_S = 1.0

#: What it printed last may arrive so long after its end. What it left running may hold the pipe open for ever.
_LAST_WORDS_S = 0.3

# Where tools are, who the person is, how texts are written, and where the desktop is: enough for notify-send or paplay.
_PASSED = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TZ",
    "TMPDIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
)

# Without these no program starts on Windows, or finds its own settings.
_PASSED_ON_WINDOWS = (
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES",
)

_log = logging.getLogger(__name__)


class CommandError(TraydError):
    """The command could not be started, did not end in time, or says that it failed."""


async def run_command(hook: Hook, event: HookEvent) -> None:
    """Runs the hook's command with the event, to its end.

    Cancelled, it ends the command with everything that the command has started.

    Raises:
        CommandError: it failed. It may have done its work all the same, so it is not run again.
    """
    program = program_of(hook)
    loop = asyncio.get_running_loop()
    try:
        transport, run = await loop.subprocess_exec(
            _Run,
            program,
            *hook.command[1:],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(os.environ, event),
            # No folder of the person is held, and none is written to by mistake.
            cwd=Path(sys.executable).anchor,
            **_APART,
        )
    except OSError as error:
        raise CommandError(f"{program} cannot be started ({error.strerror or error})", _CHECK) from error
    try:
        # A line of its own for whatever takes lines, such as a log.
        await _to_its_end(hook, encoded(event) + b"\n", transport, run)
    finally:
        transport.close()
    code = transport.get_returncode()
    said = run.said()
    if code:
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise CommandError(f"{program} {how}{f', and said: {said}' if said else ''}", _CHECK)
    if said:
        _log.info("hook %r said: %s", hook.name, said)


_CHECK = "mend it, or take it out of the settings"


async def _to_its_end(hook: Hook, data: bytes, transport: asyncio.SubprocessTransport, run: _Run) -> None:
    stdin = transport.get_pipe_transport(0)
    assert isinstance(stdin, asyncio.WriteTransport)  # noqa: S101  # mypy cannot know which pipe is which
    # One that reads nothing closes it, or leaves it: that is its own affair.
    stdin.write(data)
    stdin.write_eof()
    try:
        async with asyncio.timeout(hook.timeout_s):
            await run.exited.wait()
    except BaseException as error:
        await _end(transport, run)
        if isinstance(error, TimeoutError):
            said = run.said()
            raise CommandError(
                f"{program_of(hook)} had not ended after {hook.timeout_s:g} s, and was killed"
                f"{f'; it said: {said}' if said else ''}",
                "let it do its work in the background, or set the hook's timeout_s higher",
            ) from None
        raise
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORDS_S):
            await run.closed.wait()


def program_of(hook: Hook) -> str:
    """The path of the hook's program."""
    return str(user_path(hook.command[0]))


class _Run(asyncio.SubprocessProtocol):
    """What a command prints, at most :data:`KEPT_BYTES` of it, and its end."""

    def __init__(self) -> None:
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()
        self._output = bytearray()

    def pipe_data_received(self, _fd: int, data: bytes) -> None:
        """Keeps the beginning, and lets the command go on printing."""
        self._output += data[: max(KEPT_BYTES - len(self._output), 0)]

    def pipe_connection_lost(self, fd: int, _error: Exception | None) -> None:
        """Nothing more comes from there."""
        if fd == 1:
            self.closed.set()

    def process_exited(self) -> None:
        """The command itself has ended; what it has started may go on."""
        self.exited.set()

    def said(self) -> str:
        """What it printed, as one line for the log."""
        return clip(" ".join(clean(self._output.decode("utf-8", "replace")).split()), QUOTED)


def environment(ours: Mapping[str, str], event: HookEvent) -> dict[str, str]:
    """The environment of a command: a few variables of ours by name, and the event in words."""
    passed = _PASSED_ON_WINDOWS + _PASSED if sys.platform == "win32" else _PASSED
    words = {
        "TRAYD_EVENT": event.event,
        "TRAYD_ID": event.id,
        "TRAYD_RULE": event.rule,
        "TRAYD_URGENCY": event.urgency,
        "TRAYD_TITLE": event.title,
        "TRAYD_TEXT": event.text,
    }
    return {name: ours[name] for name in passed if name in ours} | {
        name: text.replace("\0", " ") for name, text in words.items()
    }


if sys.platform == "win32":
    # No console window pops up.
    _APART: dict[str, Any] = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}

    async def _end(transport: asyncio.SubprocessTransport, run: _Run) -> None:
        """Ends the command and what it has started."""
        taskkill = Path(os.environ["SYSTEMROOT"]) / "System32" / "taskkill.exe"
        pid = transport.get_pid()
        with suppress(OSError):
            ending = await asyncio.create_subprocess_exec(
                taskkill, "/PID", str(pid), "/T", "/F", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **_APART
            )
            await ending.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await run.exited.wait()

else:
    # A session of its own is a process group of its own, which can be ended whole.
    _APART: dict[str, Any] = {"start_new_session": True}

    async def _end(transport: asyncio.SubprocessTransport, run: _Run) -> None:
        """Ends the command and what it has started: asks, and kills what does not follow."""
        group = transport.get_pid()
        for number in (signal.SIGTERM, signal.SIGKILL):
            # Gone already; macOS says of a group that is about to go that it is not ours.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    await run.exited.wait()
