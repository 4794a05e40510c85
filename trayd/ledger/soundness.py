"""What no record can hold is refused at the door: times without a zone or at the ends of time, numbers without one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from types import NoneType
from typing import Any

import msgspec

from trayd.errors import RecordError
from trayd.facts import Batch
from trayd.money import Money
from trayd.records import Status


def check(batch: Batch) -> None:
    """Refuses what no record can hold: times without a zone or at the ends of time, numbers that are not finite.

    Raises:
        RecordError: names the fact and the field.
    """
    for field in batch.__struct_fields__:
        facts = getattr(batch, field)
        for fact in _facts_in(facts) if facts else ():
            if not _is_sound(fact):
                raise RecordError(f"{field}: {_wrong_in(fact)} in {_name(fact)}", "correct it and hand it in again")


def _facts_in(facts: Any) -> Iterable[Any]:
    if isinstance(facts, msgspec.Struct):
        return (facts,)
    return (fact for rows in facts.values() for fact in rows) if isinstance(facts, dict) else facts


def _name(fact: Any) -> str:
    for field in ("request_id", "record_id", "id", "digest", "endpoint_id", "account", "name"):
        value = getattr(fact, field, None)
        if isinstance(value, str):
            return value
    return "a fact"


#: Beyond these it is a mistake, and a month before or after could not be worked out.
_YEARS = range(1900, 9000)

_ALWAYS_SOUND = frozenset({str, int, bool, NoneType, Status, Money})


def _is_sound(value: Any) -> bool:
    """Whether :func:`_wrong_in` finds nothing, in a fraction of the time: every fact of every batch comes by."""
    parts: Iterable[Any]
    if isinstance(value, msgspec.Struct):
        parts = msgspec.structs.astuple(value)
    elif isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, (list, tuple)):
        parts = value
    else:
        return _wrong_in(value) is None
    for part in parts:
        kind = type(part)
        if kind in _ALWAYS_SOUND:
            continue
        if kind is datetime:
            sound = part.tzinfo is not None and part.year in _YEARS
        elif kind is Decimal or kind is float:
            sound = math.isfinite(part)
        else:
            sound = not part or _is_sound(part)  # most facts have something empty
        if not sound:
            return False
    return True


def _wrong_in(value: Any, path: str = "") -> str | None:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return f"{path} {value.isoformat()} has no time zone"
        return None if value.year in _YEARS else f"{path} {value.isoformat()} is no time that anything was made at"
    if isinstance(value, (float, Decimal)):
        return None if math.isfinite(value) else f"{path} {value} is not a finite number"
    parts: Iterable[tuple[str, Any]]
    if isinstance(value, msgspec.Struct):
        parts = ((name, getattr(value, name)) for name in value.__struct_fields__)
    elif isinstance(value, dict):
        parts = ((str(name), part) for name, part in value.items())
    elif isinstance(value, (list, tuple)):
        parts = ((path, part) for part in value)
    else:
        return None
    for name, part in parts:
        if not isinstance(part, str):
            wrong = _wrong_in(part, name)
            if wrong:
                return wrong
    return None
