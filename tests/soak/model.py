"""What a ledger must hold, kept beside it without any of its code."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from tests.ledger.making import NOON

#: Requests are of so many days, in four months: more than stay in memory.
SPREAD_DAYS = 85

_LONG = 20


def instant(number: int) -> datetime:
    """When the n-th request was made (UTC)."""
    return NOON - timedelta(days=number * 7 % SPREAD_DAYS, minutes=number % 1440)


def brief(note: str | None) -> str | None:
    """A long note as messages show it: its beginning and its length."""
    return note if note is None or len(note) < _LONG else f"{note[:_LONG]}… ({len(note)})"


class Known(msgspec.Struct, frozen=True):
    """A record as it must be.

    Attributes:
        actual: in nanos; None where nothing was billed.
        told: what its event said of a field, and ``edits`` what a person did, with the number of the doing.
    """

    actual: int | None = None
    told: dict[str, str] = {}
    edits: dict[str, tuple[int, str | None]] = {}

    def shown(self, field: str) -> str | None:
        """The value that people see."""
        return self.edits[field][1] if field in self.edits else self.told.get(field)

    def edited(self, field: str, number: int, value: str | None) -> Known:
        """The same after an edit."""
        return msgspec.structs.replace(self, edits={**self.edits, field: (number, value)})

    def joined(self, event: Known) -> Known:
        """The same after an event was linked to it: of two edits of a field the later one stays."""
        edits = dict(self.edits)
        for field, edit in event.edits.items():
            edits[field] = max(edit, edits.get(field, edit), key=lambda one: one[0])
        return Known(actual=self.actual, told=event.told, edits=edits)


#: A record as it is compared: actual in nanos, client, project, note.
Seen = tuple[int | None, str | None, str | None, str | None]


class Model(msgspec.Struct):
    """Everything that was acknowledged.

    Attributes:
        billed: the requests that only billing has told of; an event can be linked to them.
        told: the requests that an event told of, ``lost`` the events without a request id, ``costs`` the others.
        links: the requests by the ids of the events that were linked to them.
        files: the digests of the files that were taken in.
        covered: how many hours of billing have been read.
        balances: the readings, with the amount in nanos.
        next: the number of the next new thing; it never goes back.
        saved: what the backup holds; None while there is none.
    """

    records: dict[str, Known] = {}
    billed: list[str] = []
    told: list[str] = []
    lost: list[str] = []
    costs: list[str] = []
    links: dict[str, str] = {}
    files: list[str] = []
    covered: int = 0
    balances: list[tuple[datetime, int]] = []
    next: int = 1
    saved: Model | None = None

    def copy(self) -> Model:
        """Another one that can go on by itself."""
        return Model(
            records=dict(self.records),
            billed=list(self.billed),
            told=list(self.told),
            lost=list(self.lost),
            costs=list(self.costs),
            links=dict(self.links),
            files=list(self.files),
            covered=self.covered,
            balances=list(self.balances),
            next=self.next,
            saved=self.saved,
        )

    def cleared(self) -> Model:
        """The same after the history was cleared; copies of it and the count stay."""
        return Model(next=self.next, saved=self.saved)

    def restored(self) -> Model:
        """The same after the backup was put back."""
        assert self.saved is not None
        again = self.saved.copy()
        again.next, again.saved = self.next, self.saved
        return again

    def seen(self) -> dict[str, Seen]:
        """The records as they are compared."""
        return {
            record_id: (known.actual, known.shown("client"), known.shown("project"), brief(known.shown("note")))
            for record_id, known in self.records.items()
        }
