"""Work that may block without end, such as a keyring that waits for a person to unlock it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def on_daemon_thread(work: Callable[[], T], name: str) -> T:
    """What the work returns or raises, done on a thread of its own that nobody waits for.

    Cancelled, it leaves the work to itself; so does the end of the process, which waits for the threads of
    ``asyncio.to_thread``.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, failure: BaseException | None) -> None:
        if done.done():
            return
        if failure is None:
            done.set_result(result)  # type: ignore[arg-type]  # without a failure it is the work's result
        else:
            done.set_exception(failure)

    def run() -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = work()
        # The thread has nobody else to tell: whoever waits would wait forever.
        except BaseException as error:  # noqa: BLE001  # whatever it is, who waits for the work gets it
            failure = error
        # The loop may have ended meanwhile.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done
