"""The documents of a TinyDB file: what each was written from, and which are left in a file that does not parse."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from trayd.ledger.merge import RecordFacts, fold
from trayd.ledger.month import RECORDS
from trayd.ledger.storage import SEAL_TABLE

# A TinyDB file's lines: the head of a table, empty or not; a document; the seal.
_HEADING = re.compile(rb'[{]?"([^"]*)": [{](?:[}][,}]?)?')
_LINE = re.compile(rb'"([0-9]{1,18})": ([{].*?[}]),?')
_SEAL = b'"%s": ' % SEAL_TABLE.encode()

# What a document shows beside what its facts make.
_NOT_OF_THE_FACTS = frozenset({"facts", "cost", "billed", "display_name", "operation", "unit", "account", "counting"})


class _Recorded(msgspec.Struct):
    id: str
    facts: msgspec.Raw


def payload_of(table: str, document: bytes) -> tuple[str, bytes]:
    """The key and the payload that a document of a TinyDB file was written from.

    Raises:
        msgspec.MsgspecError: it is no document of trayd's.
    """
    if table == RECORDS:
        recorded = msgspec.json.decode(document, type=_Recorded)
        return recorded.id, bytes(recorded.facts)
    fields = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    key = fields.pop("key", None)
    if key is None:
        raise msgspec.ValidationError("a document without a key")
    return msgspec.json.decode(key, type=str), msgspec.json.encode(fields)


def only_table(path: Path) -> str | None:
    """A month has one table, whatever is left of its name; None for the state, which has many."""
    return None if path.stem.startswith("state") else RECORDS


def agrees(document: bytes, record_id: str, payload: bytes) -> bool:
    """Whether what people read in a document is what its facts make: without a checksum, it says nearly all twice."""
    try:
        made = fold(record_id, msgspec.json.decode(payload, type=RecordFacts))
    except (TypeError, ValueError):
        return False
    shown: dict[str, Any] = msgspec.json.decode(document)
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))
    return all(shown.get(field) == told.get(field) for field in {*shown, *told} - _NOT_OF_THE_FACTS)


def whole_lines(content: bytes, path: Path, missing: list[str]) -> dict[str, list[bytes]]:
    """What is left of a file that does not parse: trayd writes one document a line."""
    documents: dict[str, list[bytes]] = {}
    only = only_table(path)
    table = only
    last = 0
    bad = []
    for place, line in enumerate(content.splitlines(), start=1):
        heading = _HEADING.fullmatch(line)
        if heading is not None:
            table, last = only or heading[1].decode(errors="replace"), 0
            continue
        number, document = _document(line)
        if number == 1 and last:
            table = only  # where a table began cannot be read: whose document this is cannot be told
        if document is not None and table is not None:
            documents.setdefault(table, []).append(document)
            last = number
        elif not line.startswith(_SEAL):
            bad.append(place)
    if bad:
        missing.append(f"{path}: {places('line', bad)} cannot be read")
    return documents


def _document(line: bytes) -> tuple[int, bytes | None]:
    """The number and the document of a line such as ``"12": {…},``; no document where there is none."""
    match = _LINE.fullmatch(line)
    if match is None:
        return 1 << 62, None
    # The last one of a table has the table's own end behind it.
    for document in (match[2], match[2].removesuffix(b"}")):
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            msgspec.json.decode(document, type=dict[str, msgspec.Raw])
            document.decode()
            return int(match[1]), document
    return int(match[1]), None


def places(what: str, numbers: list[int]) -> str:
    """``lines 3, 7–9``."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    told = ", ".join(f"{first}" if first == last else f"{first}–{last}" for first, last in runs)
    return f"{what}{'' if len(numbers) == 1 else 's'} {told}"
