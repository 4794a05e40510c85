"""Profiles of columns: what they hold, counted over the first rows of a table, a veto on what their names say."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from trayd.intake import amounts, dates
from trayd.intake.columns import Heading
from trayd.intake.rows import Row
from trayd.intake.vocabulary import Meaning, vocabulary
from trayd.intake.words import words_of

_MOST_VALUES = 40
_MOST_NUMBERS = 60

# Names of times of day that timestamps have, too.
_TIMES = frozenset({"time", "zeit", "uhrzeit", "heure", "hora", "ora", "tijd", "tid"})


class ColumnProfile(msgspec.Struct):
    """The profile of a column: what it holds.

    Attributes:
        filled: how many cells have something in them.
        dates: how many are dates; ``number_dates`` how many would be dates in a column of dates, and are numbers.
        amounts: how many are amounts; ``precise`` of them have decimals or a currency, ``zeros`` are zero.
        values: the first different ones.
        texts: the first cells, row by row.
        numbers: the amounts in these; None for a cell that is none, or that reads in two ways.
    """

    filled: int = 0
    dates: int = 0
    number_dates: int = 0
    amounts: int = 0
    precise: int = 0
    zeros: int = 0
    values: set[str] = msgspec.field(default_factory=set)
    texts: list[str] = []
    numbers: list[Decimal | None] = []

    def add(self, text: str) -> None:
        """Counts one cell."""
        if len(self.texts) < _MOST_NUMBERS:
            self.texts.append(text)
        if not text:
            self._number(None)
            return
        self.filled += 1
        if len(self.values) < _MOST_VALUES:
            self.values.add(text)
        if dates.read_date(text):
            if not dates.is_number(text):
                self.dates += 1
                self._number(None)
                return
            self.number_dates += 1
        amount = amounts.read_amount(text)
        values = set(amount.readings.values())
        if values:
            self.amounts += 1
            self.zeros += not any(values)
            self.precise += bool(amount.sign) or not text.lstrip("-").isdigit()
        self._number(values.pop() if len(values) == 1 else None)

    def _number(self, value: Decimal | None) -> None:
        if len(self.numbers) < _MOST_NUMBERS:
            self.numbers.append(value)

    @property
    def has_dates(self) -> bool:
        """Whether dates could be in it."""
        return bool(self.dates or self.number_dates)

    @property
    def has_words(self) -> bool:
        """Whether there are words in it that say more than yes or no."""
        texts = [words_of(value) for value in self.values]
        if all(vocabulary().yes_no.are(words) for words in texts):
            return False
        return any(len(word) > 1 and not word.isdigit() for words in texts for word in words)


def profiled(width: int, rows: Iterable[Row]) -> tuple[ColumnProfile, ...]:
    """What each column holds."""
    columns = tuple(ColumnProfile() for _ in range(width))
    for row in rows:
        for position, column in enumerate(columns):
            column.add(row.cells[position].strip() if position < len(row.cells) else "")
    return columns


def by_profile(heading: Heading, column: ColumnProfile) -> Heading:
    """A heading with the meaning that fits what its column holds, where its name has two.

    ``Valuta`` is the day of value on one statement and the currency on another, ``time`` a time of day or a timestamp,
    ``Paid`` a day or an amount.
    """
    meaning = heading.meaning
    if meaning is None or not column.filled:
        return heading
    if meaning.field == "currency" and column.dates == column.filled:
        meaning = Meaning("date", 2, sure=True)
    elif meaning.field == "other" and "".join(heading.words) in _TIMES:
        if column.dates + column.number_dates == column.filled:
            meaning = Meaning("date", 0, sure=True)
    elif meaning.field == "date" and not column.has_dates and column.amounts == column.filled:
        meaning = Meaning("list_price", 0, sure=False)
    return msgspec.structs.replace(heading, meaning=meaning)
