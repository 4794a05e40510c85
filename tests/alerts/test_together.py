from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts.story import START, Story, job, notices, only
from trayd.alerts.imports import hushed
from trayd.money import Money
from trayd.records import Generation


def burst(*costs: str, first: int = 0, apart: int = 2, **more: object) -> list[Generation]:
    """Jobs that were submitted so many seconds after each other."""
    return [
        job(
            cost,
            **{
                "id": f"r{first}-{place}",
                "request_id": f"r{first}-{place}",
                "timestamp": START - timedelta(minutes=30) + timedelta(seconds=first + place * apart),
                **more,
            },
        )
        for place, cost in enumerate(costs)
    ]


@pytest.mark.parametrize(
    ("jobs", "told"),
    [
        pytest.param(burst("4", "3.99"), [], id="under the limit"),
        pytest.param(burst("4", "4"), ["About $8.00 for 2 jobs submitted together"], id="at the limit"),
        pytest.param(burst("9"), [], id="one job is not together"),
        pytest.param(burst("4", "4", apart=10), ["About $8.00 for 2 jobs submitted together"], id="ten seconds apart"),
        pytest.param(burst("4", "4", apart=11), [], id="further apart"),
        pytest.param(
            burst("2", "2", "2", "2", actual="3"), ["$12.00 for 4 jobs submitted together"], id="by their bills"
        ),
        pytest.param([*burst("4", "4", key="a")[:1], *burst("4", "4", key="b")[1:]], [], id="by two keys"),
        pytest.param(burst("5", "4", "3"), [], id="five dollars are told by themselves, and the rest is under"),
        pytest.param(burst("5", "4", "4"), ["About $13.00 for 3 jobs submitted together"], id="the rest is over"),
        pytest.param(burst("4", None, "4"), ["About $8.00 for 2 jobs submitted together"], id="what has no price"),
        pytest.param(
            burst(*["1"] * 130, apart=1),
            ["About $121.00 for 121 jobs submitted together", "About $9.00 for 9 jobs submitted together"],
            id="what goes on for more than two minutes is told again",
        ),
    ],
)
def test_what_is_told_of_jobs_that_were_submitted_together(jobs: list[Generation], told: list[str]) -> None:
    story = Story()

    assert [title for title in story.jobs(*jobs) if "together" in title] == told


def test_a_group_is_told_once_whatever_joins_it_later() -> None:
    story = Story(only("together"))
    assert story.jobs(*burst("4", "4", first=10)) == ["About $8.00 for 2 jobs submitted together"]
    story.restart()

    early, late = burst("4", first=5), burst("4", "4", first=14)
    assert story.jobs(*early, *burst("4", "4", first=10), *late) == []


def test_a_bill_that_tells_another_time_than_the_event_did_makes_no_other_group() -> None:
    story = Story(only("together"))
    story.jobs(*burst("4", "4", "4"))
    moved = [
        job("4", actual="4.10", id=f"r0-{place}", request_id=f"r0-{place}", key="render", timestamp=START - apart)
        for place, apart in enumerate(timedelta(minutes=20, seconds=seconds) for seconds in (4, 2, 0))
    ]

    assert story.jobs(*moved) == []


def test_rows_that_come_late_move_nothing_that_was_told_into_a_new_group() -> None:
    story = Story(only("together"))
    jobs = burst(*["1"] * 120, apart=1)
    assert len(story.jobs(*jobs)) == 1

    assert story.jobs(*burst("1", "1", "1", first=-9, apart=3), *jobs) == []


def test_the_words_name_models_project_limit_and_cure() -> None:
    story = Story(only("together"))
    story.jobs(
        *burst("4", "4", client="Northwind", project="Spring Campaign"),
        *burst("3", first=4, client="Northwind", project="Spring Campaign", display_name="FLUX.1 [dev]"),
    )

    (told,) = story.told
    assert told.text == (
        "3 jobs submitted together cost about $11.00 for “Northwind / Spring Campaign”. "
        "They are 2 × Kling Video v3 Pro and 1 × FLUX.1 [dev]. "
        "Your limit for that is $8.00: look at what submits them, or set alerts.expensive_together higher."
    )
    assert (told.account, told.client, told.project) == ("northwind", "Northwind", "Spring Campaign")


@pytest.mark.parametrize("alone", ["with the group", "before it"])
def test_the_words_say_what_all_came_to_also_what_is_told_by_itself(alone: str) -> None:
    story = Story()
    dear = burst(*["6"] * 8, apart=3, client="Northwind")
    cheap = burst(*["3"] * 4, first=24, apart=3, client="Northwind")
    if alone == "before it":
        assert len(story.jobs(*dear)) == 8
    story.jobs(*dear, *cheap)

    told = story.told[-1]
    assert told.title == "About $60.00 for 12 jobs submitted together"
    assert told.text.startswith(
        "12 jobs submitted together cost about $60.00 for “Northwind”. 8 of them have warnings of their own. They are"
    )
    assert told.amount == Money.of("60")
    assert set(told.includes) == {f"expensive:{generation.id}" for generation in dear}


@pytest.mark.parametrize("quiet", [False, True])
async def test_a_group_and_what_is_expensive_in_it_are_one_notice(quiet: bool) -> None:
    story = Story()
    elsewhere = burst("7", first=300)
    assert len(story.jobs(*burst(*["6"] * 8, "4", "4"), *elsewhere)) == 10

    shown = await notices(story, quiet=quiet)

    # A digest has all in one, and does not name each of the eight either.
    assert [notice.title for notice in shown] == (
        ["While it was quiet: 2 warnings"]
        if quiet
        else ["Expensive generation: $7.00", "About $56.00 for 10 jobs submitted together"]
    )
    assert "$6.00" not in "".join(notice.body for notice in shown)


def test_what_was_imported_is_in_the_sum_and_has_no_warning() -> None:
    story = Story()
    (imported,) = burst("6")
    story.episodes |= {one.id: one for one in hushed((), [imported], story.limits, story.episodes, story.now)}

    assert story.jobs(imported, *burst("4", "4", first=2), covered=False) == [
        "About $14.00 for 3 jobs submitted together"
    ]
    assert "of their own" not in story.told[-1].text


def test_what_was_told_with_another_group_is_not_in_the_sum_of_the_next() -> None:
    story = Story(only("together"))
    jobs = burst(*["1"] * 120, apart=1)
    story.jobs(*jobs)

    # The first job is no news any more, so that two that came late are within two minutes of the others.
    late = burst("4", "4", first=120, apart=1)
    assert story.jobs(*jobs[1:], *late) == ["About $8.00 for 2 jobs submitted together"]


def test_zero_switches_it_off_and_what_was_imported_is_no_news() -> None:
    assert Story(only("together", expensive_together=Decimal(0))).jobs(*burst("40", "40")) == []

    story = Story(only("together"))
    jobs = burst("4", "4", "4")
    story.episodes |= {one.id: one for one in hushed((), jobs, story.limits, story.episodes, story.now)}
    story.restart()
    assert story.jobs(*jobs, covered=False) == []


@given(
    starts=st.lists(st.tuples(st.integers(0, 600), st.integers(1, 4)), min_size=1, max_size=25),
    looks=st.lists(st.integers(1, 25), min_size=1, max_size=6),
)
def test_in_whatever_order_rows_come_no_group_stays_untold_and_no_money_is_told_twice(
    starts: list[tuple[int, int]], looks: list[int]
) -> None:
    jobs = [
        job(str(cost), id=f"r{place}", request_id=f"r{place}", timestamp=START - timedelta(seconds=1200 - second))
        for place, (second, cost) in enumerate(starts)
    ]
    story = Story(only("together"))
    for known in [*looks, len(jobs)]:
        story.jobs(*jobs[:known])
        story.restart()
    told = sum(episode.amount.nanos for episode in story.told if episode.amount)
    spent = sum(generation.cost.nanos for generation in jobs if generation.cost)

    assert told <= spent
    at_once = Story(only("together"))
    assert bool(story.told) >= bool(at_once.jobs(*jobs))
