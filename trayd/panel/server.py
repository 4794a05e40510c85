"""Serves the HTTP API and the pages on a free loopback port, and says where that is in ``run/trayd.json``."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from trayd.files import write_atomically
from trayd.panel import api, pages
from trayd.panel.address import API_ROOT, Address, address_file
from trayd.panel.making import ReportsMade
from trayd.panel.sessions import Sessions

_HOST = "127.0.0.1"
_TOKEN_BYTES = 32

#: A client that reads slowly keeps the daemon from ending for so many seconds at the most.
_PATIENCE_S = 2


class Backend(api.Backend, pages.Backend, Protocol):
    """What is needed of the daemon."""

    def now(self) -> datetime:
        """The time (UTC)."""


class Served(NamedTuple):
    """Where it is served, and who lets browsers in."""

    url: str
    sessions: Sessions


class _Server(uvicorn.Server):
    """A server that sleeps until it is told to stop; uvicorn's own loop wakes ten times a second to look."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ends the server, on the loop's thread."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Waits; see uvicorn.Server."""
        await self._stopping.wait()


@asynccontextmanager
async def serving(backend: Backend, run: Path) -> AsyncIterator[Served]:
    """Serves while the context lasts. The file is there for as long as the API answers.

    Raises:
        TraydError: the folder for the file cannot be written.
    """
    # asyncio turns Nagle's algorithm off only for sockets that name their protocol.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind((_HOST, 0))
        port = listener.getsockname()[1]
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        url = f"http://{_HOST}:{port}"
        sessions = Sessions(url, backend.now)
        hosts = frozenset({f"{_HOST}:{port}", f"localhost:{port}"})
        reports = ReportsMade(backend)
        app = _either(api.api(backend, token, hosts, sessions), pages.pages(backend, hosts, sessions, reports))
        server = _Server(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=_PATIENCE_S,
            )
        )
        task = asyncio.create_task(server.serve(sockets=[listener]), name="api")
        file = address_file(run)
        # The listener is open: who connects before the first accept waits in its backlog.
        listener.listen()
        address = Address(pid=os.getpid(), url=url, token=token)
        write_atomically(file, [msgspec.json.encode(address).decode()], private=True)
        try:
            yield Served(url, sessions)
        finally:
            file.unlink(missing_ok=True)
            server.stop()
            await task
            reports.close()


def _either(for_programs: ASGIApp, for_people: ASGIApp) -> ASGIApp:
    """The API below its root, the pages everywhere else."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        served = for_programs if scope["path"].startswith(f"{API_ROOT}/") else for_people
        await served(scope, receive, send)

    return app
