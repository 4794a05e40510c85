"""A mirror that is appended to, and written anew when it has grown long, a little at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from zlib import crc32

import msgspec

from trayd.errors import LedgerFullError
from trayd.ledger.disk import Disk, NewFile, refusals, write_all
from trayd.ledger.journal import Announced, Mark, file_line, head_line, hexadecimal, put_line, sealed

#: About so much is written in one step.
_CHUNK_BYTES = 1 << 18


class RotationBuffer(msgspec.Struct, eq=False):
    """The buffer of a rotation: what came into a mirror since a mark, kept while a new mirror is written.

    Attributes:
        tail: changes: the number of the first line, and the lines without numbers.
        new: the new mirror while it is written, and ``covers`` its last line that holds what was there at the mark.
    """

    mark: Mark
    tail: deque[tuple[int, tuple[bytes, ...]]]
    covers: int = 0
    new: NewFile | None = None


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
        self._identity: tuple[int, int] | None = None
        self._known = size > 0
        self._buffer: RotationBuffer | None = None
        self.seq = seq
        self.size = size
        self.crc = crc
        self.changed = changed
        self.poisoned = False

    @property
    def stands(self) -> bool:
        """Whether the file is there as it was left; another program can take it away, exchange it, or write there.

        Raises:
            LedgerFullError: the disk does not say.
        """
        with refusals(self._path):
            return self._disk.stands(self._path, self.size, self._identity)

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
        if self._buffer is not None:
            self._buffer.tail.append((mark.seq + 1, tuple(rests)))
        return mark

    def announce(self, file: Announced, buffer: RotationBuffer) -> None:
        """Tells durably of a TinyDB file that holds what the mirror held at the mark.

        Raises:
            LedgerFullError: the disk refused; the mirror is as it was, or poisoned where even that is in doubt.
        """
        if buffer is self._buffer:
            file = msgspec.structs.replace(file, size=buffer.mark.size, crc=hexadecimal(buffer.mark.crc))
        self._append([file_line(file)])

    def _append(self, rests: Sequence[bytes]) -> Mark:
        if self.poisoned:
            raise LedgerFullError(f"{self._path} is in doubt since the disk refused to store it", "try again")
        mark = self.mark()
        end, data = _change(mark, rests if self.size else [head_line(self._pair), *rests])
        with refusals(self._path):
            try:
                if self._handle is None:
                    self._handle = self._disk.open_append(self._path)
                    self._identity = self._disk.identity(self._handle)
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
        tail = self._buffer.tail if self._buffer is not None else None
        while tail and tail[-1][0] > mark.seq:
            tail.pop()

    def hold(self) -> RotationBuffer:
        """Keeps from now on what is appended, until :meth:`let_go`, for :meth:`rotate_steps`."""
        self._buffer = RotationBuffer(self.mark(), deque())
        return self._buffer

    @property
    def holds(self) -> bool:
        """Whether a checkpoint is under way."""
        return self._buffer is not None

    def let_go(self, buffer: RotationBuffer) -> None:
        """Ends what :meth:`hold` began; nothing stays of a new mirror that is not complete."""
        if buffer.new is not None:
            buffer.new.discard()
            buffer.new = None
        if buffer is self._buffer:
            self._buffer = None

    def rewrite(self, documents: Iterable[tuple[str, str, bytes]], count: int) -> None:
        """Puts a new mirror in the place of this one, at once: of a poisoned one nothing can be used.

        Never in place: until the new one is complete the old one stays.

        Args:
            documents: everything that the pair holds, as (table, key, document).
            count: how many documents that are.

        Raises:
            LedgerFullError: the disk refused; the old mirror stays, or this one is poisoned where that is in doubt.
        """
        if self._buffer is not None:
            self.let_go(self._buffer)
        buffer = self.hold()
        try:
            for _ in self._new_mirror(buffer, documents, count, None):
                pass
        finally:
            self.let_go(buffer)
        self.changed = self.seq

    def rotate_steps(
        self, buffer: RotationBuffer, documents: Iterable[tuple[str, str, bytes]], count: int, file: Announced
    ) -> Generator[None, None, int | None]:
        """Puts a new, shorter mirror in the place of this one, a little at a time.

        Changes go on into the old one meanwhile, and are copied behind the documents at the end. The numbers go on
        from those at the mark, so that the last line of the new mirror has a greater one than that of the old.

        Args:
            buffer: what was kept since the documents were as they are handed in.
            documents: everything that the pair held then, as (table, key, document).
            count: how many documents that are.
            file: the TinyDB file in place, which holds exactly these documents.

        Returns:
            The number of the last line of the new mirror that the file holds; None where it was given up because the
            mirror has been written anew in between.

        Raises:
            LedgerFullError: the disk refused; the old mirror stays, or this one is poisoned where that is in doubt.
        """
        with closing(self._new_mirror(buffer, documents, count, file)) as steps:
            for _ in steps:
                yield
                if buffer is not self._buffer:
                    return None
        return buffer.covers

    def _new_mirror(
        self, buffer: RotationBuffer, documents: Iterable[tuple[str, str, bytes]], count: int, file: Announced | None
    ) -> Generator[None, None, None]:
        end = Mark(0, 0, buffer.mark.seq, buffer.mark.seq)
        with refusals(self._path):
            new = buffer.new = NewFile(self._disk, self._path)
            try:
                for rests in _gathered(head_line(self._pair, count), documents):
                    end, data = _lines(end, rests)
                    if new.write(data):
                        yield
                        new.sync()
                    yield
                buffer.covers = end.seq
                if file is not None:
                    told = msgspec.structs.replace(file, covers=end.seq, size=end.size, crc=hexadecimal(end.crc))
                    end, data = _lines(end, [file_line(told)])
                    end = msgspec.structs.replace(end, changed=buffer.covers)
                    new.write(data)
                most = _CHUNK_BYTES
                while True:
                    end, data = _taken(end, buffer.tail, most)
                    new.write(data)
                    if not buffer.tail:
                        break
                    yield
                    new.sync()
                    yield
                    most *= 2  # so that it ends however fast more comes
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
            handle, self._handle, self._identity = self._handle, None, None
            self._disk.close(handle)


def _lines(end: Mark, rests: Sequence[bytes]) -> tuple[Mark, bytes]:
    """What is appended behind this end, each line a change of its own; and the new end."""
    data = b"".join([sealed(seq, rest) for seq, rest in enumerate(rests, end.seq + 1)])
    return _behind(end, data, len(rests))


def _change(end: Mark, rests: Sequence[bytes]) -> tuple[Mark, bytes]:
    """What is appended behind this end, all lines one change; and the new end."""
    first, last = end.seq + 1, end.seq + len(rests)
    lines = [
        sealed(seq, rest, of=first if seq > first else 0, more=seq < last) for seq, rest in enumerate(rests, first)
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


def _taken(end: Mark, tail: deque[tuple[int, tuple[bytes, ...]]], most: int) -> tuple[Mark, bytes]:
    """Takes changes from the tail, about so many bytes."""
    pieces: list[bytes] = []
    size = 0
    while tail and size < most:
        end, data = _change(end, tail.popleft()[1])
        pieces.append(data)
        size += len(data)
    return end, b"".join(pieces)
