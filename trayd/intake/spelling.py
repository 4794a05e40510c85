"""Spellings that mean the same: typographic characters for those of a keyboard, accents, small and capital letters."""

from __future__ import annotations

import unicodedata

#: The languages in which months, weekdays and currencies are read, as CLDR names them.
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "sv")

_SPACES = dict.fromkeys(
    map(ord, "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f"), " "
)
_SPACES |= dict.fromkeys(map(ord, "\u205f\u3000"), " ")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"), "-")
_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u00b4\u2032"), "'")
# Marks of direction and joints of no width, which spreadsheets and web pages leave in what is copied from them.
_INVISIBLE = dict.fromkeys(
    map(ord, "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")
)
# The wide forms that East Asian keyboards write: the same characters at another place.
_WIDE = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {0xFFE5: "¥", 0xFFE1: "£", 0xFFE6: "₩"}

_TYPED = _SPACES | _DASHES | _APOSTROPHES | _INVISIBLE | _WIDE


def typed(text: str) -> str:
    """The text as a keyboard would have written it: plain spaces, hyphens for dashes, nothing invisible, composed."""
    return text if text.isascii() else unicodedata.normalize("NFC", text.translate(_TYPED))


def folded(text: str) -> str:
    """The text without accents and in small letters, to look words up by: ``Février`` and ``fevrier`` are one."""
    decomposed = text if text.isascii() else unicodedata.normalize("NFD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
