"""Credits: purchases seen in the balance, what is left of each, and when it expires."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.facts import BalanceJump
from trayd.insight.credits import LIFETIME, SETTLING, Credits, Spent, expiring, lots_left, rise_of
from trayd.money import Money
from trayd.records import BalanceReading

START = datetime(2026, 1, 3, 9, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
STOCKHOLM = ZoneInfo("Europe/Stockholm")
AUCKLAND = ZoneInfo("Pacific/Auckland")
NOTHING = Spent(0, 0, 0)


def reading(amount, at=START):
    return BalanceReading("studio", at, Money.of(amount))


def jump(before, after, at=START, gap=timedelta(minutes=2)):
    """The balance went from one amount to another; the second reading is at this time."""
    return BalanceJump("studio", reading(before, at - gap), reading(after, at))


def spending(**spent):
    """What was spent between the readings, all of it surely charged in between."""
    known = {amount: Money.of(amount).nanos for amount in spent.values()}
    (nanos,) = known.values() or (0,)
    return lambda _jump: Spent(nanos, nanos, nanos)


def left(latest, jumps=(), opening=None, spent=lambda _jump: NOTHING, zone=UTC, *, used_up=False):
    return lots_left(latest, opening, jumps, spent, zone=zone, used_up=used_up)


def amounts(found: Credits):
    return [(lot.origin.value, lot.left.text()) for lot in found.lots]


def dollars(money):
    return str(money.amount.normalize()) if money else None


# What a purchase is.


def test_a_purchase_is_a_rise_beyond_what_was_spent():
    found = rise_of(jump("12.00", "111.20"), lambda _jump: Spent(0, *[Money.of("0.80").nanos] * 2))
    assert found is not None
    assert Money(found.amount) == Money.of("100.00")
    assert (Money(found.at_least), Money(found.at_most)) == (Money.of("99.20"), Money.of("100.00"))


@pytest.mark.parametrize(("rise", "bought"), [("0.04", False), ("3.20", False), ("4.99", False), ("5.00", True)])
def test_a_small_rise_is_a_correction(rise, bought):
    assert (
        rise_of(jump("10.00", Money.of("10.00").amount + Money.of(rise).amount), lambda _jump: NOTHING) is not None
    ) is bought


def test_after_weeks_without_trayd_a_lower_balance_can_hold_a_purchase():
    lower = jump("80.00", "55.00", gap=timedelta(days=20))
    found = rise_of(lower, spending(known="75.00"))
    assert found is not None
    assert Money(found.amount) == Money.of("50.00")


def test_a_balance_that_fell_by_what_was_spent_holds_none():
    assert rise_of(jump("80.00", "5.00", gap=timedelta(days=20)), spending(known="75.00")) is None


def test_what_was_sent_just_before_a_reading_is_no_purchase_though_it_is_charged_later():
    # $8 of video was sent minutes before the reading, and was not charged by then.
    overnight = jump("80.00", "79.00", gap=timedelta(hours=9))
    assert (
        rise_of(overnight, lambda _jump: Spent(*(Money.of(amount).nanos for amount in ("1.00", "9.00", "9.00"))))
        is None
    )


def test_costs_that_are_no_generations_hide_no_balance():
    # Serverless: the balance fell by more than generations cost.
    assert rise_of(jump("80.00", "20.00", gap=timedelta(days=3)), spending(known="10.00")) is None


def test_an_unchanged_balance_was_not_spent_from():
    # On invoice: the credits stayed as they were.
    assert rise_of(jump("80.00", "80.00", gap=timedelta(days=40)), spending(known="500.00")) is None


def test_the_spans_that_are_asked_for_never_run_backwards():
    short, long = jump("1.00", "50.00"), jump("1.00", "50.00", gap=timedelta(days=1))
    assert Spent.spans(short)[0] == (START - timedelta(minutes=2), START - timedelta(minutes=2))
    assert Spent.spans(long)[0] == (START - timedelta(days=1), START - SETTLING)


@pytest.mark.parametrize(
    ("before", "after", "spent", "likely"),
    [
        ("3.10", "102.95", ("0.00", "0.15", "0.40"), "1E+2"),
        ("3.10", "102.95", ("0.00", "0.05", "0.10"), None),  # no round sum in between
        ("3.10", "60.00", ("40.00", "45.00", "58.00"), None),  # several
        ("3.10", "23.10", ("0.00", "0.00", "0.00"), "2E+1"),
    ],
)
def test_a_round_sum_is_shown_where_only_one_fits(before, after, spent, likely):
    around = Spent(*(Money.of(amount).nanos for amount in spent))
    (lot,) = left(reading(after), [jump(before, after)], spent=lambda _jump: around).lots[-1:]
    assert dollars(lot.likely) == likely


# What is left.


def test_the_oldest_credits_are_spent_first():
    bought = [jump("0.00", "100.00", START), jump("60.00", "110.00", START + timedelta(days=30))]
    later = START + timedelta(days=60)
    assert amounts(left(reading("110.00", later), bought)) == [("purchase", "60.00"), ("purchase", "50.00")]
    assert amounts(left(reading("70.00", later), bought)) == [("purchase", "20.00"), ("purchase", "50.00")]
    assert amounts(left(reading("40.00", later), bought)) == [("purchase", "40.00")]
    assert amounts(left(reading("0.00", later), bought)) == []
    assert amounts(left(reading("-2.00", later), bought)) == []


def test_used_up_purchases_are_told_to_who_asks():
    bought = [jump("0.00", "100.00", START), jump("60.00", "110.00", START + timedelta(days=30))]
    all_of_them = left(reading("40.00", START + timedelta(days=60)), bought, used_up=True)
    assert amounts(all_of_them) == [("purchase", "0.00"), ("purchase", "40.00")]


def test_the_opening_balance_has_no_date_of_its_own():
    bought = [jump("15.00", "65.00", START + timedelta(days=5))]
    found = left(reading("90.00", START + timedelta(days=9)), bought, reading("30.00"))
    assert amounts(found) == [("unknown", "10.00"), ("opening", "30.00"), ("purchase", "50.00")]
    unknown, opening, _ = found.lots
    assert opening.expires is None
    assert opening.gone == date(2027, 1, 3)
    assert unknown.expires is unknown.gone is None


def test_after_a_year_nothing_of_the_opening_balance_is_left():
    bought = [jump("2.00", "52.00", START + timedelta(days=300))]
    day_before, day_of = START + LIFETIME - timedelta(seconds=1), START + LIFETIME
    assert amounts(left(reading("52.00", day_before), bought, reading("30.00"))) == [
        ("opening", "2.00"),
        ("purchase", "50.00"),
    ]
    # Of what age it is instead nobody knows: granted, or bought and spent between two readings.
    assert amounts(left(reading("52.00", day_of), bought, reading("30.00"))) == [
        ("unknown", "2.00"),
        ("purchase", "50.00"),
    ]


def test_a_purchase_of_more_than_a_year_ago_holds_nothing():
    bought = [jump("0.00", "100.00", START), jump("1.00", "51.00", START + timedelta(days=200))]
    assert amounts(left(reading("51.00", START + timedelta(days=364)), bought)) == [
        ("purchase", "1.00"),
        ("purchase", "50.00"),
    ]
    assert amounts(left(reading("50.00", START + timedelta(days=365)), bought)) == [("purchase", "50.00")]


def test_a_refund_goes_back_to_what_was_spent_last():
    bought = [jump("0.00", "100.00", START), jump("60.00", "110.00", START + timedelta(days=30))]
    back = jump("70.00", "72.50", START + timedelta(days=40))
    assert amounts(left(reading("72.50", START + timedelta(days=41)), [*bought, back])) == [
        ("purchase", "22.50"),
        ("purchase", "50.00"),
    ]


def test_the_same_purchase_every_day_is_as_many_lots():
    bought = [jump("4.00", "24.00", START + timedelta(days=day)) for day in range(400)]
    found = left(reading("50.00", START + timedelta(days=400)), bought)
    assert amounts(found) == [("purchase", "10.00"), ("purchase", "20.00"), ("purchase", "20.00")]


def test_no_spending_is_asked_for_that_is_older_than_what_is_left():
    asked = []

    def spent(of):
        asked.append(of)
        return NOTHING

    bought = [jump("4.00", "24.00", START + timedelta(days=day)) for day in range(400)]
    left(reading("30.00", START + timedelta(days=400)), bought, spent=spent)
    assert asked == bought[:-3:-1]


NANOS = st.integers(0, 500_000_000_000)


@st.composite
def histories(draw):
    """Balance readings of months: purchases, spending, corrections, other costs, times without trayd."""
    at = START
    balance = draw(NANOS)
    readings = [BalanceReading("studio", at, Money(balance))]
    spent = {}
    for _ in range(draw(st.integers(0, 25))):
        gap = timedelta(seconds=draw(st.sampled_from((120, 120, 900, 7 * 3600, 86_400 * 20, 86_400 * 90))))
        bought, used, other = (
            draw(st.sampled_from((0, 0, 20, 100))) * 10**9,
            draw(NANOS),
            draw(st.sampled_from((0, 0, 7 * 10**9))),
        )
        balance = balance + bought - used - other + draw(st.sampled_from((0, 0, 40_000_000)))
        before, after = readings[-1], BalanceReading("studio", at + gap, Money(balance))
        at += gap
        readings.append(after)
        settled = used if gap > SETTLING else 0
        spent[before.at] = Spent(settled, used, used + draw(st.integers(0, 10**9)))
    jumps = [
        BalanceJump("studio", before, after)
        for before, after in pairwise(readings)
        if after.amount.nanos > before.amount.nanos or after.at - before.at > timedelta(hours=6)
    ]
    return readings, jumps, spent


@given(histories(), st.randoms(use_true_random=False), st.sampled_from((UTC, NEW_YORK, AUCKLAND)))
def test_the_lots_add_up_to_the_balance_whatever_happened_and_in_whatever_order_it_is_told(
    history, order: Random, zone
):
    readings, jumps, spent = history
    found = left(readings[-1], jumps, readings[0], lambda of: spent[of.before.at], zone)
    assert sum(lot.left.nanos for lot in found.lots) == max(readings[-1].amount.nanos, 0)
    shuffled = [*jumps, *jumps]
    order.shuffle(shuffled)
    assert left(readings[-1], shuffled, readings[0], lambda of: spent[of.before.at], zone) == found
    for lot in found.lots:
        assert 0 < lot.left.nanos <= lot.amount.nanos
        assert lot.at_least.nanos <= lot.amount.nanos <= lot.at_most.nanos
    # The oldest first, and all but the oldest that has anything left are whole.
    assert [lot.at for lot in found.lots if lot.expires] == sorted(lot.at for lot in found.lots if lot.expires)
    assert all(lot.left == lot.amount for lot in found.lots[1:])


@given(histories(), st.integers(0, 10**12))
def test_spending_takes_from_every_lot_or_leaves_it(history, more):
    readings, jumps, spent = history
    latest = readings[-1]
    lower = BalanceReading("studio", latest.at, Money(latest.amount.nanos - more))
    before, after = (
        left(of, jumps, readings[0], lambda of: spent[of.before.at], used_up=True) for of in (latest, lower)
    )
    kept = {(lot.origin, lot.after, lot.at): lot.left.nanos for lot in before.lots}
    for lot in after.lots:
        assert lot.left.nanos <= kept[lot.origin, lot.after, lot.at]


# When it expires.


@pytest.mark.parametrize(
    ("bought", "zone", "expires"),
    [
        (datetime(2026, 1, 3, 9, tzinfo=UTC), UTC, date(2027, 1, 3)),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), UTC, date(2029, 2, 28)),
        (datetime(2027, 3, 1, 12, tzinfo=UTC), UTC, date(2028, 2, 29)),
        (datetime(2027, 6, 30, 12, tzinfo=UTC), UTC, date(2028, 6, 29)),  # a leap day lies in between
        (datetime(2026, 1, 31, 23, 30, tzinfo=UTC), UTC, date(2027, 1, 31)),
        (datetime(2026, 1, 31, 23, 30, tzinfo=UTC), STOCKHOLM, date(2027, 2, 1)),
        (datetime(2026, 2, 1, 3, 30, tzinfo=UTC), NEW_YORK, date(2027, 1, 31)),
        (datetime(2026, 3, 28, 22, 59, tzinfo=UTC), STOCKHOLM, date(2027, 3, 29)),  # in summer time by then
        (datetime(2026, 12, 31, 12, tzinfo=UTC), AUCKLAND, date(2028, 1, 1)),
    ],
)
def test_credits_last_365_days_from_the_instant_of_their_purchase(bought, zone, expires):
    at = bought + timedelta(seconds=1)
    (lot,) = left(reading("100.00", at), [jump("0.00", "100.00", at, timedelta(seconds=1))], zone=zone).lots
    assert lot.expires == expires


def test_what_was_bought_within_weeks_may_expire_from_the_first_day_on():
    bought = jump("0.00", "100.00", START, timedelta(days=20))
    (lot,) = left(reading("100.00"), [bought]).lots
    assert (lot.expires, lot.gone) == (date(2026, 12, 14), date(2027, 1, 3))


def of_year(latest, per_day=None, today=date(2026, 12, 4), bought=None):
    bought = bought or [jump("0.00", "100.00", START + timedelta(minutes=5))]
    lots = left(reading(latest, START + timedelta(days=330)), bought).lots
    return expiring(lots, today=today, per_day=Money.of(per_day) if per_day else None)


@pytest.mark.parametrize(
    ("latest", "per_day", "used", "unused"),
    [("70.00", "1.00", "30.00", "40.00"), ("70.00", "2.50", "70.00", "0.00"), ("30.99", "1.00", "30.00", "0.99")],
)
def test_what_will_be_left_is_what_spending_does_not_use_by_then(latest, per_day, used, unused):
    (found,) = of_year(latest, per_day)
    assert (found.days, found.used, found.unused) == (30, Money.of(used), Money.of(unused))


def test_without_a_known_rate_all_of_it_is_at_stake():
    (found,) = of_year("70.00")
    assert (found.used, found.unused) == (None, Money.of("70.00"))


def test_what_may_be_gone_is_not_told_as_expiring():
    assert of_year("70.00", today=date(2027, 1, 4)) == ()


def test_spending_uses_older_credits_first_and_what_they_lose_is_not_spent_twice():
    bought = [
        jump("0.00", "100.00", START + timedelta(minutes=5)),
        jump("100.00", "150.00", START + timedelta(days=10, minutes=5)),
    ]
    first, second = of_year("150.00", "2.00", bought=bought)
    # 30 days at $2, and 10 more for the second: $60 of the first, $40 of it lost, then $20 of the second.
    assert (first.used, first.unused) == (Money.of("60.00"), Money.of("40.00"))
    assert (second.used, second.unused) == (Money.of("20.00"), Money.of("30.00"))


def test_credits_of_unknown_age_are_spent_before_all_others_and_never_warned_of():
    bought = [jump("40.00", "140.00", START + timedelta(minutes=5))]
    (found,) = of_year("140.00", "2.00", bought=bought)
    # $60 will be spent by then: $40 of unknown age, and $20 of these.
    assert (found.used, found.unused) == (Money.of("20.00"), Money.of("80.00"))


def test_credits_that_may_be_gone_and_are_still_in_the_balance_are_spent_before_newer_ones():
    # Bought within 20 days without trayd; two days after the first day on which they may be gone they are there.
    bought = [
        jump("0.00", "100.00", START, gap=timedelta(days=20)),
        jump("100.00", "150.00", START + timedelta(minutes=5)),
    ]
    today = (START - timedelta(days=20) + LIFETIME).date() + timedelta(days=2)
    (found,) = of_year("150.00", "2.00", today=today, bought=bought)
    # $36 in 18 days, all of it from the older ones.
    assert (found.days, found.used, found.unused) == (18, Money(0), Money.of("50.00"))


@given(histories(), st.integers(0, 400), st.integers(0, 20 * 10**9), st.integers(0, 20 * 10**9))
def test_who_spends_more_loses_less(history, days, one, two):
    readings, jumps, spent = history
    lots = left(readings[-1], jumps, readings[0], lambda of: spent[of.before.at]).lots
    today = readings[-1].at.date() + timedelta(days=days)
    less, more = (expiring(lots, today=today, per_day=Money(rate)) for rate in sorted((one, two)))
    assert sum(found.unused.nanos for found in more) <= sum(found.unused.nanos for found in less)
    for found in (*less, *more):
        assert found.days >= 0
        assert found.used is not None
        assert found.used.nanos + found.unused.nanos == found.lot.left.nanos
