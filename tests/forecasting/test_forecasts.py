"""Forecasts, budgets and unusual days on a real ledger: what is known, what is not, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from tests.desk import NOW, Desk, opened_desk
from tests.ledger.making import DAY, FLUX, HOUR, KLING, account, billing, cost, estimate, event, row
from trayd.budget_settings import Budget
from trayd.facts import Batch
from trayd.insight.budgets import period_at
from trayd.money import Money
from trayd.operations.unusual import AnomaliesQuery
from trayd.pool_settings import Pool
from trayd.rate_settings import FixedRate, RatesSettings
from trayd.records import Kind, Status
from trayd.settings import Account

STOCKHOLM = ZoneInfo("Europe/Stockholm")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened_desk(tmp_path) as desk:
        yield desk


def dollars(money: Money | None) -> Decimal:
    assert money is not None
    return money.amount.quantize(Decimal("0.01"))


# How long a balance lasts.


def test_ten_dollars_a_day_use_a_hundred_up_in_ten_days(desk: Desk) -> None:
    desk.each_day("10.00", 40)
    desk.reads()
    desk.holds("100.00")
    (found,) = desk.forecast().accounts
    assert (found.account, found.username, found.why_none) == ("studio", "northwind", "")
    assert found.burn is not None
    assert (dollars(found.burn.per_day), found.burn.days) == (Decimal("10.00"), 40)
    assert found.run_out is not None
    assert found.run_out.day == date(2026, 11, 30)  # at noon, ten days after the reading
    assert found.run_out.earliest <= found.run_out.day
    assert found.run_out.latest is not None
    assert date(2026, 11, 25) < found.run_out.earliest
    assert found.run_out.latest < date(2026, 12, 15)


def test_a_balance_is_what_it_was_when_fal_told_it(desk: Desk) -> None:
    desk.each_day("10.00", 40)
    desk.reads()
    desk.holds("100.00", NOW - 5 * DAY)
    (found,) = desk.forecast().accounts
    assert found.as_of == NOW - 5 * DAY
    assert found.run_out is not None
    assert found.run_out.day == date(2026, 11, 25)


def test_a_purchase_of_credits_changes_the_balance_and_not_the_pace(desk: Desk) -> None:
    desk.each_day("10.00", 40)
    desk.reads()
    desk.holds("10.00", NOW - DAY)
    before = desk.forecast().accounts[0]
    desk.holds("210.00")
    after = desk.forecast().accounts[0]
    assert before.burn == after.burn
    assert after.run_out is not None
    assert after.run_out.day == date(2026, 12, 11)


@pytest.mark.parametrize("days", [0, 1, 2])
def test_nothing_is_foreseen_from_fewer_than_three_whole_days(desk: Desk, days: int) -> None:
    desk.each_day("10.00", days)
    desk.spends("10.00", NOW - HOUR)  # today is no whole day
    desk.reads(since=days * DAY)
    desk.holds("100.00")
    told = desk.forecast()
    assert told.accounts[0].run_out is None
    assert told.accounts[0].burn is None
    assert told.month_end is None
    expected = ["no whole day", "only one whole day", "only two whole days"][days]
    assert told.accounts[0].why_none == f"{expected} of spending known yet, and it takes three"
    assert told.why_none == told.accounts[0].why_none


def test_days_before_the_billing_that_was_read_are_not_days_of_nothing(desk: Desk) -> None:
    desk.each_day("10.00", 5)
    desk.reads(since=5 * DAY)
    burn = desk.forecast().accounts[0].burn
    assert burn is not None
    assert (dollars(burn.per_day), burn.days) == (Decimal("10.00"), 5)


def test_a_new_account_has_no_past_of_nothing(desk: Desk) -> None:
    desk.each_day("10.00", 5)
    desk.reads(since=30 * DAY)  # the first poll looks further back than there was anything
    burn = desk.forecast().accounts[0].burn
    assert burn is not None
    assert (dollars(burn.per_day), burn.days) == (Decimal("10.00"), 5)


def test_what_has_begun_today_has_no_past_of_nothing_either(desk: Desk) -> None:
    desk.each_day("10.00", 60, client="Northwind")
    desk.reads()
    assert desk.budget(client="Contoso").expected == Money(0)
    desk.spends("400.00", NOW - HOUR, client="Contoso")
    found = desk.budget(client="Contoso")
    assert found.expected is None
    assert found.why_none == "no whole day of spending known yet, and it takes three"


def test_days_after_the_billing_that_was_read_are_unknown(desk: Desk) -> None:
    desk.each_day("10.00", 40, 6)
    desk.reads(until=NOW - 5 * DAY)
    burn = desk.forecast().accounts[0].burn
    assert burn is not None
    assert (dollars(burn.per_day), burn.days) == (Decimal("10.00"), 35)


def test_a_day_with_too_many_generations_without_a_price_is_left_out_and_named(desk: Desk) -> None:
    desk.each_day("10.00", 40)
    unpriced = billing("no price", row(None, at=NOW - 3 * DAY), fetched=NOW, account="northwind")
    desk.ledger.add(Batch(billing=(unpriced,)))
    desk.reads()
    (found,) = desk.forecast().accounts
    assert found.burn is not None
    assert found.burn.days == 39
    assert dollars(found.burn.per_day) == Decimal("10.00")
    assert found.notes == ("1 day is left out: too many generations without a price",)


def test_one_of_many_without_a_price_counts_like_the_others_of_its_day(desk: Desk) -> None:
    for _ in range(10):
        desk.each_day("1.00", 4)
    unpriced = [
        billing(f"n{ago}", row(None, at=NOW - ago * DAY), fetched=NOW, account="northwind") for ago in (1, 2, 3, 4)
    ]
    desk.ledger.add(Batch(billing=tuple(unpriced)))
    desk.reads(since=4 * DAY)
    burn = desk.forecast().accounts[0].burn
    assert burn is not None
    assert dollars(burn.per_day) == Decimal("11.00")


def test_estimates_count_until_fal_has_billed_and_are_told_of(desk: Desk) -> None:
    desk.each_day("10.00", 10)
    at = NOW - 2 * DAY
    desk.ledger.add(
        Batch(
            events=(event("e", "r-e", at, account="northwind", estimate=estimate("5.00", at), status=Status.COMPLETED),)
        )
    )
    desk.reads()
    (found,) = desk.forecast().accounts
    assert found.notes == ("5.00 USD of what it rests on is estimated, not billed",)
    assert found.burn is not None
    assert found.burn.per_day.nanos > 10**10


def test_nothing_spent_lasts_for_ever(desk: Desk) -> None:
    desk.reads()
    desk.holds("100.00")
    (found,) = desk.forecast().accounts
    assert found.run_out is None
    assert found.why_none == "at this rate not within a year"
    assert found.burn is not None
    assert found.burn.per_day == Money(0)


def test_more_refunded_than_spent_uses_nothing_up(desk: Desk) -> None:
    desk.each_day("-1.00", 10)
    desk.reads()
    desk.holds("100.00")
    assert desk.forecast().accounts[0].run_out is None


def test_spending_that_stopped_a_week_ago_may_never_use_the_balance_up(desk: Desk) -> None:
    desk.each_day("10.00", 60, 8)
    desk.reads()
    desk.holds("100.00")
    run_out = desk.forecast().accounts[0].run_out
    assert run_out is not None
    assert run_out.latest is None


def test_a_balance_of_nothing_is_used_up(desk: Desk) -> None:
    desk.reads()
    desk.holds("-0.20")
    run_out = desk.forecast().accounts[0].run_out
    assert run_out is not None
    assert (run_out.day, run_out.earliest, run_out.latest) == (NOW.date(),) * 3


@pytest.mark.parametrize(
    ("ago", "notes"),
    [
        (1, ()),
        (3, ("the balance was read 3 days ago",)),
        (18, ("the balance was read 18 days ago, and may be used up by now",)),
    ],
)
def test_a_balance_that_was_read_long_ago_is_told_of(desk: Desk, ago: int, notes: tuple[str, ...]) -> None:
    desk.each_day("10.00", 40, ago + 1)
    desk.reads(until=NOW - ago * DAY)
    desk.holds("80.00", NOW - ago * DAY)
    assert desk.forecast().accounts[0].notes == notes
    (told,) = desk.operations.status().accounts
    assert (told.run_out is None) == (ago == 18), "the status names no day that is past"


def test_an_account_on_invoice_has_a_pace_and_no_balance(desk: Desk) -> None:
    desk.each_day("10.00", 10)
    desk.reads()
    desk.ledger.add(Batch(accounts=(account("studio", "northwind", has_credits=False),)))
    (found,) = desk.forecast().accounts
    assert found.balance is None
    assert found.why_none == "it is on invoice and has no balance"
    assert found.burn is not None


def test_accounts_are_foreseen_each_by_its_own_spending(desk: Desk) -> None:
    desk.set(account=(Account(name="studio"), Account(name="second"), Account(name="new")))
    desk.each_day("10.00", 20)
    desk.each_day("2.00", 20, account="second")
    desk.reads()
    desk.reads(who="second")
    told = desk.forecast()
    burns = {each.account: each.burn and dollars(each.burn.per_day) for each in told.accounts}
    assert burns == {"studio": Decimal("10.00"), "second": Decimal("2.00"), "new": None}
    assert told.accounts[2].why_none == "fal has not been asked yet; `trayd refresh` asks it"
    assert told.notes == ("new is not in it: its billing has not been read yet",)


def test_days_with_requests_that_failed_are_known(desk: Desk) -> None:
    desk.each_day("10.00", 40)
    for number in range(5):
        at = NOW - DAY
        desk.ledger.add(
            Batch(events=(event(f"f{number}", f"rf{number}", at, account="northwind", status=Status.FAILED),))
        )
    desk.reads()
    (found,) = desk.forecast().accounts
    assert found.notes == ()
    assert found.burn is not None
    assert (dollars(found.burn.per_day), found.burn.days) == (Decimal("10.00"), 40)


def test_without_an_admin_key_the_forecast_says_what_it_takes(desk: Desk) -> None:
    desk.ledger.add(Batch(accounts=(structs.replace(account("studio", "northwind"), state="needs_admin"),)))
    told = desk.forecast()
    why = "fal tells its balance and its billing to a key with Admin scope alone; `trayd key set` takes one"
    assert (told.accounts[0].why_none, told.why_none, desk.budget().why_none) == (why, why, why)


# What the month comes to.


def test_a_month_is_what_it_holds_and_what_is_still_to_come(desk: Desk) -> None:
    desk.each_day("10.00", 60)
    desk.spends("4.00", NOW - HOUR)
    desk.reads()
    month = desk.forecast().month_end
    assert month is not None
    assert month.month == "2026-11"
    assert month.spent == Money.of("194.00")  # nineteen days, and this morning
    # Half of today and ten days.
    assert abs(month.expected.amount - Decimal(299)) < 1
    assert month.low.nanos < month.expected.nanos < month.high.nanos
    assert month.low.nanos >= month.spent.nanos


def test_costs_from_outside_count_as_they_stand_and_pools_that_are_known_to_come(desk: Desk) -> None:
    desk.reads()
    desk.ledger.add(Batch(costs=(cost("c1", NOW, "30.00"), cost("c2", NOW + 5 * DAY, "7.00"))))
    plan = Pool(name="Plan", amount=Decimal("3.00"), period="week", since=date(2026, 11, 2))  # 2, 9, 16, 23, 30
    desk.set(pool=(plan, Pool(name="Later", amount=Decimal("90.00"), since=date(2026, 12, 1))))
    month = desk.forecast().month_end
    assert month is not None
    assert month.spent == Money.of("46.00")
    assert month.to_come == Money.of("6.00")
    assert month.expected == Money.of("52.00")


def test_a_month_goes_on_from_where_billing_was_read_to(desk: Desk) -> None:
    desk.each_day("10.00", 60, 6)
    desk.reads(until=datetime(2026, 11, 15, tzinfo=UTC))
    month = desk.forecast().month_end
    assert month is not None
    assert month.spent == Money.of("140.00")
    assert abs(month.expected.amount - 300) < 1


def estimated(desk: Desk, amount: str, ago: int) -> None:
    at = NOW - ago * DAY
    said = event(f"e{ago}", f"q{ago}", at, account="northwind", estimate=estimate(amount, at), status=Status.COMPLETED)
    desk.ledger.add(Batch(events=(said,)))


@pytest.mark.parametrize(
    ("amount", "days", "expected"),
    [
        pytest.param("10.00", 5, 300, id="as expected"),
        pytest.param("4.00", 5, 300, id="some jobs are told by no tool"),
        pytest.param("30.00", 5, 395, id="more than expected: five days of thirty, and half of today and ten of ten"),
        pytest.param("10.00", 2, 300, id="the tools told of some days alone"),
    ],
)
def test_days_that_estimates_told_of_are_not_expected_once_more(
    desk: Desk, amount: str, days: int, expected: int
) -> None:
    desk.each_day("10.00", 60, 6)
    desk.reads(until=datetime(2026, 11, 15, tzinfo=UTC))
    for ago in range(1, days + 1):
        estimated(desk, amount, ago)
    month, budget = desk.forecast().month_end, desk.budget()
    assert month is not None
    assert abs(month.expected.amount - expected) < 6
    assert month.low.nanos >= month.spent.nanos
    assert (budget.expected, budget.low, budget.high) == (month.expected, month.low, month.high)


def test_a_month_in_another_currency(desk: Desk) -> None:
    desk.each_day("10.00", 60)
    desk.reads()
    rates = RatesSettings(fixed=(FixedRate(from_="USD", to="SEK", rate=Decimal(10)),))
    desk.set(home_currency="SEK", rates=rates)
    month = desk.forecast().month_end
    assert month is not None
    assert month.spent == Money.of("1900.00", "SEK")
    assert abs(month.expected.amount - 2950) < 10


def test_a_month_with_a_change_of_the_clock_has_as_many_days_as_the_calendar_says(desk: Desk) -> None:
    desk.now = datetime(2026, 10, 1, 0, tzinfo=STOCKHOLM).astimezone(UTC)
    for ago in range(1, 61):
        desk.spends("10.00", desk.now - ago * DAY + HOUR)
    desk.reads(since=160 * DAY, until=desk.now)
    desk.set(time_zone="Europe/Stockholm")
    month = desk.forecast().month_end
    assert month is not None
    assert abs(month.expected.amount - 310) < 1  # 31 days, one of them of 25 hours


# Budgets.


@pytest.mark.parametrize(
    ("period", "day", "name", "first", "end"),
    [
        ("day", date(2028, 2, 29), "2028-02-29", date(2028, 2, 29), date(2028, 3, 1)),
        ("week", date(2027, 1, 3), "2026-W53", date(2026, 12, 28), date(2027, 1, 4)),
        ("week", date(2027, 1, 4), "2027-W01", date(2027, 1, 4), date(2027, 1, 11)),
        ("month", date(2028, 2, 29), "2028-02", date(2028, 2, 1), date(2028, 3, 1)),
        ("month", date(2026, 12, 31), "2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("total", date(2026, 12, 31), "total", None, None),
    ],
)
def test_periods_are_civil(period: str, day: date, name: str, first: date | None, end: date | None) -> None:
    assert period_at(period, day) == (name, first, end)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 20), 24)]
)
def test_a_day_is_as_long_as_the_clock_says(day: date, hours: int) -> None:
    period = period_at("day", day)
    since, until = period.since(STOCKHOLM), period.until(STOCKHOLM)
    assert since is not None
    assert until is not None
    assert until - since == hours * HOUR


@pytest.fixture
def mixed(desk: Desk) -> Desk:
    """A month with two clients, two models, two keys, a cost from outside and a shared one."""
    desk.reads()
    desk.spends("10.00", NOW - 2 * DAY, client="Northwind", project="Spring", key="mac")
    desk.spends("20.00", NOW - 9 * DAY, client="Northwind", project="Fall", key="mac", endpoint_id=FLUX)
    desk.spends("40.00", NOW - 2 * DAY, client="Contoso", project="Spring", key="box")
    desk.spends("80.00", NOW - 30 * DAY, client="Northwind", project="Spring", key="mac")
    desk.spends("5.00", NOW - HOUR, key="box")
    desk.ledger.add(Batch(costs=(cost("c1", NOW - DAY, "7.00", client="Northwind"),)))
    desk.ledger.add(Batch(costs=(cost("p1", NOW - DAY, "14.00", kind=Kind.POOL),)))
    return desk


@pytest.mark.parametrize(
    ("said", "spent"),
    [
        ({}, "96.00"),  # everything, what is from outside and what is shared too
        ({"period": "week"}, "76.00"),
        ({"period": "day"}, "5.00"),
        ({"period": "total"}, "176.00"),
        ({"account": "studio"}, "75.00"),  # by the user's name of it,
        ({"account": "northwind"}, "75.00"),  # and by fal's
        ({"account": "another"}, "0.00"),
        ({"client": "Northwind", "project": "Spring"}, "12.00"),  # 10, and its share of 14: by spend, 10 of 70
        ({"model": "fal-ai/kling-video"}, "55.00"),
        ({"model": FLUX}, "20.00"),
        ({"key": "mac"}, "30.00"),
        ({"key": "mac", "model": FLUX, "client": "Northwind", "account": "studio"}, "20.00"),
        ({"key": "mac", "period": "total"}, "110.00"),
        ({"client": "Northwind", "key": "mac", "period": "total"}, "110.00"),
    ],
)
def test_a_budget_counts_what_is_in_its_scope_and_period(mixed: Desk, said: dict[str, object], spent: str) -> None:
    found = mixed.budget(**said)
    assert found.spent == Money.of(spent)
    assert found.share == Decimal(spent).quantize(Decimal("0.1"))  # of a hundred dollars


def test_a_budget_is_in_its_own_currency(mixed: Desk) -> None:
    mixed.set(rates=RatesSettings(fixed=(FixedRate(from_="USD", to="SEK", rate=Decimal(10)),)))
    found = mixed.budget(currency="SEK", amount=Decimal(1500))
    assert (found.limit, found.spent) == (Money.of("1500", "SEK"), Money.of("960", "SEK"))
    assert found.share == Decimal("64.0")


def test_what_a_budget_cannot_count_is_named(mixed: Desk) -> None:
    mixed.ledger.add(Batch(billing=(billing("no price", row(None, at=NOW - HOUR), fetched=NOW, account="northwind"),)))
    dear = cost("c2", NOW - DAY, "1.00")
    mixed.ledger.add(Batch(costs=(structs.replace(dear, amount=Money.of("9.00", "VES")),)))
    found = mixed.budget()
    assert found.unpriced == 1
    assert found.left_out == (Money.of("9.00", "VES"),)
    assert found.spent == Money.of("96.00")


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        ({}, ""),
        ({"client": "Northwind", "project": "Spring", "key": "mac"}, ""),
        ({"account": "studio"}, ""),
        ({"account": "northwind", "model": "fal-ai/kling-video"}, ""),
        ({"client": "Northwnd"}, "nothing recorded has the client “Northwnd”; did you mean “Northwind”?"),
        ({"client": "X", "period": "total"}, "nothing recorded has the client “X”; known: Contoso, Northwind"),
        ({"model": "fal-ai/kling"}, f"nothing recorded has the model “fal-ai/kling”; did you mean “{KLING}”?"),
        ({"account": "third"}, "nothing recorded has the account “third”; known: studio"),
        ({"key": "box", "project": "Fall"}, "nothing recorded is of all that it is for together"),
    ],
)
def test_a_budget_for_what_there_is_not_says_so(mixed: Desk, said: dict[str, object], trouble: str) -> None:
    mixed.budget(**said)
    (found,) = mixed.operations.budgets()
    assert found.trouble == trouble


def test_a_share_is_rounded_down_so_that_a_hundred_percent_is_never_said_too_early(desk: Desk) -> None:
    desk.reads()
    desk.spends("99.99", NOW - HOUR)
    assert desk.budget().share == Decimal("99.9")
    desk.spends("0.01", NOW - HOUR)
    assert desk.budget().share == Decimal("100.0")


def test_what_a_budget_comes_to_follows_the_days_of_its_own_scope(desk: Desk) -> None:
    desk.each_day("2.00", 60, client="Northwind")
    desk.each_day("8.00", 60, client="Contoso")
    desk.reads()
    month = desk.budget(client="Northwind")
    assert month.spent == Money.of("38.00")
    assert abs(month.expected.amount - 59) < 1 if month.expected else False
    assert month.expected_share is not None
    assert abs(month.expected_share - 59) < 1
    week = desk.budget(client="Northwind", period="week")
    assert week.period == "2026-W47"
    assert abs(week.expected.amount - 13) < 1 if week.expected else False  # four days, and two and a half to come


def test_for_a_day_and_for_all_of_the_history_nothing_is_foreseen(mixed: Desk) -> None:
    day, total = mixed.budget(period="day"), mixed.budget(period="total")
    assert (day.expected, day.why_none) == (None, "a day is too short to be foreseen")
    assert (total.expected, total.why_none) == (None, "all of the history has no end")
    assert (total.since, total.until) == (None, None)


def test_a_budget_without_a_forecast_says_why(desk: Desk) -> None:
    assert desk.budget().why_none == "its billing has not been read yet"
    desk.reads(since=DAY)
    assert desk.budget().why_none == "only one whole day of spending known yet, and it takes three"


def test_accounts_that_a_budget_cannot_foresee_are_named(desk: Desk) -> None:
    desk.set(account=(Account(name="studio"), Account(name="second"), Account(name="third")))
    desk.each_day("1.00", 60)
    desk.reads()
    desk.each_day("100.00", 2, account="second")
    desk.reads(since=2 * DAY, who="second")
    too_few = "second is not in it: only two whole days of spending known yet, and it takes three"
    never = "third is not in it: its billing has not been read yet"
    assert desk.forecast().notes == (too_few, never)
    assert desk.budget().notes == tuple(note.replace("in it", "in what is expected") for note in (too_few, never))
    assert desk.budget(account="studio").notes == ()
    alone = desk.budget(account="second")
    assert (alone.expected, alone.why_none) == (None, "only two whole days of spending known yet, and it takes three")
    assert desk.budget(account="third").why_none == "its billing has not been read yet"


def test_a_period_that_has_just_ended_is_told_of_for_a_day(desk: Desk) -> None:
    desk.reads()
    desk.spends("30.00", datetime(2026, 11, 15, 22, tzinfo=UTC))  # a Sunday
    desk.set(budget=(Budget(name="Week", amount=Decimal(100), period="week"),))
    desk.now = datetime(2026, 11, 16, 9, tzinfo=UTC)
    (ended,) = desk.operations.forecasting.budgets_ended()
    assert (ended.period, ended.spent, ended.expected) == ("2026-W46", Money.of("30.00"), None)
    desk.now = datetime(2026, 11, 17, 0, tzinfo=UTC)
    assert desk.operations.forecasting.budgets_ended() == ()


def test_answers_follow_the_ledger_the_settings_and_the_day(desk: Desk) -> None:
    desk.reads()
    assert desk.budget(period="day").spent == Money(0)
    desk.spends("3.00", NOW - HOUR)
    assert desk.operations.forecasting.budgets()[0].spent == Money.of("3.00")
    assert desk.operations.forecasting.budgets() is desk.operations.forecasting.budgets()
    desk.now += DAY
    assert desk.operations.forecasting.budgets()[0].spent == Money(0)
    assert desk.budget(period="day", amount=Decimal(7)).limit == Money.of("7.00")


def test_months_that_are_over_are_remembered_and_a_change_in_them_is_seen(desk: Desk) -> None:
    desk.reads()
    said = {"client": "Northwind", "project": "Spring"}
    desk.spends("10.00", NOW - 60 * DAY, **said)
    desk.spends("1.00", NOW - DAY, **said)
    desk.ledger.checkpoint()
    assert desk.budget(period="total", **said).spent == Money.of("11.00")
    desk.spends("1.00", NOW - DAY, **said)
    assert desk.budget(period="total", **said).spent == Money.of("12.00")
    desk.spends("100.00", NOW - 60 * DAY, **said)
    assert desk.budget(period="total", **said).spent == Money.of("112.00")
    desk.ledger.checkpoint()
    assert desk.budget(period="total", **said).spent == Money.of("112.00")


@pytest.mark.parametrize(
    "pool",
    [
        Pool(name="Plan", amount=Decimal(90), period="week", since=date(2026, 10, 26), to=date(2026, 10, 26)),
        Pool(name="Plan", amount=Decimal(90), period="year", since=date(2026, 1, 5)),
        Pool(name="Plan", amount=Decimal(90), period="once", since=date(2026, 10, 1), to=date(2026, 11, 30)),
    ],
    ids=lambda pool: pool.period,
)
def test_shares_of_an_earlier_month_follow_what_is_spent_until_their_period_ends(desk: Desk, pool: Pool) -> None:
    desk.reads(since=300 * DAY)
    desk.set(pool=(pool,))
    desk.spends("10.00", datetime(2026, 10, 27, 12, tzinfo=UTC), client="Northwind", project="Spring")
    desk.ledger.checkpoint()
    said = {"client": "Northwind", "project": "Spring", "period": "total"}
    assert desk.budget(**said).spent == Money.of("100.00")
    desk.spends("10.00", datetime(2026, 11, 1, 12, tzinfo=UTC), client="Contoso", project="Fall")
    assert desk.budget(**said).spent == Money.of("55.00")


def test_the_last_evening_of_a_month_counts_for_its_shares_in_new_york_as_well(desk: Desk) -> None:
    desk.set(time_zone="America/New_York")
    desk.reads(since=100 * DAY)
    desk.ledger.add(Batch(costs=(cost("p1", datetime(2026, 10, 5, tzinfo=UTC), "90.00", kind=Kind.POOL),)))
    desk.spends("10.00", datetime(2026, 10, 27, 12, tzinfo=UTC), client="Northwind", project="Spring")
    desk.ledger.checkpoint()
    said = {"client": "Northwind", "project": "Spring", "period": "total"}
    assert desk.budget(**said).spent == Money.of("100.00")
    desk.spends("10.00", datetime(2026, 11, 1, 1, tzinfo=UTC), client="Contoso", project="Fall")  # 31 October there
    assert desk.budget(**said).spent == Money.of("55.00")


# Unusual days.


def runaway(desk: Desk, at: datetime) -> None:
    desk.each_day("10.00", 60, key="mac", client="Northwind", project="Spring")
    desk.spends("90.00", at, endpoint_id=FLUX, key="box", client="Northwind", project="Spring")


def test_a_running_day_of_ten_times_the_usual_is_unusual_and_explained(desk: Desk) -> None:
    runaway(desk, NOW - HOUR)
    desk.reads()
    today = NOW.date()
    (found,) = desk.operations.forecasting.unusual([today, today - DAY])
    assert (found.day, found.running) == (today, True)
    assert (found.cost, found.usual, found.excess) == (Money.of("90"), Money.of("10"), Money.of("80"))
    assert [(each.dimension, each.key, each.share) for each in found.explained] == [
        ("model", FLUX, 1.0),
        ("key", "box", 1.0),
    ]


def test_costs_from_outside_make_no_day_unusual(desk: Desk) -> None:
    desk.each_day("10.00", 60)
    desk.reads()
    desk.ledger.add(Batch(costs=(cost("c1", NOW, "900.00"),)))
    assert desk.operations.forecasting.unusual([NOW.date()]) == ()


def test_by_noon_more_than_on_any_whole_day_by_then_is_unusual_though_a_whole_day_can_cost_that(desk: Desk) -> None:
    for ago in range(1, 61):  # ten cents in the morning, the rest in the evening
        desk.spends("0.10", NOW - ago * DAY - HOUR)
        desk.spends(f"{8 + ago % 5}.00", NOW - ago * DAY + 8 * HOUR)
    desk.reads()
    desk.spends("12.00", NOW - HOUR)
    (found,) = desk.operations.forecasting.unusual([NOW.date()])
    assert found.running
    desk.now = NOW + 11 * HOUR
    assert desk.operations.forecasting.unusual([NOW.date()]) == ()


def test_what_was_spent_by_this_time_of_earlier_days_follows_the_home_currency(desk: Desk) -> None:
    for ago in range(1, 61):
        desk.spends("0.10", NOW - ago * DAY - HOUR)
        desk.spends(f"{8 + ago % 5}.00", NOW - ago * DAY + 8 * HOUR)
    desk.reads()
    desk.spends("12.00", NOW - HOUR)
    (dollars,) = desk.operations.forecasting.unusual([NOW.date()])
    desk.set(home_currency="EUR", rates=RatesSettings(fixed=(FixedRate(from_="USD", to="EUR", rate=Decimal("0.01")),)))
    (euros,) = desk.operations.forecasting.unusual([NOW.date()])
    assert abs(euros.score - dollars.score) < 0.1
    assert (dollars.in_dollars, euros.in_dollars) == (dollars.excess, dollars.excess)
    assert euros.excess.amount == dollars.excess.amount / 100


def test_unusual_days_of_the_past_are_listed_newest_first(desk: Desk) -> None:
    runaway(desk, NOW - 10 * DAY)
    desk.spends("17.00", NOW - 3 * DAY)
    desk.reads(since=160 * DAY)
    told = desk.operations.anomalies(AnomaliesQuery())
    assert (told.first, told.last) == (date(2026, 8, 23), date(2026, 11, 20))
    assert [(each.day, each.cost, each.warned) for each in told.days] == [
        (date(2026, 11, 17), Money.of("27.00"), True),
        (date(2026, 11, 10), Money.of("100.00"), True),
    ]
    assert (told.known, told.judged) == (60, 54)  # the first seven days of spending tell what is usual, and today
    october = desk.operations.anomalies(AnomaliesQuery(window="2026-10-01..2026-10-31"))
    assert october.days == []
    week = desk.operations.anomalies(AnomaliesQuery(window="7d"))
    assert [each.day for each in week.days] == [date(2026, 11, 17)]


def test_an_account_that_is_not_read_any_more_makes_no_days_of_nothing(desk: Desk) -> None:
    desk.set(account=(Account(name="studio"), Account(name="second")))
    desk.each_day("10.00", 60)
    desk.each_day("50.00", 60, 20, account="second")
    desk.reads()
    desk.reads(who="second", until=NOW - 19 * DAY)
    desk.spends("60.00", NOW - HOUR)
    # Sixty dollars are what both spent together while both were known.
    assert desk.operations.forecasting.unusual([NOW.date()]) == ()


@pytest.mark.parametrize(
    "ask", [lambda desk: desk.forecast(), lambda desk: desk.operations.forecasting.unusual([NOW.date()])]
)
def test_an_empty_ledger_answers(desk: Desk, ask: Callable[[Desk], object]) -> None:
    assert ask(desk) is not None
