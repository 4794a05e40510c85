"""One month of a ledger, in memory: its records, and what is derived of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from trayd.ledger.disk import Disk
from trayd.ledger.hand_edits import with_hand_edits
from trayd.ledger.pair import Change, LedgerPaths, Pair
from trayd.ledger.rollup_files import Derived, Index
from trayd.ledger.rollups import Rollup
from trayd.ledger.tables import MonthDB, Row, facts_of, row_of

#: The table of the records: TinyDB's default one.
RECORDS = MonthDB.default_table_name

#: What a month is called.
MONTH = r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])"

_DAY = timedelta(days=1)


def month_of(when: datetime) -> str:
    """The month (UTC) that a time is in: ``2026-11``."""
    return when.astimezone(UTC).date().isoformat()[:7]  # strftime takes long, and does not fill years below 1000


def bounds(month: str) -> tuple[datetime, datetime]:
    """The first instant of a month (UTC), and the first one after it."""
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    return start, (start + 31 * _DAY).replace(day=1)


class Month:
    """One month in memory.

    Attributes:
        rows: the records by id.
        derived: what is derived of them, up to date, and ``rollup`` in it.
    """

    def __init__(
        self,
        name: str,
        folders: LedgerPaths,
        disk: Disk,
        derived: Callable[[], Derived | None],
        witness: int | None,
    ) -> None:
        self.name = name
        # Asked for before the files are mended, for it judges by their looks.
        known = derived()
        self.pair = Pair(name, folders, disk, MonthDB, (RECORDS,), witness)
        self.rows: dict[str, Row] = self.pair.table(RECORDS).rows
        if known is None or self.pair.notices or self.pair.dirty:
            known = Derived(Rollup.of(self.rows.values()), Index.of(self.rows), None)
        self.derived = known
        assert known.rollup is not None  # noqa: S101 - that of a month in memory is whole
        self.rollup = known.rollup
        self.notices: tuple[str, ...] = ()
        if self.pair.edited is not None:
            self._take_edits()

    @property
    def unkept(self) -> bool:
        """Whether what is derived has to be kept: it has changed, and there is a file that it is of."""
        return self.derived.stamp is None and self.pair.saved > 0

    def apply(self, changes: Sequence[Change]) -> None:
        """Makes changes visible that are durable, in the records and in what is derived of them."""
        rows, derived = self.rows, self.derived
        derived.touch()
        for change in changes:
            old = rows.get(change.key)
            if old is None:
                derived.index.add(change.key)
            self.rollup.change(old, change.row)
        self.pair.apply(changes)

    def _take_edits(self) -> None:
        """Takes in what a person has changed in the file."""
        edited = self.pair.edited
        assert edited is not None  # noqa: S101 - the caller looked
        changes: dict[str, Change] = {}
        for raw in edited.documents.get(RECORDS, {}).values():
            try:
                document = msgspec.json.decode(raw, type=dict[str, Any])
            except msgspec.MsgspecError:
                continue
            record_id = document.get("id")
            before, row = edited.before[RECORDS].get(record_id), self.rows.get(record_id)  # type: ignore[arg-type]  # a stranger's document: anything
            if before is None or row is None:
                continue
            known = facts_of(row)
            facts = with_hand_edits(known, document, before.view, edited.at)
            if facts is not known:
                changes[row.view.id] = Change(RECORDS, row.view.id, row_of(row.view.id, facts))
        if changes:
            self.pair.write([*changes.values()])
            self.apply([*changes.values()])
            taken = "one record" if len(changes) == 1 else f"{len(changes)} records"
            self.notices = (f"{self.pair.file}: tags and notes of {taken} were taken in, the rest is as trayd had it",)
