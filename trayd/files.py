"""Small files that are written whole or not at all: settings, the daemon's address, reports."""

from __future__ import annotations

import errno
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from filecmp import cmp
from pathlib import Path

from trayd.errors import TraydError

#: Of a name that nobody else gives a file meanwhile.
_MARK_BYTES = 6

#: What a file is called until it is whole; nobody but trayd calls one so.
_ON_ITS_WAY = re.compile(r"\..+\.[A-Za-z0-9_-]{8}\.trayd-part", re.DOTALL)

#: Whoever writes a file has written to it a moment ago. What is older than this was left by a process that was killed,
#: on this machine or, in a folder on a network, on another one.
_LEFT_BEHIND_S = 24 * 3600


def write_atomically(path: Path, pieces: Iterable[str], *, private: bool = False) -> None:
    """Puts the text in the file; a reader sees the old file or the new one, never a part.

    Args:
        path: the file; its folder is made where it is missing.
        pieces: the text, in as many pieces as it comes in.
        private: readable by the user alone.

    Raises:
        TraydError: the folder or the file cannot be written; what was there is unchanged.
    """
    with _on_its_way(path, pieces, private=private) as temporary:
        temporary.replace(path)


def very_same(one: Path, other: Path) -> bool:
    """Whether two files have the same bytes."""
    return cmp(one, other, shallow=False)


def write_new(
    path: Path, pieces: Iterable[str], says_the_same: Callable[[Path, Path], bool] = very_same
) -> tuple[Path, bool]:
    """Puts the text in a file of its own, whole: nothing that is there is written over.

    Args:
        path: the file. Where there is one of that name with another text, the new one gets the next free number:
            ``report-2.html``. Its folder is made where it is missing.
        pieces: the text, in as many pieces as it comes in.
        says_the_same: whether a file with the new text and the one that is there need not both be.

    Returns:
        the file that has the text now, and whether it is new; one that says the same is left as it is.

    Raises:
        TraydError: the folder or the file cannot be written.
    """
    with _on_its_way(path, pieces) as temporary:
        place, number = path, 1
        while not _takes(place, temporary):
            if place.is_file() and says_the_same(temporary, place):
                return place, False
            number += 1
            place = path.with_stem(f"{path.stem}-{number}")
        return place, True


def _takes(place: Path, temporary: Path) -> bool:
    """Whether the file could be given that name, which nothing had before."""
    try:
        place.hardlink_to(temporary)
    except FileExistsError:
        return False
    except OSError:
        # A file system without hard links: who takes the name in this very moment is not seen.
        if os.path.lexists(place):
            return False
        temporary.replace(place)
    return True


@contextmanager
def _on_its_way(path: Path, pieces: Iterable[str], *, private: bool = False) -> Iterator[Path]:
    """A file beside the one that is to be, with its text, durable; it is gone afterwards, unless it got another name.

    Raises:
        TraydError: the folder or the file cannot be written, or whoever has the file could not go on with it.
    """
    # Its name is known before the file is there: whatever breaks this off, and whenever, it is found and taken away.
    temporary = path.with_name(f".{path.name}.{secrets.token_urlsafe(_MARK_BYTES)}.trayd-part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        # Made with mode 0600, so that a private file is never readable by others, not even for a moment.
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            temporary.chmod(0o666 & ~_umask())
        yield temporary
    except OSError as error:
        raise TraydError(f"{path} cannot be written ({error.strerror})", way_out(error)) from error
    finally:
        # Where not even the folder could be made, there is nothing to take away.
        with suppress(OSError):
            temporary.unlink()


def _sweep(folder: Path) -> None:
    """Takes away what was left half written there."""
    long_ago = time.time() - _LEFT_BEHIND_S
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _ON_ITS_WAY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):  # somebody else's, or taken away meanwhile
                    if entry.stat(follow_symlinks=False).st_mtime < long_ago:
                        Path(entry.path).unlink()


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
