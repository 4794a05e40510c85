"""The names of saved files."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from trayd.records import Filters
from trayd.reports.names import file_name, slug

STOCKHOLM = ZoneInfo("Europe/Stockholm")
NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
NOVEMBER = {
    "since": datetime(2026, 10, 31, 23, tzinfo=UTC),
    "until": datetime(2026, 11, 30, 23, tzinfo=UTC),
}


@pytest.mark.parametrize(
    ("filters", "name"),
    [
        (Filters(client="Northwind", **NOVEMBER), "trayd-report-northwind-2026-11.html"),
        (Filters(**NOVEMBER), "trayd-report-2026-11.html"),
        (Filters(), "trayd-report-to-2026-11-20.html"),
        (
            Filters(client="Näckrosen AB", project="Spring / Summer", since=NOVEMBER["since"]),
            "trayd-report-nackrosen-ab-spring-summer-2026-11-01-to-2026-11-20.html",
        ),
        (
            Filters(client="../..", since=datetime(2026, 11, 19, 23, tzinfo=UTC)),
            "trayd-report-client-0cfd1c-2026-11-20.html",
        ),
        (Filters(client="", project="Pitch", **NOVEMBER), "trayd-report-no-client-pitch-2026-11.html"),
        (
            Filters(since=datetime(2026, 11, 5, 9, tzinfo=UTC), until=datetime(2026, 11, 5, 12, 30, tzinfo=UTC)),
            "trayd-report-2026-11-05T1000-to-2026-11-05T1330.html",
        ),
    ],
)
def test_a_name_tells_whose_it_is_and_of_when(filters, name):
    assert file_name("report", ".html", filters=filters, zone=STOCKHOLM, now=NOW) == name


def test_no_two_clients_share_a_name():
    clients = ["Acme", "Acme!", "A&B", "A B", "A+B", "🎬", "!!!", "", "x" * 50, "x" * 51]
    names = {file_name("report", ".html", filters=Filters(client=each), zone=STOCKHOLM, now=NOW) for each in clients}
    assert len(names | {file_name("report", ".html", filters=Filters(), zone=STOCKHOLM, now=NOW)}) == len(clients) + 1


def test_letters_of_every_script_stay():
    assert slug("東京 Studio №5") == "東京-studio-no5"


def test_long_names_are_cut():
    assert len(slug("a very long name of a client that goes on and on")) <= 40


def test_a_name_in_any_script_is_one_that_file_systems_take():
    long = "睡蓮" * 30
    name = file_name(
        "report", ".html", filters=Filters(client=long, project=long, deliverable=long), zone=STOCKHOLM, now=NOW
    )
    assert 150 < len(name.encode()) <= 255
    assert name.startswith("trayd-report-睡蓮")
