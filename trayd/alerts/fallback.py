"""Where the desktop's own notifications cannot be had: plyer, and osascript on macOS. Without buttons."""

from __future__ import annotations

import asyncio
import contextlib
import html
import sys
import threading
import warnings
from importlib.util import find_spec

from trayd.alerts.desktop import PATIENCE_S, ChannelError
from trayd.alerts.notice import Notice
from trayd.settings import APP_NAME

# The texts are arguments, never part of the script.
_SCRIPT = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"


class PlyerChannel:
    """Hands notices to plyer, which blocks for as long as the service does.

    So it works on a thread of its own, one at a time, that nobody waits for: not the loop beyond its patience, and not
    the end of the process.
    """

    def __init__(self) -> None:
        self._worker: threading.Thread | None = None

    @staticmethod
    def exists() -> bool:
        """Whether plyer has something for this system; on macOS it needs a package that it does not bring."""
        return sys.platform != "darwin" or find_spec("pyobjus") is not None

    async def send(self, notice: Notice) -> None:
        """Shows the notice. Some of plyer's ways report no failure, so that no error does not prove that it was seen.

        Raises:
            ChannelError: plyer failed, or hangs.
        """
        if self._worker is not None and self._worker.is_alive():
            raise ChannelError("plyer still hangs in an earlier notice")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        # plyer's own threads, if it starts any, are daemons because this one is.
        self._worker = threading.Thread(target=_work, args=(notice, loop, done), name="plyer", daemon=True)
        self._worker.start()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await done
        except TimeoutError:
            raise ChannelError(f"plyer hangs for more than {PATIENCE_S:g} s") from None


def _work(notice: Notice, loop: asyncio.AbstractEventLoop, done: asyncio.Future[None]) -> None:
    problem: ChannelError | None = None
    try:
        _notify(notice)
    # plyer lets through whatever its platform raises, and the thread has nobody else to tell.
    except Exception as error:  # noqa: BLE001
        problem = ChannelError(f"plyer: {error or type(error).__name__}")
        problem.__cause__ = error
    # The loop may have ended meanwhile.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_settle, done, problem)


def _settle(done: asyncio.Future[None], problem: ChannelError | None) -> None:
    if done.done():
        return
    if problem is None:
        done.set_result(None)
    else:
        done.set_exception(problem)


def _notify(notice: Notice) -> None:
    # plyer says by a warning that it goes by notify-send, which is all right.
    warnings.filterwarnings("ignore", message="(The Python dbus package|notify-send) ")
    from plyer import notification

    title, body = notice.title, notice.body
    if sys.platform == "linux":
        title, body = for_plyer_on_linux(title, body, by_notify_send=find_spec("dbus") is None)
    notification.notify(title=title, message=body, app_name=APP_NAME)


def for_plyer_on_linux(title: str, body: str, *, by_notify_send: bool) -> tuple[str, str]:
    """Title and body so that none of plyer's ways on Linux reads something else in them.

    notify-send takes a leading ``-`` for an option and undoes backslash escapes in the body; the portal's way puts
    the texts between single quotes; bodies are markup for nearly every service.
    """
    title, body = title.replace("'", "’"), html.escape(body.replace("'", "’"), quote=False)
    if by_notify_send:
        body = body.replace("\\", "\\\\")
        title, body = (f" {text}" if text.startswith("-") else text for text in (title, body))
    return title, body


class OsascriptChannel:
    """Hands notices to macOS's own script runner, which is always there."""

    async def send(self, notice: Notice) -> None:
        """Shows the notice.

        Raises:
            ChannelError: it failed, or hangs.
        """
        command = ("/usr/bin/osascript", "-e", _SCRIPT, notice.title, notice.body)
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
