"""Figures in words."""

from datetime import date
from decimal import Decimal

import pytest
from babel.numbers import parse_decimal
from hypothesis import given
from hypothesis import strategies as st

from trayd.money import Money, exact_formatter, format_money
from trayd.reports.words import Words, listed


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "text"),
    [
        ("0.0902", "USD", "en_US", "$0.0902"),
        ("5", "USD", "en_US", "$5.00"),
        ("-1234567.000000001", "USD", "en_US", "-$1,234,567.000000001"),
        ("5.1", "SEK", "sv_SE", "5,1 kr"),
        ("1234.125", "EUR", "de_DE", "1.234,125\xa0€"),
        ("100", "JPY", "en_US", "¥100"),
        ("1234567.5", "INR", "hi_IN", "₹12,34,567.50"),
    ],
)
def test_exact_amounts_show_every_digit(amount, currency, locale, text):
    assert exact_formatter(currency, locale)(Money.of(amount, currency).nanos) == text


@given(
    st.integers(-(10**7), 10**7),
    st.sampled_from(["en_US", "sv_SE", "de_CH", "hi_IN", "fr_FR", "fa_IR", "es_ES"]),
)
def test_amounts_of_whole_cents_look_the_same_exact_or_rounded(cents, locale):
    money = Money(cents * 10_000_000, "USD")
    assert exact_formatter("USD", locale)(money.nanos) == format_money(money, locale)


@given(st.integers(0, 10**18))
def test_no_digit_is_lost(nanos):
    text = exact_formatter("USD", "en_US")(nanos)
    assert Money.of(parse_decimal(text.removeprefix("$"), "en_US")).nanos == nanos


@pytest.mark.parametrize(
    ("nanos", "currency", "text"),
    [
        ("107335800000.25", "USD", "$107.3358"),
        ("107335849999.9", "USD", "$107.3358"),
        ("5100000000", "SEK", "5.1 kr"),
        ("49999.5", "USD", "$0.00005"),
        ("-49999.4", "USD", "-$0.000049999"),
        ("0", "USD", "$0.00"),
    ],
)
def test_converted_amounts_have_four_decimals_and_are_never_shown_as_zero(nanos, currency, text):
    assert Words("en_US").converted(Decimal(nanos), currency) == text


def test_numbers_of_things_are_counted_right():
    words = Words("en_US")
    assert words.count(1, "generation") == "1 generation"
    assert words.count(0, "entry", "entries") == "0 entries"
    assert words.count(1204, "generation") == "1,204 generations"


def test_days_are_english_whatever_the_numbers_are():
    assert Words("sv_SE").day(date(2026, 11, 20)) == "20 November 2026"
    assert Words("en_US").day(date(2026, 11, 20)) == "November 20, 2026"


def test_lists_read_as_phrases():
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, "0.0 s"), (41.66, "41.7 s"), (59.97, "1 min 0 s"), (125.4, "2 min 5 s"), (3720, "1 h 2 min")],
)
def test_how_long_something_took(seconds, told):
    assert Words("en_US").duration(seconds) == told


def test_seconds_are_written_as_the_reader_writes_them():
    assert Words("sv_SE").duration(41.66) == "41,7 s"


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [(112, 100, "+12.0%"), (97, 100, "-3.0%"), (1, 1, "0.0%"), (10**9, 10**9 + 1, "0.0%"), (1, 0, "")],
)
def test_by_how_much_a_bill_is_off(part, whole, told):
    assert Words("en_US").change(part, whole) == told


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        ("1.084", "1.0840"),
        ("11.25", "11.2500"),
        ("0.09123456789", "0.09123457"),
        ("0.0000412", "0.0000412"),
        ("1e3", "1,000.0000"),
    ],
)
def test_rates_have_the_digits_that_the_bank_tells(factor, told):
    assert Words("en_US").rate(Decimal(factor)) == told


@pytest.mark.parametrize(
    ("percent", "told"), [("20", "20%"), ("12.5", "12.5%"), ("33.333", "33.333%"), ("0.01", "0.01%")]
)
def test_percentages(percent, told):
    assert Words("en_US").percent(Decimal(percent)) == told
