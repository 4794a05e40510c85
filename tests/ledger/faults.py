"""A disk whose n-th call fails, and one on which the process dies."""

import errno
import os
import signal

from trayd.ledger.disk import Disk

CALLS = ("write", "sync", "truncate", "replace", "sync_folder", "open_new", "open_append", "remove", "make_folder")


class QuickDisk(Disk):
    """Waits for no medium: where no power is cut, a process that ends loses nothing by it."""

    def sync(self, handle):
        os.fstat(handle)

    def sync_folder(self, path):
        path.stat()


class FaultyDisk(QuickDisk):
    """Counts the calls that change something, and lets the chosen one go wrong, or it and all after it."""

    def __init__(self, at=None, fault="EIO", *, lasts=False):
        self.at = at
        self.fault = fault
        self.lasts = lasts
        self.made = 0
        self.calls = []

    def goes_wrong(self, call):
        self.made += 1
        self.calls.append(call)
        if self.at is None or self.made < self.at or (self.made > self.at and not self.lasts):
            return False
        if self.fault == "KILL":
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    def refuse(self):
        raise OSError(getattr(errno, self.fault), os.strerror(getattr(errno, self.fault)))

    def write(self, handle, data):
        if self.goes_wrong("write"):
            super().write(handle, data[: len(data) // 2])  # a short write, and then
            self.refuse()
        return super().write(handle, data)


def _failing(name):
    def call(self, *arguments):
        if self.goes_wrong(name):
            self.refuse()
        return getattr(QuickDisk, name)(self, *arguments)

    return call


for _name in CALLS[1:]:
    setattr(FaultyDisk, _name, _failing(_name))


class ShortDisk(QuickDisk):
    """Never takes all that it is given to write."""

    def write(self, handle, data):
        return super().write(handle, data[: max(1, len(data) // 3)])


class FullDisk(QuickDisk):
    """Has no room while ``full``; writes come up short first, as on a real one."""

    full = False

    def write(self, handle, data):
        if self.full:
            if len(data) > 1:
                return super().write(handle, data[:1])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(handle, data)
