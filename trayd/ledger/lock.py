"""The lock: one process at a time writes a ledger, and the others are told which."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from trayd.errors import LedgerLockedError
from trayd.ledger.disk import Disk, refusals, write_whole

_LOCK = "ledger.lock"
_HOLDER = "ledger.lock.holder"


class Holder(msgspec.Struct, frozen=True):
    """Who has the ledger."""

    pid: int
    program: str


class Lock:
    """Holds a ledger's folder for this process until it is released or the process ends.

    Raises:
        LedgerLockedError: another one has it.
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
            try:
                # For a message to others alone: a full disk must not keep a person from reading the ledger.
                told = msgspec.json.encode(Holder(os.getpid(), holder))
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


def _read(path: Path) -> Holder | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Holder)
    except (OSError, msgspec.MsgspecError):
        return None


def _locked(folder: Path, holder: Holder | None) -> LedgerLockedError:
    who = f"{holder.program} (process {holder.pid})" if holder else "another process"
    cure = "end that one first"
    if holder and "daemon" in holder.program:
        cure += "; while it runs, `trayd status` and `trayd refresh` ask it"
    return LedgerLockedError(f"the ledger in {folder} is in use by {who}", cure)
