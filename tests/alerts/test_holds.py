"""Quiet hours on the clock on the wall, and pauses: when a warning may be shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from trayd.alert_settings import QuietHours
from trayd.alerts.holds import Holds
from trayd.episodes import UNTIL_RESUMED

STOCKHOLM = ZoneInfo("Europe/Stockholm")
NIGHT = QuietHours(since="22:00", until="07:00")


def wall(text: str, zone: ZoneInfo = STOCKHOLM, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        ("2026-11-20T21:59", "2026-11-20T21:59"),
        ("2026-11-20T22:00", "2026-11-21T07:00"),
        ("2026-11-21T00:00", "2026-11-21T07:00"),
        ("2026-11-21T06:59", "2026-11-21T07:00"),
        ("2026-11-21T07:00", "2026-11-21T07:00"),
    ],
)
def test_quiet_hours_go_over_midnight(moment: str, shown: str) -> None:
    holds = Holds(zone=STOCKHOLM, quiet=NIGHT)

    assert holds.released(wall(moment), "normal") == wall(shown)


def test_they_begin_only_on_their_days_and_end_on_the_day_after() -> None:
    holds = Holds(zone=STOCKHOLM, quiet=QuietHours(since="22:00", until="07:00", days=("fri",)))

    # 20 November 2026 is a Friday.
    assert holds.quiet_until(wall("2026-11-19T23:00")) is None
    assert holds.quiet_until(wall("2026-11-20T23:00")) == wall("2026-11-21T07:00")
    assert holds.quiet_until(wall("2026-11-21T03:00")) == wall("2026-11-21T07:00")
    assert holds.quiet_until(wall("2026-11-21T23:00")) is None


def test_a_weekend_can_be_quiet_all_day() -> None:
    holds = Holds(zone=STOCKHOLM, quiet=QuietHours(since="00:00", until="00:00", days=("sat", "sun")))

    assert holds.quiet_until(wall("2026-11-20T23:59")) is None
    assert holds.quiet_until(wall("2026-11-21T12:00")) == wall("2026-11-23T00:00"), "the next ones begin as these end"
    assert holds.released(wall("2026-11-21T12:00"), "normal") == wall("2026-11-23T00:00")


@pytest.mark.parametrize("clock", ["00:00", "02:30", "22:00"])
@pytest.mark.parametrize("day", ["2026-03-20", "2026-10-20", "2026-11-20"])
def test_quiet_hours_all_day_on_every_day_have_no_end(clock: str, day: str) -> None:
    holds = Holds(zone=STOCKHOLM, quiet=QuietHours(since=clock, until=clock))

    assert holds.quiet_until(wall(f"{day}T12:00")) == UNTIL_RESUMED
    assert holds.released(wall(f"{day}T12:00"), "normal") == UNTIL_RESUMED
    assert not holds.holds(wall(f"{day}T12:00"), "critical")


def test_six_whole_days_of_a_week_end() -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat")
    holds = Holds(zone=STOCKHOLM, quiet=QuietHours(since="22:00", until="22:00", days=days))

    assert holds.quiet_until(wall("2026-11-18T12:00")) == wall("2026-11-22T22:00")
    assert holds.quiet_until(wall("2026-11-22T22:00")) is None


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28", 8), ("2026-10-24", 10), ("2026-11-20", 9)])
def test_a_night_in_which_the_clocks_are_changed_has_its_own_length(day: str, hours: int) -> None:
    begins = wall(f"{day}T22:00")

    until = Holds(zone=STOCKHOLM, quiet=NIGHT).quiet_until(begins)

    assert until == begins + timedelta(hours=hours)


def test_a_time_that_comes_twice_or_not_at_all_makes_the_night_the_longer_one() -> None:
    early = QuietHours(since="22:00", until="02:30")
    holds = Holds(zone=STOCKHOLM, quiet=early)

    assert holds.quiet_until(wall("2026-10-24T23:00")) == wall("2026-10-25T02:30", fold=1)
    assert holds.quiet_until(wall("2026-03-28T23:00")) == wall("2026-03-29T03:30")


def test_critical_warnings_come_through_unless_they_are_not_to() -> None:
    night = wall("2026-11-21T03:00")

    assert Holds(zone=STOCKHOLM, quiet=NIGHT).released(night, "critical") == night
    strict = QuietHours(since="22:00", until="07:00", critical=False)
    assert Holds(zone=STOCKHOLM, quiet=strict).released(night, "critical") == wall("2026-11-21T07:00")


def test_a_pause_holds_critical_warnings_as_well_and_can_end_in_quiet_hours() -> None:
    holds = Holds(zone=STOCKHOLM, quiet=NIGHT, paused_until=wall("2026-11-20T23:00"))
    evening = wall("2026-11-20T20:00")

    assert holds.released(evening, "critical") == wall("2026-11-20T23:00")
    assert holds.released(evening, "normal") == wall("2026-11-21T07:00")
    assert Holds(zone=STOCKHOLM, paused_until=UNTIL_RESUMED).holds(evening, "critical")
