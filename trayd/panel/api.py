"""The daemon's HTTP API on loopback: the command line's own questions and orders, no more.

Only who can read ``run/trayd.json`` has the token; it is taken in a header only, so that no web page can send it. The
cookie of a browser, which opens pages, opens nothing here.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from trayd.errors import DaemonError, DeclinedError, TraydError, UsageError
from trayd.operations.operations import Operations
from trayd.operations.table import OPERATIONS, Operation, parse_query
from trayd.panel.address import API_ROOT, STEPS_MEDIA_TYPE
from trayd.panel.gate import Gate, Problem
from trayd.panel.openapi import document
from trayd.panel.sessions import LINK_LASTS, Sessions
from trayd.panel.texts import sent
from trayd.panel.walking import Done, lines, walk
from trayd.shapes import plain
from trayd.steps import Step

logger = logging.getLogger(__name__)

MAX_BODY = 256 * 1024 * 1024
BODY_TIMEOUT_S = 30.0

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]


class Backend(Protocol):
    """What the API needs of the daemon."""

    async def on_ledger(self, work: Callable[[Operations], T]) -> T:
        """Runs the work on the thread that owns the ledger."""

    async def refresh(self) -> Any:
        """Polls every account now and looks into the drop folder."""

    async def try_alerts(self, hook: str | None) -> Any:
        """Sends a test warning to the desktop and the hooks, or to one hook."""

    async def ordered(self, operation: Operation) -> None:
        """Follows an operation that has written: shows what is new, looks for what is to be warned of."""


def api(backend: Backend, token: str, hosts: frozenset[str], sessions: Sessions) -> ASGIApp:
    """The API: of a daemon, for who has the token and comes by one of these names; it lets browsers in to the pages."""

    async def openapi(_request: Request) -> Response:
        return _json(document())

    async def refresh(_request: Request) -> Response:
        return _json(await backend.refresh())

    async def try_alerts(request: Request) -> Response:
        # Else a slip of the pen would send a test to every hook.
        if unknown := sorted(request.query_params.keys() - {"hook"}):
            raise UsageError(f"alerts-test: there is no argument {unknown[0]!r}", "leave it out")
        return _json(await backend.try_alerts(request.query_params.get("hook")))

    async def panel_link(_request: Request) -> Response:
        return _json({"url": sessions.link(), "seconds": LINK_LASTS.seconds})

    routes = [
        Route(f"{API_ROOT}/openapi.json", openapi),
        Route(f"{API_ROOT}/panel-link", panel_link, methods=["POST"]),
        Route(f"{API_ROOT}/refresh", refresh, methods=["POST"]),
        Route(f"{API_ROOT}/alerts-test", try_alerts, methods=["POST"]),
        *(
            Route(f"{API_ROOT}/{each.name}", _handler(backend, each), methods=["POST" if each.writes else "GET"])
            for each in OPERATIONS.values()
        ),
    ]

    def check(request: Request) -> Problem | None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), token.encode()):
            return Problem(401, "the token is missing or wrong", "read it from run/trayd.json")
        return None

    app = Starlette(routes=routes, exception_handlers={TraydError: _refusal, Exception: _failure})
    return Gate(app, hosts, check, _problem)


def _handler(backend: Backend, operation: Operation) -> Handler:
    if operation.media_types:
        return _text(backend, operation)
    return _stepped(backend, operation) if operation.stepped else _at_once(backend, operation)


def _text(backend: Backend, operation: Operation) -> Handler:
    async def handle(request: Request) -> Response:
        query = parse_query(operation, dict(request.query_params))
        return await sent(
            backend,
            lambda operations: operation.run(operations, query),
            in_lines=STEPS_MEDIA_TYPE in request.headers.get("accept", ""),
            error_of=lambda error: _error(error, request),
        )

    return handle


def _stepped(backend: Backend, operation: Operation) -> Handler:
    async def handle(request: Request) -> Response:
        query = parse_query(operation, dict(request.query_params))
        arguments = (query, await _body(request)) if operation.takes_body else (query,)
        walked = _followed(backend, operation, walk(backend, lambda operations: operation.run(operations, *arguments)))
        if STEPS_MEDIA_TYPE in request.headers.get("accept", ""):
            told = lines(walked, lambda error: _error(error, request))
            return StreamingResponse(told, headers={"Content-Type": STEPS_MEDIA_TYPE})
        answer = [done.answer async for done in walked if isinstance(done, Done)]
        return Response(answer[0], media_type="application/json")

    return handle


async def _followed(
    backend: Backend, operation: Operation, walked: AsyncIterator[Step | Done]
) -> AsyncIterator[Step | Done]:
    try:
        async for done in walked:
            yield done
    finally:
        # Also of what is given up halfway a part is recorded.
        if operation.writes:
            await backend.ordered(operation)


def _at_once(backend: Backend, operation: Operation) -> Handler:
    async def handle(request: Request) -> Response:
        query = parse_query(operation, dict(request.query_params))
        arguments = (query, await _body(request)) if operation.takes_body else (query,)

        answer = await backend.on_ledger(lambda operations: operation.run(operations, *arguments))
        if operation.writes:
            await backend.ordered(operation)
        return _json(answer)

    return handle


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(plain(value)), status, media_type="application/json")


async def _problem(problem: Problem) -> Response:
    return _json({"error": {"message": problem.message, "cure": problem.cure, "exit_code": 1}}, problem.status)


def _error(error: Exception, request: Request) -> dict[str, Any]:
    """What an error says of itself; of one that is trayd's own fault the log says more."""
    if isinstance(error, TraydError):
        return {"message": error.message, "cure": error.cure, "exit_code": error.exit_code}
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return {"message": "the daemon failed to answer", "cure": "see its log, and `trayd doctor`", "exit_code": 1}


async def _refusal(request: Request, error: Exception) -> Response:
    status = 400 if isinstance(error, UsageError) else 403 if isinstance(error, DeclinedError) else 409
    return _json({"error": _error(error, request)}, status)


async def _failure(request: Request, error: Exception) -> Response:
    return _json({"error": _error(error, request)}, 500)


async def _body(request: Request) -> bytes:
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                data += chunk
                if len(data) > MAX_BODY:
                    raise UsageError(f"the file is larger than {MAX_BODY // 1024**2} MiB", "split it")
    except TimeoutError:
        raise DaemonError("the file did not arrive in time", "try again") from None
    return bytes(data)
