"""What the menu's entries and the notices' buttons do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from trayd.alerts.notice import Notice
from trayd.blocking import on_daemon_thread
from trayd.errors import TraydError
from trayd.files import write_atomically
from trayd.opener import PAGES, open_target
from trayd.operations.documents import Document
from trayd.operations.exporting import ExportQuery, ReportQuery
from trayd.operations.operations import Operations
from trayd.operations.turns import Making
from trayd.reports.due import period_with
from trayd.settings import Paths, Settings

logger = logging.getLogger(__name__)

T = TypeVar("T")

_CHUNK = 64 * 1024


class Host(Protocol):
    """What the actions need of the daemon."""

    paths: Paths
    settings: Settings

    async def on_ledger(self, work: Callable[[Operations], T]) -> T:
        """Runs the work on the thread that owns the ledger."""

    async def refresh(self) -> object:
        """Polls now."""

    async def order(self, name: str, **given: str) -> None:
        """Carries out an operation of the table."""

    async def notify(self, notice: Notice) -> None:
        """Shows something that the person has asked for."""

    def panel_link(self) -> str:
        """A link that opens the panel in a browser, once and soon."""

    def now(self) -> datetime:
        """The time (UTC)."""


class MenuActions:
    """Carries out actions by their names; one that fails is told, and breaks nothing."""

    def __init__(self, host: Host, quit_: Callable[[], None]) -> None:
        self._host = host
        self._quit = quit_

    async def perform(self, action: str) -> None:
        """Does what the action of that name says."""
        try:
            await self._perform(action)
        except TraydError as error:
            logger.warning("%s: %s", action, error)
            await self._host.notify(Notice(episodes=(), title=error.message, body=error.cure))
        except Exception:
            # Nobody waits for what becomes of it.
            logger.exception("the action %r failed", action)

    async def _perform(self, action: str) -> None:
        name, _, what = action.partition(":")
        match name:
            case "refresh":
                await self._host.refresh()
            case "open" if what == "panel":
                await self._open_panel()
            case "open":
                await self._open(what)
            case "pause" if what == "off":
                await self._host.order("resume")
            case "pause":
                await self._host.order("pause", length=what)
            case "snooze":
                await self._host.order("snooze", id=what)
            case "export":
                path = await self._write(lambda desk: desk.export(ExportQuery()))
                await self._host.notify(
                    Notice(
                        episodes=(), title="CSV exported", body=str(path), actions=(("Open folder", "open:reports"),)
                    )
                )
            case "report":
                query = _report_asked(what, self._host.now().astimezone(self._host.settings.zone()).date())
                path = await self._write(lambda desk: desk.report(query))
                await asyncio.to_thread(open_target, path)
            case "quit":
                self._quit()
            case _:
                logger.error("there is no action %r", action)

    async def _open(self, what: str) -> None:
        name, _, schedule = what.partition(":")
        folders = {"drop": self._host.paths.drop, "reports": self._host.paths.reports}
        folder = folders.get(name)
        if name == "reports" and (own := self._folder_of(schedule)) is not None:
            folder = own
        elif folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(open_target, PAGES[name] if folder is None else folder)

    async def _open_panel(self) -> None:
        try:
            await asyncio.to_thread(open_target, self._host.panel_link())
        except TraydError as error:
            # The link is nobody's business but the browser's: neither a notice nor the log tells it.
            raise TraydError("no browser could be opened", "run `trayd open panel`, which prints the link") from error

    def _folder_of(self, schedule: str) -> Path | None:
        """The folder that the schedule of that name has for itself; None where it has none, or there is none such."""
        named = (each for each in self._host.settings.report.schedule if each.called == schedule)
        return next((each.own_folder for each in named), None)

    async def _write(self, begin: Callable[[Operations], Document]) -> Path:
        making = Making(begin)
        await making.finish(self._host)
        path = self._host.paths.reports / making.document.name
        with making.text as text:
            await on_daemon_thread(lambda: write_atomically(path, iter(partial(text.read, _CHUNK), "")), "reports")
        return path


def _report_asked(what: str, today: date) -> ReportQuery:
    """Which report an entry of the menu means: ``2026-11``, ``2026-11:Northwind``, ``:Northwind``; nothing: of all.

    Of the month that runs, it is up to today.
    """
    month, _, client = what.partition(":")
    if not month:
        return ReportQuery(client=client or None)
    period = period_with("month", date.fromisoformat(f"{month}-01"))
    return ReportQuery(client=client or None, since=str(period.first), until=str(min(period.last, today)))
