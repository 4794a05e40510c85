"""Where the table is in a file, and what becomes of the rows around it."""

from __future__ import annotations

import pytest

from tests.intake.samples import read_costs
from trayd.intake.costs import Costs
from trayd.intake.rejection import RefusedError
from trayd.intake.understanding import Answers, RowKind
from trayd.money import Money


def read(text: str, home_currency: str = "USD", **answers) -> Costs:
    return read_costs("costs.csv", text.encode(), home_currency=home_currency, answers=Answers(**answers))


def refusal(text: str, **answers) -> str:
    with pytest.raises(RefusedError) as refused:
        read(text, **answers)
    return refused.value.rejection.text("costs.csv")


def named(costs: Costs) -> dict[int, RowKind]:
    return {row.line: row.what for row in costs.named}


def test_lines_above_the_header_are_the_preamble():
    costs = read(
        "Account,DE12 3456,\nPeriod: 1 - 30 November 2026,,\n* Amounts without VAT,,\n\n"
        "Date,Description,Amount\n2026-11-03,Midjourney,30.00\n"
    )
    assert costs.understanding.header_line == 5
    assert named(costs) == {1: RowKind.PREAMBLE, 2: RowKind.PREAMBLE, 3: RowKind.PREAMBLE, 5: RowKind.HEADER}


@pytest.mark.parametrize(
    "told",
    [
        "Currency: EUR",
        "Currency,EUR",
        "Währung:,EUR",
        "Devise : EUR",
        "All amounts in EUR",
        "Balance,1.00 EUR",
        "Valuta,€",
    ],
)
def test_the_preamble_tells_the_currency_of_amounts_that_tell_none(told):
    (cost,) = read(f"{told}\nDate,Description,Amount\n2026-11-03,Midjourney,30.00\n").costs
    assert cost.amount == Money.of("30", "EUR")


def test_the_header_once_more_on_each_page_is_no_row():
    costs = read("Date,Item,Cost\n2026-11-03,a,1.00\nPage 1 of 2\nDate,Item,Cost\n2026-11-04,b,2.00\nPage 2 of 2\n")
    assert [cost.line for cost in costs.costs] == [2, 5]
    assert named(costs) == {1: RowKind.HEADER, 3: RowKind.SECTION, 4: RowKind.SECTION, 6: RowKind.FOOTER}


def test_units_under_the_header_and_lines_of_dashes_divide():
    costs = read("| Date | Tool | Cost |\n|------|------|------|\n| 2026-11-03 | Midjourney | $30 |\n")
    assert [cost.amount for cost in costs.costs] == [Money.of("30")]
    assert named(costs)[2] is RowKind.SECTION


def test_remarks_below_the_rows_are_the_footer():
    remark = '"* All charges exclude VAT. Questions? Write to help@example.com, we answer soon."'
    costs = read(f"Date,Item,Cost\n2026-11-03,a,1.00\n\n{remark}\nThank you\n")
    assert named(costs) == {1: RowKind.HEADER, 4: RowKind.FOOTER, 5: RowKind.FOOTER}


def test_a_table_without_a_header_is_read_by_what_its_columns_hold():
    costs = read("2026-11-03,Midjourney,30.00\n2026-11-04,Runway,15.00\n")
    assert costs.understanding.header_line is None
    assert [(cost.line, cost.description, cost.amount) for cost in costs.costs] == [
        (1, "Midjourney", Money.of("30")),
        (2, "Runway", Money.of("15")),
    ]


def test_without_a_header_a_running_balance_shows_which_column_is_the_amount():
    costs = read("2026-11-03,-30.00,970.00,a\n2026-11-04,-20.00,950.00,b\n2026-11-05,-1.50,948.50,c\n")
    assert [cost.amount for cost in costs.costs] == [Money.of("30"), Money.of("20"), Money.of("1.5")]


def test_without_a_header_two_columns_of_amounts_are_refused_and_settled_by_number():
    content = "2026-11-03,30.00,12.00,a\n2026-11-04,20.00,9.00,b\n"
    assert "--column date=1 --column amount=2 costs.csv" in refusal(content)
    costs = read(content, columns={"date": "1", "amount": "3"})
    assert [cost.amount for cost in costs.costs] == [Money.of("12"), Money.of("9")]


def test_a_header_in_a_language_that_trayd_does_not_know_is_read_by_what_stands_under_it():
    (cost,) = read("Data operacji;Opis;Kwota;Waluta\n2026-11-03;Midjourney;-120,50;PLN\n").costs
    assert (cost.description, cost.amount) == ("Midjourney", Money.of("120.50", "PLN"))


def test_a_header_that_names_no_amount_is_never_passed_over_for_what_stands_under_it():
    message = refusal("Date,Item,Qty,Unit Price\n2026-11-03,Clip,3,2.00\n")
    assert 'its columns are "Date", "Item", "Qty", "Unit Price"; say which column it is' in message
    assert message.endswith("trayd import --column amount=NAME costs.csv")


def test_the_command_in_a_message_can_be_typed_as_it_stands():
    with pytest.raises(RefusedError) as refused:
        read_costs("Ana's costs; 2026.csv", b"Date,Item,Cost\n03/04/2026,a,1\n", home_currency="USD")
    assert "trayd import --date-order dmy 'Ana'\"'\"'s costs; 2026.csv'" in refused.value.rejection.cure


@pytest.mark.parametrize("content", ["name,email\nana,a@example.com\n", "just a line of prose, and another\n"])
def test_what_is_no_table_of_costs_is_refused_with_what_is_missing(content):
    assert "it cannot be read as a table of costs: no column of dates and none of amounts" in refusal(content)


def test_a_second_table_with_other_columns_is_refused_by_its_line():
    content = "Date,Item,Amount,Note\n2026-11-03,a,1.00,\n\nDate,Vendor,Hours,Cost\n2026-11-04,b,3,9.00\n"
    assert "costs.csv line 4: another table begins here, with other columns; put each" in refusal(content)
