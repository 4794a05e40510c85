"""Sums by day, weekday and hour of the clock: the same as a recount by the wall clock, in zones of every kind."""

import tempfile
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.insight.recount import Recount, parts_told
from tests.ledger.making import DAY, HOUR, NOON, billing, cost, covers, crash, event, opened, row
from tests.ledger.test_rollups import batches, thorough
from trayd.facts import Batch
from trayd.ledger import civil_time
from trayd.records import NO_HOUR, Filters, Kind, TimePart

ALL = Filters()
ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/Stockholm",
        "Australia/Lord_Howe",  # half an hour
        "Africa/Casablanca",  # back for Ramadan
        "America/Havana",  # over midnight, so that a day begins at one o'clock
        "Africa/Cairo",  # the same, and a day whose last hour comes twice
        "Antarctica/Troll",  # two hours
        "Asia/Kathmandu",  # 5:45
        "Pacific/Apia",
        "UTC",
    )
] + [timezone(timedelta(hours=-3, minutes=-30))]
#: Where clocks are changed, a leap day, the ends of months and of the year; all of them in what billing can touch.
TURNS = [
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 5, tzinfo=UTC),
    datetime(2026, 10, 29, 21, tzinfo=UTC),
    datetime(2026, 9, 30, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 8, 31, 12, tzinfo=UTC),
]
near_turns = st.builds(
    lambda turn, seconds: turn + timedelta(seconds=seconds), st.sampled_from(TURNS), st.integers(-100_000, 100_000)
)
requests = st.sampled_from([f"r{n}" for n in range(8)])
at_turns = st.builds(
    lambda request, when, total, fetched: Batch(
        billing=(billing(request, row(total, when), fetched=NOON + fetched * HOUR),)
    ),
    requests,
    near_turns,
    st.sampled_from(["1.12", "0.000000001", "3"]),
    st.integers(0, 5),
)
events_at_turns = st.builds(
    lambda request, when: Batch(events=(event(f"e{request}{when}", request, when, client="Northwind"),)),
    requests,
    near_turns,
)
steps = st.lists(at_turns | events_at_turns | batches | st.just("ask"), min_size=4, max_size=20)
edges = st.none() | near_turns


def assert_as_recounted(ledger, filters, zone):
    recount = Recount(ledger.records(zone=zone))
    for part in TimePart:
        found = parts_told(ledger.sums_over_time(filters, part, zone=zone))
        assert found == parts_told(recount.sums_over_time(filters, part, zone=zone)), part


@thorough
@given(steps, st.tuples(edges, edges), st.lists(st.sampled_from(ZONES), min_size=2, max_size=2))
def test_whatever_happens_the_parts_are_those_of_the_wall_clock(steps, window, zones):
    since, until = window
    asked = (
        ALL,
        Filters(since=since, until=until),
        Filters(since=since, client="Northwind"),
        Filters(until=until, model="fal-ai/flux", client="Northwind"),
        Filters(kind=Kind.EXTERNAL),
    )
    with tempfile.TemporaryDirectory() as folder:
        ledger = opened(Path(folder))
        for step in steps:
            if step == "ask":
                # What is remembered now must not be what is told when a record has come, or moved to another month.
                ledger.checkpoint()
                for filters in asked:
                    assert_as_recounted(ledger, filters, zones[0])
            elif step in ("checkpoint", "crash", "restart"):
                ledger.checkpoint() if step == "checkpoint" else crash(ledger) if step == "crash" else ledger.close()
                ledger = ledger if step == "checkpoint" else opened(Path(folder))
            else:
                ledger.add(step)
        for zone in zones:
            for filters in asked:
                assert_as_recounted(ledger, filters, zone)
        ledger.close()


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - naive bounds
)
def test_civil_time_is_what_the_zone_says_at_any_instant(zone, when):
    at = (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    [(_, _, ahead)] = civil_time._steady(at, at + 1, zone)
    assert timedelta(microseconds=ahead) == when.astimezone(zone).utcoffset()


def of_part(ledger, part, zone, **filters):
    found = {}
    for _, buckets in ledger.sums_over_time(Filters(**filters), part, zone=zone):
        for number, count, _ in zip(*buckets, strict=True):
            found[number] = found.get(number, 0) + count
    return found


def test_an_hour_that_comes_twice_is_one_and_one_that_is_left_out_has_nothing(ledger):
    zone = ZoneInfo("Europe/Stockholm")
    for start in (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC)):
        facts = tuple(
            billing(f"{start}{n}", row("1.00", start + n * HOUR)) for n in range(25 if start.month > 6 else 23)
        )
        ledger.add(Batch(billing=facts))
    autumn = of_part(ledger, TimePart.HOUR, zone, since=datetime(2026, 10, 1, tzinfo=UTC))
    assert autumn == {hour: 2 if hour == 2 else 1 for hour in range(24)}
    spring = of_part(ledger, TimePart.HOUR, zone, until=datetime(2026, 10, 1, tzinfo=UTC))
    assert spring == {hour: 1 for hour in range(24) if hour != 2}


def test_lord_howe_changes_its_clock_by_half_an_hour(ledger):
    zone = ZoneInfo("Australia/Lord_Howe")
    # At 2:00 on 4 October 2026 it is 2:30; at 2:00 on 5 April it was 1:30 again.
    quarter = timedelta(minutes=15)
    for name, start in (
        ("spring", datetime(2026, 10, 3, 15, tzinfo=UTC)),
        ("autumn", datetime(2026, 4, 4, 14, tzinfo=UTC)),
    ):
        facts = tuple(billing(f"{name}{n}", row("1.00", start + n * quarter)) for n in range(10))
        ledger.add(Batch(billing=facts))
    # From 1:30: two quarters of one o'clock, two of two o'clock, four of three o'clock.
    assert of_part(ledger, TimePart.HOUR, zone, since=datetime(2026, 9, 1, tzinfo=UTC)) == {1: 2, 2: 2, 3: 4, 4: 2}
    # From 1:00: six quarters of one o'clock, and four of two o'clock.
    assert of_part(ledger, TimePart.HOUR, zone, until=datetime(2026, 9, 1, tzinfo=UTC)) == {1: 6, 2: 4}


def test_a_cost_of_a_statement_has_a_date_a_weekday_and_no_hour(ledger):
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    ledger.add(Batch(costs=(cost("c1", monday, "5"),)))
    for zone in (ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Pago_Pago")):
        assert of_part(ledger, TimePart.WEEKDAY, zone) == {0: 1}
        assert of_part(ledger, TimePart.HOUR, zone) == {NO_HOUR: 1}
        assert of_part(ledger, TimePart.DAY_AND_HOUR, zone) == {}
        assert of_part(ledger, TimePart.DAY, zone) == {monday.toordinal(): 1}


def test_a_leap_day_is_a_day_of_its_own(tmp_path):
    with closing(opened(tmp_path)) as ledger:
        leap = datetime(2028, 2, 29, 23, 30, tzinfo=UTC)
        ledger.add(Batch(billing=tuple(billing(f"r{n}", row("1.00", leap + n * HOUR)) for n in range(-24, 25, 24))))
        days = [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]
        assert of_part(ledger, TimePart.DAY, UTC) == {day.toordinal(): 1 for day in days}
        assert of_part(ledger, TimePart.WEEKDAY, UTC) == {0: 1, 1: 1, 2: 1}


@pytest.fixture
def years(tmp_path):
    """A home with two years of generations, the newest in November 2026."""
    with closing(opened(tmp_path)) as ledger:
        for back in range(24):
            when = NOON - back * 30 * DAY
            ledger.add(Batch(billing=tuple(billing(f"r{back}-{n}", row("1.00", when + n * HOUR)) for n in range(5))))
    return tmp_path


@pytest.mark.parametrize("part", TimePart)
def test_old_months_are_looked_into_once_and_not_kept_in_memory(years, part):
    with closing(opened(years)) as ledger:
        zone, old = ZoneInfo("Europe/Stockholm"), "2026-08"
        first = of_part(ledger, part, zone)
        assert sum(first.values()) == 120
        assert [name for name in ledger._months._derived if name < old] == []
        loads = []
        load = ledger._months._files.load
        ledger._months._files.load = lambda name, **how: loads.append(name) or load(name, **how)
        assert of_part(ledger, part, zone) == first
        # A window that cuts an old month: that one is looked into once more, for its part in it.
        cut = datetime(2025, 1, 10, tzinfo=UTC)
        later = of_part(ledger, part, zone, since=cut)
        loads.clear()
        assert of_part(ledger, part, zone, since=cut) == later
        assert [name for name in loads if name < old] == []


def test_how_much_is_remembered_is_bounded(years, monkeypatch):
    monkeypatch.setattr(civil_time, "_MOST_ROWS", 100)
    with closing(opened(years)) as ledger:
        kept = ledger._sums._bucket_cache
        for zone in ZONES:
            assert sum(of_part(ledger, TimePart.DAY, zone).values()) == 120
            assert kept._rows <= 100
            assert kept._rows == sum(month.rows for month in kept._months.values())


def test_a_month_that_has_changed_is_cut_anew(years):
    with closing(opened(years)) as ledger:
        july = datetime(2026, 7, 10, 12, tzinfo=UTC)
        for part in TimePart:
            before = of_part(ledger, part, UTC)
            ledger.add(Batch(events=(event(f"e{part}", f"new {part}", july),)))
            for _ in range(2):
                after = of_part(ledger, part, UTC)
                assert sum(after.values()) == sum(before.values()) + 1
                assert_as_recounted(ledger, ALL, UTC)
                ledger.checkpoint()


def test_what_turns_free_within_old_months_is_told_apart(years):
    """A failed request is unknown until billing has been read beyond it; remembered parts follow."""
    with closing(opened(years)) as ledger:
        old = NOON - 300 * DAY
        ledger.add(Batch(events=(event("e1", "lost", old, status="failed"),)))
        ledger.checkpoint()
        for coverage in (None, covers("default", old - DAY, old + DAY), covers("default", old - DAY, NOON)):
            if coverage is not None:
                ledger.add(Batch(coverage=(coverage,)))
            for zone in ZONES[:2]:
                assert_as_recounted(ledger, ALL, zone)
                assert_as_recounted(ledger, structs.replace(ALL, since=old - HOUR), zone)
