"""Puts dropped files away once they are recorded: to ``done/``, or with the reason to ``rejected/``.

All of it runs on a worker thread.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Container, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from trayd.intake import places
from trayd.intake.listing import DONE, REJECTED, Found
from trayd.intake.notices import REASON_END, DropNotice, notice_of, reason_text
from trayd.intake.ready import Readiness
from trayd.intake.rejection import printable
from trayd.intake.take import Understood
from trayd.intake.taking import OPEN_QUIET_S, RETRY_S, Read
from trayd.intake.unchanged import ChangedError, Signature, in_use
from trayd.intake.writers import is_written

# A file that grows after it was moved (its writer still had it open) is read again if it does so within this time, or
# while the system says that it is still open.
_GROWS_S = 60.0

logger = logging.getLogger(__name__)


class _Moved(msgspec.Struct, frozen=True):
    """A file that was moved, for as long as its writer may still have it open."""

    name: str
    signature: Signature
    until: float


class Away(msgspec.Struct, frozen=True):
    """What a person is to be told of, and what kept files from being moved."""

    notices: list[DropNotice]
    trouble: OSError | None = None


class PuttingAway:
    """Moves what was taken in out of a drop folder.

    Args:
        path: the drop folder.
        readiness: is told of files that could not be moved.
    """

    def __init__(self, path: Path, readiness: Readiness) -> None:
        self._path = path
        self._readiness = readiness
        self._moved: dict[str, _Moved] = {}
        self._told: dict[str, Signature] = {}

    def put_away(self, reads: Sequence[Read], known: Container[str], now: datetime, *, watched: bool) -> Away:
        """Moves each file to where it belongs.

        Args:
            reads: what became of each.
            known: the digests of files that were taken in before, of which nobody is told again.
            now: tells the month.
            watched: whether anybody listens to what happens in the drop folder.
        """
        notices: list[DropNotice] = []
        trouble: OSError | None = None
        rejected = self._path / REJECTED
        done: str | None = None
        for read in reads:
            found, file = read.found, read.file
            notice = None if read.told or file.digest in known else notice_of(file, rejected)
            try:
                if read.stays:
                    self._readiness.put_off(found, OPEN_QUIET_S)
                elif file.refused is None:
                    done = self._done(found, done or self._done_folder(now), now, watched=watched)
                else:
                    self._reject(found, file)
            except ChangedError:
                continue
            except OSError as error:
                if in_use(error):
                    continue
                done, trouble = None, error
                self._readiness.put_off(found, RETRY_S)
                if self._told.get(found.name) == found.signature:
                    continue
                self._told[found.name] = found.signature
            if notice:
                notices.append(notice)
        return Away(notices, trouble)

    def return_grown(self) -> None:
        """Puts files back that were written on after they had been moved."""
        now = self._readiness.clock()
        for path, moved in list(self._moved.items()):
            try:
                state = Signature.of(os.lstat(path))
                if state != moved.signature:
                    del self._moved[path]
                    places.move(path, self._path, moved.name, state)
                    self._readiness.look_again()
                    logger.info("%s was written on after it was taken in, and is read again", printable(moved.name))
                elif now > moved.until:
                    del self._moved[path]
                    if is_written(path):
                        self._moved[path] = msgspec.structs.replace(moved, until=now + _GROWS_S)
            except (OSError, ChangedError):
                self._moved.pop(path, None)

    @property
    def awaits(self) -> bool:
        """Whether there are files that may still grow."""
        return bool(self._moved)

    def _done(self, found: Found, folder: str, now: datetime, *, watched: bool) -> str:
        """Moves a file to the folder of the month; the folder."""
        try:
            self._move(found, folder, found.name, watched=watched)
        except FileNotFoundError:
            # Somebody has taken the folder away.
            folder = self._done_folder(now)
            self._move(found, folder, found.name, watched=watched)
        return folder

    def _move(self, found: Found, folder: str, name: str, *, watched: bool = True) -> None:
        target = places.move(f"{self._path}{os.sep}{found.name}", folder, name, found.signature, watched=watched)
        if stat.S_ISREG(found.mode):
            self._moved[target] = _Moved(found.name, found.signature, self._readiness.clock() + _GROWS_S)

    def _done_folder(self, now: datetime) -> str:
        month = self._path / DONE / f"{now:%Y-%m}"
        for folder in (month.parent, month):
            places.make_folder(folder)
        return str(month)

    def _reject(self, found: Found, file: Understood) -> None:
        folder = self._path / REJECTED
        places.make_folder(folder)
        reason = reason_text(file).encode()
        name = places.free_name(folder, found.name, REASON_END, reason)
        # The reason first: a file without one would say nothing.
        places.place(folder, places.with_end(printable(name), REASON_END), reason)
        self._move(found, str(folder), name)


def cure_of(trouble: OSError) -> str:
    """What a person can do about a file that cannot be moved or put aside."""
    if trouble.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "make room on its disk"
    if trouble.errno in {errno.ENOTDIR, errno.EEXIST, errno.ELOOP} and trouble.filename:
        return f"{trouble.filename} is no folder, or a link to one: take it away or rename it"
    return "give trayd the right to write there"
