"""The rules on how long credits last, on unusual days, on bills, on outages and on the ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.alerts.story import START, Story, coverage, job, only
from trayd.alert_settings import RULE_NAMES, Alerts
from trayd.alerts.notice import summary
from trayd.alerts.rules import RULE_FUNCTIONS as LOOKED_AT
from trayd.alerts.rules import Outage
from trayd.facts import AccountFact, Difference
from trayd.insight.anomalies import Anomaly, Explanation
from trayd.insight.credits import Expiring, Lot, Origin
from trayd.insight.forecast import AccountForecast, Burn, RunOut
from trayd.money import Money
from trayd.records import BalanceReading

TODAY = START.date()
DAY = timedelta(days=1)
COVERED = {"northwind": coverage()}
BURN = Burn(per_day=Money.of("6.10"), low=Money.of(4), high=Money.of(9), days=21)


def lasting(days: int | None, *, left: str = "40", burn: Burn | None = BURN) -> AccountForecast:
    """A forecast by which the balance lasts for so many days; None: for more than a year."""
    end = None
    if days is not None:
        day = TODAY + days * DAY
        end = RunOut(day=day, earliest=day - DAY, latest=day + 2 * DAY)
    return AccountForecast(account="studio", username="northwind", balance=Money.of(left), burn=burn, run_out=end)


@pytest.mark.parametrize(
    ("forecasts", "told"),
    [
        pytest.param([lasting(8)], 0, id="it lasts for more than a week"),
        pytest.param([lasting(7), lasting(6), lasting(2)], 1, id="a week, once"),
        pytest.param([lasting(7), lasting(10), lasting(7)], 1, id="forecasts move from day to day"),
        pytest.param([lasting(7), lasting(11), lasting(7)], 2, id="after a top-up it is news again"),
        pytest.param([lasting(7), lasting(None), lasting(7)], 2, id="for more than a year is a recovery as well"),
        pytest.param([lasting(7), lasting(None, burn=None), lasting(7)], 1, id="not to know is none"),
        pytest.param([lasting(3, left="4.50")], 0, id="the balance's own gravest warning says it already"),
        pytest.param([lasting(3, left="4.50"), lasting(3, left="5.50")], 1, id="but not any more"),
    ],
)
def test_a_balance_that_will_not_last(forecasts: list[AccountForecast], told: int) -> None:
    story = Story(Alerts(off=tuple(rule for rule in RULE_NAMES if rule not in {"run_out", "balance"})))

    heard = [title for forecast in forecasts for title in story.look(forecasts=(forecast,))]

    assert len(heard) == told


def test_a_balance_of_days_ago_begins_nothing_and_ends_nothing() -> None:
    old = frozenset({"northwind"})
    story = Story(Alerts(off=tuple(rule for rule in RULE_NAMES if rule not in {"run_out", "expiry"})))

    assert story.look(forecasts=(lasting(5),), expiring=(expiring(5),), unanswered=old) == []
    assert len(story.look(forecasts=(lasting(5),), expiring=(expiring(5),))) == 2
    story.look(forecasts=(lasting(4),), expiring=(expiring(5),), unanswered=old)
    assert [each.resolved for each in story.episodes.values()] == [None, None]


def test_the_words_name_the_day_and_the_range() -> None:
    story = Story(only("run_out"))

    assert story.look(forecasts=(lasting(5),)) == ["Credits last until about 6 Nov (northwind)"]
    assert story.told[0].text == (
        "fal account northwind has $40.00 left, which lasts until about 6 Nov (5 Nov to 8 Nov) "
        "at about $6.10 a day. Add credits before that: when they are used up, fal locks it and jobs fail."
    )


def expiring(days: int, unused: str = "38") -> Expiring:
    bought = datetime(2025, 12, 1, 12, tzinfo=UTC)
    amount, left = Money.of(100), Money.of(unused)
    lot = Lot(
        account="northwind",
        origin=Origin.PURCHASE,
        after=bought - DAY,
        at=bought,
        amount=amount,
        at_least=amount,
        at_most=amount,
        likely=amount,
        left=left,
        expires=TODAY + days * DAY,
        gone=TODAY + (days + 1) * DAY,
        estimated=True,
    )
    return Expiring(account="northwind", lot=lot, days=days, used=None, unused=left)


def test_credits_that_expire_are_told_a_month_and_a_week_before() -> None:
    story = Story(only("expiry"))

    heard = []
    for days in (31, 30, 29, 8, 7, 6, 0):
        story.now = START + (31 - days) * DAY
        heard += story.look(expiring=(expiring(31),))

    assert heard == [
        "About $38.00 of credits expire in 30 days (northwind)",
        "About $38.00 of credits expire in 7 days (northwind)",
    ]
    assert story.told[0].text == (
        "fal account northwind will have about $38.00 of the credits bought on 1 Dec 2025 left when they expire "
        "on 2 Dec, as it spends now. Run planned jobs before that; `trayd credits` shows what expires when."
    )
    assert story.look(expiring=()) == []
    assert story.episodes["expiry:northwind:2026-12-02"].resolved == story.now


def test_credits_that_will_be_used_and_those_of_one_day_together() -> None:
    assert Story(only("expiry")).look(expiring=(expiring(5, "0.99"),)) == []
    assert Story(only("expiry", credits_expire_within_days=())).look(expiring=(expiring(5),)) == []
    two = (expiring(5, "0.60"), expiring(5, "0.60"))
    assert Story(only("expiry")).look(expiring=two) == ["About $1.20 of credits expire in 5 days (northwind)"]


def unusual(cost: str, day: date = TODAY + DAY, usual: str = "22") -> Anomaly:
    excess = Decimal(cost) - Decimal(usual)
    return Anomaly(
        day=day,
        running=True,
        cost=Money.of(cost),
        usual=Money.of(usual),
        excess=Money.of(excess),
        percent=float(100 * excess / Decimal(usual)),
        score=6.0,
        compared=20,
        explained=(
            Explanation(dimension="project", key="Spring Campaign", cost=Money.of(cost), usual=Money.of(0), share=0.85),
        ),
    )


@pytest.mark.parametrize(
    ("costs", "told"),
    [
        pytest.param("31", 0, id="not ten dollars more"),
        pytest.param("32.99", 0, id="not half as much again"),
        pytest.param("33 40 60", 1, id="once a day"),
        pytest.param("33 66 70 200", 2, id="and again when it has doubled"),
        pytest.param("40 20 40", 1, id="a bill that takes it back and one that does not"),
    ],
)
def test_a_day_of_unusual_spending(costs: str, told: int) -> None:
    story = Story(only("anomaly"))
    story.now = START + DAY

    heard = [title for cost in costs.split() for title in story.look(unusual=(unusual(cost),), coverage=COVERED)]

    assert len(heard) == told


def test_what_explains_the_day_is_named_and_so_is_yesterday() -> None:
    story = Story(only("anomaly"))
    story.now = START + DAY
    story.look(unusual=(unusual("84.20"),), coverage=COVERED)
    story.look(unusual=(unusual("170"),), coverage=COVERED)
    story.now += DAY
    assert story.look(unusual=(unusual("171"),), coverage=COVERED) == []
    assert story.episodes["anomaly:spending:2026-11-02"].resolved == story.now

    late = Story(only("anomaly"))
    late.now = START + 2 * DAY
    late.look(unusual=(unusual("84.20"),), coverage=COVERED)
    assert late.look(unusual=(unusual("84.20"),), coverage=COVERED) == []

    assert [episode.title for episode in (*story.told, *late.told)] == [
        "Unusual spending on 2 Nov: $84.20",
        "Spending on 2 Nov has doubled: $170.00",
        "Unusual spending on 2 Nov: $84.20",
    ]
    assert story.told[0].text == (
        "$84.20 was spent with fal on 2 Nov, $62.20 (283%) more than on a usual day. "
        "85% of that is project “Spring Campaign”. "
        "What it went to: `trayd usage --window 2026-11-02..2026-11-02 --by project`."
    )


def test_days_that_began_before_trayd_was_set_up_are_no_news() -> None:
    story = Story(only("anomaly"))
    day = (START - DAY).date()

    assert story.look(unusual=(unusual("90", day),), coverage=COVERED) == []
    assert story.look(unusual=(unusual("90", TODAY),), coverage={}) == []
    assert story.look(unusual=(unusual("90", TODAY),), coverage=COVERED, starting=True) == []
    assert len(story.look(unusual=(unusual("90", TODAY),), coverage=COVERED)) == 1


@pytest.mark.parametrize(
    ("estimated", "billed", "told"),
    [
        ("4", "5", ["Bills over estimates: Kling Video v3 Pro"]),
        ("4", "4.99", []),
        ("1", "1.90", []),
        ("4", "3", ["Bills under estimates: Kling Video v3 Pro"]),
        (None, "30", []),
        ("4", None, []),
    ],
)
def test_bills_that_are_off_their_estimates(estimated: str | None, billed: str | None, told: list[str]) -> None:
    assert Story(only("estimate")).jobs(job(estimated, actual=billed)) == told


def test_bills_are_compared_by_model_and_told_again_after_a_recovery() -> None:
    story = Story(only("estimate"))
    story.jobs(*(job("2", actual="3", id=name, request_id=name) for name in "ab"))
    assert story.told[0].text == (
        "fal billed $6.00 for 2 jobs on Kling Video v3 Pro in 24 hours: $2.00 (50%) more than was estimated. "
        "Look at what makes the estimates; `trayd reconcile` shows all models."
    )
    assert story.jobs(job("2", actual="3"), job("8", actual="8.90", id="b", request_id="b")) == []
    assert story.jobs() == []
    assert len(story.jobs(job("2", actual="3.20", id="c", request_id="c"))) == 1


def outage(minutes: int, **more: object) -> dict[str, object]:
    """Tries in vain for so long."""
    fact = AccountFact(
        name="studio",
        state="offline",
        username="northwind",
        problem="fal does not answer (no route to host); check the connection",
        as_of=START - timedelta(minutes=5),
        tried_at=START,
    )
    tries = Outage(START, START + timedelta(minutes=minutes))
    balance = BalanceReading("northwind", START, Money.of("48.20"))
    return {"accounts": (fact,), "outages": {"studio": tries}, "balances": {"northwind": balance}, **more}


def test_silence_is_told_when_it_was_tried_for_long_enough() -> None:
    story = Story(only("stale"))

    assert story.look(**outage(59)) == []
    assert story.look(**outage(60)) == ["fal does not answer (northwind)"]
    assert story.told[0].text == (
        "fal has not answered since 08:55 for fal account northwind. All that trayd shows is from then: $48.20 left. "
        "fal does not answer (no route to host); check the connection."
    )
    assert story.look(**outage(0)) == []  # a sleep in between: the tries begin anew, and so does nothing
    assert story.look(accounts=(AccountFact(name="studio", state="ok"),)) == []
    assert story.episodes["stale:studio"].resolved == story.now
    assert Story(only("stale", stale_after_minutes=0)).look(**outage(600)) == []


def differing(ledger: str, fal: str) -> Difference:
    return Difference(
        account="northwind",
        endpoint_id="fal-ai/flux/dev",
        since=START - DAY,
        until=START,
        ledger=Money.of(ledger),
        fal=Money.of(fal),
        requests=2,
    )


def test_trouble_of_the_ledger_has_a_scope_for_each_kind() -> None:
    story = Story(only("ledger"))
    full = "/home/ada/trayd: there is no room on the disk; make room"

    assert story.look(writing=full) == ["The ledger cannot be written"]
    assert story.look(writing=full) == []
    assert story.look(writing="") == []
    assert story.episodes["ledger:writing"].resolved == story.now
    assert story.look(mended=("2026-11.json was damaged and rebuilt",)) == ["The ledger was mended"]
    assert story.look(mended=("2026-11.json was damaged and rebuilt",)) == []
    assert story.look(damaged=("2026-10.jsonl line 4 is damaged; rebuild it",)) == ["The ledger is damaged"]
    assert story.look(damaged=()) == []
    assert [episode.urgency for episode in story.told] == ["critical", "normal", "critical"]


def test_totals_that_differ_are_told_when_that_lasts() -> None:
    story = Story(only("ledger"))
    since = {"northwind": START}

    assert story.look(differences=(differing("47", "48"),), differing_since=since) == []
    story.now = START + timedelta(hours=2)
    assert story.look(differences=(differing("47", "47.009"),), differing_since=since) == []
    told = story.look(differences=(differing("47.10", "48.20"),), differing_since=since)
    assert told == ["fal's totals differ from the ledger's (northwind)"]
    assert story.told[0].text == (
        "By fal's own totals 1 model came to $48.20, by the ledger to $47.10. 2 requests explain it. "
        "`trayd reconcile` shows where."
    )
    # After a restart nobody remembers since when: that ends nothing, and tells nothing again.
    assert story.look(differences=(differing("47.10", "48.20"),)) == []
    assert story.look(differences=(differing("47.10", "48.20"),), differing_since=since) == []
    assert story.look(differences=()) == []
    assert story.episodes["ledger:totals/northwind"].resolved == story.now


def test_every_rule_of_the_settings_is_looked_at_or_an_event() -> None:
    assert {*LOOKED_AT, "file", "backfill"} == set(RULE_NAMES)


def test_reports_that_cannot_be_made_are_told_until_they_can() -> None:
    story = Story(only("report"))

    assert story.look(reports={"monthly": ""}) == []
    assert story.look(reports={"monthly": "there is no folder /mnt/r; make it"}) == ["Reports cannot be made (monthly)"]
    assert story.told[0].text == "There is no folder /mnt/r; make it. trayd tries again every few minutes."
    # After a restart nothing is known until it was tried.
    assert story.look() == []
    assert story.look(reports={"monthly": "there is no folder /mnt/r; make it"}) == []
    assert story.look(reports={"monthly": ""}) == []
    assert story.episodes["report:monthly"].resolved == story.now
    assert story.look(reports={"monthly": "the disk is full; make room"}) == ["Reports cannot be made (monthly)"]
    assert story.look(reports={}) == [], "the schedule was taken out"
    assert story.episodes["report:monthly"].resolved == story.now


def test_several_warnings_of_each_kind_have_a_name_together() -> None:
    story = Story(only("ledger"))
    story.look(writing="no room", damaged=("bad",))

    assert summary(story.told).title == "2 warnings of the ledger"


def test_a_limit_that_is_taken_out_after_it_was_told_has_nothing_told_again() -> None:
    story = Story(only("run_out", run_out_within_days=3))
    assert len(story.look(forecasts=(lasting(2),))) == 1
    story.limits = only("run_out", run_out_within_days=7)
    assert story.look(forecasts=(lasting(2),)) == []
    assert story.look(forecasts=(lasting(7),)) == []
    assert story.episodes["run_out:northwind"].level == "7"

    story = Story(only("expiry", credits_expire_within_days=(30, 7)))
    assert len(story.look(expiring=(expiring(5),))) == 1
    story.limits = only("expiry", credits_expire_within_days=(30,))
    assert story.look(expiring=(expiring(5),)) == []
