"""What a person asks about records: the totals of a window and their breakdown, the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from itertools import islice
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from trayd.books import Books
from trayd.insight.breakdown import Dimension
from trayd.insight.usage import Usage, usage
from trayd.insight.windows import Window, previous_window
from trayd.ledger.store import Ledger
from trayd.operations.filters import FilterQuery, WindowQuery
from trayd.rates import Converter
from trayd.records import Counting, Filters, Kind
from trayd.reports.shape import HistoryItem, history_item

Count = Annotated[int, Meta(ge=0)]


class UsageQuery(WindowQuery, frozen=True, kw_only=True, omit_defaults=True):
    """A window, and what to break it down by."""

    by: str | None = None


class HistoryQuery(FilterQuery, frozen=True, kw_only=True, omit_defaults=True):
    """How many records, after how many left out; ``unmatched``: only events that wait to be linked."""

    limit: Count = 50
    offset: Count = 0
    unmatched: bool = False


def listed_usage(
    books: Books,
    ledger: Ledger,
    query: UsageQuery,
    *,
    names: Mapping[str, str],
    now: datetime,
    zone: tzinfo,
    converter: Converter,
) -> Usage:
    """Totals of a window and their breakdown, with the trend against the window before.

    Args:
        books: the ledger with the costs that projects share in.
        ledger: knows since when billing was read.
        query: what to show.
        names: what accounts are called, by the ledger's names.
        now: the time (UTC).
        zone: whose days are meant.
        converter: the rates into the home currency.

    Raises:
        UsageError: the window, the dimension or a filter cannot be read.
    """
    window = query.asked(now, zone)
    before = previous_window(window, zone)
    told = usage(
        books,
        filters=query.filters(zone),
        window=window,
        by=query.by,
        zone=zone,
        converter=converter,
        # What lies before the first poll is not known: no trend is better than a false one.
        previous=before if _reaches(ledger, before.since) else None,
        known_from=_known_from(ledger, query, window, zone),
    )
    if query.by != Dimension.ACCOUNT:
        return told
    return replace(told, by=tuple(replace(part, name=part.key and names.get(part.key, part.key)) for part in told.by))


def _known_from(ledger: Ledger, query: UsageQuery, window: Window, zone: tzinfo) -> datetime | None:
    """From when on the bills of an account, or of any, are known; the end of the window where nothing of it was told.

    None where there are records in it and no bills, or bills are not asked for: what events and files tell is all that
    can be known.
    """
    starts = []
    is_of_fal = query.kind in {None, Kind.INTERNAL}
    if is_of_fal:
        names = {
            fact.username or name
            for name, fact in ledger.accounts().items()
            if query.account is None or query.account in {name, fact.username}
        }
        starts = [coverage.since for name in names if (coverage := ledger.coverage(name)) is not None]
    if starts:
        return min(starts)
    told = Filters(account=query.account, since=window.since, until=window.until) if is_of_fal else Filters()
    return None if any(each.records for each in ledger.sums(told, zone=zone)) else window.until


def _reaches(ledger: Ledger, moment: datetime) -> bool:
    """Whether the billing of every account that has any is known from that moment on."""
    accounts = {fact.username or name for name, fact in ledger.accounts().items()}
    covered = [ledger.coverage(account) for account in accounts]
    return all(coverage.since <= moment for coverage in covered if coverage is not None)


def listed_history(books: Books, query: HistoryQuery, *, zone: tzinfo) -> list[HistoryItem]:
    """The log, newest first.

    Raises:
        UsageError: a filter cannot be read.
    """
    records = books.records(query.filters(zone), zone=zone)
    if query.unmatched:
        records = (record for record in records if record.counting is Counting.UNMATCHED)
    return [history_item(record) for record in islice(records, query.offset, query.offset + query.limit)]
