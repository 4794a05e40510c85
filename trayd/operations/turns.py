"""Documents made on the ledger's thread in short turns: polls and questions have it in between.

A document is of one state of what it is made from. Where that changes between two turns, it is begun anew; where it
goes on changing, what the document says is gathered in one go. A text that only has to be written down by then is
written in turns, however long a template takes.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Protocol, TypeVar

from trayd.errors import TraydError
from trayd.operations.documents import Document
from trayd.steps import Progress, untold

if TYPE_CHECKING:
    from trayd.operations.operations import Operations

T = TypeVar("T")

_TURN_S = 0.02
_MOST_BEGINNINGS = 3
_SPOOL_IN_MEMORY = 1024 * 1024


class LedgerThread(Protocol):
    """The part of the daemon that the making of a document needs."""

    async def on_ledger(self, work: Callable[[Operations], T]) -> T:
        """Runs the work on the thread that owns the ledger."""


class Making:
    """A document on its way into a temporary file: no reader, however slow, holds up the ledger's thread.

    Args:
        begin: gives the document; called again where it has to be begun anew.
        progress: is told how far it is, on the ledger's thread.

    Attributes:
        document: its name, and at its end its remarks; its text has gone into ``text``.
        text: the file, ready to be read once the document is made; closed by whoever reads it.
    """

    document: Document

    def __init__(self, begin: Callable[[Operations], Document], progress: Progress = untold) -> None:
        self.text: IO[str] = tempfile.SpooledTemporaryFile(  # noqa: SIM115  # the reader closes it
            _SPOOL_IN_MEMORY, "w+", encoding="utf-8", newline=""
        )
        self._begin = begin
        self._progress = progress
        self._beginnings = 0
        self._made_from: object = None

    def begin(self, operations: Operations) -> None:
        """Begins it, on the ledger's thread.

        Raises:
            UsageError: there is no such document.
        """
        if self._beginnings:
            self.document.close()
        self._made_from = _state(operations)
        self.text.seek(0)
        self.text.truncate()
        self.document = self._begin(operations)
        self.document.progress = self._progress
        self._beginnings += 1

    def turn(self, operations: Operations) -> bool:
        """Makes as much of it as a turn takes, on the ledger's thread; whether it is whole now.

        Raises:
            TraydError: it cannot be made, or there is no room for it.
        """
        if not self._beginnings or (not self.document.is_gathered and self._made_from != _state(operations)):
            self.begin(operations)
        until = time.monotonic() + _TURN_S
        for piece in self.document:
            with _room():
                self.text.write(piece)
            may_wait = self.document.is_gathered or self._beginnings < _MOST_BEGINNINGS
            if may_wait and time.monotonic() > until:
                return False
        with _room():
            self.text.seek(0)
        return True

    async def finish(self, thread: LedgerThread) -> None:
        """Makes all of it, turn by turn. Without :meth:`begin` before, that is the first of them.

        Raises:
            TraydError: it cannot be made.
        """
        try:
            while not await thread.on_ledger(self.turn):
                pass
        except BaseException:
            # After the turn that may be under way there. Where the daemon ends, the thread takes nothing more.
            with suppress(RuntimeError):
                await asyncio.shield(thread.on_ledger(self._leave))
            raise

    def _leave(self, _operations: Operations) -> None:
        with suppress(OSError):  # what is still to be written has no room either
            self.text.close()
        # It holds itself: left to the garbage collector, what makes it could go on for as long as nothing happens.
        if self._beginnings:
            self.document.close()


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        folder = tempfile.gettempdir()
        raise TraydError(
            f"the text does not fit into a temporary file in {folder} ({error.strerror})",
            "make room on its disk, or start trayd with TMPDIR set to a folder on a larger one",
        ) from error


def _state(operations: Operations) -> object:
    """What a document is made from, so that two of them can be compared."""
    return operations.ledger.version, operations.settings, operations.converter
