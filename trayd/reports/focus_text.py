"""Texts and numbers as FOCUS 1.2 has them: ASCII names, units in its grammar, decimals with a point.

The specification's "String Handling", "Unit Format" and "Numeric Format" say less than tools that read it ask for: the
official validator takes ASCII alone in most texts, and takes a column whose texts all look like numbers, dates or
truths for one of these. What is lost to that stands as it is in the ``x_`` columns.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal

from trayd.reports.formula_cells import guarded_inside
from trayd.reports.kept import kept

#: What a quantity is called of which nobody told what it counts.
UNITS = "Units"

# Letters that Unicode does not take apart, as they are written in passports (ICAO 9303, part 3, section 6), and marks.
_SPELT = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "þ": "th",
        "ı": "i",  # noqa: RUF001 - the letter is what is meant
        "‘": "'",  # noqa: RUF001 - the typographic mark is what is meant
        "’": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": "-",
        "−": "-",  # noqa: RUF001 - the typographic mark is what is meant
        "€": "EUR",
        "£": "GBP",
    }
)
_NOT_PRINTED = re.compile(r"[^\x20-\x7e]")
_UNKNOWN = "?"

# What readers of CSV take for no text although it begins with a letter.
_NO_TEXTS = frozenset(
    {"true", "false", "null", "none", "nan", "na", "inf", "infinity", "bad_date"}
    | {"invalid", "invalid_cost", "invalid_decimal", "invalid_int"}
)
_HASH_DIGITS = 6

# FOCUS 1.2, "Unit Format": words in capitals, after a count or without one (``Seconds``, ``1000 Characters``).
_UNIT = re.compile(r"(?:\d+ )?[A-Z][A-Za-z0-9]*(?: [A-Z][A-Za-z0-9]*)*")
_SHORT_COUNT = re.compile(r"^(\d+)\s*([km])\b", re.IGNORECASE)
_THOUSANDS = {"k": "000", "m": "000000"}
_NO_WORD = re.compile(r"[^A-Za-z0-9]+")

# Longer numbers are of no price and no quantity, and some of them would take a page to write out.
_MOST_DIGITS = 60


def ascii_text(text: str) -> str:
    """The text in printable ASCII on one line: accents go, what has no such letter becomes a question mark.

    A formula that would begin inside it, where the file is opened with another delimiter, stays text.
    """
    if ";" not in text and text.isascii() and text.isprintable() and text == text.strip():
        return text
    return _folded(text)


@kept(1024)
def _folded(text: str) -> str:
    taken_apart = unicodedata.normalize("NFKD", " ".join(text.split()).translate(_SPELT))
    kept = "".join(mark for mark in taken_apart if not unicodedata.combining(mark))
    return guarded_inside(_NOT_PRINTED.sub(_UNKNOWN, kept).strip())


@kept(1024)
def ascii_id(text: str) -> str:
    """The same for what tells things apart: two texts never become one, for a changed one has a mark of its own."""
    folded = ascii_text(text)
    if folded == text:
        return text
    return f"{folded}-{hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]}".lstrip("-")


def plain_text(text: str, what: str) -> str:
    """The text in ASCII, such that no tool takes it for a number, a date, a truth, nothing or a formula.

    Args:
        text: whatever people or programs wrote.
        what: stands before what could be taken for such: ``Charge 2026-11-07``.
    """
    name = ascii_text(text)
    return name if _is_text(name) else f"{what} {name}".rstrip()


@kept(1024)
def name_of(text: str, what: str) -> str:
    """The same for a name: one that has no ASCII letters is told apart from others by a mark."""
    return plain_text(ascii_id(text) if _UNKNOWN in ascii_text(text) else text, what)


@kept(1024)
def id_of(text: str, namespace: str) -> str:
    """The same for an id, which is never that of another text: ``fal.ai/2026`` where it could be taken for a number."""
    plain = ascii_id(text)
    return plain if _is_text(plain) and not plain.startswith(f"{namespace}/") else f"{namespace}/{plain}"


def _is_text(name: str) -> bool:
    return name[:1].isalpha() and name.lower() not in _NO_TEXTS


@kept(1024)
def unit_name(unit: str | None) -> str:
    """A unit of fal's price list in the grammar of FOCUS: ``1000000 Tokens`` for ``1m tokens``; else :data:`UNITS`."""
    told = _SHORT_COUNT.sub(lambda found: found[1] + _THOUSANDS[found[2].lower()], (unit or "").strip())
    words = _NO_WORD.sub(" ", ascii_text(told)).split()
    name = " ".join(word[0].upper() + word[1:] for word in words)
    return name if _UNIT.fullmatch(name) and (name[0].isdigit() or _is_text(name)) else UNITS


@kept(2048)
def decimal_text(number: Decimal) -> str:
    """The number in plain digits, all that it has, and always with a point: a column of ``8`` is read as integers."""
    whole, _, fraction = f"{number:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"


def is_plain(number: Decimal) -> bool:
    """Whether it can be a quantity or a price: finite, not below zero, of a length that can be written out."""
    return number.is_finite() and number >= 0 and abs(number.adjusted()) < _MOST_DIGITS > len(number.as_tuple().digits)


def moment_text(moment: datetime) -> str:
    """The time in UTC to the second, rounded down (FOCUS 1.2, "Date/Time Format")."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat()[:19] + "Z"


@kept(1024)
def month_text(year: int, month: int) -> tuple[str, str]:
    """The start of a calendar month in UTC, and that of the next."""
    first = datetime(year, month, 1, tzinfo=UTC)
    later = first.replace(year=year + month // 12, month=month % 12 + 1)
    return moment_text(first), moment_text(later)
