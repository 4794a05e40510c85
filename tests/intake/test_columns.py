"""What a column's name says by itself, and which of several columns is meant."""

from __future__ import annotations

import pytest

from tests.intake.samples import read_costs
from trayd.intake.columns import comparable, headings
from trayd.intake.costs import Costs
from trayd.intake.rejection import RefusedError
from trayd.intake.understanding import Answers
from trayd.money import Money


def read(text: str, home_currency: str = "USD", **answers) -> Costs:
    return read_costs("costs.csv", text.encode(), home_currency=home_currency, answers=Answers(**answers))


def fields(costs: Costs) -> dict[str, str]:
    return {column.field: column.name for column in costs.understanding.columns if column.field}


def refusal(text: str, **answers) -> str:
    with pytest.raises(RefusedError) as refused:
        read(text, **answers)
    return refused.value.rejection.text("costs.csv")


@pytest.mark.parametrize(
    ("name", "field", "currency"),
    [
        ("Amount", "amount", None),
        ("*Amount", "amount", None),
        ("\N{BYTE ORDER MARK}Amount", "amount", None),
        ("Amount (EUR)", "amount", "EUR"),
        ("Cost USD", "amount", "USD"),
        ("cost_usd", "amount", "USD"),
        ("CostUSD", "amount", "USD"),
        ("Betrag in EUR", "amount", "EUR"),
        ("Money In (USD)", "credit", "USD"),
        ("Montant (€)", "amount", "EUR"),
        ("Kosten €", "amount", "EUR"),
        ("Belopp (kr)", "amount", "SEK"),
        ("USD", "amount", "USD"),
        ("Rechnungsbetrag", "amount", None),
        ("lineItem/UnblendedCost", "amount", None),
        ("Buchungs-Datum", "date", None),
        ("BuchungsDatum", "date", None),
        ("Created (UTC)", "date", None),
        ("usage_date_utc", "date", None),
        ("Bokföringsdag", "date", None),
        ("Bokforingsdag", "date", None),
        ("Währung", "currency", None),
        ("Waehrung", "currency", None),
        ("Bokfört saldo", "balance", None),
        ("Libellé", "description", None),
        ("Unit cost", "unit_price", None),
        ("VAT amount", "tax", None),
        ("Amount refunded", "refunded", None),
        ("Original Transaction Amount", "list_price", None),
        ("Transaction ID", "other", None),
        ("Total tokens", "other", None),
        ("Shoe size", "quantity", None),
        ("Favourite colour", "", None),
    ],
)
def test_a_name_says_a_field_and_a_currency(name, field, currency):
    (heading,) = headings([name], "SEK")
    assert (heading.field, heading.currency) == (field, currency)


@pytest.mark.parametrize("name", ["all", "top", "try", "all models", "Cup"])
def test_words_that_are_also_codes_of_currencies_name_none(name):
    (heading,) = headings([name], "USD")
    assert heading.currency is None


@pytest.mark.parametrize("other", ["bookingdate", "Booking-Date", "BOOKING DATE", "booking_date", " Booking  Date "])
def test_names_are_compared_without_case_spaces_and_punctuation(other):
    assert comparable(other) == comparable("Booking Date")


def test_the_day_it_was_spent_comes_before_the_day_it_was_booked_and_that_before_the_day_it_counts():
    header = "Wertstellung;Buchungsdatum;Kaufdatum;Text;Betrag\n"
    costs = read(f"{header}15.11.2026;14.11.2026;13.11.2026;a;1,50\n")
    assert fields(costs)["date"] == "Kaufdatum"
    header = "Wertstellung;Buchungsdatum;Text;Betrag\n"
    assert fields(read(f"{header}15.11.2026;14.11.2026;a;1,50\n"))["date"] == "Buchungsdatum"


def test_another_date_of_the_row_steps_in_where_the_first_is_empty():
    costs = read("Transaction date,Posting date,Item,Cost\n2026-11-03,2026-11-05,a,1\n,2026-11-06,b,1\n")
    assert [str(cost.date) for cost in costs.costs] == ["2026-11-03", "2026-11-06"]


@pytest.mark.parametrize(
    ("header", "row", "amount"),
    [
        ("Gross,Discount,Net", "10.00,2.00,8.00", "8"),
        ("List price,Price", "10.00,8.00", "8"),
        ("cost_usd,list_price_usd", "8.00,10.00", "8"),
        ("Subtotal,Tax,Total", "8.00,2.00,10.00", "10"),
        ("cost_total,cost_web_search,cost_cache", "10.00,1.00,2.00", "10"),
        ("Qty,Unit price,Amount", "3,2.00,6.00", "6"),
        ("Qty,Price,Total", "3,2.00,6.00", "6"),
        ("Amount,Balance", "10.00,990.00", "10"),
        ("Original amount,Amount", "12.00,10.00", "10"),
        ("Amount,VAT %", "10.00,25", "10"),
    ],
)
def test_the_amount_is_what_a_person_paid(header, row, amount):
    (cost,) = read(f"Date,Item,{header}\n2026-11-03,a,{row}\n").costs
    assert cost.amount == Money.of(amount)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Charge A,Charge B", "3.00,2.00"),
        ("Net,VAT,Gross", "8.00,2.00,10.00"),
        ("Setup cost,Monthly cost", "10.00,2.00"),
        ("Amount USD,Amount CHF", "10.00,9.00"),
        ("Total,Cost", "120,3.00"),
    ],
)
def test_two_columns_that_could_both_be_the_amount_and_differ_are_refused_with_both_and_settled(header, row):
    names = header.split(",")
    content = f"Date,Item,{header}\n2026-11-03,a,{row}\n"
    message = refusal(content, home_currency="EUR")
    assert "--column amount=" in message
    assert message.count("trayd import") == 2
    assert read(content, home_currency="EUR", columns={"amount": names[0]}).costs


def test_two_columns_of_one_name_are_told_apart_by_their_numbers():
    message = refusal("Date,Item,Amount,Amount\n2026-11-03,a,1.00,2.00\n")
    assert "--column amount=3" in message
    assert "--column amount=4" in message


def test_two_amounts_that_agree_leave_no_doubt():
    assert read("Date,Item,Amount,Charge\n2026-11-03,a,3,3.00\n").costs[0].amount == Money.of("3")


def test_of_two_currencies_the_amount_in_the_home_currency_is_meant():
    content = "Date,Item,Amount USD,Amount EUR\n2026-11-03,a,10.00,9.00\n"
    assert read(content, "EUR").costs[0].amount == Money.of("9", "EUR")


def test_a_currency_column_belongs_to_the_amount_without_a_currency_in_its_name():
    (cost,) = read("Datum,Text,Belopp,Valuta,Belopp i SEK\n2026-11-03,a,30.00,USD,331.20\n", "SEK").costs
    assert cost.amount == Money.of("331.20", "SEK")


def test_a_running_sum_is_no_amount():
    costs = read("Date,Item,Cost,Total\n2026-11-03,a,5.00,5.00\n2026-11-04,b,7.50,12.50\n2026-11-05,c,1.00,13.50\n")
    assert [cost.amount for cost in costs.costs] == [Money.of("5"), Money.of("7.5"), Money.of("1")]


def test_the_total_of_an_invoice_is_not_the_cost_of_each_of_its_lines():
    costs = read(
        "Invoice,Date,Item,Line amount,Invoice total\n"
        "1,2026-11-03,a,64.00,76.00\n1,2026-11-03,b,12.00,76.00\n2,2026-11-04,c,8.00,8.00\n"
    )
    assert [cost.amount for cost in costs.costs] == [Money.of("64"), Money.of("12"), Money.of("8")]


@pytest.mark.parametrize(
    ("header", "row", "description"),
    [
        ("Description,Payee,Reference", "Standard plan,Midjourney,INV-1", "Standard plan"),
        ("Description,Payee,Reference", ",Midjourney,", "Midjourney"),
        ("Partner Name,Payment Reference", "Midjourney,Invoice 7", "Midjourney · Invoice 7"),
        ("Product,SKU,Model", "Copilot,premium_request,gpt-5", "Copilot · premium_request · gpt-5"),
        ("Model,Unit", "flux-dev,image", "flux-dev"),
        ("Tool", "Midjourney", "Midjourney"),
        ("Tool,Note", "Midjourney,for the teaser", "Midjourney"),
        ("Billable?,Notes", "Yes,Take two", "Take two"),
        ("Referenz,Buchungstext", "R-2-77,Midjourney", "Midjourney"),
        ("Category", "Software", "Software"),
    ],
)
def test_a_description_is_made_of_what_says_most(header, row, description):
    (cost,) = read(f"Date,{header},Amount\n2026-11-03,{row},1.00\n").costs
    assert cost.description == description


def test_days_and_amounts_alone_are_called_like_their_column():
    (cost,) = read("date,cost_usd\n2026-11-03,1.25\n").costs
    assert cost.description == "cost_usd"


def test_a_column_that_a_person_names_wins_over_all_others():
    costs = read("Date,Paid on,Item,Note,Amount\n2026-11-03,2026-11-05,a,b,1\n", columns={"date": "paid on"})
    assert str(costs.costs[0].date) == "2026-11-05"
    costs = read("Date,Item,Note,Amount\n2026-11-03,a,b,1\n", columns={"description": "Note"})
    assert costs.costs[0].description == "b"


def test_a_column_that_is_not_there_is_refused_with_those_that_are():
    message = refusal("Date,Item,Amount\n2026-11-03,a,1\n", columns={"amount": "Net"})
    assert 'there is no column "Net" for the amount; its columns are "Date", "Item", "Amount"' in message
    message = refusal("Date,Item,Amount\n2026-11-03,a,1\n", columns={"sum": "Amount"})
    assert '"sum" is no field that a column can have; name one of date, description, amount' in message


@pytest.mark.parametrize(
    ("name", "cell", "amount"),
    [("amount_cents", "1200", "12"), ("Amount (cents)", "1205", "12.05"), ("cost_micros", "1250000", "1.25")],
)
def test_a_column_of_cents_holds_hundredths(name, cell, amount):
    (cost,) = read(f"Date,Item,{name}\n2026-11-03,a,{cell}\n").costs
    assert cost.amount == Money.of(amount)


def test_a_quantity_is_never_taken_for_money():
    assert "no column of amounts" in refusal("Date,Model,Credits\n2026-11-03,gen4,120\n")
    assert "no column of amounts" in refusal("Date,Item,Qty,Unit Price\n2026-11-03,Clip,3,2.00\n")
