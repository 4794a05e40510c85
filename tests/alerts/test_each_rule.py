"""Each rule on a random course: a crossing is one warning, a real recovery arms it again, not to know does neither.

For each rule there is a line of figures, and in plain words what crosses its limit and what is a real recovery from it.
The warnings are counted by hand from that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts.story import START, Story, coverage, job, only
from tests.alerts.test_lasting import differing, expiring, lasting, outage, unusual
from trayd.alerts.rules import FileRejected, event
from trayd.facts import AccountFact
from trayd.money import Money
from trayd.records import BalanceReading

COVERED = {"northwind": coverage()}
DAY = timedelta(days=1)


class Course(NamedTuple):
    """How a rule is played.

    Attributes:
        rule: its name.
        figures: what there can be; None is what cannot be known.
        seen: what a look finds by a figure.
        crossed: whether the figure is over the limit; ``kept``: whether it is no real recovery from that.
        unknown: what a look finds where the rule can know nothing.
    """

    rule: str
    figures: list[Any]
    seen: Callable[[Any], dict[str, Any]]
    crossed: Callable[[Any], bool]
    kept: Callable[[Any], bool]
    unknown: Mapping[str, Any] = MappingProxyType({})


OFFLINE = {"accounts": (AccountFact(name="northwind", state="offline"),)}


def in_state(state: str) -> dict[str, Any]:
    return {"accounts": (AccountFact(name="northwind", state=state, as_of=START, problem="so it is"),)}


def billed(percent: int) -> dict[str, Any]:
    """A job that was estimated at $4.00; without one, none was billed in the last day."""
    bill = Decimal(4) * (100 + percent) / 100
    return {"generations": (job("4", actual=str(bill)),), "coverage": COVERED}


COURSES = [
    Course(
        "balance",
        [Decimal(each) for each in ("4", "5", "5.50", "6", "19.99", "48")],
        lambda left: {"balances": {"northwind": BalanceReading("northwind", START, Money.of(left))}},
        crossed=lambda left: left < 5,
        kept=lambda left: left < 6,
        unknown=OFFLINE,
    ),
    Course(
        "run_out",
        [0, 3, 7, 8, 10, 11, 60, None],
        lambda days: {"forecasts": (lasting(days),)},
        crossed=lambda days: days is not None and days <= 7,
        kept=lambda days: days is not None and days <= 10,
        unknown={"forecasts": (lasting(None, burn=None),)},
    ),
    Course(
        "expiry",
        [("38", True), ("0.99", True), ("1.00", True), ("0", False)],
        lambda lot: {"expiring": (expiring(20, lot[0]),) if lot[1] else ()},
        crossed=lambda lot: Decimal(lot[0]) >= 1,
        # What expires on one day is one matter for ever: a bill that is corrected moves what is left of it.
        kept=lambda _lot: True,
        unknown={"expiring": None},
    ),
    Course(
        "estimate",
        [-60, -25, -24, -20, -19, 0, 19, 20, 24, 25, 90],
        billed,
        crossed=lambda percent: abs(percent) >= 25,
        kept=lambda percent: abs(percent) >= 20,
        unknown={"generations": None, "coverage": COVERED},
    ),
    Course(
        "account",
        ["ok", "locked"],
        in_state,
        crossed=lambda state: state == "locked",
        kept=lambda state: state == "locked",
        unknown=in_state("offline"),
    ),
    Course(
        "account",
        ["ok", "bad_key"],
        in_state,
        crossed=lambda state: state == "bad_key",
        kept=lambda state: state == "bad_key",
        unknown=in_state("offline"),
    ),
    Course(
        "stale",
        [0, 59, 60, 300, "ok"],
        lambda minutes: in_state("ok") if minutes == "ok" else outage(minutes),
        crossed=lambda minutes: minutes in {60, 300},
        kept=lambda minutes: minutes != "ok",
        unknown={"accounts": (AccountFact(name="studio", state="offline"),)},
    ),
    Course(
        "ledger",
        ["", "there is no room on the disk"],
        lambda trouble: {"writing": trouble},
        crossed=bool,
        kept=bool,
    ),
    Course(
        "ledger",
        [(), ("2026-10.jsonl line 4 is damaged",)],
        lambda found: {"damaged": found},
        crossed=bool,
        kept=bool,
    ),
    Course(
        "ledger",
        [("47", 3), ("47.009", 3), ("47.01", 3), ("48", 1), ("48", 3), None],
        lambda found: {
            "differences": () if found is None else (differing("47", found[0]),),
            "differing_since": {} if found is None else {"northwind": START - timedelta(hours=found[1])},
        },
        crossed=lambda found: found is not None and Decimal(found[0]) >= Decimal("47.01") and found[1] >= 2,
        kept=lambda found: found is not None and Decimal(found[0]) > 47,
        unknown={"differences": None},
    ),
]


@pytest.mark.parametrize("course", [pytest.param(each, id=f"{each.rule} {each.figures[-1]}") for each in COURSES])
@given(data=st.data())
def test_a_crossing_is_one_warning_and_only_a_real_recovery_arms_it_again(course: Course, data: st.DataObject) -> None:
    looks = data.draw(st.lists(st.sampled_from([*course.figures, "unknown", "restart"]), max_size=25))
    story = Story(only(course.rule, **({"balance_below": (Decimal(5),)} if course.rule == "balance" else {})))
    armed, heard, expected, side = True, [], [], 0
    for look in looks:
        if look == "restart":
            story.restart()
            continue
        story.now = START
        told = len(story.look(**(course.unknown if look == "unknown" else course.seen(look))))
        heard.append(told)
        news = False
        if look != "unknown":
            # Bills that were over the estimates and are under them is another matter, and has its own crossing.
            turned = course.rule == "estimate" and look * side < 0
            armed = armed or turned or not course.kept(look)
            news = armed and course.crossed(look)
            if news:
                armed, side = False, look if course.rule == "estimate" else 0
        expected.append(int(news))

    assert heard == expected


costs = st.sampled_from([None, "0", "4.99", "5.00", "9"])


@given(
    looks=st.lists(st.dictionaries(st.sampled_from("abc"), st.tuples(costs, costs)), max_size=12),
    restarts=st.sets(st.integers(0, 11)),
)
def test_a_job_is_told_once_as_soon_as_it_is_known_to_be_expensive(
    looks: list[dict[str, tuple[str | None, str | None]]], restarts: set[int]
) -> None:
    story = Story(only("expensive"))
    told: set[str] = set()
    for index, look in enumerate(looks):
        if index in restarts:
            story.restart()
        jobs = [job(guess, actual=bill, id=name, request_id=name) for name, (guess, bill) in look.items()]
        dear = {name for name, (guess, bill) in look.items() if Decimal(bill or guess or 0) >= 5}

        assert len(story.jobs(*jobs)) == len(dear - told)
        told |= dear


@given(
    looks=st.lists(st.tuples(st.integers(0, 2), st.sampled_from([20, 31, 33, 40, 66, 80, 160, 400])), max_size=20),
    restarts=st.sets(st.integers(0, 19)),
)
def test_an_unusual_day_is_told_when_it_matters_and_when_it_has_doubled(
    looks: list[tuple[int, int]], restarts: set[int]
) -> None:
    """Whatever bills say of it later. It is $22.00 usually, and $33.00 is half as much again and $10.00 more."""
    story, told, today = Story(only("anomaly")), dict[int, list[int]](), 0
    for index, (days, cost) in enumerate(looks):
        if index in restarts:
            story.restart()
        today += days
        story.now = START + (1 + today) * DAY
        heard = story.look(unusual=(unusual(str(cost), story.now.date()),), coverage=COVERED)

        known = told.setdefault(today, [])
        news = cost >= 33 and (not known or (len(known) == 1 and cost >= 2 * known[0]))
        assert len(heard) == news
        known += [cost] * news


@given(names=st.lists(st.sampled_from(["a.csv", "b.csv"]), max_size=8))
def test_each_file_that_was_not_taken_in_is_told_once_and_the_same_notice_never_again(names: list[str]) -> None:
    story = Story(only("file"))
    told: set[tuple[str, datetime]] = set()
    for number, name in enumerate(names):
        # The same file dropped again later is another matter; the same notice handed over twice is not.
        at = START + timedelta(minutes=number // 2)
        rejected = FileRejected(name, f"{name} was not taken in", "no header; add one", at)
        story.now += timedelta(minutes=1)
        heard = story.find(event(rejected, story.limits))

        assert len(heard) == ((name, at) not in told)
        told.add((name, at))
