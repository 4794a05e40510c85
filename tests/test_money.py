from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.money import Money, apportion, format_money, nanos_of, price

nanos = st.integers(-(10**18), 10**18)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("1", 1_000_000_000),
        ("0.0000000005", 0),  # half to even
        ("0.0000000015", 2),
        ("-0.0000000015", -2),
        ("0.00006944444", 69_444),
        ("12345678901234567890.123456789", 12345678901234567890123456789),
    ],
)
def test_an_amount_is_rounded_once_half_to_even_to_a_nano(amount: str, expected: int) -> None:
    assert nanos_of(amount) == expected


@pytest.mark.parametrize("amount", ["", "x", "NaN", "Infinity", "-Infinity", "1,5"])
def test_what_is_no_finite_number_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        nanos_of(amount)


@pytest.mark.parametrize("currency", ["usd", "US", "DOLLAR", "$", ""])
def test_a_currency_is_three_capitals(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money.of(1, currency)


@given(nanos)
def test_the_text_of_an_amount_reads_back_exactly(size: int) -> None:
    money = Money(size)
    assert Money.of(money.text()) == money
    assert len(money.text().partition(".")[2]) >= 2


@given(nanos, nanos)
def test_adding_and_taking_away_is_exact(one: int, other: int) -> None:
    assert Money(one) + Money(other) - Money(other) == Money(one)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="exchange rate"):
        Money(1, "USD") + Money(1, "EUR")


def test_a_price_is_exact_until_its_one_rounding() -> None:
    assert price(Decimal("0.03"), Decimal("3.008")) == 90_240_000
    assert price(Decimal("0.00006944444"), Decimal("8.439999999999998")) == 586_111
    assert price(Decimal("0.10"), Decimal(3), Decimal(10)) == 270_000_000


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "shown"),
    [
        ("48.2", "USD", "en_US", "$48.20"),
        ("0.0031", "USD", "en_US", "$0.0031"),
        ("0.00006944444", "USD", "en_US", "$0.000069"),
        ("0", "USD", "en_US", "$0.00"),
        ("-0.5", "USD", "en_US", "-$0.50"),
        ("1234567.891", "EUR", "de_DE", "1.234.567,89\u00a0€"),
        ("5.1", "SEK", "en_US", "5.1 kr"),
        ("5.1", "SEK", "sv_SE", "5,1 kr"),
        ("5.1", "SEK", "de_DE", "5,1 kr"),
        ("-1234.56", "SEK", "sv_SE", "-1\u00a0234,6 kr"),
        ("1234.5", "JPY", "en_US", "¥1,234"),
        ("1234.5", "JPY", "ja_JP", "￥1,234"),
        ("0.31", "JPY", "ja_JP", "￥0.31"),
        ("12.3456", "KWD", "de_DE", "12,346\u00a0KWD"),
        # Between letters and digits a space that does not break, as CLDR has it.
        ("120", "AED", "en_US", "AED\u00a0120.00"),
        ("-3", "CHF", "en_US", "-CHF\u00a03.00"),
        ("3", "CHF", "de_CH", "CHF\u00a03.00"),
    ],
)
def test_money_is_shown_as_people_write_it(amount: str, currency: str, locale: str, shown: str) -> None:
    assert format_money(Money.of(amount, currency), locale) == shown


weights = st.lists(st.integers(0, 10**12) | st.decimals(0, 10**9, places=20), min_size=1, max_size=12).filter(any)


def test_an_amount_is_divided_by_the_largest_remainder() -> None:
    assert apportion(10, [1, 1, 1]) == [4, 3, 3], "of equals the first"
    assert apportion(10, [1, 2, 4]) == [1, 3, 6], "1.43, 2.86 and 5.71: the .86 is nearest to the next"
    assert apportion(-10, [1, 2, 4]) == [-1, -3, -6], "a refund as the cost was"
    assert apportion(5, [0, 1]) == [0, 5]
    assert apportion(3, [Decimal("0.5"), Decimal("0.25")]) == [2, 1]
    assert apportion(0, [3, 4]) == [0, 0]


@given(nanos, weights)
def test_shares_add_up_to_the_amount_and_are_off_by_less_than_a_nano(amount: int, weights: list[Decimal | int]) -> None:
    shares = apportion(amount, weights)
    assert sum(shares) == amount
    whole = sum(map(Fraction, weights))
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - amount * Fraction(weight) / whole) < 1


@given(nanos, weights, st.randoms())
def test_only_equals_depend_on_the_order_of_the_weights(
    amount: int, weights: list[Decimal | int], chance: random.Random
) -> None:
    mixed = [*weights]
    chance.shuffle(mixed)
    assert sorted(apportion(amount, weights)) == sorted(apportion(amount, mixed))


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [1, -1], [2, -1]])
def test_nothing_can_be_divided_by_weights_that_are_not_above_zero(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        apportion(1, weights)
