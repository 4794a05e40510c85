"""What the menu's entries and the notices' buttons do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from trayd.alerts.notice import Notice
from trayd.errors import TraydError
from trayd.files import write_atomically
from trayd.opener import PAGES, open_target
from trayd.operations.exporting import ExportQuery, ReportQuery
from trayd.operations.operations import Operations
from trayd.records import Filters
from trayd.reports.names import file_name
from trayd.settings import Paths, Settings

logger = logging.getLogger(__name__)

T = TypeVar("T")


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
            case "open":
                await self._open(what)
            case "pause" if what == "off":
                await self._host.order("resume")
            case "pause":
                await self._host.order("pause", length=what)
            case "snooze":
                await self._host.order("snooze", id=what)
            case "export":
                path = await self._write("export", "csv", lambda desk: desk.export(ExportQuery()))
                await self._host.notify(
                    Notice(
                        episodes=(), title="CSV exported", body=str(path), actions=(("Open folder", "open:reports"),)
                    )
                )
            case "report":
                path = await self._write("report", "html", lambda desk: desk.report(ReportQuery()))
                await asyncio.to_thread(open_target, path)
            case "quit":
                self._quit()
            case _:
                logger.error("there is no action %r", action)

    async def _open(self, what: str) -> None:
        folders = {"drop": self._host.paths.drop, "reports": self._host.paths.reports}
        if what in folders:
            folders[what].mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(open_target, folders[what] if what in folders else PAGES[what])

    async def _write(self, name: str, suffix: str, text: Callable[[Operations], Iterable[str]]) -> Path:
        zone = self._host.settings.zone()
        named = file_name(name, f".{suffix}", filters=Filters(), zone=zone, now=self._host.now())
        path = self._host.paths.reports / named
        await self._host.on_ledger(lambda operations: write_atomically(path, text(operations)))
        return path
