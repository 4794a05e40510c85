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

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import msgspec

from trayd.errors import LedgerError
from trayd.ledger.disk import Disk, refusals

#: The version of the form of a ledger's files; see :mod:`trayd.ledger.formats`.
FORMAT = 2

_SUM_END = 18  # len('{"sum":"01234567",')
_SEQ_AT = _SUM_END + len('"seq":')

#: The first line is shorter; so much of a mirror is in memory at a time where it need not be read line by line.
_HEAD_BYTES = 4096
_PART_BYTES = 1 << 18


class Announced(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A TinyDB file that was about to be put into place.

    Attributes:
        seq: its number; ``sha256`` its hash, as its seal says them.
        covers: the last line that it holds.
        size: how many bytes of this mirror come before the line after that one; 0 where that is not told.
        crc: the CRC-32 of those bytes, in hex: as long as it fits, they need not be read line by line.
    """

    seq: int
    sha256: str
    covers: int
    size: int = 0
    crc: str = ""


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
    """A point in a mirror: how many bytes it has, the CRC-32 of them all, its last line and its last change."""

    size: int
    crc: int
    seq: int
    changed: int


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a mirror was found to hold.

    Attributes:
        lines: the intact lines, in order, without their line feeds.
        seqs: their numbers.
        good: how many bytes from the start are intact and complete; ``crc`` is the CRC-32 of them all.
        size: the file's size; what is beyond ``good`` of a mirror that is not ``broken`` was cut off while written.
        broken: an intact line of another change follows one that is not, or numbers are missing: this is damage.
        suspect: what is beyond ``good`` is a whole line, so that it may have been damaged rather than cut off.
        missing: there is no such file.
        incomplete: some of the documents that it began with are not there, so that it cannot stand alone.
    """

    lines: tuple[bytes, ...] = ()
    seqs: tuple[int, ...] = ()
    good: int = 0
    crc: int = 0
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

    def of_whole_changes(self) -> Reading:
        """The same without the lines of changes that damage has left in part."""
        kept: list[tuple[int, bytes]] = []
        change: list[tuple[int, bytes]] = []
        for seq, line in zip(self.seqs, self.lines, strict=True):
            entry = _decode(line)
            first = entry.of or seq
            if change and (change[0][0] != first or change[-1][0] + 1 != seq):
                change = []
            if change or first == seq:
                change.append((seq, line))
            if change and not entry.more:
                kept += change
                change = []
        return msgspec.structs.replace(self, seqs=tuple(seq for seq, _ in kept), lines=tuple(line for _, line in kept))

    def announced(self) -> list[Announced]:
        """The TinyDB files that it tells of."""
        told = (_decode(line).file for line in self.lines if b'"file":{' in line)
        return [file for file in told if file is not None]

    def held_by(self, sha256: str, seq: int) -> int:
        """The number of the last line that a file of this hash holds.

        That is the number ``seq`` which its seal says, and a later one of a mirror that was written anew with it.
        """
        told = [file.covers for file in self.announced() if file.sha256 == sha256]
        return max(told, default=seq)

    def documents(self, up_to: int) -> dict[tuple[str, str], bytes]:
        """What the lines up to that one come to: the documents by table and key."""
        rows: dict[tuple[str, str], bytes] = {}
        for entry in self.entries(up_to=up_to):
            if entry.put is not None:
                rows[entry.put, entry.key] = bytes(entry.doc)
            elif entry.drop is not None:
                rows.pop((entry.drop, entry.key), None)
        return rows


_decode = msgspec.json.Decoder(Entry).decode


def put_line(table: str, key: str, document: bytes) -> bytes:
    """The part of a line that says: this document is in the table."""
    return b'"put":%s,"key":%s,"doc":%s}' % (_text(table), _text(key), document)


def drop_line(table: str, key: str) -> bytes:
    """The part of a line that says: this document is gone."""
    return b'"drop":%s,"key":%s}' % (_text(table), _text(key))


def head_line(pair: str, base: int = 0) -> bytes:
    """The part of the first line that says: this is the mirror of that pair, and begins with so many documents."""
    begins_with = b',"base":%d' % base if base else b""
    return b'"trayd":%d,"pair":%s%s}' % (FORMAT, _text(pair), begins_with)


def file_line(file: Announced) -> bytes:
    """The part of a line that says: this TinyDB file is about to be put into place."""
    return b'"file":%s}' % msgspec.json.encode(file)


def hexadecimal(crc: int) -> str:
    """A CRC-32 as it is written."""
    return f"{crc:08x}"


def _text(value: str) -> bytes:
    return msgspec.json.encode(value)


def sealed(seq: int, rest: bytes, *, of: int = 0, more: bool = False) -> bytes:
    """A whole line; ``of`` is the number of its change's first line where it is not the first itself."""
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
    data = _content(disk, path)
    return Reading(missing=True) if data is None else _read(data)


def read_end(disk: Disk, path: Path) -> Reading | None:
    """Reads the first line of a mirror, and the lines that the last TinyDB file that it tells of does not hold.

    What lies between is not looked at line by line: the checksum over all of it, which was told together with that
    file, says that it is as it was written. So a mirror that has rotted is found at every start, as by :func:`read`,
    in a fraction of the time.

    Returns:
        None where only :func:`read` can tell: nothing is told of a file, or something does not fit.

    Raises:
        LedgerError: it was written by a newer trayd.
        LedgerFullError: it cannot be read.
    """
    with refusals(path):
        found = disk.stamp(path)
        if found is None:
            return None
        size = found[1]
        head, newline, _ = disk.read_part(path, 0, _HEAD_BYTES).partition(b"\n")
        if not newline or _seq_of(head) is None:
            return None
        refuse_newer(path, head)
        file = _last_told(disk, path, size)
        if file is None or not 0 < file.size <= size:
            return None
        if hexadecimal(_crc_of(disk, path, file.size)) != file.crc:
            return None
        tail = disk.read_part(path, file.size, size - file.size)
    end = _read(tail, file.covers, head, before=file.size, crc=int(file.crc, 16))
    return None if end.broken or end.suspect or end.size != size else end


def _last_told(disk: Disk, path: Path, size: int) -> Announced | None:
    """The last TinyDB file that a mirror of so many bytes tells of: most of the time it stands near the end."""
    length = _PART_BYTES
    while True:
        start = max(0, size - length)
        file = _last_file(disk.read_part(path, start, size - start))
        if file is not None or not start:
            return file
        length *= 4


def _crc_of(disk: Disk, path: Path, size: int) -> int:
    """The CRC-32 of the first so many bytes."""
    crc = 0
    for start in range(0, size, _PART_BYTES):
        crc = crc32(disk.read_part(path, start, min(_PART_BYTES, size - start)), crc)
    return crc


def _content(disk: Disk, path: Path) -> bytes | None:
    with refusals(path):
        data = disk.read(path)
    if data is not None:
        head = data[: data.find(b"\n")]
        if _seq_of(head) is not None:  # every format seals its first line like this; else the version is damaged, too
            refuse_newer(path, head)
    return data


def _last_file(data: bytes) -> Announced | None:
    """The last TinyDB file that a mirror tells of."""
    at = len(data)
    while (at := data.rfind(b',"file":{"seq":', 0, at)) >= 0:
        start = data.rfind(b"\n", 0, at) + 1
        line = data[start : data.find(b"\n", at)]
        if _seq_of(line) is not None and (file := _decode(line).file) is not None:
            return file
        at = start  # a document says something like it
    return None


def _read(data: bytes, last: int = 0, head: bytes = b"", *, before: int = 0, crc: int = 0) -> Reading:
    """Reads lines.

    Args:
        data: the mirror, or its end.
        last: the number of the line before.
        head: the first line of all, where it is not in the data.
        before: how many bytes come before.
        crc: the CRC-32 of these.
    """
    lines = [head] if head else []
    seqs = [number for line in lines if (number := _seq_of(line)) is not None]
    position = good = 0
    while (end := data.find(b"\n", position)) >= 0:
        line = data[position:end]
        seq = _seq_of(line)
        if seq is None or (last and seq != last + 1):
            break
        lines.append(line)
        seqs.append(seq)
        last = seq
        position = good = end + 1
    whole = data[good:].split(b"\n")[:-1]
    rest = [(seq, line) for line in whole if (seq := _seq_of(line)) is not None]
    broken = any((_decode(line).of or seq) > last + 1 for seq, line in rest)
    suspect = bool(whole)
    if not broken:
        rest.clear()
    for seq, line in rest:
        if seq > last:
            seqs.append(seq)
            lines.append(line)
            last = seq
    while lines and b'"more":true,' in lines[-1][:64]:
        line = lines.pop()
        seqs.pop()
        good -= 0 if broken else len(line) + 1
    return Reading(
        lines=tuple(lines),
        seqs=tuple(seqs),
        good=before + good,
        crc=crc32(memoryview(data)[:good], crc),
        size=before + len(data),
        broken=broken,
        suspect=suspect,
        incomplete=bool(lines) and seqs[0] + _decode(lines[0]).base > seqs[-1],
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
