"""The folders of scheduled reports, which may be on a disk that is slow, full or gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO, Any, TypeVar

from trayd.blocking import on_daemon_thread
from trayd.errors import TraydError
from trayd.files import way_out, write_new

logger = logging.getLogger(__name__)

#: A folder that has not taken its files after this long does not answer; other work goes on.
PUTTING_S = 60.0
#: Files that are on their way when trayd ends are waited for so long, to be remembered; a disk may be gone.
ENDING_S = 3.0

_CHUNK = 64 * 1024

T = TypeVar("T")


class ReportFolders:
    """Has files put into folders; what a slow one takes late comes to its end by itself, and counts."""

    def __init__(self) -> None:
        self._busy: dict[Path, asyncio.Task[Any]] = {}
        self._late: set[asyncio.Task[None]] = set()

    def check(self, folder: Path) -> None:
        """Looks whether a folder may take files.

        Raises:
            TraydError: it does not answer: an earlier work with it still goes on.
        """
        if folder in self._busy:
            raise _silent(folder)

    async def follow(self, folder: Path, work: Coroutine[Any, Any, T], tell_late: Callable[[T], Awaitable[None]]) -> T:
        """What a work gives that puts files into that folder. Who is cancelled meanwhile waits for it some seconds.

        Args:
            folder: where it puts them.
            work: comes to its end also where nobody waits for it any more.
            tell_late: is told then what it gave.

        Raises:
            TraydError: the folder does not answer; the work goes on.
        """
        task = asyncio.create_task(work)
        self._busy[folder] = task
        task.add_done_callback(lambda _: self._busy.pop(folder, None))
        try:
            await asyncio.wait([task], timeout=PUTTING_S)
        except asyncio.CancelledError:
            await asyncio.wait([task], timeout=ENDING_S)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
        if task.done():
            return task.result()
        late = asyncio.create_task(_when_done(task, tell_late))
        self._late.add(late)
        late.add_done_callback(self._late.discard)
        raise _silent(folder)


def _silent(folder: Path) -> TraydError:
    return TraydError(
        f"{folder} does not answer", "see that its disk and its network are there, or name another folder"
    )


async def _when_done(task: asyncio.Task[T], tell: Callable[[T], Awaitable[None]]) -> None:
    try:
        await tell(await task)
    except Exception:
        # Nobody waits for it any more; it is tried again.
        logger.warning("a report could not be put into its folder in the end", exc_info=True)


async def put_away(folder: Path, texts: Iterable[tuple[str, IO[str]]], drop: Path | None) -> list[Path]:
    """Puts the texts into files of these names, all or none; the files that have them now.

    Args:
        folder: theirs.
        texts: the names, and from where each text is read.
        drop: the drop folder, where the folder is one that the user has named.

    Raises:
        TraydError: the folder is not there, is full, or is the drop folder.
    """
    return await on_daemon_thread(lambda: _put_away(folder, texts, drop), "reports")


def _put_away(folder: Path, texts: Iterable[tuple[str, IO[str]]], drop: Path | None) -> list[Path]:
    if drop is not None:
        check_own_folder(folder, drop)
    files, new = [], []
    try:
        for name, text in texts:
            same = partial(_but_for_its_time, suffix=Path(name).suffix)
            file, is_new = write_new(folder / name, iter(partial(text.read, _CHUNK), ""), same)
            files.append(file)
            if is_new:
                new.append(file)
    except BaseException:
        for file in new:
            file.unlink(missing_ok=True)
        raise
    return files


def _but_for_its_time(new: Path, there: Path, *, suffix: str) -> bool:
    """Whether a file says the same as one that is there, but for when it was made and what was known of bills then.

    So what a trayd has put there that was killed before it could remember it is not there twice. JSON and journals say
    that in their first line, a page in a line at its head and in one at its foot; tables do not.
    """
    with new.open("rb") as one, there.open("rb") as other:
        differing = list(islice((number for number, (a, b) in enumerate(zip_longest(one, other)) if a != b), 3))
    if suffix in {".json", ".journal"}:
        return differing in ([], [0])
    return len(differing) <= (2 if suffix == ".html" else 0)


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
