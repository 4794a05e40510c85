from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.intake.amounts import read_amount
from trayd.intake.dates import read_date
from trayd.intake.readings import Cell, Undecided, settle

GROUPS = {"point": (",", " ", "'", "\N{NARROW NO-BREAK SPACE}", ""), "comma": (".", " ", "\N{NO-BREAK SPACE}", "")}


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("12", "12", "12"),
        ("12.50", "12.50", None),
        ("12,50", None, "12.50"),
        ("1,234", "1234", "1.234"),
        ("1.234", "1.234", "1234"),
        ("0.123", "0.123", None),
        ("1,234.56", "1234.56", None),
        ("1.234,56", None, "1234.56"),
        ("1 234,56", None, "1234.56"),
        ("1,234,567", "1234567", None),
        ("1'234.50", "1234.50", None),
        ("$1,234.56", "1234.56", None),
        ("USD 12.00", "12.00", None),
        ("12.00 usd", "12.00", None),
        ("kr 12,50", None, "12.50"),
        ("-12.00", "-12.00", None),
        ("12.00-", "-12.00", None),
        ("\N{MINUS SIGN}12.00", "-12.00", None),
        ("-$12.00", "-12.00", None),
        ("$-12.00", "-12.00", None),
        ("(12.00)", "-12.00", None),
        ("($1,012.00)", "-1012.00", None),
        (".5", "0.5", None),
        ("1e-05", "0.00001", "0.00001"),
        ("12.5O", None, None),
        ("Included", None, None),
        ("", None, None),
        ("1,23.4", None, None),
        ("1,2345", None, "1.2345"),
        ("12.00 13.00", None, None),
        ("--12", None, None),
        ("(-12)", None, None),
        ("(12", None, None),
        ("$12 EUR", None, None),
        ("1" * 100, None, None),
        ("NaN", None, None),
    ],
)
def test_an_amount_is_read_in_each_style_in_which_it_is_one(text, point, comma):
    wanted = {"point": point, "comma": comma}
    assert read_amount(text).readings == {style: Decimal(value) for style, value in wanted.items() if value}


@given(
    st.decimals(min_value=-(10**11), max_value=10**11, places=9).map(lambda value: value.normalize()),
    st.sampled_from(["point", "comma"]),
    st.data(),
)
def test_an_amount_written_in_any_style_reads_back_in_it(value, style, data):
    whole, _, part = f"{abs(value):f}".partition(".")
    group = data.draw(st.sampled_from(GROUPS[style]))
    mark = "." if style == "point" else ","
    digits = f"{int(whole):,}".replace(",", group) + (mark + part if part else "")
    before, after = data.draw(st.sampled_from([("", ""), ("$", ""), ("USD ", ""), ("", " €"), ("", " kr")]))
    text = f"{before}{digits}{after}"
    if value < 0:
        text = data.draw(st.sampled_from([f"-{text}", f"({text})", f"{text}-"]))
    assert read_amount(text).readings[style] == value


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20",
        "2026/11/20",
        "2026.11.20",
        "20261120",
        "2026-11-20T14:03:11Z",
        "2026-11-20 14:03:11.250 +01:00",
        "2026-11-20T23:59:59-08:00",
        "2026-11-20 14:03:11 UTC",
        "20 Nov 2026",
        "20-Nov-26",
        "20. November 2026",
        "Nov 20, 2026",
        "November 20th, 2026",
        "Nov 20, 2026, 10:15 PM",
        "Fri, 20 Nov 2026 14:03:11 GMT",
        "20.11.2026",
        "20.11.26",
        "20.11.2026 14:03",
        "20/11/2026",
        "11/20/2026",
        "11/20/2026 2:03 PM",
        "11/20/26",
    ],
)
def test_a_date_that_reads_in_one_way_only(text):
    assert set(read_date(text).values()) == {date(2026, 11, 20)}


def test_a_date_that_reads_in_two_ways_tells_both():
    assert read_date("03/04/2026") == {"dmy": date(2026, 4, 3), "mdy": date(2026, 3, 4)}
    assert read_date("20/11/26") == {"dmy": date(2026, 11, 20), "ymd": date(2020, 11, 26)}


@pytest.mark.parametrize(
    "text",
    ["", "30/02/2026", "2026-13-01", "soon", "20 Foo 2026", "01/02/0026", "Total", "12345678901", "2026-11-20T99:99"],
)
def test_what_is_no_date_has_no_reading(text):
    assert read_date(text) == {}


@given(
    st.dates(date(1990, 1, 1), date(2099, 12, 31)), st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%d %b %Y"])
)
def test_a_date_written_in_any_style_reads_back_in_one(value, style):
    assert value in read_date(value.strftime(style)).values()


def cells(*texts):
    return [Cell(line, text, read_date(text)) for line, text in enumerate(texts, 2)]


def test_one_date_that_reads_in_one_way_settles_the_others():
    styles = settle(cells("03/04/2026", "2026-01-01", "20/04/2026"), ("dmy", "mdy", "ymd"))
    assert styles == {"dmy"}


def test_dates_that_all_read_in_two_ways_are_undecided():
    undecided = settle(cells("05/05/2026", "03/04/2026", "2026-01-01"), ("dmy", "mdy", "ymd"))
    assert isinstance(undecided, Undecided)
    assert (undecided.cell.line, undecided.values) == (3, (date(2026, 4, 3), date(2026, 3, 4)))


def test_dates_in_two_styles_leave_those_that_read_in_both_undecided():
    undecided = settle(cells("20/04/2026", "04/21/2026", "03/04/2026"), ("dmy", "mdy", "ymd"))
    assert isinstance(undecided, Undecided)
    assert undecided.cell.line == 4
    assert [cell.line for cell in undecided.against] == [2, 3]


def test_dates_in_two_styles_of_which_none_reads_in_both_are_each_read_in_their_own():
    assert settle(cells("20/04/2026", "04/21/2026"), ("dmy", "mdy", "ymd")) == {"dmy", "mdy", "ymd"}
