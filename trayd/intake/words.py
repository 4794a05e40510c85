"""Texts as words that can be compared, and the phrases that they are looked through for.

``Buchungs-Datum``, ``BuchungsDatum`` and ``buchungs_datum`` are the same two words; ``Währung`` and ``Waehrung`` one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

Words = tuple[str, ...]

# Marks that a wrongly decoded byte order mark leaves at the start of a file.
_BROKEN_MARKS = ("\N{BYTE ORDER MARK}", "ï»¿", "þÿ", "ÿþ")

_HUMPS = re.compile(r"(?<=[a-zà-öø-ÿ0-9])(?=[A-ZÀ-ÖØ-Þ])|(?<=[A-ZÀ-ÖØ-Þ])(?=[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿ])")
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d"})
_DIPHTHONGS = re.compile(r"([aou])e")
_WORD = re.compile(r"[^\W_]+")


def without_mark(text: str) -> str:
    """The text without what is left of a byte order mark at its start."""
    for mark in _BROKEN_MARKS:
        text = text.removeprefix(mark)
    return text


@lru_cache(maxsize=1 << 15)
def words_of(text: str) -> Words:
    """The words of a text, without case, accents and punctuation; ae, oe and ue are one letter with ä, ö and ü."""
    if text.isascii():
        plain = text.lower()
    else:
        apart = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
        plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return tuple(_WORD.findall(_DIPHTHONGS.sub(r"\1", plain)))


def name_words(name: str) -> Words:
    """The words of a column's name; words run together in CamelCase are told apart."""
    return words_of(_HUMPS.sub(" ", without_mark(name)))


class Phrases:
    """Phrases of one or a few words; a star in one stands for any beginning or end of that word."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_first: dict[str, list[Words]] = {}
        starred = []
        for phrase in phrases:
            if "*" in phrase:
                parts = ("".join(words_of(part)) for part in phrase.split("*"))
                starred.append(r"\w*".join(parts))
            elif words := words_of(phrase):
                self._by_first.setdefault(words[0], []).append(words)
        for same_start in self._by_first.values():
            same_start.sort(key=len, reverse=True)
        self._firsts = frozenset(self._by_first)
        self._starred = re.compile("|".join(starred)) if starred else None
        self._starred_within = re.compile(rf"(?<!\S)(?:{'|'.join(starred)})(?!\S)") if starred else None

    def match(self, words: Words, at: int = 0) -> int:
        """How many words from that place on are a phrase, the longest one; 0 where none is."""
        if at >= len(words):
            return 0
        for phrase in self._by_first.get(words[at], ()):
            if words[at : at + len(phrase)] == phrase:
                return len(phrase)
        return int(self._starred is not None and self._starred.fullmatch(words[at]) is not None)

    def are(self, words: Words) -> bool:
        """Whether the words are one of the phrases and nothing else."""
        return bool(words) and self.match(words) == len(words)

    def within(self, words: Words, of_at_least: int = 1) -> bool:
        """Whether one of the phrases is among the words; only those of so many words are looked for."""
        if self._starred_within and of_at_least == 1 and self._starred_within.search(" ".join(words)):
            return True
        if self._firsts.isdisjoint(words):
            return False
        return any(self.match(words, at) >= of_at_least for at in range(len(words)))
