"""The export of a part of a history: what it tells of the rest, which others than its readers may not know."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from tests.ledger.making import DAY, FLUX, HOUR, KLING, NOON, account, covers, estimate, event, model
from tests.operations.histories import SETTINGS, home
from trayd.facts import Batch, Link
from trayd.pool_settings import Pool
from trayd.settings import Settings

HALDEN = "Halden & Co"
MINE = Pool(
    name="Northwind's plan",
    amount=Decimal(30),
    since=NOON.date(),
    split={"Northwind/Spring": Decimal(1), f"{HALDEN}/Secret launch": Decimal(2)},
)
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
    assert {each["description"] for each in document["records"] if each["kind"] == "pool"} == {MINE.name}
    assert document["pools"] == [], "their weights name other projects"
    assert {each["endpoint_id"] for each in document["models"]} == {KLING}
    assert document["coverage"] == [], "other bills of that time are not in it"


def test_of_links_that_were_taken_back_it_tells_its_own(both):
    for name, client in (("loose-1", "Northwind"), ("loose-2", HALDEN)):
        told = event(name, None, client=client, project="Spring", estimate=estimate("0.50"))
        both.ledger.add(Batch(events=(told,)))
        [loose] = [each for each in both.ledger.records() if each.client == client and each.request_id is None]
        for undone in (None, NOON + 3 * HOUR):
            link = Link(record_id=loose.id, request_id=f"r-{name}", at=NOON + 2 * HOUR, undone=undone)
            both.ledger.add(Batch(links=(link,)))
    assert [each["request_id"] for each in both.document(client="Northwind")["links"]] == ["r-loose-1"]
    assert len(both.document()["links"]) == 2


def test_one_that_leaves_nothing_out_of_its_time_has_all_of_it(both):
    for query in ({}, {"since": "2026-11-01"}):
        document = both.document(**query)
        assert {each["name"] for each in document["pools"]} == {MINE.name, THEIRS.name}
        assert {each["endpoint_id"] for each in document["models"]} == {KLING, FLUX}
        assert len(document["coverage"]) == 1


def test_a_shared_cost_that_nobody_shares_is_left_out_as_a_share_is(both, tmp_path):
    nobody = Pool(name="Halden's fonts", amount=Decimal(9), since=NOON.date() - 400 * DAY, period="once")
    operations = both.operations
    operations.settings = structs.replace(operations.settings, pool=(MINE, nobody))
    assert [each["cost"]["amount"] for each in both.document(client="")["records"]] == ["9.00"]
    with home(tmp_path / "other", SETTINGS) as other:
        answer = other.imports(both.exported(client=""))
        assert answer.rejected == ()
        assert list(other.ledger.records()) == []


def test_it_comes_in_as_before(both, tmp_path):
    with home(tmp_path / "other", both.operations.settings) as other:
        answer = other.imports(both.exported(client="Northwind"))
        assert answer.rejected == ()
        assert [record.id for record in other.ledger.records()] == ["r1"]
        assert other.ledger.get("r1").display_name == "Kling"
