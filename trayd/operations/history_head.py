"""Reads what stands around the records of a JSON export, and looks whether trayd can have told it.

Much of it is kept or shown for good: names of accounts and models, links, how far bills were read. So all of it is
looked at once, here, before anything is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from trayd.intake.rejection import RefusedError, Rejection, printable, shown
from trayd.ledger.soundness import wrong_in
from trayd.money import is_currency
from trayd.reports.json_export import VERSION, Amount, Head, Totals, nanos_in
from trayd.texts import without_controls

#: What whoever has a broken export is told.
AGAIN = "make the export again where it comes from"

# As the ledger takes them; which of them are in ISO 4217 changes from year to year.
_CODE = re.compile(r"[A-Z]{3}")

_LONGEST_FAULT = 200

#: No name in an export is longer.
LONGEST_NAME = 2000


class Said(msgspec.Struct):
    """Of what version and type a JSON file says that it is, whatever else is in it."""

    trayd: Any = None
    type: Any = None


class Document(Head, frozen=True, kw_only=True):
    """A whole export, its records unread."""

    records: tuple[msgspec.Raw, ...]
    totals: Totals


def read_document(data: bytes) -> Document:
    """The export, all of which but its records can have been told.

    Args:
        data: the file, in UTF-8.

    Raises:
        RefusedError: it is not whole, of another version, or was changed.
    """
    try:
        version = msgspec.json.decode(data, type=Said).trayd
        if version != VERSION:
            newer = isinstance(version, int) and version > VERSION
            raise refused(
                f"this export is of version {shown(str(version))}, and this trayd reads version {VERSION}",
                "update trayd and try again" if newer else AGAIN,
            )
        document = msgspec.json.decode(data, type=Document)
    except msgspec.ValidationError as error:
        raise refused(f"this is no whole export of trayd ({fault_in_words(error)})") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refused(f"this export is cut off or damaged ({fault_in_words(error)})") from None
    for name in (*Head.__struct_fields__, "totals"):
        if wrong := _wrong(getattr(document, name)):
            raise refused(f"this is no whole export of trayd ({name}: {shown(wrong)})")
    if wrong := _wrong_currency(document):
        raise refused(f"this is no whole export of trayd ({wrong})")
    return document


def refused(problem: str, cure: str = AGAIN) -> RefusedError:
    """The refusal of an export, or of one of its records."""
    return RefusedError(Rejection(problem=problem, cure=cure))


def fault_in_words(error: Exception) -> str:
    """What a decoder says is wrong, as a message may quote it: it can hold what stands in the file, at any length."""
    told = printable(str(error))
    return told if len(told) <= _LONGEST_FAULT else f"{told[: _LONGEST_FAULT - 1]}…"


def wrong_amount(amount: Amount) -> str:
    """What is wrong with how an amount is written; empty where nothing is."""
    if _CODE.fullmatch(amount.currency) is None:
        return f'"{shown(amount.currency)}" is no currency'
    try:
        nanos_in(amount)
    except ValueError as error:
        return str(error)
    return ""


def wrong_name(text: str, longest: int = LONGEST_NAME) -> str:
    """What no name can be; empty where it can be one."""
    if len(text) > longest:
        return f"is longer than {longest} characters"
    return "" if text == without_controls(text) else f'"{shown(text)}" has characters that no name has'


def zone_named(name: str) -> ZoneInfo | None:
    """The time zone of that name; None where none is known here."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _wrong(value: Any) -> str:
    """What trayd cannot have told; empty where all is sound."""
    if wrong := wrong_in((value,)):
        return wrong.strip()
    for field, text in _texts(value):
        if wrong := wrong_name(text):
            return f"{field} {wrong}".strip()
    return ""


def _texts(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Every text in it, keys as well, each with the name of its field."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _texts(getattr(value, name), name)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield field, str(key)
            yield from _texts(part, field)
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part, field)


def _wrong_currency(document: Document) -> str:
    for field in ("home_currency", "currency"):
        code = getattr(document, field)
        if not is_currency(code):
            return f'{field}: "{shown(code)}" is no currency'
    totals = document.totals
    for amount in (*totals.cost, totals.total, *totals.unconverted, *totals.by_kind.values()):
        if wrong := wrong_amount(amount):
            return f"totals: {wrong}"
    return ""
