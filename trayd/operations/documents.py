"""Texts that a person takes along: an export, a report. They are made piece by piece, while they are gone through."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from trayd.steps import Progress, untold

T = TypeVar("T")

_TOLD_EVERY = 500


class Document:
    """A text that is made while it is gone through, once.

    An empty piece says nothing; whoever makes a document on the ledger's thread can let others have it there.

    Args:
        name: what its file is called where nobody says another name.
        media_type: what it is.

    Attributes:
        name: see above.
        media_type: see above.
        remarks: what a person has to know that the text itself cannot say, in sentences; complete at its end.
        progress: is told how many records of how many are in; to be set before it is gone through.
        is_gathered: whether all that it says is known, so that the rest of it needs the ledger no more.
    """

    def __init__(self, name: str, media_type: str) -> None:
        self.name = name
        self.media_type = media_type
        self.remarks: list[str] = []
        self.progress: Progress = untold
        self.is_gathered = False
        self._pieces: Iterator[str] = iter(())

    def consist_of(self, pieces: Iterable[str]) -> None:
        """Says what it is made of."""
        self._pieces = iter(pieces)

    def __iter__(self) -> Iterator[str]:
        return self._pieces

    def close(self) -> None:
        """Ends what makes it, such as a process, on the thread where it is gone through; the rest is never made."""
        if isinstance(self._pieces, Generator):
            self._pieces.close()

    def counted(self, records: Iterable[T], in_all: Callable[[], int]) -> Iterator[T]:
        """The same records, which are told of as they go into it.

        Args:
            records: what it is made from.
            in_all: how many these are; it is not asked where nobody wants to know.
        """
        told = self.progress is not untold
        expected = in_all() if told else 0
        done, source = 0, iter(records)
        while some := list(islice(source, _TOLD_EVERY)):
            yield from some
            done += len(some)
            if told:
                self.progress(done, max(done, expected))
