"""Where the desktop's own notifications cannot be had: plyer, and osascript on macOS. Without buttons."""

from __future__ import annotations

import asyncio
import html
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

from trayd.alerts.desktop import PATIENCE_S, ChannelError
from trayd.alerts.notice import Notice
from trayd.blocking import on_daemon_thread
from trayd.resources import asset
from trayd.settings import APP_NAME

# The texts are arguments, never part of the script.
_SCRIPT = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"


class PlyerChannel:
    """Hands notices to plyer, which blocks for as long as the service does.

    So it works on a thread of its own, one at a time, that nobody waits for: not the loop beyond its patience, and not
    the end of the process.

    Args:
        icon: a picture file to show beside the text.
    """

    def __init__(self, icon: Path | None = None) -> None:
        self._busy = False
        self._icon = icon

    @staticmethod
    def exists() -> bool:
        """Whether plyer has something for this system; on macOS it needs a package that it does not bring."""
        return sys.platform != "darwin" or find_spec("pyobjus") is not None

    async def send(self, notice: Notice) -> None:
        """Shows the notice. Some of plyer's ways report no failure, so that no error does not prove that it was seen.

        Raises:
            ChannelError: plyer failed, or hangs.
        """
        if self._busy:
            raise ChannelError("plyer still hangs in an earlier notice")
        self._busy = True

        def work() -> None:
            try:
                _notify(notice, self._icon)
            finally:
                self._busy = False

        try:
            async with asyncio.timeout(PATIENCE_S):
                # plyer's own threads, if it starts any, are daemons because this one is.
                await on_daemon_thread(work, "plyer")
        except TimeoutError:
            raise ChannelError(f"plyer hangs for more than {PATIENCE_S:g} s") from None
        # plyer lets through whatever its platform raises.
        except Exception as error:
            raise ChannelError(f"plyer: {error or type(error).__name__}") from error


def _notify(notice: Notice, icon: Path | None) -> None:
    # plyer says by a warning that it goes by notify-send, which is all right.
    warnings.filterwarnings("ignore", message="(The Python dbus package|notify-send) ")
    from plyer import notification

    title, body = notice.title, notice.body
    if sys.platform == "linux":
        title, body = for_plyer_on_linux(title, body, by_notify_send=find_spec("dbus") is None)
    if sys.platform == "win32":
        # It takes icons in this form only.
        icon = asset("icons/trayd.ico")
    notification.notify(title=title, message=body, app_name=APP_NAME, app_icon=str(icon or ""))


def for_plyer_on_linux(title: str, body: str, *, by_notify_send: bool) -> tuple[str, str]:
    """Title and body so that none of plyer's ways on Linux reads something else in them.

    notify-send takes a leading ``-`` for an option and undoes backslash escapes in the body; the portal's way puts
    the texts between single quotes; bodies are markup for nearly every service.
    """
    title, body = title.replace("'", "’"), html.escape(body.replace("'", "’"), quote=False)
    if by_notify_send:
        body = body.replace("\\", "\\\\")
        title, body = map(_no_option, (title, body))
    return title, body


def _no_option(text: str) -> str:
    """The text as an argument that no program takes for an option."""
    return f" {text}" if text.startswith("-") else text


class OsascriptChannel:
    """Hands notices to macOS's own script runner, which is always there."""

    async def send(self, notice: Notice) -> None:
        """Shows the notice.

        Raises:
            ChannelError: it failed, or hangs.
        """
        title, body = map(_no_option, (notice.title, notice.body))
        command = ("/usr/bin/osascript", "-e", _SCRIPT, title, body)
        try:
            process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
        except OSError as error:
            raise ChannelError(f"osascript cannot be started ({error})") from error
        try:
            async with asyncio.timeout(PATIENCE_S):
                code = await process.wait()
        except TimeoutError:
            process.kill()
            raise ChannelError(f"osascript hangs for more than {PATIENCE_S:g} s") from None
        if code:
            raise ChannelError(f"osascript ended with {code}")
