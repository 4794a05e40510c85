from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from trayd.fal.client import FalClient
from trayd.fal.keys import Key
from trayd.fal.sandbox.options import SandboxOptions
from trayd.fal.sandbox.server import Sandbox, running_sandbox
from trayd.fal.transport import RetryPolicy
from trayd.ledger.store import Ledger, LedgerPaths

#: The Admin key of the stand-in, which no test may find anywhere.
SECRET = "0b5c2d7e-made-up:9f8e7d6c5b4a"

#: As in life, with shorter waits.
QUICK = RetryPolicy(attempts=3, total_s=5.0, connect_s=1.0, read_s=0.3, first_wait_s=0.01, longest_wait_s=0.05)


@contextmanager
def still_sandbox(**options: Any) -> Iterator[Sandbox]:
    """A stand-in of fal with some days of history, in which nothing new happens by itself."""
    with running_sandbox(SandboxOptions(**{"days": 10, "per_day": 30, "admin_key": SECRET, **options})) as running:
        running.world.freeze()
        yield running


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    """One stand-in for all tests of a file that only ask."""
    with still_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """The stand-in as if nobody had asked it anything yet."""
    shared_sandbox.faults.clear()
    shared_sandbox.calls.clear()
    return shared_sandbox


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[FalClient]:
    """An Admin-scope client of the stand-in."""
    async with FalClient(sandbox.url, Key(sandbox.admin_key), retry_policy=QUICK) as client:
        yield client


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger.open(LedgerPaths(tmp_path / "ledger", tmp_path / "backup"), base_url=None, holder="tests")
    yield ledger
    ledger.close()


class RawServer:
    """A socket that answers what a test says, for what no well-behaved server does.

    Attributes:
        requests: the head of every request that came.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://{self.host}/v1"


@asynccontextmanager
async def raw_server(
    answer: Callable[[asyncio.StreamWriter], Awaitable[None]] | bytes, ssl: object = None
) -> AsyncIterator[RawServer]:
    """Serves one answer for every connection, then hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            running.requests.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has hung up first
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=ssl)
    running = RawServer(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield running
    finally:
        server.close()


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole HTTP answer."""
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers]
    if not any(header.startswith("Content-Length") for header in headers):
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "Connection: close", "", ""]).encode() + body
