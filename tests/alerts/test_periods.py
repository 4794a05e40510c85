"""Where the periods of budgets begin and end, all the way to the notification: on the wall clock of whoever set them.

The ends stand here as instants in UTC, as almanacs have them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.alerts.life import Life
from trayd.budget_settings import Budget
from trayd.settings import Settings

NEW_YORK, LORD_HOWE, KOLKATA = "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"
INSTANT = timedelta(microseconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


PERIODS = [
    # The clocks go back on November 1, 2026, at 02:00 in New York: a day of 25 hours, in a week of 169.
    pytest.param(NEW_YORK, "day", "2026-11-01", "2026-11-01T04:00", "2026-11-02T05:00", 25, id="a day of 25 hours"),
    pytest.param(NEW_YORK, "day", "2026-03-08", "2026-03-08T05:00", "2026-03-09T04:00", 23, id="a day of 23 hours"),
    pytest.param(NEW_YORK, "week", "2026-W44", "2026-10-26T04:00", "2026-11-02T05:00", 169, id="a week of 169 hours"),
    pytest.param(NEW_YORK, "month", "2026-11", "2026-11-01T04:00", "2026-12-01T05:00", 721, id="a month of 721 hours"),
    # Lord Howe's clocks change by half an hour: back on April 5, forward on October 4, 2026.
    pytest.param(LORD_HOWE, "day", "2026-04-05", "2026-04-04T13:00", "2026-04-05T13:30", 24.5, id="half an hour more"),
    pytest.param(LORD_HOWE, "day", "2026-10-04", "2026-10-03T13:30", "2026-10-04T13:00", 23.5, id="half an hour less"),
    pytest.param(LORD_HOWE, "week", "2026-W14", "2026-03-29T13:00", "2026-04-05T13:30", 168.5, id="a week with it"),
    pytest.param(LORD_HOWE, "month", "2026-10", "2026-09-30T13:30", "2026-10-31T13:00", 743.5, id="a month with it"),
    # India is five and a half hours ahead, all year.
    pytest.param(KOLKATA, "day", "2026-11-20", "2026-11-19T18:30", "2026-11-20T18:30", 24, id="Kolkata"),
    pytest.param(KOLKATA, "month", "2028-02", "2028-01-31T18:30", "2028-02-29T18:30", 696, id="a leap month"),
    pytest.param(KOLKATA, "day", "2028-02-29", "2028-02-28T18:30", "2028-02-29T18:30", 24, id="a leap day"),
    pytest.param(NEW_YORK, "month", "2027-02", "2027-02-01T05:00", "2027-03-01T05:00", 672, id="no leap month"),
    # 2026 has 53 weeks, the last of which ends in 2027.
    pytest.param(NEW_YORK, "week", "2026-W53", "2026-12-28T05:00", "2027-01-04T05:00", 168, id="week 53"),
    pytest.param(LORD_HOWE, "week", "2026-W53", "2026-12-27T13:00", "2027-01-03T13:00", 168, id="week 53 far ahead"),
    pytest.param(KOLKATA, "week", "2027-W01", "2027-01-03T18:30", "2027-01-10T18:30", 168, id="the first week"),
]


@pytest.mark.parametrize(("zone", "period", "name", "begins", "ends", "hours"), PERIODS)
def test_a_period_holds_what_lies_between_its_two_midnights_and_nothing_else(
    zone: str, period: str, name: str, begins: str, ends: str, hours: float
) -> None:
    since, until = utc(begins), utc(ends)
    assert until - since == timedelta(hours=hours)
    budget = Budget(name="Period", amount=Decimal(10), period=period, at=(Decimal(100),))
    life = Life(Settings(locale="en_US", time_zone=zone, budget=(budget,)), since - timedelta(minutes=5))
    told: list[str] = []

    def job_at(at: datetime, cost: str) -> None:
        life.now = at
        life.job(cost)
        told.extend(name for heard in life.poll() for name in heard.notice.episodes if name.startswith("budget:"))

    # Each job but the last of a period leaves that under $10.00, and with its neighbour's they would be over.
    job_at(since - INSTANT, "4.00")
    job_at(since, "3.00")
    job_at(since + (until - since) / 2, "3.99")
    assert told == []
    job_at(until - INSTANT, "3.01")
    assert told == [f"budget:Period:{name}"]
    job_at(until, "4.00")
    job_at(until + INSTANT, "3.00")
    assert told == [f"budget:Period:{name}"]
    assert life.episodes[f"budget:Period:{name}"].resolved is not None
    life.close()


@pytest.mark.parametrize(("zone", "period", "name", "begins", "ends", "hours"), PERIODS)
def test_what_a_period_holds_is_told_once_whatever_restarts_and_clocks_do_at_its_end(
    zone: str, period: str, name: str, begins: str, ends: str, hours: float
) -> None:
    since, until = utc(begins), utc(begins) + timedelta(hours=hours)
    assert until == utc(ends)
    budget = Budget(name="Period", amount=Decimal(10), period=period, at=(Decimal(50), Decimal(100)))
    life = Life(Settings(locale="en_US", time_zone=zone, budget=(budget,)), since)
    life.job("4.00")
    life.poll()
    # A bill that is known only after the period's end, then one too late to be told.
    life.job("1.00", at=until - INSTANT)
    hours_after = [0, 1, 23, 24]
    for hour in hours_after:
        life.now = until + timedelta(hours=hour)
        life.restart()
        life.poll()
    life.now = until - timedelta(minutes=1)
    life.poll()
    life.now = until + timedelta(hours=25)
    life.job("5.00", at=until - INSTANT)
    life.poll()

    assert [(heard.notice.episodes, heard.at) for heard in life.heard] == [((f"budget:Period:{name}",), until)]
    life.close()


def test_a_total_has_no_end() -> None:
    budget = Budget(name="All", amount=Decimal(10), period="total", at=(Decimal(50), Decimal(100)))
    life = Life(Settings(locale="en_US", time_zone=LORD_HOWE, budget=(budget,)), utc("2026-01-01T00:00"))
    for day in range(0, 800, 80):
        life.now = utc("2026-01-01T00:00") + timedelta(days=day)
        life.job("1.00")
        life.poll()

    assert [heard.notice.title for heard in life.heard] == ["50% of budget “All” spent", "100% of budget “All” spent"]
    life.close()
