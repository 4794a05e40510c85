"""Shares of shared costs whose period goes on: every export says that they are not final, and they are not."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.desk import NOW, Desk, opened_desk
from tests.ledger.making import DAY, billing, cost, event, row
from trayd.facts import Batch
from trayd.money import Money
from trayd.operations.exporting import ExportQuery
from trayd.pool_settings import Pool
from trayd.records import Estimate, Kind
from trayd.reports.formats import FORMATS

FIRST = NOW.date().replace(day=1)
FIGMA = Pool(name="Figma", amount=Decimal(30), since=FIRST.replace(month=10))
WEIGHTED = Pool(name="Weighted", amount=Decimal(10), since=FIRST, split={"Spring": Decimal(1), "Autumn": Decimal(1)})
YEARLY = Pool(name="Adobe", amount=Decimal(600), since=date(2026, 3, 1), period="year", split="equal")
TOLD = "what is shared of {} is not final: work up to {} can change who bears how much of it"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened_desk(tmp_path) as desk:
        for days in (2, 40):
            desk.spends("3.00", NOW - days * DAY, client="Northwind", project="Spring")
            desk.spends("1.00", NOW - days * DAY, client="Contoso", project="Autumn")
        yield desk


def exported(desk: Desk, form: str, **query: Any) -> tuple[str, list[str]]:
    document = desk.operations.export(ExportQuery(format=form, **query))
    return "".join(document), document.remarks


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_so(desk: Desk, form: str) -> None:
    desk.set(pool=(FIGMA, WEIGHTED))
    assert exported(desk, form)[1] == [TOLD.format("Figma", "2026-11-30")]
    desk.set(pool=(FIGMA, YEARLY))
    assert exported(desk, form, client="Northwind")[1] == [TOLD.format("Adobe and Figma", "2027-02-28")]
    assert exported(desk, form, until="2026-02-28")[1] == []


@pytest.mark.parametrize("form", FORMATS)
def test_of_what_is_final_nothing_is_said(desk: Desk, form: str) -> None:
    desk.set(pool=(FIGMA, WEIGHTED))
    assert exported(desk, form, until="2026-10-31")[1] == []
    desk.set(pool=(WEIGHTED,))
    assert exported(desk, form)[1] == []
    desk.set(pool=(FIGMA,))
    desk.now = NOW.replace(month=12, day=1, hour=0)
    assert exported(desk, form, until="2026-11-30")[1] == []


def test_an_imported_cost_is_open_while_its_month_goes_on_unless_one_project_bears_it(desk: Desk) -> None:
    shared = [
        cost("recent", NOW, "9.00", description="Recent", kind=Kind.POOL),
        cost("earlier", NOW - 31 * DAY, "9.00", description="Earlier", kind=Kind.POOL),
        cost("owned", NOW, "9.00", description="Owned", kind=Kind.POOL, project="Spring"),
    ]
    desk.ledger.add(Batch(costs=tuple(shared)))
    assert exported(desk, "csv")[1] == [TOLD.format("Recent", "2026-11-30")]
    told = {
        (each["description"], each["project"]): each.get("open_until")
        for each in json.loads(exported(desk, "json")[0])["records"]
        if each["kind"] == "pool"
    }
    assert told == {
        ("Recent", "Spring"): "2026-11-30",
        ("Recent", "Autumn"): "2026-11-30",
        ("Earlier", "Spring"): None,
        ("Earlier", "Autumn"): None,
        ("Owned", "Spring"): None,
    }


def test_one_is_open_while_what_it_is_divided_by_is_not_billed(desk: Desk) -> None:
    desk.set(pool=(FIGMA,))
    estimate = Estimate(Money.of("4.00"), NOW - DAY)
    late = event(
        "late", "late", NOW - DAY, account="northwind", estimate=estimate, client="Northwind", project="Winter"
    )
    desk.ledger.add(Batch(events=(late,)))
    desk.now = NOW.replace(month=12, day=1, hour=0)
    text, remarks = exported(desk, "json", since=str(FIRST), until="2026-11-30")
    assert remarks == [
        (
            "what is shared of Figma is not final: "
            "who bears how much of it can change until all work of its period is billed"
        )
    ]
    shares = [each for each in json.loads(text)["records"] if each["kind"] == "pool"]
    assert {each["open_until"] for each in shares} == {None}
    desk.ledger.add(Batch(billing=(billing("late", row("4.00", at=NOW - DAY), account="northwind"),)))
    assert exported(desk, "json", since=str(FIRST), until="2026-11-30")[1] == []


def test_one_that_nobody_shares_yet_can_be_shared_by_the_next_project(tmp_path: Path) -> None:
    with opened_desk(tmp_path) as desk:
        desk.set(pool=(FIGMA,))
        assert exported(desk, "csv", since=str(FIRST))[1] == [TOLD.format("Figma", "2026-11-30")]


def test_what_is_said_to_change_does(desk: Desk) -> None:
    desk.set(pool=(FIGMA, WEIGHTED))

    def costs() -> dict[tuple[str, str], str]:
        rows = csv.DictReader(io.StringIO(exported(desk, "csv", since=str(FIRST))[0], newline=""))
        return {(row["description"], row["project"]): row["cost"] for row in rows if row["kind"] == "pool"}

    before = costs()
    desk.spends("4.00", NOW - DAY, project="Winter")
    after = costs()
    assert {key for key in before if before[key] != after[key]} == {("Figma", "Spring"), ("Figma", "Autumn")}
