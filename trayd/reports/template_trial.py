"""Tries templates of one's own on a report that was made up, before a client waits for a real one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec

from trayd.facts import ModelFact
from trayd.insight.pools import Unsettled
from trayd.money import Money
from trayd.rates import Converter, Rate, RateSource
from trayd.records import Counting, Estimate, ExternalCost, Filters, Generation, Kind, Record
from trayd.report_settings import ClientTerms
from trayd.reports.context import contents, report_context
from trayd.reports.log import log_pages
from trayd.reports.own_templates import Job, own_page
from trayd.reports.request import Agency, ReportRequest, SharedCost
from trayd.reports.words import Words

#: A page of so few entries is made in a second; a template that takes longer does not end for most.
_DEADLINE_S = 5.0

_CLIENT, _PROJECT = "Northwind", "Spring Campaign"
_FLUX = "fal-ai/flux/dev"
_DAY = date(2026, 11, 20)
_AT = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)


def try_templates(folder: Path, locale: str) -> None:
    """Has the templates in that folder make pages: of all work, of what a client is charged, of nothing.

    So each part of a report is there once, and is missing once.

    Args:
        folder: as :func:`~trayd.reports.own_templates.templates_folder` gives it.
        locale: how amounts are written.

    Raises:
        TraydError: a template cannot be read, is wrong, or takes too long; it names file and line.
    """
    words = Words(locale)
    charged = ClientTerms(name=_CLIENT, rate=Decimal(2))
    hidden = msgspec.structs.replace(charged, hide_costs=True)
    for request, records in (
        (_request(locale), _records()),
        (_request(locale, charged), _records()),
        (_request(locale, hidden), _records()),
        (msgspec.structs.replace(_request(locale), agency=Agency(), shared=()), []),
    ):
        made_of = contents(records, request)
        context, log = report_context(made_of, request, words), log_pages(made_of, request, words)
        for _ in own_page(context, log, Job(str(folder), deadline_s=_DEADLINE_S)):
            pass


def _request(locale: str, terms: ClientTerms | None = None) -> ReportRequest:
    euro = Rate(Decimal("1.0834"), _DAY, RateSource.ECB, last_known=False)
    share = _share()
    return ReportRequest(
        filters=Filters(client=terms.name if terms else None),
        converter=Converter("USD", lambda currency, _day: euro if currency == "EUR" else None),
        home="USD",
        locale=locale,
        zone=UTC,
        now=_AT + timedelta(days=1),
        agency=Agency(name="Studio Nord", address=("Hafenstraße 12", "20457 Hamburg"), note=("Payable in 30 days.",)),
        terms=terms,
        models={_FLUX: ModelFact(endpoint_id=_FLUX, seen_at=_AT, license_type="research")},
        shared=(
            SharedCost(
                name=share.description,
                whole=Money.of("30.00"),
                since=_DAY.replace(day=1),
                until=date(2026, 12, 1),
                basis="by spend",
                remark="",
                shares=(share,),
                unsettled=Unsettled(date(2026, 11, 30)),
            ),
        ),
    )


def _records() -> list[Record]:
    """In the order of time: billed, estimated, without a price, of another tool in another currency, a share."""
    billed = Generation(
        id="764cabcf-b745-4b3e-ae38-1200304cf45b",
        request_id="764cabcf-b745-4b3e-ae38-1200304cf45b",
        account="studio",
        endpoint_id="fal-ai/kling-video/v3/pro/text-to-video",
        display_name="Kling 3.0 Pro",
        operation="text-to-video",
        timestamp=_AT,
        duration_s=41.7,
        units=Decimal(8),
        unit="seconds",
        unit_price=Decimal("0.14"),
        estimate=Estimate(Money.of("1.15"), _AT),
        actual=Money.of("1.12"),
        key="studio-mac",
        client=_CLIENT,
        project=_PROJECT,
        deliverable="Hero Film",
        note="second take",
        parameters={"resolution": "1080p"},
        counting=Counting.ACTUAL,
    )
    estimated, unpriced = (
        Generation(
            id=name,
            account="studio",
            endpoint_id=_FLUX,
            timestamp=_AT + timedelta(minutes=minutes),
            estimate=estimate,
            client=_CLIENT,
            counting=Counting.UNKNOWN if estimate is None else Counting.ESTIMATE,
        )
        for minutes, name, estimate in ((1, "estimated", Estimate(Money.of("0.03"), _AT)), (2, "unpriced", None))
    )
    imported = ExternalCost(
        id="imported",
        date=_DAY,
        description="Voice-over",
        amount=Money.of("12.00", "EUR"),
        category="audio",
        source="elevenlabs",
        client=_CLIENT,
        project=_PROJECT,
    )
    return [imported, _share(), billed, estimated, unpriced]


def _share() -> ExternalCost:
    return ExternalCost(
        id="share",
        date=_DAY,
        description="Midjourney plan",
        amount=Money.of("18.75"),
        source="midjourney",
        client=_CLIENT,
        project=_PROJECT,
        note="62.5 % of 30.00 USD by spend",
        kind=Kind.POOL,
    )
