"""Made-up exports: whole files in every style that the drop folder reads, together with the costs written into them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import msgspec
from hypothesis import strategies as st

from tests.fuzz.vocabulary import LANGUAGES, THINGS, TOOLS, Language

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
    """

    name: str
    data: bytes
    home_currency: str
    costs: tuple[Cost, ...]
    rows: tuple[int, ...]
    plain: bool


class DateStyle(NamedTuple):
    write: Callable[[date], str]
    #: Whether day and month can be mistaken for each other.
    numeric: bool = False


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
    DateStyle(lambda day: f"{day:%d.%m.%Y}", numeric=True),
    DateStyle(lambda day: f"{day:%d.%m.%Y} 14:03", numeric=True),
    DateStyle(lambda day: f"{day:%d/%m/%Y}", numeric=True),
    DateStyle(lambda day: f"{day:%m/%d/%Y}", numeric=True),
    DateStyle(lambda day: f"{day:%m/%d/%Y} 2:03 PM", numeric=True),
    DateStyle(lambda day: f"{day:%d-%m-%Y}", numeric=True),
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
    """A cost (``counts`` is what of it counts), or money that came in (None)."""

    day: date
    text: str
    amount: Decimal
    counts: Decimal | None


class _Column(NamedTuple):
    name: str
    cell: Callable[[_Row], str]


@st.composite
def exports(draw: st.DrawFn) -> Export:
    """An export in one language, one style of dates, one of numbers, with or without what banks put around tables."""
    language = LANGUAGES[draw(st.sampled_from(sorted(LANGUAGES)))]
    dates, numbers = draw(st.sampled_from(_DATES)), draw(st.sampled_from(_NUMBERS))
    currency = draw(st.sampled_from(_CURRENCIES))
    told = draw(st.sampled_from(sorted(_TOLD)))
    home = currency if told in {"home", "sign before", "sign after"} else draw(st.sampled_from(_CURRENCIES))
    decimals = draw(st.sampled_from([2, 2, 2, 0, 3, 6]))
    spending_below = draw(st.booleans())
    rows = draw(_rows(language, decimals, both_signs=draw(st.booleans())))
    below = _BELOW[draw(st.sampled_from(sorted(_BELOW)))]

    def money(row: _Row) -> str:
        text = _TOLD[told](numbers.write(row.amount, decimals), currency)
        spent = row.counts is not None and row.counts > 0
        return below(text) if spent == spending_below else text

    columns = [
        _Column(draw(st.sampled_from(language.date)), lambda row: dates.write(row.day)),
        _Column(draw(st.sampled_from(language.description)), lambda row: row.text),
        _Column(
            draw(st.sampled_from(language.amount)) + (f" ({currency})" if told == "header" else ""),
            money,
        ),
        *draw(_more_columns(language, numbers, currency if told == "column" else None)),
    ]
    columns = draw(st.permutations(columns))
    numbers_settled = decimals in {2, 6} or (decimals == 0 and all(row.amount < 1000 for row in rows))
    dates_settled = not dates.numeric or any(row.day.day > 12 for row in rows)
    one_sign = all(row.counts is not None and row.counts > 0 for row in rows)
    text, lines, total = draw(_written(language, columns, rows))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"]))
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        data = text.encode("utf-8")
    return Export(
        name=draw(st.sampled_from(["export.csv", "export.tsv", "Auszug Nov.csv", "statement.txt"])),
        data=data,
        home_currency=home,
        costs=tuple(
            Cost(line, row.day, row.counts, currency, " ".join(row.text.split()))
            for line, row in zip(lines, rows, strict=True)
            if row.counts is not None
        ),
        rows=total,
        plain=numbers_settled and dates_settled and one_sign,
    )


@st.composite
def _rows(draw: st.DrawFn, language: Language, decimals: int, *, both_signs: bool) -> list[_Row]:
    cents = st.integers(1, 9_999_999).map(lambda units: Decimal(units).scaleb(-decimals))
    days = st.integers(0, 2_500).map(lambda days: date(2021, 1, 1) + timedelta(days))
    rows = []
    for _ in range(draw(st.integers(1, 12))):
        day, amount = draw(days), draw(cents)
        what = draw(st.sampled_from(["cost", "cost", "cost", "income", "refund"])) if both_signs else "cost"
        if what == "income":
            rows.append(_Row(day, draw(st.sampled_from(language.income)), amount, None))
        elif what == "refund":
            rows.append(_Row(day, f"{draw(st.sampled_from(language.refund))} Runway", amount, -amount))
        else:
            text = f"{draw(st.sampled_from(TOOLS))} {draw(st.sampled_from(THINGS))}".strip()
            rows.append(_Row(day, text, amount, amount))
    if not any(row.counts for row in rows):
        rows.append(_Row(draw(days), "Midjourney", Decimal(3000).scaleb(-decimals), Decimal(3000).scaleb(-decimals)))
    return rows


@st.composite
def _more_columns(draw: st.DrawFn, language: Language, numbers: NumberStyle, currency: str | None) -> list[_Column]:
    columns = []
    if currency is not None:
        columns.append(_Column(draw(st.sampled_from(language.currency)), lambda _: currency))
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
    if draw(st.integers(0, 3)) == 0:
        columns.append(
            _Column(draw(st.sampled_from(language.balance)), lambda row: numbers.write(4000 - row.amount / 3, 2))
        )
    return columns


@st.composite
def _written(
    draw: st.DrawFn, language: Language, columns: Sequence[_Column], rows: Sequence[_Row]
) -> tuple[str, list[int], tuple[int, ...]]:
    """The text, the lines of the rows, and the lines of everything that is not blank."""
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
        # A sum stands under the amounts, its label under the texts.
        write(
            [
                column.cell(_Row(rows[0].day, "", sum((row.amount for row in rows), Decimal()), Decimal(1)))
                if column.name.removesuffix(")").split(" (")[0] in language.amount
                else (label if column.name in language.description else "")
                for column in columns
            ]
        )
    elif footer == "words":
        lines.append("")
        write([draw(st.sampled_from(language.preamble))])
    return newline.join([*lines, ""]), costs, tuple(begun)
