"""Finds what a person did to many records at once: by the time of the edits, in the months they are stored in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from trayd.facts import UserEdit
from trayd.ledger.months import Months
from trayd.ledger.tables import facts_of
from trayd.records import EDITABLE_FIELDS


class EditFound(NamedTuple):
    """An edit that a record has.

    Attributes:
        record_id: of the record; the edit may name an event that was linked to it.
        shown: whether it is what the field shows; else something newer is.
    """

    record_id: str
    edit: UserEdit
    shown: bool


def edits_at(months: Months, names: Iterable[str], at: datetime) -> Iterator[EditFound]:
    """The edits of an instant that are not taken back, in these months."""
    written = msgspec.json.encode(at)
    there = set(months.names())
    for name in names:
        if name not in there:
            continue
        for record_id, row in list(months.open(name).rows.items()):
            # Most records of a month were not touched, and need not be decoded to know it.
            if written not in row.facts:
                continue
            valid = [edit for edit in facts_of(row).edits if edit.undone is None and edit.field in EDITABLE_FIELDS]
            newest = {edit.field: edit for edit in valid}
            for edit in valid:
                if edit.at == at:
                    told = UserEdit(record_id=edit.event or record_id, field=edit.field, value=edit.value, at=at)
                    yield EditFound(record_id, told, newest[edit.field] is edit)
        months.release()
