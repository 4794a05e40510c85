"""What a spreadsheet would run where an export is opened in one, and how that stays text."""

from __future__ import annotations

#: A spreadsheet runs a cell that starts with one of these, in their full-width forms too. See OWASP, "CSV Injection".
FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001 - the full-width forms are what is meant


def text_cell(text: str | None) -> str:
    """The text as it is, with an apostrophe in front where a spreadsheet would run it; nothing is an empty cell."""
    if not text:
        return ""
    return f"'{text}" if text[0] in FORMULA_STARTS else text
