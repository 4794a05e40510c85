"""The pages of the panel, for who has been let in: what a person sees in a browser.

A link that works once lets a browser in, by a cookie. It opens pages and nothing else: the API wants the token, and
what changes anything is there alone. The token opens no page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from trayd.errors import TraydError
from trayd.operations.operations import Operations
from trayd.panel import rendering
from trayd.panel.gate import Gate, Problem
from trayd.panel.making import ReportsMade, as_told
from trayd.panel.report_pages import ReportPages
from trayd.panel.sessions import ENTRANCE, Sessions
from trayd.settings import Paths, Settings

T = TypeVar("T")

_HOW_IN = "choose “Open panel” in trayd's menu, or run `trayd open panel`"
_NOT_LET_IN = Problem(403, "this browser has not been let in, or that was too long ago", _HOW_IN)
_FOREIGN = Problem(403, "another site's page leads here", _HOW_IN)
_USED = Problem(403, "this link was used before, or is older than a minute", f"for a new one {_HOW_IN}")

_NO_PAGE = {404: "there is no such page", 405: "pages are only read"}


class Backend(Protocol):
    """What the pages need of the daemon."""

    paths: Paths
    settings: Settings

    async def on_ledger(self, work: Callable[[Operations], T]) -> T:
        """Runs the work on the thread that owns the ledger."""


def pages(backend: Backend, hosts: frozenset[str], sessions: Sessions, reports: ReportsMade) -> ASGIApp:
    """The pages, for browsers that were let in and come by one of these names."""

    async def enter(request: Request) -> Response:
        if request.method != "GET" or request.headers.get("sec-purpose", "").startswith("prefetch"):
            # A look ahead is no visit: the link is good for one.
            return Response(status_code=204)
        cookie = sessions.enter(request.path_params["secret"])
        if cookie is None:
            return await rendering.told(_USED)
        # No redirect: where the link stood on another site's page, the browser would follow it without the cookie.
        answer = await rendering.shown("enter.html.j2", to=rendering.SECTIONS[0].href)
        answer.set_cookie(sessions.cookie, cookie, path="/", httponly=True, samesite="strict")
        return answer

    async def start(_request: Request) -> Response:
        return RedirectResponse(rendering.SECTIONS[0].href, 303)

    async def refused(_request: Request, error: Exception) -> Response:
        wrong = as_told(error)
        return await rendering.told(Problem(409 if isinstance(error, TraydError) else 500, wrong.message, wrong.cure))

    async def missing(_request: Request, error: Exception) -> Response:
        status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (404, None)
        answer = await rendering.told(Problem(status, _NO_PAGE.get(status, "this cannot be answered")))
        answer.headers.update(headers or {})
        return answer

    def check(request: Request) -> Problem | None:
        if request.scope["path"].startswith(ENTRANCE):
            return None
        # Ports make no other site of 127.0.0.1: what else is served there is let no nearer than what is far away.
        if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            return _FOREIGN
        return None if sessions.admits(request.cookies.get(sessions.cookie, "")) else _NOT_LET_IN

    app = Starlette(
        routes=[
            Route(f"{ENTRANCE}{{secret}}", enter),
            Route("/", start),
            *ReportPages(backend, reports).routes,
        ],
        exception_handlers={TraydError: refused, HTTPException: missing, Exception: refused},
    )
    return Gate(app, hosts, check, rendering.told)
