"""Tables of dates and amounts that are none of costs are asked about, and read once a person has said so."""

from __future__ import annotations

import pytest

from tests.intake.samples import read_costs
from trayd.intake.rejection import RefusedError
from trayd.intake.understanding import Answers


def amounts(text: str, **answers) -> list[str]:
    costs = read_costs("x.csv", text.encode(), home_currency="EUR", answers=Answers(**answers)).costs
    return [f"{cost.amount.amount.normalize():f} {cost.amount.currency}" for cost in costs]


def refusal(text: str, **answers) -> str:
    with pytest.raises(RefusedError) as refused:
        amounts(text, **answers)
    return refused.value.rejection.text("x.csv")


@pytest.mark.parametrize(
    "name", ["Paid in", "Money in", "Deposits", "Einnahme", "Revenue", "Sales amount", "Earnings", "Payout", "Intäkter"]
)
def test_a_table_of_income_alone_is_asked_about(name: str) -> None:
    text = f"Date,Description,{name}\n2026-11-03,Client,100.00\n"
    assert f'"{name}" tells what came in' in refusal(text)
    assert amounts(text, columns={"amount": name}) == ["100 EUR"]


def test_income_beside_what_was_spent_is_left_out_without_a_question() -> None:
    text = "Date,Description,Paid out,Paid in\n2026-11-03,Client,,100.00\n2026-11-05,Runway,15.00,\n"
    assert amounts(text) == ["15 EUR"]


@pytest.mark.parametrize(("fee", "net"), [("3.20", "96.80"), ("-3.20", "96.80")])
def test_amounts_that_fees_were_taken_off_are_those_of_a_seller(fee: str, net: str) -> None:
    text = f"Date,Description,Amount,Fee,Net\n2026-11-03,Poster,100.00,{fee},{net}\n"
    assert '"Net" is what is left when "Fee" is taken off' in refusal(text)
    assert amounts(text, spending="positive") == ["96.8 EUR"]
    assert amounts(text, spending="negative") == []


def test_beside_fees_that_were_taken_off_what_stands_below_zero_may_be_paid_out_and_is_asked_about() -> None:
    text = "Date,Name,Gross,Fee,Net\n2026-11-03,Midjourney,-30.00,0.00,-30.00\n2026-11-04,Client,100.00,-3.20,96.80\n"
    assert "--spending negative" in refusal(text)
    assert amounts(text, spending="negative") == ["30 EUR"]


def test_fees_on_top_are_those_of_a_buyer() -> None:
    assert amounts("Date,Description,Amount,Fee,Total\n2026-11-03,Poster,100.00,3.20,103.20\n") == ["103.2 EUR"]


def test_a_journal_is_told_by_its_vouchers_and_not_by_two_rows_that_cancel_out() -> None:
    lines = [
        "V1,2026-11-03,IT,20.00",
        "V1,2026-11-03,Bank,-20.00",
        "V2,2026-11-04,IT,30.00",
        "V2,2026-11-04,Bank,-30.00",
    ]
    journal = "\n".join(["Voucher,Date,Text,Amount", *lines, ""])
    assert 'the lines of each "Voucher" add up to nothing' in refusal(journal, spending="positive")
    alone = "Order,Date,Text,Amount\nV1,2026-11-03,IT,20.00\nV1,2026-11-03,IT refund,-20.00\n"
    assert amounts(alone) == ["20 EUR", "-20 EUR"]


@pytest.mark.parametrize(
    ("rows", "amount"),
    [
        ("2026-11-03,A,USD,30,329.50\n2026-11-04,B,SEK,20,220.10", ["329.5 EUR", "220.1 EUR"]),
        ("2026-11-03,A,USD,30,329.50\n2026-11-04,B,EUR,40,40", ["329.5 EUR", "40 EUR"]),
        ("2026-11-03,A,USD,30,329.50\n2026-11-04,B,,,40", ["329.5 EUR", "40 EUR"]),
        ("2026-11-03,A,USD,,30\n2026-11-04,B,USD,,40", ["30 USD", "40 USD"]),
    ],
)
@pytest.mark.parametrize("header", ["Date,What,Currency,Foreign amount,Amount", "Date,What,Currency,Fx amount,Amount"])
def test_what_rows_show_tells_whose_currency_it_is(header: str, rows: str, amount: list[str]) -> None:
    assert amounts(f"{header}\n{rows}\n") == amount


def test_a_foreign_amount_that_differs_in_the_home_currency_leaves_a_doubt() -> None:
    told = refusal("Date,What,Currency,Foreign amount,Amount\n2026-11-03,A,EUR,30,329.50\n")
    assert 'can be the currency of "Amount" or of "Foreign amount"' in told
    assert "--column currency=Currency" in told


@pytest.mark.parametrize("title", ["EUR", "Konto EUR", "Currency: EUR"])
def test_a_line_that_names_another_currency_than_that_in_use_stops_the_reading(title: str) -> None:
    text = f"Currency: USD\nDate,What,Amount\n2026-11-03,A,3.50\n{title}\n2026-11-04,B,4.50\n"
    assert "here begin amounts in EUR, and those above are in USD" in refusal(text)
    assert amounts(text.replace(title, title.replace("EUR", "USD"))) == ["3.5 USD", "4.5 USD"]


@pytest.mark.parametrize(
    ("line", "currency"),
    [
        ("ALL rights reserved", "EUR"),
        ("TRY our new app!", "EUR"),
        ("Report PRO - AI TOP costs", "EUR"),
        ("Amounts in KZT", "KZT"),
        ("Currency: ALL", "ALL"),
        ("Costs of November (USD)", "USD"),
    ],
)
def test_a_word_in_capitals_is_a_currency_only_where_the_line_says_so(line: str, currency: str) -> None:
    assert amounts(f"{line}\nDate,What,Amount\n2026-11-03,A,3.50\n") == [f"3.5 {currency}"]
