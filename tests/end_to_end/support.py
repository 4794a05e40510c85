"""The real programs for end-to-end tests: the sandbox, the daemon and the command line, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.desktop.harness import wait_until

START_S = 20.0


class Program:
    """A process of ``python -m trayd …`` with everything it prints kept."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trayd", *arguments],
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as out:
            self.lines.extend(out)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        if kind is not None:
            sys.stderr.write("".join(self.lines))

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        self.process.kill()
        self._over()

    def end(self) -> int:
        """SIGTERM, and its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self._over()
            raise AssertionError(f"it did not end after SIGTERM:\n{self.output}") from None
        return self._over()

    def _over(self) -> int:
        code = self.process.wait()
        self._reader.join()
        return code


class SandboxProcess(Program):
    """``trayd sandbox``: fal's stand-in, steered over its own controls."""

    def __init__(self, *options: str) -> None:
        super().__init__(["sandbox", *options], clean_env())
        wait_until(lambda: self.lines or self.process.poll() is not None, timeout=START_S, what="the sandbox")
        self.said: dict[str, Any] = json.loads(self.lines[0])
        self.url: str = self.said["url"]
        self.key: str = self.said["admin_key"]

    def control(self, name: str, **body: Any) -> Any:
        answer = httpx.post(f"{self.said['control_url']}/{name}", json=body, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def billing_rows(self, days: int = 40) -> list[dict[str, Any]]:
        """All billing rows as fal lists them now."""
        start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 86400))
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
        rows: list[dict[str, Any]] = []
        cursor = None
        while True:
            query = {"start": start, "end": end, "limit": "10000", **({"cursor": cursor} if cursor else {})}
            page = httpx.get(
                f"{self.url}/models/billing-events",
                params=query,
                headers={"Authorization": f"Key {self.key}"},
                trust_env=False,
                timeout=30,
            ).json()
            rows += page["billing_events"]
            cursor = page["next_cursor"]
            if not cursor:
                return rows


class Home:
    """A user's own trayd: one folder, one environment, the command line in it."""

    def __init__(self, folder: Path, sandbox: SandboxProcess, desktop_env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.env = {
            **clean_env(),
            **(desktop_env or {}),
            "TRAYD_HOME": str(folder),
            "TRAYD_FAL_URL": sandbox.url,
            "FAL_ADMIN_KEY": sandbox.key,
        }

    @property
    def drop(self) -> Path:
        return self.folder / "drop"

    def settings(self, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "settings.toml").write_text(text)

    def daemon(self, *options: str) -> Program:
        return Program(["run", *options], self.env)

    def started(self, *options: str) -> Program:
        """A daemon whose API answers."""
        daemon = self.daemon(*options)
        running = self.folder / "run" / "trayd.json"
        wait_until(
            lambda: (
                daemon.process.poll() is not None
                or (running.exists() and json.loads(running.read_text())["pid"] == daemon.process.pid)
            ),
            timeout=START_S,
            what=f"the daemon to start:\n{daemon.output}",
        )
        assert daemon.process.poll() is None, daemon.output
        return daemon

    def run(self, *arguments: str, code: int | None = 0, text: str | None = None) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "trayd", *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            input=text,
            timeout=60,
            check=False,
        )
        if code is not None:
            assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def put(self, name: str, content: str) -> None:
        """Into the drop folder as a program does it: renamed in, whole."""
        self.drop.mkdir(parents=True, exist_ok=True)
        part = self.drop / f".{name}.part"
        part.write_text(content)
        part.rename(self.drop / name)


def clean_env() -> dict[str, str]:
    """This environment without what would reach the user's own trayd, keyring or desktop."""
    taken = ("TRAYD_", "FAL_", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(taken)}
    return {**kept, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
