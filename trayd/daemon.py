"""The daemon's working half: one event loop that wires sources, ledger, alerts, tray views and the HTTP API.

All ledger work runs on one thread of its own; the loop only waits for it. The other half, :mod:`trayd.process`, is the
main thread: signals, the log, the icon.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from trayd.alerts.delivery import Deliverer
from trayd.alerts.notice import Notice
from trayd.alerts.rules import BackfillDone, FileRejected
from trayd.alerts.watch import Watch, observe
from trayd.errors import TraydError
from trayd.facts import Added, Batch
from trayd.insight.status import DaemonStatus, Status
from trayd.intake.drop import DropFolder
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.menu_actions import MenuActions
from trayd.operations import Operations, account_names, utc_now
from trayd.panel.server import serving
from trayd.polling import Polling, Refreshed
from trayd.records import Generation
from trayd.resources import asset
from trayd.settings import Paths, Settings, load

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Changes within this time are shown together.
GATHER_S = 0.25
#: Sliding windows and ages move on without a change: what is shown is made anew after this long.
SHOWN_FOR_S = 60.0
#: How often the settings file is looked at and a checkpoint is considered.
HOUSEKEEPING_S = 5.0
#: A part that failed is started again after this long.
RESTART_S = 10.0


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown at one moment: the status, the newest generations, and the settings they are shown by."""

    at: datetime
    status: Status
    recent: tuple[Generation, ...]
    settings: Settings


class Daemon:
    """Everything that runs while trayd sits in the tray.

    Args:
        paths: where everything is; the user's own folders are taken from the settings.
        settings: as they are at the start.
        url: fal's base URL.
        show: called with each new snapshot, from the loop's thread.
        quit: called when the person chose to quit.
    """

    def __init__(
        self,
        paths: Paths,
        settings: Settings,
        *,
        url: str,
        show: Callable[[Snapshot], None],
        quit: Callable[[], None],  # noqa: A002  # the menu's own word
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.paths = paths
        self._url = url
        self._show = show
        self._clock = clock
        self._changed = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self._settings_seen = _stamp(paths)
        self._ledger_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._actions = MenuActions(self, quit)
        self._operations: Operations
        self._polling: Polling
        self._drop: DropFolder
        self._watch: Watch
        self._deliverer: Deliverer

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Runs until ``stop`` is set; ``ready`` is called once the ledger is open and the API answers.

        Raises:
            TraydError: the ledger cannot be opened, or the run folder cannot be written.
        """
        async with AsyncExitStack() as stack:
            await self._open(stack)
            url = await stack.enter_async_context(serving(self, self.paths.run))
            self._operations.daemon = DaemonStatus(running=True, url=url)
            parts: dict[str, Callable[[], Awaitable[None]]] = {
                "polling": lambda: self._polling.run(),
                "drop folder": lambda: self._drop.run(stop),
                "alerts": lambda: self._watch.run(),
                "views": self._keep_views,
                "housekeeping": self._keep_house,
            }
            tasks = [asyncio.create_task(_kept_up(name, part), name=name) for name, part in parts.items()]
            ready()
            try:
                await stop.wait()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def run_once(self) -> list[Refreshed]:
        """Polls, takes in the drop folder, checks the alerts, and ends; how each account stands after it."""
        async with AsyncExitStack() as stack:
            await self._open(stack)
            refreshed = await self.refresh()
            await self._watch.once()
            return refreshed

    async def on_ledger(self, work: Callable[[Operations], T]) -> T:
        """Runs the work on the thread that owns the ledger."""
        return await asyncio.get_running_loop().run_in_executor(self._ledger_thread, work, self._operations)

    async def submit(self, batch: Batch) -> Added:
        """Makes the batch durable, then has the views and the alerts follow."""
        added = await self.on_ledger(lambda operations: operations.ledger.add(batch))
        self._changed.set()
        return added

    async def ledger_changed(self) -> None:
        """Has views and alerts follow a change that was made on the ledger itself."""
        self._changed.set()

    async def refresh(self) -> list[Refreshed]:
        """Polls every account now and looks into the drop folder."""
        await self._reload()
        refreshed, _ = await asyncio.gather(self._polling.refresh(), self._drop.scan_once())
        self._changed.set()
        return refreshed

    async def perform(self, action: str) -> None:
        """Does what a menu entry or a button asks for."""
        await self._actions.perform(action)

    def now(self) -> datetime:
        """The time (UTC)."""
        return self._clock()

    async def notify(self, notice: Notice) -> None:
        """Shows something that the person has asked for."""
        await self._deliverer.show(notice)

    def pause(self, until: datetime | None) -> None:
        """Holds desktop alerts back until then; None ends the pause."""
        self._watch.paused_until = until
        self._operations.paused_until = until
        self._changed.set()

    async def _open(self, stack: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        stack.callback(self._ledger_thread.shutdown)
        folders = LedgerPaths(ledger=self.paths.ledger, backup=self.paths.backup)
        ledger = await loop.run_in_executor(
            self._ledger_thread, lambda: Ledger.open(folders, base_url=self._url, holder="the trayd daemon")
        )
        stack.push_async_callback(loop.run_in_executor, self._ledger_thread, ledger.close)
        self._operations = Operations(ledger, self.settings, self.paths, self._clock)
        deliverer = self._deliverer = Deliverer(
            self._pressed, icon=asset("icons/hicolor/128x128/apps/trayd.png"), desktop=self.settings.alerts.desktop
        )
        stack.callback(deliverer.close)
        self._watch = Watch(
            self.settings,
            read=lambda now: self.on_ledger(lambda operations: observe(operations.ledger, now)),
            submit=self.submit,
            deliverer=deliverer,
            clock=self._clock,
        )
        self._polling = Polling(self)
        self._drop = DropFolder(self.paths.drop, self)

    async def _keep_views(self) -> None:
        while True:
            self._changed.clear()
            self._show(await self.on_ledger(self._snapshot))
            await self._watch.check()
            try:
                async with asyncio.timeout(SHOWN_FOR_S):
                    await self._changed.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER_S)

    def _snapshot(self, operations: Operations) -> Snapshot:
        return Snapshot(
            at=self._clock(),
            status=operations.status(),
            recent=operations.latest_generations(),
            settings=self.settings,
        )

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            await self._reload()
            await self.on_ledger(_checkpoint)

    async def _reload(self) -> None:
        """Takes over a settings file that has changed; a broken one is told and the settings stay."""
        stamp = _stamp(self.paths)
        if stamp == self._settings_seen:
            return
        self._settings_seen = stamp
        try:
            settings = load(self.paths.settings)
        except TraydError as error:
            logger.error("the settings stay as they were: %s", error)
            return
        self.settings = self._watch.settings = self._operations.settings = settings
        self._polling.settings_changed()
        self._changed.set()
        logger.info("the settings have changed and are in force")

    def _pressed(self, action: str) -> None:
        self._background.add(task := asyncio.get_running_loop().create_task(self.perform(action)))
        task.add_done_callback(self._background.discard)


async def _kept_up(name: str, part: Callable[[], Awaitable[None]]) -> None:
    """Runs a part; one that fails is logged and started again, and never takes the others with it."""
    while True:
        try:
            await part()
            return
        except Exception:
            logger.exception("%s failed and is started again in %.0f s", name, RESTART_S)
            await asyncio.sleep(RESTART_S)


def _checkpoint(operations: Operations) -> None:
    if operations.ledger.dirty:
        operations.ledger.checkpoint()


def _stamp(paths: Paths) -> tuple[int, int] | None:
    try:
        found = paths.settings.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
