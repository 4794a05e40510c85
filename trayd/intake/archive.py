"""Packed files, unpacked in memory and within limits: nothing in them is ever written to disk.

What a packed file promises to unpack to is checked before anything is unpacked, and no more than that is.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from typing import IO

import msgspec

from trayd.intake.kinds import LARGEST_FILE
from trayd.intake.rejection import RefusedError, Rejection, printable, shown

# What desktops and office programs leave beside files.
_LEFT_BEHIND = (".", "~$")
_LEFT_BEHIND_FOLDER = "__macosx/"

_MOST_MEMBERS = 10_000
_ENCRYPTED = 0x1

_UNPACK_YOURSELF = "unpack it and drop the tables that are in it"
_GET_AGAIN = "get it again from where it comes from"

# What Python's readers raise where a packed file is damaged, cut off, or packed in a way that they do not know.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError)


class Member(msgspec.Struct, frozen=True):
    """A file in an archive.

    Attributes:
        name: as the archive tells it, folders and all, made printable; a name, never a place on a disk.
    """

    name: str
    info: zipfile.ZipInfo

    @property
    def base(self) -> str:
        """Its name without folders, in lower case."""
        return self.name.replace("\\", "/").rpartition("/")[2].lower()


class Zip:
    """A zip file.

    Attributes:
        data: the zip file itself.
        members: the files in it, without what desktops add.
        unpacked: how many bytes they are altogether.

    Raises:
        RefusedError: it is damaged, has a password, or is too large once unpacked.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        try:
            self._file = zipfile.ZipFile(io.BytesIO(data))
        except _DAMAGED:
            raise _damaged("the file is damaged or cut off") from None
        listed = self._file.infolist()
        self.unpacked = sum(info.file_size for info in listed)
        if self.unpacked > LARGEST_FILE:
            raise too_large(self.unpacked)
        if len(listed) > _MOST_MEMBERS:
            problem = f"there are {len(listed):,} files in it, more than the {_MOST_MEMBERS:,} that are looked at"
            raise RefusedError(Rejection(problem=problem, cure=_UNPACK_YOURSELF))
        if any(info.flag_bits & _ENCRYPTED for info in listed):
            raise RefusedError(Rejection(problem="it has a password", cure=_UNPACK_YOURSELF))
        members = [Member(printable(info.filename), info) for info in listed if not info.is_dir()]
        self.members = tuple(
            member
            for member in members
            if not member.name.lower().startswith(_LEFT_BEHIND_FOLDER) and not member.base.startswith(_LEFT_BEHIND)
        )

    def has(self, name: str) -> bool:
        """Whether there is a file of that very name."""
        return name in self._file.NameToInfo

    def names(self) -> list[str]:
        """The names of all files, as the archive tells them."""
        return self._file.namelist()

    def open(self, name: str) -> IO[bytes]:
        """A file as a stream, which ends where the archive's list says that it does.

        Raises:
            RefusedError: there is no such file, or it cannot be unpacked.
        """
        try:
            return self._file.open(name)
        except (KeyError, RuntimeError, *_DAMAGED):
            raise _damaged(f'"{shown(printable(name))}", which should be in it, is missing or damaged') from None

    def content(self, name: str) -> bytes:
        """The content of the file of that very name.

        Raises:
            RefusedError: as :meth:`open`.
        """
        try:
            with self.open(name) as stream:
                return stream.read()
        except _DAMAGED:
            raise _damaged(f'"{shown(printable(name))}" in it is damaged') from None

    def read(self, member: Member) -> bytes:
        """A file's content.

        Raises:
            RefusedError: it cannot be unpacked.
        """
        try:
            return self._file.read(member.info)
        except (RuntimeError, *_DAMAGED):
            raise _damaged(f'"{shown(member.name)}" in it is damaged') from None


def unpack_gzip(data: bytes) -> bytes:
    """What a gzip file holds.

    Raises:
        RefusedError: it is damaged, or too large once unpacked.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            content = packed.read(LARGEST_FILE + 1)
    except _DAMAGED:
        raise _damaged("the file is damaged or cut off") from None
    if len(content) > LARGEST_FILE:
        raise too_large()
    return content


def too_large(size: int | None = None) -> RefusedError:
    """The refusal of what is more than is read, once it is unpacked."""
    most = f"{LARGEST_FILE // 2**20} MiB"
    told = f"more than {most}" if size is None else f"{-(-size // 2**20):,} MiB, and no more than {most} are read"
    cure = "unpack it and drop its files in smaller parts"
    return RefusedError(Rejection(problem=f"it unpacks to {told}", cure=cure))


def _damaged(problem: str) -> RefusedError:
    return RefusedError(Rejection(problem=problem, cure=_GET_AGAIN))
