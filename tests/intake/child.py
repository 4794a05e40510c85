"""A process that takes in the drop folder of a home: ``python -m tests.intake.child HOME [KILL_AT] [watching]``.

It prints what a person was told. With KILL_AT it ends by SIGKILL once it has done that: ``read`` the files, ``rows``
written the rejected rows, ``recorded`` all, ``linked`` the first file to done/, ``claimed`` its old name, ``unlinked``
it, ``renamed`` it there where nobody watches. With ``watching`` it goes on until the folder is empty, else it looks
once. With ``slow`` it goes on until it is ended, and looks every 1.2 seconds where nothing wakes it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.intake.host import Host, until
from trayd.intake import away, drop, places, ready, taking


def die(*_args: Any, **_more: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(owner: Any, name: str, fatal: Callable[..., bool] = lambda *_arguments: True) -> None:
    """Has a function do its work, and the process end then."""
    work = getattr(owner, name)

    def last(*arguments: Any, **more: Any) -> Any:
        result = work(*arguments, **more)
        if fatal(*arguments):
            die()
        return result

    setattr(owner, name, last)


def arm(point: str) -> None:
    match point:
        case "read":
            deadly(taking.Taking, "take", lambda _self, group, *_more: bool(group))
        case "rows":
            deadly(places, "place")
        case "recorded":
            away.PuttingAway.put_away = die  # type: ignore[assignment,method-assign]
        case "linked":
            deadly(os, "link", lambda _source, target: "/done/" in str(target))
        case "claimed":
            deadly(os, "rename", lambda _source, target: str(target).endswith(places.CLAIMED_END))
        case "unlinked":
            deadly(os, "unlink", lambda path: str(path).endswith(places.CLAIMED_END))
        case "renamed":
            deadly(os, "rename", lambda _source, target: "/done/" in str(target))


async def main() -> None:
    home, *words = sys.argv[1:]
    ready.QUIET_S = ready.LONG_QUIET_S = 0.3
    drop.INTERVAL_S = 0.3
    for word in words:
        arm(word)
    host = Host(Path(home))
    if "slow" in words:
        drop.INTERVAL_S = 1.2
        async with host.running():
            await asyncio.sleep(60)
    elif "watching" in words:
        async with host.running():
            await until(lambda: not drop.count_files(host.drop).waiting, 30)
    else:
        await host.scan()
    host.close()
    sys.stdout.write("".join(f"{notice.body}\n" for notice in host.notices))


if __name__ == "__main__":
    asyncio.run(main())
