"""Tables of euro reference rates as text that people can read, and how a day's rates are found in them.

One line a day, one column a currency, as the European Central Bank publishes its own: how much of the currency one
euro was. A cell is empty where the bank told none. Lines that begin with ``#`` say where the table is from.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Self

from trayd.rates import Quotes

_HEADER = re.compile(r"Date(,[A-Z]{3})+")
_LINE = re.compile(r"\d{4}-\d\d-\d\d(,(\d{1,12}(\.\d{1,12})?)?)+")

#: The euro's first rates.
FIRST_DAY = date(1999, 1, 4)

#: How much of each currency one euro was, as it was published; currencies without a rate are not in it.
Row = Mapping[str, str]


class Sheet:
    """A table, kept as its lines: the numbers of a currency are read when they are asked for.

    Attributes:
        currencies: the columns.
        days: the days that have a line, in order.
    """

    def __init__(self, currencies: Sequence[str], days: Sequence[date], lines: Sequence[str]) -> None:
        self.currencies = tuple(currencies)
        self.days = tuple(days)
        self._lines = tuple(lines)
        self._columns: dict[str, tuple[Decimal | None, ...]] = {}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a table.

        Raises:
            ValueError: it is none, with the line and what is wrong with it.
        """
        numbered = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line and not line.startswith("#")]
        if not numbered:
            raise ValueError("there is no table in it")
        number, header = numbered.pop(0)
        if not _HEADER.fullmatch(header):
            raise ValueError(f"line {number} names no currencies")
        currencies = header.split(",")[1:]
        if len(set(currencies)) != len(currencies):
            raise ValueError(f"line {number} names a currency twice")
        days: list[date] = []
        for number, line in numbered:
            if not _LINE.fullmatch(line) or line.count(",") != len(currencies):
                raise ValueError(f"line {number} is not a day's rates")
            days.append(date.fromisoformat(line[:10]))
            if len(days) > 1 and days[-2] >= days[-1]:
                raise ValueError(f"line {number} is out of order")
        return cls(currencies, days, [line for _, line in numbered])

    @classmethod
    def of(cls, rows: Iterable[tuple[date, Row]], currencies: Sequence[str] = ()) -> Self:
        """A table of these days, whatever their order.

        Args:
            rows: each day once.
            currencies: the columns, where they are known beforehand; else those that are found.

        Raises:
            ValueError: a day comes twice.
        """
        if not currencies:
            rows = list(rows)
            currencies = sorted({currency for _, row in rows for currency in row})
        lines = sorted(",".join((day.isoformat(), *(row.get(name, "") for name in currencies))) for day, row in rows)
        days = [date.fromisoformat(line[:10]) for line in lines]
        if twice := next((day for day, after in pairwise(days) if day == after), None):
            raise ValueError(f"{twice} is in it twice")
        return cls(currencies, days, lines)

    def text(self) -> str:
        """What :meth:`parse` reads."""
        return "".join(f"{line}\n" for line in (",".join(("Date", *self.currencies)), *self._lines))

    def column(self, currency: str) -> Sequence[Decimal | None]:
        """The rates of a currency, one for each day; None where there is none."""
        known = self._columns.get(currency)
        if known is None:
            if currency in self.currencies:
                place = self.currencies.index(currency) + 1
                known = tuple(_number(line.split(",")[place]) for line in self._lines)
            else:
                known = (None,) * len(self.days)
            self._columns[currency] = known
        return known

    def rows(self, year: int | None = None) -> Iterator[tuple[date, Row]]:
        """The days with their rates, of one year or of all."""
        first, last = 0, len(self.days)
        if year is not None:
            first = bisect_left(self.days, date(year, 1, 1))
            last = bisect_right(self.days, date(year, 12, 31))
        for day, line in zip(self.days[first:last], self._lines[first:last], strict=True):
            cells = line.split(",")[1:]
            yield day, {name: cell for name, cell in zip(self.currencies, cells, strict=True) if cell}

    def years(self) -> list[int]:
        """The years that it has days of, in order."""
        return sorted({day.year for day in self.days})


class SheetTable:
    """Rates from sheets that are read when a day of theirs is asked for.

    Args:
        years: which sheets there are, each by the first year that it is of.
        load: reads one; None where it cannot be read.
        longest_gap: days that are further apart do not follow each other: something is missing between them. A
            currency that has no rate for longer, while others have, is quoted no more.
    """

    def __init__(
        self, years: Callable[[], Iterable[int]], load: Callable[[int], Sheet | None], *, longest_gap: timedelta
    ) -> None:
        self.version = 0
        self._list = years
        self._load = load
        self._gap = longest_gap
        self._years: Sequence[int] | None = None
        self._sheets: dict[int, Sheet | None] = {}

    def renew(self) -> None:
        """Has everything read again: it may be different now."""
        self.version += 1
        self._years = None
        self._sheets.clear()

    def span(self) -> tuple[date, date] | None:
        """The first and the last day that have rates; None where there is none."""
        first = next(self._filled(self._known()), None)
        last = next(self._filled(reversed(self._known())), None)
        return (first.days[0], last.days[-1]) if first and last else None

    def at(self, currencies: Sequence[str], day: date) -> Quotes | None:
        """See :class:`trayd.rates.Table`."""
        newest: date | None = None
        following: date | None = None
        for sheet, index in self._backwards(day):
            published = sheet.days[index]
            newest = newest or published
            if newest - published > self._gap:
                return None
            quoted = [rate for name in currencies if (rate := sheet.column(name)[index]) is not None]
            if len(quoted) == len(currencies):
                following = following or self._after(published)
                followed = following is not None and following - published <= self._gap
                return Quotes(published, tuple(quoted), followed)
            following = published
        return None

    def currencies(self, day: date) -> Sequence[str]:
        """Those that have a rate on a day or have had one shortly before."""
        at = next(self._backwards(day), None)
        return [name for name in at[0].currencies if self.at((name,), day) is not None] if at else ()

    def _filled(self, years: Iterable[int]) -> Iterator[Sheet]:
        return (sheet for year in years if (sheet := self._sheet(year)) is not None and sheet.days)

    def _backwards(self, day: date) -> Iterator[tuple[Sheet, int]]:
        """Each day up to that one, from the last to the first."""
        for year in reversed(self._known()):
            if year <= day.year and (sheet := self._sheet(year)) is not None:
                for index in range(bisect_right(sheet.days, day) - 1, -1, -1):
                    yield sheet, index

    def _after(self, day: date) -> date | None:
        """The next day that has rates."""
        years = self._known()
        for year in years[max(bisect_right(years, day.year) - 1, 0) :]:
            sheet = self._sheet(year)
            if sheet is not None and sheet.days and sheet.days[-1] > day:
                return sheet.days[bisect_right(sheet.days, day)]
        return None

    def _known(self) -> Sequence[int]:
        if self._years is None:
            self._years = sorted(self._list())
        return self._years

    def _sheet(self, year: int) -> Sheet | None:
        if year not in self._sheets:
            self._sheets[year] = self._load(year)
        return self._sheets[year]


def _number(cell: str) -> Decimal | None:
    number = Decimal(cell) if cell else None
    return number or None  # a rate of zero is none
