"""Delivery of notices: by the desktop's own notifications, else by plyer, else in the log; each within a time limit."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from trayd.alerts.desktop import SNOOZE, ChannelError, DesktopChannel, ForbiddenError, NobodyThereError
from trayd.alerts.fallback import OsascriptChannel, PlyerChannel
from trayd.alerts.notice import Notice, body_within, clean
from trayd.episodes import Urgency
from trayd.texts import clip

# UTF-16 units. Windows' own limits, beyond which it refuses; elsewhere what still fits a bubble.
_LIMITS = {"win32": (63, 255)}
_USUAL_LIMITS = (120, 1000)

# Windows takes no more; macOS and GNOME show no more.
_MOST_BUTTONS = {"win32": 5, "darwin": 4}
_USUAL_BUTTONS = 3

_log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What became of a notice."""

    DESKTOP = "desktop"
    PLYER = "plyer"
    OSASCRIPT = "osascript"
    LOG = "log"  #: the log has to do: there is no desktop here, or the person does not want notifications
    LATER = "later"  #: nothing took it now; a service may come


class DesktopState(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with notifications on the desktop.

    Attributes:
        off: why none are to go there, which is no trouble; empty: they are.
        trouble: what was wrong there at the last notice; empty when nothing was, or when there was none yet.
        instead: the other way by which that notice was shown all the same; None: it was not.
    """

    off: str = ""
    trouble: str = ""
    instead: Outcome | None = None


class Deliverer:
    """Shows notices one at a time, by the first way that takes them. Never raises for a desktop that fails.

    Attributes:
        desktop: whether the person wants notifications on the desktop at all, as the settings say now.

    Args:
        on_action: called on the event loop when a button is pressed, with the button's action. "Snooze", which all
            warnings have but those of low urgency, is the action ``snooze:<episode id>``, once for each episode that
            is not over.
        icon: a picture file to show beside the text.
    """

    def __init__(self, on_action: Callable[[str], None], *, icon: Path | None = None, desktop: bool = True) -> None:
        self.desktop = desktop
        self._trouble = ""
        self._instead: Outcome | None = None
        self._on_action = on_action
        self._notifier = DesktopChannel(self._pressed, icon)
        self._plyer = PlyerChannel(icon)
        self._osascript = OsascriptChannel()
        self._withdrawals: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> DesktopState:
        """How it stands with the desktop now."""
        if not self.desktop:
            return DesktopState(off="alerts.desktop is false in the settings")
        if not has_desktop():
            return DesktopState(off="there is no desktop here")
        return DesktopState(trouble=self._trouble, instead=self._instead)

    async def show(self, notice: Notice) -> Outcome:
        """Shows the notice within some seconds, or says that it could not."""
        if self.state.off:
            return Outcome.LOG
        notice = fitted(notice, sys.platform)
        trouble = []
        for outcome, channel in self._channels():
            try:
                await channel.send(notice)
            except ForbiddenError as error:
                self._report(str(error))
                return Outcome.LOG
            except ChannelError as error:
                trouble.append(str(error))
                # On Linux every way ends at the same service.
                if isinstance(error, NobodyThereError) and sys.platform == "linux":
                    break
            else:
                self._report("; ".join(trouble), outcome if trouble else None)
                return outcome
        self._report("; ".join(trouble))
        return Outcome.LATER

    def withdraw(self, episodes: Iterable[str]) -> None:
        """Takes off the desktop what tells of nothing but these episodes, by their ids. Returns at once."""
        if over := frozenset(episodes):
            task = asyncio.get_running_loop().create_task(self._notifier.withdraw(over))
            self._withdrawals.add(task)
            task.add_done_callback(self._withdrawals.discard)

    def close(self) -> None:
        """Lets the connection to the desktop go."""
        for task in self._withdrawals:
            task.cancel()
        self._notifier.close()

    def _pressed(self, notice: Notice, action: str) -> None:
        if action == SNOOZE[1]:
            for episode in (each for each in notice.episodes if each not in notice.over):
                self._on_action(f"{action}:{episode}")
        else:
            self._on_action(action)

    def _channels(self) -> Iterator[tuple[Outcome, DesktopChannel | PlyerChannel | OsascriptChannel]]:
        yield Outcome.DESKTOP, self._notifier
        if self._plyer.exists():
            yield Outcome.PLYER, self._plyer
        if sys.platform == "darwin":
            yield Outcome.OSASCRIPT, self._osascript

    def _report(self, trouble: str, instead: Outcome | None = None) -> None:
        """Logs what is wrong with the desktop once, until it is something else, and when it works again."""
        if trouble and trouble != self._trouble:
            _log.warning("notifications on the desktop: %s", trouble)
        if self._trouble and not trouble:
            _log.info("notifications on the desktop work again")
        self._trouble, self._instead = trouble, instead


def fitted(notice: Notice, platform: str) -> Notice:
    """The notice as that platform can show it: in texts that it takes, with as many buttons as it has room for."""
    title, body = _LIMITS.get(platform, _USUAL_LIMITS)
    most = _MOST_BUTTONS.get(platform, _USUAL_BUTTONS)
    actions = notice.actions[:most]
    if notice.episodes and notice.urgency != Urgency.LOW:
        actions = (*actions[: most - 1], SNOOZE)
    return msgspec.structs.replace(
        notice, title=clip(clean(notice.title), title), body=body_within(notice, body), actions=actions
    )


def has_desktop() -> bool:
    """Whether there can be a desktop: on Linux a session bus, or a display that names one."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY"))
