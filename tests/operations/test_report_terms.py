"""Terms of a client that is written in another way in the settings: no report shows by that what it is to hide."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.desk import NOW, Desk, opened_desk
from trayd.errors import SettingsError
from trayd.operations.exporting import ReportQuery
from trayd.report_settings import ClientTerms, ReportSettings


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened_desk(tmp_path) as desk:
        desk.spends("3.17", NOW, client="Northwind")
        desk.spends("1.00", NOW, client="Contoso")
        yield desk


def says(desk: Desk, *names: str) -> None:
    clients = tuple(ClientTerms(name=name, markup_percent=Decimal(50), hide_costs=True) for name in names)
    desk.set(report=ReportSettings(client=clients))


def page(desk: Desk, client: str | None) -> str:
    return "".join(desk.operations.report(ReportQuery(client=client)))


def test_as_it_is_recorded_it_counts(desk: Desk) -> None:
    says(desk, "Northwind")
    assert "$3.17" not in page(desk, "Northwind")


@pytest.mark.parametrize("name", ["northwind", "NORTHWIND", "North Wind", "north  wind"])
def test_written_in_another_way_it_is_told_and_nothing_is_shown(desk: Desk, name: str) -> None:
    says(desk, name)
    with pytest.raises(SettingsError, match=f"names “{name}”, and the work is for “Northwind”") as told:
        page(desk, "Northwind")
    assert "trayd config edit" in told.value.cure
    assert "$1.00" in page(desk, "Contoso"), "others have nothing to do with it"
    assert "$4.17" in page(desk, None)


def test_two_clients_of_nearly_one_name_are_two(desk: Desk) -> None:
    desk.spends("2.13", NOW, client="northwind")
    says(desk, "northwind")
    assert "$3.17" in page(desk, "Northwind")
    assert "$2.13" not in page(desk, "northwind")


def test_there_is_a_way_round_for_who_has_two_such_clients(desk: Desk) -> None:
    hidden = ClientTerms(name="NORTHWIND", markup_percent=Decimal(50), hide_costs=True)
    desk.set(report=ReportSettings(client=(hidden, ClientTerms(name="Northwind"))))
    assert "$3.17" in page(desk, "Northwind")


@pytest.mark.parametrize(
    ("set_down", "works_for"), [("🎬", "★"), ("C++ GmbH", "C GmbH"), ("A.B", "AB"), ("A-B", "A B")]
)
def test_names_that_differ_in_more_than_capitals_and_blanks_are_others(
    desk: Desk, set_down: str, works_for: str
) -> None:
    desk.spends("2.13", NOW, client=works_for)
    says(desk, set_down)
    assert "$2.13" in page(desk, works_for)


def test_terms_that_hide_nothing_refuse_no_report(desk: Desk) -> None:
    desk.set(report=ReportSettings(client=(ClientTerms(name="northwind", markup_percent=Decimal(50)),)))
    assert "$3.17" in page(desk, "Northwind")
