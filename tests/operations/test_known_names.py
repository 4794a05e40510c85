"""A name that nothing recorded has is told, with what may have been meant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.desk import NOW, Desk, opened_desk
from tests.ledger.making import FLUX, HOUR, KLING
from trayd.operations.filters import WorkQuery


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with opened_desk(tmp_path_factory.mktemp("home")) as desk:
        desk.reads()
        desk.spends("1.00", NOW - HOUR, client="Northwind", project="Spring Campaign", deliverable="Hero Film")
        desk.spends("1.00", NOW - HOUR, client="Contoso", project="Relaunch", endpoint_id=FLUX, key="Premiere panel")
        # An account that is not set up here, or no more.
        desk.spends("1.00", NOW - HOUR, account="freelancer")
        yield desk


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"project": "Sprng"}, ["nothing recorded has the project “Sprng”; did you mean “Spring Campaign”?"]),
        ({"project": "campaign"}, ["nothing recorded has the project “campaign”; did you mean “Spring Campaign”?"]),
        ({"client": "northwind"}, ["nothing recorded has the client “northwind”; did you mean “Northwind”?"]),
        ({"deliverable": "Hero Flim"}, ["nothing recorded has the deliverable “Hero Flim”; did you mean “Hero Film”?"]),
        ({"model": "klng"}, [f"nothing recorded has the model “klng”; did you mean “{KLING}”?"]),
        ({"key": "panel"}, ["nothing recorded has the key “panel”; did you mean “Premiere panel”?"]),
        ({"account": "nobody"}, ["nothing recorded has the account “nobody”; known: freelancer, studio"]),
        ({"account": "freelance"}, ["nothing recorded has the account “freelance”; did you mean “freelancer”?"]),
        ({"key": "remember"}, ["nothing recorded has the key “remember”; known: Premiere panel"]),
        ({"client": "Zebra"}, ["nothing recorded has the client “Zebra”; known: Contoso, Northwind"]),
        # What there is, and what has no such mark at all, is no mistake.
        ({"client": "Northwind", "project": "Relaunch", "model": "fal-ai", "account": "northwind"}, []),
        ({"client": "", "account": "studio"}, []),
        ({"account": "freelancer"}, []),
        ({}, []),
    ],
)
def test_a_name_that_there_is_not(desk: Desk, asked: dict[str, str], told: list[str]) -> None:
    assert desk.operations.unknown_names(WorkQuery(**asked)) == told
