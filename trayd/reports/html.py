"""The HTML report: one file that needs nothing else, for a client or an accountant.

It runs no script and asks for nothing over a network; its own content policy forbids both, whatever a record says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo

from trayd.rates import Converter
from trayd.records import Filters, Record
from trayd.reports.context import report_context
from trayd.reports.log import log_pages
from trayd.reports.rendering import shipped_page
from trayd.reports.words import Words


def report_html(
    records: Iterable[Record],
    *,
    filters: Filters,
    converter: Converter,
    locale: str,
    zone: tzinfo,
    now: datetime,
) -> Iterator[str]:
    """The report, in pieces; its log is in the order of time.

    Args:
        records: those that the filters admit, in any order.
        filters: what was asked for; the title block says so.
        converter: the rates into the home currency, which totals are in.
        locale: how amounts and numbers are written.
        zone: the user's, for days and times.
        now: when the report is made.
    """
    ordered = sorted(records, key=lambda record: record.instant(zone))
    words = Words(locale)
    context = report_context(ordered, filters=filters, converter=converter, words=words, zone=zone, now=now)
    log = log_pages(ordered, filters=filters, converter=converter, words=words, zone=zone)
    return shipped_page({"report": context, "log": log})
