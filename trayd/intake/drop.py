"""The drop folder: what people and programs put there is recorded and moved to ``done/``, or to ``rejected/`` with why.

The scan is the truth. Whatever wakes it, it looks at every name in the folder, so nothing depends on an event that came
or was lost. A file is recorded first and moved then: killed between the two, the next run finds it again, and the
ledger knows it by its content.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
import time
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from trayd.errors import IntakeError, LedgerError, TraydError
from trayd.facts import Added, Batch, ModelFact
from trayd.intake import places
from trayd.intake.event_files import is_whole
from trayd.intake.listing import DONE, REJECTED, Found, count, in_groups, refused_unread, states
from trayd.intake.notices import REASON_END, ROWS_END, DropNotice, notice_of, reason_text
from trayd.intake.places import ChangedError, Signature
from trayd.intake.rejection import CORRECT_IT, Rejection, printable
from trayd.intake.take import (
    EVENT_OBJECT,
    ImportResult,
    Understood,
    batches,
    read_file,
    rejected_rows_csv,
    results,
    unknown_files,
)
from trayd.intake.watch import FolderWatch
from trayd.records import DropStatus
from trayd.settings import Settings

#: A file that does not show by its content that it is whole has to be left alone by its writer for this long.
QUIET_S = 2.0

#: The folder is looked at this often without any event.
INTERVAL_S = 5.0

# A larger file is not tried again and again while it is being written.
_LARGEST_AT_ONCE = 1024 * 1024

# A file that grows after it was moved (its writer still had it open) is read again if it does so within this time.
_GROWS_S = 60.0

# What could not be moved is tried again after this time.
_RETRY_S = 60.0

# So many files at once are a burst. Its events are as many and cost as much as taking the files in, to say no more than
# the first: nobody listens to them, and looks again instead.
_BURST_FILES = 100

# One scan, where it stands alone, waits this long for files that are still being written.
_PATIENCE_S = 10.0

logger = logging.getLogger(__name__)


class DropHost(Protocol):
    """What the drop folder needs of whoever runs it."""

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""

    def now(self) -> datetime:
        """The time (UTC)."""

    async def submit(self, batch: Batch) -> Added:
        """Makes the facts durable.

        Raises:
            LedgerError: it cannot be written now; the files stay where they are and are tried again.
        """

    async def files_taken(self, digests: Sequence[str]) -> Container[str]:
        """Those of the digests whose files were taken in before."""

    async def models(self) -> Mapping[str, ModelFact]:
        """What is known of each endpoint."""

    async def tell(self, notice: DropNotice) -> None:
        """Tells the person."""


class _Read(msgspec.Struct, frozen=True):
    found: Found
    file: Understood


class _Moved(msgspec.Struct, frozen=True):
    """A file that was moved, for as long as its writer may still have it open."""

    name: str
    signature: Signature
    at: float


class DropFolder:
    """Takes in what is put into a folder.

    Args:
        path: the folder; it is made where it is missing.
        host: the ledger, the settings and the person, as whoever runs this has them.
    """

    def __init__(self, path: Path, host: DropHost) -> None:
        self._path = path
        self._host = host
        self._scanning = asyncio.Lock()
        self._since: dict[str, tuple[Signature, float]] = {}
        self._incomplete: dict[str, Signature] = {}
        self._stuck: dict[str, tuple[Signature, float]] = {}
        self._moved: dict[str, _Moved] = {}
        self._grown_at = 0.0
        self._told: set[str] = set()
        self._status = DropStatus()
        self._soonest: float | None = None
        self._watch: FolderWatch | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Takes files in as they come, until ``stop`` is set."""
        loop = asyncio.get_running_loop()
        wake = asyncio.Event()

        def on_change() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(wake.set)

        self._watch = FolderWatch(self._path, on_change)
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                wake.clear()
                await self._scan(stop)
                waking = asyncio.create_task(wake.wait())
                await asyncio.wait(
                    {stopping, waking}, timeout=self._pause(INTERVAL_S), return_when=asyncio.FIRST_COMPLETED
                )
                waking.cancel()
        finally:
            stopping.cancel()
            await asyncio.to_thread(self._watch.close)
            self._watch = None

    async def scan_once(self) -> tuple[ImportResult, ...]:
        """Takes in what is there, and waits a moment for what is still being written; what became of each file."""
        done: list[ImportResult] = []
        until = time.monotonic() + _PATIENCE_S
        while True:
            done += await self._scan()
            if self._soonest is None or time.monotonic() > until:
                return tuple(done)
            await asyncio.sleep(self._pause(_PATIENCE_S))

    def counts(self) -> DropStatus:
        """How many files wait and how many were rejected, as of the last look."""
        return self._status

    def _pause(self, longest: float) -> float:
        if self._soonest is None:
            return longest
        return min(longest, max(0.01, self._soonest - time.monotonic()))

    async def _scan(self, stop: asyncio.Event | None = None) -> list[ImportResult]:
        done: list[ImportResult] = []
        async with self._scanning:
            try:
                found, models = await asyncio.gather(asyncio.to_thread(self._look), self._host.models())
            except IntakeError as error:
                await self._trouble("folder", error.message, error.cure)
                return done
            self._over("folder")
            for group in in_groups(found):
                if stop is not None and stop.is_set():
                    break
                try:
                    done += await self._take(group, models)
                except LedgerError as error:
                    await self._trouble("ledger", f"Files wait in the drop folder: {error.message}", error.cure)
                    break
                self._over("ledger")
            else:
                if len(found) > _BURST_FILES:
                    self._look_again(time.monotonic())
            if found:
                self._status = await asyncio.to_thread(count_files, self._path)
            if self._moved and time.monotonic() >= self._grown_at:
                # After a burst there are many of them: no new file waits for that.
                await asyncio.to_thread(self._return_grown)
                self._grown_at = time.monotonic() + INTERVAL_S
        return done

    def _look(self) -> list[Found]:
        """What can be taken now, of a folder that is made where it is missing. On a worker thread.

        Raises:
            IntakeError: the folder can be neither made nor read.
        """
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise IntakeError(
                f"The drop folder {self._path} cannot be made ({error.strerror})", "mend it, or set another"
            ) from None
        if self._watch is not None:
            # The watch comes before the look, so that a file falls into one of the two.
            self._watch.ensure()
        try:
            ready = self._ready()
        except OSError as error:
            raise IntakeError(
                f"The drop folder {self._path} cannot be read ({error.strerror})", "mend its rights"
            ) from None
        if self._watch is not None and len(ready) > _BURST_FILES:
            self._watch.close()
        return ready

    def _ready(self) -> list[Found]:
        now = time.monotonic()
        ready: list[Found] = []
        seen: dict[str, tuple[Signature, float]] = {}
        self._soonest = None
        self._stuck = {name: stuck for name, stuck in self._stuck.items() if stuck[1] > now - _RETRY_S}
        for name, status in states(self._path):
            signature = Signature.of(status)
            known = self._since.get(name)
            since = known[1] if known and known[0] == signature else now
            seen[name] = (signature, since)
            if (stuck := self._stuck.get(name)) and stuck[0] == signature:
                continue
            found = Found(name, signature, status.st_mode, now - since >= QUIET_S)
            at_once = stat.S_ISREG(found.mode) and found.suffix in EVENT_OBJECT and status.st_size <= _LARGEST_AT_ONCE
            if found.quiet or (at_once and self._incomplete.get(name) != signature):
                ready.append(found)
            else:
                self._look_again(since + QUIET_S)
        self._since = seen
        self._incomplete = {name: state for name, state in self._incomplete.items() if name in seen}
        if not ready:
            self._status = count_files(self._path)
        return ready

    def _look_again(self, at: float) -> None:
        self._soonest = at if self._soonest is None else min(self._soonest, at)

    def _return_grown(self) -> None:
        """Puts files back that were written on after they had been moved."""
        now = time.monotonic()
        for path, moved in list(self._moved.items()):
            try:
                state = Signature.of(os.lstat(path))
                if state != moved.signature:
                    del self._moved[path]
                    places.move(path, self._path, moved.name, state)
                    self._look_again(now)
                    logger.info("%s was written on after it was taken in, and is read again", moved.name)
                elif now - moved.at > _GROWS_S:
                    del self._moved[path]
            except (OSError, ChangedError):
                self._moved.pop(path, None)

    async def _take(self, group: list[Found], models: Mapping[str, ModelFact]) -> list[ImportResult]:
        settings, now = self._host.settings, self._host.now()
        reads = await asyncio.to_thread(self._read, group, settings, models, now)
        return await self._record(reads, now)

    async def _record(self, reads: list[_Read], now: datetime) -> list[ImportResult]:
        files = [read.file for read in reads]
        known = await self._host.files_taken([file.digest for file in files])
        try:
            added = [await self._host.submit(batch) for batch in batches(unknown_files(files, known), now)]
        except LedgerError:
            raise
        except TraydError as error:
            if len(reads) > 1:
                return [result for read in reads for result in await self._record([read], now)]
            refused = Rejection(problem=error.message, cure=error.cure or CORRECT_IT)
            reads = [_Read(read.found, msgspec.structs.replace(read.file, refused=refused)) for read in reads]
            files, added = [read.file for read in reads], []
        notices, trouble = await asyncio.to_thread(self._put_away, reads, known, now)
        for notice in notices:
            await self._host.tell(notice)
        if trouble is None:
            self._over("move")
        else:
            await self._trouble(
                "move",
                f"Files in the drop folder {self._path} are read but cannot be moved ({trouble.strerror})",
                "give trayd the right to write there",
            )
        return results(files, added)

    def _read(
        self, group: list[Found], settings: Settings, models: Mapping[str, ModelFact], now: datetime
    ) -> list[_Read]:
        """What the files say; those that are not whole yet are left out. On a worker thread."""
        reads = []
        folder = str(self._path)
        for found in group:
            if refused := refused_unread(found):
                file = Understood(name=printable(found.name), digest="", refused=refused)
            else:
                try:
                    data = places.read_unchanged(f"{folder}{os.sep}{found.name}", found.signature)
                except ChangedError:
                    self._look_again(time.monotonic() + QUIET_S)
                    continue
                except OSError as error:
                    if places.in_use(error):
                        continue
                    refused = Rejection(problem=f"it cannot be read ({error.strerror})", cure="mend its rights")
                    file = Understood(name=printable(found.name), digest="", refused=refused)
                else:
                    file = _understood(found.name, data, settings, models, now)
                    if file.refused and not found.quiet and not is_whole(data):
                        self._incomplete[found.name] = found.signature
                        self._look_again(time.monotonic() + QUIET_S)
                        continue
            if file.refused is None and file.rejected:
                self._place_rows(file)
            reads.append(_Read(found, file))
        return reads

    def _place_rows(self, file: Understood) -> None:
        # Before anything of it is recorded: once it is, the file is known and nobody looks at its bad rows again.
        folder = self._path / REJECTED
        try:
            places.make_folder(folder)
            places.place(folder, places.with_end(file.name, ROWS_END), rejected_rows_csv(file).encode("utf-8-sig"))
        except OSError as error:
            logger.warning("the rejected rows of %s cannot be written: %s", file.name, error)

    def _put_away(
        self, reads: list[_Read], known: Container[str], now: datetime
    ) -> tuple[list[DropNotice], OSError | None]:
        """Moves each file to where it belongs; what to tell, and what was in the way. On a worker thread."""
        notices = []
        trouble: OSError | None = None
        folder, month = str(self._path), f"{now:%Y-%m}"
        done: str | None = None
        for found, file in ((read.found, read.file) for read in reads):
            notice = None if file.digest in known else notice_of(file, self._path / REJECTED)
            try:
                if file.refused is None:
                    done = done or self._done_folder(month)
                    target = places.move(f"{folder}{os.sep}{found.name}", done, found.name, found.signature)
                else:
                    target = self._reject(found, file)
            except ChangedError:
                continue
            except OSError as error:
                if places.in_use(error):
                    continue
                trouble = error
                self._stuck[found.name] = (found.signature, time.monotonic())
                if notice and self._first(f"{found.name} {found.signature}"):
                    notices.append(notice)
                continue
            if stat.S_ISREG(found.mode):
                self._moved[target] = _Moved(found.name, found.signature, time.monotonic())
            if notice:
                notices.append(notice)
        return notices, trouble

    def _done_folder(self, month: str) -> str:
        for folder in (self._path / DONE, self._path / DONE / month):
            places.make_folder(folder)
        return str(folder)

    def _reject(self, found: Found, file: Understood) -> str:
        folder = self._path / REJECTED
        places.make_folder(folder)
        reason = reason_text(file).encode()
        name = places.free_name(folder, found.name, REASON_END, reason)
        # The reason first: a file without one would say nothing.
        places.place(folder, places.with_end(printable(name), REASON_END), reason)
        return places.move(self._path / found.name, folder, name, found.signature)

    async def _trouble(self, key: str, what: str, cure: str) -> None:
        """Tells of a trouble with the folder once, until it is over."""
        if self._first(key):
            logger.warning("%s; %s", what, cure)
            await self._host.tell(DropNotice(title="Drop folder", body=f"{what}; {cure}"))

    def _first(self, key: str) -> bool:
        first = key not in self._told
        self._told.add(key)
        return first

    def _over(self, key: str) -> None:
        self._told.discard(key)


def count_files(path: Path) -> DropStatus:
    """How many files wait in a drop folder and how many were rejected; none where there is no folder."""
    return DropStatus(
        waiting=count(path),
        rejected=count(path / REJECTED, but=REASON_END),
    )


def _understood(
    name: str, data: bytes, settings: Settings, models: Mapping[str, ModelFact], now: datetime
) -> Understood:
    try:
        return read_file(name, data, settings=settings, models=models, now=now)
    except Exception as error:  # noqa: BLE001  # whatever one file does to a reader, the others are taken in
        # Its text may quote the file, and so a prompt.
        logger.error("%s cannot be read: %s", name, type(error).__name__)  # noqa: TRY400  # for the same reason
        refused = Rejection(problem=f"trayd failed to read it ({type(error).__name__})", cure="report it with the file")
        return Understood(name=name, digest="", refused=refused)
