"""Which encoding of one byte a character a text is in: Windows-1252, or what old Macs and DOS wrote.

Any bytes can be read in any of them, so nothing is proved; but an accent that is read in the wrong one becomes a
capital inside a word (``BŸcher``), a sign between letters or no character at all. Another encoding than Windows-1252 is
taken only where that happens to most words in Windows-1252, to none in the other, and to some in the third. Latin-1 is
Windows-1252 less the signs that Windows has added, so it is read as such.
"""

from __future__ import annotations

import codecs
import re

_WINDOWS = "cp1252"
_NAMES = {_WINDOWS: "Windows-1252", "mac-roman": "Mac Roman", "cp850": "DOS (code page 850)"}

# A word of letters in ASCII and bytes beyond it: by itself, such a byte tells nothing.
_WORDS = re.compile(rb"(?:[A-Za-z]+[\x80-\xff]|[\x80-\xff]+[A-Za-z])[A-Za-z\x80-\xff]*")
_LOOKED_AT = 1 << 20
_FEWEST_WORDS = 2

# What stands between letters in good text.
_JOINERS = frozenset("’–—…·\N{LEFT SINGLE QUOTATION MARK}\N{SOFT HYPHEN}\N{NO-BREAK SPACE}")
# What does not stand at the end of a word.
_OPENERS = frozenset("„†‡\N{SINGLE LOW-9 QUOTATION MARK}\N{MODIFIER LETTER CIRCUMFLEX ACCENT}")
# Letters to Unicode, hardly ever to people; each is a frequent vowel in one of the other encodings.
_RARE = frozenset("ƒºª")

#: The error handler that reads the five bytes without a character in Windows-1252 as Latin-1 does, as browsers do.
C1 = "trayd.c1"


def _as_latin1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error(C1, _as_latin1)


def one_byte_encoding(data: bytes) -> tuple[str, str]:
    """Python's name of the encoding and the one for people."""
    words = set(_WORDS.findall(data[:_LOOKED_AT]))
    spoilt = {codec: {word for word in words if _spoilt(word.decode(codec, C1))} for codec in _NAMES}
    if len(spoilt[_WINDOWS]) >= _FEWEST_WORDS and 2 * len(spoilt[_WINDOWS]) > len(words):
        clean = [codec for codec in _NAMES if not spoilt[codec]]
        if len(clean) == 1:
            return clean[0], _NAMES[clean[0]]
    return _WINDOWS, _NAMES[_WINDOWS]


def _spoilt(word: str) -> bool:
    return any(not character.isascii() and _misplaced(word, at) for at, character in enumerate(word))


def _misplaced(word: str, at: int) -> bool:
    character = word[at]
    before, after = word[at - 1 : at] if at else "", word[at + 1 : at + 2]
    if not character.isprintable() and character not in _JOINERS:
        return True
    if not character.isalpha() or character in _RARE:
        inside = before.isalpha() and after.isalpha() and character not in _JOINERS
        return inside or (before.isalpha() and character in _OPENERS)
    if character.isupper():
        return before.islower() or (before.isupper() and after.islower())
    return before.isupper() and after.isupper()
