"""What the form for a report offers: the names that records have, the months, the currencies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta, tzinfo
from typing import NamedTuple

import msgspec

from trayd.insight.windows import day_start
from trayd.operations.operations import Operations
from trayd.operations.turns import LedgerThread
from trayd.records import Filters
from trayd.reports.due import period_with
from trayd.settings import Settings

#: Names that are suggested while one writes; those that are chosen from are all there.
_MOST_SUGGESTED = 500
_MOST_MONTHS = 120

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_DAY = timedelta(days=1)

_LINE_ENDS = frozenset("\r\n")


class Name(NamedTuple):
    """A name, and what is said beside it; empty where there is nothing to say."""

    value: str
    said: str = ""


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What can be chosen.

    Attributes:
        clients: sorted, as are ``projects``, ``accounts`` and ``keys``.
        deliverables: the most frequent ones, sorted; so are ``models``, by endpoint id.
        this_month: as fields have it (``2026-11``), as are ``last_month`` and ``months``: a form that stands open over
            midnight asks for the month that it shows.
        months: the earlier ones, the latest first.
        currencies: that there are rates of.
        home: the currency of totals where none is chosen.
    """

    clients: tuple[Name, ...]
    projects: tuple[Name, ...]
    deliverables: tuple[Name, ...]
    models: tuple[Name, ...]
    accounts: tuple[Name, ...]
    keys: tuple[Name, ...]
    this_month: Name
    last_month: Name
    months: tuple[Name, ...]
    currencies: tuple[Name, ...]
    home: str


async def report_choices(thread: LedgerThread) -> Choices:
    """What can be chosen now; the ledger's thread does other things in between."""
    names = {
        field: await thread.on_ledger(lambda operations, field=field: _names(operations, field))  # type: ignore[misc]
        for field in ("client", "project", "deliverable", "endpoint_id", "account", "key")
    }

    def gathered(operations: Operations) -> Choices:
        settings = operations.settings
        zone = settings.zone()
        today = operations.now.astimezone(zone).date()
        first = today.replace(day=1)
        models, called = operations.ledger.models(), operations.called
        return Choices(
            clients=tuple(Name(client, _terms(settings, client)) for client in _sorted(names["client"])),
            projects=tuple(map(Name, _sorted(names["project"]))),
            deliverables=tuple(map(Name, _suggested(names["deliverable"]))),
            models=tuple(
                Name(each, (each in models and models[each].display_name) or "")
                for each in _suggested(names["endpoint_id"])
            ),
            accounts=tuple(map(Name, _sorted({called.get(each, each) for each in names["account"]}))),
            keys=tuple(map(Name, _sorted(names["key"]))),
            this_month=_month(first, " so far"),
            last_month=_month(first - _DAY),
            months=tuple(map(_month, _months(operations, zone, today)[1:])),
            currencies=tuple(map(Name, operations.rates.quoted(today))),
            home=settings.home_currency,
        )

    return await thread.on_ledger(gathered)


def _month(day: date, more: str = "") -> Name:
    """2026-11: November 2026, in the language of the pages."""
    return Name(f"{day:%Y-%m}", f"{_MONTHS[day.month - 1]} {day.year}{more}")


def _names(operations: Operations, field: str) -> dict[str, int]:
    """The names that records have there, with how many have each."""
    found: dict[str, int] = {}
    for each in operations.books.sums(zone=operations.settings.zone(), by=(field,)):
        if name := getattr(each.heading, field):
            found[name] = found.get(name, 0) + each.records
    return found


def _suggested(names: dict[str, int]) -> list[str]:
    """The most frequent ones of those that can be written in one line."""
    written = [name for name in names if not _LINE_ENDS.intersection(name)]
    return _sorted(sorted(written, key=lambda name: -names[name])[:_MOST_SUGGESTED])


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (name.casefold(), name))


def _terms(settings: Settings, client: str) -> str:
    terms = settings.report.terms(client)
    if terms is None:
        return ""
    return "usage statement, costs hidden" if terms.hide_costs else "with what is charged"


def _months(operations: Operations, zone: tzinfo, today: date) -> list[date]:
    """Those before this one since the first record."""
    span = operations.ledger.span()
    if span is None:
        return []
    first = span[0].astimezone(zone).date().replace(day=1)
    months: list[date] = []
    month = today.replace(day=1)
    while len(months) < _MOST_MONTHS and (month := (month - _DAY).replace(day=1)) >= first:
        months.append(month)
    # The span has some days to spare.
    while months and not _has_records(operations, months[-1], zone):
        months.pop()
    return months


def _has_records(operations: Operations, month: date, zone: tzinfo) -> bool:
    period = period_with("month", month)
    filters = Filters(since=day_start(period.first, zone), until=day_start(period.last + _DAY, zone))
    return any(each.records for each in operations.books.sums(filters, zone=zone))
