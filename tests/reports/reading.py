"""Reads a report as a person with a ruler does: its headline figures, its tables, its sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser

_FIGURE = re.compile(r"^(?P<sign>[-\u2212+]?)[^\d]*(?P<digits>\d[\d,]*(?:\.\d+)?)[^\d]*$")
_BELOW = frozenset({"small", "p"})


@dataclass
class Table:
    """A table by what it is under.

    Attributes:
        name: the id of the section's heading, or the label of the part that it stands in.
        heads: of its columns.
        rows: each cell as its text, and the smaller lines below it.
    """

    name: str
    heads: list[str] = field(default_factory=list)
    rows: list[list[list[str]]] = field(default_factory=list)

    def column(self, head: str) -> dict[tuple[str, ...], str]:
        """One column by what the rows are: the text of the first cell, and what stands below it."""
        place = self.heads.index(head)
        return {tuple(row[0]): row[place][0] for row in self.rows}


class Reader(HTMLParser):
    """Everything in a page that has figures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[Table] = []
        self._heading = ""
        self._in_table = self._in_head = False
        self.feed(page)
        self.kpis = {
            name: unescape(value)
            for name, value in re.findall(r'<div class="(\w+)"><dt>[^<]*</dt><dd><strong>([^<]*)</strong>', page)
        }
        self.origin = {
            label.rstrip(",."): int(number.replace(",", ""))
            for number, label in re.findall(r'<span class="nobreak"><strong>([\d,]+)</strong> ([^<]*)</span>', page)
        }
        self.stripes = dict(re.findall(r'<rect class="hit"[^>]*><title>([^<]*): ([^<:]*)</title>', page))
        self.line = [
            (Decimal(x), Decimal(y))
            for path in re.findall(r'<path class="trend" d="M([^"]*)"', page)
            for x, y in (point.split() for point in path.split("L"))
        ]
        self.ticks = re.findall(r'<text x="100%" y="([\d.]+)%" dy="\.35em" text-anchor="end">([^<]*)</text>', page)
        self.zero = [Decimal(y) for y in re.findall(r'<line class="axis"[^>]* y1="([\d.]+)%"', page)]
        self.lead = re.findall(r'<p class="lead">([^<]*)</p>', page)
        self.notes = [unescape(text) for text in re.findall(r"<li>([^<]*)</li>", page)]
        self.months = [unescape(text) for text in re.findall(r"<h3>[^<]*</h3> <span>([^<]*)</span>", page)]

    def table(self, name: str) -> Table:
        """The one of that name."""
        [found] = [table for table in self.tables if table.name == name]
        return found

    @property
    def log(self) -> Table:
        """The whole log as one table."""
        pages = [table for table in self.tables if table.name.startswith("log:")]
        return Table("log", pages[0].heads if pages else [], [row for page in pages for row in page.rows])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"h2", "p"} and given.get("id"):
            self._heading = str(given["id"])
        if tag == "table":
            kind = (given.get("class") or "").split()[0]
            self.tables.append(Table("log:" if kind == "log" else self._heading))
            self._in_table = True
        if not self._in_table:
            return
        table = self.tables[-1]
        if tag == "thead":
            self._in_head = True
        elif tag == "tbody":
            self._in_head = False
        elif tag == "tr" and not self._in_head:
            table.rows.append([])
        elif tag in {"td", "th"} and self._in_head:
            table.heads.append("")
        elif tag in {"td", "th"}:
            table.rows[-1].append([""])
        elif tag in _BELOW and table.rows and table.rows[-1]:
            table.rows[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._in_table = False

    def handle_data(self, data: str) -> None:
        if not self._in_table:
            return
        table = self.tables[-1]
        if self._in_head and table.heads:
            table.heads[-1] += data.strip()
        elif table.rows and table.rows[-1]:
            table.rows[-1][-1][-1] += data.strip("\n")


def figure(text: str) -> tuple[Decimal, int]:
    """The number in a text such as ``-$1,234.56``, and how many decimals it is written with."""
    found = _FIGURE.match(text.replace("\xa0", " ").strip())
    assert found, text
    digits = found["digits"].replace(",", "")
    number = Decimal(digits)
    return (-number if found["sign"] in {"-", "\u2212"} else number), len(digits.partition(".")[2])


def says(text: str, exact: Decimal | None) -> bool:
    """Whether a text tells that amount: rounded half to even, never as zero where it is not, and None as unknown."""
    if exact is None or text == "unknown":
        return exact is None and text == "unknown"
    shown, decimals = figure(text)
    return shown == round(exact, decimals) and bool(shown) == bool(exact)
