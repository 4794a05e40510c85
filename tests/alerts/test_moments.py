"""When the time alone changes what is to be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from trayd.alert_settings import Alerts
from trayd.alerts.moments import next_moment
from trayd.alerts.rules import Observed, Outage
from trayd.episodes import Episode
from trayd.facts import AccountFact

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def at(moment: datetime = NOON, zone: str = "UTC", **observed: object) -> Observed:
    return Observed(at=moment, zone=ZoneInfo(zone), **observed)  # type: ignore[arg-type]


def snoozed(until: datetime) -> Episode:
    return Episode(id="x", rule="balance", scope="x", since=NOON, text="", snoozed_until=until)


def fact(as_of: datetime | None) -> AccountFact:
    return AccountFact(name="studio", state="ok", as_of=as_of)


@pytest.mark.parametrize(
    ("zone", "now", "begins"),
    [
        pytest.param("UTC", "2026-11-20T12:00", "2026-11-21T00:00", id="midnight"),
        pytest.param("UTC", "2026-11-20T00:00", "2026-11-21T00:00", id="at midnight the next one is meant"),
        pytest.param("Asia/Kolkata", "2026-11-20T12:00", "2026-11-20T18:30", id="half an hour off"),
        pytest.param("America/New_York", "2026-11-01T05:00", "2026-11-02T05:00", id="a day of 25 hours, in part"),
        pytest.param("Europe/Stockholm", "2026-03-29T00:00", "2026-03-29T22:00", id="a day of 23 hours"),
        pytest.param("Australia/Lord_Howe", "2026-10-03T13:40", "2026-10-04T13:00", id="clocks go by half an hour"),
        pytest.param("America/Santiago", "2026-09-05T12:00", "2026-09-06T04:00", id="a midnight that there is not"),
        pytest.param("UTC", "2028-02-28T12:00", "2028-02-29T00:00", id="a leap day"),
    ],
)
def test_a_day_begins_in_the_user_s_zone(zone: str, now: str, begins: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert next_moment(at(moment, zone), [], Alerts()) == datetime.fromisoformat(begins).replace(tzinfo=UTC)


def test_the_end_of_a_snooze_comes_before_that() -> None:
    episodes = [snoozed(NOON + 3 * HOUR), snoozed(NOON + HOUR), snoozed(NOON - HOUR), snoozed(NOON)]

    assert next_moment(at(), episodes, Alerts()) == NOON + HOUR


def test_an_account_is_silent_for_too_long_from_its_last_answer_and_from_the_first_try_in_vain() -> None:
    outages = {"studio": Outage(NOON - 20 * MINUTE, NOON)}
    limits = Alerts(stale_after_minutes=30)

    assert next_moment(at(accounts=(fact(NOON - 5 * MINUTE),)), [], limits) == NOON + 25 * MINUTE
    assert next_moment(at(accounts=(fact(None),), outages=outages), [], limits) == NOON + 10 * MINUTE
    # What is past has been seen at this look.
    assert next_moment(at(accounts=(fact(NOON - HOUR),)), [], limits) == NOON + 12 * HOUR
    assert next_moment(at(accounts=(fact(NOON),)), [], Alerts(stale_after_minutes=0)) == NOON + 12 * HOUR


def test_a_clock_that_was_set_back_by_years_is_looked_at_again_within_a_day() -> None:
    far = [snoozed(NOON + timedelta(days=4000))]

    assert next_moment(at(), far, Alerts()) <= NOON + timedelta(days=1)
