"""Keeping a ledger sound: copying it, putting a copy back, writing it anew, clearing it.

All of it works on files that nobody else has open: either the ledger has let go of them, or the caller holds the
lock of a ledger that cannot be opened.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zipfile import ZipFile

import msgspec

from trayd.errors import LedgerDamagedError, LedgerError
from trayd.ledger import archive
from trayd.ledger.contents import Payloads, of_pair
from trayd.ledger.disk import Disk
from trayd.ledger.folders import of_closed
from trayd.ledger.formats import format_of, refuse_newer
from trayd.ledger.journal import FORMAT
from trayd.ledger.lock import Lock
from trayd.ledger.migrations import bring_up
from trayd.ledger.months import Months
from trayd.ledger.pair import LedgerPaths, Pair
from trayd.ledger.rebuild import open_pair, write_anew
from trayd.ledger.rollup_files import RollupFiles
from trayd.ledger.state import State
from trayd.ledger.swap import Plan, finish, swap


class _Passing(Disk):
    """For files that are looked at and removed again: they need not survive anything."""

    def sync(self, handle: int) -> None:
        """Does not wait for the medium."""

    def sync_folder(self, path: Path) -> None:
        """Does not wait for the medium."""


class BackedUp(msgspec.Struct, frozen=True):
    """A copy that was made, and tried.

    Attributes:
        path: the zip file.
        records: how many records it holds.
        months: how many months.
        size: of the file, in bytes.
    """

    path: Path
    records: int
    months: int
    size: int


class Restored(msgspec.Struct, frozen=True):
    """A copy that was put back.

    Attributes:
        archive: the zip file with what was there before; None where nothing was.
        records: how many records there are now.
        months: in how many months.
    """

    archive: Path | None
    records: int
    months: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive was found to hold.

    Attributes:
        names: of the pairs.
        records: how many records.
        months: the names of the months, the oldest first.
        base_url: the API whose history it is; None where it does not say.
        size: its bytes when unpacked.
    """

    names: tuple[str, ...]
    records: int
    months: tuple[str, ...]
    base_url: str | None
    size: int


def prepare(folders: LedgerPaths, disk: Disk, now: datetime) -> tuple[str, ...]:
    """What has to be done before a ledger can be read: what was cut short is finished, old formats are brought up.

    Returns:
        What was done, for people.

    Raises:
        LedgerNewerError: a newer trayd wrote it; nothing was changed.
        LedgerDamagedError: what was cut short cannot be finished, or an old format not be brought up.
        LedgerFullError: the disk refused; the next time tries again.
    """
    finished = finish(folders, disk)
    return (*([finished] if finished else []), *bring_up(folders, disk, now))


@contextmanager
def held(folders: LedgerPaths, holder: str, disk: Disk | None = None) -> Iterator[Disk]:
    """Holds a ledger that cannot be opened, so that something can be done to its files.

    Raises:
        LedgerLockedError: another process has it.
        LedgerError: the mirrors' folder is another ledger's.
        LedgerFullError: the disk refuses.
    """
    disk = disk or Disk()
    lock = Lock(folders.ledger, holder, disk)
    try:
        of_closed(folders, disk)
        yield disk
    finally:
        lock.release()


def archive_and_clear(folders: LedgerPaths, disk: Disk, now: datetime) -> Path:
    """Puts everything into one zip file beside the ledger's folder, then removes it from the folders.

    Raises:
        LedgerFullError: the disk refused; unless the archive is complete nothing was cleared, and if it is, the next
            start finishes the clearing.
    """
    target = archive.free_name(folders, archive.stem_of(folders, now))
    archive.pack(archive.files_of(folders, kept_aside=True), target, disk)
    swap(folders, disk, Plan(told=f"the ledger was being cleared, which is finished now; its archive is {target}"))
    return target


def backup(folders: LedgerPaths, disk: Disk, now: datetime, target: Path | None) -> BackedUp:
    """Puts a copy of everything into one zip file, and tries whether it can be read again.

    Args:
        folders: of the ledger, whose files are up to date.
        disk: the file calls.
        now: the time (with a zone), for the name.
        target: the file; None makes one beside the ledger's folder.

    Raises:
        LedgerError: the target is there already, or its folder is not.
        LedgerDamagedError: the copy is not whole, as a pair of the ledger is not; the copy is kept.
        LedgerFullError: the disk refused; no half a copy stays.
    """
    if target is None:
        target = archive.free_name(folders, f"{archive.stem_of(folders, now)}-backup")
    if target.exists():
        raise LedgerError(f"{target} is there already", "name another file")
    if not target.parent.is_dir():
        raise LedgerError(f"there is no folder {target.parent}", "make it, or name another file")
    archive.pack(archive.files_of(folders, kept_aside=False), target, disk)
    with archive.opened(target) as packed:
        found, damaged = _read(packed, target, RollupFiles(folders, disk).witness())
    for name, told in damaged.items():
        raise LedgerDamagedError(
            f"the pair {name} is damaged, in the ledger and so in the copy ({told})",
            f"run `trayd ledger rebuild {name}`, then back up again; this copy is kept as {target}",
        )
    return BackedUp(path=target, records=found.records, months=len(found.months), size=target.stat().st_size)


def examine(source: Path) -> Found:
    """Looks through an archive: only a ledger's files, none too new, every pair whole. No ledger is touched.

    Raises:
        LedgerError: it is no archive of a ledger, or not a whole one.
        LedgerNewerError: a newer trayd made it.
        LedgerFullError: there is no room to unpack a pair of it.
    """
    with archive.opened(source) as packed:
        return _examined(packed, source)


def damaged_in(source: Path) -> dict[str, str]:
    """The pairs of an archive that cannot be restored as they are, and what is wrong with each.

    Raises:
        LedgerError: it is no archive of a ledger.
        LedgerFullError: there is no room to unpack a pair of it.
    """
    with archive.opened(source) as packed:
        return _read(packed, source, {})[1]


def _examined(packed: ZipFile, source: Path) -> Found:
    found, damaged = _read(packed, source, {})
    for name, told in damaged.items():
        raise LedgerDamagedError(
            f"in {source} the pair {name} is damaged ({told})", "take another backup; nothing was changed"
        )
    return found


def _read(packed: ZipFile, source: Path, known: Mapping[str, int]) -> tuple[Found, dict[str, str]]:
    """What an archive holds, and what is wrong with which of its pairs.

    Args:
        packed: the archive.
        source: its path.
        known: the months that have to be in it, and the number that has to be in one of the files of each.
    """
    listed = archive.look_into(packed, source)
    records, base_url = 0, None
    damaged = dict.fromkeys(sorted(known.keys() - set(listed.names)), "both of its files are missing")
    disk = _Passing()
    with tempfile.TemporaryDirectory(prefix="trayd-") as temporary:
        folders = LedgerPaths(ledger=Path(temporary), backup=Path(temporary))
        for name in listed.names:
            files = [folders.ledger / f"{name}{end}" for end in (".json", ".jsonl")]
            for part, path in zip(("ledger", "backup"), files, strict=True):
                archive.unpack(packed, f"{part}/{path.name}", path, disk)
            pair, problems = _tried(name, folders, disk, source, known.get(name))
            if problems:
                damaged[name] = "; ".join(problems).replace(f"{folders.ledger}/", "")
            if pair is not None and name == "state" and "base_url" in pair.table("identity").rows:
                base_url = pair.table("identity").rows["base_url"].base_url
            if pair is not None and not name.startswith("state"):
                records += sum(len(table.rows) for table in pair.tables.values())
            for path in Path(temporary).iterdir():
                path.unlink()
    months = tuple(name for name in listed.names if not name.startswith("state"))
    found = Found(names=listed.names, records=records, months=months, base_url=base_url, size=listed.size)
    return found, damaged


def _tried(
    name: str, folders: LedgerPaths, disk: Disk, source: Path, known: int | None
) -> tuple[Pair | None, list[str]]:
    """A pair that was unpacked, read and compared, closed again, where it can be read; and what is wrong with it."""
    versions = {path: format_of(path) for path in folders.ledger.iterdir()}
    for path, version in versions.items():
        refuse_newer(source / path.name, version)
    problems: list[str] = []
    if any(version in range(1, FORMAT) for version in versions.values()):
        contents = of_pair(name, folders, disk, None)
        problems = contents.missing
        write_anew(name, folders, disk, contents)
    try:
        pair = open_pair(name, folders, disk, known)
        problems = [*problems, *pair.verify()]
        pair.close()
    except LedgerDamagedError as error:
        return None, [error.message]
    return pair, problems


def restore(folders: LedgerPaths, disk: Disk, source: Path, now: datetime, *, base_url: str | None) -> Restored:
    """Archives what there is, then puts a backup's content in its place.

    Args:
        folders: of the ledger, whose files nobody has open.
        disk: the file calls.
        source: the zip file.
        now: the time (with a zone), for the archive's name.
        base_url: the API whose history the ledger is to hold; None takes any.

    Raises:
        LedgerError: the source is no whole archive of such a ledger; nothing was changed.
        LedgerFullError: the disk refused; the ledger is as it was, or the next start finishes it.
    """
    with archive.opened(source) as packed:
        found = _examined(packed, source)
        if None not in {base_url, found.base_url} and base_url != found.base_url:
            raise LedgerError(
                f"{source} holds the history of {found.base_url}, not of {base_url}",
                "restore it where that one belongs (TRAYD_HOME, TRAYD_FAL_URL)",
            )
        for folder in (folders.ledger, folders.backup):
            archive.refuse_without_room(found.size, folder)
        there = archive.files_of(folders, kept_aside=True)
        kept = archive.free_name(folders, archive.stem_of(folders, now)) if there else None
        if kept is not None:
            archive.pack(there, kept, disk)
        plan = Plan(
            told=f"{source} was being restored, which is finished now",
            ledger=_staged(packed, found.names, "ledger", ".json", folders.ledger, disk),
            backup=_staged(packed, found.names, "backup", ".jsonl", folders.backup, disk),
        )
    swap(folders, disk, plan)
    return Restored(archive=kept, records=found.records, months=len(found.months))


def _staged(packed: ZipFile, names: tuple[str, ...], part: str, end: str, folder: Path, disk: Disk) -> tuple[str, ...]:
    """Unpacks the files of one folder beside those that are there; the names that they are to get."""
    files = [f"{name}{end}" for name in names]
    return tuple(
        file for file in files if archive.unpack(packed, f"{part}/{file}", folder / (file + archive.STAGED), disk)
    )


def in_memory(state: State, months: Months) -> dict[str, Payloads]:
    """What the pairs that are in memory hold, by their names."""
    pairs = [state.pair, *(month.pair for month in months.opened())]
    found: dict[str, Payloads] = {}
    for pair in pairs:
        contents: Payloads = {name: {} for name in pair.tables}
        found[pair.name] = contents
        for table in pair.tables.values():
            for name, key, payload in table.payloads():
                contents[name][key] = payload
    return found
