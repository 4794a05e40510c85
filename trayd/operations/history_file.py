"""Reads a JSON export: whether it is whole and as it was written, and the facts in it. No ledger is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from trayd.facts import Coverage
from trayd.intake.events import begins_as_export
from trayd.intake.rejection import RefusedError, Rejection, shown
from trayd.intake.text import utf8
from trayd.ledger.merge import RecordFacts, fold
from trayd.money import Money
from trayd.operations.history_facts import check_facts, check_head
from trayd.operations.history_rates import ByDay
from trayd.records import ExternalCost, Filters, Kind
from trayd.reports.json_export import TYPE, VERSION, Amount, Head, Line, Totals, line_of, nanos_in

#: A larger export is refused: it would take more memory than a program in the tray should. It is of some 200,000
#: records; the filters of time make several of a longer history.
LARGEST_EXPORT = 256 * 1024 * 1024

_MENTIONED = b'"export"'

_AGAIN = "make the export again where it comes from"
_BY_HAND = "a history is changed with `trayd tag` and `trayd link`, not in its export; make the export again"

#: What a record says under the log's keys that follows from its facts alone.
_FOLLOWS = (
    "id",
    "timestamp",
    "model",
    "kind",
    "source",
    "estimated_cost",
    "actual_cost",
    "client",
    "project",
    "deliverable",
    "duration_s",
    "units",
    "request_id",
    "key",
    "description",
    "category",
    "note",
    "status",
)


class _Kind(msgspec.Struct):
    trayd: Any = None
    type: Any = None


class _Document(Head, frozen=True, kw_only=True):
    records: tuple[msgspec.Raw, ...]
    totals: Totals


class Row(msgspec.Struct, frozen=True):
    """A record of an export that is sound.

    Attributes:
        line: as the log showed it.
        number: its place among the records of the file, counted from 0.
        facts: what it was merged from; None where the ledger that it comes from holds nothing of it by itself.
    """

    line: Line
    facts: RecordFacts | None
    number: int = 0

    @property
    def id(self) -> str:
        """The id of what the facts are of: of a share the cost that is shared."""
        return self.line.id if self.line.share_of is msgspec.UNSET else self.line.share_of


class HistoryFile:
    """A JSON export.

    Args:
        data: the file.

    Attributes:
        head: what stands before its records.
        totals: what stands behind them.
        rejected: the records that cannot be taken in, once :meth:`check` has been gone through.
        by_day: what the others add up to.

    Raises:
        RefusedError: it is not whole, of another version, or was changed.
    """

    def __init__(self, data: bytes) -> None:
        self._data = utf8(data)
        self._document = _document(self._data)
        self.head: Head = self._document
        self.totals = self._document.totals
        self.by_day = ByDay(self.head)
        self.rejected: list[Rejection] = []
        self._bad: set[int] = set()
        self._found = 0, 1

    def __len__(self) -> int:
        """How many records there are in it."""
        return len(self._document.records)

    @property
    def is_part(self) -> bool:
        """Whether something was left out of the history of its time."""
        return msgspec.structs.replace(self.head.filters, since=None, until=None) != Filters()

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
        totals = self._document.totals
        if totals.records != len(self):
            raise _refused(f"its totals tell of {totals.records:,} records, and it has {len(self):,}", _AGAIN)
        nanos: Counter[str] = Counter()
        seen: set[str] = set()
        for number, raw in enumerate(self._document.records):
            try:
                row = _checked(raw, latest)
            except RefusedError as error:
                rejection = msgspec.structs.replace(error.rejection, line=self.line_of(number))
                self.rejected.append(rejection)
                self._bad.add(number)
            else:
                if row.facts is not None:
                    if row.id in seen:
                        raise _refused(f"the record {shown(row.id)} is in it twice: it was changed", _AGAIN)
                    seen.add(row.id)
                if row.line.cost is not None:
                    nanos[row.line.cost.currency] += nanos_in(row.line.cost)
                self.by_day.add(row.line)
            yield number + 1
        if not self.rejected:
            self._compare(nanos)

    def _compare(self, nanos: Counter[str]) -> None:
        told = {each.currency: each.amount for each in self._document.totals.cost}
        found = {currency: Money(sum_).text() for currency, sum_ in sorted(nanos.items()) if sum_}
        if told != found:
            raise _refused(
                f"its totals tell of {_amounts(told)}, and its records come to {_amounts(found)}: it was changed",
                _AGAIN,
            )

    def rows(self) -> Iterator[Row]:
        """The records that are sound, in their order."""
        for number, raw in enumerate(self._document.records):
            if number not in self._bad:
                yield _row(_decode_line(raw), number)

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
        return _MENTIONED in text and bool(msgspec.json.decode(text, type=_Kind).type == TYPE)
    except (RefusedError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False


def _document(data: bytes) -> _Document:
    try:
        version = msgspec.json.decode(data, type=_Kind).trayd
        if version != VERSION:
            newer = isinstance(version, int) and version > VERSION
            raise _refused(
                f"this export is of version {shown(str(version))}, and this trayd reads version {VERSION}",
                "update trayd and try again" if newer else _AGAIN,
            )
        document = msgspec.json.decode(data, type=_Document)
    except msgspec.ValidationError as error:
        raise _refused(f"this is no whole export of trayd ({error})", _AGAIN) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(f"this export is cut off or damaged ({error})", _AGAIN) from None
    try:
        check_head(document)
    except ValueError as error:
        raise _refused(f"this is no whole export of trayd ({error})", _AGAIN) from None
    return document


def _checked(raw: msgspec.Raw, latest: datetime) -> Row:
    """The record, where it is sound.

    Raises:
        RefusedError: it is not.
    """
    try:
        line = _decode_line(raw)
        if line.cost is not None:
            nanos_in(line.cost)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _refused(f"this record cannot be read ({error})") from None
    try:
        row = _row(line)
        if row.facts is None:
            return row
        check_facts(row.id, row.facts, latest)
        made = line_of(fold(row.id, row.facts))
    except (msgspec.MsgspecError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise _refused(f"the facts of the record {shown(line.id)} cannot be read ({error})") from None
    if line.share_of is not msgspec.UNSET:
        if row.facts.cost is None or row.facts.cost.kind is not Kind.POOL:
            raise _refused(f"the facts of the share {shown(line.id)} are of no shared cost")
        return row
    for field in _FOLLOWS:
        if getattr(line, field) != getattr(made, field):
            said, meant = (_in_words(getattr(each, field)) for each in (line, made))
            problem = f"the record {shown(line.id)} says {said} here, and its facts say {meant}"
            raise RefusedError(Rejection(column=field, value=said, problem=problem, cure=_BY_HAND))
    return row


def _in_words(value: object) -> str:
    if value is None:
        return "nothing"
    return shown(f"{value.amount} {value.currency}" if isinstance(value, Amount) else str(msgspec.to_builtins(value)))


def _row(line: Line, number: int = 0) -> Row:
    return Row(line, None if line.facts is msgspec.UNSET else _decode_facts(line.facts), number)


def _amounts(cost: dict[str, str]) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in cost.items()) or "no cost"


def _refused(problem: str, cure: str = _BY_HAND) -> RefusedError:
    return RefusedError(Rejection(problem=problem, cure=cure))


def cost_of(row: Row) -> Money | None:
    """What the record counts, as its facts have it: of a shared cost all of it, of others what the log showed."""
    if row.facts is None:
        return None
    if row.facts.cost is not None:
        record = fold(row.id, row.facts)
        return record.amount if isinstance(record, ExternalCost) else None
    cost = row.line.cost
    return None if cost is None else Money(nanos_in(cost), cost.currency)


_decode_line = msgspec.json.Decoder(Line).decode
_decode_facts = msgspec.json.Decoder(RecordFacts).decode
