"""What a person takes along: the history in an export format, and the HTML report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from trayd.errors import UsageError
from trayd.money import is_currency
from trayd.operations.filters import FilterQuery
from trayd.reports.formats import FORMATS, Export
from trayd.reports.html import report_html
from trayd.reports.request import ReportRequest

if TYPE_CHECKING:
    from trayd.operations.operations import Operations
    from trayd.rates import Converter


class ReportQuery(FilterQuery, frozen=True, kw_only=True, omit_defaults=True):
    """What a report is about, and the currency that its totals are in; the home currency without one."""

    currency: str | None = None


class ExportQuery(ReportQuery, frozen=True, kw_only=True, omit_defaults=True):
    """The format of an export; with a currency, converted amounts stand beside those that were billed."""

    format: str = "csv"


def exported(operations: Operations, query: ExportQuery, now: datetime) -> Iterator[str]:
    """The records as text in that format, oldest first, in pieces.

    Raises:
        UsageError: there is no such format or currency, or a filter cannot be read.
    """
    if query.format not in FORMATS:
        raise UsageError(f"there is no export format {query.format!r}", f"use --format {' or '.join(FORMATS)}")
    zone = operations.settings.zone()
    filters = query.filters(zone)
    export = Export(
        records=operations.books.records(filters, zone=zone, newest_first=False),
        filters=filters,
        converter=_converter(operations, query),
        converts=query.currency is not None,
        accounts=operations.called,
        models=operations.ledger.models(),
        zone=zone,
        now=now,
    )
    return FORMATS[query.format].text(export)


def built_report(operations: Operations, query: ReportQuery, now: datetime) -> Iterator[str]:
    """The HTML report, in pieces.

    Raises:
        UsageError: there is no such currency, or a filter cannot be read.
    """
    zone = operations.settings.zone()
    filters = query.filters(zone)
    request = ReportRequest(
        filters=filters,
        converter=_converter(operations, query),
        home=operations.settings.home_currency,
        locale=operations.settings.number_locale(),
        zone=zone,
        now=now,
        models=operations.ledger.models(),
    )
    return report_html(operations.books.records(filters, zone=zone, newest_first=False), request)


def _converter(operations: Operations, query: ReportQuery) -> Converter:
    if query.currency is None:
        return operations.converter
    code = query.currency.upper()
    if not is_currency(code):
        raise UsageError(f"{query.currency!r} is no ISO 4217 code", "write one such as --currency EUR")
    return operations.rates.converter(code)
