"""The pace of spending: what a range is worth is measured on studios that are made up, with their future."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.insight.patterns import PATTERNS, SEEN, day, days, is_weekend, nanos
from trayd.insight.forecast import account_forecast
from trayd.insight.known_days import History
from trayd.insight.pace import Pace
from trayd.money import Money

NOW = datetime.combine(day(SEEN), time(), UTC)
HORIZON = 365
STUDIOS = 120

#: From how many days of history on, in how many of a hundred cases the balance has to run out within the range.
HISTORIES = {5: 75, 14: 75, SEEN: 80}
CHANGING = ("growing", "shrinking", "stopped", "stepped")

#: How large the error may be, against that of a plain average of the same days; with nine weeks of them, that is least
#: for what changes, and most for who was away: to be back is a change as well, and nobody knows which kind it is.
MOST = 1.1
MOST_WITH_ALL = dict.fromkeys(CHANGING, 0.9) | {"projects": 1.2, "away": 2.2}

#: Where the range is known to be too narrow: two weeks hardly tell a fall from chance. Without a trend it were 43.
LESS = {("shrinking", 14): 60}


def run_out(spent: list[int], seen: int, balance: int) -> tuple[int, int, int]:
    """The day on which the balance runs out, the earliest and the latest, in days from now; 365 is never."""
    known = days(spent[SEEN - seen : SEEN], SEEN - seen)
    told = account_forecast(
        "studio",
        username=None,
        balance=Money(balance),
        as_of=NOW,
        history=History(tuple(known), NOW),
        pace=Pace.of(known),
        why_no_balance="",
        zone=UTC,
        today=NOW.date(),
    ).run_out
    if told is None:
        return HORIZON, 0, HORIZON
    found = [HORIZON if each is None else (each - day(SEEN)).days for each in (told.day, told.earliest, told.latest)]
    return found[0], found[1], found[2]


def happened(future: list[int], balance: int) -> int:
    for number, amount in enumerate(future[:HORIZON]):
        balance -= amount
        if balance <= 0:
            return number
    return HORIZON


#: Of five days of nothing, nothing else can be told.
CASES = [(name, seen) for name in PATTERNS for seen in HISTORIES if name != "stopped" or seen > 7]


@pytest.mark.parametrize(("name", "seen"), CASES)
def test_balances_run_out_within_the_range_four_times_out_of_five(
    name: str, seen: int, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(f"{name} {seen}")
    within = cases = 0
    errors, naive, open_ended = [], [], 0
    for _ in range(STUDIOS):
        spent = nanos(PATTERNS[name](chance))
        history = spent[SEEN - seen : SEEN]
        if not sum(history):
            continue
        balance = round(sum(spent[:SEEN]) / SEEN * chance.uniform(3, 40))
        real = happened(spent[SEEN:], balance)
        expected, earliest, latest = run_out(spent, seen, balance)
        cases += 1
        within += earliest <= real <= latest
        open_ended += latest == HORIZON
        errors.append(abs(math.log((expected + 1) / (real + 1))))
        mean = sum(history) / seen
        naive.append(abs(math.log((min(HORIZON, balance / mean) + 1) / (real + 1))))
    told = (
        f"{name}, {seen} days: {within / cases:.0%} within the range, {open_ended / cases:.0%} open; "
        f"error {statistics.mean(errors):.2f}, of the mean of all days {statistics.mean(naive):.2f}"
    )
    record_property("calibration", told)
    assert 100 * within >= LESS.get((name, seen), HISTORIES[seen]) * cases, told
    most = MOST_WITH_ALL.get(name, MOST) if seen == SEEN else MOST
    assert statistics.mean(errors) < most * statistics.mean(naive), told


def test_a_range_that_takes_in_everything_would_be_worth_nothing() -> None:
    chance = random.Random("widths")
    widths = []
    for _ in range(40):
        spent = nanos(PATTERNS["weekends"](chance))
        _, earliest, latest = run_out(spent, SEEN, round(sum(spent[:SEEN]) / SEEN * 20))
        widths.append(latest - earliest)
    assert statistics.median(widths) < 20  # of a balance for twenty days


@pytest.mark.parametrize("seen", [14, 21])
def test_weekends_are_not_taken_for_a_fall_that_goes_on(seen: int) -> None:
    chance = random.Random(f"weekends {seen}")
    without_end = 0
    for _ in range(60):
        spent = nanos(PATTERNS["weekends"](chance))
        without_end += run_out(spent, seen, round(sum(spent[:SEEN]) / SEEN * chance.uniform(3, 40)))[2] == HORIZON
    assert without_end <= 9  # of sixty


def test_two_weeks_with_a_day_that_is_not_known_have_no_trend() -> None:
    falling = days([(20 - number) * 10**9 for number in range(16)])
    without = [each for each in falling if each.day != day(5)]
    trends = [pace.trend for known in (falling, without) if (pace := Pace.of(known)) is not None]
    assert trends[0] is not None
    assert trends[0].slope < 0
    assert trends[1] is None


def test_the_next_days_follow_the_weekdays_from_four_weeks_on() -> None:
    spent = [3_000_000_000 if is_weekend(number) else 10_000_000_000 for number in range(SEEN)]
    pace = Pace.of(days(spent))
    assert pace is not None
    workday, saturday = (pace.over(pace.factor(day(SEEN + number))).mean for number in (0, 5))
    assert abs(workday / Decimal(10_000_000_000) - 1) < Decimal("0.02")
    assert abs(saturday / Decimal(3_000_000_000) - 1) < Decimal("0.02")
    short = Pace.of(days(spent[:21]))
    assert short is not None
    assert set(short.factors) == {Decimal(1)}


def test_differences_between_weekdays_that_are_chance_are_not_taken_for_a_pattern() -> None:
    chance = random.Random("chance")
    pace = Pace.of(days(nanos(PATTERNS["steady"](chance))[:SEEN]))
    assert pace is not None
    assert all(abs(factor - 1) < Decimal("0.25") for factor in pace.factors)


def test_a_week_of_more_is_believed_when_it_stands_out_and_hardly_where_all_is_chance() -> None:
    calm = [10_000_000_000] * 56 + [20_000_000_000] * 7
    wild = [10_000_000_000 * (1 + 3 * (number % 3 == 0)) for number in range(56)] + [30_000_000_000] * 7
    told = [Pace.of(days(spent)) for spent in (calm, wild)]
    rates = [each.over(Decimal(1)).mean / 10**9 for each in told if each is not None]
    assert 14 < rates[0] < 20
    assert rates[1] < 26


def test_fewer_than_three_days_have_no_pace() -> None:
    assert Pace.of(days([1, 1])) is None
    assert Pace.of(days([1, 1, 1])) is not None


def test_nothing_spent_is_a_pace_of_nothing() -> None:
    pace = Pace.of(days([0] * 30))
    assert pace is not None
    assert pace.over(Decimal(365)) == (0, 0, 0)


amounts = st.integers(-(10**12), 10**13)


@given(st.lists(st.integers(0, 10**13), min_size=3, max_size=70), st.integers(1, 366), st.integers(1, 300))
def test_more_time_never_costs_less(spent: list[int], much: int, more: int) -> None:
    pace = Pace.of(days(spent))
    assert pace is not None
    sooner, later = (pace.over(Decimal(each)) for each in (much, much + more))
    tiny = Decimal("0.001")
    assert sooner.low <= sooner.mean + tiny
    assert sooner.mean <= sooner.high + tiny
    assert all(before <= after + tiny for before, after in zip(sooner, later, strict=True))


@given(st.lists(amounts, min_size=3, max_size=70), st.integers(1, 365))
def test_any_history_has_a_range_around_its_mean(spent: list[int], ahead: int) -> None:
    pace = Pace.of(days(spent))
    assert pace is not None
    mean, low, high = pace.over(Decimal(ahead))
    assert low <= mean + Decimal("0.001")
    assert mean <= high + Decimal("0.001")


@given(st.lists(st.integers(0, 10**13), min_size=3, max_size=70), st.integers(2, 1000))
def test_in_another_currency_it_is_the_same_pace(spent: list[int], factor: int) -> None:
    one, other = (Pace.of(days([each * times for each in spent])) for times in (1, factor))
    assert one is not None
    assert other is not None
    for mine, theirs in zip(one.over(Decimal(30)), other.over(Decimal(30)), strict=True):
        assert abs(mine * factor - theirs) <= max(abs(theirs) / 10**12, Decimal(1))
