"""The scenario of the replay as types, and as one line of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

HERE = Path(__file__).parent
_DAY = timedelta(days=1)
_WORKDAYS = 5
#: When trayd asks fal without a cause: less often in the evening and at night.
_HOURS = (0, 4, 8, 10, 12, 14, 16, 18, 22)

#: So long after something has happened trayd asks fal.
NOTICED_AFTER = timedelta(minutes=2)

#: What is seen at once, and what is done to trayd rather than seen by it.
_AT_ONCE = frozenset({"look", "start", "wake"})
_UNSEEN = frozenset({"kill", "quit", "sleep", "clock"})


class Routine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A job of a usual day."""

    at: time
    model: str
    cost: Decimal
    key: str
    client: str | None = None
    project: str | None = None


class Usual(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a usual week looks like."""

    begins: date
    workdays: tuple[Routine, ...]
    weekends: tuple[Routine, ...]


class Moment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that happens; what `do` means stands in the scenario."""

    at: datetime
    do: str
    times: int = 1
    every: int = 0
    model: str = ""
    cost: Decimal | None = None
    estimate: Decimal | None = None
    key: str | None = None
    client: str | None = None
    project: str | None = None
    deliverable: str | None = None
    amount: Decimal | None = None
    name: str = ""
    text: str = ""
    alert: str = ""
    hours: int = 0
    late: int = 0
    when: str = msgspec.field(name="while", default="")


class Day(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens on a day, or on some."""

    moments: tuple[Moment, ...]


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""

    zone: str
    ends: datetime
    opening_balance: Decimal
    settings: str
    models: dict[str, str]
    usual: Usual
    day: tuple[Day, ...]


class Happening(NamedTuple):
    """A moment in UTC; without one, trayd asks fal."""

    at: datetime
    moment: Moment | None


def read_scenario() -> Scenario:
    return msgspec.toml.decode((HERE / "scenario.toml").read_bytes(), type=Scenario)


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """A time on the studio's clock, in UTC."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def line_of_time(scenario: Scenario) -> list[Happening]:
    """Everything in its order: at one instant, first what happens, then the look at it."""
    zone = ZoneInfo(scenario.zone)
    happenings = [Happening(instant(moment.at, zone), moment) for moment in _moments(scenario)]
    looks = {each.at + _noticed(each.moment) for each in happenings if each.moment and each.moment.do not in _UNSEEN}
    looks |= set(_hours(scenario, zone))
    happenings = [each for each in happenings if each.moment and each.moment.do != "look"]
    happenings += [Happening(at, None) for at in looks]
    return sorted(happenings, key=lambda each: (each.at, each.moment is None))


def _noticed(moment: Moment) -> timedelta:
    return timedelta() if moment.do in _AT_ONCE else NOTICED_AFTER


def _moments(scenario: Scenario) -> Iterator[Moment]:
    for day in scenario.day:
        for moment in day.moments:
            if moment.every:
                for number in range(moment.times):
                    at = moment.at + timedelta(seconds=number * moment.every)
                    yield msgspec.structs.replace(moment, at=at, times=1)
            else:
                yield moment
    usual = scenario.usual
    for number in range((scenario.ends.date() - usual.begins).days + 1):
        on = usual.begins + number * _DAY
        for routine in usual.workdays if on.weekday() < _WORKDAYS else usual.weekends:
            what = msgspec.structs.asdict(routine)
            yield Moment(do="job", **{**what, "at": datetime.combine(on, routine.at)})


def _hours(scenario: Scenario, zone: ZoneInfo) -> Iterator[datetime]:
    """The hours of the studio's clock at which trayd asks, of the days on which it runs."""
    began = min(moment.at for day in scenario.day for moment in day.moments)
    for number in range((scenario.ends.date() - began.date()).days + 1):
        for hour in _HOURS:
            at = datetime.combine(began.date() + number * _DAY, time(hour))
            if at <= scenario.ends:
                yield instant(at, zone)
