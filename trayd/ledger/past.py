"""The past: rows of the state that are done with, in pairs of their own, one a month (UTC), opened only when asked for.

A row leaves in this order: durable in the pair of the past, in its TinyDB file as well, then out of the state. A crash
in between leaves it in both, which reads as one, and the next lump finishes it. Nothing is ever deleted.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import TypeVar

import msgspec

from trayd.episodes import Episode
from trayd.errors import LedgerError, LedgerFullError
from trayd.facts import FileTaken
from trayd.ledger.disk import Disk, refusals
from trayd.ledger.month import MONTH, bounds, month_of
from trayd.ledger.pair import Change, LedgerPaths, Pair
from trayd.ledger.tables import STATE_TABLES, Moved, StateDB
from trayd.records import BalanceReading

log = logging.getLogger(__name__)

#: What a pair of the past is called: ``state-2026-08``.
_PREFIX = "state-"

_NAME = re.compile(rf"{_PREFIX}({MONTH})\.jsonl?")

_LOOK_EVERY = timedelta(hours=1)

#: More rows of a table than this do not stay, however young, but for the last two days; three quarters of them do.
_MOST = 10_000
_STAY_THEN = _MOST * 3 // 4
_LEAST = timedelta(days=2)

#: So many rows leave at once: a lump is a matter of some 0.1 s.
_LUMP = 5000

_DAY = timedelta(days=1)

Done = BalanceReading | Episode | FileTaken
D = TypeVar("D", BalanceReading, Episode, FileTaken)


class Term(msgspec.Struct, frozen=True):
    """How long rows stay in the state.

    Attributes:
        keep: those that are younger stay.
        gather: older ones go together once the oldest is older by this, so that a pair is seldom written.
    """

    keep: timedelta
    gather: timedelta


#: Which tables' rows leave, and when.
TERMS = {
    # A busy account has 720 a day. Rules look at the newest, forecasts at the last week.
    "balances": Term(8 * _DAY, 2 * _DAY),
    # As far back as records are at hand. What is told once ever is news for a day, and so never told again; that a
    # report was made is needed for as long as one that was missed is made up for, which is shorter than both together.
    "episodes": Term(65 * _DAY, 31 * _DAY),
    # A file that is dropped again is known at once; after that its records are, by their ids.
    "files": Term(65 * _DAY, 31 * _DAY),
}

#: Programs write these by the thousand, and what is in them is known by the request or by a hash of itself. The id of
#: a statement's row hangs on the settings of the day (a currency that the file leaves out), so a statement, of which a
#: person drops a few a month, has to stay known itself.
_KNOWN_BY_CONTENT = frozenset({".json", ".jsonl", ".ndjson"})


def place(row: Done) -> str:
    """What a row is known by for ever; the state's own key can be given to another row one day."""
    match row:
        case BalanceReading():
            return f"{row.account} {row.at.isoformat()}"
        case Episode():
            return row.instance
        case FileTaken():
            return f"{row.digest} {row.at.isoformat()}"


def done_at(row: Done) -> datetime | None:
    """When a row was done with (UTC); None where it stays."""
    match row:
        case BalanceReading():
            return row.at
        case Episode():
            return row.resolved
        case FileTaken():
            return row.at if PurePath(row.name).suffix.lower() in _KNOWN_BY_CONTENT else None


class _Leaving(msgspec.Struct, frozen=True, order=True):
    when: datetime
    table: str
    key: str


class Past:
    """The pairs of the past, and the way into them.

    Args:
        state: the pair that rows leave.
    """

    def __init__(self, state: Pair, folders: LedgerPaths, disk: Disk) -> None:
        self._state = state
        self._folders = folders
        self._disk = disk
        self._looked: datetime | None = None
        self._refused: set[str] = set()
        #: Whether there is another lump that wants to leave.
        self.more = False
        #: What was found wrong with pairs that were opened, for people.
        self.notices: list[str] = []

    def let_go(self, now: datetime, staying: Collection[str]) -> None:
        """Moves a lump of old rows out of the state, where there are any; costs nothing most of the time.

        Args:
            now: the time (UTC).
            staying: the keys of balance readings that stay however old they are.

        Raises:
            LedgerFullError: the disk refused; the rows are still in the state, and leave another time.
        """
        if not self.more and self._looked is not None and abs(now - self._looked) < _LOOK_EVERY:
            return
        leaving = sorted(
            one
            for table, term in TERMS.items()
            for one in _leaving(table, self._state.table(table).rows, term, staying, now)
            if month_of(one.when) not in self._refused
        )
        if leaving:
            month = month_of(leaving[0].when)
            lump = [one for one in leaving[:_LUMP] if month_of(one.when) == month]
            try:
                self._move(month, lump)
            except LedgerFullError:
                raise
            except LedgerError as error:
                # The state can hold them as well; what is being written now must not suffer from it.
                self._refused.add(month)
                self._tell(str(error))
                log.error("what is done with stays in the state: %s", error)  # noqa: TRY400 - no bug
            self.more = len(leaving) > len(lump)
        else:
            self.more = False
        self._looked = now

    def _move(self, month: str, lump: list[_Leaving]) -> None:
        until: dict[str, datetime] = {}
        with self._opened(month) as past:
            changes = []
            for one in lump:
                row = self._state.table(one.table).rows[one.key]
                key = place(row)
                until[one.table] = one.when
                if past.table(one.table).rows.get(key) != row:
                    changes.append(Change(one.table, key, row))
            if changes:
                past.write(changes)
                past.apply(changes)
            past.checkpoint()
        known: Mapping[str, Moved] = self._state.table("moved").rows
        gone = [Change(one.table, one.key, None) for one in lump]
        for table, when in until.items():
            before = known.get(table)
            if before is None or before.until < when:
                gone.append(Change("moved", table, Moved(when)))
        self._state.write(gone)
        self._state.apply(gone)

    def rows(self, table: str, kind: type[D], since: datetime | None) -> Iterator[D]:
        """The rows of a table that are done with, those in the state and those of the past, the oldest first.

        A month of the past is in memory while it is read, and only where it can hold what is asked for.

        Args:
            table: its name.
            kind: what its rows are.
            since: the first instant taken in (UTC); None goes back to the beginning.

        Raises:
            LedgerDamagedError: both files of a month that is asked for are damaged.
            LedgerFullError: a month cannot be read.
        """
        here = _in_order({place(row): row for row in self._state.table(table).rows.values()}.values(), since)
        at = 0
        for month in self._months(table, since):
            found = {key: row for key, row in self._read(month, table).items() if isinstance(row, kind)}
            end = bounds(month)[1]
            # What a crash, or a lump that left meanwhile, has put into both is one.
            while at < len(here) and here[at][0] < end:
                found[here[at][1]] = here[at][2]
                at += 1
            yield from (row for _, _, row in _in_order(found.values(), since))
        yield from (row for _, _, row in here[at:])

    def _months(self, table: str, since: datetime | None) -> list[str]:
        """The months of the past that can hold rows of this time."""
        if since is None:
            return self.months()
        moved: Moved | None = self._state.table("moved").rows.get(table)
        if moved is None or moved.until < since:
            return []
        return [month for month in self.months() if month_of(since) <= month <= month_of(moved.until)]

    def months(self) -> list[str]:
        """The months that there are, the oldest first."""
        found = set()
        for folder in (self._folders.ledger, self._folders.backup):
            with refusals(folder):
                names = [path.name for path in folder.iterdir()]
            found |= {match[1] for name in names if (match := _NAME.fullmatch(name))}
        return sorted(found)

    def _read(self, month: str, table: str) -> dict[str, Done]:
        with self._opened(month) as past:
            if past.dirty:
                # Something was mended; a disk that refuses must not keep anyone from reading.
                with suppress(LedgerFullError):
                    past.checkpoint()
            return past.table(table).rows

    def verify(self) -> Iterator[tuple[str, str]]:
        """Reads the files of all months again and compares them; the names of pairs, and what is wrong with each."""
        for month in self.months():
            name = f"{_PREFIX}{month}"
            try:
                with self._opened(month) as past:
                    problems = past.verify()
            except LedgerError as error:
                problems = [error.message]
            yield from ((name, problem) for problem in problems)

    @contextmanager
    def _opened(self, month: str) -> Iterator[Pair]:
        past = Pair(f"{_PREFIX}{month}", self._folders, self._disk, StateDB, tuple(STATE_TABLES))
        try:
            for notice in past.notices:
                self._tell(notice)
            yield past
        finally:
            past.close()

    def _tell(self, notice: str) -> None:
        if notice not in self.notices:
            self.notices.append(notice)


def _leaving(
    table: str, rows: Mapping[str, Done], term: Term, staying: Collection[str], now: datetime
) -> Iterator[_Leaving]:
    done = [
        _Leaving(when, table, key)
        for key, row in rows.items()
        if (when := done_at(row)) is not None and key not in staying
    ]
    if not done:
        return
    until, oldest = now - term.keep, now - term.keep - term.gather
    if len(done) > _MOST:
        done.sort()
        until = max(until, min(done[-_STAY_THEN].when, now - _LEAST))
    elif min(done).when >= oldest:
        return
    yield from (one for one in done if one.when < (oldest if _says_what_was_made(rows[one.key]) else until))


def _says_what_was_made(row: Done) -> bool:
    """Whether files that exist are known by it alone: then it stays, however many others there are."""
    return isinstance(row, Episode) and bool(row.files)


def _in_order(rows: Iterable[D], since: datetime | None) -> list[tuple[datetime, str, D]]:
    """The rows that are done with, the oldest first, with that time and what they are known by."""
    return sorted(
        (when, place(row), row)
        for row in rows
        if (when := done_at(row)) is not None and (since is None or when >= since)
    )
