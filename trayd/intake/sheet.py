"""A file as tables: the one door to texts, workbooks and archives of them."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from trayd.intake.delimited import DELIMITERS, Dialect, read_rows
from trayd.intake.dialects import dialects_of
from trayd.intake.kinds import Kind, kind_of
from trayd.intake.rejection import RefusedError, Rejection
from trayd.intake.rows import Row, Sheet
from trayd.intake.text import Text, read_text


def open_sheets(name: str, data: bytes, wanted: str | None = None) -> tuple[Sheet, ...]:
    """What a file can be read as, the likeliest first; at least one.

    Args:
        name: the file's name, for messages.
        data: its content, which also tells what kind of file it is.
        wanted: the sheet of a workbook or the file in an archive that is meant.

    Raises:
        RefusedError: there is no table in it, or it is too large once unpacked.
    """
    if not data.strip():
        raise RefusedError(Rejection(problem="the file is empty", cure="drop a file with a header and rows"))
    match kind_of(data):
        case Kind.TEXT:
            return text_sheets(data)
        case _:
            raise RefusedError(Rejection(problem="it is packed", cure="unpack it"))


def text_sheets(data: bytes, name: str = "") -> tuple[Sheet, ...]:
    """The ways to divide a text into cells.

    Raises:
        RefusedError: it is not text.
    """
    text = read_text(data)
    return tuple(
        Sheet(
            encoding=text.encoding,
            delimiter=DELIMITERS.get(dialect.delimiter, dialect.delimiter),
            name=name,
            width=dialect.width,
            read=functools.partial(_rows, text, dialect),
        )
        for dialect in dialects_of(text.lines())
    )


def _rows(text: Text, dialect: Dialect) -> Iterator[Row]:
    return read_rows(text.lines(), dialect)
