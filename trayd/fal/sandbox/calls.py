"""The calls that were made of the stand-in, for tests of what asks it."""

from __future__ import annotations

import msgspec


class Call(msgspec.Struct, frozen=True):
    """A call of the Platform API that was answered.

    Attributes:
        path: with the query, after the host.
    """

    method: str
    path: str
    status: int
