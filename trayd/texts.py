"""Texts as they are kept, and at the lengths that systems take."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

#: Of what a person gives a name to in the settings.
LONGEST_NAME = 64

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def tidy(text: str) -> str:
    """The text in Unicode's composed form, without control characters or spaces around it, and single spaces inside."""
    return " ".join(without_controls(unicodedata.normalize("NFC", text), " ").split())


def without_controls(text: str, instead: str = "") -> str:
    """The text without characters that a terminal would obey; line ends and tabs stay."""
    return _CONTROLS.sub(instead, text)


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


def clip(text: str, units: int) -> str:
    """The text in at most that many UTF-16 units, as Windows counts; what is cut off ends in an ellipsis."""
    encoded = text.encode("utf-16-le")
    if len(encoded) <= 2 * units:
        return text
    # Half of a surrogate pair at the end is dropped.
    return encoded[: 2 * (units - 1)].decode("utf-16-le", errors="ignore").rstrip() + "…"
