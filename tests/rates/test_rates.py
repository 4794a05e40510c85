from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rates.tables import SATURDAY, day, rates, table
from trayd.money import EXACT
from trayd.rate_settings import FixedRate
from trayd.rates import Rate, Rates, RateSource

WEEK = {
    "11-16": {"USD": "1.10", "SEK": "11.00", "JPY": "170"},
    "11-17": {"USD": "1.11", "SEK": "11.10", "JPY": "171"},
    "11-18": {"USD": "1.12", "SEK": "11.20", "JPY": "172"},
    "11-19": {"USD": "1.13", "SEK": "11.30", "JPY": "173"},
    "11-20": {"USD": "1.14", "SEK": "11.40", "JPY": "174"},
}


def known(found: Rate | None) -> Rate:
    assert found is not None
    return found


def test_a_rate_is_crossed_through_the_euro_at_the_rates_of_the_amounts_own_day() -> None:
    into_dollars = rates(WEEK).converter("USD")
    assert into_dollars.rate("SEK", day("11-18")) == Rate(
        EXACT.divide(Decimal("1.12"), Decimal("11.20")), day("11-18"), RateSource.ECB, last_known=False
    )
    assert known(into_dollars.rate("EUR", day("11-17"))).factor == Decimal("1.11")
    into_euros = rates(WEEK).converter("EUR")
    assert known(into_euros.rate("SEK", day("11-16"))).factor == EXACT.divide(Decimal(1), Decimal(11))


def test_a_weekend_has_the_rate_of_its_friday_and_that_is_not_for_want_of_a_newer_one() -> None:
    rate = known(rates(WEEK).converter("USD").rate("SEK", day("11-21")))
    assert (rate.published, rate.last_known) == (day("11-20"), False)


def test_easter_has_the_rate_of_maundy_thursday() -> None:
    easter = {"04-02": {"USD": "1.10"}, "04-07": {"USD": "1.20"}}
    rate = known(rates(easter).converter("USD").rate("EUR", day("04-06")))
    assert (rate.factor, rate.published, rate.last_known) == (Decimal("1.10"), day("04-02"), False)


@pytest.mark.parametrize(
    ("now", "last_known"),
    [
        (datetime(2026, 11, 23, 8, tzinfo=UTC), False),  # Monday morning: its rates are not out
        (datetime(2026, 11, 23, 16, 59, tzinfo=UTC), False),  # they may be late
        (datetime(2026, 11, 23, 17, 0, tzinfo=UTC), True),  # now everybody has them
        (datetime(2026, 11, 25, 8, tzinfo=UTC), True),
    ],
)
def test_a_rate_is_the_last_known_one_once_a_newer_one_is_out(now: datetime, last_known: bool) -> None:
    rate = known(rates(WEEK, now=now).converter("USD").rate("EUR", day("11-23")))
    assert (rate.published, rate.last_known) == (day("11-20"), last_known)


def test_where_it_is_tomorrow_already_the_rate_of_the_day_is_not_missing() -> None:
    late_sunday_in_london = datetime(2026, 11, 22, 22, tzinfo=UTC)
    of_monday_in_auckland = day("11-23")
    rate = known(rates(WEEK, now=late_sunday_in_london).converter("USD").rate("EUR", of_monday_in_auckland))
    assert (rate.published, rate.last_known) == (day("11-20"), False)


def test_an_amount_of_a_coming_day_is_at_the_last_known_rate() -> None:
    assert known(rates(WEEK).converter("USD").rate("EUR", day("12-15"))).last_known


def test_an_amount_from_before_all_rates_has_none() -> None:
    assert rates(WEEK).converter("USD").rate("EUR", day("11-15")) is None


def test_a_currency_that_nobody_tells_has_no_rate_and_neither_has_anything_into_it() -> None:
    assert rates(WEEK).converter("USD").rate("AED", day("11-18")) is None
    assert rates(WEEK).converter("AED").rate("USD", day("11-18")) is None


def test_the_home_currency_is_itself() -> None:
    rate = known(rates({}).converter("USD").rate("USD", day("11-18")))
    assert (rate.factor, rate.source) == (1, RateSource.HOME)


def test_both_ends_of_a_cross_rate_are_of_one_day() -> None:
    rows = WEEK | {"11-20": {"USD": "1.14"}}
    rate = known(rates(rows).converter("USD").rate("SEK", day("11-20")))
    assert rate.published == day("11-19")
    assert rate.factor == EXACT.divide(Decimal("1.13"), Decimal("11.30"))


def test_a_currency_that_is_quoted_no_more_has_no_rate_after_a_while() -> None:
    rows = {f"2022-03-{n:02}": {"USD": "1.1"} | ({"RUB": "117.2"} if n < 2 else {}) for n in range(1, 29)}
    now = datetime(2022, 3, 28, 20, tzinfo=UTC)
    into_dollars = rates(rows, now=now).converter("USD")
    assert known(into_dollars.rate("RUB", date(2022, 3, 5))).published == date(2022, 3, 1)
    assert into_dollars.rate("RUB", date(2022, 3, 20)) is None


def test_a_currency_that_the_euro_has_replaced_keeps_its_rate_for_ever() -> None:
    rate = known(rates(WEEK).converter("EUR").rate("BGN", day("11-18")))
    assert rate.factor == EXACT.divide(Decimal(1), Decimal("1.95583"))
    assert not rate.last_known
    assert rates(WEEK).converter("EUR").rate("BGN", date(2025, 12, 31)) is None


BUNDLED = {"10-30": {"USD": "1.30", "SEK": "13.0"}}


class TestBundled:
    def test_it_is_used_where_nothing_was_fetched_and_says_so(self) -> None:
        rate = known(rates({}, BUNDLED).converter("USD").rate("EUR", day("11-18")))
        assert rate == Rate(Decimal("1.30"), day("10-30"), RateSource.BUNDLED, last_known=True)

    def test_it_is_used_for_days_from_before_all_that_was_fetched(self) -> None:
        rate = known(rates(WEEK, BUNDLED).converter("USD").rate("EUR", day("10-30")))
        assert (rate.source, rate.last_known) == (RateSource.BUNDLED, False)

    def test_it_is_not_used_where_something_as_new_was_fetched(self) -> None:
        fetched = {"10-30": {"USD": "1.29", "SEK": "12.9"}}
        rate = known(rates(fetched, BUNDLED).converter("USD").rate("EUR", day("11-18")))
        assert (rate.factor, rate.source, rate.last_known) == (Decimal("1.29"), RateSource.ECB, True)

    def test_a_newer_trayd_brings_newer_rates_than_were_fetched_long_ago(self) -> None:
        fetched = {"03-31": {"USD": "1.29"}}
        rate = known(rates(fetched, BUNDLED).converter("USD").rate("EUR", day("11-18")))
        assert (rate.source, rate.published) == (RateSource.BUNDLED, day("10-30"))

    def test_it_stands_in_for_a_year_whose_fetched_rates_were_lost(self) -> None:
        bundled = {"2025-05-30": {"USD": "1.25"}, "2025-06-30": {"USD": "1.26"}}
        fetched = {"2024-12-31": {"USD": "1.04"}, "2026-01-02": {"USD": "1.17"}}
        rate = known(rates(fetched, bundled).converter("USD").rate("EUR", date(2025, 6, 10)))
        assert (rate.factor, rate.source) == (Decimal("1.25"), RateSource.BUNDLED)


class TestFixedByTheUser:
    KRONA = FixedRate(from_="SEK", to="USD", rate=Decimal("0.095"), since=day("11-17"), until=day("11-18"))

    def test_it_comes_before_the_banks_in_both_directions_and_only_on_its_days(self) -> None:
        known_rates = rates(WEEK, fixed=(self.KRONA,))
        assert known_rates.converter("USD").rate("SEK", day("11-18")) == Rate(
            Decimal("0.095"), day("11-17"), RateSource.SETTINGS, last_known=False
        )
        back = known(known_rates.converter("SEK").rate("USD", day("11-17")))
        assert back.factor == EXACT.divide(Decimal(1), Decimal("0.095"))
        for outside in ("11-16", "11-19"):
            assert known(known_rates.converter("USD").rate("SEK", day(outside))).source is RateSource.ECB

    def test_without_a_first_day_it_is_that_of_any_day(self) -> None:
        ever = FixedRate(from_="SEK", to="USD", rate=Decimal("0.095"))
        for fixed, any_day in ((self.KRONA, False), (ever, True)):
            rate = known(rates(WEEK, fixed=(fixed,)).converter("USD").rate("SEK", day("11-17")))
            assert (rate.published, rate.any_day) == (day("11-17"), any_day)

    def test_it_says_nothing_of_other_pairs(self) -> None:
        rate = known(rates(WEEK, fixed=(self.KRONA,)).converter("EUR").rate("SEK", day("11-18")))
        assert rate.source is RateSource.ECB

    def test_it_makes_a_currency_that_the_bank_lacks_known_in_every_home_currency(self) -> None:
        dirham = FixedRate(from_="USD", to="AED", rate=Decimal("3.6725"))
        known_rates = rates(WEEK, fixed=(dirham,))
        direct = known(known_rates.converter("USD").rate("AED", day("11-18")))
        assert (direct.factor, direct.published) == (EXACT.divide(Decimal(1), Decimal("3.6725")), day("11-18"))
        through = known(known_rates.converter("SEK").rate("AED", day("11-18")))
        assert round(EXACT.multiply(through.factor, Decimal("3.6725")), 20) == 10
        assert (through.published, through.source) == (day("11-18"), RateSource.SETTINGS)
        home = known(known_rates.converter("AED").rate("SEK", day("11-21")))
        assert round(home.factor, 20) == Decimal("0.36725")
        assert (home.published, home.last_known) == (day("11-20"), False)

    def test_two_currencies_fixed_to_a_third_have_a_rate_without_the_bank(self) -> None:
        fixed = (
            FixedRate(from_="USD", to="AED", rate=Decimal("3.6725")),
            FixedRate(from_="USD", to="SAR", rate=Decimal("3.75")),
        )
        rate = known(rates({}, fixed=fixed).converter("SAR").rate("AED", day("11-18")))
        assert rate.factor == EXACT.divide(
            EXACT.divide(Decimal(1), Decimal("3.6725")), EXACT.divide(Decimal(1), Decimal("3.75"))
        )

    def test_a_currency_that_the_bank_has_goes_by_its_rate_whether_or_not_it_was_fetched(self) -> None:
        fixed = (
            FixedRate(from_="USD", to="AED", rate=Decimal("3.6725")),
            FixedRate(from_="SEK", to="USD", rate=Decimal("0.095")),
        )
        factors = {
            known(rates(*tables, fixed=fixed).converter("AED").rate("SEK", day("11-18"))).factor
            for tables in ((WEEK,), ({}, WEEK), (WEEK, BUNDLED))
        }
        assert [round(factor, 20) for factor in factors] == [Decimal("0.36725")]

    def test_with_a_bundled_rate_on_the_way_it_is_called_a_bundled_one(self) -> None:
        dirham = FixedRate(from_="USD", to="AED", rate=Decimal("3.6725"))
        rate = known(rates({}, WEEK, fixed=(dirham,)).converter("SEK").rate("AED", day("11-18")))
        assert rate.source is RateSource.BUNDLED


class TestOneConverterForOneStateOfTheRates:
    def test_it_is_the_same_object_as_long_as_it_would_tell_the_same(self) -> None:
        known_rates = rates(WEEK)
        assert known_rates.converter("USD") is known_rates.converter("USD")
        assert known_rates.converter("USD") is not known_rates.converter("SEK")

    def test_new_settings_make_a_new_one(self) -> None:
        known_rates = rates(WEEK)
        before = known_rates.converter("USD")
        known_rates.fixed = (FixedRate(from_="EUR", to="USD", rate=Decimal(2)),)
        assert known(known_rates.converter("USD").rate("EUR", day("11-18"))).factor == 2
        assert known_rates.converter("USD") is not before

    def test_rates_that_were_fetched_make_a_new_one(self) -> None:
        known_rates = rates(WEEK)
        before = known_rates.converter("USD")
        known_rates.renew()
        assert known_rates.converter("USD") is not before

    def test_the_hour_at_which_rates_are_out_makes_a_new_one_even_when_the_clock_jumps(self) -> None:
        moment = [datetime(2026, 11, 20, 16, 59, tzinfo=UTC)]
        known_rates = Rates(table(WEEK), table({}), clock=lambda: moment[0])
        before = known_rates.converter("USD")
        moment[0] += timedelta(minutes=1)
        after = known_rates.converter("USD")
        assert after is not before
        moment[0] -= timedelta(days=3)
        assert known_rates.converter("USD") is not after

    def test_nothing_is_read_for_the_home_currency(self) -> None:
        def never(_year: int) -> None:
            pytest.fail("a table was read")

        unread = table(WEEK)
        unread._load = never  # type: ignore[assignment]  # stands for the disk
        into_dollars = Rates(unread, unread, clock=lambda: SATURDAY).converter("USD")
        assert known(into_dollars.rate("USD", day("11-18"))).factor == 1


_RATES = st.decimals(min_value=Decimal("0.0001"), max_value=Decimal(30000), places=4, allow_nan=False)


@given(dollar=_RATES, krona=_RATES, nanos=st.lists(st.integers(-(10**15), 10**15), min_size=1))
def test_a_sum_comes_back_to_itself_within_a_nano_and_crossing_twice_is_crossing_once(
    dollar: Decimal, krona: Decimal, nanos: list[int]
) -> None:
    known_rates = rates({"11-18": {"USD": str(dollar), "SEK": str(krona)}})

    def factor(home: str, currency: str) -> Decimal:
        return known(known_rates.converter(home).rate(currency, day("11-18"))).factor

    total = Decimal(sum(nanos))
    there = EXACT.multiply(total, factor("USD", "SEK"))
    back = EXACT.multiply(there, factor("SEK", "USD"))
    assert abs(back - total) < 1
    through = EXACT.multiply(EXACT.multiply(total, factor("EUR", "SEK")), factor("USD", "EUR"))
    assert abs(through - there) < 1
