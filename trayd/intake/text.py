"""The text of a file, whatever it is encoded in."""

from __future__ import annotations

import codecs

from trayd.intake.rejection import RefusedError, Rejection

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAVE_AS_UTF8 = "save the file as UTF-8 and try again"


def utf8(data: bytes) -> bytes:
    """The same text in UTF-8 without a byte order mark; bytes without a mark are left as they are.

    Raises:
        RefusedError: the mark promises an encoding that the bytes are not in.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            body = data[len(mark) :]
            return body if encoding == "utf-8" else _decoded(body, encoding).encode()
    return data


def decode(data: bytes) -> str:
    """The text: by its byte order mark, as UTF-8, or as Windows-1252, which is what Windows programs write else.

    Raises:
        RefusedError: it is none of these.
    """
    plain = utf8(data)
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded(plain, "cp1252")


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = "the text is in an encoding that is not known"
        raise RefusedError(Rejection(line=line, problem=problem, cure=_SAVE_AS_UTF8)) from None
