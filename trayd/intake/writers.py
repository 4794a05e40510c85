"""Whether a program still has a file open for writing: a file can be quiet for a while and not be whole.

Linux can tell. It grants a read lease only on files that nobody has open for writing, and takes no time for it. Network
volumes may refuse leases on files that nobody has open at all, so it is tried out in each folder first. On Windows a
file in use cannot be moved, which tells as much; elsewhere a file is whole when it is quiet.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import tempfile
from pathlib import Path

_CAN_TELL = sys.platform == "linux"


def is_written(path: str) -> bool:
    """Whether a program has the file open for writing; false where the system does not tell."""
    if not _CAN_TELL:
        return False
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # A program that opens the file just now makes the kernel send a signal to whoever has the lease: to us. The
        # usual one would end the process; this one is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False


def can_tell(folder: Path) -> bool:
    """Whether :func:`is_written` tells the truth of files in that folder, as tried out on one of our own."""
    if not _CAN_TELL:
        return False
    try:
        descriptor, path = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=folder)
    except OSError:
        return False
    try:
        while_open = is_written(path)
        os.close(descriptor)
        return while_open and not is_written(path)
    finally:
        Path(path).unlink(missing_ok=True)
