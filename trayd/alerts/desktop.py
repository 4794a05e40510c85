"""The desktop's own notifications, with buttons: desktop-notifier, on the running event loop."""

from __future__ import annotations

import asyncio
import html
import logging
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trayd.alerts.notice import Notice
from trayd.errors import TraydError
from trayd.settings import APP_NAME

if TYPE_CHECKING:
    from desktop_notifier.backends.base import DesktopNotifierBackend
    from desktop_notifier.backends.dbus import DBusDesktopNotifier

#: A notification service that has not answered for this long is taken to hang.
PATIENCE_S = 5.0

#: The button that puts a warning off.
SNOOZE = ("Snooze 1 h", "snooze")

_NAMES = uuid.UUID("6f0c9a53-8a3f-4a56-9d0e-3f1f6c1d7a52")

_SERVICE = "org.freedesktop.Notifications"
_OBJECT = "/org/freedesktop/Notifications"

# The bus says these when nobody is there and nobody can be started.
_ABSENT = ("org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner")
_NOT_STARTED = "org.freedesktop.DBus.Error.Spawn."

# By a name: mypy takes what comes after a look at sys.platform itself for unreachable.
_ON_LINUX: bool = sys.platform == "linux"

_log = logging.getLogger(__name__)


class ChannelError(TraydError):
    """A way to the person did not take the notice; another one may."""


class NobodyThereError(ChannelError):
    """There is no notification service now, or it hangs: other ways to the same service are no use."""


class ForbiddenError(ChannelError):
    """The person has switched trayd's notifications off in the system's settings."""


class DesktopChannel:
    """Hands notices to the desktop's notification service.

    It connects when there is something to show, and anew after each failure, so that a service that comes late, goes
    or hangs is found again when it is back.

    A notice takes away what is still shown of its episodes. Replacing it in its place would be quieter than an
    escalation should be: some services change the text of a bubble, or of its line in a drawer, and nobody looks.

    Args:
        on_action: called on the event loop when a button is pressed, with the notice and the button's action.
        icon: a picture file to show beside the text.
    """

    def __init__(self, on_action: Callable[[Notice, str], None], icon: Path | None) -> None:
        self._on_action = on_action
        self._icon = icon
        self._backend: DesktopNotifierBackend | None = None
        self._turn = asyncio.Lock()
        # What may still be shown: the episodes of each notification that no newer one tells of.
        self._shown: dict[str, frozenset[str]] = {}
        # Who the notification service is on the bus: one that was restarted numbers its notifications anew.
        self._service = ""

    async def send(self, notice: Notice) -> None:
        """Shows the notice.

        Raises:
            NobodyThereError: no service is there, or it hangs.
            ForbiddenError: the person does not want trayd's notifications.
            ChannelError: the service is there and did not take it.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._send(notice)
            except TimeoutError:
                self.close()
                raise NobodyThereError(f"the notification service did not answer for {PATIENCE_S:g} s") from None
            except TraydError:
                self.close()
                raise
            # Each system's backend lets its own errors through: D-Bus, WinRT, Objective-C.
            except Exception as error:
                connected = getattr(self._backend, "bus", None) is not None
                self.close()
                raise _translated(error, connected=connected) from error

    async def withdraw(self, episodes: frozenset[str]) -> None:
        """Takes off the desktop what tells of nothing but these episodes. What cannot be taken off stays."""
        async with self._turn:
            if self._backend is None or not any(told & episodes for told in self._shown.values()):
                return
            try:
                async with asyncio.timeout(PATIENCE_S):
                    backend, _ = await self._ready()
                    await self._take_away(backend, episodes)
            # As above; the next notice will tell what is wrong with the service.
            except Exception as error:  # noqa: BLE001  # each system raises its own
                _log.debug("a notification could not be taken away: %s", error)
                self.close()

    def close(self) -> None:
        """Lets the connection go; buttons of notices that are still shown do nothing from now on."""
        bus = getattr(self._backend, "bus", None)
        self._backend = None
        self._shown.clear()
        if bus is not None and bus.connected:
            bus.disconnect()

    async def _send(self, notice: Notice) -> None:
        backend, capabilities = await self._ready()
        identifier = _identifier(notice.episodes)
        # Elsewhere than on Linux the same name puts the new one in the place of the old one by itself.
        await self._take_away(backend, frozenset(notice.episodes), but="" if sys.platform == "linux" else identifier)
        if not await self._dispatched(backend, notice, identifier, capabilities):
            raise ChannelError("the notification service refused the notice")
        if notice.episodes:
            self._shown[identifier] = frozenset(notice.episodes)

    async def _ready(self) -> tuple[DesktopNotifierBackend, frozenset[str]]:
        """The connection to a service that lives, and what that can do."""
        bus = getattr(self._backend, "bus", None)
        if bus is not None and not bus.connected:
            self.close()
        backend = self._backend or await self._connected()
        if _ON_LINUX:
            capabilities, service = await _linux_capabilities(backend)
            if service != self._service and self._shown:
                # The numbers by which the old one knew its notifications are those of others now.
                self.close()
                backend = await self._connected()
                capabilities, service = await _linux_capabilities(backend)
            self._service = service
            return backend, capabilities
        if not await backend.request_authorisation():
            raise ForbiddenError("notifications are switched off for trayd", "allow them in the system's settings")
        return backend, frozenset({"actions", "body"})

    async def _connected(self) -> DesktopNotifierBackend:
        # The import takes a tenth of a second and more, which the loop has not.
        make = await asyncio.to_thread(_backend_class)
        self._backend = make(APP_NAME, self._app_icon())
        return self._backend

    async def _take_away(self, backend: DesktopNotifierBackend, episodes: frozenset[str], but: str = "") -> None:
        """Takes the episodes out of what is shown, and off the desktop what tells of nothing else."""
        # What the person has closed is no business any more.
        there = set(await backend.get_current_notifications()) if self._shown else set()
        self._shown = {name: told - episodes for name, told in self._shown.items() if name in there}
        for name in [name for name, told in self._shown.items() if not told]:
            del self._shown[name]
            if name != but:
                await backend.clear(name)

    async def _dispatched(
        self, backend: DesktopNotifierBackend, notice: Notice, identifier: str, capabilities: frozenset[str]
    ) -> bool:
        from desktop_notifier import Button, Notification, Urgency

        taken: list[bool] = []
        actions = notice.actions if "actions" in capabilities else ()
        title, body = notice.title, notice.body
        if "body" not in capabilities:
            title, body = f"{title}: {body}".replace("\n", " "), ""
        notification = Notification(
            title=title,
            message=html.escape(body, quote=False) if "body-markup" in capabilities else body,
            urgency=Urgency(notice.urgency),
            # macOS keeps the names of buttons by what is on them, so one that named an episode would name it for ever.
            buttons=tuple(
                Button(title=label, identifier=f"button-{place}", on_pressed=self._handler(notice, action))
                for place, (label, action) in enumerate(actions)
            ),
            # A click beside the buttons does not put anything off.
            on_clicked=self._handler(notice, actions[0][1]) if actions and actions[0] != SNOOZE else None,
            # The backend only logs its failures; this is called when there was none.
            on_dispatched=lambda: taken.append(True),
            identifier=identifier,
        )
        await backend.send(notification)
        return bool(taken)

    def _handler(self, notice: Notice, action: str) -> Callable[[], Any]:
        loop = asyncio.get_running_loop()
        # macOS presses buttons on its main thread.
        return lambda: loop.call_soon_threadsafe(self._on_action, notice, action)

    def _app_icon(self) -> Any:
        from desktop_notifier import Icon

        return Icon(path=self._icon) if self._icon else None


def _identifier(episodes: tuple[str, ...]) -> str:
    """What a notice is called on the desktop: the same for the same episodes, so that the new one replaces the old."""
    return str(uuid.uuid5(_NAMES, "\0".join(sorted(episodes))) if episodes else uuid.uuid4())


def _backend_class() -> type[DesktopNotifierBackend]:
    from desktop_notifier.backends.dummy import DummyNotificationCenter
    from desktop_notifier.main import get_backend_class

    # Failures are told once, in our own words; the package would log each with a traceback.
    logging.getLogger("desktop_notifier").setLevel(logging.CRITICAL)
    found = get_backend_class()
    if issubclass(found, DummyNotificationCenter):
        raise ChannelError("desktop-notifier has nothing for this system")
    return found


async def _linux_capabilities(backend: DesktopNotifierBackend) -> tuple[frozenset[str], str]:
    """What the service says that it can do, and who it is on the bus; it also proves that it lives."""
    from dbus_fast import DBusError, Message, MessageType

    dbus: DBusDesktopNotifier = backend  # type: ignore[assignment]  # the one backend of this system
    # Connects at the first call and learns the interface.
    await dbus.get_capabilities()
    question = Message(destination=_SERVICE, path=_OBJECT, interface=_SERVICE, member="GetCapabilities")
    answer = await dbus.bus.call(question)
    if answer.message_type is MessageType.ERROR:
        raise DBusError(answer.error_name or "", str(answer.body))
    return frozenset(answer.body[0]), str(answer.sender)


def _translated(error: Exception, *, connected: bool) -> ChannelError:
    what = f"{type(error).__name__}: {error}"
    if sys.platform != "linux":
        return ChannelError(f"desktop-notifier failed ({what})")
    if not connected:
        return NobodyThereError(f"there is no session bus to reach ({what})")
    name = getattr(error, "type", "")
    if name in _ABSENT or name.startswith(_NOT_STARTED):
        return NobodyThereError("there is no notification service on the session bus")
    return ChannelError(f"the notification service failed ({what})")
