"""The HTTP of the stand-in: keys and scopes, routes, error bodies."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

from msgspec import UNSET
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trayd.errors import UsageError
from trayd.fal.sandbox import model_answers, money_answers, series
from trayd.fal.sandbox.access import LOCKED, find_account
from trayd.fal.sandbox.account import Account
from trayd.fal.sandbox.calls import Call
from trayd.fal.sandbox.control import control_routes
from trayd.fal.sandbox.faults import Faults, Faulty
from trayd.fal.sandbox.query import ApiError, Query
from trayd.fal.sandbox.queue import queue_routes
from trayd.fal.sandbox.rates import PREFIX, Rates, rate_routes
from trayd.fal.sandbox.wire import Error, Refusal, encode
from trayd.fal.sandbox.world import World

_DOCS = "https://fal.ai/docs"
_NOTHING_THERE = (404, 405)


Handler = Callable[[Request], Awaitable[Response]]
Answer = Callable[[Query, Account, datetime, datetime], Any]


def build_app(world: World, rates: Rates, faults: Faults, calls: deque[Call]) -> ASGIApp:
    """The whole application: the Platform API under ``/v1``, the queue, exchange rates, the sandbox's own controls."""
    door = _Door(world)
    admin, api = door.admin, door.api
    routes: list[BaseRoute] = [
        Route("/v1/account/billing", admin(lambda q, account, _now, _at: money_answers.billing(q, account))),
        Route("/v1/keys", admin(lambda q, account, _now, _at: money_answers.keys(q, account))),
        Route("/v1/models", door.models),
        Route("/v1/models/analytics", api(series.analytics)),
        Route("/v1/models/billing-events", admin(money_answers.billing_events)),
        Route("/v1/models/pricing", api(lambda q, _account, _now, _at: money_answers.pricing(q), lockable=False)),
        Route("/v1/models/pricing/estimate", door.estimate, methods=["POST"]),
        Route("/v1/models/requests/by-endpoint", api(model_answers.requests)),
        Route("/v1/models/usage", admin(series.usage)),
        *queue_routes(world),
        *rate_routes(rates),
        *control_routes(world, rates, faults, calls),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={ApiError: _api_error, UsageError: _usage_error, HTTPException: _http_error},
    )
    return _Dated(_Counting(Faulty(app, faults), calls), world)


class _Door:
    """Lets callers in by their keys."""

    def __init__(self, world: World) -> None:
        self._world = world

    def admin(self, answer: Answer) -> Handler:
        """A handler for callers with the Admin scope."""
        return self._handler(answer, need_admin=True)

    def api(self, answer: Answer, *, lockable: bool = True) -> Handler:
        """A handler for callers with any key."""
        return self._handler(answer, need_admin=False, lockable=lockable)

    def _handler(self, answer: Answer, *, need_admin: bool, lockable: bool = True) -> Handler:
        async def handle(request: Request) -> Response:
            account = self._enter(request, need_admin=need_admin, lockable=lockable)
            with self._world.lock:
                at = self._world.advance()
                now = self._world.now if self._world.frozen else at
                return _json(answer(Query(request.query_params), account, now, at))

        return handle

    async def models(self, request: Request) -> Response:
        """``/models`` needs no key and does not mind a wrong one."""
        account, _ = find_account(self._world, request)
        return _json(model_answers.models(Query(request.query_params), account, self._world.names))

    async def estimate(self, request: Request) -> Response:
        """Estimates take their question in the body."""
        account = self._enter(request, need_admin=False, lockable=False)
        body = await request.body()
        with self._world.lock:
            return _json(money_answers.estimate(body, account, self._world.advance()))

    def _enter(self, request: Request, *, need_admin: bool, lockable: bool) -> Account:
        account, is_admin = find_account(self._world, request)
        if account is None:
            raise ApiError(401, "authorization_error", "Authentication required")
        if need_admin and not is_admin:
            raise ApiError(403, "authorization_error", "Access denied: this endpoint requires an ADMIN scoped key")
        if lockable and account.locked:
            raise ApiError(403, "authorization_error", LOCKED)
        return account


class _Dated:
    """Says with every answer when it was given, by the clock that the accounts live by."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one call."""

        async def date(message: Message) -> None:
            if message["type"] == "http.response.start":
                stamp = format_datetime(self._world.now, usegmt=True).encode()
                message["headers"] = [*message.get("headers", ()), (b"date", stamp)]
            await send(message)

        await self._app(scope, receive, date)


class _Counting:
    """Keeps a list of the calls that were answered."""

    def __init__(self, app: ASGIApp, calls: deque[Call]) -> None:
        self._app = app
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one call."""

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["path"].startswith(("/v1", PREFIX)):
                query = scope["query_string"].decode("latin-1")
                path = scope["path"] + (f"?{query}" if query else "")
                self._calls.append(Call(scope["method"], path, message["status"]))
            await send(message)

        await self._app(scope, receive, count)


def _json(answer: Any, status: int = 200) -> Response:
    return Response(encode(answer), status, media_type="application/json")


def _error(status: int, kind: str, message: str) -> Response:
    docs_url = _DOCS if kind in ("authorization_error", "validation_error") else UNSET
    return _json(Error(Refusal(kind, message, str(uuid4()), docs_url)), status)


async def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101  (Starlette's handlers are typed for any exception)
    return _error(error.status, error.kind, error.message)


async def _usage_error(_request: Request, error: Exception) -> Response:
    return _error(400, "validation_error", str(error))


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _error(status, "not_found" if status in _NOTHING_THERE else "server_error", "Resource not found")
