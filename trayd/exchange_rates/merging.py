"""Takes newly told rates in beside those that are known. What is known stays: a rate that was used is not changed.

A told rate that contradicts a known one of the same day is named and left out, and so is one that is ten times the one
before it or a tenth of it: the bank has never told such a thing in earnest, and a lost decimal point looks like it.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import msgspec

from trayd.errors import RatesError
from trayd.exchange_rates.tables import Row, Sheet

#: Rates that are further apart than this are not compared with each other.
NEIGHBOURS = timedelta(days=10)

_JUMP = 10

#: A table of which more than this share contradicts what is known is not the same table.
_MOST_CONTRADICTIONS = Decimal("0.1")


class Merged(msgspec.Struct, frozen=True):
    """What became of a table that was told.

    Attributes:
        sheets: the years that are different now.
        first: the first day that was told; ``last`` the last.
        doubts: what was left out and why, for the log.
    """

    sheets: dict[int, Sheet]
    first: date
    last: date
    doubts: list[str]


class _Merging:
    def __init__(self) -> None:
        self.sheets: dict[int, Sheet] = {}
        self.doubts: list[str] = []
        self.compared = 0
        self.contradictions = 0
        self._before: dict[str, tuple[date, Decimal]] = {}

    def year(self, year: int, kept: Sheet | None, told: Sheet) -> None:
        rows: dict[date, Row] = dict(kept.rows()) if kept else {}
        known = len(rows)
        new = dict(told.rows(year))
        changed = False
        for day in sorted(rows.keys() | new.keys()):
            row = dict(rows.get(day, {}))
            changed |= self._take(day, row, new.get(day, {}))
            self._before.update((currency, (day, Decimal(rate))) for currency, rate in row.items())
            if row:
                rows[day] = row
        if changed or len(rows) != known:
            self.sheets[year] = Sheet.of(rows.items())

    def _take(self, day: date, row: dict[str, str], told: Row) -> bool:
        changed = False
        for currency, rate in told.items():
            if currency in row:
                self.compared += 1
                if Decimal(rate) != Decimal(row[currency]):
                    self.contradictions += 1
                    self.doubts.append(f"{currency} of {day} is told as {rate} now; {row[currency]} stays")
            elif self._leaps(day, currency, Decimal(rate)):
                self.doubts.append(
                    f"{currency} of {day} is told as {rate} after {self._before[currency][1]}; it is left out"
                )
            else:
                row[currency] = rate
                changed = True
        return changed

    def _leaps(self, day: date, currency: str, rate: Decimal) -> bool:
        when, before = self._before.get(currency, (None, rate))
        if when is None or day - when > NEIGHBOURS:
            return False
        return rate >= before * _JUMP or rate * _JUMP <= before


def merged(kept: dict[int, Sheet | None], told: Sheet) -> Merged:
    """The told rates beside the kept ones.

    Args:
        kept: the sheet of each year of ``told`` and of the year before it; None where there is none.
        told: newly fetched.

    Raises:
        RatesError: the two contradict each other so often that they cannot be the same rates; nothing is to be taken.
    """
    merging = _Merging()
    for year in (told.years()[0] - 1, *told.years()):
        merging.year(year, kept.get(year), told)
    if merging.contradictions > merging.compared * _MOST_CONTRADICTIONS:
        raise RatesError(
            f"{merging.contradictions} of {merging.compared} rates are not as they are known: {merging.doubts[0]}",
            "nothing was taken; if the known ones are wrong, delete the folder of rates that `trayd rates` names",
        )
    return Merged(merging.sheets, told.days[0], told.days[-1], merging.doubts)
