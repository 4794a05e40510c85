"""Of time of which fal's bills were never read a report says so: that is not nothing, and not settled."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.desk import DAY, NOW, Desk, opened_desk
from tests.ledger.making import cost
from trayd.facts import Batch
from trayd.operations.exporting import ExportQuery, ReportQuery, report_request
from trayd.records import Kind
from trayd.report_settings import ClientTerms, ReportSettings
from trayd.reports.context import ReportContext, contents, report_context
from trayd.reports.formats import FORMATS
from trayd.reports.words import Words
from trayd.settings import Account

HOUR = timedelta(hours=1)
MONTH = {"since": "2026-11-01", "until": "2026-11-30"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened_desk(tmp_path) as desk:
        desk.spends("10.00", NOW - 2 * DAY, client="Aker")
        yield desk


def made(desk: Desk, now: datetime = NOW, **query: Any) -> ReportContext:
    desk.now = now
    request = report_request(desk.operations, ReportQuery(**query), now)
    records = list(desk.operations.books.records(request.filters, zone=UTC, newest_first=False))
    return report_context(contents(records, request), request, Words("en_US"))


def kpis(context: ReportContext) -> dict[str, tuple[str, str]]:
    return {kpi.id: (kpi.value, kpi.detail) for kpi in context.kpis}


def test_a_period_that_begins_before_the_first_bill_is_not_settled(desk: Desk) -> None:
    desk.reads(since=15 * DAY)
    context = made(desk, **MONTH)
    assert (context.verdict, context.all_confirmed) == ("fal's bills of part of this period are not known", False)
    assert kpis(context)["internal"] == ("$10.00", "Internal: generations on fal.ai; fal's bills are known in part")
    table = {point.label: (point.internal, point.total) for point in context.over_time.points}
    assert table["November 4, 2026"] == ("unknown", "unknown")
    assert table["November 5, 2026"] == ("$0.00", "$0.00")
    assert "Average" not in context.over_time.summary
    assert context.notes[0] == (
        "Fal's bills are known from November 5, 2026, 00:00 on: what it billed before is not in here."
    )
    assert made(desk, since="2026-11-05", until="2026-11-30").all_confirmed


def test_what_a_client_is_charged_for_such_days_is_not_known_either(desk: Desk) -> None:
    desk.reads(since=15 * DAY)
    desk.set(report=ReportSettings(client=(ClientTerms(name="Aker", markup_percent=Decimal(10)),)))
    context = made(desk, **MONTH, client="Aker")
    table = {point.label: point.charge for point in context.over_time.points}
    assert (table["November 4, 2026"], table["November 5, 2026"]) == ("unknown", "$0.00")
    assert kpis(context)["charge"] == ("$11.00", "The cost plus 10%; fal's bills are known in part")


def test_a_period_that_trayd_did_not_run_to_the_end_of_is_not_settled(desk: Desk) -> None:
    desk.reads(until=NOW - DAY)
    context = made(desk, now=NOW + 20 * DAY, **MONTH)
    assert (context.verdict, context.all_confirmed) == ("fal's bills of part of this period are not known", False)
    until = f"{NOW - DAY:%B} {(NOW - DAY).day}, 2026, {NOW:%H:%M}"
    assert context.notes[0] == f"Fal's bills are known up to {until}: what it billed after is not in here."
    assert made(desk, now=NOW + 20 * DAY, since="2026-11-01", until=str((NOW - 2 * DAY).date())).all_confirmed


def test_of_a_time_of_which_nothing_was_read_nothing_is_unknown(desk: Desk) -> None:
    desk.reads(until=NOW)
    desk.ledger.add(Batch(costs=(cost("voices", NOW + 12 * DAY, "5.00"),)))
    december = {"since": "2026-12-01", "until": "2026-12-05"}
    context = made(desk, now=NOW + 20 * DAY, **december)
    assert context.verdict == "fal's bills of this period are not known"
    found = kpis(context)
    assert found["internal"] == ("unknown", "Internal: generations on fal.ai; fal's bills are not known")
    assert found["external"][0] == "$5.00"
    assert found["combined"] == ("$5.00", "External alone; fal's bills are not known")
    assert {point.internal for point in context.over_time.points} == {"unknown"}
    assert context.notes[0] == "Fal's bills of this time are not known: what it billed is not in here."
    assert made(desk, now=NOW + 20 * DAY, kind=Kind.EXTERNAL, **december).all_confirmed, (
        "other tools do not hang on fal"
    )


def test_now_is_known_where_fal_was_asked_within_the_hour(desk: Desk) -> None:
    desk.reads(until=NOW - HOUR / 2)
    assert made(desk, since="2026-11-01").all_confirmed
    assert not made(desk, now=NOW + HOUR, since="2026-11-01").all_confirmed


def test_without_a_beginning_a_period_begins_with_what_there_is(desk: Desk) -> None:
    desk.reads(since=3 * DAY)
    assert made(desk).all_confirmed
    desk.ledger.add(Batch(costs=(cost("voices", NOW - 20 * DAY, "5.00"),)))
    assert not made(desk).all_confirmed, "its title begins with that day"


def test_every_account_has_to_be_read_unless_another_one_is_asked_for(desk: Desk) -> None:
    desk.reads()
    desk.reads(since=2 * DAY, who="acme")
    desk.set(account=(Account(name="studio"), Account(name="acme")))
    assert not made(desk, **MONTH, account="acme").all_confirmed
    assert not made(desk, **MONTH).all_confirmed
    assert made(desk, **MONTH, account="studio").verdict == "every cost is billed"


def test_who_never_had_bills_misses_none(desk: Desk) -> None:
    assert made(desk, **MONTH).verdict == "every cost is billed"


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_says_so_as_well(desk: Desk, form: str) -> None:
    desk.reads(since=2 * DAY, until=NOW - DAY)

    def remarks(**query: str) -> list[str]:
        document = desk.operations.export(ExportQuery(format=form, **query))
        "".join(document)
        return document.remarks

    told = f"fal's bills are known from 2026-11-18 00:00 to {NOW - DAY:%Y-%m-%d %H:%M}: "
    assert remarks(**MONTH) == [f"{told}what it billed before and after is not in here"]
    assert remarks(since="2026-11-18", until=str((NOW - 2 * DAY).date())) == []
