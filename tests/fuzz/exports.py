"""Made-up exports: whole files in every style that the drop folder reads, together with the costs written into them."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple

import msgspec
from hypothesis import strategies as st

from tests.fuzz.vocabulary import LANGUAGES, THINGS, TOOLS, Language
from trayd.intake.understanding import Answers, DateOrder

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Cost(NamedTuple):
    line: int
    date: date
    amount: Decimal
    currency: str
    text: str


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """A file, and what stands in it.

    Attributes:
        costs: what was written in as spent (a refund below zero), in the order of the file.
        rows: the lines on which its rows begin, blank ones left away.
        plain: whether it can be read in one way only, so that refusing it would be wrong.
        answers: what settles it where it cannot.
    """

    name: str
    data: bytes
    home_currency: str
    costs: tuple[Cost, ...]
    rows: tuple[int, ...]
    plain: bool
    answers: Answers


class DateStyle(NamedTuple):
    write: Callable[[date], str]
    #: Which of day and month is first, where they can be mistaken for each other.
    order: DateOrder | None = None


def _epoch(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 14, 3, 11, tzinfo=UTC).timestamp())


_DATES = (
    DateStyle(lambda day: day.isoformat()),
    DateStyle(lambda day: f"{day.isoformat()}T14:03:11Z"),
    DateStyle(lambda day: f"{day.isoformat()} 23:59:59"),
    DateStyle(lambda day: f"{day.isoformat()}T00:30:00.123+09:00"),
    DateStyle(lambda day: f"{day:%Y/%m/%d}"),
    DateStyle(lambda day: f"{day:%Y%m%d}"),
    DateStyle(lambda day: f"{day.day} {_MONTHS[day.month - 1]} {day.year}"),
    DateStyle(lambda day: f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"),
    DateStyle(lambda day: f"{day.day:02}-{_MONTHS[day.month - 1]}-{day:%y}"),
    DateStyle(lambda day: f"{day:%d.%m.%Y}", order="dmy"),
    DateStyle(lambda day: f"{day:%d.%m.%Y} 14:03", order="dmy"),
    DateStyle(lambda day: f"{day:%d/%m/%Y}", order="dmy"),
    DateStyle(lambda day: f"{day:%m/%d/%Y}", order="mdy"),
    DateStyle(lambda day: f"{day:%m/%d/%Y} 2:03 PM", order="mdy"),
    DateStyle(lambda day: f"{day:%d-%m-%Y}", order="dmy"),
    DateStyle(lambda day: str(_epoch(day))),
    DateStyle(lambda day: f"{_epoch(day)}482"),
    DateStyle(lambda day: str((day - date(1899, 12, 30)).days)),
)


class NumberStyle(NamedTuple):
    group: str
    mark: str

    def write(self, amount: Decimal, decimals: int) -> str:
        plain = f"{amount:,.{decimals}f}"
        return plain.translate({ord(","): self.group, ord("."): self.mark})


_NUMBERS = (
    NumberStyle("", "."),
    NumberStyle(",", "."),
    NumberStyle("'", "."),
    NumberStyle("", ","),
    NumberStyle(".", ","),
    NumberStyle(" ", ","),
    NumberStyle("\u00a0", ","),
    NumberStyle("\u202f", ","),
)

_CURRENCIES = ("USD", "EUR", "SEK", "GBP", "CHF")
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "SEK": "kr", "CHF": "CHF"}

#: How the currency is told, and how it is written to an amount.
_TOLD: dict[str, Callable[[str, str], str]] = {
    "home": lambda amount, _: amount,
    "column": lambda amount, _: amount,
    "header": lambda amount, _: amount,
    "code before": lambda amount, code: f"{code} {amount}",
    "code after": lambda amount, code: f"{amount} {code}",
    "sign before": lambda amount, code: f"{_SIGNS[code]}{amount}",
    "sign after": lambda amount, code: f"{amount} {_SIGNS[code]}",
}

#: How an amount below zero is written.
_BELOW: dict[str, Callable[[str], str]] = {
    "minus": lambda amount: f"-{amount}",
    "real minus": lambda amount: f"\N{MINUS SIGN}{amount}",
    "trailing minus": lambda amount: f"{amount}-",
    "parentheses": lambda amount: f"({amount})",
}


class _Row(NamedTuple):
    """A cost (``counts`` is what of it counts), or what is none (None): money that came in, or was not taken.

    Attributes:
        spent: whether the money goes out.
        state: None where it is done.
    """

    day: date
    text: str
    amount: Decimal
    counts: Decimal | None
    spent: bool = True
    state: str | None = None


class _Column(NamedTuple):
    name: str
    cell: Callable[[_Row], str]


class _Hand(msgspec.Struct, frozen=True, kw_only=True):
    """How one export writes things."""

    language: Language
    dates: DateStyle
    numbers: NumberStyle
    decimals: int
    currency: str
    told: str
    below: Callable[[str], str]
    spending_below: bool

    def money(self, amount: Decimal) -> str:
        return _TOLD[self.told](self.numbers.write(amount, self.decimals), self.currency)

    def signed(self, row: _Row) -> str:
        text = self.money(row.amount)
        return self.below(text) if row.spent == self.spending_below else text

    def out(self, row: _Row) -> str:
        text = self.money(row.amount)
        return (self.below(text) if self.spending_below else text) if row.spent else ""

    def into(self, row: _Row) -> str:
        return "" if row.spent else self.money(row.amount)


@st.composite
def _hands(draw: st.DrawFn) -> _Hand:
    return _Hand(
        language=LANGUAGES[draw(st.sampled_from(sorted(LANGUAGES)))],
        dates=draw(st.sampled_from(_DATES)),
        numbers=draw(st.sampled_from(_NUMBERS)),
        decimals=draw(st.sampled_from([2, 2, 2, 0, 3, 6])),
        currency=draw(st.sampled_from(_CURRENCIES)),
        told=draw(st.sampled_from(sorted(_TOLD))),
        below=_BELOW[draw(st.sampled_from(sorted(_BELOW)))],
        spending_below=draw(st.booleans()),
    )


@st.composite
def exports(draw: st.DrawFn) -> Export:
    """An export in one language, one style of dates, one of numbers, with or without what banks put around tables."""
    hand = draw(_hands())
    two_columns = draw(st.integers(0, 3)) == 0
    with_states = draw(st.integers(0, 3)) == 0
    rows = draw(_rows(hand, both_signs=draw(st.booleans()), with_states=with_states))
    columns = [
        _Column(draw(st.sampled_from(hand.language.date)), lambda row: hand.dates.write(row.day)),
        _Column(draw(st.sampled_from(hand.language.description)), lambda row: row.text),
        *draw(_money_columns(hand, two_columns=two_columns)),
        *draw(_more_columns(hand, rows, of_an_account=two_columns or hand.spending_below)),
    ]
    if with_states:
        header, done, _ = hand.language.states
        columns.append(_Column(header, lambda row: row.state or done))
    text, lines, begun = draw(_written(hand, draw(st.permutations(columns)), rows))
    name, data = draw(_packed(text))
    known_home = hand.told in {"home", "sign before", "sign after"}
    return Export(
        name=name,
        data=data,
        home_currency=hand.currency if known_home else draw(st.sampled_from(_CURRENCIES)),
        costs=tuple(
            Cost(line, row.day, row.counts, hand.currency, " ".join(row.text.split()))
            for line, row in zip(lines, rows, strict=True)
            if row.counts is not None
        ),
        rows=begun,
        plain=_reads_one_way(hand, rows) and (two_columns or all(row.spent for row in rows)),
        answers=Answers(
            date_order=hand.dates.order,
            decimal="comma" if hand.numbers.mark == "," else "point",
            spending=None if two_columns else "negative" if hand.spending_below else "positive",
        ),
    )


def _reads_one_way(hand: _Hand, rows: Sequence[_Row]) -> bool:
    without_groups = hand.decimals == 0 and sum(row.amount for row in rows) < 1000
    numbers = hand.decimals in {2, 6} or without_groups
    return numbers and (hand.dates.order is None or any(row.day.day > 12 for row in rows))


@st.composite
def _packed(draw: st.DrawFn, text: str) -> tuple[str, bytes]:
    """The text as a file, and its name."""
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"]))
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        data = text.encode("utf-8")
    name = draw(st.sampled_from(["export.csv", "export.tsv", "Auszug Nov.csv", "statement.txt", "e.csv.gz", "e.zip"]))
    if name.endswith(".gz"):
        return name, gzip.compress(data, mtime=0)
    if name.endswith(".zip"):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as packed:
            packed.writestr(zipfile.ZipInfo("list/export.csv"), data)
        return name, archive.getvalue()
    return name, data


@st.composite
def _money_columns(draw: st.DrawFn, hand: _Hand, *, two_columns: bool) -> list[_Column]:
    suffix = f" ({hand.currency})" if hand.told == "header" else ""
    if two_columns:
        out, into = draw(st.sampled_from(hand.language.out_and_in))
        return [_Column(out + suffix, hand.out), _Column(into + suffix, hand.into)]
    return [_Column(draw(st.sampled_from(hand.language.amount)) + suffix, hand.signed)]


@st.composite
def _rows(draw: st.DrawFn, hand: _Hand, *, both_signs: bool, with_states: bool) -> list[_Row]:
    language, decimals = hand.language, hand.decimals
    amounts = st.integers(1, 9_999_999).map(lambda units: Decimal(units).scaleb(-decimals))
    days = st.integers(0, 2_500).map(lambda days: date(2021, 1, 1) + timedelta(days))
    kinds = ["cost", "cost", "cost", *(["income", "refund"] if both_signs else []), *(["not"] if with_states else [])]
    rows = []
    for kind in [*draw(st.lists(st.sampled_from(kinds), max_size=12)), "cost"]:
        day, amount = draw(days), draw(amounts)
        text = f"{draw(st.sampled_from(TOOLS))} {draw(st.sampled_from(THINGS))}".strip()
        if kind == "income":
            rows.append(_Row(day, draw(st.sampled_from(language.income)), amount, None, spent=False))
        elif kind == "refund":
            refund = f"{draw(st.sampled_from(language.refund))} Runway"
            rows.append(_Row(day, refund, amount, -amount, spent=False))
        elif kind == "not":
            rows.append(_Row(day, text, amount, None, state=draw(st.sampled_from(language.states[2]))))
        else:
            rows.append(_Row(day, text, amount, amount))
    return draw(st.permutations(rows))


@st.composite
def _more_columns(draw: st.DrawFn, hand: _Hand, rows: Sequence[_Row], *, of_an_account: bool) -> list[_Column]:
    language = hand.language
    columns = []
    if hand.told == "column":
        columns.append(_Column(draw(st.sampled_from(language.currency)), lambda _: hand.currency))
    texts: list[tuple[Sequence[str], Sequence[str]]] = [
        (language.category, ("image", "video", "")),
        (language.client, ("Northwind", "Bågfilm AB", "")),
        (language.note, ("", "for the pitch", "see\nabove")),
    ]
    for names, cells in texts:
        if draw(st.booleans()):
            cell = draw(st.sampled_from(cells))
            columns.append(_Column(draw(st.sampled_from(names)), lambda _, cell=cell: cell))
    if draw(st.booleans()):
        columns.append(_Column(draw(st.sampled_from(language.reference)), lambda row: f"R{row.amount.adjusted()}-77"))
    if of_an_account and draw(st.booleans()):
        balances = dict(
            zip(map(id, rows), accumulate((-row.amount if row.spent else row.amount) for row in rows), strict=True)
        )
        columns.append(
            _Column(
                draw(st.sampled_from(language.balance)),
                lambda row: hand.numbers.write(4000 + balances.get(id(row), Decimal()), hand.decimals),
            )
        )
    return columns


@st.composite
def _written(
    draw: st.DrawFn, hand: _Hand, columns: Sequence[_Column], rows: Sequence[_Row]
) -> tuple[str, list[int], tuple[int, ...]]:
    """The text, the lines of the rows, and the lines of everything that is not blank."""
    language = hand.language
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    lines: list[str] = []
    begun: list[int] = []

    def write(cells: Sequence[str]) -> int:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=delimiter, quoting=quoting).writerow(cells)
        line = len(lines) + 1
        lines.extend(out.getvalue().removesuffix("\r\n").split("\n"))
        if any(cell.strip() for cell in cells):
            begun.append(line)
        return line

    for text in draw(st.lists(st.sampled_from([*language.preamble, ""]), max_size=3)):
        write([text] if text else [])
    header = [column.name for column in columns]
    write(header)
    repeats = draw(st.integers(0, 9)) == 0
    costs = []
    for number, row in enumerate(rows):
        if draw(st.integers(0, 9)) == 0:
            lines.append("")
        if repeats and number and number % 4 == 0:
            write(header)
        costs.append(write([column.cell(row) for column in columns]))
    footer = draw(st.sampled_from(["nothing", "nothing", "total", "words"]))
    if footer == "total":
        label = draw(st.sampled_from(language.total))
        sums = {
            out: _Row(rows[0].day, "", sum((row.amount for row in rows), Decimal()), None, spent=out)
            for out in (True, False)
        }
        write([_summed(hand, column, label, sums) for column in columns])
    elif footer == "words":
        lines.append("")
        write([draw(st.sampled_from(language.preamble))])
    return newline.join([*lines, ""]), costs, tuple(begun)


def _summed(hand: _Hand, column: _Column, label: str, sums: Mapping[bool, _Row]) -> str:
    """A cell of the last line: the sum under the amounts, what it is under the texts."""
    if column.name in hand.language.description:
        return label
    if column.cell in {hand.signed, hand.out}:
        return column.cell(sums[True])
    return column.cell(sums[False]) if column.cell == hand.into else ""
