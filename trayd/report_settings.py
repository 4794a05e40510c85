"""``[report]`` in the settings: who a report is from, what clients are charged, and reports that make themselves."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from trayd.money import is_currency
from trayd.texts import check_names, is_tidy
from trayd.user_paths import user_path

#: How often a report can make itself.
INTERVALS = ("week", "month")

#: What a scheduled report can be made as, beside the page.
SCHEDULED_FORMATS = ("html", "csv", "focus", "json", "ledger")

_LARGEST_PERCENT = 1000
_LARGEST_RATE = Decimal(10) ** 9
_LONGEST_LINE = 200
_MOST_LINES = 12


class ClientTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client is charged: what it cost and a markup, or rates of one's own. It counts in that client's reports.

    Attributes:
        name: the client, as records are tagged.
        markup_percent: on top of what an entry cost, where no rate says what it is charged at.
        rate: what each generation that did not fail is charged at, in the home currency, whatever it cost; None: by its
            cost.
        rates: the same for single models, by endpoint id; before ``rate``.
        hide_costs: whether reports for the client say only what is charged, and nothing of what it cost; that has to be
            something else. Exports are for one's own books, and always say what it cost.
    """

    name: str
    markup_percent: Decimal = Decimal(0)
    rate: Decimal | None = None
    rates: dict[str, Decimal] = {}
    hide_costs: bool = False

    def __post_init__(self) -> None:
        check_names("report.client", (self.name,))
        told = f"report.client {self.name!r}"
        if not self.markup_percent.is_finite() or not 0 <= self.markup_percent <= _LARGEST_PERCENT:
            raise ValueError(f"{told}: markup_percent is from 0 to {_LARGEST_PERCENT}, not {self.markup_percent}")
        given = {"rate": self.rate, **{f"rates.{model!r}": rate for model, rate in self.rates.items()}}
        for name, rate in given.items():
            if rate is not None and (not rate.is_finite() or not 0 <= rate <= _LARGEST_RATE):
                raise ValueError(f"{told}: {name} is an amount of zero or more, such as 1.50, not {rate}")
        if self.hide_costs and not self.markup_percent and self.rate is None and not self.rates:
            raise ValueError(
                f"{told}: hide_costs hides nothing from who is charged just what it cost; add markup_percent or rate"
            )


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reports that make themselves once a week or a month is over.

    Attributes:
        every: ``week`` (from Monday on) or ``month``.
        name: what messages call it; empty: as often as it is.
        clients: whom there is a report for, each in a file of its own, where there are entries; without any, each
            client that has some.
        folder: where they go, as an absolute path; empty: the usual folder.
        formats: what is made for each: the page, or an export.
        currency: the ISO 4217 code that totals are in; empty: the home currency.
        after_days: how many days after its end a period is reported; fal bills late, and what is not billed by then
            is named as estimated.
    """

    every: str
    name: str = ""
    clients: tuple[str, ...] = ()
    folder: str = ""
    formats: tuple[str, ...] = ("html",)
    currency: str = ""
    after_days: Annotated[int, Meta(ge=0, le=14)] = 2

    def __post_init__(self) -> None:
        if self.every not in INTERVALS:
            raise ValueError(f"report.schedule: every is {' or '.join(INTERVALS)}, not {self.every!r}")
        if any(mark in self.name for mark in "/:") or not is_tidy(self.name):
            raise ValueError(f"report.schedule: the name {self.name!r} cannot have a / or a : or a line break in it")
        if twice := [name for name in self.clients if self.clients.count(name) > 1]:
            raise ValueError(f"report.schedule: clients names one twice: {twice[0]!r}")
        check_names("report.schedule.clients", self.clients)
        if self.folder and not user_path(self.folder).is_absolute():
            raise ValueError(f"report.schedule: folder is an absolute path, not {self.folder!r}")
        wrong = [name for name in self.formats if name not in SCHEDULED_FORMATS]
        if wrong or not self.formats:
            found = f", not {wrong[0]!r}" if wrong else ""
            raise ValueError(f"report.schedule: formats are of {', '.join(SCHEDULED_FORMATS)}{found}")
        if len(set(self.formats)) < len(self.formats):
            raise ValueError(f"report.schedule: formats names one twice: {', '.join(self.formats)}")
        if self.currency and not is_currency(self.currency):
            raise ValueError(f"report.schedule: currency {self.currency!r} is no ISO 4217 code such as USD or EUR")

    @property
    def called(self) -> str:
        """What messages call it, and what is made for it is remembered under."""
        return self.name or f"{self.every}ly"

    @property
    def own_folder(self) -> Path | None:
        """Where its reports go; None: to the usual folder."""
        return user_path(self.folder) if self.folder else None


class ReportSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reports.

    Attributes:
        name: who the report is from; ``address`` and ``note`` are lines below it and at its end.
        logo: a picture (PNG, JPEG, WebP or SVG), as an absolute path or beside the settings file.
        templates: a folder with templates of one's own, likewise; empty: those that come with trayd.
        client: what clients are charged.
        schedule: reports that make themselves.
    """

    name: str = ""
    address: str = ""
    note: str = ""
    logo: str = ""
    templates: str = ""
    client: tuple[ClientTerms, ...] = ()
    schedule: tuple[Schedule, ...] = ()

    def __post_init__(self) -> None:
        for field in ("name", "address", "note"):
            lines = getattr(self, field).splitlines()
            if len(lines) > (1 if field == "name" else _MOST_LINES) or any(len(line) > _LONGEST_LINE for line in lines):
                raise ValueError(
                    f"report.{field} has at most {'one line' if field == 'name' else f'{_MOST_LINES} lines'} "
                    f"of {_LONGEST_LINE} characters"
                )
        for path in (self.logo, self.templates):
            user_path(path)
        check_names("report.client", [terms.name for terms in self.client])
        check_names("report.schedule", [schedule.called for schedule in self.schedule])

    def terms(self, client: str | None) -> ClientTerms | None:
        """What that client is charged; None where nothing is said of it."""
        return next((terms for terms in self.client if terms.name == client), None)
