"""The export of a part of a history: what it tells of the rest, which others than its readers may not know."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.ledger.making import FLUX, HOUR, KLING, NOON, account, covers, estimate, event, model
from tests.operations.histories import SETTINGS, home
from trayd.facts import Batch
from trayd.pool_settings import Pool
from trayd.settings import Settings

HALDEN = "Halden & Co"
MINE = Pool(name="Northwind's plan", amount=Decimal(30), since=NOON.date(), split={"Northwind/Spring": Decimal(1)})
THEIRS = Pool(name="Halden's plan", amount=Decimal(30), since=NOON.date(), split={f"{HALDEN}/Relaunch": Decimal(1)})


@pytest.fixture
def both(tmp_path):
    """Work for two clients, each with a model and a shared cost of its own."""
    settings = Settings(
        locale="en_US", time_zone="UTC", account=SETTINGS.account, pool=(MINE, THEIRS), home_currency="USD"
    )
    with home(tmp_path / "both", settings) as one:
        one.ledger.add(
            Batch(
                accounts=(account("studio", "acme"),),
                models=(model("Kling"), model("Halden's own", NOON, FLUX)),
                events=(
                    event("e1", "r1", client="Northwind", project="Spring", estimate=estimate("1.20")),
                    event(
                        "e2", "r2", NOON + HOUR, client=HALDEN, project="Relaunch", estimate=estimate("2.00"),
                        endpoint_id=FLUX,
                    ),
                ),
                coverage=(covers("acme", NOON - HOUR, NOON + 9 * HOUR),),
            )
        )  # fmt: skip
        yield one


def test_of_one_client_it_tells_nothing_of_another(both):
    text = both.exported(client="Northwind").decode()
    assert "Halden" not in text
    assert FLUX not in text
    document = both.document(client="Northwind")
    assert [each["name"] for each in document["pools"]] == [MINE.name]
    assert {each["endpoint_id"] for each in document["models"]} == {KLING}
    assert document["coverage"] == [], "other bills of that time are not in it"
    assert both.document(client="Northwind", kind="internal")["pools"] == []


def test_one_that_leaves_nothing_out_of_its_time_has_all_of_it(both):
    for query in ({}, {"since": "2026-11-01"}):
        document = both.document(**query)
        assert {each["name"] for each in document["pools"]} == {MINE.name, THEIRS.name}
        assert {each["endpoint_id"] for each in document["models"]} == {KLING, FLUX}
        assert len(document["coverage"]) == 1


def test_it_comes_in_as_before(both, tmp_path):
    with home(tmp_path / "other", both.operations.settings) as other:
        answer = other.imports(both.exported(client="Northwind"))
        assert answer.rejected == ()
        assert [record.id for record in other.ledger.records()] == ["r1"]
        assert other.ledger.get("r1").display_name == "Kling"
