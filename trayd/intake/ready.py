"""Which files in the drop folder can be taken now: those that their writers have finished, as far as can be seen.

A small ``.json`` file is tried at once, since a part of an object never parses. What does not show by its content that
it is whole has to be left alone for a while. How long, is said by whoever has read it: the state of a file that it was
read in is put off, and any change of it starts anew.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable

import msgspec

from trayd.intake.listing import Found
from trayd.intake.take import EVENT_OBJECT, suffix_of
from trayd.intake.unchanged import Signature

#: A file has to be left alone by its writer for this long, in seconds.
QUIET_S = 2.0

#: For this long where it may still be only a part: its last line has no end, or it is a folder that is being filled.
LONG_QUIET_S = 10.0

# A larger file is not tried again and again while it is being written.
_LARGEST_AT_ONCE = 1024 * 1024


class _PutOff(msgspec.Struct, frozen=True):
    signature: Signature
    until: float


class Readiness:
    """Remembers since when each file is as it is.

    Args:
        clock: seconds that no change of the time of day moves.

    Attributes:
        soonest: when a file is to be looked at next; None where nothing waits.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.soonest: float | None = None
        self._since: dict[str, tuple[Signature, float]] = {}
        self._put_off: dict[str, _PutOff] = {}

    def ready(self, states: Iterable[tuple[str, os.stat_result]]) -> list[Found]:
        """Those that can be taken now, of all names in the folder with their states."""
        now = self.clock()
        ready: list[Found] = []
        since: dict[str, tuple[Signature, float]] = {}
        self.soonest = None
        for name, status in states:
            signature = Signature.of(status)
            known = self._since.get(name)
            begun = known if known and known[0] == signature else (signature, now)
            since[name] = begun
            found = Found(name, signature, status.st_mode, begun[1], suffix_of(name))
            put_off = self._put_off.get(name)
            at = put_off.until if put_off and put_off.signature == signature else found.since + _needs(found)
            if at <= now:
                ready.append(found)
            else:
                self.look_again(at)
        self._since = since
        self._put_off = {name: put_off for name, put_off in self._put_off.items() if name in since}
        return ready

    def wait_quiet(self, found: Found, seconds: float) -> bool:
        """Puts a file off until it has been as it is for so long; False where it has been already."""
        until = found.since + seconds
        if self.clock() >= until:
            return False
        self._leave(found, until)
        return True

    def put_off(self, found: Found, seconds: float) -> None:
        """Leaves a file alone for so long, or until it changes."""
        self._leave(found, self.clock() + seconds)

    def look_again(self, at: float | None = None) -> None:
        """Has the folder looked at again by then at the latest; at once, where no time is given."""
        at = self.clock() if at is None else at
        self.soonest = at if self.soonest is None else min(self.soonest, at)

    def _leave(self, found: Found, until: float) -> None:
        self._put_off[found.name] = _PutOff(found.signature, until)
        self.look_again(until)


def _needs(found: Found) -> float:
    """How long a file that nobody has read yet has to be as it is, in seconds."""
    if stat.S_ISDIR(found.mode):
        return LONG_QUIET_S
    at_once = stat.S_ISREG(found.mode) and found.suffix in EVENT_OBJECT and found.signature.size <= _LARGEST_AT_ONCE
    return 0.0 if at_once else QUIET_S
