"""The tables: TinyDB tables whose documents live in memory as compact rows.

TinyDB's own table rewrites the file at every insert and keeps every document as a dict. These read from rows and
make documents on the way out, as copies; rows change through the ledger alone, which makes them durable first.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Generic, NoReturn, TypeVar

import msgspec
from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Table

from trayd.episodes import Episode
from trayd.errors import LedgerError
from trayd.facts import (
    AccountFact,
    AlertPause,
    BalanceJump,
    Checked,
    Coverage,
    Difference,
    FileTaken,
    Link,
    ModelFact,
    Tagging,
)
from trayd.ledger.merge import RecordFacts, fold
from trayd.money import Money
from trayd.records import BalanceReading, Counting, ExternalCost, Generation, Record

R = TypeVar("R")


class RowTable(Table, Generic[R]):
    """A TinyDB table over rows of its own, which are known by a key instead of a number.

    Reading works as in any TinyDB table (``search``, ``get``, ``all``, ``len``); document numbers are positions.
    """

    def __init__(self, storage: Storage, name: str) -> None:
        super().__init__(storage, name, cache_size=0)  # TinyDB's cache hands out the documents themselves
        self.rows: dict[str, R] = {}

    def set(self, key: str, row: R | None) -> None:
        """The row of this key; None takes it out."""
        if row is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = row

    def documents(self) -> Iterator[bytes]:
        """All documents as JSON, as the TinyDB file has them, of the rows as they are now."""
        return (self.document(key, row) for key, row in list(self.rows.items()))

    def payloads(self) -> Iterator[tuple[str, str, bytes]]:
        """All rows as the mirror has them: table, key, JSON."""
        return ((self.name, key, self.payload(row)) for key, row in list(self.rows.items()))

    @abstractmethod
    def document(self, key: str, row: R) -> bytes:
        """The row as JSON for the TinyDB file."""

    @abstractmethod
    def payload(self, row: R) -> bytes:
        """The row as JSON for the mirror."""

    @abstractmethod
    def from_payload(self, key: str, payload: bytes) -> R:
        """The row that the mirror tells of; raises msgspec.ValidationError where it is none."""

    @abstractmethod
    def from_document(self, document: bytes | msgspec.Raw) -> tuple[str, R]:
        """The key and the row that a document of a sound TinyDB file tells of."""

    def _read_table(self) -> dict[str, Mapping[str, Any]]:
        return {str(number): msgspec.json.decode(document) for number, document in enumerate(self.documents(), 1)}

    def _update_table(self, updater: Callable[[dict[int, Mapping[str, Any]]], None]) -> NoReturn:  # noqa: ARG002 - TinyDB's name for it
        raise LedgerError(f"the table {self.name} is read-only here", "change records through Ledger.add")


class Row(msgspec.Struct, gc=False):
    """A record in memory.

    Attributes:
        view: the merged record, with names, account and counting as they were when it was read last.
        facts: what it was merged from, as JSON.
        account: the account, and ``unit`` the unit, as the facts tell them.
        billed: whether billing lists it.
    """

    view: Record
    facts: bytes
    account: str
    unit: str | None
    billed: bool


class _Kept(msgspec.Struct):
    facts: msgspec.Raw
    billed: bool = False


_decode_facts = msgspec.json.Decoder(RecordFacts).decode
_encode_facts = msgspec.json.Encoder(order="deterministic").encode
_decode_record = msgspec.json.Decoder(Generation | ExternalCost).decode
_decode_kept = msgspec.json.Decoder(_Kept).decode

_NO_FIELDS: dict[str, Any] = {}


def row_of(record_id: str, facts: RecordFacts, payload: bytes | None = None) -> Row:
    """The row that these facts make."""
    return _row(fold(record_id, facts), payload or _encode_facts(facts), billed=facts.billed)


def facts_of(row: Row) -> RecordFacts:
    """What the row was merged from."""
    return _decode_facts(row.facts)


def _row(view: Record, facts: bytes, *, billed: bool) -> Row:
    if isinstance(view, ExternalCost):
        return Row(view, facts, "", None, billed)
    _share(view)
    return Row(view, facts, view.account, view.unit, billed)


def _share(view: Generation) -> None:
    """Lets records have in common what many of them hold: it halves what a record takes.

    Field by field and without a loop, for this is most of what it takes to open a month.
    """
    _share_texts(view)
    _share_rest(view)


def _share_texts(view: Generation) -> None:
    put, one = msgspec.structs.force_setattr, sys.intern
    put(view, "account", one(view.account))
    put(view, "endpoint_id", one(view.endpoint_id))
    if view.display_name is not None:
        put(view, "display_name", one(view.display_name))
    if view.operation is not None:
        put(view, "operation", one(view.operation))
    if view.unit is not None:
        put(view, "unit", one(view.unit))
    if view.key is not None:
        put(view, "key", one(view.key))
    if view.client is not None:
        put(view, "client", one(view.client))
    if view.project is not None:
        put(view, "project", one(view.project))
    if view.deliverable is not None:
        put(view, "deliverable", one(view.deliverable))
    if view.source != "fal":
        put(view, "source", one(view.source))


def _share_rest(view: Generation) -> None:
    put, one = msgspec.structs.force_setattr, sys.intern
    if view.request_id == view.id:
        put(view, "request_id", view.id)
    if not view.parameters:
        put(view, "parameters", _NO_FIELDS)
    if not view.extra:
        put(view, "extra", _NO_FIELDS)
    if view.units is not None:
        put(view, "units", _same(str(view.units)))
    if view.unit_price is not None:
        put(view, "unit_price", _same(str(view.unit_price)))
    if view.percent_discount is not None:
        put(view, "percent_discount", _same(str(view.percent_discount)))
    if view.actual is not None:
        put(view.actual, "currency", one(view.actual.currency))
    if view.estimate is not None:
        put(view.estimate.amount, "currency", one(view.estimate.amount.currency))


_same = lru_cache(maxsize=4096)(Decimal)


class RecordTable(RowTable[Row]):
    """The records of a month. A document is the merged record for people to read, and ``facts`` for the ledger."""

    def document(self, key: str, row: Row) -> bytes:  # noqa: ARG002 - the view has its key in it
        """The merged record, its cost in plain words, and the facts."""
        view = row.view
        cost: Money | None
        if isinstance(view, Generation):
            cost = view.actual or (view.estimate.amount if view.estimate else None)
            view = msgspec.structs.replace(view, account=row.account, unit=row.unit, counting=Counting.UNKNOWN)
        else:
            cost = view.amount
        told = b'"%s %s"' % (cost.text().encode(), cost.currency.encode()) if cost else b"null"
        billed = b"true" if row.billed else b"false"
        return b'%s,"cost":%s,"billed":%s,"facts":%s}' % (msgspec.json.encode(view)[:-1], told, billed, row.facts)

    def payload(self, row: Row) -> bytes:
        """The facts."""
        return row.facts

    def from_payload(self, key: str, payload: bytes) -> Row:
        """Merges the facts."""
        return row_of(key, _decode_facts(payload), payload)

    def from_document(self, document: bytes | msgspec.Raw) -> tuple[str, Row]:
        """Takes the merged record as it stands."""
        kept = _decode_kept(document)
        view = _decode_record(document)
        return view.id, _row(view, bytes(kept.facts), billed=kept.billed)


class Naming(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a model was called from a time on."""

    seen_at: datetime
    display_name: str | None = None
    operation: str | None = None
    unit: str | None = None


class ModelKnown(msgspec.Struct, frozen=True):
    """A model as it is now, and what it was called over time, oldest first."""

    latest: ModelFact
    names: tuple[Naming, ...]


class Differences(msgspec.Struct, frozen=True):
    """All differences of an account between fal's totals and the ledger's."""

    rows: tuple[Difference, ...]


class LinkKept(msgspec.Struct, frozen=True):
    """A link, and whether the event has been moved to its request already, or back where the link was taken back."""

    link: Link
    done: bool


class Identity(msgspec.Struct, frozen=True):
    """The API that this ledger holds the history of."""

    base_url: str


class Moved(msgspec.Struct, frozen=True):
    """Up to when rows of a table have left the state for the pairs of the past: the newest of them was of then."""

    until: datetime


#: The tables of the state, and what their rows are.
STATE_TABLES: dict[str, type[msgspec.Struct]] = {
    "identity": Identity,
    "accounts": AccountFact,
    "coverage": Coverage,
    "balances": BalanceReading,
    "first_balances": BalanceReading,
    "jumps": BalanceJump,
    "models": ModelKnown,
    "episodes": Episode,
    "differences": Differences,
    "checks": Checked,
    "pause": AlertPause,
    "files": FileTaken,
    "links": LinkKept,
    "taggings": Tagging,
    "moved": Moved,
}


class _Keyed(msgspec.Struct):
    key: str


class StateTable(RowTable[Any]):
    """One of the tables of the state. A document is the row, with its key."""

    def document(self, key: str, row: msgspec.Struct) -> bytes:
        """The row and its key."""
        return b'{"key":%s,%s' % (msgspec.json.encode(key), msgspec.json.encode(row)[1:])

    def payload(self, row: msgspec.Struct) -> bytes:
        """The row."""
        return msgspec.json.encode(row)

    def from_payload(self, key: str, payload: bytes) -> Any:  # noqa: ARG002 - the key is not in the row
        """The row."""
        return msgspec.json.decode(payload, type=STATE_TABLES[self.name])

    def from_document(self, document: bytes | msgspec.Raw) -> tuple[str, Any]:
        """The row and its key."""
        return msgspec.json.decode(document, type=_Keyed).key, msgspec.json.decode(
            document, type=STATE_TABLES[self.name]
        )


class MonthDB(TinyDB):
    """A TinyDB of one month's records, in TinyDB's default table."""

    table_class = RecordTable  # type: ignore[assignment]  # TinyDB means any subclass of Table


class StateDB(TinyDB):
    """A TinyDB of what the ledger knows beside the records."""

    table_class = StateTable  # type: ignore[assignment]  # TinyDB means any subclass of Table
