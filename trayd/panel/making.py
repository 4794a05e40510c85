"""Reports on their way to a browser: one that takes longer is told of on a page of its own while it is made.

That page comes in pieces: each step stands below the one before, and the style sheet shows the last one alone. At its
end it leads to the report, which waits for that. So it works without a script, and who closes the page ends the work.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from html import escape
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from trayd.errors import TraydError
from trayd.operations.documents import Document
from trayd.operations.operations import Operations
from trayd.operations.turns import LedgerThread, Making
from trayd.panel import rendering
from trayd.panel.gate import ENDING
from trayd.panel.texts import Told, begun, whole

logger = logging.getLogger(__name__)

#: The parameter that names a report which has been made.
MADE = "made"

#: What takes no longer than this comes at once.
_AT_ONCE_S = 0.4
#: Often enough to be seen, seldom enough to be read out.
_TELL_EVERY_S = 0.5

#: How long a report that is made waits to be fetched, and how many do at most.
_WAITS_S = 60.0
_MOST_WAITING = 4

_NAMED = 'aria-label="Building the report"'

#: Where the steps go, in the page that has them.
_STEPS = "<!-- steps -->"


class ReportsMade:
    """Makes reports for browsers, and keeps those that were told of until they are fetched.

    Args:
        thread: the ledger's.
    """

    def __init__(self, thread: LedgerThread) -> None:
        self._thread = thread
        self._waiting: dict[str, Making] = {}

    def fetched(self, name: str, *, saved: bool) -> Response | None:
        """The report that waits under that name; None: it was fetched before, or waited too long."""
        making = self._waiting.pop(name, None)
        return None if making is None else whole(making, saved=saved)

    async def made(
        self, begin: Callable[[Operations], Document], *, query: dict[str, str], saved: bool, in_window: bool
    ) -> Response:
        """The report; where that takes longer, the page that tells how far it is.

        Args:
            begin: gives the report.
            query: of its address.
            saved: whether it is to be saved, and not shown.
            in_window: whether a person waits before it; whatever else asks gets the report and nothing else.

        Raises:
            TraydError: it cannot be made.
        """
        told = Told()
        making = await begun(self._thread, begin, told)
        work = asyncio.create_task(making.finish(self._thread))
        try:
            await asyncio.wait({work}, timeout=_AT_ONCE_S if in_window else None)
        except asyncio.CancelledError:
            work.cancel()
            raise
        if work.done():
            await work
            return whole(making, saved=saved)
        page = await asyncio.to_thread(rendering.rendered, "progress.html.j2", name=making.document.name)
        return _WhileMade(work, self._progress(page, making, work, told, query=query, saved=saved))

    async def _progress(
        self,
        page: str,
        making: Making,
        work: asyncio.Task[None],
        told: Told,
        *,
        query: dict[str, str],
        saved: bool,
    ) -> AsyncIterator[str]:
        start, _, end = page.partition(_STEPS)
        try:
            yield start
            shown: dict[str, int] | None = None
            while not work.done():
                if told.now is not None and told.now != shown:
                    shown = told.now
                    yield _step(**shown)
                await asyncio.wait({work}, timeout=_TELL_EVERY_S)
            await work
            yield _ready(self._address(making, query), saved=saved)
        except asyncio.CancelledError:
            yield _failed(ENDING.message, ENDING.cure)
            raise
        except Exception as error:  # noqa: BLE001  # the page has begun: only what comes now can say that it failed
            wrong = as_told(error)
            yield _failed(wrong.message, wrong.cure)
        yield end

    def _address(self, making: Making, query: dict[str, str]) -> str:
        """Where the report is now, once."""
        name = secrets.token_urlsafe()
        self._waiting[name] = making
        if len(self._waiting) > _MOST_WAITING:
            self._forget(next(iter(self._waiting)))
        asyncio.get_running_loop().call_later(_WAITS_S, self._forget, name)
        return f"/report?{urlencode({**query, MADE: name})}"

    def _forget(self, name: str) -> None:
        if (making := self._waiting.pop(name, None)) is not None:
            making.text.close()

    def close(self) -> None:
        """Lets those go that nobody has fetched."""
        for name in tuple(self._waiting):
            self._forget(name)


class _WhileMade(StreamingResponse):
    """The page that is sent while the work goes on; whoever leaves ends the work, also before the first word."""

    def __init__(self, work: asyncio.Task[None], page: AsyncIterator[str]) -> None:
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": rendering.policy()}
        super().__init__(page, headers=headers)
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Not by the page itself: of one that nobody waits for any more, nothing at all is asked.
            self._work.cancel()


def as_told(error: Exception) -> TraydError:
    """What an error says to a person; of one that is trayd's own fault the log says more."""
    if isinstance(error, TraydError):
        return error
    logger.error("a page failed", exc_info=error)
    return TraydError("the page could not be made", "see trayd's log, and `trayd doctor`")


def _step(done: int, of: int) -> str:
    if done < of:
        return f'<p><progress {_NAMED} value="{done}" max="{of}"></progress> {done:,} of {of:,} entries</p>\n'
    return f"<p><progress {_NAMED}></progress> {of:,} entries, being laid out</p>\n"


def _ready(address: str, *, saved: bool) -> str:
    to_it = escape(address)
    words = (
        f'It is made, and your browser saves it. <a href="{to_it}">Save it again</a>'
        if saved
        else f'It is made. <a href="{to_it}">Open it</a>'
    )
    return f'<p>{words}<meta http-equiv="refresh" content="0; url={to_it}"></p>\n'


def _failed(message: str, cure: str) -> str:
    wrong, what_to_do = map(rendering.sentence_html, (message, cure))
    return f'<p class="wrong"><strong>{wrong}</strong> {what_to_do}</p>\n'
