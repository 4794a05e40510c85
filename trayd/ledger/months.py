"""The months of a ledger: opened when they are touched, and let go again."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from trayd.facts import UserEdit
from trayd.ledger.disk import Disk, refusals
from trayd.ledger.merge import with_edit
from trayd.ledger.pair import Change, LedgerPaths, Pair
from trayd.ledger.tables import MonthDB, Row, facts_of, row_of
from trayd.records import EDITABLE_FIELDS

#: The table of the records: TinyDB's default one.
RECORDS = MonthDB.default_table_name

#: Billing can touch a request this long after it was made; farther from a fact's time its record is not looked for.
REACH = timedelta(days=95)

#: So many months stay in memory, the current one and those before it: they hold the last 65 days.
_RESIDENT = 3

#: What a month is called.
MONTH = r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])"

_NAME = re.compile(rf"({MONTH})\.jsonl?")

_DAY = timedelta(days=1)


def month_of(when: datetime) -> str:
    """The month (UTC) that a time is in: ``2026-11``."""
    return when.astimezone(UTC).strftime("%Y-%m")


def bounds(month: str) -> tuple[datetime, datetime]:
    """The first instant of a month (UTC), and the first one after it."""
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    return start, (start + 31 * _DAY).replace(day=1)


class Month:
    """One month in memory."""

    def __init__(self, name: str, folders: LedgerPaths, disk: Disk) -> None:
        self.name = name
        self.pair = Pair(name, folders, disk, MonthDB, (RECORDS,))
        if self.pair.edited is not None:
            self._take_edits()

    @property
    def rows(self) -> dict[str, Row]:
        """The records by id."""
        return self.pair.table(RECORDS).rows

    def _take_edits(self) -> None:
        """Takes tags and notes out of a file that was edited by hand; all else in it stays trayd's."""
        edited = self.pair.edited
        assert edited is not None  # noqa: S101 - the caller looked
        changes = []
        for raw in edited.documents.get(RECORDS, {}).values():
            try:
                document = msgspec.json.decode(raw, type=dict[str, Any])
            except msgspec.MsgspecError:
                continue
            record_id = document.get("id")
            before, row = edited.before[RECORDS].get(record_id), self.rows.get(record_id)  # type: ignore[arg-type]  # a stranger's document: anything
            if before is None or row is None:
                continue
            facts = known = facts_of(row)
            for field in EDITABLE_FIELDS:
                value = document.get(field)
                if value != getattr(before.view, field) and (value is None or isinstance(value, str)):
                    facts = with_edit(facts, UserEdit(record_id=row.view.id, field=field, value=value, at=edited.at))
            if facts is not known:
                changes.append(Change(RECORDS, row.view.id, row_of(row.view.id, facts)))
        if changes:
            self.pair.write(changes)
            self.pair.apply(changes)


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
        self._ids: dict[str, array[int]] = {}
        self._names = {name for folder in (folders.ledger, folders.backup) for name in _names_in(folder)}
        #: What was mended in months that were opened, for people.
        self.notices: list[str] = []

    def names(self) -> list[str]:
        """The months that there are, the oldest first."""
        return sorted(self._names)

    def opened(self) -> list[Month]:
        """The months that are in memory."""
        return [self._open[name] for name in sorted(self._open)]

    def open(self, name: str) -> Month:
        """A month, read from its files where it is not in memory, made where there is none."""
        month = self._open.get(name)
        if month is None:
            month = self._open[name] = Month(name, self._folders, self._disk)
            self._names.add(name)
            self.notices += month.pair.notices
        return month

    def find(self, record_id: str, near: datetime | None = None) -> Month | None:
        """The month that holds a record.

        Args:
            record_id: its id now, after links.
            near: look only where billing could touch a request of this time, and where looking costs no file, for
                events can come from a clock that is far off; None looks everywhere.
        """
        resident = self._resident()
        names = self._names_near(near, {*resident, *self._open, *self._ids})
        for name in names:
            month = self._open.get(name)
            if month is not None and record_id in month.rows:
                return month
        for name in names:
            if name not in self._open and self._may_hold(name, record_id):
                month = self.open(name)
                if record_id in month.rows:
                    return month
                if name not in resident:
                    self._let_go_of(name)  # this one alone: others may be in the hands of whoever asks
        return None

    def _names_near(self, near: datetime | None, at_hand: set[str]) -> list[str]:
        names = sorted(self._names, reverse=True)
        if near is None:
            return names
        first, last = month_of(near - REACH), month_of(near + REACH)
        return [name for name in names if first <= name <= last or name in at_hand]

    def _resident(self) -> set[str]:
        now = month_of(self._clock())
        return set(sorted(name for name in self._names if name <= now)[-_RESIDENT:])

    def _may_hold(self, name: str, record_id: str) -> bool:
        """Looks in a sorted array of hashes: eight bytes a record, for months that are not in memory."""
        ids = self._ids.get(name)
        if ids is None:
            return True
        wanted = hash(record_id)
        at = bisect_left(ids, wanted)
        return at < len(ids) and ids[at] == wanted

    def release(self) -> None:
        """Lets go of months that need no checkpoint, but for the current one and those before it."""
        keep = self._resident()
        for name in [name for name in self._open if name not in keep]:
            self._let_go_of(name)

    def _let_go_of(self, name: str) -> None:
        month = self._open[name]
        if not month.pair.dirty:
            self._ids[name] = array("q", sorted(map(hash, month.rows)))
            month.pair.close()
            del self._open[name]

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
