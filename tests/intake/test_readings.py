"""One cell cannot tell how it is written; all cells of a column together can, or nobody can."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from trayd.intake import amounts, dates
from trayd.intake.amounts import read_amount
from trayd.intake.dates import read_date
from trayd.intake.readings import Cell, Undecided, read_as, settle


def dated(*texts: str) -> list[Cell[date]]:
    return [Cell(line, text, read_date(text)) for line, text in enumerate(texts, 2)]


def priced(*texts: str) -> list[Cell[Decimal]]:
    return [Cell(line, text, read_amount(text).readings) for line, text in enumerate(texts, 2)]


def test_one_date_that_reads_in_one_way_settles_the_others():
    assert settle(dated("03/04/2026", "2026-01-01", "20/04/2026"), dates.STYLES) == {"dmy"}


def test_one_weekday_settles_the_others():
    assert settle(dated("03/04/2026", "Fri 03/04/2026"), dates.STYLES) == {"dmy"}


def test_one_amount_that_reads_in_one_way_settles_the_others():
    assert settle(priced("1,234", "12.50"), amounts.STYLES) == {"point"}
    assert settle(priced("1,234", "1.234,50"), amounts.STYLES) == {"comma"}


def test_what_is_no_date_or_amount_settles_nothing():
    assert settle(priced("12%", "soon", "12", ""), amounts.STYLES) == {"point", "comma"}
    assert isinstance(settle(dated("03/04/2026", "20/04", "Total"), dates.STYLES), Undecided)


def test_dates_that_all_read_in_two_ways_are_undecided():
    undecided = settle(dated("05/05/2026", "03/04/2026", "2026-01-01"), dates.STYLES)
    assert isinstance(undecided, Undecided)
    assert (undecided.cell.line, undecided.values) == (3, (date(2026, 4, 3), date(2026, 3, 4)))


def test_that_dates_follow_each_other_in_one_style_is_no_proof_of_it():
    texts = [f"{day:02}/{month:02}/2026" for month in range(1, 13) for day in range(1, 13)]
    assert isinstance(settle(dated(*texts), dates.STYLES), Undecided)


def test_that_a_date_would_lie_far_ahead_is_no_proof_that_another_is_meant():
    assert isinstance(settle(dated("01/12/2098"), dates.STYLES), Undecided)


def test_an_amount_with_three_decimals_is_undecided():
    undecided = settle(priced("-253.520", "12"), amounts.STYLES)
    assert isinstance(undecided, Undecided)
    assert undecided.values == (Decimal("-253.520"), Decimal(-253520))


def test_dates_in_two_styles_leave_those_that_read_in_both_undecided():
    undecided = settle(dated("20/04/2026", "04/21/2026", "03/04/2026"), dates.STYLES)
    assert isinstance(undecided, Undecided)
    assert undecided.cell.line == 4
    assert [cell.line for cell in undecided.against] == [2, 3]


def test_dates_in_two_styles_of_which_none_reads_in_both_are_each_read_in_their_own():
    assert settle(dated("20/04/2026", "04/21/2026"), dates.STYLES) == {"dmy", "mdy", "ymd"}


DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))
DATES = {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y", "ymd": "%Y-%m-%d"}
VALUES = st.decimals(min_value=-99_999, max_value=99_999, allow_nan=False, places=3)


@given(st.lists(DAYS, min_size=1, max_size=40), st.sampled_from(dates.STYLES))
def test_a_column_of_dates_is_read_right_or_not_at_all(days, style):
    cells = dated(*(day.strftime(DATES[style]) for day in days))
    settled = settle(cells, dates.STYLES)
    if isinstance(settled, Undecided):
        assert all(max(day.day, day.month) <= 12 for day in days)
        assert len(set(undecided_values(settled))) == 2
    else:
        assert [read_as(cell.readings, settled) for cell in cells] == days


@given(st.lists(VALUES, min_size=1, max_size=40), st.sampled_from([",.", ".,", " ,", " .", "'.", "\u202f,"]), st.data())
def test_a_column_of_amounts_is_read_right_or_not_at_all(values, marks, data):
    texts = [f"{value:,}" if data.draw(st.booleans()) else f"{value.normalize():f}" for value in values]
    cells = priced(*(text.translate(str.maketrans(",.", marks)) for text in texts))
    settled = settle(cells, amounts.STYLES)
    if isinstance(settled, Undecided):
        assert len(set(undecided_values(settled))) == 2
    else:
        assert [read_as(cell.readings, settled) for cell in cells] == values


def undecided_values(undecided: Undecided) -> tuple:
    cell = undecided.cell
    assert set(undecided.values) <= set(cell.readings.values())
    return undecided.values
