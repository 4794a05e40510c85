"""The user's own ``[[source]]`` entries come before what trayd knows of sources, and add to it."""

from __future__ import annotations

from datetime import date

import pytest

from tests.intake.samples import read
from trayd.intake.own_sources import presets
from trayd.intake.sources import known_sources
from trayd.source_settings import Source

TWO_WAYS = "Booked,Text,Sum\n03/04/2026,Midjourney,30.00\n05/06/2026,Suno,10.00\n"
BANK = Source(name="My Bank", header=("Booked", "Text", "Sum"), date_order="dmy", currency="SEK")


def test_a_file_that_can_be_read_in_two_ways_is_read_as_was_said_of_its_source():
    assert read("a.csv", TWO_WAYS).refused
    costs = read("a.csv", TWO_WAYS, source=(BANK,)).costs
    assert [(cost.date, cost.amount.currency, cost.source) for cost in costs] == [
        (date(2026, 4, 3), "SEK", "My Bank"),
        (date(2026, 6, 5), "SEK", "My Bank"),
    ]


def test_a_file_with_another_header_is_not_read_by_it():
    assert read("a.csv", TWO_WAYS.replace("Sum", "Total paid"), source=(BANK,)).refused


@pytest.mark.parametrize("name", ["My Bank", "American Express"])
def test_a_file_with_more_columns_is_one_of_another_source(name: str):
    """A few usual columns are in the files of many: what was said of one is not said of all of them."""
    plain = Source(name=name, header=("Date", "Description", "Amount"), date_order="dmy")
    amex = "Date,Description,Card Member,Account #,Amount\n11/12/2026,ADOBE,A,-1,20.00\n11/13/2026,SUNO,A,-1,9.00\n"
    costs = read("amex.csv", amex, source=(plain,)).costs
    assert [(cost.date, cost.source) for cost in costs] == [
        (date(2026, 11, 12), "American Express"),
        (date(2026, 11, 13), "American Express"),
    ]
    assert read("card.csv", "Date,Description,Amount,Card\n03/04/2026,Suno,10.00,1\n", source=(plain,)).refused


def test_an_entry_with_the_name_of_a_known_source_says_only_what_differs():
    known = next(source for source in known_sources() if source.refund)
    (preset,) = presets([Source(name=known.name.lower(), currency="SEK", columns={"note": "Memo"})])
    assert (preset.header, preset.leave_out, preset.refund) == (known.header, known.leave_out, known.refund)
    assert preset.currency == "SEK"
    assert preset.columns == {**known.columns, "note": "Memo"}


def test_a_known_source_of_several_kinds_of_files_is_meant_with_all_of_them():
    names = [source.name for source in known_sources()]
    several = next(name for name in names if names.count(name) > 1)
    own = presets([Source(name=several, currency="SEK")])
    assert [preset.header for preset in own] == [each.header for each in known_sources() if each.name == several]


def test_an_entry_with_a_header_of_its_own_is_about_these_files_alone():
    known = known_sources()[0]
    (preset,) = presets([Source(name=known.name, header=("Day", "Sum"))])
    assert preset.header == ("Day", "Sum")
