"""Where a running daemon answers: ``run/trayd.json``, readable by its user alone.

The file proves nothing by itself: a killed daemon leaves it behind. Whether a daemon runs, the ledger's lock tells.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

API_ROOT = "/api/v1"

#: Who accepts this is told how far long work is: JSON, one value a line, the answer in the last.
STEPS_MEDIA_TYPE = "application/x-ndjson"


class Address(msgspec.Struct, frozen=True):
    """What the file says.

    Attributes:
        url: the base of the HTTP API, without :data:`API_ROOT`.
        token: goes into the Authorization header of every request.
    """

    pid: int
    url: str
    token: str


def address_file(run: Path) -> Path:
    """The file in the run folder."""
    return run / "trayd.json"


def read_address(run: Path) -> Address | None:
    """What the file says, if there is one that can be read."""
    try:
        return msgspec.json.decode(address_file(run).read_bytes(), type=Address)
    except (OSError, msgspec.MsgspecError):
        return None
