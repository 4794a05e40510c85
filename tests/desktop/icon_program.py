"""Starts and drives ``tests.desktop.trayd_icon``: trayd's icon in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from tests.desktop.harness import DesktopError, wait_until
from trayd.tray.model import TrayView

ROOT = Path(__file__).parents[2]


class IconProgram:
    """The program, and what it has said so far."""

    def __init__(self, env: dict[str, str], view: TrayView) -> None:
        self.said: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.desktop.trayd_icon"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.errors = ""
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read, self._read_errors)]
        for reader in self._readers:
            reader.start()
        self._order(msgspec.json.encode(view).decode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def show(self, *views: TrayView) -> None:
        """Have these views shown, one right after the other."""
        self._order("\n".join(f'{{"view": {msgspec.json.encode(view).decode()}}}' for view in views))

    def stop(self) -> None:
        """Have the icon stopped, from a thread that is not the main one."""
        self._order('{"stop": true}')

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        self.process.send_signal(number)

    def actions(self) -> list[str]:
        """What was chosen in the menu so far."""
        return [line["action"] for line in self.said if "action" in line]

    def expect(self, key: str, value: object = None, timeout: float = 5.0) -> dict[str, Any]:
        """The first line that has this key, and this value where one is given, as soon as it is said."""

        def probe() -> dict[str, Any] | None:
            found = (line for line in list(self.said) if key in line and value in (None, line[key]))
            return next(found, None)

        try:
            line = wait_until(probe, timeout=timeout, what=f"{key} {value or ''}")
        except DesktopError as error:
            raise DesktopError(f"{error}; it said {self.said} {self.errors}") from error
        assert line is not None
        return line

    def _order(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors = self.process.stderr.read()
