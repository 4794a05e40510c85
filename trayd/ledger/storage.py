"""The TinyDB file: written whole, beside the old one, and sealed with a hash of itself.

The seal is a table of one document, so that stock TinyDB opens the file like any other. It says how many of the
mirror's lines the file holds, and tells a file that trayd wrote from one that was edited, or damaged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from enum import Enum, auto
from pathlib import Path
from typing import Any

import msgspec
from tinydb.storages import Storage

from trayd.ledger.disk import Disk, NewFile, refusals
from trayd.ledger.journal import FORMAT, Announced, refuse_newer

#: The table that holds the seal.
SEAL_TABLE = "trayd"

_SEAL_START = b',\n"trayd": {"1": '
_SEAL_LINE = _SEAL_START[2:]
_CHUNK_BYTES = 1 << 18


class FileState(Enum):
    """What a TinyDB file was found to be."""

    MISSING = auto()
    SOUND = auto()  #: as trayd wrote it
    EDITED = auto()  #: it parses, but the seal does not fit: another program wrote it, or it is of another month
    DAMAGED = auto()


class Seal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the file says of itself.

    Attributes:
        trayd: the version of its format.
        seq: the number of the last mirror line that it holds.
        sha256: of all that stands before the seal.
        pair: whose file it is: ``2026-11``; empty in files of trayd 0.1.
    """

    trayd: int
    seq: int
    sha256: str
    pair: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was found: its state, its documents still encoded, its seal and its bytes."""

    state: FileState
    tables: dict[str, dict[str, msgspec.Raw]] = {}
    seal: Seal | None = None
    content: bytes = b""


class SealedStorage(Storage):
    """TinyDB's storage of one file of the ledger."""

    def __init__(self, path: Path, *, disk: Disk) -> None:
        self.path = path
        #: The size of the file as it was written or read last, in bytes.
        self.size = 0
        #: The number that its seal says, as it was written or read last; 0 where there was no file of trayd's.
        self.seq = 0
        self._disk = disk
        self._stamp: tuple[int, int, int] | None = None

    def take_sound(self, take: Callable[[str, bytes], object]) -> Found | None:
        """Reads a file that is as trayd wrote it line by line, and hands its documents on as they come.

        A month's documents take as much memory as what is made of them: those of a file that is sound, as almost every
        one is, are never in memory all at once.

        Args:
            take: is given a table's name and a document of it; a MsgspecError, KeyError or ValueError of it means that
                it can do nothing with these.

        Returns:
            The file without its documents; None where only :meth:`examine` can tell what it is, and where it is not
            sound: what was handed on means nothing then.

        Raises:
            LedgerFullError: it cannot be read.
        """
        digest = hashlib.sha256()
        size = 0
        held = seal = b""
        table = ""
        with refusals(self.path):
            try:
                for line in self._disk.lines(self.path):
                    size += len(line)
                    if seal:
                        return None  # it is the last line of a file of ours
                    if _is_document(held):
                        take(table, _document(held, last=not _is_document(line)))
                    elif held:
                        table = _table_of(held)
                    if line.startswith(_SEAL_LINE):
                        seal = line
                        held = held.removesuffix(_SEAL_START[:2])
                    digest.update(held)
                    held = line
            except (msgspec.MsgspecError, KeyError, ValueError):
                return None
            self._stamp = self._disk.stamp(self.path)
        return self._sealed(seal, digest.hexdigest(), size)

    def _sealed(self, line: bytes, sha256: str, size: int) -> Found | None:
        """The file as sound, where its last line is the seal that it has to have."""
        try:
            seal = msgspec.json.decode(line.removeprefix(_SEAL_LINE).removesuffix(b"}}\n"), type=Seal)
        except (msgspec.MsgspecError, ValueError):
            return None
        if (
            _SEAL_START[:2] + line != _seal(seal)
            or seal.sha256 != sha256
            or seal.pair not in {"", self.path.stem}
            or seal.trayd > FORMAT
        ):
            return None
        self.size, self.seq = size, seal.seq
        return Found(state=FileState.SOUND, seal=seal)

    def examine(self) -> Found:
        """Reads the file and judges it.

        Raises:
            LedgerError: a newer trayd wrote it.
            LedgerFullError: it cannot be read.
        """
        with refusals(self.path):
            content = self._disk.read(self.path)
            self._stamp = self._disk.stamp(self.path)
        if content is None:
            return Found(state=FileState.MISSING)
        self.size = len(content)
        try:
            if not content.isascii():
                content.decode()  # a document is decoded later, and then it has to be text
            tables = _tables(content)
            raw_seal = tables.pop(SEAL_TABLE, {}).get("1")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return Found(state=FileState.DAMAGED, content=content)
        if raw_seal is None:
            return Found(state=FileState.EDITED, tables=tables, content=content)
        refuse_newer(self.path, bytes(raw_seal))
        try:
            seal = msgspec.json.decode(raw_seal, type=Seal)
        except msgspec.MsgspecError:
            return Found(state=FileState.EDITED, tables=tables, content=content)
        at = content.rfind(_SEAL_START)
        ours = (
            at >= 0
            and seal.pair in {"", self.path.stem}
            and content[at:] == _seal(seal)
            and hashlib.sha256(memoryview(content)[:at]).hexdigest() == seal.sha256
        )
        state = FileState.SOUND if ours else FileState.EDITED
        self.seq = seal.seq if ours else 0
        return Found(state=state, tables=tables, seal=seal, content=content)

    def read(self) -> dict[str, dict[str, Any]] | None:
        """The documents as TinyDB wants them; None where there is no file."""
        content = self._disk.read(self.path)
        if not content:
            return None
        tables: dict[str, dict[str, Any]] = msgspec.json.decode(content)
        tables.pop(SEAL_TABLE, None)
        return tables

    def write(self, data: Mapping[str, Mapping[str, Any]]) -> None:
        """Replaces the file by these documents, as TinyDB asks for it; the ledger itself uses :meth:`checkpoint`."""
        encoded = {name: map(msgspec.json.encode, table.values()) for name, table in data.items()}
        self.checkpoint(encoded, seq=0, announce=lambda _: None)

    def checkpoint(
        self, tables: Mapping[str, Iterable[bytes]], *, seq: int, announce: Callable[[Announced], None]
    ) -> None:
        """Replaces the file, without a pause; see :meth:`checkpoint_steps`.

        Raises:
            LedgerFullError: the disk refused; the old file stays, or the new one is there but not surely durable.
        """
        for _ in self.checkpoint_steps(tables, seq=seq, announce=announce):
            pass

    def checkpoint_steps(
        self, tables: Mapping[str, Iterable[bytes]], *, seq: int, announce: Callable[[Announced], None]
    ) -> Generator[None, None, Announced]:
        """Replaces the file a little at a time: at every moment the old one or the new one is there, whole.

        Each step takes a few milliseconds; a generator that is closed early leaves the old file and nothing else.

        Args:
            tables: the encoded documents of each table, in the order of their numbers.
            seq: the number of the last mirror line that they hold.
            announce: is told of the new file when it is durable and before it gets its name.

        Raises:
            LedgerFullError: the disk refused; the old file stays, or the new one is there but not surely durable.
        """
        digest = hashlib.sha256()
        size = 0
        with refusals(self.path):
            new = NewFile(self._disk, self.path)
            try:
                for chunk in _gathered(_body(tables)):
                    digest.update(chunk)
                    size += len(chunk)
                    if new.write(chunk):
                        yield
                        new.sync()
                    yield
                seal = _seal(Seal(trayd=FORMAT, seq=seq, sha256=digest.hexdigest(), pair=self.path.stem))
                new.write(seal)
                new.sync()
                yield
                file = Announced(seq=seq, sha256=digest.hexdigest(), covers=seq)
                announce(file)
                new.take_place()
            except BaseException:
                new.discard()
                raise
            self._stamp = self._disk.stamp(self.path)
            self.size, self.seq = size + len(seal), seq
            self._disk.sync_folder(self.path.parent)
        return file

    def touched(self) -> bool:
        """Whether another program has written the file since it was read or written here."""
        return self._disk.stamp(self.path) not in (None, self._stamp)


def _tables(content: bytes) -> dict[str, dict[str, msgspec.Raw]]:
    return msgspec.json.decode(content, type=dict[str, dict[str, msgspec.Raw]])


def _seal(seal: Seal) -> bytes:
    return _SEAL_START + msgspec.json.encode(seal) + b"}}\n"


def _body(tables: Mapping[str, Iterable[bytes]]) -> Iterator[bytes]:
    start = b"{"
    for name, documents in tables.items():
        yield b"%s%s: {" % (start, msgspec.json.encode(name))
        start = b",\n"
        between = b"\n"
        for number, document in enumerate(documents, start=1):
            yield b'%s"%d": %s' % (between, number, document)
            between = b",\n"
        yield b"}"


def _is_document(line: bytes) -> bool:
    """Whether a line of a file of ours holds a document: these are numbered, and tables have names."""
    return line[:1] == b'"' and line[1:2].isdigit()


def _document(line: bytes, *, last: bool) -> bytes:
    """The document of a line; the last one of its table has the table's own end behind it."""
    document = line.partition(b" ")[2].removesuffix(b",\n").removesuffix(b"}" if last else b"")
    if not document.isascii():
        document.decode()  # parts of it are decoded later, and then they have to be text
    return document


def _table_of(heading: bytes) -> str:
    return heading.partition(b'"')[2].partition(b'"')[0].decode()


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    gathered: list[bytes] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= _CHUNK_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
    yield b"".join(gathered)
