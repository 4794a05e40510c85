"""What a report is asked to be: about what, from whom, for whom, in which currency and notation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from types import MappingProxyType

import msgspec

from trayd.facts import ModelFact
from trayd.insight.pools import Unsettled
from trayd.money import Money
from trayd.rates import Converter
from trayd.records import ExternalCost, Filters
from trayd.report_settings import ClientTerms
from trayd.reports.missing_bills import KnownBills
from trayd.reports.periods import is_month

NO_MODELS: Mapping[str, ModelFact] = MappingProxyType({})


class Agency(msgspec.Struct, frozen=True, kw_only=True):
    """Who a report is from.

    Attributes:
        name: in one line; ``address`` and ``note`` are lines.
        logo: a picture as a ``data:`` URI; empty without one.
    """

    name: str = ""
    address: tuple[str, ...] = ()
    note: tuple[str, ...] = ()
    logo: str = ""


class SharedCost(msgspec.Struct, frozen=True, kw_only=True):
    """A pool cost of which the report has a share.

    Attributes:
        name: what it is for.
        whole: all of it, and ``since`` and ``until`` the period that it is for: its first day, and the first one after.
        basis: what it was divided by, in words; ``remark`` is what else there is to know of that.
        shares: the report's, a project each; the cost itself where it is not divided.
        unsettled: what can still change the shares; None where they are final.
    """

    name: str
    whole: Money
    since: date
    until: date
    basis: str
    remark: str
    shares: tuple[ExternalCost, ...]
    unsettled: Unsettled | None = None

    @property
    def source(self) -> str:
        """Where it is from: the tool, or the pool of the settings."""
        return self.shares[0].source

    @property
    def is_month(self) -> bool:
        """Whether it is for one calendar month."""
        return is_month(self.since, self.until - timedelta(days=1))


class ReportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is asked to be.

    Attributes:
        filters: what was asked for; the title block says so.
        converter: the rates into the currency that totals are in.
        home: the home currency, which the rates of ``terms`` are in.
        locale: how amounts and numbers are written.
        zone: the user's, for days and times.
        now: when the report is made.
        agency: who it is from.
        terms: what the client of the report is charged; None where nothing is charged.
        models: what fal's catalogue says of models, by endpoint id.
        shared: the pool costs of which the report has a share, newest first.
        bills: of which time fal's bills are known; None where none were ever read of what is asked for.
        templates: the folder with templates of one's own; None: those that come with trayd.
    """

    filters: Filters
    converter: Converter
    home: str
    locale: str
    zone: tzinfo
    now: datetime
    agency: Agency = Agency()
    terms: ClientTerms | None = None
    models: Mapping[str, ModelFact] = NO_MODELS
    shared: tuple[SharedCost, ...] = ()
    bills: KnownBills | None = None
    templates: Path | None = None

    @property
    def open_shares(self) -> frozenset[str]:
        """The ids of the shares that are not final."""
        return frozenset(share.id for cost in self.shared if cost.unsettled for share in cost.shares)

    @property
    def charged_terms(self) -> ClientTerms | None:
        """The terms, where they count: in a report of that client alone."""
        return self.terms if self.terms and self.terms.name == self.filters.client else None
