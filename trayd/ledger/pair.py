"""A pair: one TinyDB file and its mirror, either of which can rebuild the other."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import starmap
from pathlib import Path
from typing import Any
from weakref import ref

import msgspec
from tinydb import TinyDB

from trayd.errors import LedgerFullError
from trayd.ledger import journal
from trayd.ledger.disk import Disk, refusals
from trayd.ledger.journal import Mark
from trayd.ledger.mirror import RotationBuffer
from trayd.ledger.opening import Notices, Opening, mirror_anew
from trayd.ledger.storage import FileState, SealedStorage
from trayd.ledger.tables import RowTable

#: A mirror is written anew when it has grown to this many times the TinyDB file, and this much more.
_ROTATE_TIMES = 2
_ROTATE_SLACK = 64 << 10

_LOOKS = {
    FileState.MISSING: "is missing",
    FileState.EDITED: "was written by another program",
    FileState.DAMAGED: "is damaged",
}


class LedgerPaths(msgspec.Struct, frozen=True):
    """The two folders of a ledger; they may be on two disks. The lock file is in ``ledger``."""

    ledger: Path
    backup: Path


class Change(msgspec.Struct, frozen=True, gc=False):
    """The row of this key in this table is now this one; None takes it out."""

    table: str
    key: str
    row: Any


class Pair:
    """The tables of one TinyDB file, in memory, and the two files behind them.

    Args:
        name: the files' name without its end: ``2026-11``, ``state``.
        database: the TinyDB class, which says what the tables are made of.
        tables: the names of the tables.
        known: the number that is known to have been in one of its files; None where none is known of.

    Raises:
        LedgerDamagedError: neither file can stand for the other, both are older than what is known, or gone.
        LedgerError: a newer trayd wrote them.
    """

    def __init__(
        self,
        name: str,
        folders: LedgerPaths,
        disk: Disk,
        database: type[TinyDB],
        tables: Sequence[str],
        known: int | None = None,
    ) -> None:
        self.name = name
        self.file = folders.ledger / f"{name}.json"
        self.mirror = folders.backup / f"{name}.jsonl"
        self._disk = disk
        self._storage = SealedStorage(self.file, disk=disk)
        self._database = database(self.file, disk=disk, storage=lambda *_, **__: self._storage)
        self.tables: dict[str, RowTable[Any]] = {}
        for table in tables:
            rows = self._database.table(table)
            assert isinstance(rows, RowTable)  # noqa: S101 - the database class says so
            self.tables[table] = rows
        self._under_way: Callable[[], Generator[None, None, None] | None] = lambda: None
        self._notices = Notices(disk)
        opening = Opening(name, self.mirror, disk, self._storage, self.tables, self._notices, known)
        #: What was found in a file that was edited by hand; None where it was not.
        self.edited = opening.edited
        self._covered = opening.covered
        self._journal = opening.journal
        self._unapplied = False

    @property
    def notices(self) -> list[str]:
        """What was found wrong since the start and mended, for people."""
        return self._notices.told

    @property
    def dirty(self) -> bool:
        """Whether the TinyDB file lacks something that the mirror has, or a checkpoint is under way."""
        return self._journal.poisoned or self._journal.holds or self._journal.changed > self._covered

    @property
    def begun(self) -> bool:
        """Whether anything was ever written into it."""
        return self._journal.seq > 0

    @property
    def saved(self) -> int:
        """The number of the TinyDB file in place: one of its files always says it, or a greater one."""
        return self._storage.seq

    def table(self, name: str) -> RowTable[Any]:
        """A table by its name."""
        return self.tables[name]

    def write(self, changes: Sequence[Change]) -> Mark:
        """Makes changes durable in the mirror; memory changes with :meth:`apply`.

        Returns:
            What :meth:`take_back` undoes them with.

        Raises:
            LedgerFullError: the disk refused; nothing was changed.
        """
        self._mend_mirror()
        lines = []
        for change in changes:
            if change.row is None:
                lines.append(journal.drop_line(change.table, change.key))
            else:
                payload = self.tables[change.table].payload(change.row)
                lines.append(journal.put_line(change.table, change.key, payload))
        mark = self._journal.append(lines)
        self._unapplied = True
        return mark

    def _mend_mirror(self) -> None:
        """Puts a new mirror in the place of one that is in doubt, or that another program has touched."""
        if not self._journal.poisoned and not self._journal.stands:
            if self._unapplied:  # what memory lacks cannot be written anew
                raise LedgerFullError(f"{self.mirror} was touched while it was being written", "try again")
            with refusals(self.mirror):
                content = self._disk.read(self.mirror)
            if content is None:
                self._notices.note(f"another program took {self.mirror} away while trayd had it; it was written anew")
            else:
                what = f"another program touched {self.mirror} while trayd had it; it was written anew"
                self._notices.keep(what, content, self.mirror, "replaced")
            self._journal.poisoned = True
        if self._journal.poisoned:
            mirror_anew(self._journal, self.tables)

    def take_back(self, mark: Mark) -> None:
        """Undoes what was written since, and not applied."""
        self._journal.take_back(mark)
        self._unapplied = False

    def apply(self, changes: Iterable[Change]) -> None:
        """Makes changes visible."""
        for change in changes:
            self.tables[change.table].set(change.key, change.row)
        self._unapplied = False

    def checkpoint(self) -> None:
        """Brings the TinyDB file up to the mirror, without a pause; see :meth:`checkpoint_steps`.

        Raises:
            LedgerFullError: the disk refused; what was durable is, and the next checkpoint tries again.
        """
        for _ in self.checkpoint_steps():
            pass

    def checkpoint_steps(self) -> Iterator[None]:
        """Brings the TinyDB file up to the mirror, and writes the mirror anew where it has grown long, in short steps.

        Between two steps, of a few milliseconds each, whole changes can be made: written and applied, or taken back.
        The file gets what was there at the first step; the rest stands in the mirror. An iterator that is closed,
        dropped, or followed by another one, leaves both files as they were and nothing beside them.

        Raises:
            LedgerFullError: the disk refused; what was durable is, and the next checkpoint tries again.
        """
        self._stop()
        steps = self._checkpoint_steps()
        self._under_way = ref(steps)
        return steps

    def _stop(self) -> None:
        steps = self._under_way()
        if steps is not None:
            steps.close()

    def _checkpoint_steps(self) -> Generator[None, None, None]:
        if not self.dirty:
            return
        self._mend_mirror()
        buffer = self._journal.hold()
        rows = [(table, table.rows.copy()) for table in self.tables.values()]  # a row is replaced, never changed
        try:
            yield
            file = yield from self._storage.checkpoint_steps(
                {table.name: starmap(table.document, there.items()) for table, there in rows},
                seq=buffer.mark.seq,
                announce=lambda file: self._announce(file, buffer),
            )
            self._covered = buffer.mark.seq
            if self._journal.size > _ROTATE_TIMES * self._storage.size + _ROTATE_SLACK:
                yield
                payloads = (
                    (table.name, key, table.payload(row)) for table, there in rows for key, row in there.items()
                )
                covers = yield from self._journal.rotate_steps(
                    buffer, payloads, sum(len(there) for _, there in rows), file
                )
                self._covered = covers or self._covered
        finally:
            self._journal.let_go(buffer)

    def _announce(self, file: journal.Announced, buffer: RotationBuffer) -> None:
        if self._storage.touched():
            content = self._disk.read(self.file)
            if content is not None:
                self._notices.keep(
                    f"another program wrote {self.file} while trayd had it", content, self.file, "edited"
                )
        self._mend_mirror()
        self._journal.announce(file, buffer)

    def close(self) -> None:
        """Gives the files back; what is durable stays so."""
        self._stop()
        self._journal.close()

    def verify(self) -> list[str]:
        """Reads both files again and compares them with each other and with memory; the problems found."""
        mirror = journal.read(self._disk, self.mirror)
        found = SealedStorage(self.file, disk=self._disk).examine()
        problems = []
        if mirror.broken or mirror.incomplete or mirror.good != mirror.size:
            problems.append(f"{self.mirror}: a line does not fit its checksum or number")
        here = {(name, key): payload for table in self.tables.values() for name, key, payload in table.payloads()}
        if mirror.documents(mirror.last) != here:
            problems.append(f"{self.mirror} does not hold what is in memory")
        if found.state is FileState.SOUND and found.seal is not None:
            covers = mirror.held_by(found.seal.sha256, found.seal.seq)
            kept = {
                (name, key): self.tables[name].payload(row)
                for name, documents in found.tables.items()
                for key, row in map(self.tables[name].from_document, documents.values())
            }
            if mirror.first <= covers and mirror.documents(covers) != kept:
                problems.append(f"{self.file} does not hold what {self.mirror} says it does")
        elif self._covered:  # else it waits for a checkpoint: new, or found damaged and told of
            problems.append(f"{self.file} {_LOOKS[found.state]}")
        return problems
