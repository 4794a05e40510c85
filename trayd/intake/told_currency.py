"""The currency that lines around a table tell, such as ``Währung: EUR`` or ``All amounts in USD``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from trayd.intake.currencies import COMMON_CODES, codes_within, currency_of, is_currency
from trayd.intake.rows import Row
from trayd.intake.vocabulary import vocabulary
from trayd.intake.words import Phrases, words_of

_IN_CODE = re.compile(r"(?<![^\W_])(?:in|en|i) ([A-Z]{3})\W*$")

# A line that divides the rows by their currencies has no more words than these, such as "EUR" or "Konto in EUR".
_WORDS_OF_A_TITLE = 3


def currency_above(rows: Sequence[Row], home_currency: str) -> str | None:
    """The currency that the lines above a table tell: beside its name, else the only one that is named."""
    only: set[str] = set()
    for row in rows:
        for place, cell in enumerate(row.cells):
            only.update(_codes(cell))
            if _names().within(words_of(cell)):
                behind = row.cells[place + 1].strip() if place + 1 < len(row.cells) else ""
                codes = list(filter(is_currency, codes_within(cell)))
                told = codes[0] if codes else currency_of(behind or cell.rpartition(":")[2].strip(), home_currency)
                if told:
                    return told
    return only.pop() if len(only) == 1 else None


def currency_of_section(row: Row) -> str | None:
    """The currency that a line between rows is the title of; None where it is none."""
    text = " ".join(cell.strip() for cell in row.cells if cell.strip())
    codes = _codes(text)
    return codes[0] if len(codes) == 1 and len(words_of(text)) <= _WORDS_OF_A_TITLE else None


def _codes(text: str) -> list[str]:
    """The codes in a text; those that are words as well, such as ALL and TOP, only behind an "in" at its end."""
    said = set(_IN_CODE.findall(text))
    return [code for code in codes_within(text) if code in COMMON_CODES or (code in said and is_currency(code))]


@cache
def _names() -> Phrases:
    return vocabulary().names("currency")
