"""The lock: one process at a time writes a ledger, and the others are told which."""

from __future__ import annotations

import errno
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from trayd.errors import LedgerError, LedgerFullError, LedgerLockedError
from trayd.ledger.disk import Disk, refusals, write_whole

_LOCK = "ledger.lock"
_HOLDER = "ledger.lock.holder"


#: What file systems say that know no locks: some network folders and mounted clouds.
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


class Holder(msgspec.Struct, frozen=True):
    """Who has the ledger; ``host`` is the name of its machine, for a folder that several can reach."""

    pid: int
    program: str
    host: str = ""


class Lock:
    """Holds a ledger's folder for this process until it is released or the process ends.

    Raises:
        LedgerLockedError: another one has it.
        LedgerError: the folder's file system knows no locks, or nobody may write there.
        LedgerFullError: the disk refuses.
    """

    def __init__(self, folder: Path, holder: str, disk: Disk) -> None:
        self._disk = disk
        self._holder = folder / _HOLDER  # beside the lock: Windows lets nobody read a locked file
        self._lock = FileLock(folder / _LOCK, timeout=0, thread_local=False)
        with refusals(folder):
            try:
                self._lock.acquire()
            except Timeout:
                raise _locked(folder, _read(self._holder)) from None
            except OSError as error:
                raise _refused(folder, error) from error
            try:
                # For a message to others alone: a full disk must not keep a person from reading the ledger.
                told = msgspec.json.encode(Holder(os.getpid(), holder, platform.node()))
                write_whole(disk, self._holder, told)
            except OSError:
                # A dead process's name would be worse than none.
                with suppress(OSError):
                    disk.remove(self._holder)
            except BaseException:
                self._lock.release()
                raise

    def release(self) -> None:
        """Lets the next one in."""
        with suppress(OSError):
            self._disk.remove(self._holder)
        self._lock.release()


def is_held(folder: Path) -> bool:
    """Whether a process has the ledger of that folder now."""
    if not (folder / _LOCK).exists():
        return False
    lock = FileLock(folder / _LOCK, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _read(path: Path) -> Holder | None:
    """Who says to have it; None where nobody does, or that process is gone and another one could not say."""
    try:
        holder = msgspec.json.decode(path.read_bytes(), type=Holder)
    except (OSError, msgspec.MsgspecError):
        return None
    return None if holder.host == platform.node() and _is_gone(holder.pid) else holder


def _is_gone(pid: int) -> bool:
    if sys.platform == "win32":  # where asking would end it
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _locked(folder: Path, holder: Holder | None) -> LedgerLockedError:
    who, cure = "another process", "end that one first"
    if holder is not None:
        elsewhere = holder.host not in {"", platform.node()}
        who = f"{holder.program} (process {holder.pid}{f' on {holder.host}' if elsewhere else ''})"
        if "daemon" in holder.program and not elsewhere:
            cure += "; while it runs, `trayd status` and `trayd refresh` ask it"
        if "command" in holder.program:
            cure = "try again when that has ended"
    return LedgerLockedError(f"the ledger in {folder} is in use by {who}", cure)


def _refused(folder: Path, error: OSError) -> LedgerError:
    if error.errno in _NO_LOCKS:
        return LedgerError(
            f"the file system of {folder} knows no locks ({error.strerror}), so two programs could write there at once",
            "put the ledger on a disk of this machine (TRAYD_HOME); folders.backup may be on the network",
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return LedgerError(
            f"{folder} cannot be written ({error.strerror})", "give yourself the right to write there, and to its files"
        )
    return LedgerFullError(
        f"{folder}: the disk refuses ({error.strerror or error})", "check the disk; trayd tries again by itself"
    )
