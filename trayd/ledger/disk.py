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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from trayd.errors import LedgerFullError

#: What a file is called until it is complete.
TEMPORARY = ".tmp"

#: So much of a new file is written between two syncs: few enough bytes that no sync takes long.
_SYNC_BYTES = 1 << 20

_WINDOWS_TRIES = 20
_WINDOWS_PAUSE_S = 0.05
_NOT_KNOWN = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY, errno.ENOSYS})
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class Disk:
    """File calls as the system makes them. Every method raises OSError as the system does."""

    def make_folder(self, path: Path) -> None:
        """Makes a folder, and those above it, that only the user can read; their names are durable."""
        new = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in new:
            self.sync_folder(folder.parent)

    def read(self, path: Path) -> bytes | None:
        """The whole content; None where there is no such file."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def read_part(self, path: Path, start: int, size: int) -> bytes:
        """So many bytes from there on, fewer where the file ends before; nothing where there is no such file."""
        with suppress(FileNotFoundError), path.open("rb") as file:
            file.seek(start)
            return file.read(size)
        return b""

    def lines(self, path: Path) -> Iterator[bytes]:
        """The content line by line, each with its line feed; nothing where there is no such file."""
        with suppress(FileNotFoundError), path.open("rb") as file:
            yield from file

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

            try:
                fcntl.fcntl(handle, fcntl.F_FULLFSYNC)  # fsync leaves the data in the drive's cache there
            except OSError as error:
                if error.errno not in _NOT_KNOWN:
                    raise
                os.fsync(handle)  # the most that a network volume or a FAT stick can do
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
        """Makes new names in a folder durable, where the system knows such a call."""
        if sys.platform == "win32":
            return
        handle = os.open(path, os.O_RDONLY)
        try:
            if sys.platform == "darwin":
                self.sync(handle)
            else:
                os.fsync(handle)
        except OSError as error:
            if error.errno not in _NOT_KNOWN:
                raise
        finally:
            os.close(handle)

    def changed_at(self, path: Path) -> datetime:
        """When the file's content was changed last (UTC), now at the latest: some clock may have run ahead."""
        return min(datetime.fromtimestamp(path.stat().st_mtime, UTC), datetime.now(UTC))

    def stamp(self, path: Path) -> tuple[int, int, int] | None:
        """What differs once another program has written the file: inode, size and time; None where it is missing."""
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def identity(self, handle: int) -> tuple[int, int]:
        """Which file it is: its device and inode."""
        found = os.fstat(handle)
        return found.st_dev, found.st_ino

    def stands(self, path: Path, size: int, identity: tuple[int, int] | None) -> bool:
        """Whether a file is there with this size, and is this one; an empty one may be missing.

        Args:
            path: the file.
            size: its bytes as they have to be.
            identity: which file it has to be; None takes any.
        """
        if sys.platform == "win32" and identity is not None:
            return True  # nobody can take away there what is open
        try:
            found = path.stat()
        except FileNotFoundError:
            return not size and identity is None
        return found.st_size == size and identity in {None, (found.st_dev, found.st_ino)}


def write_all(disk: Disk, handle: int, data: bytes) -> None:
    """Writes all of it, however many calls that takes."""
    written = disk.write(handle, data)
    while written < len(data):
        written += disk.write(handle, memoryview(data)[written:])


class NewFile:
    """A file that is written beside the one whose place it takes when it is whole and durable; never in place.

    Raises:
        OSError: the system refused, here and in every method; :meth:`discard` clears up then.
    """

    def __init__(self, disk: Disk, target: Path) -> None:
        self._disk = disk
        self._target = target
        self._path = target.with_name(target.name + TEMPORARY)
        self._handle: int | None = disk.open_new(self._path)
        self._unsynced = 0

    def write(self, data: bytes) -> bool:
        """Writes more of it; whether there is so much now that :meth:`sync` should not wait."""
        assert self._handle is not None  # noqa: S101 - it is being written
        write_all(self._disk, self._handle, data)
        self._unsynced += len(data)
        return self._unsynced >= _SYNC_BYTES

    def sync(self) -> None:
        """Makes durable what was written: a little at a time holds nobody up for long."""
        if self._handle is not None and self._unsynced:
            self._disk.sync(self._handle)
            self._unsynced = 0

    def take_place(self) -> None:
        """Renames it over the target; the new name is durable with the folder's next sync."""
        self.sync()
        self._close()
        self._disk.replace(self._path, self._target)

    def discard(self) -> None:
        """Leaves nothing of it; without an error even where the disk refuses that too."""
        with suppress(OSError):
            self._close()
        with suppress(OSError):
            self._disk.remove(self._path)

    def _close(self) -> None:
        if self._handle is not None:
            handle, self._handle = self._handle, None
            self._disk.close(handle)


def write_whole(disk: Disk, target: Path, content: bytes) -> None:
    """Replaces a file by this content: at every moment the old one or the new one is there, whole and durable."""
    new = NewFile(disk, target)
    try:
        new.write(content)
        new.take_place()
    except BaseException:
        new.discard()
        raise
    disk.sync_folder(target.parent)


def set_aside(disk: Disk, path: Path, content: bytes, why: str) -> Path:
    """Keeps a durable copy as ``NAME.WHY-TIME`` beside the file, and leaves the file where it is."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    copy = path.with_name(f"{path.name}.{why}-{now}Z")
    number = 1
    while copy.exists():
        number += 1
        copy = path.with_name(f"{path.name}.{why}-{now}Z-{number}")
    write_whole(disk, copy, content)
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
