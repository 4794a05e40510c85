"""The text of a file, whatever it is encoded in.

Which encoding is decided for the whole file, by what can be proved, in this order: a byte order mark; the zero bytes
that Western text has in UTF-16; valid UTF-8; else Windows-1252. Latin-1 is that less the signs that Windows has added,
so it is read as such; what nobody can tell from these by its bytes (old Macs, DOS) is not guessed at.

A file that is UTF-8 but for a few bytes (cut in the middle of a character, or glued together from two) stays UTF-8:
each damaged byte becomes U+FFFD, which people see as �, and the name of the encoding tells the line. Reading all of it
as Windows-1252 would spoil every other accent; guessing the one byte could turn a currency that cannot be read into a
wrong one.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator

import msgspec

from trayd.intake.rejection import RefusedError, Rejection

_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    # Before UTF-16, whose mark it begins with.
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
# The error handler that reads the five bytes without a character in Windows-1252 as Latin-1 does, as browsers do.
_C1 = "trayd.c1"

_SAVE_AS_UTF8 = "save the file as UTF-8 and try again"

_CHUNK = 1 << 20
_LOOKED_AT = 1 << 16

# Text in UTF-16 has a zero byte in nearly every character of the Western ones; other text has none at all.
_UTF16_ZEROS = 0.2
_UTF16_ONE_SIDE = 0.95

_LINE_END = re.compile(r"\r\n|\r|\n")
_DAMAGED = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f\udc80-\udcff]")
# The letters and signs of Western text; in Windows-1252 their bytes begin with Â, Ã or â and a sign.
_WESTERN = re.compile("[\xa0-\xff\u2000-\u20ff]")

# Control characters that no text has; escape is left out, terminals write it.
_CONTROLS = re.compile(rb"[\x00-\x06\x0e-\x19\x1c-\x1f]")
_MOST_CONTROLS = 0.01


def _as_latin1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error(_C1, _as_latin1)


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A file as text; only its bytes are kept.

    Attributes:
        data: the whole file.
        codec: Python's name of the encoding, with what is done about bytes that are not in it.
        skip: how many bytes the byte order mark has.
        encoding: for people: ``UTF-8``, ``UTF-16``, ``Windows-1252``, ``UTF-8 (damaged on line 14)``.
    """

    data: bytes
    codec: str
    errors: str = "strict"
    skip: int = 0
    encoding: str

    def lines(self) -> Iterator[str]:
        """The lines with their ends, which are those that any system writes, mixed as they come."""
        # BytesIO shares the bytes, and the wrapper decodes a few of them at a time.
        stream = io.BytesIO(self.data)
        stream.seek(self.skip)
        with io.TextIOWrapper(stream, encoding=self.codec, errors=self.errors, newline="") as text:
            yield from text


def utf8(data: bytes) -> bytes:
    """The same text in UTF-8 without a byte order mark; bytes without a mark are left as they are.

    Raises:
        RefusedError: the mark promises an encoding that the bytes are not in.
    """
    for mark, codec, name in _MARKS:
        if data.startswith(mark):
            if codec == "utf-8":
                return data[len(mark) :]
            _prove(data, codec, len(mark), name)
            return data[len(mark) :].decode(codec).encode()
    return data


def read_text(data: bytes) -> Text:
    """The text that the bytes are.

    Raises:
        RefusedError: it is not text, or the byte order mark promises an encoding that the bytes are not in.
    """
    codec, name, skip = next(
        ((codec, name, len(mark)) for mark, codec, name in _MARKS if data.startswith(mark)),
        (_utf16_without_mark(data), "UTF-16", 0),
    )
    if codec not in {"", "utf-8"}:
        _prove(data, codec, skip, name)
        return Text(data=data, codec=codec, skip=skip, encoding=name)
    _refuse_binary(data)
    wrong = _first_wrong(data, "utf-8", skip)
    if wrong is None:
        return Text(data=data, codec="utf-8", skip=skip, encoding="UTF-8")
    if skip or _is_damaged_utf8(data):
        encoding = f"UTF-8 (damaged on line {_line_at(data, 'utf-8', wrong)})"
        return Text(data=data, codec="utf-8", errors="replace", skip=skip, encoding=encoding)
    return Text(data=data, codec="cp1252", errors=_C1, encoding="Windows-1252")


def _utf16_without_mark(data: bytes) -> str:
    looked_at = data[:_LOOKED_AT]
    even, odd = looked_at[::2].count(0), looked_at[1::2].count(0)
    if even + odd < _UTF16_ZEROS * len(looked_at) / 2 or len(data) % 2:
        return ""
    if odd > _UTF16_ONE_SIDE * (even + odd):
        return "utf-16-le"
    return "utf-16-be" if even > _UTF16_ONE_SIDE * (even + odd) else ""


def _refuse_binary(data: bytes) -> None:
    zero = data.find(0)
    if zero >= 0:
        line = data.count(b"\n", 0, zero) + 1
        problem = "there are zero bytes in it: it is not text, or it was not written to its end"
        raise RefusedError(Rejection(line=line, problem=problem, cure="export it again as CSV and try again"))
    begin = data[:_LOOKED_AT]
    if len(_CONTROLS.findall(begin)) > _MOST_CONTROLS * len(begin):
        raise RefusedError(
            Rejection(problem="it is not text, whatever its name says", cure="export the costs as CSV and drop that")
        )


def _prove(data: bytes, codec: str, skip: int, name: str) -> None:
    wrong = _first_wrong(data, codec, skip)
    if wrong is not None:
        problem = f"the file says that it is {name} and is not"
        raise RefusedError(Rejection(line=_line_at(data, codec, wrong), problem=problem, cure=_SAVE_AS_UTF8))


def _first_wrong(data: bytes, codec: str, skip: int) -> int | None:
    """Where the first byte is that is not in the encoding."""
    decoder = codecs.getincrementaldecoder(codec)()
    for start in range(skip, len(data) + 1, _CHUNK):
        # What the decoder still has of a character that the last piece ended in.
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(data[start : start + _CHUNK], final=start + _CHUNK > len(data))
        except UnicodeDecodeError as error:
            return start - held + error.start
    return None


def _line_at(data: bytes, codec: str, position: int) -> int:
    skip = next((len(mark) for mark, _, _ in _MARKS if data.startswith(mark)), 0)
    return len(_LINE_END.findall(data[skip:position].decode(codec, "replace"))) + 1


def _is_damaged_utf8(data: bytes) -> bool:
    # What is valid UTF-8 beyond ASCII is so on purpose: in other encodings its bytes hardly ever stand together.
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    damaged = good = 0
    for start in range(0, len(data) + 1, _CHUNK):
        text = decoder.decode(data[start : start + _CHUNK], final=start + _CHUNK > len(data))
        damaged += len(_DAMAGED.findall(text))
        good += len(_BEYOND_ASCII.findall(text)) + len(_WESTERN.findall(text))
    return good > damaged
