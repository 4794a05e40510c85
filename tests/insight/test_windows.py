"""Windows of time, across clock changes, leap days and the ends of months."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.errors import UsageError
from trayd.insight.windows import Bounds, day_start, parse_moment, parse_window, previous_window

STOCKHOLM = ZoneInfo("Europe/Stockholm")
NEW_YORK = ZoneInfo("America/New_York")
CAIRO = ZoneInfo("Africa/Cairo")
NOW = datetime(2026, 11, 20, 14, 3, 11, 250_000, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "length", "days"),
    [("24h", timedelta(hours=24), 1), ("7d", timedelta(days=7), 7), ("30d", timedelta(days=30), 30)],
)
def test_sliding_windows_end_now_and_have_their_exact_length(name, length, days):
    window = parse_window(name, NOW, STOCKHOLM)
    assert (window.until, window.until - window.since, window.days) == (NOW, length, days)
    assert previous_window(window, STOCKHOLM) == Bounds(NOW - 2 * length, NOW - length)


def test_the_last_24_hours_are_24_hours_when_the_clock_was_put_back():
    just_after = datetime(2026, 10, 25, 12, tzinfo=STOCKHOLM)
    window = parse_window("24h", just_after, STOCKHOLM)
    assert window.since.astimezone(STOCKHOLM).isoformat() == "2026-10-24T13:00:00+02:00"


@pytest.mark.parametrize(
    ("zone", "first", "last", "since", "until"),
    [
        # An ordinary range: the last day is in it.
        (STOCKHOLM, "2026-11-01", "2026-11-30", "2026-10-31T23:00", "2026-11-30T23:00"),
        # The day of 23 hours and the day of 25.
        (STOCKHOLM, "2026-03-29", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
        (STOCKHOLM, "2026-10-25", "2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),
        (NEW_YORK, "2026-11-01", "2026-11-01", "2026-11-01T04:00", "2026-11-02T05:00"),
        # The clock jumps from midnight to one: the day starts at the jump.
        (CAIRO, "2026-04-24", "2026-04-24", "2026-04-23T22:00", "2026-04-24T21:00"),
        # A leap day.
        (UTC, "2028-02-28", "2028-02-29", "2028-02-28T00:00", "2028-03-01T00:00"),
    ],
)
def test_ranges_are_civil_days_of_the_users_zone(zone, first, last, since, until):
    window = parse_window(f"{first}..{last}", NOW, zone)
    assert window.bounds == Bounds(utc(since), utc(until))


def test_this_month_is_the_whole_calendar_month_and_counts_the_days_begun():
    window = parse_window("month", NOW, STOCKHOLM)
    assert window.bounds == Bounds(utc("2026-10-31T23:00"), utc("2026-11-30T23:00"))
    assert window.days == 20


def test_near_midnight_the_month_is_that_of_the_users_zone():
    new_year = utc("2026-12-31T23:30")
    assert parse_window("month", new_year, STOCKHOLM).since == utc("2026-12-31T23:00")
    assert parse_window("month", new_year, UTC).since == utc("2026-12-01T00:00")


def test_a_running_month_is_compared_with_as_much_of_the_month_before():
    before = previous_window(parse_window("month", NOW, UTC), UTC)
    assert before == Bounds(utc("2026-10-01T00:00"), utc("2026-10-01T00:00") + (NOW - utc("2026-11-01T00:00")))


def test_the_end_of_march_is_compared_with_february_and_no_more():
    before = previous_window(parse_window("month", utc("2027-03-31T12:00"), UTC), UTC)
    assert before == Bounds(utc("2027-02-01T00:00"), utc("2027-03-01T00:00"))


def test_a_past_month_given_as_dates_is_compared_with_the_month_before():
    before = previous_window(parse_window("2026-03-01..2026-03-31", NOW, UTC), UTC)
    assert before == Bounds(utc("2026-02-01T00:00"), utc("2026-03-01T00:00"))


def test_a_past_range_is_compared_with_as_many_days_before():
    before = previous_window(parse_window("2026-10-24..2026-10-26", NOW, STOCKHOLM), STOCKHOLM)
    assert before == Bounds(utc("2026-10-20T22:00"), utc("2026-10-23T22:00"))


def test_a_range_ahead_has_no_days_yet_and_nothing_to_compare():
    window = parse_window("2026-12-01..2026-12-05", NOW, UTC)
    before = previous_window(window, UTC)
    assert window.days == 0
    assert before.since == before.until


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("48h", "24h, 7d, 30d, month"),
        ("2026-11-01", "24h, 7d, 30d, month"),
        ("2026-11-30..2026-11-01", "ends before it begins"),
        ("2026-02-29..2026-03-01", "'2026-02-29' is no date"),
        ("2026-11-01..", "'' is no date"),
        ("20261101..20261130", "'20261101' is no date"),
        ("0001-01-01..9999-12-31", "from 1970 on"),
    ],
)
def test_what_is_no_window_is_told_with_a_cure(text, told):
    with pytest.raises(UsageError) as refused:
        parse_window(text, NOW, UTC)
    assert told in str(refused.value)
    assert text in str(refused.value)


def test_since_and_until_take_dates_as_whole_days():
    assert parse_moment("2026-11-20", STOCKHOLM, end=False) == utc("2026-11-19T23:00")
    assert parse_moment("2026-11-20", STOCKHOLM, end=True) == utc("2026-11-20T23:00")


def test_since_and_until_take_rfc_3339_times_as_they_are():
    for end in (False, True):
        assert parse_moment("2026-11-20T15:03:11+01:00", NEW_YORK, end=end) == utc("2026-11-20T14:03:11")
        assert parse_moment("2026-11-20T14:03:11.5Z", NEW_YORK, end=end) == utc("2026-11-20T14:03:11.5")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-11-20T14:03:11", "add Z"),
        ("yesterday", "no date or time"),
        ("2026-13-01", "is no date"),
        ("", "no date or time"),
        ("0001-01-01T00:00:00+14:00", "from 1970 on"),
        ("2026-W47-5", "no date or time"),
        ("2026-11-20T25:00:00Z", "no date or time"),
    ],
)
def test_what_is_no_moment_is_told_with_the_option_it_was_given_to(text, told):
    with pytest.raises(UsageError) as refused:
        parse_moment(text, UTC, end=True)
    assert told in str(refused.value)
    assert "--until" in str(refused.value)


zones = st.sampled_from([STOCKHOLM, NEW_YORK, CAIRO, ZoneInfo("Asia/Kathmandu"), ZoneInfo("Pacific/Apia"), UTC])


@given(st.datetimes(datetime(2011, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)), zones)  # noqa: DTZ001
def test_every_instant_is_in_the_civil_day_that_the_wall_calendar_shows(instant, zone):
    day = instant.astimezone(zone).date()
    assert day_start(day, zone) <= instant < day_start(day + timedelta(days=1), zone)


@given(st.dates(date(1970, 1, 1), date(2999, 12, 31)), st.integers(0, 400_000), zones)
def test_any_range_of_days_has_a_window_and_one_before_it(first, length, zone):
    last = min(first + timedelta(days=length), date(2999, 12, 31))
    window = parse_window(f"{first}..{last}", NOW, zone)
    before = previous_window(window, zone)
    assert before.since <= before.until <= window.since < window.until
    assert 0 <= window.days <= (last - first).days + 1


def test_a_fixed_offset_is_a_zone_as_well():
    assert day_start(date(2026, 11, 20), timezone(timedelta(hours=-3))) == utc("2026-11-20T03:00")
