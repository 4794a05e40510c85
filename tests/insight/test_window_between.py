"""``--since`` and ``--until`` as a window: days where both are dates, else the time between the two."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from trayd.errors import UsageError
from trayd.insight.windows import parse_window, previous_window
from trayd.operations.filters import WindowQuery

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)


def asked(**query):
    return WindowQuery(**query).asked(NOW, NEW_YORK)


def test_two_dates_are_the_days_from_the_one_to_the_other():
    assert asked(since="2026-11-01", until="2026-11-02") == asked(window="2026-11-01..2026-11-02")
    assert asked(since="2026-11-20", until="2026-11-20").civil == (NOW.date(), NOW.date())


def test_without_an_end_it_is_up_to_today():
    assert asked(since="2026-11-18") == asked(window="2026-11-18..2026-11-20")


def test_times_are_taken_as_they_are_and_compared_with_as_much_before():
    window = asked(since="2026-11-18T00:00:00Z", until="2026-11-19T12:00:00Z")
    assert (window.since, window.until) == (datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 19, 12, tzinfo=UTC))
    assert (window.days, window.civil) == (2, None)
    assert previous_window(window, NEW_YORK).since == datetime(2026, 11, 16, 12, tzinfo=UTC)
    assert asked(since="2026-11-20T00:00:00Z").until == NOW


def test_of_a_time_that_still_runs_only_what_has_passed_is_compared():
    window = asked(since="2026-11-20T12:00:00Z", until="2026-11-21T12:00:00Z")
    assert previous_window(window, NEW_YORK).since == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_without_anything_it_is_the_last_30_days():
    assert asked() == parse_window("30d", NOW, NEW_YORK)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"since": "2026-11-02", "until": "2026-11-01"}, "--since 2026-11-02 is not before --until 2026-11-01"),
        ({"since": "2026-11-20T15:00:00Z"}, "is not before now"),
        ({"until": "2026-11-01"}, "from when on"),
        ({"window": "7d", "since": "2026-11-01"}, "--window goes with neither"),
        ({"since": "yesterday"}, "--since yesterday"),
        ({"since": "2026-11-01", "until": "2026-11-31"}, "--until"),
    ],
)
def test_what_makes_no_window_is_refused_with_the_cure(query, told):
    with pytest.raises(UsageError, match=told):
        asked(**query)
