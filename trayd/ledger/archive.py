"""Archives: a whole ledger in one zip file, as a copy or before it is cleared, and what such a file holds."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from trayd.errors import LedgerError, LedgerFullError
from trayd.ledger.disk import TEMPORARY, Disk, refusals, write_all
from trayd.ledger.month import MONTH
from trayd.ledger.pair import LedgerPaths

#: What a file is called that waits to be put into its place; see :mod:`trayd.ledger.swap`.
STAGED = ".restoring"

# Whole names only: the backup can be in a folder that has other files of the user's.
_NAME = rf"state|state-{MONTH}|{MONTH}"
_KEPT_ASIDE = r"(?:\.(?:damaged|edited|replaced)-[0-9]{8}T[0-9]{6}Z(?:-[0-9]+)?)"
_PACKED = re.compile(rf"ledger/({_NAME})\.json|backup/({_NAME})\.jsonl")
_ASIDE = re.compile(rf"(?:{_PACKED.pattern}){_KEPT_ASIDE}?(?:\.tmp|{re.escape(STAGED)})?")

_CHUNK = 1 << 20
_MB = 1_000_000
_ENCRYPTED = 1


class Packed(msgspec.Struct, frozen=True):
    """What an archive was found to hold: the names of its pairs, and all their bytes when unpacked."""

    names: tuple[str, ...]
    size: int


class _Sink(io.RawIOBase):
    """A file that can only be written forward, through the ledger's file calls."""

    def __init__(self, disk: Disk, handle: int) -> None:
        self._disk = disk
        self._handle = handle

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # zipfile writes bytes
        write_all(self._disk, self._handle, data)
        return len(data)


def files_of(folders: LedgerPaths, *, kept_aside: bool) -> list[tuple[Path, str]]:
    """The ledger's own files, and what each is called in an archive.

    Args:
        folders: of the ledger; what else is in them is left alone.
        kept_aside: take copies of damaged or edited files, and what a crash left, as well.

    Raises:
        LedgerFullError: a folder cannot be read.
    """
    found = []
    for part, folder in (("ledger", folders.ledger), ("backup", folders.backup)):
        with refusals(folder):
            for path in sorted(folder.iterdir()):
                name = f"{part}/{path.name}"
                if path.is_file() and (_ASIDE if kept_aside else _PACKED).fullmatch(name):
                    found.append((path, name))
    return found


def in_order(names: Iterable[str]) -> list[str]:
    """The names of pairs as they are worked through: the state, its past, the months."""
    return sorted(names, key=lambda name: (name != "state", not name.startswith("state"), name))


def names_in(folders: LedgerPaths) -> list[str]:
    """The pairs that there are, of which one file at least is there.

    Raises:
        LedgerFullError: a folder cannot be read.
    """
    return in_order({path.name.partition(".")[0] for path, _ in files_of(folders, kept_aside=False)})


def free_name(folders: LedgerPaths, stem: str) -> Path:
    """A name beside the ledger's folder that no file has yet."""
    target = folders.ledger.parent / f"{stem}.zip"
    number = 1
    while target.exists():
        number += 1
        target = target.with_name(f"{stem}-{number}.zip")
    return target


def stem_of(folders: LedgerPaths, now: datetime) -> str:
    """What an archive made at this time is called, without its end."""
    return f"{folders.ledger.name}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def pack(files: Iterable[tuple[Path, str]], target: Path, disk: Disk) -> None:
    """Makes a durable zip file; until it is complete there is none of that name.

    Raises:
        LedgerFullError: the disk refused; nothing is left of it.
    """
    temporary = target.with_name(target.name + TEMPORARY)
    with refusals(target):
        try:
            handle = disk.open_new(temporary)
            try:
                with zipfile.ZipFile(_Sink(disk, handle), "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as packed:
                    for path, name in files:
                        packed.write(path, name)
                disk.sync(handle)
            finally:
                disk.close(handle)
            disk.replace(temporary, target)
            disk.sync_folder(target.parent)
        except BaseException:
            with suppress(OSError):
                disk.remove(temporary)
            raise


@contextmanager
def opened(source: Path) -> Iterator[zipfile.ZipFile]:
    """An archive to read, with what can be wrong with it in words.

    Raises:
        LedgerError: there is no such file, it is no zip file, or a part of it is damaged.
    """
    try:
        with zipfile.ZipFile(source) as packed:
            yield packed
    except FileNotFoundError as error:
        raise LedgerError(f"there is no file {source}", "name the zip file of a backup") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise LedgerError(
            f"{source} is no zip file, or a damaged one ({error})", "take another backup; nothing was changed"
        ) from error
    except NotImplementedError as error:
        raise LedgerError(
            f"{source} is packed in a way that trayd does not read ({error})", "pack it again as an ordinary zip file"
        ) from error


def look_into(packed: zipfile.ZipFile, source: Path) -> Packed:
    """What is in an archive by its list of contents alone.

    Raises:
        LedgerError: it has files that no ledger has, one twice, a locked one, or no ledger at all.
    """
    names: set[str] = set()
    seen: set[str] = set()
    size = 0
    for entry in packed.infolist():
        name = entry.filename
        match = _PACKED.fullmatch(name)
        if match is None:
            if name in {"ledger/", "backup/"} or _ASIDE.fullmatch(name):
                continue
            raise LedgerError(f"{source} holds {name!r}, which no ledger has", "name the zip file of a backup")
        if name in seen:
            raise LedgerError(f"{source} holds {name} twice", "take another backup; nothing was changed")
        if entry.flag_bits & _ENCRYPTED:
            raise LedgerError(f"{source} is locked with a password", "unlock it first: pack it again without one")
        seen.add(name)
        names.add(match[1] or match[2])
        size += entry.file_size
    if not names:
        raise LedgerError(f"{source} holds no ledger", "name the zip file of a backup")
    return Packed(tuple(in_order(names)), size)


def unpack(packed: zipfile.ZipFile, name: str, target: Path, disk: Disk) -> bool:
    """Writes one of its files to disk, durable, under its final name; False where the archive has no such file.

    Never more than the list of contents says is written; zipfile sees to it, and checks the sum.

    Raises:
        LedgerFullError: the disk refused; nothing is left of it.
    """
    try:
        entry = packed.getinfo(name)
    except KeyError:
        return False
    with refusals(target), packed.open(entry) as source:
        try:
            handle = disk.open_new(target)
            try:
                while chunk := source.read(_CHUNK):
                    write_all(disk, handle, chunk)
                disk.sync(handle)
            finally:
                disk.close(handle)
        except BaseException:
            with suppress(OSError):
                disk.remove(target)
            raise
    return True


def refuse_without_room(size: int, folder: Path) -> None:
    """Looks whether there is room for so many bytes, before anything is touched.

    Raises:
        LedgerFullError: there is not.
    """
    with refusals(folder):
        free = shutil.disk_usage(folder).free
    if size > free:
        raise LedgerFullError(
            f"{folder}: {_told(size)} are needed and {_told(free)} are free", "make room on that disk"
        )


def _told(size: int) -> str:
    return f"{size / _MB:,.1f} MB" if size >= _MB else f"{size / 1000:,.0f} kB"
