"""XML as a stream, without ever holding a document.

Python's expat fetches nothing from outside, and a document that declares entities of its own, which is how a small file
can become an endless text, is refused: no workbook has any.
"""

from __future__ import annotations

import functools
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple
from xml.parsers import expat

from trayd.intake.rejection import RefusedError, Rejection

_CHUNK = 1 << 16
_MOST_DIGITS = 9


class Element(NamedTuple):
    """The beginning of an element; names are without their prefixes.

    Attributes:
        within: the name of the element that it stands in; empty for the outermost.
    """

    within: str
    name: str
    attributes: dict[str, str]


def damaged() -> RefusedError:
    """The refusal of a workbook whose parts make no sense."""
    return RefusedError(
        Rejection(problem="the workbook is damaged", cure="open it in Excel, save it again and drop that")
    )


def parse(
    stream: IO[bytes],
    *,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Tells a document to the functions, a piece at each step; names come as they stand, with their prefixes.

    Raises:
        RefusedError: it is no whole and sound XML, or it declares things.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_declarations
    with stream:
        last = False
        while not last:
            try:
                piece = stream.read(_CHUNK)
                last = not piece
                parser.Parse(piece, last)
            except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
                raise damaged() from None
            yield


def elements(stream: IO[bytes]) -> Iterator[Element]:
    """The elements of a document as they begin.

    Raises:
        RefusedError: as :func:`parse`.
    """
    open_: list[str] = []
    begun: list[Element] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        plain = {local(key): value for key, value in attributes.items()}
        begun.append(Element(open_[-1] if open_ else "", local(name), plain))
        open_.append(local(name))

    def end(_: str) -> None:
        open_.pop()

    for _ in parse(stream, start=start, end=end):
        yield from begun
        begun.clear()


# The names in a document are few, and come with each of its cells.
@functools.lru_cache(maxsize=256)
def local(name: str) -> str:
    """A name without its prefix."""
    return name.rpartition(":")[2]


@functools.lru_cache(maxsize=256)
def whole(text: str) -> int:
    """A number that counts or names something.

    Raises:
        RefusedError: the text is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise damaged()
    return int(text)


def _refuse_declarations(*_: object) -> None:
    raise damaged()
