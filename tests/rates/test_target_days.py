from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from trayd.exchange_rates.store import bundled_table
from trayd.target_days import is_target_day, newest_due, publication, target_day_after, target_day_at


@pytest.mark.parametrize(
    "holiday",
    [
        date(2026, 1, 1),
        date(2026, 4, 3),  # Good Friday
        date(2026, 4, 6),  # Easter Monday
        date(2025, 4, 18),
        date(2024, 4, 1),
        date(2026, 5, 1),
        date(2025, 12, 25),
        date(2025, 12, 26),
        date(2026, 11, 21),  # a Saturday
        date(2026, 11, 22),
    ],
)
def test_there_are_no_rates_on_weekends_and_on_the_six_holidays_of_target(holiday: date) -> None:
    assert not is_target_day(holiday)


@pytest.mark.parametrize("day", [date(2026, 12, 24), date(2026, 12, 31), date(2026, 5, 14), date(2026, 10, 3 + 2)])
def test_other_holidays_are_working_days(day: date) -> None:
    assert is_target_day(day)


def test_the_calendar_is_that_of_the_banks_own_rates_of_the_last_three_years() -> None:
    table = bundled_table()
    _, last = table.span() or pytest.fail("there are no bundled rates")
    day = last - timedelta(days=3 * 365 - 7)
    while day <= last:
        quotes = table.at(("USD",), day)
        assert quotes is not None
        assert (quotes.published == day) == is_target_day(day), day
        day += timedelta(days=1)


def test_before_and_after_easter_the_next_rates_are_days_away() -> None:
    assert target_day_at(date(2026, 4, 6)) == date(2026, 4, 2)
    assert target_day_after(date(2026, 4, 2)) == date(2026, 4, 7)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        # Winter: 16:00 in Frankfurt is 15:00 UTC.
        (datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC), date(2026, 11, 19)),
        (datetime(2026, 11, 20, 15, 0, tzinfo=UTC), date(2026, 11, 20)),
        # Summer: 14:00 UTC.
        (datetime(2026, 7, 1, 13, 59, tzinfo=UTC), date(2026, 6, 30)),
        (datetime(2026, 7, 1, 14, 0, tzinfo=UTC), date(2026, 7, 1)),
        # The Monday after the clocks went forward, and after they went back.
        (datetime(2026, 3, 30, 14, 0, tzinfo=UTC), date(2026, 3, 30)),
        (datetime(2026, 10, 26, 14, 30, tzinfo=UTC), date(2026, 10, 23)),
        # A weekend, and New Year.
        (datetime(2026, 11, 22, 20, 0, tzinfo=UTC), date(2026, 11, 20)),
        (datetime(2027, 1, 1, 20, 0, tzinfo=UTC), date(2026, 12, 31)),
    ],
)
def test_a_days_rates_are_out_at_four_in_frankfurt_in_summer_and_in_winter(now: datetime, due: date) -> None:
    assert newest_due(now) == due


def test_some_patience_moves_the_hour_and_not_the_day_that_is_meant() -> None:
    assert newest_due(datetime(2026, 11, 20, 16, 30, tzinfo=UTC), timedelta(hours=2)) == date(2026, 11, 19)
    assert newest_due(datetime(2026, 11, 20, 17, 0, tzinfo=UTC), timedelta(hours=2)) == date(2026, 11, 20)
    assert publication(date(2026, 7, 1)) == datetime(2026, 7, 1, 14, tzinfo=UTC)
