"""The folders of scheduled reports, which may be on a disk that is slow, full or gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from trayd.blocking import on_daemon_thread
from trayd.errors import TraydError
from trayd.files import way_out, write_new

#: A folder that has not taken its files after this long does not answer; other work goes on.
PUTTING_S = 60.0

_CHUNK = 64 * 1024


class ReportFolders:
    """Puts files into folders, each on a thread of its own that nobody has to wait for."""

    def __init__(self) -> None:
        self._putting: dict[Path, asyncio.Task[list[Path]]] = {}

    async def put_away(self, folder: Path, texts: Sequence[tuple[str, IO[str]]], drop: Path | None) -> list[Path]:
        """Puts the texts into files of these names, all or none; the files that have them now.

        Args:
            folder: theirs.
            texts: the names, and from where each text is read.
            drop: the drop folder, where the folder is one that the user has named.

        Raises:
            TraydError: the folder is not there, is full, is the drop folder, or does not answer.
        """
        putting = self._putting.get(folder)
        if putting is None:
            putting = asyncio.create_task(on_daemon_thread(lambda: put_away(folder, texts, drop), "reports"))
            self._putting[folder] = putting
            # What comes of one that nobody waits for any more is of no use: its texts are closed.
            putting.add_done_callback(lambda done: self._putting.pop(folder) and (done.cancelled() or done.exception()))
            try:
                await asyncio.wait({putting}, timeout=PUTTING_S)
            except asyncio.CancelledError:
                putting.cancel()
                raise
            if putting.done():
                return putting.result()
        raise TraydError(
            f"{folder} does not answer", "see that its disk and its network are there, or name another folder"
        )


def put_away(folder: Path, texts: Iterable[tuple[str, IO[str]]], drop: Path | None) -> list[Path]:
    """Puts the texts into files of these names, all or none; the files that have them now.

    Args:
        folder: theirs.
        texts: the names, and from where each text is read.
        drop: the drop folder, where the folder is one that the user has named.

    Raises:
        TraydError: the folder is not there, is full, or is the drop folder.
    """
    if drop is not None:
        check_own_folder(folder, drop)
    files, new = [], []
    try:
        for name, text in texts:
            file, is_new = write_new(folder / name, iter(partial(text.read, _CHUNK), ""))
            files.append(file)
            if is_new:
                new.append(file)
    except BaseException:
        for file in new:
            file.unlink(missing_ok=True)
        raise
    return files


def check_own_folder(folder: Path, drop: Path) -> None:
    """Looks whether scheduled reports can go into a folder that the user has named.

    Raises:
        TraydError: it is not there, cannot be looked at, or is the drop folder.
    """
    try:
        there = folder.is_dir()
        dropped = there and folder.resolve().is_relative_to(drop.resolve())
    except OSError as error:
        raise TraydError(f"{folder} cannot be looked at ({error.strerror})", way_out(error)) from error
    if not there:
        # It may be on a disk that is not connected: what is made in its place would be lost beneath it.
        raise TraydError(
            f"there is no folder {folder}", "make it, connect its disk, or name another one in [[report.schedule]]"
        )
    if dropped:
        raise TraydError(
            f"{folder} is in the drop folder, and exports there would be taken in as costs",
            "name another one in [[report.schedule]]",
        )
