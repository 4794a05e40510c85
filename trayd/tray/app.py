"""The tray as the daemon uses it: one backend chosen once, one place that holds what is shown.

``Tray.run`` takes the main thread, because macOS insists on it. ``update`` and ``stop`` may be called from any
thread, ``stop`` also from a signal handler: the daemon installs its handlers for SIGINT and SIGTERM before ``run``
and lets them call ``stop``, on every backend.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import sys
import threading
from collections.abc import Callable
from enum import StrEnum
from queue import SimpleQueue
from typing import Any

import msgspec

from trayd.errors import TraydError
from trayd.texts import clip
from trayd.tray import icon as drawing
from trayd.tray.model import IconState, TrayView

NAME = "trayd"

#: Changes within this time are shown together; panels have crashed on menus that change every few milliseconds.
DEBOUNCE_S = 0.05

#: How long a panel may take to appear before GTK is tried instead, where GTK can be.
PANEL_WAIT_S = 3.0

#: What the shell of Windows takes for a tooltip, in UTF-16 units.
WINDOWS_TOOLTIP = 127

_PICTURE_SIZE = 64
_log = logging.getLogger(__name__)


class Backend(StrEnum):
    """How the icon reaches the panel."""

    SNI = "StatusNotifierItem"
    GTK = "GTK"
    WIN32 = "Windows"
    DARWIN = "macOS"


class Choice(msgspec.Struct, frozen=True):
    """The backend for this desktop.

    Attributes:
        note: what a person should know of it; empty when there is nothing.
    """

    backend: Backend
    note: str = ""


class Ended(StrEnum):
    """Why ``run`` returned."""

    STOPPED = "stopped"
    BUS_LOST = "bus lost"  #: the session bus ended; the daemon can go on without a tray


class NoTrayError(TraydError):
    """There is no desktop to show an icon on. The daemon goes on without one and says so once."""


def choose_backend() -> Choice:
    """Find out how an icon is shown here. On Linux it asks the session bus, and may wait for a panel.

    Raises:
        NoTrayError: there is no way.
    """
    if sys.platform == "win32":
        return Choice(Backend.WIN32)
    if sys.platform == "darwin":
        return Choice(Backend.DARWIN)
    return _choose_on_linux()


def _choose_on_linux() -> Choice:
    from dbus_fast import DBusFastError

    from trayd.tray.sni import has_watcher

    display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    has_gtk = display and importlib.util.find_spec("gi") is not None
    try:
        if asyncio.run(has_watcher(PANEL_WAIT_S if has_gtk else 0.0)):
            return Choice(Backend.SNI)
    except (OSError, EOFError, DBusFastError) as error:
        raise NoTrayError(
            f"no tray icon: there is no session bus here ({error})", "start trayd from a desktop session to see one"
        ) from error
    if not display:
        raise NoTrayError(
            "no tray icon: neither DISPLAY nor WAYLAND_DISPLAY is set and no panel is on the session bus",
            "start trayd from a desktop session to see one",
        )
    if has_gtk:
        from trayd.tray.native import gtk_icon

        try:
            gtk_icon()
            return Choice(Backend.GTK)
        except ImportError as error:
            _log.debug("GTK cannot show the icon: %s", error)
    return Choice(
        Backend.SNI,
        "no panel here takes tray icons yet, the icon appears when one does; "
        "on GNOME install the AppIndicator extension",
    )


class Tray:
    """The icon in the panel.

    ``on_action`` gets the action of what the person chose, on a thread of its own, one at a time: it may take its
    time without freezing the menu.
    """

    def __init__(self, view: TrayView, on_action: Callable[[str], None], choice: Choice | None = None) -> None:
        self.choice = choice or choose_backend()
        self._on_action = on_action
        self._actions: SimpleQueue[str | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._wanted = view
        self._shown = view
        self._timer: threading.Timer | None = None
        self._icon: Any = None
        # Plain values: a signal handler sets and reads them, where a lock could be held by what it interrupted.
        self._ready = False
        self._stopping = False

    def run(self) -> Ended:
        """Show the icon until ``stop`` is called or the bus is lost. To be called once, on the main thread.

        Raises:
            NoTrayError: the session bus went away before the icon could be shown.
        """
        if self._stopping:
            return Ended.STOPPED
        worker = threading.Thread(target=self._work, name="tray-actions", daemon=True)
        worker.start()
        try:
            return self._show()
        finally:
            with self._lock:
                self._ready = False
                if self._timer is not None:
                    self._timer.cancel()
            self._actions.put(None)
            worker.join(5.0)

    def update(self, view: TrayView) -> None:
        """Show this instead, soon. Thread-safe; the last of several views in a short time wins."""
        with self._lock:
            self._wanted = view
            if self._ready and self._timer is None and view != self._shown:
                self._timer = threading.Timer(DEBOUNCE_S, self._due)
                self._timer.daemon = True
                self._timer.start()

    def stop(self) -> None:
        """End ``run``, from any thread or a signal handler; before ``run`` it keeps it from starting."""
        self._stopping = True
        if self._ready:
            self._icon.stop()

    def _show(self) -> Ended:
        if self.choice.backend is Backend.SNI:
            return self._show_sni()
        icon = self._icon = _native_class(self.choice.backend)(NAME)
        self._dress(icon, self._shown)
        icon.keep_signals()
        icon.run(self._running)
        return Ended.STOPPED

    def _show_sni(self) -> Ended:
        from dbus_fast import DBusFastError

        from trayd.tray import sni

        icon = self._icon = sni.Icon(NAME)
        self._dress(icon, self._shown)
        try:
            icon.run(self._running)
        except (OSError, EOFError, DBusFastError) as error:
            raise NoTrayError(
                f"no tray icon: the session bus does not answer ({error})",
                "start trayd again from a desktop session to see one",
            ) from error
        return Ended.BUS_LOST if icon.bus_lost else Ended.STOPPED

    def _running(self, icon: Any) -> None:
        icon.visible = True
        self._ready = True
        # What came before the loop was ready to be told.
        icon.post(self._apply)
        if self._stopping:
            icon.stop()

    def _due(self) -> None:
        with self._lock:
            self._timer = None
            if not self._ready:
                return
        self._icon.post(self._apply)

    def _apply(self) -> None:
        with self._lock:
            view, shown = self._wanted, self._shown
            self._shown = view
        if view != shown:
            self._dress(self._icon, view, shown)

    def _dress(self, icon: Any, view: TrayView, shown: TrayView | None = None) -> None:
        from trayd.tray.pystray_menu import pystray_menu

        sni = self.choice.backend is Backend.SNI
        if shown is None or view.look != shown.look:
            if sni:
                icon.icon = tuple((size, size, drawing.argb(view.look, size)) for size in drawing.SIZES)
                icon.attention = view.look.state is IconState.CRITICAL
            else:
                icon.icon = drawing.draw(view.look, _PICTURE_SIZE)
        if sni:
            icon.title, icon.tooltip = view.title, view.tooltip
        else:
            # One text is both name and tooltip there.
            icon.title = clip(f"{view.title}\n{view.tooltip}".strip(), WINDOWS_TOOLTIP)
        if shown is None or view.menu != shown.menu:
            icon.menu = pystray_menu(view.menu, self._actions.put)

    def _work(self) -> None:
        while (action := self._actions.get()) is not None:
            try:
                self._on_action(action)
            except Exception:  # noqa: BLE001 - a broken action must not take the menu with it
                _log.exception("the menu's %r failed", action)


def _native_class(backend: Backend) -> Any:
    from trayd.tray import native

    return {Backend.GTK: native.gtk_icon, Backend.WIN32: native.win32_icon, Backend.DARWIN: native.darwin_icon}[
        backend
    ]()
