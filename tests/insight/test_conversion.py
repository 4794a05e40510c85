"""Amounts in other currencies: each at the rate of its own day, exactly, and rounded once."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.insight.recount import Recount, amount_of, day_of
from tests.insight.samples import NOW, daily, ecb, external, generation, in_nanos, rates, records
from trayd.insight.breakdown import Dimension
from trayd.insight.conversion import rounded, rounded_together
from trayd.insight.tally import Tally
from trayd.insight.usage import spending, spent, usage
from trayd.insight.windows import parse_window
from trayd.money import EXACT, Money, format_money
from trayd.rates import Converter, Rate, RateSource
from trayd.records import Counting, ExternalCost, Filters, Kind
from trayd.shapes import plain

STOCKHOLM = ZoneInfo("Europe/Stockholm")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
AZORES = ZoneInfo("Atlantic/Azores")  # its clocks change over midnight
ALL_OF_IT = "2026-08-31..2027-01-01"


def used(of, converter, by=None, window="30d", zone=UTC):
    window = parse_window(window, NOW, zone)
    return usage(Recount(of), filters=Filters(), window=window, by=by, zone=zone, converter=converter)


def in_words(use):
    return use.told(lambda money: format_money(money, "en_US"), lambda day: f"{day.day} {day:%b}")


def test_each_amount_is_converted_at_the_rate_of_its_own_day():
    known = daily(SEK={"2026-11-03": "0.10", "2026-11-04": "0.11"})
    of = [external("100", "2026-11-03", currency="SEK"), external("100", "2026-11-04", currency="SEK")]
    assert used(of, known).total.cost == Money.of("21.00")


def test_home_is_where_the_user_says_and_what_fal_bills_is_converted_too():
    total = used([generation("1.50"), external("20", currency="SEK")], rates("SEK", USD=ecb("10.5"))).total
    assert total.cost == Money.of("35.75", "SEK")
    assert (total.internal, total.external) == (Money.of("15.75", "SEK"), Money.of("20", "SEK"))
    assert total.cost_per_generation == Money.of("15.75", "SEK")


def test_what_still_runs_is_told_in_the_home_currency():
    total = used([generation("2.00", counting=Counting.PENDING)], rates("SEK", USD=ecb("10"))).total
    assert total.pending.estimated == Money.of("20", "SEK")
    assert (total.cost, total.rates) == (Money(0, "SEK"), ())


def test_without_a_rate_an_amount_is_named_and_left_out_and_its_generation_counted():
    total = used([generation("1.00"), generation("2.00", counting=Counting.PENDING)], rates("SEK")).total
    assert (total.cost, total.left_out) == (None, (Money.of("1.00"),))
    assert (total.generations, total.unpriced) == (1, 0)
    assert total.cost_per_generation is None, "not zero"
    assert total.pending.estimated is None, "not zero"


def test_days_without_a_rate_are_left_out_beside_those_that_have_one():
    of = [external("100", "2026-11-03", currency="SEK"), external("7", "2026-11-04", currency="SEK")]
    total = used(of, daily(SEK={"2026-11-03": "0.10"})).total
    assert (total.cost, total.left_out) == (Money.of("10.00"), (Money.of("7", "SEK"),))
    assert [use.amount for use in total.rates] == [Money.of("100", "SEK")]
    assert total.days_left_out == {"SEK": (date(2026, 11, 4), date(2026, 11, 4))}, "on other days there are rates"


def test_a_sum_is_rounded_once_half_to_even():
    half = rates(EUR=ecb("0.5"))
    nano = "0.000000001"
    assert used([external(nano, currency="EUR")], half).total.cost.nanos == 0
    assert used([external(nano, currency="EUR")] * 2, half).total.cost.nanos == 1, "two halves, not two zeros"
    assert used([external("0.000000003", currency="EUR")], half).total.cost.nanos == 2


def test_parts_of_half_a_nano_add_up_to_the_total():
    of = [external("0.000000001", currency="EUR", project=name) for name in ("a", "b", "c")]
    result = used(of, rates(EUR=ecb("0.5")), by="project")
    assert in_nanos(result.total.cost) == 2
    assert [(part.key, in_nanos(part.cost)) for part in result.by] == [("a", 1), ("b", 1), ("c", 0)]


def test_a_day_is_one_of_the_users_zone():
    at_night = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # half past midnight in Stockholm, before its clocks change
    known = daily("SEK", USD={"2026-10-24": "10", "2026-10-25": "11"})
    of = [generation("1.00", timestamp=at_night)]
    assert used(of, known, window=ALL_OF_IT, zone=STOCKHOLM).total.cost == Money.of("11", "SEK")
    assert used(of, known, window=ALL_OF_IT).total.cost == Money.of("10", "SEK")


def test_the_hour_that_comes_twice_has_the_rate_of_its_day():
    known = daily("SEK", USD={"2026-10-24": "10", "2026-10-25": "11", "2026-10-26": "12"})
    start = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    of = [generation("1.00", timestamp=start + timedelta(hours=n)) for n in range(4)]  # 1:30, 2:30, 2:30, 3:30
    result = used([*of, external("2", "2026-10-26")], known, by="hour", window="2026-10-24..2026-10-26", zone=STOCKHOLM)
    assert [(part.key, part.cost.text()) for part in result.by] == [
        ("01", "11.00"),
        ("02", "22.00"),
        ("03", "11.00"),
        (None, "24.00"),
    ]


def test_the_rates_that_were_used_are_told_by_currency_and_by_how_sure_they_are():
    def find(currency, day):
        if currency != "SEK":
            return None
        return ecb("0.1", min(day, date(2026, 11, 18)).isoformat(), last_known=day > date(2026, 11, 18))

    of = [external("100", day, currency="SEK") for day in ("2026-11-03", "2026-11-18", "2026-11-19", "2026-11-20")]
    total = used([*of, external("5", currency="KWD")], Converter("USD", find)).total
    assert [in_words(use) for use in total.rates] == [
        "SEK 200.00 converted at the ECB's rates of each day (3 Nov to 18 Nov)".replace("SEK 200.00", "200.0 kr"),
        "200.0 kr converted at the last known rate, of 18 Nov",
    ]
    assert plain(total)["rates"][1] == {
        "currency": "SEK",
        "amount": {"amount": "200.00", "currency": "SEK"},
        "first": "2026-11-19",
        "last": "2026-11-20",
        "published": "2026-11-18",
        "source": "ecb",
        "last_known": True,
    }


@pytest.mark.parametrize(
    ("source", "last_known", "days", "told"),
    [
        (RateSource.ECB, False, 1, "the ECB's rate of 18 Nov"),
        (RateSource.ECB, False, 2, "the ECB's rates of each day (19 Nov to 20 Nov)"),
        (RateSource.ECB, True, 2, "the last known rate, of 18 Nov"),
        (RateSource.BUNDLED, False, 1, "the rate of 18 Nov that came with trayd"),
        (
            RateSource.BUNDLED,
            False,
            2,
            "the rates of each day or the last before it (19 Nov to 20 Nov) that came with trayd",
        ),
        (RateSource.BUNDLED, True, 2, "the last rate that came with trayd, of 18 Nov"),
        (RateSource.SETTINGS, False, 1, "the rate fixed in the settings"),
        (RateSource.SETTINGS, False, 2, "the rates fixed in the settings"),
    ],
)
def test_how_sure_a_rate_is_is_said_in_words(source, last_known, days, told):
    known = rates(EUR=ecb("1.1", "2026-11-18", source, last_known=last_known))
    of = [external("2", f"2026-11-{20 - n}", currency="EUR") for n in range(days)]
    [use] = used(of, known).total.rates
    assert in_words(use) == f"€{2 * days}.00 converted at {told}"


def test_nothing_is_said_of_rates_where_none_was_needed():
    assert used([generation("1.00")], rates()).total.rates == ()


def test_no_rate_is_asked_for_where_all_is_in_the_home_currency():
    def find(currency, day):
        raise AssertionError((currency, day))

    used([generation("1.00"), generation(None), external("1.00")], Converter("USD", find), by="model")


def test_a_sum_in_another_currency_needs_a_day():
    tally = Tally(rates(EUR=ecb("1")))
    [foreign] = Recount([external("1", currency="EUR")]).sums(zone=UTC)
    with pytest.raises(ValueError, match="without a day"):
        tally.add_sum(foreign)


def test_a_tally_that_was_read_goes_on_counting():
    tally, more = Tally(rates(EUR=ecb("2"))), Tally(rates(EUR=ecb("2")))
    readings = []
    for record in (external("1.00"), external("1.00", currency="EUR")):
        tally.add(record, record.date)
        more.add(record, record.date)
        readings.append(tally.cost.text())
    tally.merge(more)
    assert [*readings, tally.cost.text()] == ["1.00", "3.00", "6.00"]


# Factors as they come: of few digits, and crossed ones that never end.
factors = st.decimals("0.0001", "400", places=4) | st.builds(
    EXACT.divide, st.decimals("0.01", "30", places=4), st.decimals("0.01", "30", places=4)
)


@st.composite
def converters(draw):
    """A rate for most days and currencies, and none at all for some."""
    home = draw(st.sampled_from(["USD", "EUR", "SEK", "KWD"]))
    lacking = draw(st.sampled_from([None, "USD", "KWD"]))
    known = draw(st.lists(factors | st.none(), min_size=1, max_size=7))

    def find(currency, day):
        if currency == home:
            return Rate(Decimal(1), day, RateSource.HOME, last_known=False)
        factor = (
            None if currency == lacking else known[(day.toordinal() + len(currency) * ord(currency[0])) % len(known)]
        )
        return None if factor is None else Rate(factor, day, RateSource.ECB, last_known=False)

    return Converter(home, find)


def recounted(of, converter, zone):
    """The total as a fraction, and what is left out, by the rules and nothing else."""
    total, left_out = Fraction(0), {}
    for record in of:
        counts = isinstance(record, ExternalCost) or record.counting in (Counting.ACTUAL, Counting.ESTIMATE)
        amount = amount_of(record) if counts else None
        if amount is None:
            continue
        if amount.currency == converter.currency:
            total += amount.nanos
        elif (rate := converter.rate(amount.currency, day_of(record, zone))) is not None:
            total += amount.nanos * Fraction(rate.factor)
        else:
            left_out[amount.currency] = left_out.get(amount.currency, 0) + amount.nanos
    return total, left_out


zones = st.sampled_from([UTC, STOCKHOLM, KATHMANDU, AZORES])


@settings(max_examples=60)
@given(records, converters(), zones, st.randoms(use_true_random=False))
def test_a_total_is_the_exact_sum_whatever_the_order(of, converter, zone, chance):
    exact, left_out = recounted(of, converter, zone)
    for _ in range(2):
        tally = Tally(converter)
        for record in of:
            tally.add(record, day_of(record, zone))
        assert Fraction(tally.exact) == exact
        assert tally.total == round(exact)
        assert dict(tally.left_out) == left_out
        chance.shuffle(of)


@settings(max_examples=60)
@given(records, converters(), zones, st.sampled_from(Dimension))
def test_parts_kinds_and_windows_add_up_to_the_total_to_the_nano(of, converter, zone, by):
    result = used(of, converter, by=by, window=ALL_OF_IT, zone=zone)
    total = result.total
    exact, left_out = recounted(of, converter, zone)
    lacks = total.unpriced or total.left_out
    assert total.cost == (Money(round(exact), converter.currency) if round(exact) or not lacks else None)
    assert {money.currency: money.nanos for money in total.left_out} == left_out
    assert sum(in_nanos(part.cost) for part in result.by) == in_nanos(total.cost)
    assert in_nanos(total.internal) + in_nanos(total.external) + in_nanos(total.pool) == in_nanos(total.cost)
    assert sum(part.generations for part in result.by) == total.generations
    for currency, nanos in left_out.items():
        parts = [money.nanos for part in result.by for money in part.left_out if money.currency == currency]
        assert sum(parts) == nanos
    whole = spent(spending(Recount(of), NOW, zone, converter)["total"])
    assert (whole.cost, whole.left_out, whole.rates) == (total.cost, total.left_out, total.rates)


@settings(max_examples=40)
@given(records, converters(), zones)
def test_every_part_is_its_own_exact_sum_to_within_a_nano(of, converter, zone):
    result = used(of, converter, by="client", window=ALL_OF_IT, zone=zone)
    for part in result.by:
        exact, _ = recounted([record for record in of if record.client == part.key], converter, zone)
        assert abs(in_nanos(part.cost) - exact) < 1


@settings(max_examples=40)
@given(records, converters())
def test_the_rates_told_account_for_every_amount_that_was_converted(of, converter):
    total = used(of, converter, window=ALL_OF_IT).total
    told = {use.currency: use.amount.nanos for use in total.rates}
    left_out = {money.currency: money.nanos for money in total.left_out}
    foreign = {}
    for record in of:
        if isinstance(record, ExternalCost) or record.counting in (Counting.ACTUAL, Counting.ESTIMATE):
            amount = amount_of(record)
            if amount and amount.currency != converter.currency:
                foreign[amount.currency] = foreign.get(amount.currency, 0) + amount.nanos
    assert {code: told.get(code, 0) + left_out.get(code, 0) for code in foreign} == foreign


amounts = st.lists(
    st.decimals(-(10**12), 10**12, places=6) | st.builds(lambda n: Decimal(n) / 2, st.integers(-9, 9)), max_size=12
)


@given(amounts)
@example([Decimal("0.5")] * 3)
@example([Decimal("-0.5")] * 3)
@example([Decimal(1) / 3] * 3)
def test_parts_are_rounded_together(parts):
    whole = rounded_together(parts)
    assert sum(whole) == round(sum(map(Fraction, parts), Fraction(0)))
    assert all(abs(nanos - part) < 1 for nanos, part in zip(whole, parts, strict=True))
    # More is never rounded to less.
    by_size = sorted(zip(parts, whole, strict=True))
    assert all(small <= large for (a, small), (b, large) in pairwise(by_size) if a < b)


@given(st.integers(-(10**6), 10**6))
def test_halves_are_rounded_to_even(n):
    assert rounded(Decimal(n) + Decimal("0.5")) == round(Fraction(2 * n + 1, 2))


def test_a_change_of_the_home_currency_is_no_more_than_another_question():
    of = [generation("1.00"), external("10", currency="SEK"), external("2", currency="EUR")]
    into = {
        "USD": rates("USD", SEK=ecb("0.1"), EUR=ecb("1.1")),
        "SEK": rates("SEK", USD=ecb("10"), EUR=ecb("11")),
        "EUR": rates("EUR", USD=ecb("0.9"), SEK=ecb("0.09")),
    }
    source = Recount(random.Random(1).sample(of, 3))
    window = parse_window("30d", NOW, UTC)
    costs = {
        home: usage(source, filters=Filters(), window=window, by=None, zone=UTC, converter=converter).total.cost.text()
        for home, converter in into.items()
    }
    assert costs == {"USD": "4.20", "SEK": "42.00", "EUR": "3.80"}


@given(records)
def test_kinds_without_any_other_currency_are_what_they_were(of):
    home = [
        structs.replace(record, amount=structs.replace(record.amount, currency="USD"))
        for record in of
        if isinstance(record, ExternalCost)
    ]
    total = used(home, rates(), window=ALL_OF_IT).total
    for kind, shown in ((Kind.EXTERNAL, total.external), (Kind.POOL, total.pool)):
        assert shown.nanos == sum(record.amount.nanos for record in home if record.kind is kind)
