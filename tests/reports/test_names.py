"""The names of saved files."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        (
            Filters(since=datetime(2026, 11, 5, 9, 0, 30, tzinfo=UTC), until=datetime(2026, 11, 5, 23, tzinfo=UTC)),
            "trayd-report-2026-11-05T100030-to-2026-11-05.html",
        ),
        (  # from the first half past two to the second
            Filters(since=datetime(2026, 10, 25, 0, 30, tzinfo=UTC), until=datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
            "trayd-report-2026-10-25T0230+0200-to-2026-10-25T0230+0100.html",
        ),
    ],
)
def test_a_name_tells_whose_it_is_and_of_when(filters, name):
    assert file_name("report", ".html", filters=filters, zone=STOCKHOLM, now=NOW) == name


def test_a_day_that_begins_at_one_is_a_day():
    santiago = ZoneInfo("America/Santiago")  # its clocks jump over the midnight of 6 September
    days = [datetime(2026, 9, day, 4 if day < 7 else 3, tzinfo=UTC) for day in (5, 6, 7)]
    for first, after, name in (
        (days[0], days[1], "2026-09-05"),
        (days[1], days[2], "2026-09-06"),
        (days[0], days[2], "2026-09-05-to-2026-09-06"),
    ):
        filters = Filters(since=first, until=after)
        assert file_name("report", "", filters=filters, zone=santiago, now=NOW) == f"trayd-report-{name}"


def test_no_two_clients_share_a_name():
    clients = ["Acme", "Acme!", "A&B", "A B", "A+B", "🎬", "!!!", "", "x" * 50, "x" * 51]
    names = {file_name("report", ".html", filters=Filters(client=each), zone=STOCKHOLM, now=NOW) for each in clients}
    assert len(names | {file_name("report", ".html", filters=Filters(), zone=STOCKHOLM, now=NOW)}) == len(clients) + 1


CLIENTS = [
    "Acme",
    "ACME",
    "A B",
    "A.B",
    "A/B",
    "a-b",
    "Straße",
    "Strasse",
    "Northwind",
    "Näckrosen",
    "Nackrosen",
    "é",
    "e\u0301",
]


def named(client, recorded=CLIENTS):
    filters = Filters(client=client, **NOVEMBER)
    return file_name("report", ".html", filters=filters, zone=STOCKHOLM, now=NOW, recorded={"client": recorded}.get)


def test_no_two_recorded_names_share_a_file_also_where_folders_make_no_difference_of_capitals():
    names = {named(client).casefold() for client in CLIENTS}
    assert len(names) == len(CLIENTS)
    assert named("") != named("No client")
    assert named("Northwind") == "trayd-report-northwind-2026-11.html", "one that is alone has no mark"


def test_a_name_does_not_hang_on_who_else_shares_it():
    assert named("A B", ["A B", "A.B"]) == named("A B", ["a/b", "A-B", "A B", "C"])
    assert named("A B", ["A B"]) == named("A B", ["C"]) == named("A B", [])


@given(st.lists(st.text(max_size=60), min_size=2, max_size=8, unique=True))
def test_no_names_of_any_sort_share_a_file(clients):
    assert len({named(client, clients).casefold() for client in clients}) == len(clients)


def test_letters_of_every_script_stay():
    assert slug("東京 Studio №5") == "東京-studio-no5"


def test_long_names_are_cut():
    assert len(slug("a very long name of a client that goes on and on")) <= 40


def test_a_name_in_any_script_is_one_that_file_systems_take():
    long = "睡蓮" * 30
    since, until = NOVEMBER["since"].replace(hour=9), NOVEMBER["until"].replace(hour=12)
    filters = Filters(client=long, project=long, deliverable=long, since=since, until=until)
    name = file_name("export", ".focus.csv", filters=filters, zone=STOCKHOLM, now=NOW)
    assert name.startswith("trayd-export-睡蓮")
    # While it is written the file has another name, and a second one of its name gets a number.
    assert 200 < len(name.encode()) <= 255 - len(".-2..12345678.trayd-part")
