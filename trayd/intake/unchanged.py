"""Files as they were looked at: opened without being followed or waited for, read only where nothing has changed.

Every name in the drop folder may be a trap (a link that leads elsewhere, a pipe that blocks whoever opens it) or change
under one's hands; what is done here is safe against both.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from typing import Self

import msgspec

_READ_BYTES = 1024 * 1024

# Windows has neither links of that kind nor pipes in folders, and no need for these.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

_SHARING_VIOLATIONS = frozenset({32, 33})

StrPath = str | os.PathLike[str]


class ChangedError(Exception):
    """The file is no longer the one that was looked at."""


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


def read_unchanged(path: StrPath, expected: Signature) -> bytes:
    """The content of the regular file that was looked at.

    Raises:
        ChangedError: it has another state now, or had one while it was read.
        OSError: it cannot be opened or read.
    """
    descriptor = opened(path)
    try:
        return b"".join(pieces(descriptor, expected))
    finally:
        os.close(descriptor)


def in_use(error: OSError) -> bool:
    """Whether the file cannot be opened or moved because a program on Windows has it open."""
    return getattr(error, "winerror", None) in _SHARING_VIOLATIONS


def opened(path: StrPath) -> int:
    """A file's descriptor, for reading; whoever asks closes it.

    Raises:
        ChangedError: there is none, or something else has its name now.
        OSError: it cannot be opened.
    """
    try:
        return os.open(path, _OPEN_FLAGS)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}:
            raise ChangedError from None
        raise


def pieces(descriptor: int, expected: Signature) -> Iterator[bytes]:
    """The content, piece by piece.

    Raises:
        ChangedError: it is not the regular file of that state, before or after.
    """
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or Signature.of(status) != expected:
        raise ChangedError
    left = expected.size
    while left > 0 and (piece := os.read(descriptor, min(left, _READ_BYTES))):
        yield piece
        left -= len(piece)
    # What was added meanwhile shows in the size.
    if left or Signature.of(os.fstat(descriptor)) != expected:
        raise ChangedError
