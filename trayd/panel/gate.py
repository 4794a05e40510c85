"""Who is let in over HTTP, and what every answer forbids: before the API and before the pages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Problem(NamedTuple):
    """Why there is no answer: the HTTP status, what is wrong, and the cure."""

    status: int
    message: str
    cure: str = ""


#: Why a request is not let in by one part of what is served; None: it is.
Check = Callable[[Request], Problem | None]

#: The answer that tells of a problem.
Teller = Callable[[Problem], Awaitable[Response]]

#: What is waited for when the daemon ends.
ENDING = Problem(503, "trayd was ended before the answer was ready", "start it with `trayd run`, and ask again")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

#: For whatever says nothing else: an answer that is shown as a page can do nothing.
_NOTHING = "default-src 'none'; frame-ancestors 'none'"


class Gate:
    """Lets in who came to this host by its own name, is no foreign page, and passes a part's own check.

    Args:
        app: what lies behind it.
        hosts: the names of this host, with the port.
        check: that of the part.
        told: how the part tells of a problem.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str], check: Check, told: Teller) -> None:
        self._app = app
        self._hosts = hosts
        self._check = check
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Content-Security-Policy", _NOTHING)
            await send(message)

        problem = self._problem(Request(scope))
        try:
            await (self._app if problem is None else await self._told(problem))(scope, receive, guarded)
        except asyncio.CancelledError:
            # The server has waited for as long as it does.
            if not begun:
                await (await self._told(ENDING))(scope, receive, guarded)
            raise

    def _problem(self, request: Request) -> Problem | None:
        if request.headers.get("host", "") not in self._hosts:
            return Problem(421, "this host name is not served here", "use 127.0.0.1 and the port")
        origin = request.headers.get("origin")
        if origin is not None and origin.removeprefix("http://") not in self._hosts:
            return Problem(403, "pages of other origins are not let in")
        return self._check(request)
