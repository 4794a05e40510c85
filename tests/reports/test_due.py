"""Which periods are due, on any date and in any zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.report_settings import Schedule
from trayd.reports.due import bills_wanted_until, period_with, periods_due

STOCKHOLM = ZoneInfo("Europe/Stockholm")
MONTHLY, WEEKLY = Schedule(every="month"), Schedule(every="week")


def due(schedule: Schedule, day: date, *made: str, zone: ZoneInfo = STOCKHOLM) -> list[str]:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone).astimezone(UTC)
    return [period.name for period in periods_due(schedule, made, noon, zone)]


@pytest.mark.parametrize(
    ("schedule", "day", "names"),
    [
        (MONTHLY, date(2026, 11, 2), ["2026-09"]),
        (MONTHLY, date(2026, 11, 3), ["2026-10"]),
        (MONTHLY, date(2027, 1, 3), ["2026-12"]),
        (MONTHLY, date(2028, 3, 3), ["2028-02"]),
        (Schedule(every="month", after_days=0), date(2026, 11, 1), ["2026-10"]),
        (Schedule(every="month", after_days=14), date(2026, 11, 14), ["2026-09"]),
        (WEEKLY, date(2026, 11, 17), ["2026-W45"]),
        (WEEKLY, date(2026, 11, 18), ["2026-W46"]),
        (WEEKLY, date(2027, 1, 6), ["2026-W53"]),
        (WEEKLY, date(2027, 1, 13), ["2027-W01"]),
        (Schedule(every="week", after_days=14), date(2026, 11, 18), ["2026-W44"]),
    ],
)
def test_the_last_period_is_due_so_many_days_after_its_end(schedule: Schedule, day: date, names: list[str]) -> None:
    assert due(schedule, day) == names


def test_it_is_due_as_the_day_begins_where_the_user_is() -> None:
    # New York sets its clocks back on the first of November.
    zone = ZoneInfo("America/New_York")
    midnight = datetime(2026, 11, 3, tzinfo=zone).astimezone(UTC)

    (before,) = periods_due(MONTHLY, (), midnight - timedelta(microseconds=1), zone)
    (after,) = periods_due(MONTHLY, (), midnight, zone)
    assert (before.name, after.name) == ("2026-09", "2026-10")
    assert (after.first, after.last) == (date(2026, 10, 1), date(2026, 10, 31))
    # Its midnight of the third comes 49 hours after the end of October, and bills are late by 48 at most.
    assert bills_wanted_until(after, MONTHLY, zone) == midnight - timedelta(hours=1)
    at_once = Schedule(every="month", after_days=0)
    assert bills_wanted_until(after, at_once, zone) == datetime(2026, 11, 1, tzinfo=zone)


def test_a_week_begins_on_monday_also_over_the_year() -> None:
    assert period_with("week", date(2027, 1, 3)) == ("2026-W53", date(2026, 12, 28), date(2027, 1, 3))
    assert period_with("month", date(2028, 2, 29)) == ("2028-02", date(2028, 2, 1), date(2028, 2, 29))


def test_what_was_missed_is_made_up_for_and_nothing_before_it() -> None:
    day = date(2026, 11, 18)

    assert due(WEEKLY, day, "2026-W43") == ["2026-W43", "2026-W44", "2026-W45", "2026-W46"], "it may lack some clients"
    assert due(WEEKLY, day, "2026-W46", "2026-W43") == due(WEEKLY, day, "2026-W43"), "one client's may have failed"
    assert due(MONTHLY, day, "2026-07") == ["2026-08", "2026-09", "2026-10"], "what is longer ago is no news"
    assert due(MONTHLY, day, "2026-01") == ["2026-08", "2026-09", "2026-10"], "what is longer ago is no news"
    assert due(WEEKLY, day, "2026-10") == ["2026-W46"], "it was one of months"
    assert due(MONTHLY, day, "2026-W40") == ["2026-10"]
    assert due(MONTHLY, day, "2027-03") == ["2026-10"], "the clock has been set back"


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.sampled_from(["week", "month"]), st.integers(0, 14))
def test_every_day_has_one_period_that_was_due_last_and_has_ended(day: date, every: str, after: int) -> None:
    schedule = Schedule(every=every, after_days=after)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    (period,) = periods_due(schedule, (), noon, UTC)

    assert period.last + timedelta(days=1 + after) <= day
    following = period_with(every, period.last + timedelta(days=1))
    assert following.last + timedelta(days=1 + after) > day
    assert following.name != period.name
    assert period_with(every, period.first) == period == period_with(every, period.last)
    assert periods_due(schedule, {period.name}, noon, UTC) == [period]


@given(st.sampled_from(["week", "month"]), st.integers(0, 14), st.sets(st.integers(0, 500), min_size=1), st.data())
def test_whenever_the_computer_runs_each_period_is_made_once_and_none_is_left_out(
    every: str, after: int, running: set[int], data: st.DataObject
) -> None:
    schedule, start = Schedule(every=every, after_days=after), date(2026, 9, 1)
    idle = data.draw(st.sets(st.integers(0, 80)), label="periods without entries, counted from the first")
    made: list[str] = []
    ends = []
    for number in sorted(running):
        day = start + timedelta(days=number)
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        for period in periods_due(schedule, made, noon, UTC):
            place = (period.first - start).days // (7 if every == "week" else 31)
            if place not in idle and period.name not in made:
                made.append(period.name)
                ends.append(period.last)

    assert made == sorted(set(made))
    for earlier, later in pairwise(ends):
        left_out = period_with(every, earlier + timedelta(days=1))
        while left_out.last < later:
            place = (left_out.first - start).days // (7 if every == "week" else 31)
            ran_since = [number for number in running if start + timedelta(days=number - 1 - after) >= left_out.last]
            too_late = (min(ran_since) - (left_out.last - start).days) > 92 + after
            assert place in idle or too_late, left_out
            left_out = period_with(every, left_out.last + timedelta(days=1))
