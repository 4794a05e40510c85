"""Names of months and weekdays in seven languages: ``python -m trayd.intake.calendar`` writes them to ``assets/``.

They are CLDR's, by way of Babel, which would keep several megabytes of other things for each language in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache

import msgspec

from trayd.intake.spelling import LANGUAGES, folded
from trayd.resources import asset

#: Where the names are kept.
FILE = asset("calendar.json")

# Forms that people write and CLDR does not have, by the number of the month.
_MORE_MONTHS = {"jaen": 1, "janner": 1, "genn": 1, "febr": 2, "fev": 2, "febbr": 2, "mrz": 3, "maerz": 3, "avri": 4}
_MORE_MONTHS |= {"magg": 5, "juill": 7, "agos": 8, "setiembre": 9, "sett": 9, "ottob": 10, "dicem": 12}
# The same for weekdays, by their number from Monday.
_MORE_WEEKDAYS = {"tues": 1, "weds": 2, "wednes": 2, "thur": 3, "thurs": 3}


class Calendar(msgspec.Struct, frozen=True):
    """Names as :func:`~trayd.intake.spelling.folded` has them, without a point at the end.

    Attributes:
        months: the number of the month.
        weekdays: the days that a name can mean, from Monday as 0: short names differ from language to language.
    """

    months: Mapping[str, int]
    weekdays: Mapping[str, frozenset[int]]


@cache
def calendar() -> Calendar:
    """The names that are kept."""
    return msgspec.json.decode(FILE.read_bytes(), type=Calendar)


def calendar_text() -> str:
    """The names as the text of their file: CLDR's, and others that people write."""
    from babel import Locale

    months = dict(_MORE_MONTHS)
    weekdays = {name: {day} for name, day in _MORE_WEEKDAYS.items()}
    for language in LANGUAGES:
        locale = Locale(language)
        months |= dict(_names(locale.months))
        for name, day in _names(locale.days):
            weekdays.setdefault(name, set()).add(day)
    names = {
        "months": dict(sorted(months.items(), key=lambda item: (item[1], item[0]))),
        "weekdays": {name: sorted(days) for name, days in sorted(weekdays.items())},
    }
    return json.dumps(names, indent=1) + "\n"


def _names(forms: Mapping[str, Mapping[str, Mapping[int, str]]]) -> Iterator[tuple[str, int]]:
    for widths in forms.values():
        for width in ("wide", "abbreviated", "short"):
            for number, name in widths.get(width, {}).items():
                yield folded(name).rstrip("."), number


if __name__ == "__main__":
    FILE.write_text(calendar_text(), encoding="utf-8")
