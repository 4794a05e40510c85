"""A pair: one TinyDB file and its mirror, either of which can rebuild the other."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import starmap
from pathlib import Path
from typing import Any
from weakref import ref

import msgspec
from tinydb import TinyDB

from trayd.errors import LedgerDamagedError
from trayd.ledger import journal
from trayd.ledger.disk import TEMPORARY, Disk, refusals, set_aside
from trayd.ledger.journal import Mark, Reading
from trayd.ledger.mirror import Held, Journal
from trayd.ledger.storage import FileState, Found, Seal, SealedStorage
from trayd.ledger.tables import RowTable

log = logging.getLogger(__name__)

#: A mirror is written anew when it has grown to this many times the TinyDB file, and this much more.
_ROTATE_TIMES = 2
_ROTATE_SLACK = 64 << 10


class LedgerPaths(msgspec.Struct, frozen=True):
    """The two folders of a ledger; they may be on two disks. The lock file is in ``ledger``."""

    ledger: Path
    backup: Path


class Change(msgspec.Struct, frozen=True):
    """The row of this key in this table is now this one; None takes it out."""

    table: str
    key: str
    row: Any


class HandEdit(msgspec.Struct, frozen=True):
    """A TinyDB file that a person, or another program, wrote while trayd was off.

    Attributes:
        documents: what it holds now, by table.
        before: the rows as they were when trayd wrote it.
        at: when it was edited (UTC).
    """

    documents: dict[str, dict[str, msgspec.Raw]]
    before: dict[str, dict[str, Any]]
    at: datetime


class Pair:
    """The tables of one TinyDB file, in memory, and the two files behind them.

    Args:
        name: the files' name without its end: ``2026-11``, ``state``.
        database: the TinyDB class, which says what the tables are made of.
        tables: the names of the tables.

    Raises:
        LedgerDamagedError: neither file can stand for the other.
        LedgerError: a newer trayd wrote them.
    """

    def __init__(
        self, name: str, folders: LedgerPaths, disk: Disk, database: type[TinyDB], tables: Sequence[str]
    ) -> None:
        self.name = name
        self.file = folders.ledger / f"{name}.json"
        self.mirror = folders.backup / f"{name}.jsonl"
        #: What was found wrong at the start and mended, for people.
        self.notices: list[str] = []
        #: What was found in a file that was edited by hand; None where it was not.
        self.edited: HandEdit | None = None
        self._disk = disk
        self._storage = SealedStorage(self.file, disk=disk)
        self._database = database(self.file, disk=disk, storage=lambda *_, **__: self._storage)
        self.tables: dict[str, RowTable[Any]] = {}
        for table in tables:
            rows = self._database.table(table)
            assert isinstance(rows, RowTable)  # noqa: S101 - the database class says so
            self.tables[table] = rows
        self._covered = 0
        self._under_way: Callable[[], Generator[None, None, None] | None] = lambda: None
        with _all_kept():
            self._journal = self._load()

    @property
    def dirty(self) -> bool:
        """Whether the TinyDB file lacks something that the mirror has, or a checkpoint is under way."""
        return self._journal.poisoned or self._journal.holds or self._journal.changed > self._covered

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
        if self._journal.poisoned:
            self._journal.rewrite(self._payloads(), self._count())
        lines = []
        for change in changes:
            if change.row is None:
                lines.append(journal.drop_line(change.table, change.key))
            else:
                payload = self.tables[change.table].payload(change.row)
                lines.append(journal.put_line(change.table, change.key, payload))
        return self._journal.append(lines)

    def take_back(self, mark: Mark) -> None:
        """Undoes what was written since, and not applied."""
        self._journal.take_back(mark)

    def apply(self, changes: Iterable[Change]) -> None:
        """Makes changes visible."""
        for change in changes:
            self.tables[change.table].set(change.key, change.row)

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
        if self._journal.poisoned:
            self._journal.rewrite(self._payloads(), self._count())
        held = self._journal.hold()
        rows = [(table, table.rows.copy()) for table in self.tables.values()]  # a row is replaced, never changed
        try:
            yield
            file = yield from self._storage.checkpoint_steps(
                {table.name: starmap(table.document, there.items()) for table, there in rows},
                seq=held.mark.seq,
                announce=lambda file: self._announce(file, held),
            )
            self._covered = held.mark.seq
            if self._journal.size > _ROTATE_TIMES * self._storage.size + _ROTATE_SLACK:
                yield
                payloads = (
                    (table.name, key, table.payload(row)) for table, there in rows for key, row in there.items()
                )
                covers = yield from self._journal.rotate_steps(
                    held, payloads, sum(len(there) for _, there in rows), file
                )
                self._covered = covers or self._covered
        finally:
            self._journal.let_go(held)

    def _announce(self, file: journal.Announced, held: Held) -> None:
        if self._storage.touched():
            content = self._disk.read(self.file)
            if content is not None:
                self._tell(f"another program wrote {self.file} while trayd had it", content, self.file, "edited")
        self._journal.announce(file, held)

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
        if _replayed(mirror, mirror.last) != {(table, key): payload for table, key, payload in self._payloads()}:
            problems.append(f"{self.mirror} does not hold what is in memory")
        if found.state is FileState.SOUND and found.seal is not None:
            covers = _covers(mirror, found.seal)
            kept = {
                (name, key): self.tables[name].payload(row)
                for name, documents in found.tables.items()
                for key, row in map(self.tables[name].from_document, documents.values())
            }
            if mirror.first <= covers and _replayed(mirror, covers) != kept:
                problems.append(f"{self.file} does not hold what {self.mirror} says it does")
        elif self._covered:  # else it waits for a checkpoint: new, or found damaged and told of
            problems.append(f"{self.file} is {found.state.name.lower()}")
        return problems

    def _payloads(self) -> Iterable[tuple[str, str, bytes]]:
        for table in self.tables.values():
            yield from table.payloads()

    def _count(self) -> int:
        return sum(len(table.rows) for table in self.tables.values())

    def _tell(self, what: str, content: bytes, path: Path, why: str) -> None:
        with refusals(path):
            copy = set_aside(self._disk, path, content, why)
        self._note(f"{what}; a copy is kept as {copy.name}")

    def _tell_mirror(self, what: str) -> None:
        with refusals(self.mirror):
            content = self._disk.read(self.mirror) or b""
        self._tell(f"{self.mirror} {what}", content, self.mirror, "damaged")

    def _note(self, notice: str) -> None:
        self.notices.append(notice)
        log.warning("%s", notice)

    def _load(self) -> Journal:
        # One that never got its name stays until there is a file: it tells that there never was one to miss.
        with refusals(self.file):
            left_over = [self.mirror] if self._disk.stamp(self.file) is None else [self.mirror, self.file]
        for path in left_over:
            with suppress(OSError):  # a disk that can only be read is no obstacle to reading
                self._disk.remove(_temporary(path))
        end = journal.read_end(self._disk, self.mirror)
        found = self._storage.examine()
        mirror = end if end is not None and _fits(end, found) else journal.read(self._disk, self.mirror)
        self._refuse_other(mirror)
        if found.state is FileState.SOUND and _is_foreign(mirror, found.seal):
            found = msgspec.structs.replace(found, state=FileState.EDITED)
        if found.state is FileState.SOUND:
            try:
                self._take_documents(found)
            except (msgspec.MsgspecError, KeyError) as error:
                raise LedgerDamagedError(
                    f"{self.file} holds what this trayd cannot read ({error})", "update trayd, or restore a backup"
                ) from error
        if mirror.broken or mirror.incomplete or not mirror.lines:
            return self._without_mirror(mirror, found)
        return self._with_mirror(mirror, found)

    def _refuse_other(self, mirror: Reading) -> None:
        whose = next((entry.pair for entry in mirror.entries(up_to=mirror.first)), None)
        if whose not in {None, self.name}:
            raise LedgerDamagedError(
                f"{self.mirror} is the mirror of {whose}",
                "give both its own name back, or restore a backup; nothing was changed or deleted",
            )

    def _with_mirror(self, mirror: Reading, found: Found) -> Journal:
        """The mirror is intact, up to a last line that may have been cut off."""
        covers = _covers(mirror, found.seal) if found.seal is not None else 0
        if found.state is FileState.SOUND and covers > mirror.last:
            self._tell_mirror(f"is older than {self.file} and was rebuilt from it")
            return self._rebuilt_mirror(covers)
        if found.state is not FileState.SOUND or covers < mirror.first:
            covers = self._from_mirror_alone(mirror, found, covers)
        changed = self._replay(mirror, covers, None)
        if mirror.good < mirror.size:
            self._cut(mirror)
        if found.state is FileState.SOUND and covers:
            self._covered = covers
        else:
            changed = mirror.last  # the file has to be written anew
        return Journal(
            self._disk, self.mirror, self.name, seq=mirror.last, size=mirror.good, crc=mirror.crc, changed=changed
        )

    def _from_mirror_alone(self, mirror: Reading, found: Found, covers: int) -> int:
        """Leaves the file out of it, with a copy kept of what is not trayd's; up to which line it has read then."""
        for table in self.tables.values():
            table.rows.clear()
        if found.state is FileState.EDITED:
            self._tell(f"{self.file} was edited while trayd was off", found.content, self.file, "edited")
            covers = covers if covers >= mirror.first else mirror.last
            self._replay(mirror, 0, covers)
            with refusals(self.file):
                at = self._disk.changed_at(self.file)
            before = {name: dict(table.rows) for name, table in self.tables.items()}
            self.edited = HandEdit(found.tables, before, at)
            return covers
        if found.state is FileState.DAMAGED:
            self._tell(f"{self.file} is damaged and was rebuilt from its mirror", found.content, self.file, "damaged")
        elif self._is_gone(found) and mirror.announced():
            self._note(f"{self.file} was missing and was rebuilt from its mirror")
        return 0

    def _is_gone(self, found: Found) -> bool:
        """Whether there was a file; a crash can come between the announcement of the first one and its name."""
        with refusals(self.file):
            return found.state is FileState.MISSING and self._disk.stamp(_temporary(self.file)) is None

    def _without_mirror(self, mirror: Reading, found: Found) -> Journal:
        """The mirror is missing, empty, damaged or cut short: the file has to stand for it."""
        if found.state is FileState.MISSING and not mirror.lines and not mirror.broken:
            if mirror.size:
                self._cut(mirror)  # the first change was never acknowledged
            return Journal(self._disk, self.mirror, self.name)
        if found.state is not FileState.SOUND:
            raise self._both_damaged(mirror, found)
        seal = found.seal
        assert seal is not None  # noqa: S101 - a sound file has one
        covers = _covers(mirror, seal)
        if mirror.lines or mirror.broken:
            self._tell_mirror(f"is damaged and was rebuilt from {self.file}")
            self._replay(mirror.of_whole_changes(), covers, None)
        else:
            self._note(f"{self.mirror} was missing or empty and was rebuilt from {self.file}")
        return self._rebuilt_mirror(max(covers, mirror.last))

    def _rebuilt_mirror(self, seq: int) -> Journal:
        rebuilt = Journal(self._disk, self.mirror, self.name, seq=seq)
        rebuilt.rewrite(self._payloads(), self._count())
        return rebuilt

    def _both_damaged(self, mirror: Reading, found: Found) -> LedgerDamagedError:
        file = {
            FileState.MISSING: "is missing",
            FileState.EDITED: "is not as trayd wrote it",
            FileState.DAMAGED: "is damaged",
        }[found.state]
        other = "is missing" if mirror.missing else "holds nothing whole"
        if mirror.lines or mirror.broken:
            other = "is damaged"
        return LedgerDamagedError(
            f"{self.file} {file} and {self.mirror} {other}",
            f"run `trayd ledger rebuild {self.name}`, which takes what they still hold, or restore a backup; "
            "nothing was changed or deleted",
        )

    def _take_documents(self, found: Found) -> None:
        for name, documents in found.tables.items():
            table = self.tables[name]
            table.rows.update(map(table.from_document, documents.values()))

    def _replay(self, mirror: Reading, after: int, up_to: int | None) -> int:
        """Does what the lines say; the number of the last one that said something, 0 where there was none."""
        changed = 0
        for entry in mirror.entries(after, up_to):
            if entry.put is not None:
                table = self.tables[entry.put]
                table.set(entry.key, table.from_payload(entry.key, bytes(entry.doc)))
                changed = entry.seq
            elif entry.drop is not None:
                self.tables[entry.drop].set(entry.key, None)
                changed = entry.seq
        return changed

    def _cut(self, mirror: Reading) -> None:
        """Drops a last change that was cut off while it was written, and so never acknowledged."""
        log.info("%s: dropped %d bytes of a change that was cut off", self.mirror, mirror.size - mirror.good)
        with refusals(self.mirror):
            if mirror.suspect:
                tail = (self._disk.read(self.mirror) or b"")[mirror.good :]
                self._tell(f"the end of {self.mirror} is unreadable and was left out", tail, self.mirror, "damaged")
            handle = self._disk.open_append(self.mirror)
            try:
                self._disk.truncate(handle, mirror.good)
                self._disk.sync(handle)
            finally:
                self._disk.close(handle)


@contextmanager
def _all_kept() -> Iterator[None]:
    """Keeps the garbage collector from looking again and again for what is free among things that all stay."""
    runs = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if runs:
            gc.enable()


def _fits(end: Reading, found: Found) -> bool:
    """Whether the file in place is the one behind which this end of a mirror was read."""
    return found.state is FileState.SOUND and found.seal is not None and end.announced()[-1].sha256 == found.seal.sha256


def _covers(mirror: Reading, seal: Seal) -> int:
    """The number of the last line that a file holds: of a mirror that was written anew with it, a later one."""
    told = [file.covers for file in mirror.announced() if file.sha256 == seal.sha256]
    return max(told, default=seal.seq)


def _is_foreign(mirror: Reading, seal: Seal | None) -> bool:
    """Whether a mirror that has the lines which a file says it holds never told of that file: it is another's."""
    if seal is None or mirror.broken or not mirror.first <= seal.seq <= mirror.last:
        return False
    return all(file.sha256 != seal.sha256 for file in mirror.announced())


def _replayed(mirror: Reading, up_to: int) -> dict[tuple[str, str], bytes]:
    rows: dict[tuple[str, str], bytes] = {}
    for entry in mirror.entries(up_to=up_to):
        if entry.put is not None:
            rows[entry.put, entry.key] = bytes(entry.doc)
        elif entry.drop is not None:
            rows.pop((entry.drop, entry.key), None)
    return rows


def _temporary(path: Path) -> Path:
    return path.with_name(path.name + TEMPORARY)
