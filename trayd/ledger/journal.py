"""The mirror: one checksummed, numbered line of JSON for each change, appended and synced before it is acknowledged.

A line is ``{"sum":"CRC-32 in hex","seq":N,…}``; the sum is over all that follows its comma, up to the line feed. A
mirror holds everything that its TinyDB file does: it starts empty, or with all documents. Lines of one change carry
``"more":true`` but for the last, so that a change that was cut off is none; and all but the first carry ``"of":N``,
the number of the first: a power cut can leave any blocks of what was not synced, and what is whole behind a hole is
damage only where it is of another change than the hole.

====================  ==========================================================================================
line has              meaning
====================  ==========================================================================================
``trayd``, ``pair``   the first line: format version, and what the mirror is of; ``base``: so many documents follow
                      that this mirror began with, without which it is incomplete
``put``, ``key``,     the document of this key in the table ``put`` is now ``doc``
``doc``
``drop``, ``key``     there is no document of this key in the table ``drop`` any more
``file``              a TinyDB file with this ``sha256`` and number is about to be renamed into place; it holds all
                      lines up to ``covers``
====================  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import msgspec

from trayd.errors import LedgerError
from trayd.ledger.disk import Disk, refusals, write_all, write_beside

FORMAT = 1

_SUM_END = 18  # len('{"sum":"01234567",')
_SEQ_AT = _SUM_END + len('"seq":')


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """A TinyDB file that was about to be put into place."""

    seq: int
    sha256: str
    covers: int


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line."""

    seq: int
    of: int = 0
    more: bool = False
    trayd: int | None = None
    pair: str | None = None
    base: int = 0
    put: str | None = None
    drop: str | None = None
    key: str = ""
    doc: msgspec.Raw = msgspec.Raw(b"")
    file: Announced | None = None


class Mark(msgspec.Struct, frozen=True):
    """A point to go back to."""

    size: int
    seq: int


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a mirror was found to hold.

    Attributes:
        lines: the intact lines, in order, without their line feeds.
        seqs: their numbers.
        good: how many bytes from the start are intact and complete.
        size: the file's size; what is beyond ``good`` of a mirror that is not ``broken`` was cut off while written.
        broken: an intact line of another change follows one that is not, or numbers are missing: this is damage.
        suspect: what is beyond ``good`` is a whole line, so that it may have been damaged rather than cut off.
        missing: there is no such file.
        incomplete: some of the documents that it began with are not there, so that it cannot stand alone.
    """

    lines: tuple[bytes, ...] = ()
    seqs: tuple[int, ...] = ()
    good: int = 0
    size: int = 0
    broken: bool = False
    suspect: bool = False
    missing: bool = False
    incomplete: bool = False

    @property
    def first(self) -> int:
        """The number of the first line, 0 where there is none."""
        return self.seqs[0] if self.seqs else 0

    @property
    def last(self) -> int:
        """The number of the last line, 0 where there is none."""
        return self.seqs[-1] if self.seqs else 0

    def entries(self, after: int = 0, up_to: int | None = None) -> Iterable[Entry]:
        """The lines with greater numbers than ``after`` and none greater than ``up_to``."""
        for seq, line in zip(self.seqs, self.lines, strict=True):
            if seq > after and (up_to is None or seq <= up_to):
                yield _decode(line)

    def announced(self) -> list[Announced]:
        """The TinyDB files that it tells of."""
        told = (_decode(line).file for line in self.lines if b'"file":{' in line)
        return [file for file in told if file is not None]


_decode = msgspec.json.Decoder(Entry).decode


def put_line(table: str, key: str, document: bytes) -> bytes:
    """The part of a line that says: this document is in the table."""
    return b'"put":%s,"key":%s,"doc":%s}' % (_text(table), _text(key), document)


def drop_line(table: str, key: str) -> bytes:
    """The part of a line that says: this document is gone."""
    return b'"drop":%s,"key":%s}' % (_text(table), _text(key))


def _text(value: str) -> bytes:
    return msgspec.json.encode(value)


def _sealed(seq: int, rest: bytes, *, of: int = 0, more: bool = False) -> bytes:
    body = b'"seq":%d,%s%s%s' % (seq, b'"of":%d,' % of if of else b"", b'"more":true,' if more else b"", rest)
    return b'{"sum":"%08x",%s\n' % (crc32(body), body)


def _seq_of(line: bytes) -> int | None:
    """The number of an intact line; None where it is not intact."""
    if line[:8] != b'{"sum":"' or line[16:_SUM_END] != b'",' or line[_SUM_END:_SEQ_AT] != b'"seq":':
        return None
    if line[8:16] != b"%08x" % crc32(line[_SUM_END:]):
        return None
    try:
        return int(line[_SEQ_AT : line.index(b",", _SEQ_AT)])
    except ValueError:
        return None


def read(disk: Disk, path: Path) -> Reading:
    """Reads a mirror, every line of it.

    Raises:
        LedgerError: it was written by a newer trayd.
        LedgerFullError: it cannot be read.
    """
    with refusals(path):
        data = disk.read(path)
    if data is None:
        return Reading(missing=True)
    head = data.partition(b"\n")[0]
    if _seq_of(head) is not None:  # every format seals its first line like this; else the version is damaged, too
        refuse_newer(path, head)
    lines: list[bytes] = []
    seqs: list[int] = []
    position = good = 0
    while (end := data.find(b"\n", position)) >= 0:
        line = data[position:end]
        seq = _seq_of(line)
        if seq is None or (seqs and seq != seqs[-1] + 1):
            break
        lines.append(line)
        seqs.append(seq)
        position = good = end + 1
    whole = data[good:].split(b"\n")[:-1]
    rest = [(seq, line) for line in whole if (seq := _seq_of(line)) is not None]
    hole = seqs[-1] + 1 if seqs else 1
    broken = any((_decode(line).of or seq) > hole for seq, line in rest)
    suspect = bool(whole)
    if not broken:
        rest.clear()
    for seq, line in rest:
        if not seqs or seq > seqs[-1]:
            seqs.append(seq)
            lines.append(line)
    while lines and b'"more":true,' in lines[-1][:64]:
        line = lines.pop()
        seqs.pop()
        good -= 0 if broken else len(line) + 1
    incomplete = bool(lines) and seqs[0] + _decode(lines[0]).base > seqs[-1]
    return Reading(
        lines=tuple(lines),
        seqs=tuple(seqs),
        good=good,
        size=len(data),
        broken=broken,
        suspect=suspect,
        incomplete=incomplete,
    )


class _Format(msgspec.Struct):
    trayd: int


def refuse_newer(path: Path, head: bytes) -> None:
    """Looks at a format version before anything is judged by the rules of this one.

    Raises:
        LedgerError: a newer trayd wrote it.
    """
    with suppress(msgspec.MsgspecError):
        found = msgspec.json.decode(head, type=_Format).trayd
        if found > FORMAT:
            raise LedgerError(
                f"{path} was written by a newer trayd (format {found}, this one knows {FORMAT})", "update trayd"
            )


class Journal:
    """A mirror that is appended to."""

    def __init__(self, disk: Disk, path: Path, pair: str, *, seq: int = 0, size: int = 0) -> None:
        self._disk = disk
        self._path = path
        self._pair = pair
        self._handle: int | None = None
        self._known = size > 0
        self.seq = seq
        self.size = size
        #: What the file holds is in doubt: a sync failed, so the system may have dropped what it had not written.
        self.poisoned = False

    def append(self, rests: Sequence[bytes]) -> Mark:
        """Appends one change, of one or more lines, and returns when it is durable.

        Returns:
            Where the mirror ended before, for :meth:`take_back`.

        Raises:
            LedgerFullError: the disk refused; the mirror is as it was, or poisoned where even that is in doubt.
        """
        if self.poisoned:
            raise LedgerError(f"{self._path} is in doubt since the disk refused to store it", "try again")
        mark = Mark(self.size, self.seq)
        rests = rests if self.size else [self._head(), *rests]
        first, last = self.seq + 1, self.seq + len(rests)
        lines = [
            _sealed(number, rest, of=first if number > first else 0, more=number < last)
            for number, rest in enumerate(rests, start=first)
        ]
        data = b"".join(lines)
        with refusals(self._path):
            try:
                if self._handle is None:
                    self._handle = self._disk.open_append(self._path)
                write_all(self._disk, self._handle, data)
                self._sync(self._handle)
                if not self._known:
                    self._disk.sync_folder(self._path.parent)
                    self._known = True
            except BaseException:
                self.take_back(mark)
                raise
        self.size += len(data)
        self.seq += len(lines)
        return mark

    def _sync(self, handle: int) -> None:
        try:
            self._disk.sync(handle)
        except OSError:
            self.poisoned = True
            raise

    def take_back(self, mark: Mark) -> None:
        """Cuts off what was appended since; where the disk refuses that too, the mirror is poisoned."""
        if self._handle is not None:
            try:
                self._disk.truncate(self._handle, mark.size)
                self._disk.sync(self._handle)
            except OSError:
                self.poisoned = True
        self.size, self.seq = mark.size, mark.seq

    def _head(self, base: int = 0) -> bytes:
        begins_with = b',"base":%d' % base if base else b""
        return b'"trayd":%d,"pair":%s%s}' % (FORMAT, _text(self._pair), begins_with)

    def rewrite(self, documents: Iterable[tuple[str, str, bytes]], count: int, file: Announced | None) -> None:
        """Puts a new mirror in the place of this one: all documents as (table, key, document), then the file.

        Never in place: until the new one is complete the old one stays, and this also mends a poisoned one.

        Args:
            documents: everything that the pair holds.
            count: how many documents that are.
            file: the TinyDB file that holds exactly these documents.

        Raises:
            LedgerFullError: the disk refused; the old mirror stays, or this one is poisoned where that is in doubt.
        """
        seq, size = self.seq, 0

        def lines() -> Iterable[bytes]:
            nonlocal seq, size
            rests: list[bytes] = [self._head(count)]
            for table, key, document in documents:
                rests.append(put_line(table, key, document))
                if len(rests) >= _CHUNK:
                    yield from sealed(rests)
                    rests.clear()
            yield from sealed(rests)
            if file is not None:
                yield from sealed([announcement(msgspec.structs.replace(file, covers=seq))])

        def sealed(rests: list[bytes]) -> Iterable[bytes]:
            nonlocal seq, size
            data = b"".join(_sealed(number, rest) for number, rest in enumerate(rests, start=seq + 1))
            seq, size = seq + len(rests), size + len(data)
            yield data

        with refusals(self._path):
            temporary = write_beside(self._disk, self._path, lines())
            self.close()
            try:
                self._disk.replace(temporary, self._path)
            except BaseException:
                with suppress(OSError):
                    self._disk.remove(temporary)
                raise
            self.seq, self.size = seq, size
            self.poisoned = True  # until its name is durable as well
            self._disk.sync_folder(self._path.parent)
            self.poisoned, self._known = False, True

    def close(self) -> None:
        """Gives the file back; the next append opens it again."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            self._disk.close(handle)


_CHUNK = 1000


def announcement(file: Announced) -> bytes:
    """The part of a line that says: this TinyDB file is about to be put into place."""
    return b'"file":%s}' % msgspec.json.encode(file)
