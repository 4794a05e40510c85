from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts.story import START, Story, coverage, notices, only
from trayd.alert_settings import RULE_NAMES, Alerts
from trayd.alerts.engine import evaluate
from trayd.alerts.rules import Observed, findings
from trayd.budget_settings import Budget
from trayd.facts import AccountFact
from trayd.insight.budgets import BudgetStatus
from trayd.money import Money

NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
NORTHWIND = Budget(name="Northwind", amount=Decimal(500), client="Northwind", project="Spring Campaign")
COVERED = {"northwind": coverage()}


def status(
    spent: str,
    *,
    budget: Budget = NORTHWIND,
    expected: str | None = None,
    period: str = "2026-11",
    currency: str = "USD",
) -> BudgetStatus:
    """How the budget stands in November, or in October."""
    since, until = (NOVEMBER, DECEMBER) if period == "2026-11" else (datetime(2026, 10, 1, tzinfo=UTC), NOVEMBER)

    def share(amount: str) -> Decimal:
        return Decimal(amount) * 100 / budget.amount

    return BudgetStatus(
        budget=budget,
        period=period,
        since=since,
        until=until,
        limit=Money.of(budget.amount, currency),
        spent=Money.of(spent, currency),
        share=share(spent),
        expected=None if expected is None else Money.of(expected, currency),
        expected_share=None if expected is None else share(expected),
    )


def spent(share: int) -> str:
    return f"{share}% of budget “Northwind” spent"


@pytest.mark.parametrize(
    ("amounts", "told"),
    [
        pytest.param("249.99", [], id="just under half"),
        pytest.param("250 300 399", [50], id="half, once"),
        pytest.param("250 400 500 600", [50, 80, 100], id="each level once"),
        pytest.param("600", [120], id="all at once is one warning, of how much it is now"),
        pytest.param("410 395 410", [82], id="tagging a few records elsewhere and back is no news"),
        pytest.param("410 379 410", [82, 82], id="a twentieth under a level arms it again"),
        pytest.param("410 230 410", [82, 82], id="so does falling under all"),
    ],
)
def test_each_percentage_of_a_period_is_told_once(amounts: str, told: list[int]) -> None:
    story = Story(only("budget"))

    heard = [title for amount in amounts.split() for title in story.look(budgets=(status(amount),))]

    assert heard == [spent(share) for share in told]


def test_the_words_say_how_much_of_what_for_whom_and_where_it_went() -> None:
    story = Story(only("budget"))
    found = msgspec.structs.replace(status("412", expected="590"), unpriced=3)
    story.look(budgets=(found,))

    (told,) = story.told
    assert told.text == (
        "$412.00 of $500.00 (82%) is spent in November for “Northwind / Spring Campaign”. "
        "Not counted: 3 jobs without a price. "
        "What it went to: `trayd usage --window 2026-11-01..2026-11-30 --by model --client Northwind "
        '--project "Spring Campaign"`.'
    )
    assert (told.amount, told.client, told.project, told.period) == (
        Money.of("412"),
        "Northwind",
        "Spring Campaign",
        "2026-11",
    )
    story.look(budgets=(status("500"),))
    assert [episode.urgency for episode in story.told] == ["normal", "critical"]


@pytest.mark.parametrize(
    ("locale", "currency", "said"),
    [
        ("sv_SE", "SEK", "412,0 kr of 500,0 kr (82\xa0%) is spent in November"),
        ("de_DE", "EUR", "412,00\xa0€ of 500,00\xa0€ (82\xa0%) is spent in November"),
        ("ja_JP", "JPY", "￥412 of ￥500 (82%) is spent in November"),
        ("en_GB", "KWD", "KWD\xa0412.000 of KWD\xa0500.000 (82%) is spent in November"),
    ],
)
def test_amounts_are_written_as_the_user_and_the_currency_have_it(locale: str, currency: str, said: str) -> None:
    story = Story(only("budget"))
    story.locale = locale
    story.look(budgets=(status("412", currency=currency),))

    assert story.told[0].text.startswith(said)


def test_periods_are_told_apart_and_one_that_is_over_ends_in_silence() -> None:
    story = Story(only("budget"))
    story.look(budgets=(status("260"),))
    story.now = DECEMBER + timedelta(hours=1)

    assert story.look(budgets=(status("0", period="2026-12"),)) == []
    assert story.episodes["budget:Northwind:2026-11"].resolved == story.now


def test_what_late_bills_add_to_a_month_that_is_over_is_told_for_a_day() -> None:
    story = Story(only("budget"))
    story.now = DECEMBER - timedelta(minutes=4)
    story.look(budgets=(status("390"),), coverage=COVERED)
    story.now = DECEMBER + timedelta(hours=1)

    assert story.look(budgets=(status("390"),), coverage=COVERED) == []
    assert story.look(budgets=(status("401"),), coverage=COVERED) == [spent(80)]
    assert story.told[-1].text.startswith("$401.00 of $500.00 (80%) was spent in November")
    assert story.look(budgets=(status("401"),), coverage=COVERED) == []
    assert story.look(budgets=(status("402"),), coverage=COVERED) == []
    assert story.episodes["budget:Northwind:2026-11"].resolved is not None


def test_a_period_that_was_over_before_trayd_was_set_up_is_not_told() -> None:
    later = {"northwind": msgspec.structs.replace(coverage(), first_completed_at=START)}

    assert Story(only("budget")).look(budgets=(status("600", period="2026-10"),), coverage=later) == []


def test_while_the_first_poll_is_under_way_nothing_is_told_then_the_gravest_alone() -> None:
    story = Story(only("budget"))
    for amount in ("260", "410"):
        assert story.look(budgets=(status(amount),), starting=True) == []

    assert story.look(budgets=(status("450"),)) == [spent(90)]


def test_a_budget_that_is_taken_out_ends_in_silence_and_one_that_is_raised_is_armed_again() -> None:
    story = Story(only("budget"))
    story.look(budgets=(status("450"),))
    raised = msgspec.structs.replace(NORTHWIND, amount=Decimal(1000))

    assert story.look(budgets=(status("450", budget=raised),)) == []
    assert story.look(budgets=(status("500", budget=raised),)) == [spent(50)]
    assert story.look(budgets=None) == []
    assert story.episodes["budget:Northwind:2026-11"].resolved is None
    assert story.look(budgets=()) == []
    assert story.episodes["budget:Northwind:2026-11"].resolved is not None


def test_a_rule_that_is_switched_off_ends_what_it_told() -> None:
    story = Story(only("budget"))
    story.look(budgets=(status("450"),))
    story.limits = only("balance")

    assert story.look(budgets=(status("600"),)) == []
    assert story.episodes["budget:Northwind:2026-11"].resolved is not None


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        pytest.param([("100", None), ("100", "499")], [], id="no forecast, or one that keeps within it"),
        pytest.param([("100", "500"), ("110", "560")], ["100%"], id="once"),
        pytest.param([("100", "510"), ("110", "460"), ("120", "510")], ["102%"], id="it moves from day to day"),
        pytest.param([("100", "510"), ("110", "440"), ("120", "510")], ["102%"] * 2, id="a tenth under is a recovery"),
        pytest.param([("100", "510"), ("110", None), ("120", "510")], ["102%"], id="not to know is no recovery"),
        pytest.param([("500", "700"), ("510", "720")], [], id="what is spent is not expected"),
    ],
)
def test_what_a_budget_is_expected_to_come_to(looks: list[tuple[str, str | None]], told: list[str]) -> None:
    story = Story(only("budget_forecast"))

    heard = [title for amount, end in looks for title in story.look(budgets=(status(amount, expected=end),))]

    assert heard == [f"{share} of budget “Northwind” expected" for share in told]


def test_a_forecast_ends_in_silence_when_the_budget_is_spent_and_stays_silent_when_that_is_doubtful() -> None:
    story = Story(only("budget_forecast"))
    story.limits = msgspec.structs.replace(
        story.limits, off=tuple(rule for rule in story.limits.off if rule != "budget")
    )
    assert story.look(budgets=(status("100", expected="590"),)) == ["118% of budget “Northwind” expected"]
    assert story.told[0].text == (
        "About $590.00 of $500.00 will be spent in November for “Northwind / Spring Campaign”, if it goes on "
        "like this. So far it is $100.00. "
        "What it went to: `trayd usage --window 2026-11-01..2026-11-30 --by model --client Northwind "
        '--project "Spring Campaign"`.'
    )

    assert story.look(budgets=(status("505", expected="590"),)) == [spent(101)]
    assert story.episodes["budget_forecast:Northwind:2026-11"].resolved == story.now
    assert story.look(budgets=(status("490", expected="590"),)) == []


@pytest.mark.parametrize("heard", [True, False])
def test_a_warning_whose_forecast_is_lost_keeps_its_words(heard: bool) -> None:
    story = Story(only("budget_forecast"))
    story.look(budgets=(status("100", expected="590"),))
    (before,) = (msgspec.structs.replace(each, told=each.told if heard else None) for each in story.episodes.values())
    seen = Observed(at=story.now, episodes={before.id: before}, budgets=(status("100"),))

    decision = evaluate(findings(seen, story.limits), seen.episodes, story.now, story.words)

    assert (decision.episodes, decision.present) == ((), (before,))
    assert decision.reworded == (() if heard else (before,))


def test_a_rule_that_is_off_for_a_while_goes_on_at_a_time_of_its_own() -> None:
    story = Story(only("budget"))
    story.look(budgets=(status("420"),))
    story.limits = Alerts(off=("budget",))
    story.look(budgets=(status("420"),))
    story.limits = only("budget")

    assert story.look(budgets=(status("420"),)) == []
    (goes_on,) = story.episodes.values()
    assert (goes_on.resolved, goes_on.reached, goes_on.told is not None) == (None, story.now, True)


def test_while_bills_of_days_off_are_read_nothing_begins_and_what_is_over_ends() -> None:
    story = Story(Alerts(off=tuple(name for name in RULE_NAMES if name not in {"budget", "budget_forecast"})))
    october = status("420", expected="600", period="2026-10")
    story.now = NOVEMBER - timedelta(days=2)
    assert len(story.look(budgets=(october,))) == 2
    story.now = NOVEMBER + timedelta(hours=8)

    assert story.look(budgets=(october, status("0", expected="590")), starting=True) == []
    assert {each.period for each in story.episodes.values()} == {"2026-10"}
    assert all(each.resolved for each in story.episodes.values())
    assert len(story.look(budgets=(october, status("0", expected="590")))) == 1


def test_nothing_is_expected_of_a_budget_whose_account_was_not_read_lately() -> None:
    budget = msgspec.structs.replace(NORTHWIND, account="studio")
    story = Story(only("budget_forecast"))
    seen = {
        "budgets": (status("0", budget=budget, expected="590"),),
        "accounts": (AccountFact(name="studio", state="offline", username="northwind"),),
    }

    assert story.look(**seen, unanswered=frozenset({"northwind"})) == []
    assert len(story.look(**seen, unanswered=frozenset({"agency"}))) == 1
    story.look(**seen, unanswered=frozenset({"northwind"}))
    assert [each.resolved for each in story.episodes.values()] == [None]


shares = st.integers(0, 150)


@given(course=st.lists(shares, min_size=1, max_size=30), restarts=st.sets(st.integers(0, 29)))
def test_no_crossing_is_missed_and_none_told_twice(course: list[int], restarts: set[int]) -> None:
    story = Story(only("budget"))
    armed = dict.fromkeys((50, 80, 100), True)
    for index, share in enumerate(course):
        if index in restarts:
            story.restart()
        told = story.look(budgets=(status(str(share * 5)),))

        for level in armed:
            if share < level * 0.95:
                armed[level] = True
        crossed = [level for level in armed if share >= level and armed[level]]
        for level in armed:
            if crossed and level <= max(crossed):
                armed[level] = False
        assert told == ([spent(share)] if crossed else [])


def test_start_lies_in_november() -> None:
    """The stories above count on it."""
    assert NOVEMBER < START < DECEMBER


def test_long_names_leave_the_figure_and_the_cure() -> None:
    name = "Ångström & Söner Rörelsemålningar 🎬 " * 2
    long = Budget(
        name=name[:60].strip(), amount=Decimal(500), client=name * 3, project=name * 3, model="fal-ai/" + "m" * 90
    )
    story = Story()
    story.look(budgets=(msgspec.structs.replace(status("450", budget=long, expected="600"), unpriced=12),))

    for episode in story.told:
        assert len(episode.title.encode("utf-16-le")) // 2 <= 63
        assert len(episode.text.encode("utf-16-le")) // 2 <= 255
        assert "of $500.00" in episode.text
        assert "`trayd budgets`" in episode.text
    assert len(story.told) == 2


@pytest.mark.parametrize("rule", ["budget", "budget_forecast"])
def test_a_percentage_that_is_taken_out_after_it_was_told_has_nothing_told_again(rule: str) -> None:
    story = Story(only(rule))
    every, milder, graver = (
        msgspec.structs.replace(NORTHWIND, at=tuple(map(Decimal, at)), forecast_at=tuple(map(Decimal, at)))
        for at in ((50, 80, 100), (50, 80), (120,))
    )
    heard = []
    for budget in (every, milder, graver, milder):
        amount, expected = ("10", "550") if rule == "budget_forecast" else ("550", None)
        heard += story.look(budgets=(status(amount, budget=budget, expected=expected),))

    # At 110 % neither is news, until the only limit is one that is not reached.
    assert len(heard) == 2


@pytest.mark.parametrize("quiet", [False, True])
async def test_what_is_spent_and_what_is_expected_of_one_budget_is_one_notice(quiet: bool) -> None:
    story = Story()
    assert len(story.look(budgets=(status("410", expected="590"),))) == 2

    (notice,) = await notices(story, quiet=quiet)

    assert notice.title.endswith(spent(82))
    assert "About $590.00 is expected by the end." in notice.body
    assert set(notice.episodes) == {each.id for each in story.told}
