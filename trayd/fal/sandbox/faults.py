"""Things that go wrong between a caller and fal: on request, or by chance with ``--faults``."""

from __future__ import annotations

import asyncio
import re
import time
from collections import defaultdict, deque
from random import Random
from typing import Literal

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trayd.fal.sandbox.rates import PREFIX
from trayd.fal.sandbox.wire import Error, Refusal, encode

Kind = Literal["status", "cut", "garbage", "html", "redirect", "slow", "null_costs"]

_BURST = 10
_BURST_S = 1.0
_CHANCE = 0.08
_PREFIX = "/v1"
_FAILING = (_PREFIX, PREFIX)

_TYPES = {
    400: "validation_error",
    401: "authorization_error",
    403: "authorization_error",
    404: "not_found",
    422: "validation_error",
    429: "rate_limited",
    501: "not_implemented",
}
_HTML = b"<!doctype html><title>502 Bad Gateway</title><h1>Bad Gateway</h1>"
_COSTS = re.compile(rb'"(cost_\w+|output_units|unit_price)":[-0-9.eE]+')


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that goes wrong with the next calls.

    Attributes:
        kind: ``status`` answers an HTTP status in fal's error form; ``cut`` ends the connection in the middle of the
            body; ``garbage`` sends half of it as if it were whole; ``html`` is a proxy's error page; ``redirect``
            points to another host; ``slow`` answers late; ``null_costs`` gives null where billing events have
            a cost or a quantity, as fal was seen to do before a row is priced, against its own description.
        path: the path after the sandbox's ``url``, such as ``/models/usage``, or of a file of exchange rates, such as
            ``/rates/eurofxref-daily.xml``; empty for every path.
        times: how many calls it hits.
        status: the HTTP status of ``status`` and ``html``.
        message: the text of ``status``.
        retry_after: the ``Retry-After`` header as it is sent, empty for none.
        seconds: how late ``slow`` answers.
        location: where ``redirect`` points.
    """

    kind: Kind = "status"
    path: str = ""
    times: int = 1
    status: int = 500
    message: str = "An unexpected error occurred"
    retry_after: str = ""
    seconds: float = 0.0
    location: str = "https://fal.invalid/"


class _Waiting(msgspec.Struct):
    fault: Fault
    left: int


class Faults:
    """What will go wrong next.

    Args:
        seed: by which chance strikes.
        by_chance: throttle bursts of calls and let some calls fail; else only what is injected happens.
    """

    def __init__(self, seed: int, *, by_chance: bool) -> None:
        self._seed = seed
        self._by_chance = by_chance
        self._injected: list[_Waiting] = []
        self._calls = 0
        self._throttled = 0
        self._bursts: dict[bytes, deque[float]] = defaultdict(lambda: deque(maxlen=_BURST))

    def inject(self, fault: Fault) -> None:
        """Lets the next ``fault.times`` calls of its path fail, after those injected before."""
        self._injected.append(_Waiting(fault, fault.times))

    def clear(self) -> None:
        """Takes back everything injected."""
        self._injected.clear()

    def next(self, path: str, key: bytes) -> Fault | None:
        """What goes wrong with this call."""
        for waiting in self._injected:
            if waiting.left > 0 and waiting.fault.path in ("", path):
                waiting.left -= 1
                return waiting.fault
        return self._chance(key) if self._by_chance else None

    def _chance(self, key: bytes) -> Fault | None:
        self._calls += 1
        calls = self._bursts[key]
        moment = time.monotonic()
        burst = len(calls) == _BURST and moment - calls[0] < _BURST_S
        calls.append(moment)
        if burst:
            self._throttled += 1
            retry_after = "1" if self._throttled % 2 else ""
            return Fault(status=429, message="Rate limit exceeded", retry_after=retry_after)
        rng = Random(f"{self._seed}/faults/{self._calls}")  # noqa: S311  (a simulation, no secret)
        if rng.random() >= _CHANCE:
            return None
        return rng.choice(_BY_CHANCE)


_BY_CHANCE = (
    Fault(status=429, message="Rate limit exceeded", retry_after="2"),
    Fault(status=429, message="Rate limit exceeded"),
    Fault(status=500),
    Fault(status=503, message="Service unavailable"),
    Fault("cut"),
    Fault("garbage"),
    Fault("html", status=502),
    Fault("slow", seconds=3),
)


class Faulty:
    """An application that fails as its faults say; only calls of the Platform API and of the exchange rates do."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one call."""
        fault = None
        if scope["type"] == "http" and scope["path"].startswith(_FAILING):
            key = dict(scope["headers"]).get(b"authorization", b"")
            fault = self._faults.next(scope["path"].removeprefix(_PREFIX), key)
        match fault:
            case None:
                await self._app(scope, receive, send)
            case Fault("slow"):
                await asyncio.sleep(fault.seconds)
                await self._app(scope, receive, send)
            case Fault("status"):
                await _refuse(fault, send)
            case Fault("html"):
                await _reply(send, fault.status, _HTML, [(b"content-type", b"text/html")])
            case Fault("redirect"):
                await _reply(send, 302, b"", [(b"location", fault.location.encode())])
            case _:
                await self._maim(fault, scope, receive, send)

    async def _maim(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in messages)
        status = int(messages[0]["status"])
        if fault.kind == "null_costs":
            await _reply(send, status, _COSTS.sub(rb'"\1":null', body), _JSON)
        elif fault.kind == "garbage":
            await _reply(send, status, body[: len(body) // 2], _JSON)
        else:
            await send(messages[0])
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            # The server can only hang up now: it has promised more than it was given.
            await send({"type": "http.response.body", "body": b"", "more_body": False})


_JSON = [(b"content-type", b"application/json")]


async def _refuse(fault: Fault, send: Send) -> None:
    kind = _TYPES.get(fault.status, "server_error")
    headers = list(_JSON)
    if fault.retry_after:
        headers.append((b"retry-after", fault.retry_after.encode()))
    await _reply(send, fault.status, encode(Error(Refusal(kind, fault.message, "sandbox-fault"))), headers)


async def _reply(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
