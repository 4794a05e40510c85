"""Tagging: a person sets client, project, deliverable or note of one or many records, and can take it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from trayd.errors import LedgerError, UsageError
from trayd.facts import Batch, Tagging, UserEdit
from trayd.ledger.store import Ledger
from trayd.operations.filters import FilterQuery
from trayd.records import EDITABLE_FIELDS, Kind, Record
from trayd.reports.shape import HistoryItem, history_item
from trayd.texts import tidy

#: So many of the records that would change are shown.
SHOWN = 10

_NAMED_IN_ERROR = 3


class TagQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to set (an empty text clears), and by which filters the records are found where no ids are given."""

    client: str | None = None
    project: str | None = None
    deliverable: str | None = None
    note: str | None = None
    where_client: str | None = None
    where_project: str | None = None
    where_deliverable: str | None = None
    model: str | None = None
    account: str | None = None
    key: str | None = None
    kind: Kind | None = None
    since: str | None = None
    until: str | None = None
    dry_run: bool = False

    def values(self) -> dict[str, str | None]:
        """What to set, by field; None clears.

        Raises:
            UsageError: there is nothing to set, or a text is too long.
        """
        said = {field: getattr(self, field) for field in EDITABLE_FIELDS}
        values = {field: tidy(text) or None for field, text in said.items() if text is not None}
        if not values:
            raise UsageError("there is nothing to set", "say --client, --project, --deliverable or --note")
        for field, value in values.items():
            if value is not None and len(value) > EDITABLE_FIELDS[field]:
                raise UsageError(f"--{field} is longer than {EDITABLE_FIELDS[field]} characters", "shorten it")
        return values

    def where(self) -> FilterQuery:
        """The filters."""
        return FilterQuery(
            client=self.where_client,
            project=self.where_project,
            deliverable=self.where_deliverable,
            model=self.model,
            account=self.account,
            key=self.key,
            kind=self.kind,
            since=self.since,
            until=self.until,
        )


class UntagQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which tagging is taken back; without a number the last one that is not yet."""

    number: int | None = None


class Tagged(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a tagging.

    Attributes:
        values: what was set, by field; None is "cleared".
        changed: how many records are different now, and ``unchanged`` how many had it all already.
        number: by which it can be taken back; None where nothing was changed.
        dry_run: nothing was changed, this is what would be; ``records`` are the first of them, as they still are.
    """

    values: dict[str, str | None]
    changed: int
    unchanged: int
    number: int | None = None
    dry_run: bool = False
    records: tuple[HistoryItem, ...] = ()


class Untagged(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a tagging that was taken back.

    Attributes:
        at: when it had been made (UTC).
        changed: how many records show what they showed before.
        kept: how many were tagged anew since, in one of its fields, and stay as they are in that.
        left: how many taggings can still be taken back.
    """

    number: int
    at: datetime
    values: dict[str, str | None]
    changed: int
    kept: int
    left: int


class TaggingItem(msgspec.Struct, frozen=True, kw_only=True):
    """One tagging in the list of those that were made.

    Attributes:
        at: when it was made (UTC), and ``undone`` when it was taken back.
        values: what was set, by field; None is "cleared".
        records: how many were changed.
    """

    number: int
    at: datetime
    values: dict[str, str | None]
    records: int
    undone: datetime | None


def ids_in(body: bytes) -> tuple[str, ...]:
    """The ids in a request's body: a JSON list of texts, or nothing.

    Raises:
        UsageError: it is something else.
    """
    if not body:
        return ()
    try:
        return tuple(msgspec.json.decode(body, type=list[str]))
    except msgspec.MsgspecError as error:
        raise UsageError(f"the ids cannot be read: {error}", "send a JSON list of texts") from None


def tag(
    ledger: Ledger,
    query: TagQuery,
    ids: tuple[str, ...],
    found: Callable[[FilterQuery], Iterator[Record]],
    now: datetime,
) -> Tagged:
    """Sets fields of the records with these ids, or of those that the filters find, all in one.

    Args:
        ledger: that holds them.
        query: what to set, and the filters.
        ids: of the records; empty where the filters say which.
        found: finds the records of the ledger that are meant by filters.
        now: the time (UTC).

    Raises:
        UsageError: nothing to set, or neither ids nor filters, or both.
        LedgerError: an id is of no record; nothing was changed.
    """
    values = query.values()
    where = query.where()
    if ids and where != FilterQuery():
        raise UsageError("ids and filters do not go together", "leave one of them out")
    if not ids and where == FilterQuery():
        raise UsageError("no records are named", "say their ids (`trayd history --ids`) or a filter, as --where-client")
    records = _named(ledger, ids) if ids else found(where)
    known = ledger.taggings()
    at = max(now, known[-1].at + timedelta(microseconds=1)) if known else now
    edits: list[UserEdit] = []
    shown: list[HistoryItem] = []
    changed = unchanged = 0
    for record in records:
        new = [field for field, value in values.items() if getattr(record, field) != value]
        if not new:
            unchanged += 1
            continue
        changed += 1
        if query.dry_run:
            if len(shown) < SHOWN:
                shown.append(history_item(record))
            continue
        edits += [UserEdit(record_id=record.id, field=field, value=values[field], at=at) for field in new]
    number = None
    if edits:
        number = known[-1].number + 1 if known else 1
        tagging = Tagging(number=number, at=at, values=values, records=changed)
        ledger.add(Batch(edits=tuple(edits), taggings=(tagging,)))
    return Tagged(
        values=values,
        changed=changed,
        unchanged=unchanged,
        number=number,
        dry_run=query.dry_run,
        records=tuple(shown),
    )


def _named(ledger: Ledger, ids: Iterable[str]) -> Iterator[Record]:
    """The records of these ids, each once."""
    found: dict[str, Record] = {}
    unknown: list[str] = []
    for record_id in ids:
        record = ledger.get(record_id)
        if record is None:
            unknown.append(record_id)
        else:
            found[record.id] = record
    if unknown:
        named = ", ".join(unknown[:_NAMED_IN_ERROR])
        more = f" and {len(unknown) - _NAMED_IN_ERROR} more" if len(unknown) > _NAMED_IN_ERROR else ""
        there = "is no record" if len(unknown) == 1 else "are no records"
        raise LedgerError(f"there {there} {named}{more}; nothing was changed", "`trayd history --ids` shows the ids")
    yield from found.values()


def untag(ledger: Ledger, query: UntagQuery, now: datetime) -> Untagged:
    """Takes a tagging back; each field shows again what it would without it.

    Raises:
        LedgerError: there is no such tagging, or it was taken back already.
    """
    known = ledger.taggings()
    tagging = _chosen(known, query.number)
    edits: list[UserEdit] = []
    kept: set[str] = set()
    for found in ledger.edits_of(tagging):
        edits.append(msgspec.structs.replace(found.edit, undone=now))
        if not found.shown:
            kept.add(found.record_id)
    done = msgspec.structs.replace(tagging, undone=now)
    added = ledger.add(Batch(edits=tuple(edits), taggings=(done,)))
    return Untagged(
        number=tagging.number,
        at=tagging.at,
        values=tagging.values,
        changed=len(added.changed),
        kept=len(kept),
        left=sum(1 for each in known if each.undone is None) - 1,
    )


def _chosen(known: tuple[Tagging, ...], number: int | None) -> Tagging:
    if number is None:
        last = next((each for each in reversed(known) if each.undone is None), None)
        if last is None:
            raise LedgerError("there is no tagging to take back", "`trayd tag --list` shows those that were made")
        return last
    chosen = next((each for each in known if each.number == number), None)
    if chosen is None:
        raise LedgerError(f"there is no tagging {number}", "`trayd tag --list` shows those that can be taken back")
    if chosen.undone is not None:
        raise LedgerError(f"the tagging {number} was taken back already", "`trayd tag --list` shows the others")
    return chosen


def taggings(ledger: Ledger) -> list[TaggingItem]:
    """The taggings that are kept, the newest first."""
    return [
        TaggingItem(number=each.number, at=each.at, values=each.values, records=each.records, undone=each.undone)
        for each in reversed(ledger.taggings())
    ]
