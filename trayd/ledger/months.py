"""The months of a ledger: opened when they are touched, and let go again."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from trayd.errors import LedgerFullError
from trayd.ledger.disk import Disk, refusals
from trayd.ledger.interval import Interval
from trayd.ledger.month import MONTH, Month, month_of
from trayd.ledger.pair import LedgerPaths
from trayd.ledger.rollup_files import Derived, Index, MonthSums, RollupFiles, Whole, hashed
from trayd.ledger.rollups import Amount, Line, Rollup, Series, of_all_time, span_of

#: Billing can touch a request this long after it was made; farther from a fact's time its record is not looked for.
#: What is derived of these months stays in memory: it tells which of them holds a request, and the windows reach less.
REACH = timedelta(days=95)

#: Fal's latest billing is read again and again this far back: months that reach into it are in use.
_IN_USE = timedelta(days=4)

#: A month in use leaves memory, too, when no change has touched it for this long, and nobody has read it for that long.
_IDLE = timedelta(minutes=10)
_UNREAD = timedelta(minutes=1)


_NAME = re.compile(rf"({MONTH})\.jsonl?")


class Months:
    """All months of the two folders.

    Args:
        clock: tells the current month; later ones, of costs that are dated ahead, do not stay in memory in its place.
    """

    def __init__(self, folders: LedgerPaths, disk: Disk, clock: Callable[[], datetime]) -> None:
        self._folders = folders
        self._disk = disk
        self._clock = clock
        self._open: dict[str, Month] = {}
        self._kept_until: dict[str, datetime] = {}
        self._asked_at = clock()
        # By the day of what is looked for; forgotten whenever a month is opened, and when some are let go.
        self._closed: dict[date | None, list[str]] = {}
        self._files = RollupFiles(folders, disk)
        # Months whose files are gone are named as well: nothing that adds up all of them may lack one silently.
        self._witness = self._files.witness()
        self._names = {name for folder in (folders.ledger, folders.backup) for name in _names_in(folder)}
        self._names |= self._witness.keys()
        self._derived: dict[str, Derived] = {}
        self._whole = self._files.months()
        # Sums of months that have been saved, and are not beside those of the others yet.
        self._to_keep: dict[str, Whole] = {}
        self._keeping: Generator[None, None, Whole | None] | None = None
        #: What was mended in months that were opened, for people.
        self.notices: list[str] = []

    def names(self) -> list[str]:
        """The months that there are, the oldest first."""
        return sorted(self._names)

    def opened(self) -> list[Month]:
        """The months that are in memory."""
        return [self._open[name] for name in sorted(self._open)]

    def open(self, name: str, stay: timedelta = _UNREAD) -> Month:
        """A month, read from its files where it is not in memory, made where there is none.

        Args:
            name: which.
            stay: how long it stays in memory after that, if it is one in use.
        """
        self._keep(name, stay)
        month = self._open.get(name)
        if month is None:
            known = self._witness.get(name)
            month = self._open[name] = Month(name, self._folders, self._disk, lambda: self._valid(name), known)
            self._names.add(name)
            self._closed.clear()
            self._derived[name] = month.derived
            self.notices += [*month.pair.notices, *month.notices]
        return month

    def looked_through(self, name: str, before: Derived | None) -> None:
        """Lets go of a month that was opened to be looked through, where it is not in use, and of what came with it.

        Args:
            name: which.
            before: what was in memory of what is derived of it.
        """
        self.release()
        derived = self._derived.get(name)
        if name in self._open or derived is None or derived.stamp is None:
            return
        if before is None:
            del self._derived[name]
        elif before.stamp == derived.stamp:
            self._derived[name] = before

    def begun(self, name: str) -> Month:
        """The month that a new record belongs to."""
        return self.open(name, _IDLE)

    def find(self, record_id: str, near: datetime | None = None) -> Month | None:
        """The month that holds a record.

        Args:
            record_id: its id now, after links.
            near: look only where billing could touch a request of this time, and where something was written lately,
                for events can come from a clock that is far off; None looks everywhere.
        """
        for name, month in self._open.items():
            if record_id in month.rows:
                self._keep(name, _IDLE)
                return month
        closed = self._closed_near(near)
        wanted = hashed(record_id) if closed else 0
        for name in closed:
            if self._index(name).may_hold(wanted):
                month = self.open(name, _IDLE)
                if record_id in month.rows:
                    return month
        return None

    def _keep(self, name: str, stay: timedelta) -> None:
        until = self._clock() + stay
        self._kept_until[name] = max(until, self._kept_until.get(name, until))

    def _closed_near(self, near: datetime | None) -> list[str]:
        """The months not in memory in which a record is looked for: the same ones for all times of a day."""
        day = None if near is None else near.astimezone(UTC).date()
        if day not in self._closed:
            closed = sorted(self._names.difference(self._open), reverse=True)
            if near is not None:
                first, last = month_of(near - REACH), month_of(near + REACH)
                oldest, newest = self._reach()
                closed = [
                    name
                    for name in closed
                    if first <= name <= last or oldest <= name <= newest or self._was_written_lately(name)
                ]
            self._closed[day] = closed
        return self._closed[day]

    def _was_written_lately(self, name: str) -> bool:
        """Whether something came into a month that billing may be about to tell of, from a clock that is far off."""
        oldest = (self._clock() - REACH).timestamp()
        return self._files.stamp(name).mirror_changed >= oldest * 10**9

    def _reach(self) -> tuple[str, str]:
        """The first and the last month of which what is derived stays in memory."""
        now = self._clock()
        return month_of(now - REACH), month_of(now)

    def _index(self, name: str) -> Index:
        derived = self._derived.get(name)
        return (derived or self._load(name)).index

    def _load(self, name: str, *, whole: bool = False) -> Derived:
        """What is derived of a month, from its file, else from the month itself."""
        derived = self._files.load(name, whole=whole)
        if derived is None:
            derived = self._counted(name)
        self._derived[name] = derived
        return derived

    def _counted(self, name: str) -> Derived:
        """What is derived of a month, from its records; they leave memory before those of the next one come."""
        in_use = name in self._open
        month = self.open(name)
        if not in_use and not month.pair.dirty and month.unkept:
            with suppress(LedgerFullError):
                deque(self._keep_steps(month), maxlen=0)
                del self._open[name]
                month.pair.close()
        return month.derived

    def _valid(self, name: str) -> Derived | None:
        """What is derived of a month, where its files still look as they did then."""
        derived = self._derived.get(name)
        if derived is None or derived.rollup is None:
            return self._files.load(name, whole=True)
        return derived if derived.stamp == self._files.stamp(name) else None

    # Sums.

    def totals(self, name: str) -> Mapping[Line, Series]:
        """The sums of a month over all dimensions, by instant."""
        return (self._derived.get(name) or self._load(name)).totals

    def rollup(self, name: str) -> Rollup:
        """The sums of a month by every dimension, by instant."""
        derived = self._derived.get(name)
        rollup = None if derived is None else derived.rollup
        if rollup is None:
            rollup = self._load(name, whole=True).rollup
        assert rollup is not None  # noqa: S101 - it was asked for
        self._asked_at = self._clock()
        return rollup

    def derived(self, name: str) -> Derived | None:
        """What is derived of a month, where that is in memory."""
        return self._derived.get(name)

    def let_go(self, name: str) -> None:
        """Lets go of what is derived of a month that was looked into once, and is not in use."""
        oldest, newest = self._reach()
        if name not in self._open and not oldest <= name <= newest:
            self._derived.pop(name, None)

    def whole(self, name: str, window: Interval) -> MonthSums | None:
        """What a month that lies in the window altogether adds up to, where that is known and has not changed since."""
        known = self._whole.get(name)
        if known is None or not window.holds(known.first, known.last):
            return None
        derived = self._derived.get(name)
        return known if derived is None or derived.stamp == known.stamp else None

    def known_lines(self, name: str) -> Iterator[Line]:
        """The lines of a month's totals; of one that has changed, also those that have come to nothing since."""
        known = self.whole(name, Interval(None, None, None, None))
        return iter(self.totals(name)) if known is None else (line for line, _ in known.totals)

    def kept_sums(self, name: str) -> tuple[tuple[Line, Amount], ...] | None:
        """The totals of a whole month as they are kept on disk; None where the month has changed since."""
        known, derived = self._whole.get(name), self._derived.get(name)
        return known.totals if known is not None and derived is not None and derived.stamp == known.stamp else None

    def whole_by(self, dimension: str, whole: Sequence[MonthSums]) -> Iterator[tuple[tuple[Line, Amount], ...]]:
        """What these whole months add up to by one dimension; what is not kept of one is counted."""
        kept = self._files.by(dimension) if whole else {}
        for month in whole:
            sums = kept.get((month.month, month.stamp))
            yield of_all_time(self.rollup(month.month).by(dimension)) if sums is None else sums

    def touches(self, name: str, window: Interval) -> bool:
        """Whether some record of a month may lie in the window."""
        span = self.span(name)
        return span is not None and window.meets(*span)

    def span(self, name: str) -> tuple[int, int] | None:
        """The first and the last instant of a month's records, as rollups count them; None where there are none."""
        known = self._whole.get(name)
        if known is None or name in self._open:
            return span_of(self.totals(name))
        return known.first, known.last

    # Files.

    @property
    def dirty(self) -> bool:
        """Whether a checkpoint has something to do."""
        return bool(self._to_keep) or any(month.pair.dirty or month.unkept for month in self._open.values())

    def checkpoint_steps(self) -> Iterator[None]:
        """Brings the files of the months in memory up to date, in short steps; see :meth:`Pair.checkpoint_steps`."""
        for month in self.opened():
            yield from month.pair.checkpoint_steps()

    def keep_steps(self) -> Iterator[None]:
        """Keeps the sums of months that have changed, in short steps; what is derived waits for what is not.

        Raises:
            LedgerFullError: the disk refused; they will be kept another time, or counted again.
        """
        for month in self.opened():
            # One that was let go in a step before may have changed since.
            if self._open.get(month.name) is month and month.unkept:
                yield from self._keep_steps(month)
            yield
        if self._to_keep:
            self._whole |= self._files.save_months(self._to_keep, self._names)
            self._witness |= {name: whole.seq for name, whole in self._to_keep.items()}
            self._to_keep.clear()

    def _keep_steps(self, month: Month) -> Iterator[None]:
        if self._keeping is not None:
            self._keeping.close()  # two at once could be writing the same file
        self._keeping = self._files.save_steps(month.name, month.derived, month.pair.saved)
        whole = yield from self._keeping
        if whole is not None:  # else it has changed meanwhile, and has its turn another time
            self._to_keep[month.name] = whole

    def release(self) -> bool:
        """Lets go of what is not in use and needs no checkpoint; whether there was any."""
        now = self._clock()
        first, last = month_of(now - _IN_USE), month_of(now)
        self._closed.clear()
        idle = [
            name
            for name, month in self._open.items()
            if not (first <= name <= last and now < self._kept_until[name]) and not month.pair.dirty
        ]
        for name in idle:
            month = self._open.pop(name)
            month.pair.close()
            self.notices += month.pair.notices
            for kept in (self._whole, self._to_keep):
                if name in kept and kept[name].stamp != month.derived.stamp:
                    del kept[name]  # what it adds up to by now could not be kept, or not yet
            if month.derived.stamp is None:
                del self._derived[name]
        if now - self._asked_at > _IDLE:
            for derived in self._derived.values():
                if derived.rollup is not None:
                    derived.rollup.forget()
        oldest, newest = self._reach()
        for name in [name for name in self._derived if not oldest <= name <= newest and name not in self._open]:
            del self._derived[name]
        return bool(idle)

    def close(self) -> None:
        """Gives all files back."""
        for month in self._open.values():
            month.pair.close()
        self._open.clear()


def _names_in(folder: Path) -> Iterator[str]:
    with refusals(folder):
        for path in folder.iterdir():
            match = _NAME.fullmatch(path.name)
            if match:
                yield match[1]
