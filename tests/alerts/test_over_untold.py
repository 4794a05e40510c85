"""What came up and was over while nobody could be told is told afterwards, whatever came after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.alerts.life import Life
from trayd.alert_settings import RULE_NAMES, Alerts, QuietHours
from trayd.budget_settings import Budget
from trayd.settings import Settings

EVENING = datetime(2026, 11, 2, 21, 0, tzinfo=UTC)
NIGHT = QuietHours(since="22:00", until="07:00", critical=False)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def night() -> Iterator[Life]:
    """A life that has just gone into quiet hours; nothing comes through them."""
    looked_at = {"balance", "account"}
    alerts = Alerts(off=tuple(set(RULE_NAMES) - looked_at), quiet_hours=NIGHT, most_per_hour=2)
    life = Life(Settings(locale="en_US", time_zone="UTC", alerts=alerts), EVENING)
    life.balance = Decimal(40)
    life.poll()
    life.now = EVENING + 2 * HOUR
    yield life
    life.close()


def account(life: Life, *states: str) -> None:
    """The account is in one state after the other, ten minutes each."""
    for state in states:
        life.state = state
        life.poll()
        life.now += 10 * MINUTE


def told(life: Life) -> list[str]:
    """The lines of all that was told."""
    return [line for heard in life.heard for line in (heard.notice.title, *heard.notice.body.splitlines())]


def morning(life: Life) -> None:
    life.now = EVENING + 11 * HOUR
    life.poll()


@pytest.mark.parametrize("restarts", [False, True])
def test_two_of_one_account_in_one_night_are_both_told(night: Life, restarts: bool) -> None:
    account(night, "locked", "ok", "bad_key", "ok")
    if restarts:
        night.restart()

    morning(night)

    assert told(night) == [
        "While it was quiet: 2 warnings, all over by now",
        "Over: fal has locked the account (northwind) (2 Nov 23:00 to 23:10)",
        "Over: fal refuses the key (northwind) (2 Nov 23:20 to 23:30)",
    ]
    night.now += HOUR
    assert night.poll() == []


def test_one_that_lasts_has_its_button_though_an_earlier_one_of_it_is_over(night: Life) -> None:
    account(night, "locked", "ok", "bad_key")

    morning(night)

    title, first, second = told(night)
    assert title == "While it was quiet: 2 warnings, 1 of them over by now"
    assert first.startswith(
        "fal refuses the key (northwind) (since 2 Nov 23:20): fal account northwind: it is bad_key."
    )
    assert second == "Over: fal has locked the account (northwind) (2 Nov 23:00 to 23:10)"
    assert night.heard[0].notice.over == ()
    assert night.heard[0].notice.actions


def test_three_in_one_pause(night: Life) -> None:
    night.configure(quiet_hours=None)
    night.paused_until = night.now + 8 * HOUR
    account(night, "locked", "ok", "bad_key", "ok", "locked", "ok")

    night.paused_until = night.now
    night.poll()

    assert told(night)[1:] == [
        "Over: fal has locked the account (northwind) (2 Nov 23:00 to 23:10)",
        "Over: fal refuses the key (northwind) (2 Nov 23:20 to 23:30)",
        "Over: fal has locked the account (northwind) (2 Nov 23:40 to 23:50)",
    ]


def test_it_is_told_also_where_the_hold_is_taken_out_in_the_look_at_which_it_ends(night: Life) -> None:
    account(night, "bad_key")
    night.configure(quiet_hours=None)
    night.state = "ok"

    night.poll()

    assert told(night) == ["Meanwhile: fal refuses the key (northwind)", "From 23:00 to 23:10; it is over by now."]


def test_likewise_by_a_daemon_that_was_not_there_when_the_settings_were_changed(night: Life) -> None:
    account(night, "locked", "ok", "bad_key")
    night.configure(quiet_hours=None)
    night.restart()
    night.state = "ok"

    night.poll()

    assert [line.split(" (2")[0] for line in told(night)] == [
        "Meanwhile: 2 warnings, all over by now",
        "Over: fal has locked the account (northwind)",
        "Over: fal refuses the key (northwind)",
    ]


def test_it_is_told_also_where_the_limit_an_hour_is_raised_in_the_look_at_which_it_ends(night: Life) -> None:
    night.configure(quiet_hours=None, most_per_hour=0)
    night.balance = Decimal(19)
    night.poll()
    night.now += MINUTE
    night.configure(most_per_hour=6)
    night.balance = Decimal(40)

    night.poll()

    assert told(night) == [
        "Meanwhile: Balance under $20.00 (northwind)",
        "From 23:00 to 23:01; it is over by now.",
    ]


def test_what_the_desktop_could_have_taken_is_not_told_once_it_is_over(night: Life) -> None:
    """It came up and ended between two looks at the desktop: nothing kept it back."""
    night.configure(quiet_hours=None)
    night.screen.deadly = True
    account(night, "bad_key", "ok")

    assert told(night) == []


def test_a_level_that_was_told_before_the_night_and_one_that_came_and_went_in_it(night: Life) -> None:
    night.now = EVENING
    night.balance = Decimal(19)
    night.poll()
    night.now = EVENING + 2 * HOUR
    for balance in (4, 40, 19, 40):
        night.balance = Decimal(balance)
        night.poll()
        night.now += 10 * MINUTE

    morning(night)

    assert told(night)[2:] == [
        "While it was quiet: 2 warnings, all over by now",
        "Over: Balance under $5.00 (northwind) (2 Nov 23:00 to 23:10)",
        "Over: Balance under $20.00 (northwind) (2 Nov 23:20 to 23:30)",
    ]


def test_what_a_period_came_to_stays_on_the_desktop_after_its_end_and_what_recovered_does_not(night: Life) -> None:
    budget = Budget(name="Day", amount=Decimal(20), period="day", at=(Decimal(50), Decimal(100)))
    night.configure(quiet_hours=None, off=tuple(set(RULE_NAMES) - {"budget", "balance"}), budgets=(budget,))
    night.now = EVENING
    night.job("11")
    night.poll()
    night.now = EVENING + 4 * HOUR
    night.job("10", at=EVENING)
    night.poll()
    night.poll()

    assert [heard.notice.title for heard in night.heard] == [
        "55% of budget “Day” spent",
        "105% of budget “Day” spent",
        "Balance under $20.00 (northwind)",
    ]
    assert night.withdrawn == []
    night.balance = Decimal(60)
    night.poll()
    assert night.withdrawn == ["balance:northwind"]


def test_a_reminder_that_a_pause_held_back_is_no_news_when_its_budget_comes_back(night: Life) -> None:
    budget = Budget(name="Day", amount=Decimal(20), period="day", at=(Decimal(50),))
    looked_at = set(RULE_NAMES) - {"budget"}
    night.configure(quiet_hours=None, off=tuple(looked_at), budgets=(budget,))
    night.now = EVENING
    night.job("11")
    night.poll()
    night.snooze(MINUTE, "budget")
    night.paused_until = night.now + HOUR
    night.now += 2 * MINUTE
    night.poll()
    night.configure(budgets=())
    night.poll()
    night.configure(budgets=(budget,))
    night.now += HOUR

    night.poll()

    assert [heard.notice.title for heard in night.heard] == ["55% of budget “Day” spent"]
