"""The drop folder: what people and programs put there is recorded and moved to ``done/``, or to ``rejected/`` with why.

The scan is the truth. Whatever wakes it, it looks at every name in the folder, so nothing depends on an event that came
or was lost. A file is recorded first and moved then: killed between the two, the next run finds it again, and the
ledger knows it by its content, or by that of its events.

Looking and reading (:mod:`trayd.intake.taking`) and moving (:mod:`trayd.intake.away`) run on worker threads, one step
after the other; how long files are left alone is kept in :mod:`trayd.intake.ready`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from trayd.errors import IntakeError, LedgerError, TraydError
from trayd.facts import Added, Batch, ModelFact
from trayd.intake import places
from trayd.intake.away import Away, PuttingAway, cure_of
from trayd.intake.listing import REJECTED, Found, claimed, count, in_groups, states
from trayd.intake.notices import REASON_END, DropNotice, gathered, summary
from trayd.intake.ready import Readiness
from trayd.intake.rejection import CORRECT_IT, Rejection, printable
from trayd.intake.take import ImportResult, batches, results, unknown_files
from trayd.intake.taking import Read, Taken, Taking
from trayd.intake.watch import BURST, FolderWatch
from trayd.records import DropStatus
from trayd.settings import Settings

#: The folder is looked at this often without any event.
INTERVAL_S = 5.0

# One scan, where it stands alone, waits this long for files that are still being written.
_PATIENCE_S = 15.0

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
        self._readiness = Readiness()
        self._taking = Taking(path, self._readiness)
        self._putting_away = PuttingAway(path, self._readiness)
        self._watch: FolderWatch | None = None
        self._status = DropStatus()
        self._models: Mapping[str, ModelFact] = {}
        self._models_old_at = self._grown_at = self._readiness.clock()
        self._begun = False
        self._told: set[str] = set()

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
        until = self._readiness.clock() + _PATIENCE_S
        while True:
            done += await self._scan()
            if self._readiness.soonest is None or self._readiness.soonest > until:
                return tuple(done)
            await asyncio.sleep(self._pause(_PATIENCE_S))

    def counts(self) -> DropStatus:
        """How many files wait and how many were rejected, as of the last look."""
        return self._status

    def _pause(self, longest: float) -> float:
        soonest = self._readiness.soonest
        return longest if soonest is None else min(longest, max(0.01, soonest - self._readiness.clock()))

    async def _scan(self, stop: asyncio.Event | None = None) -> list[ImportResult]:
        done: list[ImportResult] = []
        async with self._scanning:
            await self._renew_models()
            settings, now = self._host.settings, self._host.now()
            try:
                groups, taken = await asyncio.to_thread(self._look_and_take, settings, now)
            except IntakeError as error:
                await self._trouble("folder", error.message, error.cure)
                return done
            self._over("folder")
            try:
                done += await self._record(taken, now)
                for group in groups:
                    if stop is not None and stop.is_set():
                        break
                    taken = await asyncio.to_thread(self._taking.take, group, settings, self._models, now)
                    done += await self._record(taken, now)
            except LedgerError as error:
                await self._trouble("ledger", f"Files wait in the drop folder: {error.message}", error.cure)
            else:
                self._over("ledger")
            if self._putting_away.awaits and self._readiness.clock() >= self._grown_at:
                # After a burst there are many of them: no new file waits for that.
                await asyncio.to_thread(self._putting_away.return_grown)
                self._grown_at = self._readiness.clock() + INTERVAL_S
        return done

    async def _renew_models(self) -> None:
        # Prices change a few times a year, files come by the thousand.
        if self._readiness.clock() >= self._models_old_at:
            self._models = await self._host.models()
            self._models_old_at = self._readiness.clock() + INTERVAL_S

    def _look_and_take(self, settings: Settings, now: datetime) -> tuple[list[list[Found]], Taken]:
        """Reads the first files that can be taken; the others, in groups. On a worker thread.

        Raises:
            IntakeError: the folder can be neither made nor read.
        """
        first, *others = in_groups(self._look())
        if not first:
            self._status = count_files(self._path)
        return others, self._taking.take(first, settings, self._models, now)

    def _look(self) -> list[Found]:
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
            if not self._begun:
                for name in claimed(self._path):
                    places.unclaim(self._path, name)
                places.discard_unfinished(self._path / REJECTED)
                self._begun = True
            found = self._readiness.ready(states(self._path))
        except FileNotFoundError:
            # It has been taken away since, and is made again.
            self._readiness.look_again()
            return []
        except OSError as error:
            raise IntakeError(
                f"The drop folder {self._path} cannot be read ({error.strerror})", "mend its rights"
            ) from None
        if len(found) > BURST:
            if self._watch is not None:
                self._watch.rest()
            self._readiness.look_again()
        return found

    async def _record(self, taken: Taken, now: datetime) -> list[ImportResult]:
        """Makes durable what was read, then has it moved; what became of each file.

        Raises:
            LedgerError: nothing can be written now; the files stay where they are.
        """
        reads = taken.reads
        trouble = taken.trouble
        done: list[ImportResult] = []
        if reads:
            remembered = [read.file.digest for read in reads if read.file.remembered]
            known: Container[str] = await self._host.files_taken(remembered) if remembered else ()
            try:
                done = await self._submit(reads, known, now)
            except LedgerError:
                raise
            except TraydError as error:
                if len(reads) > 1:
                    return [result for read in reads for result in await self._record(Taken([read], trouble), now)]
                refused = Rejection(problem=error.message, cure=error.cure or CORRECT_IT)
                file = msgspec.structs.replace(reads[0].file, refused=refused)
                reads = [msgspec.structs.replace(reads[0], file=file)]
                done = results([file], [])
            away = await asyncio.to_thread(self._put_away, reads, known, now)
            for notice in gathered(away.notices):
                await self._host.tell(notice)
            trouble = away.trouble or trouble
        await self._moved_or_trouble(trouble)
        return done

    async def _submit(self, reads: Sequence[Read], known: Container[str], now: datetime) -> list[ImportResult]:
        files = [read.file for read in reads]
        added = [await self._host.submit(batch) for batch in batches(unknown_files(files, known), now)]
        done = results(files, added)
        for file, result in zip(files, done, strict=True):
            if file.costs:
                logger.info("%s", summary(result))
        return done

    def _put_away(self, reads: Sequence[Read], known: Container[str], now: datetime) -> Away:
        watched = self._watch is not None and self._watch.listening
        away = self._putting_away.put_away(reads, known, now, watched=watched)
        self._status = count_files(self._path)
        return away

    async def _moved_or_trouble(self, trouble: OSError | None) -> None:
        if trouble is None:
            self._over("move")
        else:
            what = f"Files in the drop folder {self._path} cannot be put away ({trouble.strerror})"
            await self._trouble("move", what, cure_of(trouble))

    async def _trouble(self, key: str, what: str, cure: str) -> None:
        """Tells of a trouble with the folder once, until it is over."""
        if key not in self._told:
            self._told.add(key)
            body = printable(f"{what}; {cure}")
            logger.warning("%s", body)
            await self._host.tell(DropNotice(title="Drop folder", body=body))

    def _over(self, key: str) -> None:
        self._told.discard(key)


def count_files(path: Path) -> DropStatus:
    """How many files wait in a drop folder and how many were rejected; none where there is no folder."""
    return DropStatus(
        waiting=count(path),
        rejected=count(path / REJECTED, but=REASON_END),
    )
