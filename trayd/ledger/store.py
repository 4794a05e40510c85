"""The ledger: facts in, durable before they are acknowledged; merged records out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Self
from weakref import ref

from trayd.errors import LedgerDamagedError, LedgerError, LedgerFullError, TraydError
from trayd.facts import Added, Batch
from trayd.ledger import upkeep
from trayd.ledger.changes import Seen, Work, joined
from trayd.ledger.contents import Source
from trayd.ledger.disk import Disk, refusals
from trayd.ledger.folders import Folders
from trayd.ledger.imported import ImportedCosts
from trayd.ledger.journal import Mark
from trayd.ledger.lock import Lock
from trayd.ledger.month import Month
from trayd.ledger.months import Months
from trayd.ledger.pair import Change, LedgerPaths, Pair
from trayd.ledger.reading import Reader
from trayd.ledger.rebuild import Rebuilt, rebuild
from trayd.ledger.soundness import check
from trayd.ledger.state import State, refuse_other_api
from trayd.ledger.sums import Sums
from trayd.ledger.tables import Identity
from trayd.ledger.upkeep import BackedUp, Restored
from trayd.ledger.verifying import Problem, verify
from trayd.steps import Steps, finish

__all__ = ["Ledger", "LedgerPaths"]

#: What fal tells again at each poll is remembered for this long after it did so last.
_REMEMBERED = timedelta(days=1)
_FORGET_EVERY = timedelta(hours=1)


def _now() -> datetime:
    return datetime.now(UTC)


class Ledger(Reader):
    """The store of all records, for one thread at a time; use :meth:`open`."""

    def __init__(self, paths: LedgerPaths, disk: Disk, lock: Lock, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._paths = paths
        self._disk = disk
        self._clock = clock
        self._lock = lock
        self._open = True
        self._recently: dict[tuple[str, str], Seen] = {}
        self._forgot_at = clock()
        self._prepared: tuple[str, ...] = ()
        self._stale: tuple[str | None] | None = None
        self._under_way: Callable[[], Generator[None, None, None] | None] = lambda: None
        self._read()

    def _read(self) -> None:
        folders = Folders.meet(self._paths, self._disk)
        prepared = upkeep.prepare(self._paths, self._disk, self._clock())
        self._prepared += (*prepared, *folders.settle())
        self._folders = folders
        self._state = State(self._paths, self._disk, self._clock)
        self._months = Months(self._paths, self._disk, self._clock)
        self._sums = Sums(self._state, self._months)
        self._costs = ImportedCosts(self._months)

    @classmethod
    def open(
        cls,
        paths: LedgerPaths,
        *,
        base_url: str | None,
        holder: str,
        disk: Disk | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> Self:
        """Opens a ledger, makes it where there is none, and mends what a crash left.

        What an older trayd wrote is brought into the form of this one, after a copy was made.

        Args:
            paths: its two folders.
            base_url: the API whose history it holds; None neither asks nor sets it.
            holder: the program, as another process that wants the ledger is told.
            disk: the file calls, for tests.
            clock: the time (with a zone), for tests.

        Raises:
            LedgerLockedError: another process holds it.
            LedgerDamagedError: both files of a pair are damaged, or the folder of the newest mirrors is out of reach.
            LedgerError: it holds another API's history, a newer trayd wrote it, or the mirrors are another ledger's.
            LedgerFullError: the disk refuses.
        """
        disk = disk or Disk()
        with refusals(paths.ledger):
            disk.make_folder(paths.ledger)
        lock = Lock(paths.ledger, holder, disk)
        try:
            ledger = cls(paths, disk, lock, clock)
            ledger._begin(base_url)
        except BaseException:
            lock.release()
            raise
        return ledger

    def _begin(self, base_url: str | None) -> None:
        try:
            if base_url is not None:
                self._belong_to(base_url)
            links = tuple(self._state.unfinished_links())
            if links:
                self.add(Batch(links=links))
        except BaseException:
            self._let_go()
            raise

    def _belong_to(self, base_url: str) -> None:
        refuse_other_api(self._state, base_url, self._paths.ledger)
        if self._state.base_url() is None:
            changes = [Change("identity", "base_url", Identity(base_url))]
            self._write([], [], changes)
            self._state.apply(changes, [])

    def close(self) -> None:
        """Checkpoints and lets the next process in; a ledger that is closed stays closed.

        Raises:
            LedgerFullError: the checkpoint failed; the lock is released all the same, and nothing is lost.
        """
        if not self._open:
            return
        self._open = False
        try:
            if self._stale is None:
                self._bring_even()
        finally:
            self._let_go()
            self._lock.release()

    def _bring_even(self) -> None:
        """Checkpoints all that changed, also what a crash has left so in months that nobody asked for since."""
        damaged = []
        for name in self._folders.left:
            if name != self._state.pair.name:
                try:
                    self._months.open(name)
                except LedgerDamagedError:
                    damaged.append(name)
                    continue
                self._checkpoint()
        self._checkpoint()
        self._folders.even(damaged)

    def _let_go(self) -> None:
        self._stop_checkpoint()
        self._months.close()
        self._state.pair.close()

    @property
    def dirty(self) -> bool:
        """Whether :meth:`checkpoint` has something to do."""
        return self._state.dirty or self._months.dirty

    @property
    def notices(self) -> tuple[str, ...]:
        """What was found damaged, missing or edited since the start, and mended."""
        lately = (notice for month in self._months.opened() for notice in month.pair.notices)
        return tuple(dict.fromkeys((*self._prepared, *self._state.notices, *self._months.notices, *lately)))

    def checkpoint(self) -> None:
        """Brings the TinyDB files up to date, without a pause; see :meth:`checkpoint_steps`.

        Raises:
            LedgerFullError: the disk refused; what was durable is, and the next checkpoint tries again.
        """
        for _ in self.checkpoint_steps():
            pass

    def checkpoint_steps(self) -> Generator[None, None, None]:
        """Brings the TinyDB files up to date in steps of a few milliseconds, between which anything can be done.

        Steps that are left end when the next checkpoint begins, or when the files are let go.

        Raises:
            LedgerFullError: the disk refused; what was durable is, and the next checkpoint tries again.
        """
        self._usable()
        return self._checkpoint_steps()

    def _checkpoint_steps(self) -> Generator[None, None, None]:
        # Two at once would write the same files: the one under way ends, and the new one does its work too.
        self._stop_checkpoint()
        steps = self._steps()
        self._under_way = ref(steps)
        return steps

    def _stop_checkpoint(self) -> None:
        steps = self._under_way()
        if steps is not None:
            steps.close()

    def _steps(self) -> Generator[None, None, None]:
        months, state = self._months, self._state
        for _ in chain(months.checkpoint_steps(), state.checkpoint_steps(), months.keep_steps()):
            yield
            if self._months is not months:
                return  # another history has taken the place of this one
        self.release()

    def _checkpoint(self) -> None:
        for _ in self._checkpoint_steps():
            pass

    def release(self) -> bool:
        """Lets go of the months that are not in use; whether there was any. Asking for them brings them back."""
        now = self._clock()
        if abs(now - self._forgot_at) >= _FORGET_EVERY:
            # A first poll can have told of a hundred thousand: too many to be looked through every few seconds.
            self._recently = {key: seen for key, seen in self._recently.items() if abs(now - seen.at) <= _REMEMBERED}
            self._forgot_at = now
        return self._months.release()

    def _usable(self) -> None:
        if not self._open:
            raise LedgerError("the ledger is closed", "open it again")
        if self._stale is not None:
            self._read_anew(*self._stale)

    def add(self, batch: Batch) -> Added:
        """Takes facts in; when it returns they survive a crash and a power cut.

        Records become durable before the coverage that claims them. On error nothing of the batch is visible.

        Raises:
            RecordError: a fact breaks a rule of its type.
            LedgerFullError: the disk refused.
            LedgerError: an edit or a link is about a record that there is not.
        """
        self._usable()
        (added,) = self._add((batch,))
        return added

    def add_together(self, batches: Sequence[Batch]) -> list[Added | TraydError]:
        """Takes several batches in with one write for all: what became of each, or what was wrong with it.

        A batch that is refused takes no other one with it.
        """
        self._usable()
        results: list[Added | TraydError]
        if len(batches) > 1 and any(batch.links or batch.edits for batch in batches):
            # What a person says of records hangs on what they are by then.
            return [result for batch in batches for result in self.add_together((batch,))]
        try:
            results = [*self._add(batches)]
        except TraydError as error:
            if len(batches) == 1 or isinstance(error, LedgerFullError):
                results = [error] * len(batches)
            else:
                results = [result for batch in batches for result in self.add_together((batch,))]
        return results

    def _add(self, batches: Sequence[Batch]) -> list[Added]:
        work = Work(self._months, self._state, self._recently)
        for batch in batches:
            check(batch)
            work.take(batch)
        months = work.by_month()
        now, later = self._state.changes(joined(batches))
        last = [*work.last, *now]
        if last or work.first:
            last = self._state.with_waiting(last)
        self._write(work.first, months, last)
        for month, changes in months:
            month.apply(changes)
        self._recently |= work.seen
        if last or later or work.first:
            self._state.apply([*work.first, *last], later)
            self._sums.forget()
        if months:
            self.records_version += 1
        if months or last or later or work.first:
            self.version += 1
        return work.added()

    def _write(self, first: list[Change], months: list[tuple[Month, list[Change]]], last: list[Change]) -> None:
        written: list[tuple[Pair, Mark]] = []
        state = self._state.pair
        steps = [(state, first), *((month.pair, changes) for month, changes in months), (state, last)]
        self._folders.begin({pair.name for pair, changes in steps if changes})
        try:
            for pair, changes in steps:
                if changes:
                    written.append((pair, pair.write(changes)))
        except BaseException:
            for pair, mark in reversed(written):
                pair.take_back(mark)
            raise

    def archive_and_clear(self, now: datetime) -> Path:
        """Puts everything into one zip file beside the ledger's folder, then starts empty.

        Raises:
            LedgerFullError: the disk refused; unless the archive is complete nothing was cleared.
        """
        with self._away():
            return upkeep.archive_and_clear(self._paths, self._disk, now)

    def verify(self) -> list[Problem]:
        """Reads all files again and compares; the problems found, none when all is sound."""
        return finish(self.verify_steps())

    def verify_steps(self) -> Steps[list[Problem]]:
        """The same, a month in each step; the ledger can be used in between.

        Raises:
            LedgerError: the history was replaced in between.
        """
        self._usable()
        months = self._months

        def version() -> int:
            self._usable()
            if self._months is not months:
                raise LedgerError("the history was replaced while it was looked through", "look through it again")
            return self.version

        return verify(self._state, months, self._present, version)

    def backup(self, now: datetime, target: Path | None = None) -> BackedUp:
        """Puts a consistent copy of everything into one zip file, and looks whether it is whole.

        Args:
            now: the time (with a zone), for the name.
            target: the file; None makes one beside the ledger's folder.

        Raises:
            LedgerError: the target is there already.
            LedgerFullError: the disk refused; no half a copy stays.
        """
        self._usable()
        self._bring_even()
        return upkeep.backup(self._paths, self._disk, now, target)

    def restore(self, source: Path, now: datetime) -> Restored:
        """Archives what the ledger holds, then puts a backup's content in its place.

        Raises:
            LedgerError: the file is no whole backup of this API's history; nothing was changed.
            LedgerFullError: the disk refused; the ledger is as it was.
        """
        base_url = self._state.base_url()
        with self._away():
            return upkeep.restore(self._paths, self._disk, source, now, base_url=base_url)

    def rebuild(self, names: Sequence[str] = (), source: Source | None = None) -> tuple[Rebuilt, ...]:
        """Writes both files of pairs anew; the files that they replace are kept aside.

        Args:
            names: of the pairs (``2026-11``, ``state``); none means all.
            source: the file to read alone; None takes what is in memory, or whatever is sound.

        Raises:
            LedgerError: there is no such pair.
            LedgerFullError: the disk refused; a pair is as it was, or was rebuilt.
        """
        self._usable()
        memory = {} if source else upkeep.in_memory(self._state, self._months)
        with self._away():
            return rebuild(self._paths, self._disk, names, source, memory)

    @contextmanager
    def _away(self) -> Iterator[None]:
        """Lets go of all files while something else is done to them, then reads them anew."""
        self._usable()
        self._bring_even()
        base_url = self._state.base_url()
        self._let_go()
        try:
            yield
        finally:
            # Until it has been read anew nothing can be asked of it: what is in memory is not what is in the files.
            self._stale = (base_url,)
            self._recently.clear()
            self.version += 1
            self.records_version += 1
            self._read_anew(base_url)

    def _read_anew(self, base_url: str | None) -> None:
        self._prepared = self.notices
        self._read()
        self._stale = None
        try:
            self._begin(base_url)
        except BaseException:
            self._stale = (base_url,)
            raise
