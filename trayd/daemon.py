"""The daemon's working half: one event loop that wires sources, ledger, alerts, tray views and the HTTP API.

All ledger work runs on one thread of its own; the loop only waits for it. The other half, :mod:`trayd.process`, is the
main thread: signals, the log, the icon.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

from trayd.alerts.delivery import Deliverer
from trayd.alerts.hooks import Hooks
from trayd.alerts.notice import Notice
from trayd.alerts.rules import BackfillDone, FileRejected, ReportMade
from trayd.alerts.trial import Tried, try_alerts
from trayd.alerts.watch import Watch
from trayd.errors import LedgerFullError, TraydError
from trayd.exchange_rates.store import store_of
from trayd.facts import Added, Batch, ModelFact
from trayd.fal.outcome import PollOutcome
from trayd.insight.status import DaemonStatus
from trayd.intake.drop import DropFolder
from trayd.intake.notices import DropNotice
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.memory import give_back
from trayd.operations.operations import Operations, utc_now
from trayd.operations.table import OPERATIONS, Operation, parse_query
from trayd.panel.server import serving
from trayd.panel.sessions import Sessions
from trayd.resources import asset
from trayd.service.alert_door import AlertDoor
from trayd.service.housekeeping import Housekeeping
from trayd.service.menu_actions import MenuActions
from trayd.service.polling import Polling, Refreshed
from trayd.service.rate_keeping import RateKeeping
from trayd.service.report_schedule import ReportSchedules
from trayd.service.submissions import Submissions
from trayd.service.views import Snapshot, Views
from trayd.settings import Paths, Settings, load, rates_url

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: A part that failed is started again after this long.
RESTART_S = 10.0


class Daemon:
    """Everything that runs while trayd sits in the tray.

    Args:
        paths: where everything is, with the user's own folders.
        settings: as they are at the start; the file is looked at again while the daemon runs.
        url: fal's base URL.
        show: called with each new snapshot, on the loop's thread.
        quit_: called when the person chose to quit.
        clock: the time (UTC).
    """

    def __init__(
        self,
        paths: Paths,
        settings: Settings,
        *,
        url: str,
        show: Callable[[Snapshot], None] = lambda _snapshot: None,
        quit_: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.paths = paths
        self._url = url
        self._clock = clock
        self._background: set[asyncio.Task[None]] = set()
        self._version = -1
        # What the ledger could not do the last time, and why.
        self._troubles: dict[str, str] = {}
        self._settings_seen = _stamp(paths)
        self._ledger_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._actions = MenuActions(self, quit_)
        self._deliverer = Deliverer(
            self._pressed, icon=asset("icons/hicolor/128x128/apps/trayd.png"), desktop=settings.alerts.desktop
        )
        self._hooks = Hooks()
        self._watch = Watch(
            settings,
            door=AlertDoor(self),
            deliverer=self._deliverer,
            hooks=self._hooks,
            clock=clock,
            on_reworded=lambda: self._views.change(),  # noqa: PLW0108 - the views come after the watch
        )
        self._views = Views(self, show, self._watch.check)
        self._housekeeping = Housekeeping(self)
        self._submissions = Submissions(self._write)
        self._polling = Polling(self, url)
        self._rate_keeping = RateKeeping(self, store_of(paths, rates_url(url)), rates_url(url))
        self._report_schedules = ReportSchedules(self)
        self._drop = DropFolder(paths.drop, self)
        self._operations: Operations
        self._sessions: Sessions

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Runs until ``stop`` is set; ``ready`` is called once the ledger is open and the API answers.

        Raises:
            TraydError: the ledger cannot be opened, or the run folder cannot be written.
        """
        async with self._open(None), serving(self, self.paths.run) as (url, self._sessions):
            self._operations.daemon = DaemonStatus(running=True, url=url)
            self._operations.hook_troubles = self._hooks.troubles
            self._operations.present_alerts = self._watch.present
            self._operations.desktop = lambda: self._deliverer.state
            parts: dict[str, Callable[[], Awaitable[None]]] = {
                "polling": self._polling.run,
                "drop folder": lambda: self._drop.run(stop),
                "exchange rates": self._rate_keeping.run,
                "reports": self._report_schedules.run,
                "alerts": self._watch.run,
                "alerts by the clock": self._watch.run_clock,
                "hooks": self._watch.run_hooks,
                "views": self._views.run,
                "housekeeping": self._housekeeping.run,
            }
            tasks = [asyncio.create_task(_kept_up(name, part), name=name) for name, part in parts.items()]
            ready()
            try:
                await stop.wait()
            finally:
                for task in [*tasks, *self._background]:
                    task.cancel()
                await asyncio.gather(*tasks, *self._background, return_exceptions=True)

    async def run_once(self, operations: Operations | None = None) -> list[Refreshed]:
        """Polls, takes in the drop folder, makes reports that are due, checks the alerts, and ends.

        Args:
            operations: on a ledger that is open already; else it is opened and closed here.

        Returns:
            how each account stands after it.

        Raises:
            TraydError: the ledger cannot be opened.
        """
        async with self._open(operations):
            refreshed = await self.refresh()
            await self._report_schedules.once()
            await self._watch.once()
            await self._polling.aclose()
            return refreshed

    def now(self) -> datetime:
        """The time (UTC)."""
        return self._clock()

    async def on_ledger(self, work: Callable[[Operations], T]) -> T:
        """Runs the work on the thread that owns the ledger."""
        return await asyncio.get_running_loop().run_in_executor(self._ledger_thread, work, self._operations)

    async def read(self, look: Callable[[Ledger], T]) -> T:
        """What a function sees of the ledger; it runs on the ledger's thread."""
        return await self.on_ledger(lambda operations: look(operations.ledger))

    def leave_to_ledger(self, work: Callable[[], object]) -> None:
        """Has the ledger's thread do the work; nobody waits for it."""
        self._ledger_thread.submit(work)

    async def submit(self, batch: Batch) -> Added:
        """Makes the batch durable, then has the views and the alerts follow where it changed anything.

        Raises:
            TraydError: what :meth:`Ledger.add` raises.
        """
        return await self._submissions.submit(batch)

    async def _write(self, batches: Sequence[Batch]) -> list[Added | TraydError]:
        results, version = await self.read(lambda ledger: (ledger.add_together(batches), ledger.version))
        refused = [str(result) for result in results if isinstance(result, LedgerFullError)]
        self.wrote(version, refused[0] if refused else "")
        return results

    def wrote(self, version: int, trouble: str = "") -> None:
        """Has the views and the alerts follow what was written; ``trouble`` says why nothing could be."""
        if version != self._version:
            self._version = version
            self._views.change()
            self._rate_keeping.look_soon()
        self.note_trouble("writing", trouble)

    def note_trouble(self, what: str, trouble: str) -> None:
        """Takes note of what the ledger could not do; empty: it could."""
        if self._troubles.get(what, "") != trouble:
            self._troubles[what] = trouble
            self._operations.ledger_trouble = next(filter(None, self._troubles.values()), "")
            self._views.change()

    async def files_taken(self, digests: Sequence[str]) -> Container[str]:
        """Those of the digests whose files were taken in before."""
        return await self.read(lambda ledger: {digest for digest in digests if ledger.file_taken(digest)})

    async def models(self) -> Mapping[str, ModelFact]:
        """What is known of each endpoint."""
        return await self.read(lambda ledger: ledger.models())

    async def ordered(self, operation: Operation) -> None:
        """Has views, alerts and pollers follow an order that was carried out on the ledger itself."""
        if operation.replaces:
            # What the pollers remember of the ledger is no longer in it.
            self._polling.start_anew()
        self._views.change()
        self._rate_keeping.look_soon()
        try:
            # A pause or a snooze is in force when it has been answered.
            await self._watch.check()
        except TraydError as error:
            logger.error("alerts wait: %s", error)  # noqa: TRY400 - no bug, and the order itself was carried out

    async def order(self, name: str, **given: str) -> None:
        """Carries out an operation of the table that the menu or a button asks for."""
        operation = OPERATIONS[name]
        query = parse_query(operation, given)
        await self.on_ledger(lambda operations: operation.run(operations, query))
        await self.ordered(operation)

    async def refresh(self) -> list[Refreshed]:
        """Polls every account now and looks into the drop folder."""
        await self.reload()
        refreshed, _ = await asyncio.gather(self._polling.refresh(), self._drop.scan_once())
        # What was dropped may be in another currency.
        await self._rate_keeping.refresh()
        await self._watch.check()
        self._views.change()
        return refreshed

    async def reload(self) -> None:
        """Takes over a settings file that has changed; a broken one is told, also on the desktop, and they stay."""
        stamp = _stamp(self.paths)
        if stamp == self._settings_seen:
            return
        self._settings_seen = stamp
        try:
            settings = load(self.paths.settings)
        except TraydError as error:
            logger.error("the settings stay as they were: %s", error)  # noqa: TRY400  # a person's mistake, no bug
            self._beside(self.notify(Notice(episodes=(), title="The settings stay as they were", body=str(error))))
            return
        if settings.folders != self.settings.folders:
            logger.warning("the folders in the settings count from the next start of trayd")
        self.settings = self._watch.settings = self._operations.settings = settings
        self._deliverer.desktop = settings.alerts.desktop
        self._hooks.forget(settings.hook)
        self._polling.start_anew()
        self._rate_keeping.look_soon()
        self._report_schedules.look_soon()
        self._views.change()
        logger.info("the settings have changed and are in force")

    async def polled(self, outcome: PollOutcome) -> None:
        """Takes note of a poll: the end of the first backfill is told, what goes wrong is logged once while it does."""
        before = self._operations.troubles.pop(outcome.name, "")
        if outcome.problem:
            if outcome.problem != before:
                logger.warning("account %s: %s", outcome.name, outcome.problem)
            self._operations.troubles[outcome.name] = outcome.problem
            self._views.change()
        elif before:
            logger.info("account %s: in order again", outcome.name)
        if outcome.backfill is not None:
            found = outcome.backfill.text(self.settings.zone(), self.settings.number_locale())
            await self._watch.tell(BackfillDone(account=outcome.account, found=found))

    async def rates_fetched(self, trouble: str) -> None:
        """Has everything converted anew."""

        def renew(operations: Operations) -> None:
            operations.rates.trouble = trouble
            operations.rates.renew()
            give_back()

        await self.on_ledger(renew)
        self._views.change()

    async def tell(self, notice: DropNotice) -> None:
        """Tells of a dropped file, or of the folder."""
        name = notice.file or str(self.paths.drop)
        await self._watch.tell(FileRejected(name=name, title=notice.title, reason=notice.body, at=self._clock()))

    async def report_made(self, made: ReportMade) -> None:
        """Remembers that a report was made; the person is told of it with the others."""
        await self._watch.keep(made)

    async def reports_made(self, made: Sequence[ReportMade]) -> None:
        """Tells of reports that were made together."""
        await self._watch.tell(*made)

    async def reports_looked_at(self, troubles: Mapping[str, str]) -> None:
        """Takes note, by schedule, of why reports could not be made; empty where nothing was in the way."""
        self._operations.report_troubles = dict(troubles)
        await self._watch.check()

    async def notify(self, notice: Notice) -> None:
        """Shows something that follows from what the person does just now; nothing holds it back."""
        await self._deliverer.show(notice)

    async def try_alerts(self, hook: str | None) -> list[Tried]:
        """Sends a test to the desktop and to the hooks, or to one hook.

        Raises:
            UsageError: there is no hook of that name.
        """
        await self.reload()
        return await try_alerts(self._deliverer, self._hooks, self.settings.hook, hook, buttons=True)

    def panel_link(self) -> str:
        """A link that opens the panel in a browser, once and within a minute."""
        return self._sessions.link()

    async def perform(self, action: str) -> None:
        """Does what a menu entry or a button asks for."""
        await self._actions.perform(action)

    @asynccontextmanager
    async def _open(self, operations: Operations | None) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        folders = LedgerPaths(ledger=self.paths.ledger, backup=self.paths.backup)

        def open_ledger() -> Ledger:
            return Ledger.open(folders, base_url=self._url, holder="the trayd daemon", clock=self._clock)

        opened: Ledger | None = None
        try:
            if operations is None:
                opened = await loop.run_in_executor(self._ledger_thread, open_ledger)
                operations = Operations(opened, self.settings, self.paths, self._clock)
                for mended in opened.notices:
                    logger.warning("%s", mended)
            self._operations = operations
            yield
        finally:
            self._deliverer.close()
            await self._submissions.settle()
            if opened is not None:
                await loop.run_in_executor(self._ledger_thread, opened.close)
            self._ledger_thread.shutdown()

    def _pressed(self, action: str) -> None:
        self._beside(self.perform(action))

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Has it done without waiting for it."""
        self._background.add(task := asyncio.get_running_loop().create_task(work))
        task.add_done_callback(self._background.discard)


async def _kept_up(name: str, part: Callable[[], Awaitable[None]]) -> None:
    """Runs a part; one that fails is logged and started again, and never takes the others with it."""
    told = ""
    while True:
        try:
            await part()
            return
        except TraydError as error:  # a person can act on it, and needs to hear of it once
            if told != str(error):
                told = str(error)
                logger.error("%s waits: %s", name, error)  # noqa: TRY400 - no bug
        except Exception:
            logger.exception("%s failed and is started again in %.0f s", name, RESTART_S)
        if (task := asyncio.current_task()) is not None and task.cancelling():
            # It was told to end, and failed on the way.
            return
        await asyncio.sleep(RESTART_S)


def _stamp(paths: Paths) -> tuple[int, int] | None:
    try:
        found = paths.settings.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
