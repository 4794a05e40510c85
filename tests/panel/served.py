"""The panel of a real daemon's process, or served in this one where a test turns the clock; and who visits it."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from tests.desktop.harness import wait_until
from tests.end_to_end.support import START_S, Program, clean_env
from tests.operations.test_turns import Thread
from tests.reports.full_ledger import make
from trayd.facts import Batch
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.money import Money
from trayd.operations.operations import Operations
from trayd.operations.table import Operation
from trayd.panel.server import serving
from trayd.records import ExternalCost, Kind
from trayd.settings import Paths, load

T = TypeVar("T")

#: Some days after the three months of the full ledger.
NOW = datetime(2025, 4, 9, 10, 30, tzinfo=UTC)

#: What records may be called.
HOSTILE = (
    "<script>document.title='taken'</script>",
    '"><img src=x onerror="document.title=\'taken\'">',
    "Two\nlines & “quotes” 'and' \"more\"",
    "-",
    "=Acme",
    "../../etc/passwd",
    "é" * 300,
)


def hostile_home(folder: Path) -> Path:
    """A home with everything in it, and with clients, projects and deliverables of such names."""
    make(folder)
    paths = LedgerPaths(ledger=folder / "ledger", backup=folder / "backup")
    with closing(Ledger.open(paths, base_url=None, holder="the tests")) as ledger:
        costs = (
            ExternalCost(
                id=f"hostile-{number}", date=NOW.date() - timedelta(days=number), description=name, category=name,
                amount=Money.of("1.25"), source="midjourney", kind=Kind.EXTERNAL, client=name, project=name,
                deliverable=name,
            )
            for number, name in enumerate(HOSTILE)
        )  # fmt: skip
        ledger.add(Batch(costs=tuple(costs)))
    return folder


class Visitor:
    """Who asks over HTTP, with the cookies of a browser."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        # What is loaded for TLS takes longer than all the rest.
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=30, verify=tls)
        headers = {"Authorization": f"Bearer {token}"}
        self.programs = httpx.Client(base_url=f"{url}/api/v1", headers=headers, trust_env=False, timeout=30, verify=tls)

    def link(self) -> str:
        answer = self.api("/panel-link", "POST")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["url"])

    def api(self, path: str, method: str = "GET") -> httpx.Response:
        return self.programs.request(method, path)

    def close(self) -> None:
        self.http.close()
        self.programs.close()

    def raw(self, path: str) -> bytes:
        """What comes back for a path as it is written here, of any length."""
        parts = urlsplit(self.url)
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies.jar)
        head = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n"
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
            with suppress(OSError):
                connection.sendall(head.encode())
            answer = b""
            with suppress(OSError):
                while some := connection.recv(65_536):
                    answer += some
            return answer

    def enter(self) -> str:
        """Comes in by a link; the cookie."""
        answer = self.http.get(self.link())
        assert answer.status_code == 200, answer.text
        (cookie,) = self.http.cookies.jar
        return str(cookie.value)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.http.get(path, headers=headers)


class Visited:
    """What is visited; it sends its visitors home."""

    def __init__(self) -> None:
        self._visitors: list[Visitor] = []

    def where(self) -> tuple[str, str]:
        """The URL and the token."""
        raise NotImplementedError

    def visitor(self) -> Visitor:
        self._visitors.append(visitor := Visitor(*self.where()))
        return visitor

    def close(self) -> None:
        while self._visitors:
            self._visitors.pop().close()


class Panel(Visited):
    """A real daemon on a home with everything in it, without a network."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.home = home
        self.env = {**clean_env(), "TRAYD_HOME": str(home), "TRAYD_FAL_URL": "http://127.0.0.1:9/v1"}
        self.daemon = self._started()

    def _started(self) -> Program:
        daemon = Program(["run", "--headless"], self.env)
        wait_until(
            lambda: daemon.process.poll() is not None or self._address(daemon), timeout=START_S, what="the daemon"
        )
        assert daemon.process.poll() is None, daemon.output
        return daemon

    def _address(self, daemon: Program) -> dict[str, Any] | None:
        try:
            said = json.loads((self.home / "run" / "trayd.json").read_text())
        except FileNotFoundError:
            return None
        return said if said["pid"] == daemon.process.pid else None

    def restart(self) -> None:
        self.daemon.end()
        self.daemon = self._started()

    def where(self) -> tuple[str, str]:
        said = self._address(self.daemon)
        assert said is not None
        return said["url"], said["token"]


@contextmanager
def daemon(home: Path) -> Iterator[Panel]:
    panel = Panel(home)
    try:
        yield panel
    finally:
        panel.close()
        panel.daemon.end()


class Here:
    """What is served needs this of the daemon: a ledger's thread, settings, and a clock that a test turns."""

    def __init__(self, home: Path, ledger: Ledger) -> None:
        self.at = NOW
        self.paths = Paths.under(home)
        self.settings = load(self.paths.settings)
        self.operations = Operations(ledger, self.settings, self.paths, self.now)
        self.thread = Thread(self.operations)

    def now(self) -> datetime:
        return self.at

    async def on_ledger(self, work: Callable[[Operations], T]) -> T:
        return await self.thread.on_ledger(work)

    async def refresh(self) -> list[object]:
        return []

    async def try_alerts(self, _hook: str | None) -> list[object]:
        return []

    async def ordered(self, _operation: Operation) -> None:
        """Nothing follows."""


class ServedHere(Visited):
    """The panel, served in this process over a real socket."""

    def __init__(self, here: Here, url: str, token: str) -> None:
        super().__init__()
        self.here = here
        self._where = url, token

    def where(self) -> tuple[str, str]:
        return self._where


@contextmanager
def served_here(home: Path) -> Iterator[ServedHere]:
    paths = LedgerPaths(ledger=home / "ledger", backup=home / "backup")
    with closing(Ledger.open(paths, base_url=None, holder="a test", clock=lambda: NOW)) as ledger:
        here = Here(home, ledger)
        up: list[ServedHere] = []
        loop = asyncio.new_event_loop()
        ready, stop = threading.Event(), asyncio.Event()

        async def work() -> None:
            async with serving(here, home / "run") as served:
                said = json.loads((home / "run" / "trayd.json").read_text())
                up.append(ServedHere(here, served.url, said["token"]))
                ready.set()
                await stop.wait()

        runner = threading.Thread(target=lambda: loop.run_until_complete(work()), name="served")
        runner.start()
        try:
            assert ready.wait(START_S)
            yield up[0]
        finally:
            up[0].close()
            loop.call_soon_threadsafe(stop.set)
            runner.join()
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
            here.thread.close()
