"""Bringing a ledger that an older trayd wrote into the form of this one.

All files are looked at first, by a few bytes of each, and nothing is touched where one of them is too new. Then a whole
copy is made and tried, and only then is one pair after the other written anew; each is whole at every moment. A start
that was cut short goes on with the pairs that are left, and makes no second copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from trayd.errors import LedgerDamagedError
from trayd.ledger.archive import files_of, free_name, opened, pack, stem_of
from trayd.ledger.contents import of_pair
from trayd.ledger.disk import Disk, refusals
from trayd.ledger.formats import format_of, refuse_newer
from trayd.ledger.journal import FORMAT
from trayd.ledger.pair import LedgerPaths
from trayd.ledger.rebuild import take_edits, write_anew


def bring_up(folders: LedgerPaths, disk: Disk, now: datetime) -> tuple[str, ...]:
    """Brings every pair that is of an older version up to this one.

    Returns:
        What was done, for people; nothing where all is of this version.

    Raises:
        LedgerNewerError: a file is of a newer version; nothing was changed.
        LedgerDamagedError: neither file of a pair is whole; it, and those after it, were not changed.
        LedgerFullError: the disk refused; a pair is in the old form or in the new one.
    """
    versions = {path: format_of(path) for path, _ in files_of(folders, kept_aside=False)}
    for path, version in versions.items():
        refuse_newer(path, version)
    older = sorted({path.name.partition(".")[0] for path, version in versions.items() if version in range(1, FORMAT)})
    if not older:
        return ()
    oldest = min(version for version in versions.values() if version)
    copy = _copy(folders, disk, now, oldest, versions)
    for name in older:
        _bring_up(name, folders, disk)
    return (f"the ledger was brought from format {oldest} to {FORMAT}; a copy of it as it was is {copy}",)


def _bring_up(name: str, folders: LedgerPaths, disk: Disk) -> None:
    contents = of_pair(name, folders, disk, None)
    if contents.missing or contents.read == "both":
        raise LedgerDamagedError(
            f"{name} is of an older format and neither of its files is whole ({'; '.join(contents.missing)})",
            f"run `trayd ledger rebuild {name}`: it takes what can still be read",
        )
    take_edits(contents, folders.ledger / f"{name}.json", disk)
    write_anew(name, folders, disk, contents)


def _copy(folders: LedgerPaths, disk: Disk, now: datetime, oldest: int, versions: Mapping[Path, int | None]) -> Path:
    """A whole copy of what there is; the one that an earlier start made, where that was cut short."""
    end = f"-format{oldest}"
    with refusals(folders.ledger.parent):
        made = sorted(folders.ledger.parent.glob(f"{folders.ledger.name}-*{end}.zip"))
        if made and (FORMAT in versions.values() or _is_newer(made[-1], versions)):
            return made[-1]
    target = free_name(folders, stem_of(folders, now) + end)
    pack(files_of(folders, kept_aside=False), target, disk)
    with opened(target) as packed:
        packed.testzip()
    return target


def _is_newer(copy: Path, files: Mapping[Path, int | None]) -> bool:
    return all(copy.stat().st_mtime_ns >= path.stat().st_mtime_ns for path in files)
