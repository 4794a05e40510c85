"""Ninety days of a studio, replayed: the sandbox over real HTTP, the real daemon on a ledger on disk, one clock.

What happens stands in ``scenario.toml``, what trayd is to tell in ``expected.toml``, which was written by hand from
it. The daemon is a process of its own, killed and started again on the way. Only the last step to the desktop is a
stand-in.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.alerts.replay.expected import differences, read_expected, told
from tests.alerts.replay.scenario import read_scenario
from tests.alerts.replay.studio import Studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    studio = Studio(read_scenario(), tmp_path_factory.mktemp("replay") / "home")
    studio.play()
    return studio


def test_ninety_days_tell_what_was_expected_of_them_and_nothing_else(studio: Studio) -> None:
    came = told(studio.changes, ZoneInfo(read_scenario().zone))

    assert differences(read_expected(), came, studio.shown) == []


def test_the_hook_heard_each_of_them_in_their_order_and_at_once(studio: Studio) -> None:
    """Quiet hours, pauses, snoozes and the limit an hour are the desktop's alone."""
    came = [(each.what, each.alert, each.level) for each in told(studio.changes, ZoneInfo(read_scenario().zone))]
    heard = [(each.event, each.id, each.level) for each in studio.hooked]

    assert Counter(heard) == Counter(each for each in came if each[0] != "eased")
    assert [each.at for each in studio.hooked] == sorted(each.at for each in studio.hooked)


def test_what_comes_up_in_the_quiet_hours_is_one_notice_in_the_morning(studio: Studio) -> None:
    (digest,) = (shown.notice for shown in studio.shown if shown.at == datetime(2026, 3, 11, 8))  # noqa: DTZ001 - the studio's clock

    assert [alert.partition("@")[0] for alert in digest.episodes] == ["file:late.csv", "file:later.csv"]


def test_nobody_is_told_more_than_a_few_things_on_any_day(studio: Studio) -> None:
    days = Counter(shown.at.date() for shown in studio.shown)

    assert max(days.values()) <= 6
    assert sum(days.values()) <= 52
