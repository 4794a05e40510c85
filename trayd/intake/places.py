"""Files on disk: opened without being followed or waited for, moved without overwriting, placed whole.

Every name in the drop folder may be a trap (a link that leads elsewhere, a pipe that blocks whoever opens it) or change
under one's hands; what is done here is safe against both.

Files come by the ten thousand. For each there are as few system calls as that safety takes, on paths that are plain
text: making a ``Path`` costs more than most of the calls.
"""

# ruff: noqa: PTH104, PTH108, PTH118 - for the reason above

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec

_LONGEST_NAME = 255
_READ_BYTES = 1024 * 1024

# Windows has neither links of that kind nor pipes in folders, and no need for these.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

# What a file system without hard links, or one that reserves them for a file's owner, answers.
_NO_HARD_LINK = frozenset({errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})

_SHARING_VIOLATIONS = frozenset({32, 33})

StrPath = str | os.PathLike[str]


class Signature(msgspec.Struct, frozen=True):
    """What tells one state of a file from another."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """The signature of a file that was looked at."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class ChangedError(Exception):
    """The file is no longer the one that was looked at."""


def read_unchanged(path: StrPath, expected: Signature) -> bytes:
    """The content of the regular file that was looked at.

    Raises:
        ChangedError: it has another state now, or had one while it was read.
        OSError: it cannot be opened or read.
    """
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP, errno.ENXIO}:
            raise ChangedError from None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or Signature.of(status) != expected:
            raise ChangedError
        pieces = []
        left = expected.size
        while left > 0 and (piece := os.read(descriptor, min(left, _READ_BYTES))):
            pieces.append(piece)
            left -= len(piece)
        # What was added meanwhile shows in the size.
        if left or Signature.of(os.fstat(descriptor)) != expected:
            raise ChangedError
    finally:
        os.close(descriptor)
    return b"".join(pieces)


def in_use(error: OSError) -> bool:
    """Whether the file cannot be opened or moved because a program on Windows has it open."""
    return getattr(error, "winerror", None) in _SHARING_VIOLATIONS


def move(source: StrPath, folder: StrPath, name: str, expected: Signature) -> str:
    """Moves what was looked at into the folder, under that name or one with a number; nothing is overwritten.

    A second name first, then the old one is taken away: watchers learn of other files half a second late after a plain
    rename out of their folder. Where hard links are missing, and for folders, it is a rename.

    Raises:
        ChangedError: the source has another state now; it stays where it is.
        OSError: it cannot be moved.
    """
    for candidate in _names(name):
        target = os.path.join(folder, candidate)
        if _signature(source) != expected:
            raise ChangedError
        try:
            os.link(source, target, follow_symlinks=False)
        except FileExistsError:
            # Its second name was made by a run that ended before it took the first one away.
            if _signature(target) != expected:
                continue
        except (OSError, NotImplementedError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_HARD_LINK:
                raise
            if os.path.lexists(target):
                continue
            os.rename(source, target)
            return target
        if _signature(source) != expected:
            raise ChangedError
        os.unlink(source)
        return target
    raise AssertionError("there is always another name")  # pragma: no cover


def place(folder: Path, name: str, content: bytes) -> Path:
    """Writes a file whole and durably, under that name or one with a number; one with this content is left as it is.

    Raises:
        OSError: it cannot be written.
    """
    for candidate in _names(name):
        if not os.path.lexists(folder / candidate):
            break
        if _holds(folder / candidate, content):
            return folder / candidate
    descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return Path(move(temporary, folder, name, Signature.of(os.lstat(temporary))))
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def free_name(folder: Path, name: str, companion: str, content: bytes) -> str:
    """A name under which neither the file nor its companion would meet another one.

    Args:
        folder: where both go.
        name: the name that is wanted.
        companion: what is added to the name for the file beside it.
        content: the companion's content; a companion with it that stands alone was left by a run that ended early.
    """
    for candidate in _names(name):
        if os.path.lexists(folder / candidate):
            continue
        beside = folder / with_end(candidate, companion)
        if not os.path.lexists(beside) or _holds(beside, content):
            return candidate
    raise AssertionError("there is always another name")  # pragma: no cover


def with_end(name: str, end: str) -> str:
    """The name with an end added, shortened where a file system would not take it."""
    room = _LONGEST_NAME - len(os.fsencode(end))
    encoded = os.fsencode(name)
    if len(encoded) > room:
        name = encoded[:room].decode("utf-8", "ignore")
    return name + end


def make_folder(folder: Path) -> None:
    """Makes a folder for the user alone where it is missing.

    Raises:
        OSError: it cannot be made, or something else has its name: a link is not followed.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not stat.S_ISDIR(folder.lstat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def _holds(path: Path, content: bytes) -> bool:
    """Whether there is a plain file of that content; a pipe, which would block whoever opens it, is not opened."""
    try:
        return read_unchanged(path, Signature.of(path.lstat())) == content
    except (OSError, ChangedError):
        return False


def _signature(path: StrPath) -> Signature | None:
    try:
        return Signature.of(os.lstat(path))
    except FileNotFoundError:
        return None


def _names(name: str) -> Iterator[str]:
    """The name itself, then the same with (2), (3) and so on before its end."""
    yield name
    stem, dot, end = name.rpartition(".")
    if not stem:
        stem, dot, end = name, "", ""
    number = 2
    while True:
        yield with_end(stem, f" ({number}){dot}{end}")
        number += 1
