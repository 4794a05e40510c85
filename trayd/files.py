"""Small files that are written whole or not at all: settings, the daemon's address, reports."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from trayd.errors import TraydError


def write_atomically(path: Path, pieces: Iterable[str], *, private: bool = False) -> None:
    """Puts the text in the file; a reader sees the old file or the new one, never a part.

    Args:
        path: the file; its folder is made where it is missing.
        pieces: the text, in as many pieces as it comes in.
        private: readable by the user alone.

    Raises:
        TraydError: the folder or the file cannot be written; what was there is unchanged.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made with mode 0600, so that a private file is never readable by others, not even for a moment.
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
        temporary = ""
    except OSError as error:
        raise TraydError(f"{path} cannot be written ({error.strerror})", way_out(error)) from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def way_out(error: OSError) -> str:
    """What a person can do where the system refuses a file."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "make room on its disk, or choose another place"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "give yourself the right to write there, or choose another place"
    return "choose another place"


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
