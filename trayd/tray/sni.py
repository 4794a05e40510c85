"""A pystray backend for Linux in pure Python: StatusNotifierItem and dbusmenu over the session bus.

It needs neither GTK nor X: the panel (KDE, Xfce, LXQt, GNOME with its AppIndicator extension, Waybar, …) reads the
icon and its menu from the bus and draws both. The icon appears when a panel is there, reappears when the panel was
restarted, and ``run`` ends when the bus does.

"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
from collections.abc import Callable
from typing import Any

from dbus_fast import Message, MessageType, NameFlag, RequestNameReply
from dbus_fast.aio import MessageBus

from trayd.tray.bus import connect
from trayd.tray.dbusmenu import MenuService
from trayd.tray.pystray_menu import BaseIcon
from trayd.tray.sni_item import INTERFACE, ITEM_PATH, MENU_PATH, Face, Item

WATCHER = "org.kde.StatusNotifierWatcher"
WATCHER_PATH = "/StatusNotifierWatcher"
DBUS = "org.freedesktop.DBus"
DBUS_PATH = "/org/freedesktop/DBus"

#: The longest that the bus may take to answer before it counts as not there, in seconds.
BUS_TIMEOUT_S = 10.0

_log = logging.getLogger(__name__)
_count = itertools.count(1)


class Icon(BaseIcon):  # type: ignore[misc] # pystray has no types
    """pystray's icon on StatusNotifierItem.

    Beside what every pystray icon has, it has ``tooltip`` and ``attention``, and its ``icon`` is a tuple of pixmaps
    (width, height, ARGB pixels in network byte order) instead of one picture. ``run`` needs no second thread and no
    other backend's main loop; properties may be set from any thread, and every change made in one turn of the loop
    is told once.

    Attributes:
        bus_lost: after ``run``, whether it ended because the bus did.
    """

    HAS_NOTIFICATION = False

    def __init__(self, name: str, icon: Any = None, title: str | None = None, menu: Any = None) -> None:
        self._tooltip = ""
        self._attention = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._bus: MessageBus | None = None
        self._scheduled = False
        self._address = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self.bus_lost = False
        super().__init__(name, icon, title, menu)
        self._item = Item(name, self._face(), self)
        self._menu_service = MenuService(lambda item: item(self))

    @property
    def tooltip(self) -> str:
        """The text below the title in the tooltip."""
        return self._tooltip

    @tooltip.setter
    def tooltip(self, text: str) -> None:
        self._tooltip = text
        self._changed()

    @property
    def attention(self) -> bool:
        """Whether the icon asks to be noticed."""
        return self._attention

    @attention.setter
    def attention(self, wanted: bool) -> None:
        self._attention = wanted
        self._changed()

    def __call__(self) -> None:
        """Do what the default item of the menu does."""
        # The base class would also build the menu anew.
        if self._menu is not None:
            self._menu(self)

    def post(self, work: Callable[[], None]) -> None:
        """Have ``work`` called on the loop's thread; nothing happens when the loop does not run."""
        loop = self._loop
        if loop is not None:
            # The loop may have ended since.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(work)

    def stop(self) -> None:
        """End ``run``, from any thread or a signal handler. Without effect when it does not run."""
        self.post(self._stop)

    # What pystray asks of a backend

    def _start_setup(self, setup: Callable[[Any], None] | None) -> None:
        # The base class starts a thread here that hangs for good when the loop cannot start.
        self._setup = setup

    def _run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with asyncio.timeout(BUS_TIMEOUT_S):
                self._bus = await connect()
                await self._appear(self._bus)
            lost = asyncio.ensure_future(_disconnected(self._bus))
            ended = asyncio.ensure_future(self._end.wait())
            await asyncio.wait({lost, ended}, return_when=asyncio.FIRST_COMPLETED)
            self.bus_lost = lost.done()
            ended.cancel()
            self._bus.disconnect()
            await lost
        finally:
            self._running = self._visible = False
            self._loop = None
            if self._bus is not None and self._bus.connected:
                self._bus.disconnect()
            self._bus = None

    async def _appear(self, bus: MessageBus) -> None:
        self._running = True
        bus.export(ITEM_PATH, self._item)
        bus.export(MENU_PATH, self._menu_service)
        own = f"{INTERFACE}-{os.getpid()}-{next(_count)}"
        # In a sandbox another process can have the same number; the connection's own name always works.
        taken = await bus.request_name(own, NameFlag.DO_NOT_QUEUE)
        self._address = own if taken is RequestNameReply.PRIMARY_OWNER else str(bus.unique_name)
        bus.add_message_handler(self._on_message)
        rule = f"type='signal',sender='{DBUS}',interface='{DBUS}',member='NameOwnerChanged',arg0='{WATCHER}'"
        await bus.call(_dbus_call("AddMatch", rule))
        if self._setup is not None:
            self._setup(self)
        else:
            self.visible = True

    def _show(self) -> None:
        self._changed()
        self.post(self._panel_came)

    def _hide(self) -> None:
        self._changed()

    def _update_icon(self) -> None:
        self._icon_valid = True
        self._changed()

    def _update_title(self) -> None:
        self._changed()

    def _update_menu(self) -> None:
        self._changed()

    def _stop(self) -> None:
        if self._end is not None:
            self._end.set()

    # The bus

    def _on_message(self, message: Message) -> None:
        if (
            message.message_type is MessageType.SIGNAL
            and message.member == "NameOwnerChanged"
            and message.sender == DBUS
            and message.body[0] == WATCHER
            and message.body[2]
        ):
            self._panel_came()

    def _panel_came(self) -> None:
        task = asyncio.ensure_future(self._register())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _register(self) -> None:
        """Tell the panel of the icon. Where there is none yet, its arrival brings us here again."""
        bus = self._bus
        if bus is None or not self._visible:
            return
        try:
            reply = await bus.call(
                Message(
                    destination=WATCHER,
                    path=WATCHER_PATH,
                    interface=WATCHER,
                    member="RegisterStatusNotifierItem",
                    signature="s",
                    body=[self._address],
                )
            )
        except (EOFError, OSError) as error:
            # The end of the bus ends run(); there is nothing to tell it here.
            _log.debug("the bus ended while the tray icon was registered: %r", error)
            return
        if reply is not None and reply.message_type is MessageType.ERROR:
            _log.info("no panel takes the tray icon yet: %s", reply.error_name)

    def _changed(self) -> None:
        if self._running:
            self.post(self._schedule)

    def _schedule(self) -> None:
        # Several properties are set one after the other; the panel hears of them together.
        if not self._scheduled and self._loop is not None:
            self._scheduled = True
            self._loop.call_soon(self._tell)

    def _tell(self) -> None:
        self._scheduled = False
        bus = self._bus
        self._flush(tell=bus is not None and bus.connected)

    def _flush(self, *, tell: bool) -> None:
        self._item.show(self._face(), tell=tell)
        self._menu_service.show(self._menu, tell=tell)

    def _face(self) -> Face:
        return Face(
            title=self._title,
            tooltip=self._tooltip,
            pixmaps=tuple(self._icon or ()),
            visible=self._visible,
            attention=self._attention,
            opens_menu=not any(item.default for item in self._menu or ()),
        )


async def has_watcher(wait_s: float = 0.0) -> bool:
    """Whether a panel that takes icons is on the session bus, or comes to it within ``wait_s`` seconds.

    Raises:
        OSError: there is no session bus.
    """
    async with asyncio.timeout(BUS_TIMEOUT_S):
        bus = await connect()
    try:
        deadline = asyncio.get_running_loop().time() + wait_s
        while True:
            reply = await bus.call(_dbus_call("NameHasOwner", WATCHER))
            if reply is not None and reply.message_type is MessageType.METHOD_RETURN and reply.body[0]:
                return True
            if asyncio.get_running_loop().time() >= deadline:
                return False
            await asyncio.sleep(0.1)
    finally:
        bus.disconnect()
        await _disconnected(bus)


async def _disconnected(bus: MessageBus) -> None:
    """Return when the connection has ended, for whatever reason."""
    # How it ended is of no use: after a loss and after our own leaving, the same is left to do.
    with contextlib.suppress(EOFError, OSError):
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call] # dbus-fast types all but this


def _dbus_call(member: str, argument: str) -> Message:
    return Message(destination=DBUS, path=DBUS_PATH, interface=DBUS, member=member, signature="s", body=[argument])
