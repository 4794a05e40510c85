"""A disk on which the process dies: at a chosen call, before it, in the middle of it or after it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trayd.ledger.disk import Disk

#: The calls that change something.
CALLS = ("open_new", "open_append", "write", "sync", "truncate", "replace", "remove", "sync_folder")

_KINDS = {".jsonl": "mirror", ".json": "TinyDB file", ".zip": "archive", ".holder": "lock's holder"}


class KillingDisk(Disk):
    """Counts the calls that change something, and kills its process at one of them.

    Args:
        at: the number of the call, counted from 1; None never kills.
        when: ``before`` it, ``after`` it, or ``half`` way through where it is a write.
        tell: is told the place just before the end.
    """

    def __init__(self, at: int | None, when: str, tell: Callable[[str], None]) -> None:
        self._at = at
        self._when = when
        self._tell = tell
        self._made = 0

    def die(self, call: str, target: Any) -> None:
        """Ends the process as a person's ``kill -9`` does: no handler runs, nothing is flushed."""
        path = Path(f"/proc/self/fd/{target}").readlink() if isinstance(target, int) else target
        self._tell(f"{call} of {_kind(path)}")
        os.kill(os.getpid(), signal.SIGKILL)
        signal.pause()

    def reached(self) -> bool:
        """Whether this call is the one."""
        self._made += 1
        return self._made == self._at


def _kind(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    new = "new " if path.suffix == ".tmp" else ""
    name = path.with_suffix("") if new else path
    state = "state's " if name.name.startswith("state") else ""
    return f"a {new}{state}{_KINDS.get(name.suffix, 'file')}"


def _dying(name: str) -> Callable[..., Any]:
    def call(self: KillingDisk, *arguments: Any) -> Any:
        made = getattr(Disk, name)
        if not self.reached():
            return made(self, *arguments)
        # A rename is named by what it puts in place.
        target = arguments[1] if name == "replace" else arguments[0]
        when = "before" if self._when == "half" and name != "write" else self._when
        if when == "half":
            made(self, arguments[0], arguments[1][: len(arguments[1]) // 2])
        elif when == "after":
            made(self, *arguments)
        self.die(f"{when} {name}", target)
        return None

    return call


for _name in CALLS:
    setattr(KillingDisk, _name, _dying(_name))
