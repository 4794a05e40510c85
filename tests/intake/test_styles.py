"""How a file's dates and amounts are written, where what it holds or what is known of its source has to tell."""

from __future__ import annotations

import pytest

from tests.intake.samples import read_costs
from trayd.intake.costs import Costs
from trayd.intake.rejection import RefusedError
from trayd.intake.sources import SourcePreset
from trayd.intake.understanding import Answers


def read(dates: str, **told) -> Costs:
    rows = "".join(f"{day},Runway {day},1.50\n" for day in dates.split())
    return read_costs("costs.csv", f"Date,Item,Cost\n{rows}".encode(), home_currency="EUR", **told)


def refusal(dates: str, **told) -> str:
    with pytest.raises(RefusedError) as refused:
        read(dates, **told)
    return refused.value.rejection.text("costs.csv")


@pytest.mark.parametrize(
    "dates",
    [
        "03/11/26 20/11/26 28/11/26",
        "26/11/03 26/11/20 26/11/28",
        "26-11-03 26-11-20 26-11-28",
        "03-11-26 20-11-26 28-11-26",
    ],
)
def test_of_two_digit_numbers_the_one_that_hardly_differs_is_the_year(dates):
    assert [str(cost.date) for cost in read(dates).costs] == ["2026-11-03", "2026-11-20", "2026-11-28"]


def test_an_export_of_two_years_is_read_as_well():
    days = [cost.date.isoformat() for cost in read("03/12/25 20/12/25 02/01/26").costs]
    assert days == ["2025-12-03", "2025-12-20", "2026-01-02"]


@pytest.mark.parametrize("dates", ["20/11/26 23/11/26", "15/01/26 16/02/26 26/11/26", "20/11/26"])
def test_where_both_could_be_years_it_is_asked(dates):
    assert "--date-order dmy" in refusal(dates)


def test_days_and_months_of_one_year_are_still_asked_about():
    assert "1 February 2026 or as 2 January 2026" in refusal("01/02/26 03/04/26 05/11/26")


def test_what_a_known_source_says_is_not_blamed_on_an_option_that_nobody_gave():
    known = SourcePreset(name="My Bank", header=("Date", "Item", "Cost"), date_order="dmy")
    message = refusal("04/13/2026 04/14/2026", sources=(known,))
    assert 'no date in it is written as those of "My Bank" are' in message
    assert "trayd import --date-order mdy costs.csv" in message
    assert "without" not in message
    assert "or without --date-order" in refusal("04/13/2026", answers=Answers(date_order="dmy"))


def test_a_column_that_is_not_there_is_refused_with_those_that_are():
    content = b"Date,Item,Cost\n2026-11-02,a,abc\n2026-11-03,b,7\n"
    with pytest.raises(RefusedError) as refused:
        read_costs("costs.csv", content, home_currency="EUR", answers=Answers(columns={"amount": "Nope"}))
    assert 'its columns are "Date", "Item", "Cost"' in refused.value.rejection.text("costs.csv")
