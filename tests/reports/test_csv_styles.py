"""CSV for other spreadsheets: delimiters, decimal commas, a byte order mark, amounts in another currency."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.insight.samples import daily, ecb, external, generation, rates, records
from trayd.money import Money
from trayd.rates import Rate, RateSource
from trayd.records import Counting, ExternalCost
from trayd.reports.csv_export import USUAL, Conversion, CsvStyle, csv_lines

STYLES = [
    CsvStyle(delimiter=delimiter, decimal=decimal, bom=bom)
    for delimiter, decimal, bom in product(",;\t", ".,", (False, True))
    if (delimiter, decimal) != (",", ",")
]
NUMBERS = {"estimated_cost", "actual_cost", "cost", "duration_s", "units", "converted_cost", "exchange_rate"}
MORE = ["converted_cost", "converted_currency", "exchange_rate", "rate_date"]
STARTS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001
NO_WHITESPACE = "=+-@＝＋－＠"  # noqa: RUF001
#: What a formula is hidden with.
hostile = st.text(st.sampled_from([*'=+-@;,"\t\r\n', "＝", "x", "1", " "]), min_size=1, max_size=8)  # noqa: RUF001


def rows_of(of, style=USUAL, conversion=None):
    text = "".join(csv_lines(of, style, conversion))
    assert text.startswith("\ufeff") is style.bom
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=style.delimiter))


def row_of(record, style=USUAL, conversion=None):
    [row] = rows_of([record], style, conversion)
    return row


def into(converter, zone=UTC, remarks=None):
    return Conversion(converter, zone, ([] if remarks is None else remarks).append)


def escaped(text, delimiter):
    """As the text has to be in its cell: told character by character."""
    cell = "'" if text[:1] and text[0] in STARTS else ""
    for place, mark in enumerate(text):
        cell += mark
        rest = text[place + 1 :].lstrip('"')
        if mark in set(",;\t\r\n") - {delimiter} and rest and rest[0] in NO_WHITESPACE:
            cell += "'"
    return cell


@given(records, st.sampled_from(STYLES))
def test_every_style_is_read_back_to_the_same_values(of, style):
    usual, read = rows_of(of), rows_of(of, style)
    assert len(read) == len(of)
    for record, expected, row in zip(of, usual, read, strict=True):
        assert list(row) == list(expected)
        for name, value in row.items():
            if name in NUMBERS:
                assert "." not in value or style.decimal == "."
                assert value.replace(style.decimal, ".") == expected[name]
        said = {"note": record.note, "client": record.client}
        if isinstance(record, ExternalCost):
            said |= {"description": record.description, "category": record.category}
        for name, text in said.items():
            assert row[name] == escaped(text or "", style.delimiter)


@given(hostile, hostile, st.sampled_from(STYLES), st.sampled_from(",;\t"))
def test_no_formula_begins_in_a_file_that_is_opened_with_any_delimiter(one, other, style, opened_with):
    of = [external(description=one, category=other, note=one), generation("-1", note=other, client=one, unit=other)]
    text = "".join(csv_lines(of, style)).removeprefix("\ufeff")
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=opened_with):
        for cell in row:
            begins_a_number = opened_with == style.delimiter and cell in {"-1.00", "-1,00"}
            assert cell[:1] not in set(NO_WHITESPACE) or begins_a_number


def test_what_a_cut_would_not_make_a_formula_stays_as_it_is():
    kept = 'wide; then close, f/2.8 "soft"\nsecond line; 5,- a piece'
    assert row_of(external(description=kept))["description"] == kept


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_amounts_stay_numbers_below_zero_too(style):
    row = row_of(external("-1234.50", category="refund"), style)
    assert row["cost"] == f"-1234{style.decimal}50"


def test_a_byte_order_mark_is_there_once_and_only_where_it_is_asked_for():
    text = "".join(csv_lines([generation()] * 2000, CsvStyle(bom=True)))
    assert text.count("\ufeff") == 1
    assert text.encode().startswith(b"\xef\xbb\xbftimestamp,")


def test_without_a_currency_the_columns_are_the_contract_and_with_one_four_more_follow():
    usual, more = row_of(generation()), row_of(generation(), conversion=into(rates("EUR")))
    assert list(more) == [*usual, *MORE]
    assert len(usual) == 20
    assert {name: more[name] for name in usual} == usual


def converted(record, converter, zone=UTC):
    row = row_of(record, conversion=into(converter, zone))
    return tuple(row[name] for name in MORE)


def test_a_cost_is_converted_at_the_rate_of_its_day_with_every_digit():
    rate = ecb("0.922509225092250922509225092250922509225092250922509225092251", "2026-11-19")
    assert converted(generation("1.12"), rates("EUR", USD=rate)) == (
        "1.033210332",
        "EUR",
        "0.922509225092250922509225092250922509225092250922509225092251",
        "2026-11-19",
    )


def test_the_day_is_the_users_and_a_costs_own():
    table = daily("EUR", USD={"2026-11-20": "0.9", "2026-11-21": "0.8"})
    late, tokyo = generation("1.00", timestamp=datetime(2026, 11, 20, 20, tzinfo=UTC)), ZoneInfo("Asia/Tokyo")
    assert converted(late, table)[0] == "0.90"
    assert converted(late, table, tokyo)[0] == "0.80"
    assert converted(external("1.00", "2026-11-20"), table, tokyo)[0] == "0.90"


def test_what_is_in_that_currency_already_needs_no_rate_and_no_day_of_one():
    home = Rate(Decimal(1), date(2026, 11, 20), RateSource.HOME, last_known=False)
    assert converted(generation("1.12"), rates("USD", USD=home)) == ("1.12", "USD", "1", "")


def test_without_a_rate_the_cells_are_empty_and_never_zero_or_one():
    assert converted(external("5.00", currency="KWD"), rates("EUR")) == ("", "", "", "")


def test_what_has_no_rate_is_told_by_currency_with_its_days_and_its_sum():
    remarks: list[str] = []
    of = [
        external("5.00", "2026-11-19", currency="KWD"),
        external("2.50", "2026-11-17", currency="KWD"),
        external("-0.50", "2026-11-18", currency="KPW"),
        external("0.00", "2026-11-18", currency="SEK"),
        generation("0.75"),
        generation("0.50", counting=Counting.FREE),
        generation(None, currency="GBP"),
    ]
    rows_of(of, conversion=into(rates("EUR", USD=ecb("0.9")), remarks=remarks))
    assert remarks == [
        "no rate of KPW into EUR is known of 2026-11-18: -0.50 KPW stays unconverted",
        "no rate of KWD into EUR is known of 2026-11-17 to 2026-11-19: 7.50 KWD stays unconverted",
    ]


def test_the_day_that_no_rate_is_known_of_is_the_users():
    remarks: list[str] = []
    late = generation("1.00", timestamp=datetime(2026, 11, 20, 20, tzinfo=UTC))
    rows_of([late], conversion=into(rates("EUR"), ZoneInfo("Asia/Tokyo"), remarks))
    assert remarks == ["no rate of USD into EUR is known of 2026-11-21: 1.00 USD stays unconverted"]


@pytest.mark.parametrize("counting", [Counting.PENDING, Counting.UNMATCHED, Counting.FAILED, Counting.UNKNOWN])
def test_what_has_no_cost_is_not_converted(counting):
    cost = None if counting is Counting.UNKNOWN else "0.50"
    assert converted(generation(cost, counting=counting), rates("EUR", USD=ecb("0.9"))) == ("", "", "", "")


def test_nothing_is_nothing_in_every_currency():
    free = generation("0.50", counting=Counting.FREE)
    assert converted(free, rates("EUR"))[:2] == ("0.00", "EUR")


@given(records, st.decimals("0.000001", "1000", places=9))
def test_each_row_is_rounded_half_to_even_and_a_sum_is_off_by_half_a_nano_a_row_at_most(of, factor):
    known = {code: ecb(str(factor)) for code in ("USD", "EUR", "SEK")}
    rows = rows_of(of, conversion=into(rates("GBP", **known)))
    exact, told, count = Fraction(0), 0, 0
    for record, row in zip(of, rows, strict=True):
        if record.cost is None or (record.cost.currency == "KWD" and record.cost.nanos):
            assert row["converted_cost"] == row["converted_currency"] == row["exchange_rate"] == ""
            continue
        nanos = Money.of(row["converted_cost"], "GBP").nanos
        whole = record.cost.nanos * Fraction(factor)
        assert nanos == round(whole)  # Python rounds fractions half to even
        exact, told, count = exact + whole, told + nanos, count + 1
    assert abs(told - exact) <= Fraction(count, 2)


def test_converted_numbers_have_the_decimal_mark_too():
    style = CsvStyle(delimiter=";", decimal=",")
    row = row_of(generation("1.50"), style, into(rates("EUR", USD=ecb("0.5"))))
    assert (row["cost"], row["converted_cost"], row["exchange_rate"]) == ("1,50", "0,75", "0,5")
