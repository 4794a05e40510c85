"""What a spreadsheet would run where an export is opened in one, and how that stays text."""

from __future__ import annotations

import re
from functools import cache

#: A spreadsheet runs a cell that starts with one of these, in their full-width forms too. See OWASP, "CSV Injection".
FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001 - the full-width forms are what is meant

# Who opens the file with another delimiter than it has cuts it in other places, and a formula may begin there.
_CUTS = ",;\t\r\n"


def text_cell(text: str | None, delimiter: str = ",") -> str:
    """The text as it is, with an apostrophe where a spreadsheet would run what follows; nothing is an empty cell.

    Args:
        text: whatever people or programs wrote.
        delimiter: between the cells of the file.
    """
    if not text:
        return ""
    return guarded_inside(f"'{text}" if text[0] in FORMULA_STARTS else text, delimiter)


def guarded_inside(text: str, delimiter: str = ",") -> str:
    """The same for what begins inside the text alone, where another program would cut it."""
    return _behind_a_cut(delimiter).sub(r"\1'", text)


@cache
def _behind_a_cut(delimiter: str) -> re.Pattern[str]:
    starts = re.escape("".join(FORMULA_STARTS.split()))
    return re.compile(rf"""([{_CUTS.replace(delimiter, "")}])(?="*[{starts}])""")
