"""The page “Reports”: the form that asks for one, the reports themselves, and those that lie in their folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar, cast
from urllib.parse import quote, urlencode

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from trayd.blocking import on_daemon_thread
from trayd.errors import TraydError, UsageError
from trayd.operations.exporting import ReportQuery
from trayd.operations.operations import Operations
from trayd.operations.table import OPERATIONS, parse_query
from trayd.panel import rendering
from trayd.panel.kept_reports import KeptReports, kept_reports, media_type, opened
from trayd.panel.making import MADE, ReportsMade
from trayd.panel.report_choices import Choices, report_choices
from trayd.panel.report_form import ANY, WITHOUT, ReportForm, Wrong, filled_in, form_of, meant, name_in, named
from trayd.panel.texts import file_headers
from trayd.settings import Paths, Settings

T = TypeVar("T")

_SAVE = "save"
_CHUNK = 256 * 1024
#: A disk that has gone may never answer.
_FOLDER_S = 3.0

_KILO, _MEGA = 1000, 1000**2

#: What the fields are called.
LABELS = {
    "client": "Client",
    "project": "Project",
    "deliverable": "Deliverable",
    "period": "Period",
    "since": "From",
    "until": "Up to",
    "model": "Model",
    "account": "Account",
    "key": "Person or API key",
    "kind": "Costs",
    "currency": "Currency of totals",
}

#: Those that stand folded.
_MORE = ("model", "account", "key", "kind", "currency")

_NOTHING_WRONG: Mapping[str, Wrong] = {}


class Backend(Protocol):
    """What the page needs of the daemon."""

    paths: Paths
    settings: Settings

    async def on_ledger(self, work: Callable[[Operations], T]) -> T:
        """Runs the work on the thread that owns the ledger."""


class ReportPages:
    """Everything below “Reports”.

    Args:
        backend: the daemon.
        reports: makes them.
    """

    def __init__(self, backend: Backend, reports: ReportsMade) -> None:
        self._backend = backend
        self._reports = reports
        self._unanswered: set[asyncio.Future[Any]] = set()

    @property
    def routes(self) -> list[Route]:
        """The page, what its form leads to, and the files that it lists."""
        return [
            Route("/reports", self.page),
            Route("/reports/asked", self.asked),
            Route("/reports/kept/{name}", self.kept),
            Route("/report", self.report),
        ]

    async def page(self, _request: Request) -> Response:
        """The form, and what there is already."""
        return await self._shown(ReportForm())

    async def asked(self, request: Request) -> Response:
        """Leads to the report that the form asks for, or back to the form with what is wrong in it."""
        try:
            form = filled_in(request.query_params)
        except UsageError as error:
            return await self._shown(ReportForm(), trouble=Wrong(error.message, error.cure), status=400)
        found = await self._backend.on_ledger(partial(meant, form))
        if not isinstance(found, ReportQuery):
            return await self._shown(form, wrong=found, status=400)
        told = {name: str(value) for name, value in msgspec.to_builtins(found).items() if value is not None}
        if form.save:
            told[_SAVE] = "1"
        return RedirectResponse(f"/report?{urlencode(told)}", 303)

    async def report(self, request: Request) -> Response:
        """The report, by the filters of the command line."""
        given = dict(request.query_params)
        made, saved = given.pop(MADE, ""), bool(given.pop(_SAVE, ""))
        if made and (waiting := self._reports.fetched(made, saved=saved)) is not None:
            return waiting
        form = ReportForm()
        try:
            query = cast("ReportQuery", parse_query(OPERATIONS["report"], given))
            form = form_of(query)
            return await self._reports.made(
                lambda operations: operations.report(query),
                query={**given, **({_SAVE: "1"} if saved else {})},
                saved=saved,
                in_window=request.headers.get("sec-fetch-mode") == "navigate",
            )
        except TraydError as error:
            status = 400 if isinstance(error, UsageError) else 409
            return await self._shown(form, trouble=Wrong(error.message, error.cure), status=status)

    async def kept(self, request: Request) -> Response:
        """A file of the folder."""
        name: str = request.path_params["name"]
        try:
            file = await self._in_folder(lambda folder: opened(folder, name))
        except OSError as error:
            raise HTTPException(404) from error
        headers = file_headers(name, media_type(name) or "", saved=False)
        return StreamingResponse(_read(file), headers=headers)

    async def _in_folder(self, work: Callable[[Path], T]) -> T:
        """What the work gives, done in the folder of reports, which may be on a disk that is slow or gone."""
        folder = self._backend.paths.reports
        if self._unanswered:
            # Each one more would be one more thread that waits for the same disk.
            raise _no_answer(folder)
        asked = asyncio.ensure_future(on_daemon_thread(partial(work, folder), "reports"))
        await asyncio.wait({asked}, timeout=_FOLDER_S)
        if not asked.done():
            self._unanswered.add(asked)
            asked.add_done_callback(self._answered_late)
            raise _no_answer(folder)
        return await asked

    def _answered_late(self, asked: asyncio.Future[Any]) -> None:
        self._unanswered.discard(asked)
        if not asked.cancelled():
            asked.exception()  # nobody waits for it any more

    async def _shown(
        self,
        form: ReportForm,
        *,
        wrong: Mapping[str, Wrong] = _NOTHING_WRONG,
        trouble: Wrong | None = None,
        status: int = 200,
    ) -> Response:
        """The page, with the form filled in, what is wrong by field, and what else is wrong."""
        choices = await report_choices(self._backend)
        zone = self._backend.settings.zone()
        kept, no_folder = KeptReports((), 0), None
        try:
            kept = await self._in_folder(kept_reports)
        except TraydError as error:
            no_folder = Wrong(error.message, error.cure)
        return await rendering.shown(
            "reports.html.j2",
            status,
            form=form,
            choices=choices,
            wrong=wrong,
            trouble=trouble,
            unlisted=_unlisted(form, choices),
            kept=kept,
            no_folder=no_folder,
            folder=str(self._backend.paths.reports),
            labels=LABELS,
            period=form.period or choices.this_month.value,
            more=any(wrong.get(field) or getattr(form, field) for field in _MORE),
            named=named,
            time=lambda moment: f"{moment.astimezone(zone):%Y-%m-%d %H:%M}",
            quote=partial(quote, safe=""),
            size=_size,
        )


def _unlisted(form: ReportForm, choices: Choices) -> dict[str, str]:
    """By field the name that was chosen and that nothing has; empty where the choice is one of the list."""
    listed = {
        "client": choices.clients,
        "project": choices.projects,
        "account": choices.accounts,
        "key": choices.keys,
    }
    chosen = {field: name_in(getattr(form, field)) for field in listed}
    known = {field: {ANY, WITHOUT, *(name.value for name in names)} for field, names in listed.items()}
    return {field: "" if name in known[field] else name for field, name in chosen.items()}


def _no_answer(folder: Path) -> TraydError:
    return TraydError(f"{folder} does not answer", "see whether its disk is connected")


def _size(count: int) -> str:
    """So many bytes in words."""
    if count < _MEGA:
        return f"{max(1, round(count / _KILO))} kB"
    return f"{count / _MEGA:.1f} MB"


async def _read(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk
