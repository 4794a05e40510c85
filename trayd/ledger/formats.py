"""The versions of a ledger's form, and the steps from each to the next.

A file says its version where it costs little to look: a mirror in its first line, a TinyDB file in the seal at its
end. A step is a pure function of one payload, as the mirror has it; what people read in the TinyDB file is made from
payloads anew. A form changes in one of two ways: by a field that has a default, which needs no step and no new
version, or by a new version with its step here. A step is never changed or taken out once it was released.

A new table of the state is a field in this sense: a program that does not know it refuses to open the ledger, by the
table's name, and changes nothing; one that does opens a ledger without it, and finds it empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

from trayd.errors import LedgerNewerError
from trayd.ledger.disk import refusals
from trayd.ledger.journal import FORMAT
from trayd.ledger.month import RECORDS

# Every version seals a mirror's first line like this, over all that follows the sum.
_HEAD = re.compile(rb'[{]"sum":"([0-9a-f]{8})","seq":[0-9]+,(?:"[a-z]+":(?:[0-9]+|true),)*?"trayd":([0-9]{1,9})[,}]')
_SUM_END = len('{"sum":"01234567",')
_SEAL = re.compile(rb'"trayd": [{]"1": [{]"trayd":([0-9]{1,9})[,}]')

#: A file's version stands within so many bytes of its start, or of its end.
_LOOK_BYTES = 4096

#: What a step makes of the payload of a table; None is "there is no such thing any more".
Step = Callable[[str, bytes], bytes | None]


def _1_to_2(table: str, payload: bytes) -> bytes | None:
    """Of each field not the newest edit alone is kept, but all of them, in a list.

    How far the records of a month are from it is known by its rollup: the table ``drift`` told that before.
    """
    if table == "drift":
        return None
    if table != RECORDS or b'"edits":{' not in payload:
        return payload
    facts = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
    if not bytes(facts.get("edits", b"")).startswith(b"{"):
        return payload  # a parameter is called like this
    edits = msgspec.json.decode(facts["edits"], type=dict[str, dict[str, Any]])
    listed = [{"field": field, **edit} for field, edit in sorted(edits.items())]
    return msgspec.json.encode({**facts, "edits": listed})


#: The steps, by the version that they start from.
STEPS: dict[int, Step] = {1: _1_to_2}


def brought_up(table: str, payload: bytes, written: int) -> bytes | None:
    """A payload in the form of this version; None where this version has no such thing.

    Args:
        table: that it is of.
        payload: as it was read.
        written: the version that it was written in.

    Raises:
        msgspec.MsgspecError: it is no payload of that version.
    """
    for version in range(written, FORMAT):
        stepped = STEPS[version](table, payload)
        if stepped is None:
            return None
        payload = stepped
    return payload


def format_of(path: Path) -> int | None:
    """The version of a mirror or a TinyDB file, from a few bytes of it; None where it does not say, or is not there.

    Raises:
        LedgerFullError: it cannot be read.
    """
    with refusals(path):
        try:
            with path.open("rb") as file:
                if path.suffix == ".jsonl":
                    head = file.readline(_LOOK_BYTES).rstrip(b"\n")
                    match = _HEAD.match(head)
                    return int(match[2]) if match and match[1] == b"%08x" % crc32(head[_SUM_END:]) else None
                size = file.seek(0, 2)
                file.seek(max(0, size - _LOOK_BYTES))
                found = _SEAL.findall(file.read())
        except FileNotFoundError:
            return None
    return int(found[-1]) if found else None


def refuse_newer(path: Path, version: int | None) -> None:
    """What a newer version wrote is left alone.

    Raises:
        LedgerNewerError: this file is such.
    """
    if version is not None and version > FORMAT:
        raise LedgerNewerError(
            f"{path} was written by a newer trayd (format {version}, this one knows {FORMAT})",
            "update trayd, or restore a backup from before with `trayd ledger restore`",
        )
