"""pystray's own backends: Windows, macOS, and GTK where a Linux desktop has no StatusNotifierItem host.

pystray changes icon and menu on whatever thread asks for it, which is a race on Windows, where a menu may be open, and
forbidden on macOS. Each class here is pystray's with one method more: ``post`` has work done on the thread of the
icon's own loop, after an open menu was closed.
"""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from trayd.tray import pystray_menu

Work = Callable[[], None]

#: The signals that end a program; pystray takes some of them away from whoever set a handler.
_ENDING = (signal.SIGINT, signal.SIGTERM)


def gtk_icon() -> type[Any]:
    """AppIndicator's icon, else GTK's.

    Raises:
        ImportError: PyGObject or GTK is not there, or there is no display.
    """
    # GTK would load a whole OpenGL stack to draw a menu.
    os.environ.setdefault("GDK_GL", "disable")
    try:
        module = _backend("_appindicator")
    except (ImportError, ValueError):
        try:
            module = _backend("_gtk")
        except ValueError as error:
            raise ImportError(str(error)) from error
    glib: Any = importlib.import_module("gi.repository.GLib")

    class GtkIcon(module.Icon):  # type: ignore[misc, name-defined] # pystray has no types
        def post(self, work: Work) -> None:
            def once() -> bool:
                work()
                return False

            glib.idle_add(once)

        def keep_signals(self) -> None:
            wanted = signal.getsignal(signal.SIGINT)
            # pystray resets SIGINT when its loop starts, so this comes after it, on the main thread.
            self.post(lambda: _set(signal.SIGINT, wanted))

        def _finalize(self) -> None:
            # pystray waits here for a notification service to hide what was never shown; without one it raises.
            self._notifier = _Silent()
            super()._finalize()

    return GtkIcon


def win32_icon() -> type[Any]:
    """The icon on Windows."""
    module = _backend("_win32")
    win32: Any = importlib.import_module("pystray._util.win32")
    wm_work = win32.WM_USER + 12

    class Win32Icon(module.Icon):  # type: ignore[misc, name-defined] # pystray has no types
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self._work: SimpleQueue[Work] = SimpleQueue()
            self._menu_is_open = False
            self._message_handlers[wm_work] = self._on_work

        def post(self, work: Work) -> None:
            self._work.put(work)
            win32.PostMessage(self._hwnd, wm_work, 0, 0)

        def keep_signals(self) -> None:
            """Windows has no signals that pystray takes away."""

        def _on_work(self, _wparam: int, _lparam: int) -> None:
            while not self._menu_is_open and not self._work.empty():
                self._work.get()()

        def _on_notify(self, wparam: int, lparam: int) -> None:
            # Returns when the menu was closed; to replace it before would pull it from under the pointer.
            self._menu_is_open = True
            try:
                super()._on_notify(wparam, lparam)
            finally:
                self._menu_is_open = False
                self._on_work(0, 0)

    return Win32Icon


def darwin_icon() -> type[Any]:
    """The icon on macOS."""
    module = _backend("_darwin")
    app_helper: Any = importlib.import_module("PyObjCTools.AppHelper")
    mach_signals: Any = importlib.import_module("PyObjCTools.MachSignals")

    class DarwinIcon(module.Icon):  # type: ignore[misc, name-defined] # pystray has no types
        def post(self, work: Work) -> None:
            app_helper.callAfter(work)

        def stop(self) -> None:
            """End the loop, from any thread."""
            self.post(super().stop)

        def keep_signals(self) -> None:
            wanted = [(number, signal.getsignal(number)) for number in _ENDING]

            def install() -> None:
                # Python's own handlers wait for the loop to return; these are called from within it.
                for number, handler in wanted:
                    if callable(handler):
                        mach_signals.signal(number, handler)

            # pystray's handler for SIGINT ends the process at once, so this comes after it.
            self.post(install)

    return DarwinIcon


class _Silent:
    """Stands in for pystray's notifier, which trayd does not use."""

    def hide(self) -> None:
        """Nothing was shown."""


def _backend(name: str) -> Any:
    return importlib.import_module(f"{pystray_menu.pystray.__name__}.{name}")


def _set(number: signal.Signals, handler: Any) -> None:
    if handler is not None:
        signal.signal(number, handler)
