"""The desktop's own notifications, with buttons: desktop-notifier, on the running event loop."""

from __future__ import annotations

import asyncio
import html
import logging
import sys
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

_SERVICE = "org.freedesktop.Notifications"
_OBJECT = "/org/freedesktop/Notifications"

# The bus says these when nobody is there and nobody can be started.
_ABSENT = ("org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner")
_NOT_STARTED = "org.freedesktop.DBus.Error.Spawn."


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
    """

    def __init__(self, on_action: Callable[[str], None], icon: Path | None) -> None:
        self._on_action = on_action
        self._icon = icon
        self._backend: DesktopNotifierBackend | None = None

    async def send(self, notice: Notice) -> None:
        """Shows the notice.

        Raises:
            NobodyThereError: no service is there, or it hangs.
            ForbiddenError: the person does not want trayd's notifications.
            ChannelError: the service is there and did not take it.
        """
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

    def close(self) -> None:
        """Lets the connection go; buttons of notices that are still shown do nothing from now on."""
        bus = getattr(self._backend, "bus", None)
        self._backend = None
        if bus is not None and bus.connected:
            bus.disconnect()

    async def _send(self, notice: Notice) -> None:
        bus = getattr(self._backend, "bus", None)
        if bus is not None and not bus.connected:
            self.close()
        if self._backend is None:
            # The import takes a tenth of a second and more, which the loop has not.
            make = await asyncio.to_thread(_backend_class)
            self._backend = make(APP_NAME, self._app_icon())
        backend = self._backend
        if sys.platform == "linux":
            capabilities = await _linux_capabilities(backend)
        else:
            capabilities = frozenset({"actions"})
            if not await backend.request_authorisation():
                raise ForbiddenError("notifications are switched off for trayd", "allow them in the system's settings")
        if not await self._dispatched(backend, notice, capabilities):
            raise ChannelError("the notification service refused the notice")

    async def _dispatched(self, backend: DesktopNotifierBackend, notice: Notice, capabilities: frozenset[str]) -> bool:
        from desktop_notifier import Button, Notification, Urgency

        taken: list[bool] = []
        buttons = notice.actions if "actions" in capabilities else ()
        notification = Notification(
            title=notice.title,
            message=html.escape(notice.body, quote=False) if "body-markup" in capabilities else notice.body,
            urgency=Urgency(notice.urgency),
            buttons=tuple(
                Button(title=label, identifier=action, on_pressed=self._handler(action)) for label, action in buttons
            ),
            on_clicked=self._handler(buttons[0][1]) if buttons else None,
            # The backend only logs its failures; this is called when there was none.
            on_dispatched=lambda: taken.append(True),
        )
        await backend.send(notification)
        return bool(taken)

    def _handler(self, action: str) -> Callable[[], Any]:
        loop = asyncio.get_running_loop()
        # macOS presses buttons on its main thread.
        return lambda: loop.call_soon_threadsafe(self._on_action, action)

    def _app_icon(self) -> Any:
        from desktop_notifier import Icon

        return Icon(path=self._icon) if self._icon else None


def _backend_class() -> type[DesktopNotifierBackend]:
    from desktop_notifier.backends.dummy import DummyNotificationCenter
    from desktop_notifier.main import get_backend_class

    # Failures are told once, in our own words; the package would log each with a traceback.
    logging.getLogger("desktop_notifier").setLevel(logging.CRITICAL)
    found = get_backend_class()
    if issubclass(found, DummyNotificationCenter):
        raise ChannelError("desktop-notifier has nothing for this system")
    return found


async def _linux_capabilities(backend: DesktopNotifierBackend) -> frozenset[str]:
    """What the service says that it can do; the question also proves that it lives before anything is shown."""
    from dbus_fast import DBusError, Message, MessageType

    dbus: DBusDesktopNotifier = backend  # type: ignore[assignment]  # the one backend of this system
    # Connects at the first call and learns the interface.
    await dbus.get_capabilities()
    question = Message(destination=_SERVICE, path=_OBJECT, interface=_SERVICE, member="GetCapabilities")
    answer = await dbus.bus.call(question)
    if answer.message_type is MessageType.ERROR:
        raise DBusError(answer.error_name or "", str(answer.body))
    return frozenset(answer.body[0])


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
