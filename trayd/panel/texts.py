"""Texts over HTTP: made in turns on the ledger's thread into a temporary file, and sent from there.

Who accepts lines of JSON is told while the text is made how far it is, and gets it in pieces:
``{"name": "trayd-export-2026-11.csv", "media_type": "text/csv"}``, then ``{"done": 2000, "of": 10000}`` again and
again, ``{"remark": "…"}`` for what the person has to know of it, ``{"text": "…"}`` until all of it is there, and
``{"answer": null}``, or ``{"error": …}`` where it could not be made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response, StreamingResponse

from trayd.operations.documents import Document
from trayd.operations.operations import Operations
from trayd.operations.turns import LedgerThread, Making
from trayd.panel.address import STEPS_MEDIA_TYPE
from trayd.steps import Progress, untold

_CHUNK = 64 * 1024
_TELL_EVERY_S = 0.2

#: What a report that is shown as a page may do: look as it looks. It is nobody's page: nothing it might hold, by a
#: template or a file of somebody else's, runs or asks for anything, least of all in the panel's name. A policy of its
#: own narrows that further: trayd's pages allow their one style sheet, by its hash. Links in it lead where they lead.
REPORT_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Told:
    """How far a text is: said on one thread, read on another."""

    def __init__(self) -> None:
        self.now: dict[str, int] | None = None

    def __call__(self, done: int, of: int) -> None:
        """Takes note of it."""
        self.now = {"done": done, "of": of}


async def sent(
    thread: LedgerThread,
    begin: Callable[[Operations], Document],
    *,
    in_lines: bool,
    error_of: Callable[[Exception], dict[str, Any]],
) -> Response:
    """The answer that sends a text.

    Args:
        thread: the ledger's.
        begin: gives the text.
        in_lines: whether it is sent as lines of JSON.
        error_of: what an error says of itself.

    Raises:
        TraydError: there is no such text, or, where it is not sent in lines, it could not be made.
    """
    told = Told()
    making = await begun(thread, begin, told if in_lines else untold)
    if in_lines:
        return StreamingResponse(_lines(thread, making, told, error_of), headers={"Content-Type": STEPS_MEDIA_TYPE})
    await making.finish(thread)
    return whole(making)


async def begun(thread: LedgerThread, begin: Callable[[Operations], Document], progress: Progress) -> Making:
    """The making of a text, begun.

    Raises:
        TraydError: there is no such text.
    """
    making = Making(begin, progress)
    try:
        await thread.on_ledger(making.begin)
    except BaseException:
        making.text.close()
        raise
    return making


def whole(making: Making, *, saved: bool = False) -> Response:
    """The answer that sends a text that is made; a page is shown, unless it is to be saved, all else is saved."""
    return StreamingResponse(_pieces(making), headers=_headers(making.document, saved=saved))


def file_headers(name: str, media_type: str, *, saved: bool) -> dict[str, str]:
    """What is said of a file that is sent: what it is and is called, whether it is shown, and what it may do then."""
    shown = media_type == "text/html" and not saved
    # RFC 6266: names that are not ASCII in RFC 8187's form.
    headers = {
        "Content-Type": f"{media_type}; charset=utf-8",
        "Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(name, safe='')}",
    }
    if media_type == "text/html":
        headers["Content-Security-Policy"] = REPORT_POLICY
    return headers


def _headers(document: Document, *, saved: bool) -> dict[str, str]:
    headers = file_headers(document.name, document.media_type, saved=saved)
    if document.remarks:
        headers["Trayd-Remarks"] = quote("; ".join(document.remarks), safe=" !\"#$&'()*+,/:;<=>?@[]^`{|}")
    return headers


async def _pieces(making: Making) -> AsyncIterator[str]:
    with making.text as text:
        for chunk in iter(partial(text.read, _CHUNK), ""):
            yield chunk


async def _lines(
    thread: LedgerThread, making: Making, told: Told, error_of: Callable[[Exception], dict[str, Any]]
) -> AsyncIterator[bytes]:
    document = making.document
    work = asyncio.create_task(making.finish(thread))
    try:
        yield _line({"name": document.name, "media_type": document.media_type})
        while not work.done():
            await asyncio.wait({work}, timeout=_TELL_EVERY_S)
            if told.now is not None:
                yield _line(told.now)
        await work
        for remark in making.document.remarks:
            yield _line({"remark": remark})
        async for chunk in _pieces(making):
            yield _line({"text": chunk})
        yield _line({"answer": None})
    except Exception as error:  # noqa: BLE001  # the answer has begun: only its last line can say that it failed
        yield _line({"error": error_of(error)})
    finally:
        work.cancel()  # nobody listens any more, where it is not done


def _line(told: dict[str, Any]) -> bytes:
    return msgspec.json.encode(told) + b"\n"
