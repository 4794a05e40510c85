"""What of all that waits goes out now, and what of it together."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts.story import START
from trayd.alert_settings import QuietHours
from trayd.alerts.grouping import changes_at, grouped, within_the_hour
from trayd.alerts.holds import Holds
from trayd.episodes import Episode, Urgency

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# START is nine in the morning.
FREE = Holds(zone=START.tzinfo)  # type: ignore[arg-type]  # it has one
NIGHT = msgspec.structs.replace(FREE, quiet=QuietHours(since="22:00", until="07:00"))


def one(name: str, since: datetime = START, **more: object) -> Episode:
    return Episode(id=name, rule="budget", scope=name, since=since, title=name, text="", **more)  # type: ignore[arg-type]


USUAL = [one(name) for name in "abcdefgh"]
REPORTS = [msgspec.structs.replace(one(name), rule="report") for name in "xy"]
WAITED = [one(name, held_back=True) for name in "ab"]
GRAVE, OTHER = (one(name, urgency=Urgency.CRITICAL) for name in ("grave", "other"))


def told(
    waiting: list[Episode], *, holds: Holds = FREE, shown: int = 0, most: int = 6, now: datetime = START
) -> list[str]:
    """The groups, each as the ids of its episodes; a digest begins with ``*``."""
    groups = grouped(waiting, now, holds, [now - MINUTE] * shown, most)
    return ["*" * group.digest + "".join(episode.id[0] for episode in group.episodes) for group in groups]


@pytest.mark.parametrize(
    ("waiting", "shown", "most", "expected"),
    [
        pytest.param([], 0, 6, [], id="nothing waits"),
        pytest.param(USUAL[:2], 0, 6, ["a", "b"], id="two come apart"),
        pytest.param(USUAL[:3], 0, 6, ["abc"], id="three come as one"),
        pytest.param(REPORTS, 0, 6, ["xy"], id="two reports come as one"),
        pytest.param([REPORTS[0], USUAL[0]], 0, 6, ["x", "a"], id="but not with something else"),
        pytest.param(USUAL[:2], 5, 6, ["ab"], id="two where there is room for one come as one"),
        pytest.param(WAITED[:2], 0, 6, ["ab"], id="two that waited for room come as one"),
        pytest.param([*WAITED[:1], USUAL[1]], 0, 6, ["ab"], id="with what came up since"),
        pytest.param(WAITED[:1], 0, 6, ["a"], id="one that did comes as it is"),
        pytest.param(USUAL[:1], 5, 6, ["a"], id="the last one that there is room for"),
        pytest.param(USUAL, 6, 6, [], id="no room in this hour"),
        pytest.param([*USUAL, GRAVE], 6, 6, ["g"], id="a critical one needs no room"),
        pytest.param([USUAL[0], GRAVE, OTHER], 6, 6, ["g", "o"], id="nor from another critical one"),
        pytest.param([USUAL[0], GRAVE], 5, 6, ["a", "g"], id="and takes none from one that waits"),
        pytest.param([GRAVE] * 3, 6, 6, ["ggg"], id="three critical ones come as one all the same"),
    ],
)
def test_how_many_come_at_once(waiting: list[Episode], shown: int, most: int, expected: list[str]) -> None:
    assert told(waiting, shown=shown, most=most) == expected


def test_what_waited_for_the_end_of_quiet_hours_is_a_digest_with_all_that_waits_by_then() -> None:
    night, morning = START - 4 * HOUR, START - 2 * HOUR  # five and seven
    waiting = [one("at night", night), one("by day", START), one("grave", START, urgency=Urgency.CRITICAL)]

    assert told(waiting[:1], holds=NIGHT, now=morning - MINUTE) == []
    assert told(waiting[:1], holds=NIGHT, now=morning) == ["*a"]
    # A digest goes out however many did in this hour.
    assert told(waiting, holds=NIGHT, shown=6) == ["*abg"]


def test_what_is_over_by_now_and_only_waited_for_room_is_told_as_over() -> None:
    assert told([one("over", START - HOUR, resolved=START), USUAL[0]]) == ["*oa"]


def test_at_night_critical_ones_come_through_and_the_others_wait() -> None:
    midnight = START - 9 * HOUR
    waiting = [one("usual", midnight), one("grave", midnight, urgency=Urgency.CRITICAL)]

    assert told(waiting, holds=NIGHT, now=midnight) == ["g"]
    assert changes_at(waiting, midnight, NIGHT, []) == START - 2 * HOUR


def test_the_hour_goes_back_from_now_and_a_clock_that_was_set_back_takes_no_room() -> None:
    shown = [START - HOUR, START - HOUR + MINUTE, START, START + MINUTE]

    assert within_the_hour(shown, START) == [START - HOUR + MINUTE, START]
    assert changes_at(USUAL, START, FREE, shown) == START + MINUTE
    assert changes_at(USUAL, START, FREE, []) is None


@given(
    urgencies=st.lists(st.sampled_from(Urgency), max_size=12),
    shown=st.integers(0, 8),
    most=st.integers(1, 8),
    hour=st.integers(0, 23),
)
def test_nothing_is_told_twice_or_too_often_and_what_waits_has_its_moment(
    urgencies: list[Urgency], shown: int, most: int, hour: int
) -> None:
    now = START.replace(hour=hour)
    waiting = [one(f"{place:02}", now, urgency=urgency) for place, urgency in enumerate(urgencies)]
    before = [now - MINUTE] * shown

    groups = grouped(waiting, now, NIGHT, before, most)

    out = [episode.id for group in groups for episode in group.episodes]
    assert len(set(out)) == len(out)
    left = [episode for episode in waiting if episode.id not in out]
    assert not [episode for episode in left if episode.urgency is Urgency.CRITICAL]
    usual = [group for group in groups if not any(each.urgency is Urgency.CRITICAL for each in group.episodes)]
    assert len(usual) <= max(most - shown, 0)
    moment = changes_at(left, now, NIGHT, before)
    assert not left or (moment is not None and moment > now)
