"""The export formats by name: what each is made of, and what its file is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

import msgspec

from trayd.facts import ModelFact
from trayd.insight.pools import PoolCost
from trayd.rates import Converter
from trayd.records import ExternalCost, Filters, Record
from trayd.reports.csv_export import Conversion, CsvStyle, csv_lines
from trayd.reports.kept import forgetting

if TYPE_CHECKING:
    from trayd.reports.json_export import History


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """What an export is made of.

    Attributes:
        records: those that the filters admit, oldest first; to be gone through once.
        history: the same with all that decides what they add up to, for formats that are read back.
        filters: what was asked for.
        converter: the rates into the currency that was asked for, else into the home currency.
        converts: whether a currency was asked for.
        accounts: what accounts are called, by the ledger's names.
        models: the models as they were seen last, by endpoint id.
        pool_of: tells the period of a shared cost.
        zone: the user's, for civil days.
        now: when it is made (UTC).
        style: how CSV is written.
        remark: takes a sentence that the person has to be told beside the export: what could not be in it, and why.
    """

    records: Iterable[Record]
    history: Callable[[], History]
    filters: Filters
    converter: Converter
    converts: bool
    accounts: Mapping[str, str]
    models: Mapping[str, ModelFact]
    pool_of: Callable[[ExternalCost], PoolCost]
    zone: tzinfo
    now: datetime
    style: CsvStyle
    remark: Callable[[str], None]


class Format(msgspec.Struct, frozen=True):
    """One export format.

    Attributes:
        suffix: of its files, with the dot.
        media_type: over HTTP.
        text: the export, in pieces.
        instead_of_currency: what to do where amounts in another currency are wanted; empty where it has them.
        has_styles: whether it takes a :class:`CsvStyle`.
    """

    suffix: str
    media_type: str
    text: Callable[[Export], Iterator[str]]
    instead_of_currency: str = ""
    has_styles: bool = False


def _csv(export: Export) -> Iterator[str]:
    conversion = Conversion(export.converter, export.zone, export.remark) if export.converts else None
    return csv_lines(export.records, export.style, conversion)


def _focus(export: Export) -> Iterator[str]:
    from trayd.reports.focus_export import focus_lines

    pieces = focus_lines(
        export.records,
        accounts=export.accounts,
        models=export.models,
        pool_of=export.pool_of,
        remark=export.remark,
    )
    return forgetting(pieces)


def _json(export: Export) -> Iterator[str]:
    from trayd.reports.json_export import json_lines

    return forgetting(json_lines(export.history(), remark=export.remark))


def _ledger(export: Export) -> Iterator[str]:
    from trayd.reports.journal_export import journal_lines

    pieces = journal_lines(
        export.records,
        filters=export.filters,
        accounts=export.accounts,
        converter=export.converter,
        zone=export.zone,
        now=export.now,
        remark=export.remark,
    )
    return forgetting(pieces)


FORMATS: dict[str, Format] = {
    "csv": Format(".csv", "text/csv", _csv, has_styles=True),
    "focus": Format(
        ".focus.csv",
        "text/csv",
        _focus,
        instead_of_currency="FOCUS has each cost in the currency that it was billed in: convert what reads it",
    ),
    "json": Format(".json", "application/json", _json),
    "ledger": Format(
        ".journal",
        "text/plain",
        _ledger,
    ),
}

#: CSV with tabs has a name of its own.
TABS = Format(".tsv", "text/tab-separated-values", _csv, has_styles=True)

#: Over HTTP.
MEDIA_TYPES = tuple(dict.fromkeys(each.media_type for each in (*FORMATS.values(), TABS)))
