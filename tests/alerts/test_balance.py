from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts.story import Story
from trayd.alert_settings import Alerts
from trayd.facts import AccountFact
from trayd.money import Money
from trayd.records import BalanceReading

TWENTY, FIVE = "Balance under $20.00 (northwind)", "Balance under $5.00 (northwind)"


@pytest.mark.parametrize(
    ("readings", "told"),
    [
        pytest.param("48 30 20", [], id="at the threshold is not under it"),
        pytest.param("48 19.99", [TWENTY], id="one cent under is told"),
        pytest.param("48 19 18 17 12 6", [TWENTY], id="falling on is not told again"),
        pytest.param("48 19 4.99 4 1 0 -0.50", [TWENTY, FIVE], id="each threshold once on the way down"),
        pytest.param("48 3", [FIVE], id="both crossed at once is one warning, for the lowest"),
        pytest.param("3", [FIVE], id="already low at the first look"),
        pytest.param("19 20.50 19 21.99 19", [TWENTY], id="hovering around the threshold is told once"),
        pytest.param("19 22 19", [TWENTY, TWENTY], id="a tenth above it is a recovery"),
        pytest.param("4 5.99 4.50", [FIVE], id="five dollars recover at six, not at five and a half"),
        pytest.param("4 6 4", [FIVE, FIVE], id="a top-up that leaves it under twenty arms five again"),
        pytest.param("4 15 19 21 12", [FIVE], id="but not twenty, which has been crossed all the time"),
        pytest.param("48 3 48 3", [FIVE, FIVE], id="a real top-up arms both"),
        pytest.param("48 3 48 19 4", [FIVE, TWENTY, FIVE], id="and the next descent tells each"),
    ],
)
def test_what_is_told_on_the_way(readings: str, told: list[str]) -> None:
    story = Story()

    heard = [title for reading in readings.split() for title in story.balance(reading)]

    assert heard == told


def test_the_warning_says_whose_balance_how_much_is_left_and_what_to_do() -> None:
    story = Story()
    story.balance("18.42")
    story.balance("4.32")

    first, second = story.told
    assert first.text == (
        "fal account northwind has $18.42 left. Add credits in time: when they are used up, fal locks it and jobs fail."
    )
    assert (first.urgency, second.urgency) == ("normal", "critical")
    assert second.text.startswith("fal account northwind has $4.32 left. Add credits now")


def test_the_episode_lasts_from_the_first_threshold_to_the_recovery() -> None:
    story = Story()
    story.balance("19")
    began = story.episodes["balance:northwind"].since
    story.balance("4")
    story.balance("15")

    eased = story.episodes["balance:northwind"]
    assert (eased.since, eased.level, eased.resolved) == (began, "20.00", None)

    story.balance("50")
    assert story.episodes["balance:northwind"].resolved == story.now


def test_a_poll_that_failed_neither_warns_nor_recovers() -> None:
    story = Story()
    story.balance("4")

    assert story.look() == []
    assert story.look(accounts=(AccountFact(name="northwind", state="offline"),)) == []
    assert story.episodes["balance:northwind"].resolved is None
    assert story.balance("4") == []


def test_a_restart_between_any_two_readings_tells_nothing_twice() -> None:
    story = Story()
    heard = []
    for reading in ["48", "19", "18", "4", "3", "48", "4"]:
        heard += story.balance(reading)
        story.restart()
        heard += story.balance(reading)

    assert heard == [TWENTY, FIVE, FIVE]


def test_an_account_on_invoice_has_no_balance_and_ends_its_episode() -> None:
    story = Story()
    story.balance("4")

    assert story.balance("4", accounts=(AccountFact(name="northwind", state="ok", has_credits=False),)) == []
    assert story.episodes["balance:northwind"].resolved == story.now


def test_accounts_are_warned_of_apart() -> None:
    story = Story()
    low = {name: BalanceReading(name, story.now, Money.of(left)) for name, left in (("a", "19"), ("b", "3"))}

    assert story.look(balances=low) == ["Balance under $20.00 (a)", "Balance under $5.00 (b)"]


def test_a_balance_in_another_currency_is_not_compared_with_dollars() -> None:
    story = Story()

    assert story.look(balances={"a": BalanceReading("a", story.now, Money.of("3", "EUR"))}) == []


def test_a_threshold_that_the_user_adds_is_looked_at_with_the_next_reading() -> None:
    story = Story()
    story.balance("12")
    story.limits = Alerts(balance_below=(Decimal(20), Decimal(15), Decimal(5)))

    assert story.balance("12") == ["Balance under $15.00 (northwind)"]
    assert story.balance("11") == []

    story.limits = Alerts(balance_below=())
    assert story.balance("11") == []
    assert story.episodes["balance:northwind"].resolved is not None


cents = st.integers(-500, 4000).map(lambda amount: Decimal(amount) / 100)
levels = st.lists(st.integers(1, 3000).map(lambda amount: Decimal(amount) / 100), min_size=1, max_size=4, unique=True)


@given(thresholds=levels, readings=st.lists(cents, min_size=1, max_size=40), restarts=st.sets(st.integers(0, 39)))
def test_no_crossing_is_missed_and_none_told_twice(
    thresholds: list[Decimal], readings: list[Decimal], restarts: set[int]
) -> None:
    """A threshold is told of when it is crossed, itself or by a lower one, and again only after a real recovery."""
    story = Story(Alerts(balance_below=tuple(thresholds)))
    armed = dict.fromkeys(thresholds, True)
    for index, left in enumerate(readings):
        if index in restarts:
            story.restart()
        told = story.balance(left)

        for threshold in thresholds:
            if left >= threshold * Decimal("1.1") and left >= threshold + 1:
                armed[threshold] = True
        crossed = [threshold for threshold in thresholds if left < threshold and armed[threshold]]
        for threshold in thresholds:
            # A warning for a low threshold says all that one for a higher would.
            if crossed and threshold >= min(crossed):
                armed[threshold] = False
        assert told == ([f"Balance under ${min(crossed):.2f} (northwind)"] if crossed else [])


def test_an_alert_that_has_eased_knows_of_when_its_words_are() -> None:
    story = Story()
    story.balance("4")
    story.balance("10")

    (eased,) = story.episodes.values()
    assert eased.told is not None
    assert (eased.level, eased.worded) == ("20.00", story.now)
    assert eased.told < story.now
