"""The connection to the session bus, made so that a slow reader on the other side does not end it.

dbus-fast takes a full socket for the end of the connection: its writer lets ``BlockingIOError`` of ``send`` through
(python-dbus-next issue 153, inherited). A panel that asks for all pictures of the icon at once fills the socket of
some 200 kB easily.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from dbus_fast.aio import MessageBus

Buffer = bytes | bytearray | memoryview


class _PatientSocket:
    """A socket that has sent nothing yet where it would block: the writer then waits until there is room."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner

    def send(self, data: Buffer) -> int:
        try:
            return self._inner.send(data)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            # The end of the bus is the reader's to notice, a moment later: a writer that notices it first goes on
            # to wait for room in a descriptor that it has closed.
            return 0

    def sendmsg(self, buffers: Iterable[Buffer], ancillary: Iterable[tuple[int, int, Buffer]]) -> int:
        return self._inner.sendmsg(buffers, ancillary)


async def connect() -> MessageBus:
    """A connection to the session bus.

    Raises:
        OSError: there is no session bus.
    """
    bus = await MessageBus().connect()
    writer: Any = bus._writer  # noqa: SLF001  # there is no other way in
    writer.sock = _PatientSocket(writer.sock)
    return bus
