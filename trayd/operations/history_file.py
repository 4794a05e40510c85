"""Reads a JSON export: whether it is whole and as it was written, and the facts in it. No ledger is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from trayd.books import pool_costs
from trayd.facts import Coverage
from trayd.intake.events import begins_as_export
from trayd.intake.rejection import RefusedError, Rejection, shown
from trayd.intake.text import utf8
from trayd.money import Money
from trayd.operations.history_head import Said, read_document, refused
from trayd.operations.history_rates import ByDay
from trayd.operations.history_records import (
    Row,
    check_facts_of,
    check_uncompared,
    id_of,
    read_line,
    row_of,
    without_facts,
)
from trayd.records import Kind
from trayd.reports.json_export import TYPE, Head, Line, nanos_in

#: A larger export is refused: it would take more memory than a program in the tray should. It is of some 200,000
#: records; the filters of time make several of a longer history.
LARGEST_EXPORT = 256 * 1024 * 1024

_MENTIONED = b'"export"'

_DAY = timedelta(days=1)


class HistoryFile:
    """A JSON export.

    Args:
        data: the file.

    Attributes:
        head: what stands before its records.
        totals: what stands behind them.
        rejected: the records that cannot be taken in, once :meth:`check` has been gone through.
        shares: how many records are shared costs, or shares of some, that are not in it as wholes, likewise.
        by_day: what the sound ones add up to.

    Raises:
        RefusedError: it is not whole, of another version, or was changed.
    """

    def __init__(self, data: bytes) -> None:
        self._data = utf8(data)
        self._document = read_document(self._data)
        self.head: Head = self._document
        self.totals = self._document.totals
        self.by_day = ByDay(self.head)
        self.rejected: list[Rejection] = []
        self.shares = 0
        self._bad: set[int] = set()
        self._bare: dict[int, str] = {}
        self._loose: list[int] = []
        self._found = 0, 1

    def __len__(self) -> int:
        """How many records there are in it."""
        return len(self._document.records)

    @property
    def is_part(self) -> bool:
        """Whether something was left out of the history of its time."""
        return self.head.filters.is_part

    def coverage(self) -> Iterator[Coverage]:
        """Of which time it has all that had been read of fal's bills, by account."""
        since, until = self.head.filters.since, self.head.filters.until
        for told in () if self.is_part or self.rejected else self.head.coverage:
            first = told.since if since is None else max(told.since, since)
            end = told.until if until is None else min(told.until, until)
            if first < end:
                yield msgspec.structs.replace(told, since=first, until=end)

    def check(self, latest: datetime) -> Iterator[int]:
        """Looks at each record, and whether all together are what the totals say; how many it has looked at.

        Args:
            latest: nothing can have been told after it: the newest word wins over every later one, for ever.

        Raises:
            RefusedError: no record is wrong by itself, and yet they are not those that were written.
        """
        if self.totals.records != len(self):
            raise refused(f"its totals tell of {self.totals.records:,} records, and it has {len(self):,}")
        nanos: Counter[str] = Counter()
        seen: set[str] = set()
        for number, raw in enumerate(self._document.records):
            line = self._read(number, raw)
            if line is not None and line.facts is not msgspec.UNSET:
                if id_of(line) in seen:
                    raise refused(f"the record {shown(id_of(line))} is in it twice: it was changed")
                seen.add(id_of(line))
            if line is not None and self._is_sound(number, line, latest):
                if line.cost is not None:
                    nanos[line.cost.currency] += nanos_in(line.cost)
                self.by_day.add(line)
            yield number + 1
        self._settle_bare(seen, latest)
        if not self.rejected:
            self._compare(nanos)

    def _read(self, number: int, raw: msgspec.Raw) -> Line | None:
        try:
            return read_line(raw)
        except RefusedError as error:
            self._reject(number, error)
            return None

    def _is_sound(self, number: int, line: Line, latest: datetime) -> bool:
        try:
            if line.facts is msgspec.UNSET:
                check_uncompared(line)
                self._bare[number] = id_of(line)
            elif check_facts_of(line, latest):
                self._loose.append(number)
        except RefusedError as error:
            self._reject(number, error)
            return False
        return True

    def _reject(self, number: int, error: RefusedError) -> None:
        self.rejected.append(msgspec.structs.replace(error.rejection, line=self.line_of(number)))
        self._bad.add(number)

    def _settle_bare(self, seen: Collection[str], latest: datetime) -> None:
        """Looks why records have no facts: where neither settings nor another share have them they were taken out."""
        if not self._bare:
            return
        today = (min(self.head.made_at, latest) + _DAY).date()  # in whatever zone
        costs = (cost for pool in self.head.pools for cost in pool_costs(pool, self.head.home_currency, today))
        known = {*seen, *(each.cost.id for each in costs)}
        for number, whole in self._bare.items():
            if whole in known:
                continue
            line = read_line(self._document.records[number])
            if self.is_part and line.kind is Kind.POOL:  # a part does not say what the settings divide
                self.shares += 1
            else:
                self._reject(number, without_facts(line))
        self.rejected.sort(key=lambda rejection: rejection.line or 0)

    def _compare(self, nanos: Counter[str]) -> None:
        told = {each.currency: each.amount for each in self.totals.cost}
        found = {currency: Money(sum_).text() for currency, sum_ in sorted(nanos.items()) if sum_}
        if told != found:
            raise refused(
                f"its totals tell of {_amounts(told)}, and its records come to {_amounts(found)}: it was changed"
            )

    def rows(self) -> Iterator[Row]:
        """The sound records with facts, in their order, but for those of :meth:`loose`."""
        left_out = self._bad.union(self._bare, self._loose)
        return self._rows(number for number in range(len(self)) if number not in left_out)

    def loose(self) -> Iterator[Row]:
        """The sound events without a request id, in their order: fal may have billed each of them as another record."""
        return self._rows(self._loose)

    def _rows(self, numbers: Iterable[int]) -> Iterator[Row]:
        return (row_of(self._document.records[number], number) for number in numbers)

    def line_of(self, number: int) -> int:
        """The line on which the record of that number begins; quick where records are asked for in their order."""
        raw = bytes(self._document.records[number])
        position, line = self._found
        at = self._data.find(raw, position)
        if at < 0:
            position, line = 0, 1
            at = self._data.index(raw)
        self._found = at, line + self._data.count(b"\n", position, at)
        return self._found[1]


def is_export(data: bytes) -> bool:
    """Whether a JSON file is an export of trayd, whole or not."""
    try:
        text = utf8(data)
        if begins_as_export(text):
            return True
        return _MENTIONED in text and bool(msgspec.json.decode(text, type=Said).type == TYPE)
    except (RefusedError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False


def _amounts(cost: dict[str, str]) -> str:
    return ", ".join(f"{shown(amount)} {shown(currency)}" for currency, amount in cost.items()) or "no cost"
