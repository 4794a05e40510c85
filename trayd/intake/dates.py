"""Civil dates as people and tools write them; a time of day beside one is passed over.

The date is the one that is written: a statement's ``2026-11-20T23:30:00Z`` counts on 20 November in every time zone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache

#: The orders in which day, month and year are written.
STYLES = ("dmy", "mdy", "ymd")

#: Which style is which, for a person.
STYLE_NAMES = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}

_YEARS = range(1990, 2100)
_CENTURY = 2000

_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d|:60)?(?:[.,]\d+)?"
_ZONE = r"(?:Z|UTC|GMT|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)"
_TIME = re.compile(rf"(?:T|,?\s+){_CLOCK}(?:\s*[AaPp]\.?[Mm]\.?)?(?:\s*{_ZONE}(?:\s*{_ZONE})?)?$")

_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_NUMERIC = re.compile(r"(\d{1,2})([-/.]) ?(\d{1,2})\2 ?(\d{4}|\d{2})")
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\.?[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4}|\d{2})")
_MONTH_DAY = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_WEEKDAY = re.compile(r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,? ", re.IGNORECASE)

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip


@lru_cache(maxsize=4096)
def read_date(text: str) -> Mapping[str, date]:
    """The date in each style in which the text is one; the same in all where it can be read in one way only."""
    plain = _WEEKDAY.sub("", _TIME.sub("", text.strip()), count=1).strip()
    if found := _YEAR_FIRST.fullmatch(plain):
        return _in_all_styles(_date(found[1], found[3], found[4]))
    if found := _COMPACT.fullmatch(plain):
        return _in_all_styles(_date(found[1], found[2], found[3]))
    if found := _DAY_MONTH.fullmatch(plain):
        return _in_all_styles(_date(found[3], _month(found[2]), found[1]))
    if found := _MONTH_DAY.fullmatch(plain):
        return _in_all_styles(_date(found[3], _month(found[1]), found[2]))
    if found := _NUMERIC.fullmatch(plain):
        first, mark, second, third = found.groups()
        styles = {"dmy": _date(third, second, first)}
        # With points between the day comes first: no country writes it in another way with the year last.
        if mark != ".":
            styles["mdy"] = _date(third, first, second)
            if len(third) == len("26"):
                styles["ymd"] = _date(first.zfill(2), second, third)
        return {style: value for style, value in styles.items() if value is not None}
    return {}


def _in_all_styles(value: date | None) -> Mapping[str, date]:
    return dict.fromkeys(STYLES, value) if value is not None else {}


def _month(name: str) -> str:
    wanted = name.lower()
    wanted = "sep" if wanted == "sept" else wanted
    return next((str(n) for n, month in enumerate(_MONTHS, 1) if wanted in {month, month[:3]}), "0")


def _date(year: str, month: str, day: str) -> date | None:
    number = int(year) if len(year) == len("2026") else _CENTURY + int(year)
    try:
        return date(number, int(month), int(day)) if number in _YEARS else None
    except ValueError:
        return None
