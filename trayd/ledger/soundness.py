"""What no record can hold is refused at the door.

These are times without a zone, times and dates at the ends of time, numbers without an end, money of no currency, and a
cost from outside that says it is fal's: each of them would be met with by whoever reads the ledger, and for ever.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import NoneType
from typing import Any

import msgspec

from trayd.errors import RecordError
from trayd.facts import Batch
from trayd.money import Money
from trayd.records import ExternalCost, Kind, Status


def check(batch: Batch) -> None:
    """Refuses what no record can hold.

    Raises:
        RecordError: names the fact and the field.
    """
    for field in batch.__struct_fields__:
        facts = getattr(batch, field)
        for fact in _facts_in(facts) if facts else ():
            wrong = wrong_in(fact)
            if wrong:
                raise RecordError(f"{field}: {wrong} in {_name(fact)}", "correct it and hand it in again")


def wrong_in(fact: Any) -> str | None:
    """What no record can hold of a fact, or of several in one, in words; None where all is sound."""
    return None if _is_sound(fact) else _wrong_within(fact)


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

#: Longer numbers are of no price and no quantity, and would take a page, or all memory, to write out.
_MOST_DIGITS = 60

_CURRENCY = re.compile(r"[A-Z]{3}")

_ALWAYS_SOUND = frozenset({str, int, bool, NoneType, Status})


def _wrong_time(time: datetime) -> str:
    if time.tzinfo is None:
        return f"{time.isoformat()} has no time zone"
    return "" if time.year in _YEARS else f"{time.isoformat()} is no time that anything was made at"


def _wrong_date(day: date) -> str:
    return "" if day.year in _YEARS else f"{day.isoformat()} is no date that anything was charged on"


def _wrong_float(number: float) -> str:
    return "" if math.isfinite(number) else f"{number} is not a finite number"


def _wrong_decimal(number: Decimal) -> str:
    if not number.is_finite():
        return f"{number} is not a finite number"
    if abs(number.adjusted()) < _MOST_DIGITS and len(number.as_tuple().digits) <= _MOST_DIGITS:
        return ""
    return "is a number with more digits than any real amount"


def _wrong_money(money: Money) -> str:
    return "" if _CURRENCY.fullmatch(money.currency) else f"{money.currency[:40]!r} is no currency"


_LOOKS: Mapping[type, Callable[[Any], str]] = {
    datetime: _wrong_time,
    date: _wrong_date,
    float: _wrong_float,
    Decimal: _wrong_decimal,
    Money: _wrong_money,
}


def _is_sound(value: Any) -> bool:
    """Whether :func:`_wrong_within` finds nothing, in a fraction of the time: every fact of every batch comes by."""
    parts: Iterable[Any]
    if isinstance(value, msgspec.Struct):
        if isinstance(value, ExternalCost) and value.kind is Kind.INTERNAL:
            return False
        parts = msgspec.structs.astuple(value)
    elif isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, (list, tuple)):
        parts = value
    else:
        return _wrong_within(value) is None
    for part in parts:
        kind = type(part)
        if kind in _ALWAYS_SOUND:
            continue
        look = _LOOKS.get(kind)
        sound = (not part or _is_sound(part)) if look is None else not look(part)  # most facts have something empty
        if not sound:
            return False
    return True


def _wrong_within(value: Any, path: str = "") -> str | None:
    look = _LOOKS.get(type(value))
    if look is not None:
        wrong = look(value)
        return f"{path} {wrong}" if wrong else None
    if isinstance(value, ExternalCost) and value.kind is Kind.INTERNAL:
        return "kind internal is of no cost from outside"
    for name, part in _parts(value, path):
        if not isinstance(part, str):
            found = _wrong_within(part, name)
            if found:
                return found
    return None


def _parts(value: Any, path: str) -> Iterable[tuple[str, Any]]:
    """What a value is made of, with what each is called; nothing of a plain one."""
    if isinstance(value, msgspec.Struct):
        return ((name, getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, dict):
        return ((str(name), part) for name, part in value.items())
    return ((path, part) for part in value) if isinstance(value, (list, tuple)) else ()
