"""Charts as data."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from babel.numbers import parse_decimal
from hypothesis import given
from hypothesis import strategies as st

from tests.insight.samples import external, generation, rates
from trayd.insight.tally import Tally
from trayd.money import nanos_of
from trayd.records import Kind
from trayd.reports.charts import Amounts, Heads, Ranked, bar_chart, time_chart
from trayd.reports.figures import Part
from trayd.reports.words import Words

HOME = rates()
AMOUNTS = Amounts(Words("en_US"), "USD", "Cost", charges=False)
FIRST = date(2026, 11, 1)


def tally(*of):
    sums = Tally(HOME)
    for record in of:
        sums.add(record, FIRST)
    return sums


def spent(cost):
    return tally(generation(cost))


def bars(costs):
    ranked = [
        Ranked(f"model {number}", "", Part(str(number), nanos_of(cost), generations=1))
        for number, cost in enumerate(costs)
    ]
    return bar_chart(ranked, Heads("models", "Cost by model", "Model"), AMOUNTS).bars


def over(days, first, last):
    parts = [
        Part(day.isoformat(), nanos[Kind.INTERNAL], nanos[Kind.EXTERNAL])
        for day, of_day in sorted(days.items())
        for nanos in [of_day.nanos]
    ]
    return time_chart(parts, first, last, AMOUNTS)


def test_the_longest_bar_is_the_full_width_and_the_others_are_in_proportion():
    assert [(bar.amount, bar.width, bar.share) for bar in bars(["3.00", "1.00"])] == [
        ("$3.00", "100.00", "75.0%"),
        ("$1.00", "33.33", "25.0%"),
    ]


def test_a_credit_has_no_bar():
    assert [bar.width for bar in bars(["3.00", "-1.00"])] == ["100.00", "0.00"]


def test_what_has_no_room_is_summed_in_one_row():
    shown = bars(["1.00"] * 40)
    assert len(shown) == 13
    last = shown[-1]
    assert (last.label, last.amount, last.generations, last.width) == ("28 others", "$28.00", "28", "")
    assert (shown[0].share, last.share) == ("2.5%", "70.0%"), "of all, not of those that have room"


def test_a_single_part_is_never_called_one_other():
    assert [bar.label for bar in bars(["1.00"] * 13)][-1] == "model 12"


@pytest.mark.parametrize(
    ("days", "unit", "points"), [(1, "day", 1), (30, "day", 30), (94, "week", 15), (900, "month", 30)]
)
def test_long_periods_are_drawn_in_longer_steps(days, unit, points):
    last = FIRST + timedelta(days=days - 1)
    chart = over({FIRST: spent("1.00")}, FIRST, last)
    assert (chart.unit, len(chart.points)) == (unit, points)


@pytest.mark.parametrize(
    ("first", "last", "average"),
    [
        # From a Monday to a Sunday 20 weeks; then three days less at either end.
        (date(2026, 1, 5), date(2026, 5, 24), "per week: $7.00"),
        (date(2026, 1, 8), date(2026, 5, 21), "per week: $7.00"),
        # From a January to a December; then a half of 28 days of February, and 15 of 30 of November.
        (date(2023, 1, 1), date(2025, 12, 31), "per month: $30.44"),
        (date(2023, 2, 15), date(2025, 11, 15), "per month: $30.45"),
    ],
)
def test_weeks_and_months_that_are_there_in_part_count_as_parts_in_the_average(first, last, average):
    days = [first + timedelta(days=ago) for ago in range((last - first).days + 1)]
    assert over({day: spent("1.00") for day in days}, first, last).summary.endswith(f"Average {average}.")


def test_days_without_spending_are_drawn_as_nothing_spent():
    chart = over({FIRST: spent("2.00"), FIRST + timedelta(days=2): spent("4.00")}, FIRST, FIRST + timedelta(days=2))
    assert [point.total for point in chart.points] == ["$2.00", "$0.00", "$4.00"]
    assert chart.summary == "Highest on November 3, 2026: $4.00. Average per day: $2.00."
    assert chart.line == "M0.70 50.00L50.00 100.00L99.30 0.00"


@pytest.mark.parametrize(
    ("days", "told"),
    [(94, "Highest in the week of October 26, 2026: $7.00."), (900, "Highest in November 2026: $7.00.")],
)
def test_the_highest_step_is_named_in_a_sentence(days, told):
    assert over({FIRST: spent("7.00")}, FIRST, FIRST + timedelta(days=days - 1)).summary.startswith(told)


def test_the_axis_has_round_marks():
    chart = over({FIRST: spent("21.60")}, FIRST, FIRST + timedelta(days=1))
    assert [tick.label for tick in chart.ticks] == ["$0.00", "$10.00", "$20.00", "$30.00"]


def test_marks_of_a_small_axis_are_where_they_say():
    chart = over({FIRST: spent("0.02")}, FIRST, FIRST)
    assert [tick.label for tick in chart.ticks] == ["$0.00", "$0.005", "$0.01", "$0.015", "$0.02"]


def test_a_month_of_credits_is_drawn_below_zero():
    chart = over({FIRST: tally(external("-5.00"))}, FIRST, FIRST)
    assert [tick.label for tick in chart.ticks] == ["-$6.00", "-$4.00", "-$2.00", "$0.00"]
    assert chart.summary == "There is nothing above zero on any day."


def test_nothing_at_all_can_be_drawn():
    chart = over({FIRST: tally()}, FIRST, FIRST + timedelta(days=3))
    assert chart.points[0].total == "$0.00"
    assert chart.base == chart.points[0].y


@given(
    st.dictionaries(st.integers(0, 1500), st.integers(-(10**6), 10**7), min_size=1, max_size=20),
    st.integers(0, 40),
)
def test_every_chart_holds_all_that_was_spent_within_its_frame(cents, after):
    days = {}
    for offset, amount in cents.items():
        days[FIRST + timedelta(days=offset)] = tally(external(Decimal(amount).scaleb(-2)))
    chart = over(days, FIRST, max(days) + timedelta(days=after))
    shown = sum(parse_decimal(point.total.replace("$", ""), "en_US") for point in chart.points)
    assert shown == Decimal(sum(cents.values())).scaleb(-2)
    assert all(0 <= float(point.x) <= 100 and 8 <= float(point.y) <= 84 for point in chart.points)
    widths = sum(float(point.width) for point in chart.points)
    assert widths == pytest.approx(100, abs=0.01 * len(chart.points))
