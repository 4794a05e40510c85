"""Reads dropped files, each as it was looked at, and decides which of them are still being written.

All of it runs on a worker thread.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from trayd.facts import ModelFact
from trayd.intake import places, ready
from trayd.intake.event_files import is_whole
from trayd.intake.listing import REJECTED, Found, refused_unread
from trayd.intake.notices import ROWS_END
from trayd.intake.ready import Readiness
from trayd.intake.rejection import Rejection, printable
from trayd.intake.take import EVENT_LINES, EVENT_OBJECT, Understood, read_file, rejected_rows_csv
from trayd.intake.unchanged import ChangedError, in_use, read_unchanged
from trayd.intake.writers import can_tell, is_written
from trayd.settings import Settings

#: A file that a program has open for writing, and leaves as it is for so long, is read; it is not moved before it is
#: closed, and looked at again after this long.
OPEN_QUIET_S = 60.0

#: What could not be moved or put aside is tried again after this long, in seconds.
RETRY_S = 60.0

# Files of lines: a part of one ends in the middle of a line, most of the time.
_TEXT = EVENT_LINES | {".csv", ".tsv", ".tab", ".txt"}

logger = logging.getLogger(__name__)


class Read(msgspec.Struct, frozen=True):
    """A file that was read, or refused unread.

    Attributes:
        told: a person has been told of these rejected rows of it already.
        stays: a program still has it open for writing: it is recorded, and not moved.
    """

    found: Found
    file: Understood
    told: bool = False
    stays: bool = False


class Taken(msgspec.Struct, frozen=True):
    """The files that can be recorded; ``trouble`` is what kept others back."""

    reads: list[Read]
    trouble: OSError | None = None


class Taking:
    """Reads what is in a folder.

    Args:
        path: the drop folder.
        readiness: is told of files that are not whole yet.
    """

    def __init__(self, path: Path, readiness: Readiness) -> None:
        self._path = path
        self._readiness = readiness
        self._rejected = f"{path / REJECTED}{os.sep}"
        self._tried_out: tuple[int, int] | None = None
        self._tells = False
        self._placed: set[tuple[str, str]] = set()

    def take(self, group: Sequence[Found], settings: Settings, models: Mapping[str, ModelFact], now: datetime) -> Taken:
        """What the files say; those that are not whole yet, or have changed since they were looked at, are left out."""
        reads: list[Read] = []
        trouble: OSError | None = None
        for found in group:
            try:
                read = self._read(found, settings, models, now)
            except ChangedError:
                self._readiness.look_again(self._readiness.clock() + ready.QUIET_S)
                continue
            except OSError as error:
                if in_use(error):
                    continue
                refusal = Rejection(problem=f"it cannot be read ({error.strerror})", cure="mend its rights")
                read = Read(found, Understood(name=printable(found.name), digest="", refused=refusal))
            if read is not None and read.file.refused is None and read.file.rejected:
                try:
                    read = msgspec.structs.replace(read, told=self._put_rows_aside(read.file))
                except OSError as error:
                    self._readiness.put_off(found, RETRY_S)
                    trouble = error
                    continue
            if read is not None:
                reads.append(read)
        return Taken(reads, trouble)

    def _read(self, found: Found, settings: Settings, models: Mapping[str, ModelFact], now: datetime) -> Read | None:
        """What one file says; None where it is not whole yet.

        Raises:
            ChangedError: it has another state now.
            OSError: it cannot be read.
        """
        if (refusal := refused_unread(found)) is not None:
            return Read(found, Understood(name=printable(found.name), digest="", refused=refusal))
        path = f"{self._path}{os.sep}{found.name}"
        if found.suffix not in EVENT_OBJECT:
            return self._read_quiet(path, found, settings, models, now)
        data = read_unchanged(path, found.signature)
        file = self._understood(found.name, data, settings, models, now)
        if file.refused and not is_whole(data) and self._readiness.wait_quiet(found, ready.QUIET_S):
            return None
        return Read(found, file)

    def _read_quiet(
        self, path: str, found: Found, settings: Settings, models: Mapping[str, ModelFact], now: datetime
    ) -> Read | None:
        """What a file says of which a part may look whole: a table, a log."""
        told_closed = self._told_by_system()
        stays = told_closed and is_written(path)
        if stays and self._readiness.wait_quiet(found, OPEN_QUIET_S):
            return None
        data = read_unchanged(path, found.signature)
        file = self._understood(found.name, data, settings, models, now)
        # Where it was cut, the last line is another one than it will be.
        partial = bool(file.refused) or (found.suffix in _TEXT and not _ends(data))
        if stays and partial:
            self._readiness.put_off(found, OPEN_QUIET_S)
            return None
        if partial and not told_closed and self._readiness.wait_quiet(found, ready.LONG_QUIET_S):
            return None
        return Read(found, file, stays=stays)

    def _understood(
        self, name: str, data: bytes, settings: Settings, models: Mapping[str, ModelFact], now: datetime
    ) -> Understood:
        # Where it will lie when a command to read it otherwise is of use.
        path = printable(self._rejected + name)
        try:
            return read_file(name, data, settings=settings, models=models, now=now, path=path)
        except Exception as error:  # noqa: BLE001  # whatever one file does to a reader, the others are taken in
            # Its text may quote the file, and so a prompt.
            logger.error(  # noqa: TRY400  # for the same reason
                "%s cannot be read: %s", printable(name), type(error).__name__
            )
            problem = f"trayd failed to read it ({type(error).__name__})"
            refused = Rejection(problem=problem, cure="report it with the file")
            return Understood(name=printable(name), digest="", refused=refused)

    def _told_by_system(self) -> bool:
        """Whether the system tells of files in the folder that has the name now whether they are open for writing."""
        status = self._path.stat()
        if self._tried_out != (status.st_dev, status.st_ino):
            self._tells = can_tell(self._path)
            self._tried_out = (status.st_dev, status.st_ino)
        return self._tells

    def _put_rows_aside(self, file: Understood) -> bool:
        """Writes the rejected rows of a file down; whether this was done before.

        It comes before anything of the file is recorded: once it is, the file is known, and nobody looks at them again.

        Raises:
            OSError: they cannot be written.
        """
        rows = rejected_rows_csv(file).encode("utf-8-sig")
        folder = self._path / REJECTED
        places.make_folder(folder)
        places.place(folder, places.with_end(file.name.removesuffix(ROWS_END), ROWS_END), rows)
        key = (file.name, hashlib.sha256(rows).hexdigest())
        before = key in self._placed
        self._placed.add(key)
        return before


def _ends(text: bytes) -> bool:
    """Whether the last line has an end, in whatever encoding."""
    return text[-4:].rstrip(b"\0")[-1:] in {b"\n", b"\r"}
