"""Moves and places files: whole, and nothing is overwritten or taken away that was not looked at.

What has come into a file's place meanwhile stays there.

Files come by the ten thousand. For each there are as few system calls as that safety takes, on paths that are plain
text: making a ``Path`` costs more than most of the calls.
"""

# ruff: noqa: PTH104, PTH108, PTH112, PTH118, PTH119 - for the reason above

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from trayd.intake.unchanged import ChangedError, Signature, StrPath, opened, pieces, read_unchanged

_LONGEST_NAME = 255

# What a file system without hard links, or one that reserves them for a file's owner, answers.
_NO_HARD_LINK = frozenset({errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})

#: The end of the name that a file has for a moment, between its two places. A run that is killed then leaves it.
CLAIMED_END = ".trayd-taking"

#: The end of the name that a file has while it is written. A run that is killed then leaves a part of it.
WRITTEN_END = ".trayd-writing"


def move(source: StrPath, folder: StrPath, name: str, expected: Signature, *, watched: bool = True) -> str:
    """Moves what was looked at into the folder, under that name or one with a number; nothing is overwritten.

    Args:
        source: where it is; its folder is one that a watcher may look at.
        folder: where it goes.
        name: what it is to be called there.
        expected: its state when it was looked at.
        watched: whether anybody listens to what happens in the source's folder. Watchers learn of other files half a
            second late after a plain rename out of it, so the file gets a second name first and loses the old one then.

    Raises:
        ChangedError: the source has another state now; it stays where it is.
        OSError: it cannot be moved.
    """
    for candidate in _names(name):
        target = f"{folder}{os.sep}{candidate}"
        try:
            _move_to(source, target, expected, watched=watched)
        except FileExistsError:
            # Its second name was made by a run that ended before it took the first one away.
            if _signature(target) != expected or _signature(source) != expected:
                continue
            _take_away(source, expected)
        except FileNotFoundError:
            # It is the source that is not there, or another one is in its place since a moment ago.
            if os.path.isdir(folder):
                raise ChangedError from None
            raise
        return target
    raise AssertionError("there is always another name")  # pragma: no cover


def unclaim(folder: StrPath, claimed: str) -> None:
    """Gives a file its name again that a run which was killed left between its two places.

    Raises:
        OSError: it cannot be renamed.
    """
    _name(os.path.join(folder, claimed), folder, claimed.removesuffix(CLAIMED_END))


def discard_unfinished(folder: StrPath) -> None:
    """Takes away what runs that were killed had begun to write in a folder: whatever it was made from is still there.

    Raises:
        OSError: one cannot be taken away.
    """
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(WRITTEN_END):
                os.unlink(entry.path)


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
    return Path(_place_by(folder, name, lambda descriptor: _write(descriptor, content)))


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
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    if not stat.S_ISDIR(folder.lstat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def _move_to(source: StrPath, target: StrPath, expected: Signature, *, watched: bool) -> None:
    try:
        if watched and _second_name(source, target):
            _take_away(source, expected)
        else:
            _rename(source, target, expected)
    except ChangedError:
        # What has the second name may not be what was read either.
        with contextlib.suppress(FileNotFoundError):
            status = os.lstat(target)
            if Signature.of(status) != expected:
                if status.st_nlink > 1:
                    os.unlink(target)
                else:
                    _name(target, *os.path.split(source))
        raise
    except OSError as error:
        if error.errno != errno.EXDEV or not stat.S_ISREG(os.lstat(source).st_mode):
            raise
        if os.path.lexists(target):
            raise FileExistsError from None
        _copy(source, target, expected)
        _take_away(source, expected)


def _second_name(source: StrPath, target: StrPath) -> bool:
    """Gives a file another name; whether it can have two here.

    Raises:
        FileExistsError: something has that name.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except NotImplementedError:
        return False
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno in _NO_HARD_LINK:
            return False
        raise
    return True


def _rename(source: StrPath, target: StrPath, expected: Signature) -> None:
    if os.path.lexists(target):
        raise FileExistsError
    os.rename(source, target)
    # Only now nobody can put another one in its place. Some file systems give a renamed file a new inode.
    status = os.lstat(target)
    if not stat.S_ISDIR(status.st_mode) and _content(Signature.of(status)) != _content(expected):
        _name(target, *os.path.split(source))
        raise ChangedError


def _take_away(source: StrPath, expected: Signature) -> None:
    """Takes the name away from a file that has another one.

    Raises:
        ChangedError: another file has the name by now; it keeps it.
    """
    folder, name = os.path.split(source)
    claimed = os.path.join(folder, _claimed(name))
    if os.path.lexists(claimed):
        unclaim(folder, os.path.basename(claimed))
    # What is looked at under a name can be exchanged before the name is taken away. Under this one nobody does that.
    os.rename(source, claimed)
    if _signature(claimed) != expected:
        _name(claimed, folder, name)
        raise ChangedError
    os.unlink(claimed)


def _name(path: StrPath, folder: StrPath, name: str) -> str:
    """Gives a file that name, or one with a number where another one has it, in place of its own; its path then."""
    for candidate in _names(name):
        target = os.path.join(folder, candidate)
        try:
            if _second_name(path, target):
                os.unlink(path)
                return target
        except FileExistsError:
            continue
        if not os.path.lexists(target):
            os.rename(path, target)
            return target
    raise AssertionError("there is always another name")  # pragma: no cover


def _copy(source: StrPath, target: StrPath, expected: Signature) -> None:
    """Copies a file to another file system."""
    folder, name = os.path.split(target)
    descriptor = opened(source)

    def write(copy: int) -> None:
        for piece in pieces(descriptor, expected):
            _write(copy, piece)

    try:
        _place_by(Path(folder), name, write)
    finally:
        os.close(descriptor)


def _place_by(folder: Path, name: str, write: Callable[[int], None]) -> str:
    """Writes a file whole and durably, under that name or one with a number."""
    descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=WRITTEN_END, dir=folder)
    try:
        try:
            write(descriptor)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return _name(temporary, folder, name)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _claimed(name: str) -> str:
    stem, dot, end = _parted(name)
    return with_end(stem, f"{dot}{end}{CLAIMED_END}")


def _content(signature: Signature) -> tuple[int, int]:
    return signature.size, signature.modified_ns


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
    stem, dot, end = _parted(name)
    number = 2
    while True:
        yield with_end(stem, f" ({number}){dot}{end}")
        number += 1


def _parted(name: str) -> tuple[str, str, str]:
    stem, dot, end = name.rpartition(".")
    return (stem, dot, end) if stem else (name, "", "")
