"""Texts as they are kept, and at the lengths that systems take."""

from __future__ import annotations

import unicodedata


def tidy(text: str) -> str:
    """The text in Unicode's composed form, without spaces around it and with single ones inside."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def clip(text: str, units: int) -> str:
    """The text in at most that many UTF-16 units, as Windows counts; what is cut off ends in an ellipsis."""
    encoded = text.encode("utf-16-le")
    if len(encoded) <= 2 * units:
        return text
    # Half of a surrogate pair at the end is dropped.
    return encoded[: 2 * (units - 1)].decode("utf-16-le", errors="ignore").rstrip() + "…"
