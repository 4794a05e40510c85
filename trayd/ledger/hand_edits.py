"""What a person wrote into a TinyDB file by hand: tags and notes are taken in, the rest of a record stays trayd's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from trayd.facts import UserEdit
from trayd.ledger.merge import RecordFacts, with_edit
from trayd.records import EDITABLE_FIELDS, Record
from trayd.texts import tidy

_INSTANT = timedelta(microseconds=1)


def with_hand_edits(facts: RecordFacts, document: dict[str, Any], before: Record, at: datetime) -> RecordFacts:
    """The facts and what a document shows otherwise than trayd had written it.

    Args:
        facts: all that is known of the record now.
        document: as the file holds it.
        before: the record as the file held it when trayd wrote it.
        at: when the file was edited (UTC); whatever its clock said, that was after the edits that trayd knows.

    Returns:
        The same object where the document shows nothing new.
    """
    for field, longest in EDITABLE_FIELDS.items():
        value = document.get(field)
        if value != getattr(before, field) and (value is None or isinstance(value, str)):
            value = tidy(value)[:longest] or None if value is not None else None
            after = max((edit.at for edit in facts.edits if edit.field == field), default=at - _INSTANT) + _INSTANT
            facts = with_edit(facts, UserEdit(record_id=before.id, field=field, value=value, at=max(at, after)))
    return facts
