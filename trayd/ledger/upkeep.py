"""Keeping a ledger sound: looking through it, copying it, putting a copy back, writing it anew, clearing it.

All of it works on files that nobody else has open: either the ledger has let go of them, or the caller holds the
lock of a ledger that cannot be opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from trayd.ledger.archive import archive
from trayd.ledger.disk import Disk
from trayd.ledger.months import Months
from trayd.ledger.pair import LedgerPaths
from trayd.ledger.state import State
from trayd.ledger.tables import Row, facts_of, row_of
from trayd.records import Record

#: The payloads of a pair: by table, then by key.
Contents = dict[str, dict[str, bytes]]


class Source(StrEnum):
    """A file of a pair that it can be rebuilt from."""

    MIRROR = "mirror"
    FILE = "file"


class BackedUp(msgspec.Struct, frozen=True):
    """A copy that was made.

    Attributes:
        path: the zip file.
        records: how many records it holds.
        size: in bytes.
    """

    path: Path
    records: int
    size: int


class Restored(msgspec.Struct, frozen=True):
    """A copy that was put back.

    Attributes:
        archive: the zip file with what was there before; None where nothing was.
        records: how many records there are now.
    """

    archive: Path | None
    records: int


class Rebuilt(msgspec.Struct, frozen=True):
    """A pair that was written anew.

    Attributes:
        name: of the pair: ``2026-11``, ``state``.
        documents: how many it holds.
        read: what it was read from: ``memory``, ``mirror``, ``file``, or ``both`` where neither was whole.
        kept: the files that it replaced, under the names that they are kept by.
        missing: what could not be read, and so is not in it.
    """

    name: str
    documents: int
    read: str
    kept: tuple[Path, ...]
    missing: tuple[str, ...]


def prepare(folders: LedgerPaths, disk: Disk, now: datetime) -> tuple[str, ...]:  # noqa: ARG001 - more to come
    """What has to be done before a ledger can be read: what was cut short is finished, old formats are brought up.

    Returns:
        What was done, for people.
    """
    return ()


def verify(state: State, months: Months, present: Callable[[Row], Record]) -> list[str]:
    """Reads all files again and compares them with each other and with memory.

    Args:
        state: the state pair.
        months: all months; they are opened one after the other.
        present: makes the record that is shown out of a row.

    Returns:
        The problems found, none when all is sound.
    """
    problems = state.verify()
    seen: dict[str, Path] = {}
    for name in months.names():
        month = months.open(name)
        problems += month.pair.verify()
        problems += [
            f"{month.pair.file}: the record {record_id} is not what its facts make"
            for record_id, row in month.rows.items()
            if not _is_sound(record_id, row, present)
        ]
        problems += [
            f"{month.pair.file}: the record {record_id} stands in {seen[record_id]} too"
            for record_id in month.rows
            if record_id in seen
        ]
        seen |= dict.fromkeys(month.rows, month.pair.file)
        months.release()
    return problems


def _is_sound(record_id: str, row: Row, present: Callable[[Row], Record]) -> bool:
    again = row_of(record_id, facts_of(row))
    return present(again) == present(row) and again.billed == row.billed


def archive_and_clear(folders: LedgerPaths, disk: Disk, now: datetime) -> Path:
    """Puts everything into one zip file beside the ledger's folder, then removes it from the folders.

    Raises:
        LedgerFullError: the disk refused; unless the archive is complete nothing was cleared.
    """
    return archive(folders, disk, now)


def backup(folders: LedgerPaths, disk: Disk, now: datetime, target: Path | None) -> BackedUp:
    """Puts a copy of everything into one zip file."""
    raise NotImplementedError


def restore(folders: LedgerPaths, disk: Disk, source: Path, now: datetime, *, base_url: str | None) -> Restored:
    """Archives what there is, then puts a backup's content in its place."""
    raise NotImplementedError


def in_memory(state: State, months: Months) -> dict[str, Contents]:
    """What the pairs that are in memory hold, by their names."""
    pairs = [state.pair, *(month.pair for month in months.opened())]
    found: dict[str, Contents] = {}
    for pair in pairs:
        contents: Contents = {name: {} for name in pair.tables}
        found[pair.name] = contents
        for table in pair.tables.values():
            for name, key, payload in table.payloads():
                contents[name][key] = payload
    return found


def rebuild(
    folders: LedgerPaths,
    disk: Disk,
    names: Sequence[str],
    source: Source | None,
    memory: Mapping[str, Contents],
) -> tuple[Rebuilt, ...]:
    """Writes both files of pairs anew."""
    raise NotImplementedError
