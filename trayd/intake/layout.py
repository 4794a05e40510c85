"""Which column is which: of several that could be a field, the one that is meant.

Names decide, and what a column holds has a veto: a column called Amount without one number in it is none. Where two
columns could as well be the amount, both are kept, and the file is refused once they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from trayd.intake import amounts, dates
from trayd.intake.columns import Heading, comparable
from trayd.intake.currencies import is_currency
from trayd.intake.rejection import RefusedError, Rejection, shown
from trayd.intake.rows import Row
from trayd.intake.vocabulary import Meaning, vocabulary
from trayd.intake.words import words_of

#: The fields that a person can name a column for.
FIELDS = (
    "date", "description", "amount", "currency", "category", "source", "client", "project", "deliverable", "type", "note",
    "debit", "credit", "indicator", "status", "balance",
)  # fmt: skip

_MOST_VALUES = 40
_TIMES = frozenset({"time", "zeit", "uhrzeit", "heure", "hora", "ora", "tijd", "tid"})
_AMOUNT_FIELDS = frozenset({"amount", "net", "gross"})

# How far behind a rank a column is that is only meant where no better one is there.
_LAST_RESORT = 100


class Held(msgspec.Struct):
    """What a column holds, counted over the first rows."""

    filled: int = 0
    dates: int = 0
    number_dates: int = 0
    amounts: int = 0
    precise: int = 0
    zeros: int = 0
    values: set[str] = msgspec.field(default_factory=set)

    def add(self, text: str) -> None:
        """Counts one cell."""
        self.filled += 1
        if len(self.values) < _MOST_VALUES:
            self.values.add(text)
        if dates.read_date(text):
            if dates.is_number(text):
                self.number_dates += 1
            else:
                self.dates += 1
                return
        amount = amounts.read_amount(text)
        if amount.readings:
            self.amounts += 1
            self.zeros += not any(amount.readings.values())
            self.precise += bool(amount.sign) or not text.lstrip("-").isdigit()

    @property
    def has_dates(self) -> bool:
        """Whether dates could be in it."""
        return bool(self.dates or self.number_dates)


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Which column is which.

    Attributes:
        headings: all columns; without a header their names are their numbers.
        line: the line of the header; None where there is none.
        dates: the columns of dates, the one that is meant first; another steps in where its cell is empty.
        fields: the column of each field.
        rivals: columns that could as well be the amount.
        wording: where the description comes from: the first of these groups in which a row says something, joined.
    """

    headings: tuple[Heading, ...]
    line: int | None
    dates: tuple[int, ...]
    fields: Mapping[str, int]
    rivals: tuple[int, ...] = ()
    wording: tuple[tuple[int, ...], ...] = ()

    def cell(self, row: Row, field: str) -> str:
        """The text of a field in a row, without spaces around it; empty where the row or the table has none."""
        position = self.fields.get(field)
        return row.cells[position].strip() if position is not None and position < len(row.cells) else ""

    def name(self, field: str) -> str:
        """The name of a field's column as it stands in the file."""
        position = self.dates[0] if field == "date" else self.fields[field]
        return self.headings[position].name

    @property
    def currency(self) -> str | None:
        """The currency that the amount's header names."""
        for field in ("amount", "debit", "credit"):
            if field in self.fields and (named := self.headings[self.fields[field]].currency):
                return named
        return None


def held(width: int, rows: Iterable[Row]) -> tuple[Held, ...]:
    """What each column holds."""
    columns = tuple(Held() for _ in range(width))
    for row in rows:
        for column, cell in zip(columns, row.cells, strict=False):
            if text := cell.strip():
                column.add(text)
    return columns


def lay_out(
    headings: Sequence[Heading], line: int | None, columns: Sequence[Held], named: Mapping[str, str], home_currency: str
) -> Layout | None:
    """The layout of a table; None where no column of dates or none of amounts can be made out.

    Args:
        headings: its columns.
        line: the line of the header.
        columns: what they hold.
        named: the columns that a person or a known source has named, by field.
        home_currency: settles which of two amounts in different currencies is meant.

    Raises:
        RefusedError: a column was named that is not there.
    """
    chooser = _Chooser(headings, columns, named, home_currency)
    date_columns = chooser.dates()
    if not date_columns:
        return None
    chooser.taken.update(date_columns)
    chooser.amounts()
    if not chooser.fields.keys() & {"amount", "debit"}:
        return None
    chooser.others()
    return Layout(
        headings=tuple(headings),
        line=line,
        dates=date_columns,
        fields=chooser.fields,
        rivals=chooser.rivals,
        wording=chooser.wording(),
    )


def _as_held(heading: Heading, column: Held) -> Heading:
    """A heading with the meaning that fits what its column holds, where its name has two.

    ``Valuta`` is the day of value on one statement and the currency on another, ``time`` a time of day or a timestamp,
    ``Paid`` a day or an amount.
    """
    meaning = heading.meaning
    if meaning is None or not column.filled:
        return heading
    name = "".join(heading.words)
    if meaning.field == "currency" and column.dates == column.filled:
        meaning = Meaning("date", 2, sure=True)
    elif meaning.field == "other" and name in _TIMES and column.dates + column.number_dates == column.filled:
        meaning = Meaning("date", 0, sure=True)
    elif meaning.field == "date" and not column.has_dates and column.amounts == column.filled:
        meaning = Meaning("amount", _LAST_RESORT, sure=False)
    return msgspec.structs.replace(heading, meaning=meaning)


class _Chooser:
    """Chooses one field after the other; what is taken for one is not looked at for the next."""

    def __init__(
        self, headings: Sequence[Heading], columns: Sequence[Held], named: Mapping[str, str], home_currency: str
    ) -> None:
        self.headings = tuple(map(_as_held, headings, columns))
        self.columns = columns
        self.home_currency = home_currency
        self.fields: dict[str, int] = {}
        self.rivals: tuple[int, ...] = ()
        self.named = {field: self._named(field, name) for field, name in named.items()}
        self.taken: set[int] = set(self.named.values())

    def _named(self, field: str, name: str) -> int:
        if field not in FIELDS:
            cure = f"name one of {', '.join(FIELDS)}"
            raise RefusedError(Rejection(problem=f'"{shown(field)}" is no field that a column can have', cure=cure))
        wanted = comparable(name)
        for heading in self.headings:
            if heading.name == name.strip():
                return heading.position
        for heading in self.headings:
            if comparable(heading.name) == wanted:
                return heading.position
        if name.isdigit() and 0 < int(name) <= len(self.headings):
            return int(name) - 1
        there = ", ".join(f'"{shown(heading.name)}"' for heading in self.headings[:30])
        problem = f'there is no column "{shown(name)}" for the {field}; its columns are {there}'
        raise RefusedError(Rejection(problem=problem, cure="name one of these, or its number counted from 1"))

    def _called(self, *fields: str, holding: Callable[[Held], object] | None = None) -> list[Heading]:
        """The free columns whose names say so and that hold that, the best first."""
        free = [
            heading
            for heading in self.headings
            if heading.position not in self.taken and heading.field in fields and heading.meaning
            if holding is None or holding(self.columns[heading.position])
        ]
        return sorted(free, key=lambda heading: heading.meaning.rank if heading.meaning else 0)

    def _take(self, field: str, position: int) -> None:
        self.fields[field] = position
        self.taken.add(position)

    # The date.

    def dates(self) -> tuple[int, ...]:
        found = [heading.position for heading in self._called("date", holding=lambda column: column.has_dates)]
        if "date" in self.named:
            return (self.named["date"],)
        if found:
            return tuple(found)
        by_content = [
            heading.position
            for heading in self.headings
            if heading.position not in self.taken and self.columns[heading.position].dates
            if self.columns[heading.position].dates * 2 > self.columns[heading.position].filled
        ]
        if len(by_content) == 1:
            return tuple(by_content)
        called = self._called("date", holding=lambda column: not column.amounts)
        sure = [heading.position for heading in called if heading.meaning and heading.meaning.sure]
        return tuple(sure[:1])

    # The amount.

    def amounts(self) -> None:
        for field in ("amount", "debit", "credit", "indicator", "balance"):
            if field in self.named:
                self._take(field, self.named[field])
        if "amount" in self.named:
            self._indicator()
            return
        if "debit" not in self.fields:
            self._debit_and_credit()
        if "debit" in self.fields:
            return
        ranked = sorted(self._amount_candidates())
        if not ranked:
            return
        best = ranked[0][0]
        tied = [position for rank, position in ranked if rank == best]
        at_home = [position for position in tied if self.headings[position].currency == self.home_currency]
        if len(at_home) == 1:
            tied = at_home
        self._take("amount", tied[0])
        self.rivals = tuple(tied[1:])
        self._indicator()

    def _debit_and_credit(self) -> None:
        debits = self._called("debit", holding=lambda column: column.amounts)
        credits_ = self._called("credit", holding=lambda column: column.amounts or not column.filled)
        signed = self._called(*_AMOUNT_FIELDS, holding=lambda column: column.amounts)
        sure = [heading for heading in debits if heading.meaning and heading.meaning.sure]
        empty = self._called("debit", holding=lambda column: not column.filled)
        filled_credits = [heading for heading in credits_ if self.columns[heading.position].filled]
        if debits and credits_:
            self._take("debit", debits[0].position)
            self._take("credit", credits_[0].position)
        elif sure and not signed:
            self._take("debit", sure[0].position)
        elif empty and filled_credits and not signed:
            self._take("debit", empty[0].position)
            self._take("credit", filled_credits[0].position)

    def _amount_candidates(self) -> Iterable[tuple[int, int]]:
        taxed = bool(self._called("tax", holding=lambda column: column.amounts > column.zeros))
        counted = bool(self._called("quantity", holding=lambda column: column.amounts))
        named = self._called("amount", "net", "gross", "list_price", "fee")
        holding = [heading for heading in named if self.columns[heading.position].amounts]
        if not holding:
            # None holds a number: a column that is surely called so is still it, and its rows are wrong.
            sure = [heading for heading in named if heading.field in _AMOUNT_FIELDS and heading.meaning]
            yield from ((heading.meaning.rank, heading.position) for heading in sure[:1] if heading.meaning)
            if not sure:
                yield from self._amount_by_content()
            return
        for heading in holding:
            if heading.meaning is None:
                continue
            rank = heading.meaning.rank
            match heading.field:
                case "net" | "gross" if taxed:
                    # With taxes between them nobody but the one who paid knows which of the two is a cost.
                    rank = 1
                case "net":
                    rank = 0
                case "gross":
                    rank = 2
                case "list_price" | "fee":
                    rank += _LAST_RESORT
                case _ if counted and heading.words[0] in {
                    "price",
                    "preis",
                    "prix",
                    "precio",
                    "prezzo",
                    "prijs",
                    "pris",
                }:
                    rank += _LAST_RESORT
            yield rank, heading.position

    def _amount_by_content(self) -> Iterable[tuple[int, int]]:
        free = [
            heading
            for heading in self.headings
            if heading.position not in self.taken and heading.field in {"", "debit", "credit", "description"}
        ]
        precise = [
            heading.position
            for heading in free
            if self.columns[heading.position].precise * 2 > self.columns[heading.position].filled
        ]
        if len(precise) == 1:
            yield 0, precise[0]

    def _indicator(self) -> None:
        if "indicator" in self.fields:
            return
        words = vocabulary()
        for heading in self.headings:
            if heading.position in self.taken or heading.field in {
                "category",
                "description",
                "payee",
                "status",
                "currency",
            }:
                continue
            values = [words_of(value) or (value,) for value in self.columns[heading.position].values]
            signs = [value in {("-",), ("+",)} for value in values]
            told = [words.out.are(value) or words.into.are(value) for value in values]
            if values and all(sign or known for sign, known in zip(signs, told, strict=True)):
                self._take("indicator", heading.position)
                return

    # All others.

    def others(self) -> None:
        for field in FIELDS:
            if field in self.named and field not in self.fields and field not in {"date", "description"}:
                self._take(field, self.named[field])
        if "currency" not in self.fields:
            self._currency()
        for field in ("category", "source", "client", "project", "deliverable", "note", "refunded", "fee", "balance"):
            called = self._called(field)
            wants_numbers = field in {"refunded", "fee", "balance"}
            if wants_numbers:
                called = [heading for heading in called if self.columns[heading.position].amounts]
            if called and field not in self.fields:
                self._take(field, called[0].position)
        self._type()
        if "status" not in self.fields:
            self._status()

    def _currency(self) -> None:
        main = self.fields.get("amount", self.fields.get("debit", 0))
        beside = self.headings[main]
        original = beside.meaning is not None and beside.meaning.rank > 2  # noqa: PLR2004 - the last rank of amounts
        called = self._called("currency", holding=lambda column: column.filled and not column.amounts)
        plain = [heading for heading in called if heading.meaning and (heading.meaning.rank == 0) != original]
        if plain:
            shared = set(beside.words)
            best = max(plain, key=lambda heading: (len(shared & set(heading.words)), -abs(heading.position - main)))
            self._take("currency", best.position)
            return
        if beside.currency:
            return
        for heading in self.headings:
            values = self.columns[heading.position].values
            if heading.position not in self.taken and not heading.field and values and all(map(is_currency, values)):
                self._take("currency", heading.position)
                return

    def _type(self) -> None:
        for heading in self._called("type", "kind_of_transaction"):
            values = {value.casefold() for value in self.columns[heading.position].values}
            if "type" not in self.fields and heading.field == "type" and values and values & {"external", "pool"}:
                self._take("type", heading.position)
            elif "kind" not in self.fields:
                self._take("kind", heading.position)

    def _status(self) -> None:
        words = vocabulary()
        states = (
            words.pending,
            words.failed,
            words.done,
            words.free,
            words.refunded_state,
            words.partly_refunded_state,
        )
        called = self._called("status")
        by_content = [
            heading
            for heading in self.headings
            if heading.position not in self.taken and heading.field in {"", "other", "purpose", "kind_of_transaction"}
            if self.columns[heading.position].values
            and all(
                any(state.are(words_of(value)) for state in states) for value in self.columns[heading.position].values
            )
        ]
        if chosen := called or by_content:
            self._take("status", chosen[0].position)

    # The words.

    def wording(self) -> tuple[tuple[int, ...], ...]:
        """The groups of columns that a description is made of; by names alone, so that every file's are the same."""
        if "description" in self.named:
            return ((self.named["description"],), *self._texts())
        return self._texts()

    def _sure(self, position: int) -> bool:
        meaning = self.headings[position].meaning
        return meaning is not None and meaning.sure

    def _is_text(self, position: int) -> bool:
        """Whether a kind of transaction is one that banks write a text into."""
        meaning = self.headings[position].meaning
        return meaning is not None and meaning.field == "kind_of_transaction" and meaning.rank == 0

    def _texts(self) -> tuple[tuple[int, ...], ...]:
        taken_for = {position: field for field, position in self.fields.items()}

        def called(*fields: str) -> list[int]:
            free = [
                heading
                for heading in self.headings
                if heading.field in fields
                and taken_for.get(heading.position, "status") in {"status", "kind", "debit"}
                and heading.meaning
            ]
            return [h.position for h in sorted(free, key=lambda h: (h.meaning.rank if h.meaning else 0, h.position))]

        described = called("description")
        known = [position for position in described if self._sure(position)]
        payees, purposes, used, kinds = (
            called("payee"),
            called("purpose"),
            called("product"),
            called("kind_of_transaction", "type"),
        )
        texts = [position for position in kinds if self._is_text(position)]
        unknown = [
            heading.position
            for heading in self.headings
            if not heading.field and heading.position not in self.taken
            if any(
                len(word) > 1 and word.isalpha()
                for value in self.columns[heading.position].values
                for word in words_of(value)
            )
        ]
        groups: list[tuple[int, ...]] = [(position,) for position in known]
        groups.append((*payees[:1], *purposes[:1]))
        groups.extend((position,) for position in (*payees[1:], *purposes[1:]))
        groups.extend((position,) for position in described if position not in known)
        groups.append(tuple(used[:3]))
        groups.extend((position,) for position in (*texts, *unknown, *(k for k in kinds if k not in texts)))
        if not any(groups):
            groups.extend((self.fields[field],) for field in ("source", "note", "category") if field in self.fields)
        return tuple(group for group in groups if group)
