"""The daemon's other half: the main thread. Signals, the log, the icon, or the terminal where there is no desktop."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from trayd.alerts.words import actions_of
from trayd.daemon import Daemon
from trayd.errors import TraydError
from trayd.files import way_out
from trayd.memory import share_one_heap
from trayd.service.views import Snapshot
from trayd.settings import Paths, Settings, fal_url, load
from trayd.tray.app import Ended, NoTrayError, Tray
from trayd.tray.model import IconLook, IconState, MenuItem, TrayView
from trayd.tray.view import tray_view

logger = logging.getLogger("trayd")

_LOG_BYTES = 1024 * 1024
_LOG_FILES = 3

_ENDING = frozenset({signal.SIGINT, signal.SIGTERM})

#: Windows delivers no signal while the main thread waits for longer than this.
_WAIT_S = 0.5

#: After the session bus was lost: whether it has gone for good shows by then.
_RECONNECT_S = 1.0


class Process:
    """One daemon process: the loop on a thread of its own, the icon on the main thread.

    Args:
        paths: with the user's own folders.
        settings: as they are at the start.
        on_snapshot: called with each snapshot as well, from the loop's thread.
    """

    def __init__(
        self, paths: Paths, settings: Settings, on_snapshot: Callable[[Snapshot], None] = lambda _snapshot: None
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._on_snapshot = on_snapshot
        # Plain values: a signal handler reads and sets them, where a lock could be held by what it interrupted.
        self._stopping = False
        self._ready = False
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._daemon: Daemon | None = None
        self._tray: Tray | None = None
        self._view = starting_view()

    def run(self, *, headless: bool) -> None:
        """Runs until SIGINT, SIGTERM or Quit. To be called on the main thread.

        Raises:
            TraydError: the daemon could not start.
        """
        share_one_heap()
        worker = threading.Thread(target=self._work, name="daemon")
        with self._signals():
            try:
                worker.start()
                if not headless:
                    self._show_icon()
                while worker.is_alive():
                    worker.join(_WAIT_S if sys.platform == "win32" else None)
            finally:
                self.stop()
                worker.join()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Ends the daemon, from any thread or a signal handler."""
        self._stopping = True
        if self._tray is not None:
            self._tray.stop()
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)

    def _work(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001  # raised again on the main thread
            self._failure = error
        finally:
            self.stop()

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if self._stopping:
            return
        self._daemon = Daemon(self._paths, self._settings, url=fal_url(), show=self._show, quit_=self.stop)
        await self._daemon.run(self._stop, self._now_ready)

    def _now_ready(self) -> None:
        self._ready = True
        logger.info("trayd runs; the log is also in %s", self._paths.log)

    def _show(self, snapshot: Snapshot) -> None:
        self._view = view_of(snapshot)
        if self._tray is not None:
            self._tray.update(self._view)
        self._on_snapshot(snapshot)

    def _show_icon(self) -> None:
        """Shows the icon until the daemon ends; without a desktop it says so once and returns."""
        try:
            while not self._stopping:
                self._tray = Tray(self._view, self._chosen)
                # A view that came while the desktop was asked for.
                self._tray.update(self._view)
                if self._tray.choice.note:
                    logger.warning(self._tray.choice.note)
                if self._stopping or self._tray.run() is Ended.STOPPED:
                    break
                logger.warning("the connection to the desktop was lost; trying again")
                time.sleep(_RECONNECT_S)
        except NoTrayError as error:
            logger.warning("%s", error)
        self._tray = None

    def _chosen(self, action: str) -> None:
        """An entry of the menu was chosen. Nothing waits for it here, so that Quit never queues behind a report."""
        if action == "quit":
            self.stop()
        elif self._ready and self._loop is not None and self._daemon is not None and not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._daemon.perform(action), self._loop)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def handle(_number: int, _frame: object) -> None:
            self.stop()

        before = {number: signal.signal(number, handle) for number in _ENDING}
        try:
            with self._heard_by_any_thread():
                yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def _heard_by_any_thread(self) -> Iterator[None]:
        """Hears of signals that the system hands to another thread than the main one.

        Python runs its handlers on the main thread alone, which sleeps on in such a case.
        """
        ears, mouth = socket.socketpair()

        def listen() -> None:
            while numbers := ears.recv(64):
                if not _ENDING.isdisjoint(numbers):
                    self.stop()

        with ears, mouth:
            mouth.setblocking(False)
            listener = threading.Thread(target=listen, name="signals")
            listener.start()
            before = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
            try:
                yield
            finally:
                signal.set_wakeup_fd(before)
                mouth.close()
                listener.join()


def run_daemon(*, headless: bool) -> int:
    """``trayd run``: until it is told to end.

    Raises:
        TraydError: it could not start; another daemon runs, the settings are not valid, the ledger is damaged.
    """
    paths, settings = _prepared()
    Process(paths, settings).run(headless=headless)
    return 0


def run_once() -> int:
    """``trayd run --once``: polls, takes in the drop folder, makes reports that are due, checks the alerts, and ends.

    Raises:
        TraydError: another process holds the ledger, or it cannot be opened.
    """
    paths, settings = _prepared()
    refreshed = asyncio.run(Daemon(paths, settings, url=fal_url()).run_once())
    return int(any(account.problem for account in refreshed))


def log_to(paths: Paths, *, terminal: bool = True) -> None:
    """Sends the log to its file, and to the terminal's stderr.

    Raises:
        TraydError: the log's folder cannot be written.
    """
    try:
        paths.log.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = RotatingFileHandler(
            paths.log / "trayd.log", maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8"
        )
    except OSError as error:
        raise TraydError(f"{paths.log} cannot be written ({error.strerror})", way_out(error)) from error
    # Warnings name clients, projects and amounts.
    Path(file.baseFilename).chmod(0o600)
    handlers: list[logging.Handler] = [file]
    if terminal:
        handlers.append(logging.StreamHandler())
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", handlers=handlers, force=True
    )
    # They tell of every request and every property; what goes wrong there reaches the log through trayd's own rooms.
    for name in ("httpx", "httpcore", "uvicorn", "watchdog", "asyncio", "PIL", "desktop_notifier"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # The API logs its own failures; what uvicorn adds at the end is how it cuts a slow client off.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)


def view_of(snapshot: Snapshot) -> TrayView:
    """What the tray shows of a snapshot."""
    settings = snapshot.settings
    return tray_view(
        snapshot.status,
        snapshot.recent,
        now=snapshot.at,
        zone=settings.zone(),
        locale=settings.number_locale(),
        thresholds=settings.alerts.balance_below,
        buttons=actions_of,
        clients=snapshot.clients,
    )


def starting_view() -> TrayView:
    """What the tray shows until the ledger is open: nothing that could be taken for a figure."""
    quit_entry = MenuItem(id="quit", label="Quit", action="quit")
    return TrayView(
        look=IconLook(level=None, state=IconState.STALE), title="trayd", tooltip="starting", menu=(quit_entry,)
    )


def _prepared() -> tuple[Paths, Settings]:
    paths = Paths.usual()
    settings = load(paths.settings)
    paths = paths.with_folders(settings.folders)
    log_to(paths)
    return paths, settings
