"""Clearing a ledger: everything goes into one archive first."""

from __future__ import annotations

import io
import re
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from trayd.ledger.disk import TEMPORARY, Disk, refusals, write_all
from trayd.ledger.months import MONTH
from trayd.ledger.pair import LedgerPaths

# The backup can be in a folder that has other files of the user's.
_KEPT_ASIDE = r"(?:\.(?:damaged|edited)-[0-9]{8}T[0-9]{6}Z(?:-[0-9]+)?)?(?:\.tmp)?"
_OURS = re.compile(rf"(?:state|{MONTH})\.jsonl?{_KEPT_ASIDE}")


def _state_first(path: Path) -> tuple[bool, str]:
    """What claims the records goes before they do: a clearing that is cut short leaves no claim on what is gone."""
    return not path.name.startswith("state."), path.name


class _Sink(io.RawIOBase):
    """A file that can only be written forward, through the ledger's file calls."""

    def __init__(self, disk: Disk, handle: int) -> None:
        self._disk = disk
        self._handle = handle

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # zipfile writes bytes
        write_all(self._disk, self._handle, data)
        return len(data)


def archive(folders: LedgerPaths, disk: Disk, now: datetime) -> Path:
    """Packs the files of both folders into a zip file beside the ledger's folder, and then removes them.

    Raises:
        LedgerFullError: the disk refused; while the archive is not complete nothing is removed.
    """
    stem = f"{folders.ledger.name}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    target = folders.ledger.parent / f"{stem}.zip"
    number = 1
    while target.exists():
        number += 1
        target = target.with_name(f"{stem}-{number}.zip")
    temporary = target.with_name(target.name + TEMPORARY)
    with refusals(target):
        files = [
            (path, f"{part}/{path.name}")
            for part, folder in (("ledger", folders.ledger), ("backup", folders.backup))
            for path in sorted(folder.iterdir())
            if path.is_file() and _OURS.fullmatch(path.name)
        ]
        try:
            handle = disk.open_new(temporary)
            try:
                sink = _Sink(disk, handle)
                with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as packed:
                    for path, name in files:
                        packed.write(path, name)
                disk.sync(handle)
            finally:
                disk.close(handle)
            disk.replace(temporary, target)
            disk.sync_folder(target.parent)
        except BaseException:
            with suppress(OSError):
                disk.remove(temporary)
            raise
        for path, _ in sorted(files, key=lambda file: _state_first(file[0])):
            disk.remove(path)
        disk.sync_folder(folders.ledger)
        disk.sync_folder(folders.backup)
    return target
