"""Shares of shared costs in a report: of a period that goes on they are not final, and the report says so."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from tests.desk import DAY, NOW, Desk, opened_desk
from tests.ledger.making import event
from trayd.facts import Batch
from trayd.money import Money
from trayd.operations.exporting import ReportQuery, report_request
from trayd.pool_settings import Pool
from trayd.records import Estimate
from trayd.report_settings import ClientTerms, ReportSettings
from trayd.reports.context import ReportContext, contents, report_context
from trayd.reports.log import log_pages
from trayd.reports.words import Words

FIRST_WEEK = ReportQuery(client="Aker", since="2026-11-01", until="2026-11-07")


@pytest.fixture
def desk(tmp_path):
    with opened_desk(tmp_path) as desk:
        desk.reads()
        desk.spends("10.00", NOW - 15 * DAY, client="Aker", project="Pitch")
        yield desk


def plan(**said: object) -> Pool:
    return Pool(name="Plan", amount=Decimal("300.00"), since=date(2026, 11, 1), **said)


def made(desk: Desk, query: ReportQuery = FIRST_WEEK, now: datetime = NOW) -> ReportContext:
    desk.now = now
    request = report_request(desk.operations, query, now)
    records = list(desk.operations.books.records(request.filters, zone=UTC, newest_first=False))
    return report_context(contents(records, request), request, Words("en_US"))


def kpis(context: ReportContext) -> dict[str, str]:
    return {kpi.id: kpi.value for kpi in context.kpis}


@pytest.mark.parametrize("split", ["spend", "equal"])
def test_a_share_of_a_period_that_goes_on_is_not_final_and_later_work_changes_it(desk, split):
    desk.set(pool=(plan(split=split),))
    context = made(desk)

    assert kpis(context)["external"] == "$300.00"
    assert not context.all_confirmed
    assert context.verdict == "part of it is not final yet"
    assert [cell.detail for cell in context.pools.rows[0]][3] == "so far: not final until November 30, 2026 is over"
    assert [note for note in context.notes if "not final (Plan)" in note and "November 30, 2026" in note]
    assert ("shared, not final yet", "1") in [(fact.label, fact.value) for fact in context.origin]

    desk.spends("90.00", NOW - DAY, client="Brandt", project="Film")
    assert kpis(made(desk))["external"] == ("$30.00" if split == "spend" else "$150.00")


@pytest.mark.parametrize(("now", "settled"), [(datetime(2026, 11, 30, 23, tzinfo=UTC), False), (NOW + 11 * DAY, True)])
def test_it_is_final_when_the_period_is_over(desk, now, settled):
    desk.set(pool=(plan(),))
    assert made(desk, now=now).all_confirmed is settled


def test_it_is_not_final_while_what_it_is_divided_by_is_not_billed(desk):
    desk.set(pool=(plan(),))
    estimate = Estimate(Money.of("90.00"), NOW - DAY)
    told = event("film", "film", NOW - DAY, account="northwind", estimate=estimate, client="Brandt", project="Film")
    desk.ledger.add(Batch(events=(told,)))
    context = made(desk, now=NOW + 11 * DAY)

    assert kpis(context)["external"] == "$30.00"
    assert (context.all_confirmed, context.verdict) == (False, "part of it is not final yet")
    assert [cell.detail for cell in context.pools.rows[0]][3] == "so far: not final until all of that is billed"
    assert [note for note in context.notes if "not final (Plan): it can change until everything in the period" in note]

    desk.set(pool=(plan(split="equal"),))
    assert made(desk, now=NOW + 11 * DAY).all_confirmed, "who shares it does not hang on amounts"


def test_what_could_not_be_weighed_and_what_nobody_shares_is_told_in_the_table(desk):
    def remarks(query):
        return [row[3].detail for row in made(desk, query, NOW + 20 * DAY).pools.rows]

    desk.set(pool=(plan(), structs.replace(plan(), name="Early", since=date(2026, 10, 1), to=date(2026, 10, 2))))
    desk.ledger.add(
        Batch(events=(event("new", "new", NOW - DAY, account="northwind", client="Aker", project="Pitch"),))
    )
    assert remarks(FIRST_WEEK) == [
        "so far: not final until all of that is billed; without 1 generation that has no price yet"
    ]
    october = ReportQuery(since="2026-10-01", until="2026-10-31")
    assert remarks(october) == ["nobody shares it: no project spent anything in Oct 2026"]


def test_in_a_clients_report_nothing_is_told_of_others(desk):
    estimate = Estimate(Money.of("3.333", "KWD"), NOW - DAY)
    told = event("film", "film", NOW - DAY, account="northwind", estimate=estimate, client="Brandt", project="Film")
    desk.ledger.add(Batch(events=(told,)))
    weights = {"Aker/Pitch": Decimal(1), "Brandt/Secret": Decimal(2)}
    desk.set(pool=(plan(), structs.replace(plan(), name="Rent", split=weights)))
    [rent, shared] = sorted(row[3].detail for row in made(desk, now=NOW + 20 * DAY).pools.rows)
    assert rent == ""
    assert shared.endswith("; without amounts in KWD, for want of an exchange rate")
    everybody = ReportQuery(since="2026-11-01", until="2026-11-07")
    rows = made(desk, everybody).pools.rows
    assert [row[3].detail for row in rows if row[0].text == "Rent"] == ["no record is of a project 'Brandt/Secret'"]


def test_shares_that_are_final_are_told_from_those_that_are_not(desk):
    desk.set(pool=(plan(), structs.replace(plan(), name="Rent", split={"Aker/Pitch": Decimal(1)})))
    [external] = [kpi for kpi in made(desk).kpis if kpi.id == "external"]
    assert external.detail == "2 entries of shared costs, 1 of them not final yet"


@pytest.mark.parametrize("said", [{"split": {"Aker/Pitch": Decimal(1), "Brandt/Film": Decimal(3)}}])
def test_fixed_weights_are_final_from_the_first_day(desk, said):
    desk.set(pool=(plan(**said),))
    context = made(desk)
    assert (context.all_confirmed, context.verdict) == (True, "every cost is billed")
    assert ("shared", "1") in [(fact.label, fact.value) for fact in context.origin]


def test_where_costs_are_hidden_it_is_said_without_what_it_is_divided_by(desk):
    terms = ClientTerms(name="Aker", markup_percent=Decimal(10), hide_costs=True)
    desk.set(pool=(plan(),), report=ReportSettings(client=(terms,)))
    context = made(desk)

    assert not context.all_confirmed
    assert [note for note in context.notes if "not final (Plan)" in note]
    assert "spend" not in " ".join(context.notes)


def test_shares_are_not_called_imported(desk):
    desk.set(pool=(plan(),))
    context = made(desk)
    [external] = [kpi for kpi in context.kpis if kpi.id == "external"]

    assert external.detail == "1 entry of shared costs, not final yet"
    assert ("imported", "0") in [(fact.label, fact.value) for fact in context.origin]
    request = report_request(desk.operations, FIRST_WEEK, NOW)
    records = list(desk.operations.books.records(request.filters, zone=UTC, newest_first=False))
    [page] = log_pages(contents(records, request), request, Words("en_US"))
    assert {row.name: row.actual for row in page.rows}["Plan"] == "Shared, not final"


def test_a_report_without_a_share_of_it_is_not_held_open(desk):
    desk.set(pool=(plan(),))
    later = ReportQuery(client="Aker", since="2026-11-02", until="2026-11-07")
    assert made(desk, later, NOW + timedelta(hours=1)).all_confirmed
