"""Texts as they are kept, and at the lengths that systems take."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

#: Of what a person gives a name to in the settings.
LONGEST_NAME = 64

# Not the spaces within an amount, which keep it together.
_BETWEEN_WORDS = (" ", "\n")
_LAST_WORD = re.compile(r"[^ \n]*$")
_LAST_NUMBER = re.compile(r"[^\w \n]?[\d.,'’\u00a0\u202f]+$")

# For what the output has no character, as the older code pages of Windows where a program's output goes to a file.
_PLAIN = str.maketrans({
    "\u00a0": " ", "\u202f": " ", "“": '"', "”": '"', "’": "'", "…": "...", "–": "-", "\u2212": "-", "→": "->",
    "×": "x", "•": "*", "·": ".", "░": "+", "█": "#", "✓": "+", "✗": "!", "€": "EUR", "£": "GBP",
})  # fmt: skip

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def tidy(text: str) -> str:
    """The text in Unicode's composed form, without control characters or spaces around it, and single spaces inside."""
    return " ".join(without_controls(unicodedata.normalize("NFC", text), " ").split())


def is_tidy(text: str) -> bool:
    """Whether :func:`tidy` has nothing to do but compose characters."""
    return text == " ".join(without_controls(text, " ").split())


def without_controls(text: str, instead: str = "") -> str:
    """The text without characters that a terminal would obey; line ends and tabs stay."""
    return _CONTROLS.sub(instead, text)


def plain_instead(error: UnicodeError) -> tuple[str, int]:
    """What is written in the place of characters that the output has not: a handler of errors for codecs."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    told = error.object[error.start : error.end].translate(_PLAIN)
    return told.encode("ascii", "replace").decode(), error.end


def check_names(what: str, names: Sequence[str]) -> None:
    """Looks whether these can be names that a person gives to entries of one kind: short, and each its own.

    Raises:
        ValueError: one cannot; ``what`` is what messages call the entries.
    """
    for name in names:
        if not name.strip() or name != name.strip() or len(name) > LONGEST_NAME:
            raise ValueError(
                f"{what}: {name!r} cannot be a name; take 1 to {LONGEST_NAME} characters without a space at an end"
            )
        if names.count(name) > 1:
            raise ValueError(f"two [[{what}]] entries have the name {name!r}; give each its own")


def units_of(text: str) -> int:
    """How long the text is in UTF-16 units, as Windows counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clip(text: str, units: int) -> str:
    """The text in at most that many UTF-16 units, as Windows counts; what is cut off ends in an ellipsis.

    It is cut between words where one begins not long before, and never within a number: half an amount is another one.
    """
    if units_of(text) <= units:
        return text
    # Half of a surrogate pair at the end is dropped.
    kept = text.encode("utf-16-le")[: 2 * (units - 1)].decode("utf-16-le", errors="ignore")
    if not kept.endswith(_BETWEEN_WORDS) and not text[len(kept)].startswith(_BETWEEN_WORDS):
        words = _LAST_WORD.sub("", kept)
        # A long word, or the only one, is cut in its middle.
        kept = words if 2 * len(words) > len(kept) else _LAST_NUMBER.sub("", kept)
    return kept.rstrip() + "…"
