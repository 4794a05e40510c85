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

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from zlib import crc32

import msgspec

from trayd.errors import LedgerError, LedgerFullError
from trayd.ledger.disk import Disk, NewFile, refusals, write_all

#: The version of the form of a ledger's files; see :mod:`trayd.ledger.formats`.
FORMAT = 2

#: About so much is written in one step.
_CHUNK_BYTES = 1 << 18

_SUM_END = 18  # len('{"sum":"01234567",')
_SEQ_AT = _SUM_END + len('"seq":')


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


class Held(msgspec.Struct, eq=False):
    """What came into a mirror since a mark, kept so that a new mirror can be written meanwhile.

    Attributes:
        tail: changes: the number of the first line, and the lines without numbers.
        new: the new mirror while it is written, and ``covers`` its last line that holds what was there at the mark.
    """

    mark: Mark
    tail: deque[tuple[int, tuple[bytes, ...]]]
    covers: int = 0
    new: NewFile | None = None


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
    data = _content(disk, path)
    file = _last_file(data) if data is not None else None
    if data is None or file is None or not 0 < file.size <= len(data):
        return None
    whole = memoryview(data)
    head = data[: data.index(b"\n")]
    if _seq_of(head) is None or _hex(crc32(whole[: file.size])) != file.crc:
        return None
    end = _read(data, file.size, file.covers, head)
    return None if end.broken or end.suspect else end


def _content(disk: Disk, path: Path) -> bytes | None:
    with refusals(path):
        data = disk.read(path)
    if data is not None:
        head = data.partition(b"\n")[0]
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


def _read(data: bytes, position: int = 0, last: int = 0, head: bytes = b"") -> Reading:
    """Reads lines from a position on, where the line of the number ``last`` ends; ``head`` is the first of all."""
    lines = [head] if head else []
    seqs = [number for line in lines if (number := _seq_of(line)) is not None]
    good = position
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
        good=good,
        crc=crc32(memoryview(data)[:good]),
        size=len(data),
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


class Journal:
    """A mirror that is appended to.

    Attributes:
        seq: the number of its last line; ``size`` its bytes and ``crc`` the CRC-32 of them all.
        changed: the number of the last line that is more than an announcement.
        poisoned: what the file holds is in doubt: a sync failed, so the system may have dropped what it had not
            written yet.
    """

    def __init__(
        self, disk: Disk, path: Path, pair: str, *, seq: int = 0, size: int = 0, crc: int = 0, changed: int = 0
    ) -> None:
        self._disk = disk
        self._path = path
        self._pair = pair
        self._handle: int | None = None
        self._known = size > 0
        self._held: Held | None = None
        self.seq = seq
        self.size = size
        self.crc = crc
        self.changed = changed
        self.poisoned = False

    def mark(self) -> Mark:
        """Where it ends now."""
        return Mark(self.size, self.crc, self.seq, self.changed)

    def append(self, rests: Sequence[bytes]) -> Mark:
        """Appends one change, of one or more lines, and returns when it is durable.

        Returns:
            Where the mirror ended before, for :meth:`take_back`.

        Raises:
            LedgerFullError: the disk refused; the mirror is as it was, or poisoned where even that is in doubt.
        """
        mark = self._append(rests)
        self.changed = self.seq
        if self._held is not None:
            self._held.tail.append((mark.seq + 1, tuple(rests)))
        return mark

    def announce(self, file: Announced, held: Held) -> None:
        """Tells durably of a TinyDB file that holds what the mirror held at the mark.

        Raises:
            LedgerFullError: the disk refused; the mirror is as it was, or poisoned where even that is in doubt.
        """
        if held is self._held:
            file = msgspec.structs.replace(file, size=held.mark.size, crc=_hex(held.mark.crc))
        self._append([_announcement(file)])

    def _append(self, rests: Sequence[bytes]) -> Mark:
        if self.poisoned:
            raise LedgerFullError(f"{self._path} is in doubt since the disk refused to store it", "try again")
        mark = self.mark()
        end, data = _change(mark, rests if self.size else [self._head(), *rests])
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
        self.size, self.crc, self.seq = end.size, end.crc, end.seq
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
        self.size, self.crc, self.seq, self.changed = mark.size, mark.crc, mark.seq, mark.changed
        tail = self._held.tail if self._held is not None else None
        while tail and tail[-1][0] > mark.seq:
            tail.pop()

    def _head(self, base: int = 0) -> bytes:
        begins_with = b',"base":%d' % base if base else b""
        return b'"trayd":%d,"pair":%s%s}' % (FORMAT, _text(self._pair), begins_with)

    def hold(self) -> Held:
        """Keeps from now on what is appended, until :meth:`let_go`, for :meth:`rotate_steps`."""
        self._held = Held(self.mark(), deque())
        return self._held

    @property
    def holds(self) -> bool:
        """Whether a checkpoint is under way."""
        return self._held is not None

    def let_go(self, held: Held) -> None:
        """Ends what :meth:`hold` began; nothing stays of a new mirror that is not complete."""
        if held.new is not None:
            held.new.discard()
            held.new = None
        if held is self._held:
            self._held = None

    def rewrite(self, documents: Iterable[tuple[str, str, bytes]], count: int) -> None:
        """Puts a new mirror in the place of this one, at once: of a poisoned one nothing can be used.

        Never in place: until the new one is complete the old one stays.

        Args:
            documents: everything that the pair holds, as (table, key, document).
            count: how many documents that are.

        Raises:
            LedgerFullError: the disk refused; the old mirror stays, or this one is poisoned where that is in doubt.
        """
        if self._held is not None:
            self.let_go(self._held)
        held = self.hold()
        try:
            for _ in self._new_mirror(held, documents, count, None):
                pass
        finally:
            self.let_go(held)
        self.changed = self.seq

    def rotate_steps(
        self, held: Held, documents: Iterable[tuple[str, str, bytes]], count: int, file: Announced
    ) -> Generator[None, None, int | None]:
        """Puts a new, shorter mirror in the place of this one, a little at a time.

        Changes go on into the old one meanwhile, and are copied behind the documents at the end. The numbers go on
        from those at the mark, so that the last line of the new mirror has a greater one than that of the old.

        Args:
            held: what was kept since the documents were as they are handed in.
            documents: everything that the pair held then, as (table, key, document).
            count: how many documents that are.
            file: the TinyDB file in place, which holds exactly these documents.

        Returns:
            The number of the last line of the new mirror that the file holds; None where it was given up because the
            mirror has been written anew in between.

        Raises:
            LedgerFullError: the disk refused; the old mirror stays, or this one is poisoned where that is in doubt.
        """
        with closing(self._new_mirror(held, documents, count, file)) as steps:
            for _ in steps:
                yield
                if held is not self._held:
                    return None
        return held.covers

    def _new_mirror(
        self, held: Held, documents: Iterable[tuple[str, str, bytes]], count: int, file: Announced | None
    ) -> Generator[None, None, None]:
        end = Mark(0, 0, held.mark.seq, held.mark.seq)
        with refusals(self._path):
            new = held.new = NewFile(self._disk, self._path)
            try:
                for rests in _gathered(self._head(count), documents):
                    end, data = _lines(end, rests)
                    if new.write(data):
                        yield
                        new.sync()
                    yield
                held.covers = end.seq
                if file is not None:
                    told = msgspec.structs.replace(file, covers=end.seq, size=end.size, crc=_hex(end.crc))
                    end, data = _lines(end, [_announcement(told)])
                    end = msgspec.structs.replace(end, changed=held.covers)
                    new.write(data)
                while held.tail:
                    end, data = _taken(end, held.tail)
                    new.write(data)
                    if held.tail:
                        yield
                        new.sync()
                        yield
                new.sync()
                self.close()
                new.take_place()
            except BaseException:
                new.discard()
                raise
            self.seq, self.size, self.crc, self.changed = end.seq, end.size, end.crc, end.changed
            self.poisoned = True  # until its name is durable as well
            self._disk.sync_folder(self._path.parent)
            self.poisoned, self._known = False, True

    def close(self) -> None:
        """Gives the file back; the next append opens it again."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            self._disk.close(handle)


def _hex(crc: int) -> str:
    return f"{crc:08x}"


def _announcement(file: Announced) -> bytes:
    return b'"file":%s}' % msgspec.json.encode(file)


def _lines(end: Mark, rests: Sequence[bytes]) -> tuple[Mark, bytes]:
    """What is appended behind this end, each line a change of its own; and the new end."""
    data = b"".join([_sealed(seq, rest) for seq, rest in enumerate(rests, end.seq + 1)])
    return _behind(end, data, len(rests))


def _change(end: Mark, rests: Sequence[bytes]) -> tuple[Mark, bytes]:
    """What is appended behind this end, all lines one change; and the new end."""
    first, last = end.seq + 1, end.seq + len(rests)
    lines = [
        _sealed(seq, rest, of=first if seq > first else 0, more=seq < last) for seq, rest in enumerate(rests, first)
    ]
    return _behind(end, b"".join(lines), len(rests))


def _behind(end: Mark, data: bytes, lines: int) -> tuple[Mark, bytes]:
    seq = end.seq + lines
    return Mark(end.size + len(data), crc32(data, end.crc), seq, seq), data


def _gathered(head: bytes, documents: Iterable[tuple[str, str, bytes]]) -> Iterator[list[bytes]]:
    """The lines of a new mirror, as many at once as are written in a moment."""
    rests = [head]
    size = 0
    for table, key, document in documents:
        rests.append(put_line(table, key, document))
        size += len(document)
        if size >= _CHUNK_BYTES:
            yield rests
            rests, size = [], 0
    yield rests


def _taken(end: Mark, tail: deque[tuple[int, tuple[bytes, ...]]]) -> tuple[Mark, bytes]:
    """Takes changes from the tail, as many as are written in a moment."""
    pieces: list[bytes] = []
    size = 0
    while tail and size < _CHUNK_BYTES:
        end, data = _change(end, tail.popleft()[1])
        pieces.append(data)
        size += len(data)
    return end, b"".join(pieces)
