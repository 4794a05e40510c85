"""Unusual days: how often one is called for nothing, how often a real one is missed, and what explains it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.insight.patterns import PATTERNS, day, is_weekend, varied
from tests.insight.samples import rates
from trayd.alert_settings import AnomalyLimits
from trayd.insight.anomalies import Anomaly, Explanation, Parts, baseline, explained, is_material, unusual
from trayd.insight.breakdown import Breakdown, Dimension
from trayd.money import Money
from trayd.records import Counting, Heading, Kind, Sum

DAYS = 120
JUDGED = range(63, DAYS)
STUDIOS = 40
DOLLAR = 1_000_000_000
TYPICAL = 20 * DOLLAR


def calm(chance: random.Random, spread: float = 0.4, weekend: float = 1.0) -> list[int]:
    return [
        round(20 * DOLLAR * varied(chance, spread) * (weekend if is_weekend(number) else 1)) for number in range(DAYS)
    ]


def sparse(chance: random.Random) -> list[int]:
    """Some dollars on three days a month, nothing on others."""
    return [round(30 * DOLLAR * varied(chance, 0.5)) if chance.random() < 0.1 else 0 for _ in range(DAYS)]


def small_and_large(chance: random.Random) -> list[int]:
    """Some cents on most days, and a job of fifty dollars every tenth day."""
    return [round((50 if chance.random() < 0.1 else 0.2) * DOLLAR * varied(chance, 0.3)) for _ in range(DAYS)]


def growing(chance: random.Random) -> list[int]:
    return [round(5 * DOLLAR * 1.02**number * varied(chance, 0.4)) for number in range(DAYS)]


CALM = {
    "even": partial(calm, spread=0.3),
    "lively": partial(calm, spread=0.6),
    "wild": partial(calm, spread=0.9),
    "weekends off": partial(calm, weekend=0.0),
    "weekends less": partial(calm, weekend=0.3),
    "the same each day": partial(calm, spread=0.0),
    "sparse": sparse,
    "small and large": small_and_large,
    "growing": growing,
}


def as_days(spent: Sequence[int]) -> dict[date, int]:
    return {day(number): nanos for number, nanos in enumerate(spent)}


def judged(number: int, nanos: int, spent: Sequence[int]) -> Anomaly | None:
    return unusual(day(number), nanos, as_days(spent), "USD", running=False)


#: Of a hundred calm days so many may be called unusual; spending that grows tenfold in four months is hardly calm.
MOST_CALLED = dict.fromkeys(CALM, 2) | {"even": 0.5, "lively": 1, "growing": 3}


@pytest.mark.parametrize("name", CALM)
def test_of_a_hundred_calm_days_hardly_one_is_called_unusual(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(name)
    called = 0
    for _ in range(STUDIOS):
        spent = CALM[name](chance)
        called += sum(judged(number, spent[number], spent) is not None for number in JUDGED)
    told = f"{name}: {called} of {STUDIOS * len(JUDGED)} days called"
    record_property("false alarms", told)
    assert 100 * called <= MOST_CALLED[name] * STUDIOS * len(JUDGED), told


def projects(chance: random.Random) -> list[int]:
    """Weeks of a project, and up to two weeks of hardly anything between them."""
    return [round(20 * DOLLAR * amount) for amount in PATTERNS["projects"](chance)[:DAYS]]


def large_jobs(chance: random.Random) -> list[int]:
    """A dollar or so on each day, and on one in eight a job of eighty."""
    return [round((80 if chance.random() < 0.12 else 1) * DOLLAR * varied(chance, 0.5)) for _ in range(DAYS)]


@pytest.mark.parametrize(
    ("studio", "percent"),
    [(CALM["even"], 2), (CALM["lively"], 2), (CALM["weekends less"], 2), (projects, 4), (large_jobs, 7)],
)
def test_in_the_first_weeks_it_is_hardly_more_often(
    studio: Callable[[random.Random], list[int]], percent: int, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random("first weeks")
    called = cases = 0
    for _ in range(2 * STUDIOS):
        spent = studio(chance)
        for number in range(7, 28):
            cases += 1
            called += judged(number, spent[number], spent[:number]) is not None
    told = f"{called} of {cases} days called"
    record_property("false alarms in the first weeks", told)
    assert 100 * called <= percent * cases, told


#: A studio, how many usual days' spending comes on top of a day's own, and of how many days in a hundred that is seen.
SPIKES = [("even", 2, 85), ("even", 3, 97), ("lively", 6, 93), ("weekends less", 3, 90), ("wild", 9, 65)]


@pytest.mark.parametrize(("name", "times", "percent"), SPIKES)
def test_a_day_with_several_days_spending_on_top_is_found(
    name: str, times: int, percent: int, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(f"{name} spike")
    found = cases = 0
    for _ in range(STUDIOS):
        spent = CALM[name](chance)
        for number in range(70, DAYS, 7):
            cases += 1
            found += judged(number, spent[number] + times * TYPICAL, spent) is not None
    told = f"{name}, {times} days on top: {found} of {cases} found"
    record_property("hits", told)
    assert 100 * found >= percent * cases, told


#: The part of a day's spending that there is at the end of each hour: nearly all of it from nine to eighteen.
PROFILE = [*accumulate([0.002] * 9 + [0.1] * 9 + [0.082 / 6] * 6)]


def by_hour(chance: random.Random, amount: int) -> list[int]:
    """A day's spending at the end of each hour, in jobs of different sizes."""
    jobs = [amount * varied(chance, 0.5) for _ in range(30)]
    whole = sum(jobs) or 1
    at = sorted(
        chance.choices(range(24), [after - before for before, after in zip([0, *PROFILE], PROFILE, strict=False)], k=30)
    )
    found, done = [], 0.0
    for hour in range(24):
        while at and at[0] == hour:
            at.pop(0)
            done += jobs.pop()
        found.append(round(amount * done / whole))
    return found


def watched(number: int, hours: list[list[int]], spent: Sequence[int]) -> int | None:
    """The first hour at the end of which a day is called unusual; None where it never is."""
    earlier = {day(other): hours[other] for other in range(number)}

    def by_now(hour: int, days: Sequence[date]) -> Mapping[date, int]:
        return {each: earlier[each][hour] for each in days}

    for hour in range(24):
        if unusual(
            day(number),
            hours[number][hour],
            as_days(spent[:number]),
            "USD",
            running=True,
            by_now=partial(by_now, hour),
        ):
            return hour
    return None


def test_a_running_day_is_seldom_called_for_nothing_however_often_it_is_looked_at() -> None:
    chance = random.Random("running")
    called = cases = 0
    for _ in range(10):
        spent = calm(chance, spread=0.4, weekend=0.3)
        hours = [by_hour(chance, amount) for amount in spent]
        for number in JUDGED:
            cases += 1
            called += watched(number, hours, spent) is not None
    assert 100 * called <= 3 * cases, f"{called} of {cases} running days called"


def test_a_running_day_is_found_before_it_ends() -> None:
    chance = random.Random("runaway")
    found: list[int | None] = []
    for _ in range(10):
        spent = calm(chance, spread=0.4)
        for number in range(70, DAYS, 10):
            spent[number] = 200 * DOLLAR
            hours = [by_hour(chance, amount) for amount in spent]
            found.append(watched(number, hours, spent))
            spent[number] = 20 * DOLLAR
    hours_found = sorted(hour for hour in found if hour is not None)
    assert len(hours_found) >= 0.95 * len(found)
    assert hours_found[len(hours_found) // 2] < 15  # ten times the usual, spread over the day


def test_early_in_the_day_much_is_unusual_before_it_is_much_for_a_day() -> None:
    spent = [20 * DOLLAR + number * DOLLAR // 10 for number in range(64)]

    def by_now(days: Sequence[date]) -> Mapping[date, int]:
        return dict.fromkeys(days, DOLLAR)

    told = partial(unusual, day(64), 24 * DOLLAR, as_days(spent), "USD", running=True)
    assert told() is None  # for a whole day that is nothing
    found = told(by_now=by_now)
    assert found is not None
    assert found.running
    assert found.excess == found.cost - found.usual


def test_what_is_no_more_than_a_usual_day_is_never_unusual_however_early() -> None:
    spent = [20 * DOLLAR] * 64
    found = unusual(
        day(64), 20 * DOLLAR, as_days(spent), "USD", running=True, by_now=lambda days: dict.fromkeys(days, 1)
    )
    assert found is None


def test_an_unusual_day_tells_how_much_and_how_far() -> None:
    spent = [10 * DOLLAR, 12 * DOLLAR, 8 * DOLLAR] * 25
    found = judged(70, 60 * DOLLAR, spent)
    assert found is not None
    assert (found.cost, found.usual, found.excess) == (Money.of("60"), Money.of("10"), Money.of("50"))
    assert found.percent == 500.0
    assert found.score > 3
    assert found.compared == 63


def test_weekends_are_compared_with_weekends_where_both_are_known_and_differ() -> None:
    saturday = 61
    spent = [0 if is_weekend(number) else 100 * DOLLAR for number in range(61)]
    assert judged(saturday, 60 * DOLLAR, spent) is None  # never at weekends: compared with all days
    some = [10 * DOLLAR if is_weekend(number) else 100 * DOLLAR for number in range(61)]
    found = judged(saturday, 60 * DOLLAR, some)
    assert found is not None
    assert found.usual == Money.of("10")


def test_fewer_than_seven_days_with_spending_tell_nothing() -> None:
    assert judged(30, 1000 * DOLLAR, [DOLLAR] * 6 + [0] * 24) is None
    assert judged(30, 1000 * DOLLAR, [DOLLAR] * 7 + [0] * 23) is not None


def test_what_comes_every_other_week_is_no_surprise() -> None:
    spent = [DOLLAR] * 70
    assert judged(70, 100 * DOLLAR, spent) is not None
    for number in (20, 34, 48):
        spent[number] = 90 * DOLLAR
    assert judged(70, 100 * DOLLAR, spent) is None
    assert judged(70, 200 * DOLLAR, spent) is not None


def test_days_of_more_than_nine_weeks_ago_are_forgotten() -> None:
    usual = baseline(day(200), as_days([100 * DOLLAR] * 130 + [DOLLAR] * 70))
    assert usual is not None
    assert usual.usual == DOLLAR


@given(st.integers(1, 10**15), st.integers(0, 10**15), st.integers(0, 10**6), st.integers(0, 1000))
def test_impact_is_judged_apart_from_what_is_unusual(usual: int, excess: int, least: int, percent: int) -> None:
    found = Anomaly(
        day=day(0),
        running=False,
        cost=Money(usual + excess),
        usual=Money(usual),
        excess=Money(excess),
        percent=None,
        score=9.0,
        compared=9,
    )
    limits = AnomalyLimits(at_least=Decimal(least), at_least_percent=Decimal(percent))
    assert is_material(found, limits) == (excess >= least * DOLLAR and 100 * excess >= percent * usual)


@pytest.mark.parametrize(
    ("excess", "in_dollars", "at_least", "warned"),
    [
        ("99.00", "9.90", None, False),
        ("101.00", "10.10", None, True),
        ("101.00", "10.10", "150", False),
        ("101.00", "10.10", "50", True),
        ("11.00", None, None, True),
    ],
)
def test_without_a_limit_of_their_own_what_is_worth_ten_dollars_matters(
    excess: str, in_dollars: str | None, at_least: str | None, warned: bool
) -> None:
    found = Anomaly(
        day=day(0),
        running=False,
        cost=Money.of(Decimal(excess) + 10, "SEK"),
        usual=Money.of(10, "SEK"),
        excess=Money.of(excess, "SEK"),
        in_dollars=None if in_dollars is None else Money.of(in_dollars),
        percent=None,
        score=9.0,
        compared=9,
    )
    assert is_material(found, AnomalyLimits(at_least=None if at_least is None else Decimal(at_least))) == warned


NO_RATES = rates()


def parts(dimension: Dimension, of_day: dict[str | None, int], before: dict[str | None, int]) -> Parts:
    broken = []
    for amounts in (of_day, before):
        breakdown = Breakdown(NO_RATES)
        for key, dollars in amounts.items():
            heading = Heading(Kind.INTERNAL, Counting.ACTUAL, "USD")
            breakdown.of(key).add_sum(Sum(heading, 1, dollars * DOLLAR))
        broken.append(breakdown)
    return Parts(dimension, broken[0], broken[1])


def day_of(cost: int, usual: int) -> Anomaly:
    return Anomaly(
        day=day(70),
        running=False,
        cost=Money(cost * DOLLAR),
        usual=Money(usual * DOLLAR),
        excess=Money((cost - usual) * DOLLAR),
        percent=None,
        score=9.0,
        compared=45,
    )


def told(anomaly: Anomaly) -> list[tuple[str, str | None, float]]:
    return [(each.dimension, each.key, each.share) for each in anomaly.explained]


ONE_KEY = parts(Dimension.KEY, {"studio": 110}, {"studio": 450})


def test_the_key_with_most_of_the_excess_explains_it() -> None:
    models = parts(Dimension.MODEL, {"veo": 102, "flux": 8}, {"veo": 90, "flux": 360})
    found = explained(day_of(110, 10), [models, ONE_KEY])
    assert found.explained == (
        Explanation(dimension="model", key="veo", cost=Money.of("102"), usual=Money.of("2"), share=1.0),
    )


def test_what_makes_up_all_spending_anyway_explains_nothing() -> None:
    assert explained(day_of(110, 10), [ONE_KEY]).explained == ()


def test_other_dimensions_follow_where_they_are_most_of_it_too() -> None:
    models = parts(Dimension.MODEL, {"veo": 92, "flux": 18}, {"flux": 450})
    projects = parts(Dimension.PROJECT, {"Spring": 70, "Fall": 40}, {"Spring": 90, "Fall": 360})
    clients = parts(Dimension.CLIENT, {"Northwind": 70, "Contoso": 40}, {"Northwind": 90, "Contoso": 360})
    operations = parts(Dimension.OPERATION, {"text-to-video": 92, "text-to-image": 18}, {"text-to-image": 450})
    found = explained(day_of(110, 10), [models, projects, clients, operations])
    # The operation says no more than the model, nor the client than its project.
    assert told(found) == [("model", "veo", 0.92), ("project", "Spring", 0.68)]


def test_an_operation_that_many_models_share_is_named_itself() -> None:
    models = parts(Dimension.MODEL, {"veo": 35, "kling": 35, "wan": 30, "flux": 10}, {"flux": 450})
    operations = parts(Dimension.OPERATION, {"text-to-video": 100, "text-to-image": 10}, {"text-to-image": 450})
    assert told(explained(day_of(110, 10), [models, operations]))[0] == ("operation", "text-to-video", 1.0)


def test_a_client_of_which_several_projects_have_grown_is_named_itself() -> None:
    projects = parts(Dimension.PROJECT, {"Spring": 35, "Fall": 35, "Film": 30, "Web": 10}, {"Web": 450})
    clients = parts(Dimension.CLIENT, {"Northwind": 100, "Contoso": 10}, {"Contoso": 450})
    assert told(explained(day_of(110, 10), [projects, clients]))[0] == ("client", "Northwind", 1.0)


def test_without_one_that_is_most_of_it_several_keys_of_a_dimension_are_named() -> None:
    models = parts(Dimension.MODEL, {"a": 40, "b": 35, "c": 25, "d": 10}, {"d": 450})
    found = explained(day_of(110, 10), [models, ONE_KEY])
    assert told(found) == [("model", "a", 0.4), ("model", "b", 0.35), ("model", "c", 0.25)]


def test_where_everything_has_grown_alike_nothing_is_named() -> None:
    models = parts(Dimension.MODEL, {"a": 55, "b": 55}, {"a": 225, "b": 225})
    assert explained(day_of(110, 10), [models]).explained == ()


def test_what_has_no_mark_can_explain_it() -> None:
    projects = parts(Dimension.PROJECT, {None: 100, "Spring": 10}, {"Spring": 450})
    assert told(explained(day_of(110, 10), [projects])) == [("project", None, 1.0)]


def test_a_day_that_is_not_known_is_not_taken_for_one_of_nothing() -> None:
    spent = as_days([20 * DOLLAR] * 70)
    del spent[day(60)]
    usual = baseline(day(70), spent)
    assert usual is not None
    assert day(60) not in usual.days
    assert day(70) - timedelta(days=1) in usual.days
