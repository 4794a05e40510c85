"""The operating system's file calls that the ledger makes, and nothing else of the ledger.

Every write, sync, rename and truncation goes through one :class:`Disk`, so that a test can hand in one whose n-th
call fails, and so that the differences between systems stand in one place.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from trayd.errors import LedgerFullError

#: What a file is called until it is complete.
TEMPORARY = ".tmp"

_WINDOWS_TRIES = 20
_WINDOWS_PAUSE_S = 0.05
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class Disk:
    """File calls as the system makes them. Every method raises OSError as the system does."""

    def make_folder(self, path: Path) -> None:
        """Makes a folder, and those above it, that only the user can read."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read(self, path: Path) -> bytes | None:
        """The whole content; None where there is no such file."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def open_new(self, path: Path) -> int:
        """A file to write from the start, readable by the user alone."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)

    def open_append(self, path: Path) -> int:
        """A file to append to, made where it is missing."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)

    def write(self, handle: int, data: bytes | memoryview) -> int:
        """Writes, maybe a part only; how many bytes it took."""
        return os.write(handle, data)

    def sync(self, handle: int) -> None:
        """Returns when the content is on the medium, as far as the system can tell."""
        if sys.platform == "darwin":
            import fcntl

            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)  # fsync leaves the data in the drive's cache there
        elif sys.platform == "win32":
            os.fsync(handle)
        else:
            os.fdatasync(handle)

    def truncate(self, handle: int, size: int) -> None:
        """Cuts the file to ``size`` bytes."""
        os.ftruncate(handle, size)

    def close(self, handle: int) -> None:
        """Gives the handle back."""
        os.close(handle)

    def replace(self, source: Path, target: Path) -> None:
        """Renames over the target in one step."""
        tries = _WINDOWS_TRIES if sys.platform == "win32" else 1
        for left in reversed(range(tries)):
            try:
                source.replace(target)
                return
            except PermissionError:
                if not left:
                    raise
                time.sleep(_WINDOWS_PAUSE_S)  # a virus scanner or an editor has it open for a moment

    def remove(self, path: Path) -> None:
        """Removes a file that may be gone already."""
        path.unlink(missing_ok=True)

    def sync_folder(self, path: Path) -> None:
        """Makes new names in a folder durable; Windows does so by itself."""
        if sys.platform == "win32":
            return
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def changed_at(self, path: Path) -> datetime:
        """When the file's content was changed last (UTC)."""
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def stamp(self, path: Path) -> tuple[int, int, int] | None:
        """What differs once another program has written the file: inode, size and time; None where it is missing."""
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns


def write_all(disk: Disk, handle: int, data: bytes) -> None:
    """Writes all of it, however many calls that takes."""
    view = memoryview(data)
    while view:
        view = view[disk.write(handle, view) :]


def write_beside(disk: Disk, target: Path, chunks: Iterable[bytes]) -> Path:
    """Writes a complete, durable temporary file beside the target, ready to replace it; nothing is left on error."""
    temporary = target.with_name(target.name + TEMPORARY)
    try:
        handle = disk.open_new(temporary)
        try:
            for chunk in chunks:
                write_all(disk, handle, chunk)
            disk.sync(handle)
        finally:
            disk.close(handle)
    except BaseException:
        with suppress(OSError):
            disk.remove(temporary)
        raise
    return temporary


def set_aside(disk: Disk, path: Path, content: bytes, why: str) -> Path:
    """Keeps a durable copy as ``NAME.WHY-TIME`` beside the file, and leaves the file where it is."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    copy = path.with_name(f"{path.name}.{why}-{now}Z")
    number = 1
    while copy.exists():
        number += 1
        copy = path.with_name(f"{path.name}.{why}-{now}Z-{number}")
    disk.replace(write_beside(disk, copy, [content]), copy)
    disk.sync_folder(copy.parent)
    return copy


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Translates what the system says into what a person can do.

    Raises:
        LedgerFullError: a call on this path failed.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise LedgerFullError(
                f"{path}: the disk is full ({_room(path)})", "make room on it; trayd goes on by itself"
            ) from error
        raise LedgerFullError(
            f"{path}: the disk refuses ({error.strerror or error})",
            "check the disk and the folder's permissions; trayd tries again by itself",
        ) from error


def _room(path: Path) -> str:
    try:
        return f"{shutil.disk_usage(path.parent).free // 1_000_000} MB free"
    except OSError:
        return "its free space is unknown"
