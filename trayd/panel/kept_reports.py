"""What lies in the folder of reports: those that made themselves, and those that the menu made.

Only files that stand in it themselves are anybody's business: no link, no folder, nothing that is no plain file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

from trayd.errors import TraydError
from trayd.reports.formats import FORMATS, TABS

#: The page, then the exports.
_MEDIA_TYPES = {".html": "text/html"} | {each.suffix: each.media_type for each in (*FORMATS.values(), TABS)}

_MOST_LISTED = 200


class KeptReport(NamedTuple):
    """A file there: its name, when it was last written (UTC), and its bytes."""

    name: str
    written: datetime
    size: int

    @property
    def is_page(self) -> bool:
        """Whether a browser shows it."""
        return media_type(self.name) == "text/html"


class KeptReports(NamedTuple):
    """The newest of them, and how many more there are."""

    files: tuple[KeptReport, ...]
    more: int


def media_type(name: str) -> str | None:
    """What a file of that name is; None where it is neither a report nor an export."""
    return next((kind for suffix, kind in _MEDIA_TYPES.items() if name.lower().endswith(suffix)), None)


def kept_reports(folder: Path) -> KeptReports:
    """What is there, the newest first; nothing where there is no such folder yet.

    Raises:
        TraydError: the folder cannot be looked at.
    """
    try:
        found = sorted(_files(folder), key=lambda file: (file.written, file.name), reverse=True)
    except FileNotFoundError:
        found = []
    except OSError as error:
        raise TraydError(f"{folder} cannot be looked at ({error.strerror})", "give yourself the right to") from error
    return KeptReports(tuple(found[:_MOST_LISTED]), max(0, len(found) - _MOST_LISTED))


def _files(folder: Path) -> Iterator[KeptReport]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if _is_meant(entry.name) and entry.is_file(follow_symlinks=False):
                said = entry.stat(follow_symlinks=False)
                yield KeptReport(entry.name, datetime.fromtimestamp(said.st_mtime, UTC), said.st_size)


def _is_meant(name: str) -> bool:
    # What is on its way has a name that begins with a dot; one that is no Unicode could not be asked for.
    is_text = name.encode(errors="ignore").decode() == name
    return is_text and not name.startswith(".") and media_type(name) is not None


def opened(folder: Path, name: str) -> IO[bytes]:
    """The file of that name there, to be read.

    Raises:
        FileNotFoundError: there is none that is listed.
        OSError: it cannot be read.
    """
    path = folder / name
    # On Windows a name can leave the folder without a slash: by a backslash, a drive, a stream.
    if path.name != name or path.parent != folder or ":" in name or "\0" in name or not _is_meant(name):
        raise FileNotFoundError(name)
    listed = path.lstat()
    if not stat.S_ISREG(listed.st_mode):
        raise FileNotFoundError(name)
    # Whoever puts a link or a pipe in its place in this moment has put it there in vain.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    if not os.path.samestat(listed, os.fstat(handle)):
        os.close(handle)
        raise FileNotFoundError(name)
    return os.fdopen(handle, "rb")
