from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.rates.tables import SATURDAY
from trayd.fal.sandbox.options import SandboxOptions
from trayd.fal.sandbox.server import Sandbox, running_sandbox


class HandClock:
    """A clock that a test moves by hand."""

    def __init__(self, moment: datetime = SATURDAY) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def bank(clock: HandClock) -> Iterator[Sandbox]:
    """The stand-in of the European Central Bank, with a clock that the test moves."""
    with running_sandbox(SandboxOptions(days=0), clock) as sandbox:
        yield sandbox


def asked(bank: Sandbox) -> list[str]:
    """What the bank was asked for since the last time."""
    files = [f"{call.path.removeprefix('/rates/')} {call.status}" for call in bank.calls if "/rates" in call.path]
    bank.calls.clear()
    return files


class Answer:
    """What a server says to everybody."""

    def __init__(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.body = body
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


Serve = Callable[[Callable[[str], Answer]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves whatever a test wants, by the path that was asked for; gives the base URL."""
    with ExitStack() as stack:

        def start(answer: Callable[[str], Answer]) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    said = answer(self.path)
                    self.send_response(said.status)
                    for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(said.body)

                def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name there
                    """Says nothing."""

            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield start


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"
