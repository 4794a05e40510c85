from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.alerts.story import FIRST_POLL, START, Story, job, only
from trayd.alerts.imports import hushed
from trayd.money import Money
from trayd.records import Counting, Estimate, Generation


@pytest.mark.parametrize(
    ("generation", "told"),
    [
        pytest.param(job("4.99"), False, id="under the limit"),
        pytest.param(job("5.00"), True, id="at the limit"),
        pytest.param(job("4", actual="6"), True, id="the bill counts, not the estimate: more"),
        pytest.param(job("6", actual="4"), False, id="the bill counts, not the estimate: less"),
        pytest.param(job(None), False, id="no price is not an expensive price"),
        pytest.param(job("9", counting=Counting.PENDING), False, id="not yet run"),
        pytest.param(job("9", estimate=Estimate(Money.of("9", "EUR"), START)), False, id="another currency"),
        pytest.param(job(timestamp=START - timedelta(hours=24)), False, id="a day old"),
        pytest.param(job(timestamp=START - timedelta(hours=23)), True, id="not quite a day old"),
        pytest.param(job(actual="9", timestamp=FIRST_POLL), False, id="found by the first poll"),
        pytest.param(job(request_id=None), False, id="without a request id its bill will tell"),
    ],
)
def test_which_generations_of_a_covered_account_are_told(generation: Generation, told: bool) -> None:
    assert bool(Story(only("expensive")).jobs(generation)) is told


@pytest.mark.parametrize(
    ("generation", "told"),
    [
        pytest.param(job("6"), True, id="an event"),
        pytest.param(job("6", request_id=None, id="digest"), True, id="an event without a request id"),
        pytest.param(job(actual="6"), False, id="billed: the first poll is still running"),
        pytest.param(job("6", timestamp=START - timedelta(hours=25)), False, id="an old event"),
    ],
)
def test_where_billing_covers_nothing_the_events_of_the_day_are_told(generation: Generation, told: bool) -> None:
    assert bool(Story(only("expensive")).jobs(generation, covered=False)) is told


def test_one_request_is_told_once_whatever_is_learned_of_it_later() -> None:
    story = Story(only("expensive"))

    assert story.jobs(job("6.40")) == ["Expensive generation: $6.40"]
    assert story.jobs(job("6.40", actual="7.10")) == []
    assert story.jobs(job("6.40", actual="1.00")) == []
    story.restart()
    assert story.jobs(job("6.40", actual="9.00")) == []


def test_a_bill_over_the_limit_is_told_when_the_estimate_was_under_it() -> None:
    story = Story(only("expensive"))

    assert story.jobs(job("4.00")) == []
    assert story.jobs(job("4.00", actual="6.00")) == ["Expensive generation: $6.00"]


def test_each_request_is_told_of_by_itself() -> None:
    two = (job(id="a", request_id="a"), job("7", id="b", request_id="b"))

    assert Story(only("expensive")).jobs(*two) == ["Expensive generation: $6.40", "Expensive generation: $7.00"]


def test_a_limit_of_zero_switches_it_off() -> None:
    assert Story(only("expensive", expensive_generation=Decimal(0))).jobs(job("900")) == []


def test_the_words_name_model_cost_project_limit_and_cure() -> None:
    story = Story(only("expensive"))
    story.jobs(job("6.4", client="Northwind", project="Spring Campaign", deliverable="Hero Film"))
    story.jobs(job(actual="7", id="b", request_id="b"))

    estimated, billed = story.told
    assert estimated.text == (
        "Kling Video v3 Pro is estimated to have cost $6.40 for “Northwind / Spring Campaign / Hero Film”. "
        "Your limit for one is $5.00: look at what submits it, or set alerts.expensive_generation higher."
    )
    assert billed.text.startswith("Kling Video v3 Pro cost $7.00. Your limit")


def test_what_was_imported_is_never_told_not_even_after_a_restart() -> None:
    story = Story(only("expensive"))
    imported, dropped = job("9"), job("8", id="b", request_id="b")
    story.episodes |= {one.id: one for one in hushed((), [imported], story.limits, story.episodes, story.now)}
    story.restart()

    assert story.jobs(imported, dropped, covered=False) == ["Expensive generation: $8.00"]


def test_an_import_hushes_only_what_could_be_told_and_forgets_nothing_told() -> None:
    story = Story(only("expensive"))
    story.jobs(job("9"))
    old = job("9", id="old", timestamp=START - timedelta(days=3))
    cheap = job("1", id="cheap")

    assert hushed((), [job("9"), old, cheap], story.limits, story.episodes, story.now) == ()
