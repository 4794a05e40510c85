"""Serving a sandbox: in this process, or as the whole of one."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import msgspec
import uvicorn

from trayd.errors import TraydError
from trayd.fal.sandbox.app import build_app
from trayd.fal.sandbox.calls import Call
from trayd.fal.sandbox.faults import Faults
from trayd.fal.sandbox.options import SandboxOptions
from trayd.fal.sandbox.rates import PREFIX, Rates
from trayd.fal.sandbox.world import Clock, World, system_clock

_HOST = "127.0.0.1"
_CALLS_KEPT = 5000
_START_S = 30


class Sandbox:
    """A stand-in that is being served.

    Attributes:
        url: the Platform API's base URL; OpenAPI paths append to it.
        queue_url: the base URL of the inference queue.
        rates_url: where the files of exchange rates are.
        control_url: the base URL of the sandbox's own controls.
        admin_key: an Admin-scope key of the first account.
        api_key: an API-scope key of the first account.
        world: the simulation.
        rates: the exchange rates.
        faults: what goes wrong next.
        calls: the last calls of the Platform API and of the exchange rates, oldest first.
    """

    def __init__(self, port: int, world: World, rates: Rates, faults: Faults, calls: deque[Call]) -> None:
        root = f"http://{_HOST}:{port}"
        self.url = f"{root}/v1"
        self.queue_url = f"{root}/queue"
        self.rates_url = f"{root}{PREFIX}"
        self.control_url = f"{root}/_sandbox"
        keys = world.accounts[0].keys
        self.admin_key = keys.admin_key
        self.api_key = keys.api_key
        self.world = world
        self.rates = rates
        self.faults = faults
        self.calls = calls

    def announcement(self) -> str:
        """One line of JSON that says where the sandbox is and with which keys."""
        line = {
            "url": self.url,
            "queue_url": self.queue_url,
            "rates_url": self.rates_url,
            "admin_key": self.admin_key,
            "api_key": self.api_key,
            "control_url": self.control_url,
            "accounts": [
                {"username": account.username, **msgspec.structs.asdict(account.keys)}
                for account in self.world.accounts
            ],
        }
        return msgspec.json.encode(line).decode()


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it, and says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


@contextmanager
def running_sandbox(options: SandboxOptions | None = None, clock: Clock = system_clock) -> Iterator[Sandbox]:
    """Serves a sandbox from a thread of this process while the context lasts.

    Raises:
        TraydError: the port is taken.
    """
    ready = Event()
    with _listening(options or SandboxOptions(), clock, ready.set) as (sandbox, server, listener):
        thread = Thread(target=_run, args=(server, listener), name="sandbox", daemon=True)
        thread.start()
        try:
            if not ready.wait(_START_S):
                raise TraydError("the sandbox did not start", "look at the machine's load and try again")
            yield sandbox
        finally:
            server.should_exit = True
            thread.join(_START_S)


def serve(options: SandboxOptions) -> None:
    """Serves a sandbox until SIGINT or SIGTERM; prints its announcement when it is ready.

    Raises:
        TraydError: the port is taken.
    """

    def announce() -> None:
        sys.stdout.write(sandbox.announcement() + "\n")
        sys.stdout.flush()

    with _listening(options, system_clock, announce) as (sandbox, server, listener):

        def stop(_signal: int, _frame: object) -> None:
            server.should_exit = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            _run(server, listener)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _listening(
    options: SandboxOptions, clock: Clock, ready: Callable[[], None]
) -> Iterator[tuple[Sandbox, _Server, socket.socket]]:
    # asyncio turns Nagle's algorithm off only for sockets that name their protocol.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        if sys.platform != "win32":  # there it would let two processes share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, options.port))
        except OSError as error:
            raise TraydError(
                f"the sandbox cannot listen on port {options.port}: {error.strerror}",
                "choose another with --port, or 0 for a free one",
            ) from None
        world = World(options, clock)
        rates = Rates(options.seed, clock)
        faults = Faults(options.seed, by_chance=options.faults)
        calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        config = uvicorn.Config(
            build_app(world, rates, faults, calls),
            log_config=None,
            log_level="critical",  # cut-off answers are made on purpose
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
            server_header=False,
            date_header=False,  # the application tells the date, by the simulation's clock
        )
        yield Sandbox(listener.getsockname()[1], world, rates, faults, calls), _Server(config, ready), listener


def _run(server: _Server, listener: socket.socket) -> None:
    asyncio.run(server.serve(sockets=[listener]))
