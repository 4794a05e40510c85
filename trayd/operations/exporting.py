"""What a person takes along: the history in an export format, and the HTML report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Literal

from trayd.errors import SettingsError, UsageError
from trayd.money import is_currency
from trayd.operations.documents import Document
from trayd.operations.filters import FilterQuery
from trayd.operations.known_bills import known_bills
from trayd.operations.known_names import recorded_names
from trayd.records import Kind
from trayd.reports.csv_export import CsvStyle
from trayd.reports.formats import FORMATS, TABS, Export, Format
from trayd.reports.missing_bills import missing_bills
from trayd.reports.names import Recorded, file_name
from trayd.reports.open_shares import OpenShares

if TYPE_CHECKING:
    from trayd.books import Books, Division
    from trayd.operations.operations import Operations
    from trayd.rates import Converter
    from trayd.records import Filters, Record
    from trayd.report_settings import ClientTerms
    from trayd.reports.json_export import History
    from trayd.reports.request import ReportRequest, SharedCost


class ReportQuery(FilterQuery, frozen=True, kw_only=True, omit_defaults=True):
    """What a report is about, and the currency that its totals are in; the home currency without one."""

    currency: str | None = None


class ExportQuery(ReportQuery, frozen=True, kw_only=True, omit_defaults=True):
    """The format of an export; with a currency, converted amounts stand beside those that were billed.

    Attributes:
        format: by its name in :data:`FORMATS`.
        delimiter: between the cells of CSV, and ``decimal`` the mark in its numbers.
        bom: whether CSV begins with a byte order mark.
    """

    format: str = "csv"
    delimiter: Literal["comma", "semicolon", "tab"] = "comma"
    decimal: Literal["point", "comma"] = "point"
    bom: bool = False

    @property
    def style(self) -> CsvStyle:
        """How CSV is written."""
        return CsvStyle(delimiter=_DELIMITERS[self.delimiter], decimal=_MARKS[self.decimal], bom=self.bom)


#: A report is made of all records at once; while these are read others may have the ledger.
_RECORDS_A_TURN = 2000

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
_MARKS = {"point": ".", "comma": ","}


def exported(operations: Operations, query: ExportQuery, now: datetime) -> Document:
    """The records in that format, oldest first.

    Raises:
        UsageError: there is no such format or currency, it does not go with the other options, or a filter cannot be
            read.
    """
    form = _format(query)
    zone, books = operations.settings.zone(), operations.books
    filters = query.filters(zone)
    name = file_name("export", form.suffix, filters=filters, zone=zone, now=now, recorded=_recorded(operations))
    document = Document(name, form.media_type)
    converter, converts = _converter(operations, query), query.currency is not None
    shares = OpenShares(books.unsettled)

    def in_all() -> int:
        return _records_in(books, filters, zone)

    def whole() -> History:
        from trayd.operations.whole_history import history

        recorded = document.counted(books.recorded(filters, zone=zone), in_all)
        return history(
            operations, recorded, filters, converter=converter, converts=converts, shares=shares, zone=zone, now=now
        )

    export = Export(
        records=document.counted(shares.among(books.records(filters, zone=zone, newest_first=False)), in_all),
        history=whole,
        filters=filters,
        converter=converter,
        converts=converts,
        accounts=operations.called,
        models=operations.ledger.models(),
        pool_of=books.pool_of,
        zone=zone,
        now=now,
        style=query.style,
        remark=document.remarks.append,
    )

    def pieces() -> Iterator[str]:
        yield from form.text(export)
        document.remarks.extend(shares.told())
        document.remarks.extend(_missing(operations, filters, zone, now))

    document.consist_of(pieces())
    return document


def _missing(operations: Operations, filters: Filters, zone: tzinfo, now: datetime) -> Iterator[str]:
    """What there is to say of a time that is asked for and of which fal's bills are not known."""
    missing = missing_bills(known_bills(operations, filters), filters.since, filters.until, now)
    if missing is not None:
        yield missing.told(lambda moment: f"{moment.astimezone(zone):%Y-%m-%d %H:%M}")


def _recorded(operations: Operations) -> Recorded:
    return partial(recorded_names, operations)


def _format(query: ExportQuery) -> Format:
    name = query.format
    form = FORMATS.get(name)
    if form is None:
        raise UsageError(f"there is no export format {name!r}", f"use --format {' or '.join(FORMATS)}")
    if query.currency is not None and form.instead_of_currency:
        raise UsageError(
            f"--currency does not go with --format {name}, which has amounts as they were billed",
            form.instead_of_currency,
        )
    if not form.has_styles:
        told = {"delimiter": query.delimiter != "comma", "decimal": query.decimal != "point", "bom": query.bom}
        if wrong := [option for option, given in told.items() if given]:
            raise UsageError(f"--{wrong[0]} is for --format csv; --format {name} has one form only", "leave it out")
    if query.delimiter == "comma" and query.decimal == "comma":
        raise UsageError(
            "a comma cannot be both the delimiter and the decimal mark", "add --delimiter semicolon, or tab"
        )
    return TABS if query.delimiter == "tab" else form


def _records_in(books: Books, filters: Filters, zone: tzinfo) -> int:
    """How many there are, the shares of pools as one; no record is read for it."""
    return sum(each.records for each in books.sums(filters, zone=zone))


def built_report(operations: Operations, query: ReportQuery, now: datetime) -> Document:
    """The HTML report.

    Raises:
        UsageError: there is no such currency, or a filter cannot be read.
        SettingsError: the agency's logo is not there, or is no picture.
        TraydError: the folder with templates of one's own is not there.
    """
    from trayd.reports.html import gathered, report_page

    request = report_request(operations, query, now)
    books, filters, zone = operations.books, request.filters, request.zone
    name = file_name("report", ".html", filters=filters, zone=zone, now=now, recorded=_recorded(operations))
    document = Document(name, "text/html")
    records = document.counted(
        books.records(filters, zone=zone, newest_first=False), lambda: _records_in(books, filters, zone)
    )

    def pieces() -> Iterator[str]:
        taken: list[Record] = []
        while some := list(islice(records, _RECORDS_A_TURN)):
            taken += some
            yield ""
        made_of = yield from gathered(taken, request)
        document.remarks.extend(_missing(operations, filters, zone, now))
        document.is_gathered = True
        yield from report_page(made_of, request)

    document.consist_of(pieces())
    return document


def report_request(operations: Operations, query: ReportQuery, now: datetime) -> ReportRequest:
    """What that report is asked to be; raises what :func:`built_report` does."""
    from trayd.reports.agency import agency_of
    from trayd.reports.own_templates import templates_folder
    from trayd.reports.request import ReportRequest

    settings = operations.settings
    zone = settings.zone()
    filters = query.filters(zone)
    return ReportRequest(
        filters=filters,
        converter=_converter(operations, query),
        home=settings.home_currency,
        locale=settings.number_locale(),
        zone=zone,
        now=now,
        agency=agency_of(settings.report, operations.paths.settings.parent),
        terms=_terms(operations, filters.client),
        models=operations.ledger.models(),
        shared=tuple(_shared(operations.books, filters, zone)),
        bills=known_bills(operations, filters),
        templates=templates_folder(settings.report.templates, operations.paths.settings),
    )


def _terms(operations: Operations, client: str | None) -> ClientTerms | None:
    """What that client is charged by the settings; None where they say nothing of it.

    Raises:
        SettingsError: costs are to be hidden from a client that nothing is recorded for, and that is this one but for
            capitals and blanks.
    """
    report = operations.settings.report
    terms = report.terms(client)
    if terms is None and client:
        alike = {each.name for each in report.client if each.hide_costs and _as_spoken(each.name) == _as_spoken(client)}
        if alike and (slips := sorted(alike - recorded_names(operations, "client"))):
            # Made without the terms it would show what they are there to hide.
            raise SettingsError(
                f"[[report.client]] names “{slips[0]}”, and the work is for “{client}”",
                "write the name there as it is recorded (`trayd config edit`); if these are two clients, add a "
                "[[report.client]] of that name as well",
            )
    return terms


def _as_spoken(name: str) -> str:
    """The name without what a slip of the pen adds or takes: capitals and blanks."""
    return "".join(name.casefold().split())


def _shared(books: Books, filters: Filters, zone: tzinfo) -> Iterator[SharedCost]:
    """The pool costs of which a share is meant, newest first."""
    from trayd.reports.request import SharedCost

    if not any(each.heading.kind is Kind.POOL for each in books.sums(filters, zone=zone)):
        return
    for division in books.divisions(filters, zone=zone):
        pool, pieces = division.pool, tuple(piece for piece in division.pieces if filters.admits(piece, zone))
        # What is not clear of a division names others' projects, and is for who can make it clear.
        trouble = "" if filters.is_part and division.is_divided else division.trouble
        yield SharedCost(
            name=pool.cost.description,
            whole=pool.cost.amount,
            since=pool.since,
            until=pool.until,
            basis=_basis(division),
            remark="; ".join(filter(None, (trouble, division.remark))),
            shares=pieces,
            unsettled=division.unsettled,
        )


def _basis(division: Division) -> str:
    """What a pool cost is divided by, in words."""
    if not division.is_divided:
        return "all of it for one project" if division.pool.cost.project else "not divided"
    return division.pool.how


def _converter(operations: Operations, query: ReportQuery) -> Converter:
    if query.currency is None:
        return operations.converter
    code = query.currency.upper()
    if not is_currency(code):
        raise UsageError(f"{query.currency!r} is no ISO 4217 code", "write one such as --currency EUR")
    return operations.rates.converter(code)
