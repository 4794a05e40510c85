"""Every cell is read in each style in which it is an amount; the whole column decides which one is meant."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.intake.amounts import LARGEST, Amount, Marker, read_amount
from trayd.intake.currencies import currency_of, is_sign

THIN, NARROW, HARD, MINUS, DASH = "\u2009", "\u202f", "\u00a0", "\u2212", "\u2013"


def readings(point: str | None, comma: str | None) -> dict[str, Decimal]:
    return {style: Decimal(value) for style, value in (("point", point), ("comma", comma)) if value}


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("12", "12", "12"),
        ("12.50", "12.50", None),
        ("12,50", None, "12.50"),
        ("1,234.56", "1234.56", None),
        ("1.234,56", None, "1234.56"),
        ("1 234,56", None, "1234.56"),
        (f"1{NARROW}234,56", None, "1234.56"),
        (f"1{HARD}234,56", None, "1234.56"),
        (f"1{THIN}234.56", "1234.56", None),
        ("1'234.50", "1234.50", None),
        ("1’234.50", "1234.50", None),
        ("1,234,567", "1234567", None),
        ("1.234.567", None, "1234567"),
        ("1,23,456.78", "123456.78", None),
        ("12,34,567", "1234567", None),
        (".5", "0.5", None),
        (",5", None, "0.5"),
        ("5.", "5", None),
        ("5,", None, "5"),
        ("12.5", "12.5", None),
        ("007", "7", "7"),
    ],
)
def test_marks_between_digits(text, point, comma):
    assert read_amount(text).readings == readings(point, comma)


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("1,234", "1234", "1.234"),
        ("1.234", "1.234", "1234"),
        ("-253.520", "-253.520", "-253520"),
        ("253,520 kr", "253520", "253.520"),
    ],
)
def test_three_digits_behind_one_mark_can_be_read_in_two_ways(text, point, comma):
    assert read_amount(text).readings == readings(point, comma)


@pytest.mark.parametrize(
    ("text", "point", "comma"), [("0.123", "0.123", None), ("0,123", None, "0.123"), ("1234.567", "1234.567", None)]
)
def test_three_digits_behind_what_begins_no_group_are_decimals(text, point, comma):
    assert read_amount(text).readings == readings(point, comma)


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("1e-05", "0.00001", "0.00001"),
        ("2.5E-7", "2.5E-7", None),
        ("2,5E-07", None, "2.5E-7"),
        ("1.234E+3", "1234", None),
        ("1,234e3", None, "1234"),
    ],
)
def test_with_a_power_of_ten_a_mark_is_a_decimal_one(text, point, comma):
    assert read_amount(text).readings == readings(point, comma)


def test_all_digits_count():
    text = "-0.123456789012345678901234567891"
    assert read_amount(text).readings["point"] == Decimal(text)
    assert str(read_amount("(987654321.123456789012345678901234567891)").readings["point"]) == (
        "-987654321.123456789012345678901234567891"
    )


@pytest.mark.parametrize(
    ("text", "value", "sign"),
    [
        ("$12.50", "12.50", "$"),
        ("US$ 12.50", "12.50", "US$"),
        ("US $12.50", "12.50", "US$"),
        ("USD 12.50", "12.50", "USD"),
        ("12.50USD", "12.50", "USD"),
        ("12.50 usd", "12.50", "usd"),
        ("$12.50 USD", "12.50", "USD"),
        ("USD $12.50", "12.50", "USD"),
        ("CA$12.50 CAD", "12.50", "CAD"),
        ("12.50 €", "12.50", "€"),
        ("12.50 (EUR)", "12.50", "EUR"),
        ("12.50 Euro", "12.50", "Euro"),
        ("kr 12.50", "12.50", "kr"),
        ("kr.500", "500", "kr."),
        ("500 kr.", "500", "kr."),
        ("CHF 12.50", "12.50", "CHF"),
        ("Fr. 12.50", "12.50", "Fr."),
        ("Rs.500", "500", "Rs."),
        ("S/.12.50", "12.50", "S/."),
        ("S/ 12.50", "12.50", "S/"),
        ("R$ 12.50", "12.50", "R$"),
        ("12.50 zł", "12.50", "zł"),
        ("12.50 Kč", "12.50", "Kč"),
        ("₺12.50", "12.50", "₺"),
        ("₪12.50", "12.50", "₪"),
        ("฿12.50", "12.50", "฿"),
        ("12.50₫", "12.50", "₫"),
        ("₱12.50", "12.50", "₱"),
        ("₴12.50", "12.50", "₴"),
        ("￥1250", "1250", "¥"),
        ("$.50", "0.50", "$"),
        ("250:-", "250", None),
        ("1 250:-", "1250", None),
    ],
)
def test_currencies_stand_on_either_side(text, value, sign):
    amount = read_amount(text)
    assert amount.readings["point"] == Decimal(value)
    assert amount.sign == sign


@pytest.mark.parametrize(
    ("text", "comma"),
    [("250,-", "250"), ("1.250,-", "1250"), ("250,--", "250"), ("-250,-", "-250"), ("kr 250,—", "250")],
)
def test_a_dash_in_place_of_the_cents_is_no_minus(text, comma):
    assert read_amount(text).readings == readings(None, comma)


@pytest.mark.parametrize(
    "text",
    [
        "-12.50",
        f"{MINUS}12.50",
        f"{DASH}12.50",
        "\uff0d12.50",
        "- 12.50",
        "12.50-",
        "12.50 -",
        "-$12.50",
        "$-12.50",
        "$ - 12.50",
        "12.50- USD",
        "-12.50 USD",
        "USD -12.50",
        "(12.50)",
        "($12.50)",
        "$(12.50)",
        "(12.50) USD",
        "'-12.50",
        "\u200e-12.50",
    ],
)
def test_below_zero(text):
    assert read_amount(text).readings == readings("-12.50", None)


@pytest.mark.parametrize("text", ["+12.50", "12.50+", "+ 12.50 €", "$+12.50"])
def test_a_plus_changes_nothing(text):
    assert read_amount(text).readings == readings("12.50", None)


@pytest.mark.parametrize(
    ("text", "marker", "value"),
    [
        ("12.50 CR", Marker.CREDIT, "12.50"),
        ("12.50Cr", Marker.CREDIT, "12.50"),
        ("12.50 (CR)", Marker.CREDIT, "12.50"),
        ("CR 12.50", Marker.CREDIT, "12.50"),
        ("12.50 dr.", Marker.DEBIT, "12.50"),
        ("12.50 S", Marker.DEBIT, "12.50"),
        ("12.50H", Marker.CREDIT, "12.50"),
        ("C 12.50", Marker.CREDIT, "12.50"),
        ("D 12.50", Marker.DEBIT, "12.50"),
        ("12.50 EUR S", Marker.DEBIT, "12.50"),
        ("12.50 CR USD", Marker.CREDIT, "12.50"),
        ("-12.50 DR", Marker.DEBIT, "-12.50"),
    ],
)
def test_letters_that_say_which_way_money_went_are_told_beside_the_number(text, marker, value):
    amount = read_amount(text)
    assert (amount.marker, amount.readings) == (marker, readings(value, None))


@pytest.mark.parametrize("text", ["12D", "4C", "12.50 h", "12.50 c", "C12", "12 CR DR"])
def test_other_letters_make_no_amount(text):
    assert read_amount(text) == Amount({})


@pytest.mark.parametrize("text", ["", " ", "-", DASH, "—", "--", "n/a", "N/A", "#N/A", "null", "None", "NaN", HARD])
def test_a_mark_for_nothing_is_told_from_a_mistake(text):
    assert read_amount(text) == Amount({}, empty=True)


def test_a_spreadsheet_writes_nothing_as_a_dash_beside_the_currency():
    assert read_amount(" $ -   ") == Amount({}, "$", empty=True)
    assert read_amount("- kr") == Amount({}, "kr", empty=True)


@pytest.mark.parametrize(
    "text",
    [
        *("Included", "12.5O", "12%", "12 %", "1,23.4", "12.00 13.00", "--12", "(-12)", "(12", "12)", ")12(", "1.2.3"),
        *("$12 EUR", "€12 $", "USD 12 CAD", "1" * 100, "10000000000000", "1e99", ".", ",", "e5", "$", "2026-11-20"),
        *("20/11/2026", "14:03", "1 2", "1  234", "12²", "½", "1_000", "0x10", "Infinity", "-Inf", "+", "kr"),
        *("1,2,3", "1,234,56", "0,123.4", "01,234.5", "1.234'567", "12 per seat", "Total 12", "\x00", "12\n13", "٣"),
    ],
)
def test_what_is_no_amount_has_no_reading(text):
    assert read_amount(text) == Amount({})


def test_an_amount_is_at_most_a_trillion():
    assert read_amount("1000000000000").readings["point"] == LARGEST
    assert read_amount("1000000000000.01") == Amount({})
    assert read_amount("-1,000,000,000,000.01") == Amount({})


GROUPS = {"point": (",", " ", "'", NARROW, THIN, ""), "comma": (".", " ", "'", HARD, NARROW, "")}
AROUND = [
    ("", ""),
    ("$", ""),
    ("USD ", ""),
    ("", " €"),
    ("", " kr"),
    ("kr. ", ""),
    ("", "SEK"),
    ("Fr.", ""),
    ("S/ ", ""),
]
NEGATIVE = ["-{}", "({})", "{}-", "{} -", f"{MINUS}{{}}", f"{DASH} {{}}"]
VALUES = st.decimals(min_value=-(10**11), max_value=10**11, allow_nan=False, places=9).map(
    lambda value: value.normalize()
)


@st.composite
def indian(draw: st.DrawFn, whole: str) -> str:
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)][::-1]
    return ",".join([*pairs, tail]) if draw(st.booleans()) else whole


@given(VALUES, st.sampled_from(["point", "comma"]), st.sampled_from(AROUND), st.data())
def test_an_amount_written_in_any_style_reads_back_in_it(value, style, around, data):
    whole, _, part = f"{value.copy_abs():f}".partition(".")
    grouped = data.draw(st.sampled_from([f"{int(whole):,}".replace(",", group) for group in GROUPS[style]]))
    if style == "point":
        grouped = data.draw(st.sampled_from([grouped, data.draw(indian(whole))]))
    mark = "." if style == "point" else ","
    text = f"{around[0]}{grouped}{mark + part if part else ''}{around[1]}"
    if value < 0:
        text = data.draw(st.sampled_from(NEGATIVE)).format(text)
    assert read_amount(text).readings[style] == value


@given(st.text())
def test_any_text_is_read_without_an_error(text):
    amount = read_amount(text)
    assert all(type(value) is Decimal and value.copy_abs() <= LARGEST for value in amount.readings.values())
    assert not (amount.empty and amount.readings)
    assert amount.sign is None or is_sign(amount.sign)


@given(st.text("0123456789.,'-+()$€ kreECRDS:/%\u202f\u2212", max_size=20))
def test_texts_of_the_signs_of_amounts_are_read_without_an_error(text):
    assert all(type(value) is Decimal for value in read_amount(text).readings.values())


@pytest.mark.parametrize(
    ("sign", "home", "currency"),
    [
        ("$", "USD", "USD"),
        ("$", "SEK", "USD"),
        ("$", "CAD", "CAD"),
        ("US$", "CAD", "USD"),
        ("kr", "SEK", "SEK"),
        ("kr.", "DKK", "DKK"),
        ("kr", "USD", None),
        ("¥", "JPY", "JPY"),
        ("¥", "EUR", None),
        ("Fr.", "EUR", "CHF"),
        ("eur", "USD", "EUR"),
        ("EUR", "USD", "EUR"),
        (f"{HARD}EUR ", "USD", "EUR"),
        ("Euro", "USD", "EUR"),
        ("US Dollar", "SEK", "USD"),
        ("US dollars", "SEK", "USD"),
        ("Schwedische Kronen", "USD", "SEK"),
        ("couronne suédoise", "USD", "SEK"),
        ("COURONNE SUEDOISE", "USD", "SEK"),
        ("libra esterlina", "USD", "GBP"),
        ("credits", "USD", None),
        ("XXX", "USD", None),
        ("", "USD", None),
    ],
)
def test_a_currency_is_told_by_code_sign_or_name(sign, home, currency):
    assert currency_of(sign, home) == currency
