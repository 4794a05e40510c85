"""The export formats by name: what each is made of, and what its file is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, tzinfo

import msgspec

from trayd.facts import ModelFact
from trayd.rates import Converter
from trayd.records import Filters, Record
from trayd.reports.csv_export import csv_lines


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """What an export is made of.

    Attributes:
        records: those that the filters admit, oldest first; to be gone through once.
        filters: what was asked for.
        converter: the rates into the currency that was asked for, else into the home currency.
        converts: whether a currency was asked for.
        accounts: what accounts are called, by the ledger's names.
        models: the models as they were seen last, by endpoint id.
        zone: the user's, for civil days.
        now: when it is made (UTC).
    """

    records: Iterable[Record]
    filters: Filters
    converter: Converter
    converts: bool
    accounts: Mapping[str, str]
    models: Mapping[str, ModelFact]
    zone: tzinfo
    now: datetime


class Format(msgspec.Struct, frozen=True):
    """One export format.

    Attributes:
        suffix: of its files, with the dot.
        media_type: over HTTP.
        text: the export, in pieces.
    """

    suffix: str
    media_type: str
    text: Callable[[Export], Iterator[str]]


FORMATS: dict[str, Format] = {
    "csv": Format(".csv", "text/csv", lambda export: csv_lines(export.records)),
}
