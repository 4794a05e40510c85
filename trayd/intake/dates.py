"""Civil dates as people and tools write them; a time of day beside one is passed over.

The date is the one that is written: a statement's ``2026-11-20T23:30:00Z`` counts on 20 November in every time zone.
Only where nothing but a count of seconds is written is it that instant's date in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache

from trayd.intake.calendar import calendar
from trayd.intake.spelling import folded, typed

#: The orders in which day, month and year are written.
STYLES = ("dmy", "mdy", "ymd")

#: Which style is which, for a person.
STYLE_NAMES = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}

#: In which a cost can have been charged.
YEARS = range(1990, 2100)
_CENTURY = 2000
_LONGEST = 100

# Times of day, with what stands between them and a date and with their zones.
_HOUR = r"(?:[01]?\d|2[0-3])"
_COLON = rf"(?:{_HOUR}:[0-5]\d(?::(?:[0-5]\d|60))?(?:[.,:]\d{{1,9}})?|24:00(?::00)?)"
_SPOKEN = rf"{_HOUR}(?: ?h(?: ?[0-5]\d)?| ?[ap]\.? ?m\.?|[.:][0-5]\d(?:[.:][0-5]\d)? ?(?:uhr|uur))(?!\w)"
_NAMES = r"UTC|GMT|Z|W?[CE]?ES?T|[ACEMPN][SD]T|ME[SZ]{1,2}|BST|IST|MSK|AK[SD]T|HST|A[CEW][SD]?T|NZ[SD]T|[JKS][GS]T|HKT"
_ZONE = rf"(?:(?:{_NAMES})(?!\w)(?:[+-]\d{{1,2}}(?::?\d\d)?)?|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?|[A-Z]\w+/[A-Z]\w+)"
_REMARK = r"(?: ?[(\[][^)\]]{1,50}[)\]])"
_AT = r"(?:(?:,? (?:at|um|kl\.?|klockan|klo|à|alle(?: ore)?|ore|om|a las) ?)|(?<=\d)[T_]|,? |^)"
_TIME = re.compile(
    rf"{_AT}(?:{_SPOKEN}|{_COLON}(?: ?[ap]\.? ?m\.?)?)(?: ?{_ZONE}){{0,2}}{_REMARK}?(?=[ ,]|$)", re.IGNORECASE
)
_DOTTED_TIME = re.compile(rf",? (?:(?:kl\.?|klockan) ?)?{_HOUR}\.[0-5]\d(?:\.[0-5]\d)?$", re.IGNORECASE)
_ZONE_BEHIND = re.compile(rf" {_ZONE}$")

_NUMBER = re.compile(r"\d{5,19}(?:[.,]\d+)?")
_YEAR_FIRST = re.compile(r"(\d{4})[-/. ] ?(\d{1,2})[-/. ] ?(\d{1,2})\.?(?:Z|[+-]\d\d:\d\d)?")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:[T ]?(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:[.,]\d+)?)?(?:Z|[+-]\d{4})?)?")
_IDEOGRAMS = re.compile(r"(\d{4})[年년] ?(\d{1,2})[月월] ?(\d{1,2})[日일]")
_NUMERIC = re.compile(r"(\d{1,2}) ?([-/. ]) ?(\d{1,2}) ?([-/. ]) ?(\d{4}|'?\d{2})\.?")
_NAME = r"([^\W\d_]{3,12})\.?"
_BETWEEN = r"(?:[ \-/.,]+|(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d))"
_YEAR = r"(\d{4}|'?\d\d)"
_DAY_MONTH = re.compile(
    rf"(\d{{1,2}})(?:st|nd|rd|th|er|:e|º|°|ª)?\.?{_BETWEEN}(?:de |of |d')?{_NAME}{_BETWEEN}(?:del? |of )?{_YEAR}\.?",
    re.IGNORECASE,
)
_MONTH_DAY = re.compile(rf"{_NAME}{_BETWEEN}(\d{{1,2}})(?:st|nd|rd|th)?[ \-/.,]+{_YEAR}", re.IGNORECASE)
_YEAR_MONTH_DAY = re.compile(rf"(\d{{4}}){_BETWEEN}{_NAME}{_BETWEEN}(\d{{1,2}})\.?")

_WEEKDAY_BEFORE = re.compile(r"([^\W\d_]{2,12})\.?(?:, ?| )")
_WEEKDAY_BEHIND = re.compile(r"(?:, ?| )\(?([^\W\d_]{2,12})\.?\)?$")
_ARTICLE = re.compile(r"(?:the|den|der|am|le|el|il|de|op) ", re.IGNORECASE)

# Counts of days and of seconds that are in the years above: spreadsheets count from the end of 1899 (a leap day that
# never was makes it 30 December), Unix from 1970 in seconds, programs on it in milliseconds and finer.
_FIRST_SERIAL_DAY = date(1899, 12, 30)
_SERIAL_DIGITS = 5
_FIRST_EPOCH_DAY = date(1970, 1, 1)
_SECONDS_A_DAY = 86_400
_COMPACT_DIGITS = (8, 12, 14)
_EPOCH_UNITS = {digits: 10**power for power in (0, 3, 6, 9) for digits in (9 + power, 10 + power)}


@lru_cache(maxsize=2048)
def read_date(text: str) -> Mapping[str, date]:
    """The date in each style in which the text is one; the same in all where it can be read in one way only.

    A bare number has readings, too: as a spreadsheet's serial number, as a count of seconds, as ``20261120``. It is a
    date only where its column is one of dates (:func:`is_number`). A date whose weekday is that of another day has no
    reading, and a weekday tells which of two readings is meant.
    """
    plain = " ".join(typed(text).split())
    if len(plain) > _LONGEST:
        return {}
    if _NUMBER.fullmatch(plain):
        return _in_all_styles(_counted(plain))
    if ":" not in plain and (readings := _civil(plain)):
        return readings
    timeless = _TIME.sub(" ", plain, count=1)
    if timeless == plain:
        timeless = _DOTTED_TIME.sub("", plain)
    return _civil(_ZONE_BEHIND.sub("", " ".join(timeless.split())).strip(" ,"))


def is_number(text: str) -> bool:
    """Whether a date's text is nothing but a number, which elsewhere would be an amount or an identifier."""
    return _NUMBER.fullmatch(typed(text).strip()) is not None


def _counted(number: str) -> date | None:
    digits = re.split("[.,]", number)[0]
    if len(digits) == _SERIAL_DIGITS:
        return _in_years(_FIRST_SERIAL_DAY + timedelta(days=int(digits)))
    if len(digits) in _COMPACT_DIGITS and (found := _COMPACT.fullmatch(number)):
        written = _date(found[1], found[2], found[3])
        if written is not None:
            return written
    unit = _EPOCH_UNITS.get(len(digits))
    return _in_years(_FIRST_EPOCH_DAY + timedelta(int(digits) // (unit * _SECONDS_A_DAY))) if unit else None


# Timestamps differ in every row; their dates do not.
@lru_cache(maxsize=2048)
def _civil(plain: str) -> Mapping[str, date]:
    """The readings of a text without a time of day."""
    if readings := _written(plain):
        return readings
    before = _WEEKDAY_BEFORE.match(plain)
    if before and (days := calendar().weekdays.get(folded(before[1]))):
        return _on(days, _written(plain[before.end() :]))
    behind = _WEEKDAY_BEHIND.search(plain)
    if behind and (days := calendar().weekdays.get(folded(behind[1]))):
        return _on(days, _written(plain[: behind.start()]))
    return {}


def _on(weekdays: frozenset[int], readings: Mapping[str, date]) -> Mapping[str, date]:
    return {style: value for style, value in readings.items() if value.weekday() in weekdays}


def _written(text: str) -> Mapping[str, date]:
    plain = _ARTICLE.sub("", text, count=1) if _ARTICLE.match(text) else text
    if found := _NUMERIC.fullmatch(plain):
        return _numeric(found)
    return _in_all_styles(_in_one_way(plain))


def _in_one_way(plain: str) -> date | None:
    if found := _YEAR_FIRST.fullmatch(plain) or _COMPACT.fullmatch(plain) or _IDEOGRAMS.fullmatch(plain):
        return _date(found[1], found[2], found[3])
    if found := _DAY_MONTH.fullmatch(plain):
        return _date(found[3], _month(found[2]), found[1])
    if found := _MONTH_DAY.fullmatch(plain):
        return _date(found[3], _month(found[1]), found[2])
    if found := _YEAR_MONTH_DAY.fullmatch(plain):
        return _date(found[1], _month(found[2]), found[3])
    return None


def _numeric(found: re.Match[str]) -> Mapping[str, date]:
    first, mark, second, mark2, third = found.groups()
    styles = {"dmy": _date(third, second, first)}
    # With points between the day comes first: no country writes it in another way with the year last.
    if mark != ".":
        styles["mdy"] = _date(third, first, second)
        if len(third) == len("26") == len(first) and mark == mark2:
            styles["ymd"] = _date(first, second, third)
    return {style: value for style, value in styles.items() if value is not None}


def _in_all_styles(value: date | None) -> Mapping[str, date]:
    return dict.fromkeys(STYLES, value) if value is not None else {}


def _month(name: str) -> str:
    return str(calendar().months.get(folded(name), 0))


def _date(year: str, month: str, day: str) -> date | None:
    number = int(year) if len(year) == len("2026") else _CENTURY + int(year.removeprefix("'"))
    try:
        return date(number, int(month), int(day)) if number in YEARS else None
    except ValueError:
        return None


def _in_years(value: date) -> date | None:
    return value if value.year in YEARS else None
