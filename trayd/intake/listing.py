"""What lies in the drop folder: which names are for trayd, and which of them are refused unopened."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator

import msgspec

from trayd.intake.kinds import LARGEST_FILE
from trayd.intake.places import CLAIMED_END
from trayd.intake.rejection import Rejection
from trayd.intake.take import SUFFIXES, too_large, unknown_kind
from trayd.intake.unchanged import Signature, StrPath

#: The folders below the drop folder that files are moved to.
DONE = "done"
REJECTED = "rejected"

# Files that are read and recorded together.
_GROUP_FILES = 2000
_GROUP_BYTES = 32 * 1024 * 1024

# What browsers, editors and desktops leave while they work, or always.
_PASSING_ENDS = (CLAIMED_END, ".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".swp", "~")
_PASSING_STARTS = (".", "~$")
_PASSING_NAMES = frozenset({"desktop.ini", "thumbs.db", "icon\r"})


class Found(msgspec.Struct, frozen=True):
    """A name in the folder, as the last look found it.

    Attributes:
        mode: what it is: a file, a folder, a link.
        since: since when it is as it is, by the clock of who looks.
        suffix: the end of its name, which tells the kind of file.
    """

    name: str
    signature: Signature
    mode: int
    since: float
    suffix: str


def entries(folder: StrPath) -> Iterator[os.DirEntry[str]]:
    """What is in a folder, less what is not for trayd; nothing is opened or looked at closer."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name.lower()
            if name in _PASSING_NAMES or name.startswith(_PASSING_STARTS) or name.endswith(_PASSING_ENDS):
                continue
            if entry.name in {DONE, REJECTED} and entry.is_dir(follow_symlinks=False):
                continue
            yield entry


def states(folder: StrPath) -> Iterator[tuple[str, os.stat_result]]:
    """The same names with the state of each, links not followed."""
    for entry in entries(folder):
        with contextlib.suppress(FileNotFoundError):
            # On Windows only this has the inode; what the folder's listing says of a file can be old there.
            yield entry.name, os.lstat(entry.path)


def claimed(folder: StrPath) -> list[str]:
    """The names that a run which was killed left between two places."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if entry.name.endswith(CLAIMED_END)]


def count(folder: StrPath, but: str = "/") -> int:
    """How many names are in a folder, less those with that end; none where there is no folder."""
    try:
        return sum(not entry.name.endswith(but) for entry in entries(folder))
    except OSError:
        return 0


def in_groups(found: list[Found]) -> list[list[Found]]:
    """The files in groups that are read and recorded together; at least one group."""
    groups: list[list[Found]] = [[]]
    size = 0
    for file in found:
        group = groups[-1]
        if group and (len(group) >= _GROUP_FILES or size + file.signature.size > _GROUP_BYTES):
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.signature.size
    return groups


def refused_unread(found: Found) -> Rejection | None:
    """Why a name is refused without opening it; None where it can be opened."""
    drop_file = "drop the file itself"
    if stat.S_ISLNK(found.mode):
        return Rejection(problem="this is a link, and links are not followed", cure=drop_file)
    if stat.S_ISDIR(found.mode):
        return Rejection(problem="this is a folder", cure="drop the files that are in it")
    if not stat.S_ISREG(found.mode):
        return Rejection(problem="this is no file but a pipe, a socket or a device", cure=drop_file)
    return _unfit(found)


def _unfit(found: Found) -> Rejection | None:
    if found.suffix not in SUFFIXES:
        return unknown_kind(found.suffix)
    if found.signature.size > LARGEST_FILE:
        return too_large(found.signature.size)
    return None
