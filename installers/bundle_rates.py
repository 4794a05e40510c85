# ruff: noqa: INP001 - a script, no package
"""Makes ``assets/rates.csv``, the exchange rates that come with trayd, from the European Central Bank's history.

    python installers/bundle_rates.py eurofxref-hist.zip assets/rates.csv

The history is the file of that name below
https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/html/index.en.html
To be run before a release: until trayd has fetched rates of its own, these are what it has.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from trayd.exchange_rates.tables import Row, Sheet
from trayd.service.ecb import read_rates

#: Those that have every working day of the last years.
MAIN = ("USD", "SEK", "GBP", "CHF", "NOK", "DKK", "JPY", "CAD", "AUD", "PLN")
DAILY = timedelta(days=3 * 365)

#: From when on months have their last day in it.
SINCE = date(2015, 1, 1)


def chosen(history: Sheet) -> Iterator[tuple[date, Row]]:
    """The days that come with trayd, and what is told of each."""
    rows = dict(history.rows())
    newest = history.days[-1]
    ends: dict[str, date] = {currency: day for day, row in rows.items() for currency in row}
    for day, after in pairwise([*history.days, date.max]):
        row = rows[day]
        month_ends = (day.year, day.month) != (after.year, after.month)
        week_ends = day.isocalendar()[:2] != after.isocalendar()[:2]
        if day < SINCE:
            continue
        if month_ends or day in ends.values() or (week_ends and day > newest - DAILY):
            yield day, row
        elif day > newest - DAILY:
            yield day, {currency: row[currency] for currency in MAIN}


def text(history: Sheet) -> str:
    """The file."""
    newest = history.days[-1]
    every = sorted({currency for _, row in chosen(history) for currency in row} - set(MAIN))
    sheet = Sheet.of(chosen(history), (*MAIN, *every))
    return (
        "# Euro foreign exchange reference rates of the European Central Bank: what one euro was in each currency.\n"
        f"# Taken unchanged from its published history up to {newest}: the last day of each month since {SINCE:%Y},\n"
        f"# of each week in the last three years, and in these every day of {', '.join(MAIN)}.\n"
        "# The bank permits free use with the source named. The rates are for information only.\n"
        "# trayd uses them only where it has fetched none. Made by installers/bundle_rates.py.\n"
        f"{sheet.text()}"
    )


def main() -> None:
    """Reads the history and writes the table."""
    history, table = map(Path, sys.argv[1:])
    table.write_text(text(read_rates(history.read_bytes(), date.today())), encoding="utf-8", newline="\n")  # noqa: DTZ011


if __name__ == "__main__":
    main()
