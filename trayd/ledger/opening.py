"""Opening a pair: what is found of its two files, and what is mended where one of them can stand for the other.

The mirror is the truth as long as it is whole: the TinyDB file saves reading all of it, and stands for it where it is
damaged or missing. What is damaged, or was edited, is kept beside before it is replaced, and a person is told.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from trayd.errors import LedgerDamagedError, LedgerNewerError
from trayd.ledger import journal
from trayd.ledger.disk import TEMPORARY, Disk, refusals, set_aside
from trayd.ledger.journal import Reading
from trayd.ledger.mirror import Journal
from trayd.ledger.storage import FileState, Found, Seal, SealedStorage
from trayd.ledger.tables import RowTable

log = logging.getLogger(__name__)


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


class Notices:
    """What was found wrong with a pair's files and mended, for people, and in the log.

    Attributes:
        told: the notices, in order.
    """

    def __init__(self, disk: Disk) -> None:
        self.told: list[str] = []
        self._disk = disk

    def note(self, notice: str) -> None:
        """Tells of what was mended."""
        self.told.append(notice)
        log.warning("%s", notice)

    def keep(self, what: str, content: bytes, path: Path, why: str) -> None:
        """Keeps a copy of what is about to be replaced beside the file, then tells of both.

        Raises:
            LedgerFullError: the disk refused the copy; what it is of must stay as it is then.
        """
        with refusals(path):
            copy = set_aside(self._disk, path, content, why)
        self.note(f"{what}; a copy is kept as {copy.name}")


def mirror_anew(mirror: Journal, tables: Mapping[str, RowTable[Any]]) -> None:
    """Puts a new mirror of what is in memory in the place of this one, at once.

    Raises:
        LedgerFullError: the disk refused; see :meth:`Journal.rewrite`.
    """
    payloads = (payload for table in tables.values() for payload in table.payloads())
    mirror.rewrite(payloads, sum(len(table.rows) for table in tables.values()))


class Opening:
    """Reads a pair's files into its tables, once, and brings both files to where they can be gone on with.

    Args:
        name: of the pair.
        mirror: the path of its mirror.
        storage: its TinyDB file.
        tables: empty, by name; they are filled.
        notices: are told what was mended.
        known: the number that is known to have been in one of the files; None where none is known of.

    Attributes:
        journal: the mirror, intact, to be appended to.
        covered: the number of its last line that the TinyDB file holds; 0 where the file has to be written anew.
        edited: what was found in a file that was edited by hand; None where it was not.

    Raises:
        LedgerDamagedError: neither file can stand for the other, both are older than what is known, or gone.
        LedgerError: a newer trayd wrote them.
        LedgerFullError: the disk refused what had to be read, kept or mended.
    """

    def __init__(
        self,
        name: str,
        mirror: Path,
        disk: Disk,
        storage: SealedStorage,
        tables: Mapping[str, RowTable[Any]],
        notices: Notices,
        known: int | None,
    ) -> None:
        self._name = name
        self._file = storage.path
        self._mirror = mirror
        self._disk = disk
        self._storage = storage
        self._tables = tables
        self._notices = notices
        self._known = known
        self.covered = 0
        self.edited: HandEdit | None = None
        with _all_kept():
            self.journal = self._load()

    def _load(self) -> Journal:
        # One that never got its name stays until there is a file: it tells that there never was one to miss.
        with refusals(self._file):
            left_over = [self._mirror] if self._disk.stamp(self._file) is None else [self._mirror, self._file]
        for path in left_over:
            with suppress(OSError):  # a disk that can only be read is no obstacle to reading
                self._disk.remove(_temporary(path))
        end = journal.read_end(self._disk, self._mirror)
        found = self._storage.take_sound(self._take_document)
        taken = found is not None
        if found is None:
            self._forget()
            found = self._storage.examine()
        mirror = end if end is not None and _fits(end, found) else journal.read(self._disk, self._mirror)
        self._refuse_other(mirror)
        if found.state is FileState.SOUND and _is_foreign(mirror, found.seal):
            self._forget()
            found = msgspec.structs.replace(self._storage.examine(), state=FileState.EDITED)
        if found.state is FileState.SOUND and not taken:
            try:
                self._take_documents(found)
            except (msgspec.MsgspecError, KeyError) as error:
                raise LedgerDamagedError(
                    f"{self._file} holds what this trayd cannot read ({error})", "update trayd, or restore a backup"
                ) from error
        if mirror.broken or mirror.incomplete or not mirror.lines:
            self._refuse_gone(mirror, found)
            return self._without_mirror(mirror, found)
        self._refuse_older(mirror.last, found)
        return self._with_mirror(mirror, found)

    def _refuse_other(self, mirror: Reading) -> None:
        whose = next((entry.pair for entry in mirror.entries(up_to=mirror.first)), None)
        if whose not in {None, self._name}:
            raise LedgerDamagedError(
                f"{self._mirror} is the mirror of {whose}",
                "give both its own name back, or restore a backup; nothing was changed or deleted",
            )

    def _refuse_gone(self, mirror: Reading, found: Found) -> None:
        if self._known is None:
            return
        if found.state is FileState.SOUND:
            self._refuse_older(mirror.last, found)
        elif found.state is FileState.MISSING and not mirror.lines and not mirror.broken:
            raise LedgerDamagedError(
                f"{self._file} and {self._mirror} are both missing"
                if mirror.missing
                else f"{self._file} is missing and {self._mirror} holds nothing whole",
                f"restore a backup, or run `trayd ledger rebuild {self._name}`, which goes on without them; "
                "nothing was changed or deleted",
            )

    def _refuse_older(self, last: int, found: Found) -> None:
        """Where one file is older than the other it was rebuilt from it; where both are, something is lost."""
        if found.state is FileState.SOUND and found.seal is not None:
            last = max(last, found.seal.seq)
        if self._known is not None and last < self._known:
            raise LedgerDamagedError(
                f"{self._file} and {self._mirror} are older than what trayd has read from them before",
                f"restore a backup, or run `trayd ledger rebuild {self._name}`, which goes on with what is there; "
                "nothing was changed or deleted",
            )

    def _with_mirror(self, mirror: Reading, found: Found) -> Journal:
        """The mirror is intact, up to a last line that may have been cut off."""
        covers = mirror.held_by(found.seal.sha256, found.seal.seq) if found.seal is not None else 0
        if found.state is FileState.SOUND and covers > mirror.last:
            self._tell_mirror(f"is older than {self._file} and was rebuilt from it")
            return self._rebuilt_mirror(covers)
        if found.state is not FileState.SOUND or covers < mirror.first:
            covers = self._from_mirror_alone(mirror, found, covers)
        changed = self._replay(mirror, covers, None)
        if mirror.good < mirror.size:
            self._cut(mirror)
        if found.state is FileState.SOUND and covers:
            self.covered = covers
        else:
            changed = mirror.last  # the file has to be written anew
        return Journal(
            self._disk, self._mirror, self._name, seq=mirror.last, size=mirror.good, crc=mirror.crc, changed=changed
        )

    def _from_mirror_alone(self, mirror: Reading, found: Found, covers: int) -> int:
        """Leaves the file out of it, with a copy kept of what is not trayd's; up to which line it has read then."""
        self._forget()
        if found.state is FileState.EDITED:
            self._notices.keep(f"{self._file} was edited while trayd was off", found.content, self._file, "edited")
            covers = covers if covers >= mirror.first else mirror.last
            self._replay(mirror, 0, covers)
            with refusals(self._file):
                at = self._disk.changed_at(self._file)
            before = {name: dict(table.rows) for name, table in self._tables.items()}
            self.edited = HandEdit(found.tables, before, at)
            return covers
        if found.state is FileState.DAMAGED:
            self._notices.keep(
                f"{self._file} is damaged and was rebuilt from its mirror", found.content, self._file, "damaged"
            )
        elif self._is_gone(found) and mirror.announced():
            self._notices.note(f"{self._file} was missing and was rebuilt from its mirror")
        return 0

    def _is_gone(self, found: Found) -> bool:
        """Whether there was a file; a crash can come between the announcement of the first one and its name."""
        with refusals(self._file):
            return found.state is FileState.MISSING and self._disk.stamp(_temporary(self._file)) is None

    def _without_mirror(self, mirror: Reading, found: Found) -> Journal:
        """The mirror is missing, empty, damaged or cut short: the file has to stand for it."""
        if found.state is FileState.MISSING and not mirror.lines and not mirror.broken:
            if mirror.size:
                self._cut(mirror)  # the first change was never acknowledged
            return Journal(self._disk, self._mirror, self._name)
        if found.state is not FileState.SOUND:
            raise self._both_damaged(mirror, found)
        seal = found.seal
        assert seal is not None  # noqa: S101 - a sound file has one
        covers = mirror.held_by(seal.sha256, seal.seq)
        if mirror.lines or mirror.broken:
            self._tell_mirror(f"is damaged and was rebuilt from {self._file}")
            self._replay(mirror.of_whole_changes(), covers, None)
        else:
            self._notices.note(f"{self._mirror} was missing or empty and was rebuilt from {self._file}")
        return self._rebuilt_mirror(max(covers, mirror.last))

    def _rebuilt_mirror(self, seq: int) -> Journal:
        rebuilt = Journal(self._disk, self._mirror, self._name, seq=seq)
        mirror_anew(rebuilt, self._tables)
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
            f"{self._file} {file} and {self._mirror} {other}",
            f"run `trayd ledger rebuild {self._name}`, which takes what they still hold, or restore a backup; "
            "nothing was changed or deleted",
        )

    def _forget(self) -> None:
        for table in self._tables.values():
            table.rows.clear()

    def _take_document(self, table: str, document: bytes) -> None:
        key, row = self._tables[table].from_document(document)
        self._tables[table].rows[key] = row

    def _take_documents(self, found: Found) -> None:
        for name, documents in found.tables.items():
            table = self._tables[name]
            table.rows.update(map(table.from_document, documents.values()))

    def _replay(self, mirror: Reading, after: int, up_to: int | None) -> int:
        """Does what the lines say; the number of the last one that said something, 0 where there was none."""
        changed = 0
        for entry in mirror.entries(after, up_to):
            if entry.put is not None:
                table = self._table(entry.put)
                table.set(entry.key, table.from_payload(entry.key, bytes(entry.doc)))
                changed = entry.seq
            elif entry.drop is not None:
                self._table(entry.drop).set(entry.key, None)
                changed = entry.seq
        return changed

    def _table(self, name: str) -> RowTable[Any]:
        try:
            return self._tables[name]
        except KeyError:
            raise LedgerNewerError(
                f"{self._mirror} holds the table {name!r}, which this trayd does not know",
                "update trayd, or restore a backup; nothing was changed or deleted",
            ) from None

    def _tell_mirror(self, what: str) -> None:
        with refusals(self._mirror):
            content = self._disk.read(self._mirror) or b""
        self._notices.keep(f"{self._mirror} {what}", content, self._mirror, "damaged")

    def _cut(self, mirror: Reading) -> None:
        """Drops a last change that was cut off while it was written, and so never acknowledged."""
        log.info("%s: dropped %d bytes of a change that was cut off", self._mirror, mirror.size - mirror.good)
        with refusals(self._mirror):
            if mirror.suspect:
                tail = (self._disk.read(self._mirror) or b"")[mirror.good :]
                self._notices.keep(
                    f"the end of {self._mirror} is unreadable and was left out", tail, self._mirror, "damaged"
                )
            handle = self._disk.open_append(self._mirror)
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


def _is_foreign(mirror: Reading, seal: Seal | None) -> bool:
    """Whether a mirror that has the lines which a file says it holds never told of that file: it is another's."""
    if seal is None or mirror.broken or not mirror.first <= seal.seq <= mirror.last:
        return False
    return all(file.sha256 != seal.sha256 for file in mirror.announced())


def _temporary(path: Path) -> Path:
    return path.with_name(path.name + TEMPORARY)
