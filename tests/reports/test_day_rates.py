"""Rates that change every day: each amount of a page is converted at that of its own civil day, where the user is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.insight.samples import daily, external, generation
from trayd.records import Filters
from trayd.report_settings import ClientTerms
from trayd.reports.context import contents
from trayd.reports.log import LogRow, log_pages
from trayd.reports.request import ReportRequest
from trayd.reports.words import Words

STOCKHOLM, APIA = ZoneInfo("Europe/Stockholm"), ZoneInfo("Pacific/Apia")

#: Still November in UTC and west of it.
LATE = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
FACTORS = {"2026-11-30": "2", "2026-12-01": "3"}


def rows(of, zone, terms=None) -> list[LogRow]:
    request = ReportRequest(
        filters=Filters(client="Northwind"),
        converter=daily("USD", EUR=FACTORS),
        home="USD",
        locale="en_US",
        zone=zone,
        now=LATE,
        terms=terms,
    )
    return [row for each in log_pages(contents(of, request), request, Words("en_US")) for row in each.rows]


@pytest.mark.parametrize(("zone", "factor"), [(UTC, 2), (STOCKHOLM, 3), (APIA, 3)])
def test_of_a_generation_it_is_the_day_where_the_user_is(zone, factor):
    work = generation("1.25", timestamp=LATE, currency="EUR", client="Northwind")
    (row,) = rows([work], zone)
    assert row.converted == f"${Decimal('1.25') * factor:.2f}"
    (row,) = rows([work], zone, ClientTerms(name="Northwind", markup_percent=Decimal(100)))
    assert row.charge == f"${Decimal('2.50') * factor:.2f}"
    (row,) = rows([work], zone, ClientTerms(name="Northwind", markup_percent=Decimal(100), hide_costs=True))
    assert f"${Decimal('2.50') * factor:.2f}" in {row.converted, row.cost}


@pytest.mark.parametrize("zone", [UTC, STOCKHOLM, APIA])
@pytest.mark.parametrize("day", FACTORS)
def test_of_what_has_a_date_it_is_that_everywhere(zone, day):
    (row,) = rows([msgspec.structs.replace(external("1.25", currency="EUR"), date=date.fromisoformat(day))], zone)
    assert row.converted == f"${Decimal('1.25') * int(FACTORS[day]):.2f}"
