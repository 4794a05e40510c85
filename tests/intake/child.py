"""A process that looks into the drop folder of a home once: ``python -m tests.intake.child HOME [KILL_AT]``.

It prints what a person was told. With KILL_AT it ends by SIGKILL at that point: ``move`` once all is recorded and
nothing is moved, ``unlink`` once the first file has its name in done/ and still the old one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.intake.host import Host
from trayd.intake import drop

_UNLINK = os.unlink


def die(*_args: Any, **_more: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def unlink(path: str) -> None:
    if Path(path).parent.name == "drop":
        die()
    _UNLINK(path)


def main() -> None:
    home = Path(sys.argv[1])
    match sys.argv[2:]:
        case ["move"]:
            drop.DropFolder._put_away = die  # type: ignore[assignment,method-assign]
        case ["unlink"]:
            os.unlink = unlink  # type: ignore[assignment]
    drop.QUIET_S = 0.3
    host = Host(home)
    asyncio.run(host.scan())
    host.close()
    sys.stdout.write("".join(f"{notice.body}\n" for notice in host.notices))


if __name__ == "__main__":
    main()
