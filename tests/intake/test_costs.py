from __future__ import annotations

import csv
import io
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.intake.samples import messages, read, read_costs
from trayd.intake.rejection import RefusedError
from trayd.intake.sheet import open_sheets
from trayd.intake.take import rejected_rows_csv
from trayd.money import Money
from trayd.records import ExternalCost, Kind

HEADER = "date,description,amount,category\n"


def costs(content: str | bytes, **settings) -> tuple[ExternalCost, ...]:
    file = read("costs.csv", content, **settings)
    assert messages(file) == []
    return file.costs


def refusal(content: str | bytes, **settings) -> str:
    file = read("costs.csv", content, **settings)
    assert file.refused
    (message,) = messages(file)
    return message


def test_a_row_of_the_four_columns():
    (cost,) = costs(f"{HEADER}2026-11-03,Midjourney Pro,60.00,images\n")
    assert cost == ExternalCost(
        id=cost.id,
        date=date(2026, 11, 3),
        description="Midjourney Pro",
        amount=Money.of("60"),
        category="images",
        file="costs.csv",
        line=2,
    )


def test_all_columns_in_any_order_and_case_with_others_between():
    (cost,) = costs(
        " Note ;TYPE;Amount;Internal No.;Currency;Category;Tool;Client;Project;Deliverable;Description;Date\n"
        "half;Pool;12,50;77;eur;video;Runway;Northwind;Spring;Hero Film;Unlimited plan;20.11.2026\n"
    )
    assert (cost.amount, cost.kind, cost.source) == (Money.of("12.5", "EUR"), Kind.POOL, "Runway")
    assert (cost.client, cost.project, cost.deliverable, cost.note) == ("Northwind", "Spring", "Hero Film", "half")
    assert (cost.date, cost.category) == (date(2026, 11, 20), "video")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiters_encodings_and_line_ends(delimiter, encoding, newline):
    rows = [["Date", "Description", "Amount", "Category"], ["2026-11-03", "Zürich, Büro", "$1,234.56", "Bücher"], []]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=newline).writerows(rows)
    (cost,) = costs(out.getvalue().encode(encoding))
    assert (cost.description, cost.amount, cost.category) == ("Zürich, Büro", Money.of("1234.56"), "Bücher")


def test_a_description_over_several_lines_keeps_the_line_numbers_of_the_rows_below():
    file = read("costs.csv", f'{HEADER}2026-11-03,"a\nb, ""c""\n d",1,x\n\n2026-11-04,e,oops,x\n')
    assert [cost.description for cost in file.costs] == ['a b, "c" d']
    assert messages(file) == ['costs.csv line 6: "oops" is not an amount (column "amount"); correct it and try again']


def test_amounts_without_a_currency_are_in_the_home_currency():
    assert costs(f"{HEADER}2026-11-03,a,1,x\n", home_currency="SEK")[0].amount == Money.of("1", "SEK")


@pytest.mark.parametrize(
    ("amount", "home", "money"),
    [
        ("$5.00", "EUR", Money.of("5", "USD")),
        ("$5.00", "CAD", Money.of("5", "CAD")),
        ("US$5.00", "CAD", Money.of("5", "USD")),
        ("€5.00", "USD", Money.of("5", "EUR")),
        ("5.00 kr", "SEK", Money.of("5", "SEK")),
        ("CHF 5.00", "USD", Money.of("5", "CHF")),
    ],
)
def test_a_sign_tells_the_currency(amount, home, money):
    assert costs(f"{HEADER}2026-11-03,a,{amount},x\n", home_currency=home)[0].amount == money


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (",a,1,x", 'line 2: the date is empty (column "date")'),
        ("someday,a,1,x", 'line 2: "someday" is not a date (column "date")'),
        ("2026-02-30,a,1,x", 'line 2: "2026-02-30" is not a date (column "date")'),
        ("2026-11-03,,1,x", 'line 2: the description is empty (column "description")'),
        ("2026-11-03,a,,x", 'line 2: the amount is empty (column "amount")'),
        (
            "2026-11-03,a,12.5O,x",
            'costs.csv line 2: "12.5O" is not an amount (column "amount"); correct it and try again',
        ),
        ("2026-11-03,a,99999999999999,x", 'line 2: "99999999999999" is not an amount'),
        ("2026-11-03,a,1,234.50,x", "line 2: the row has 5 cells under a header of 4; put cells with a delimiter"),
        ("2026-11-03,a,5 kr,x", 'line 2: "5 kr" does not tell its currency'),
    ],
)
def test_a_row_that_cannot_be_recorded_is_told_with_line_column_and_cure(row, told):
    assert told in refusal(HEADER + row)


def test_a_row_with_a_wrong_currency_or_type_is_told():
    header = "date,description,amount,category,currency,type\n"
    assert '"doubloons" is no currency (column "currency")' in refusal(f"{header}2026-11-03,a,1,x,doubloons,\n")
    assert 'is in EUR and the column "currency" says USD' in refusal(f"{header}2026-11-03,a,€1,x,USD,\n")
    file = read("costs.csv", f"{header}2026-11-03,a,1,x,,pool\n2026-11-03,a,1,x,,shared\n")
    assert '"shared" is no type of cost (column "type"); write external or pool' in messages(file)[0]


def test_a_refund_counts_against_costs_where_the_row_says_that_it_is_one():
    assert costs(f"{HEADER}2026-11-03,Refund for Runway,(12.00),x\n")[0].amount == Money.of("-12")


def test_bad_rows_do_not_keep_the_good_ones_out_and_come_back_as_a_table():
    content = (
        "date;description;amount;category\n2026-11-03;a;1,00;x\n2026-11-04;b;oops;x\n;c;2,00;x\n2026-11-05;d;3,00;x\n"
    )
    file = read("costs.csv", content)
    assert file.refused is None
    assert [cost.description for cost in file.costs] == ["a", "d"]
    rows = list(csv.DictReader(io.StringIO(rejected_rows_csv(file))))
    assert [(row["description"], row["rejected line"], row["rejected column"]) for row in rows] == [
        ("b", "3", "amount"),
        ("c", "4", "date"),
    ]
    corrected = rejected_rows_csv(file).replace(",oops,", ',"5,00",').replace("\n,c", "\n2026-11-06,c")
    assert [cost.amount for cost in costs(corrected)] == [Money.of("5"), Money.of("2")]


@pytest.mark.parametrize(
    ("cell", "other", "told"),
    [
        ("03/04/2026", "05/05/2026", 'line 2: "03/04/2026" can be read as 3 April 2026 or as 4 March 2026'),
        ("03/04/26", "05/05/2026", 'line 2: "03/04/26" can be read as 3 April 2026 or as 4 March 2026'),
    ],
)
def test_a_date_that_reads_in_two_ways_refuses_the_file_with_both_readings(cell, other, told):
    message = refusal(f"{HEADER}{cell},a,1,x\n{other},b,1,x\n")
    assert told in message
    assert (
        'no other line settles which (column "date"); say which: trayd import --date-order dmy costs.csv for 3'
        in message
    )


def test_one_date_that_reads_in_one_way_settles_the_file():
    assert [cost.date for cost in costs(f"{HEADER}03/04/2026,a,1,x\n20/04/2026,b,1,x\n")] == [
        date(2026, 4, 3),
        date(2026, 4, 20),
    ]


def test_dates_in_two_styles_refuse_the_file_with_the_lines_that_show_it():
    message = refusal(f"{HEADER}03/04/2026,a,1,x\n20/04/2026,b,1,x\n04/21/2026,c,1,x\n")
    assert 'line 3 ("20/04/2026") is written day first but line 4 ("04/21/2026") is written month first' in message


def test_an_amount_that_reads_in_two_ways_refuses_the_file_with_both_readings():
    assert '"1,234" can be read as 1234 or as 1.234' in refusal(f'{HEADER}2026-11-03,a,"1,234",x\n')
    assert costs(f'{HEADER}2026-11-03,a,"1,234",x\n2026-11-03,b,1.50,x\n')[0].amount == Money.of("1234")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "costs.csv: the file is empty"),
        ("\n\n", "costs.csv: the file is empty"),
        (HEADER, "costs.csv: there is nothing in it to record"),
        ("when,what\n1,2\n", 'no column of amounts can be made out; its columns are "when", "what"'),
        (
            "date,description,category\n2026-11-03,a,x\n",
            '"date", "description", "category"; say which column it is: trayd import --column amount=NAME costs.csv',
        ),
        ("date,amount,amount\n2026-11-03,1,2\n", 'the amount can be "amount" (1) or "amount" (2)'),
        (
            f'{HEADER}2026-11-03,"a,1,x\n2026-11-04,b,2,x\n',
            "line 2: a quote that opens in the row that begins here is not closed",
        ),
        (f"{HEADER}2026-11-03,a,x,x\n2026-11-03,b,y,x\n", "is not an amount"),
    ],
)
def test_a_file_without_one_row_that_can_be_recorded_is_refused_whole(content, told):
    file = read("costs.csv", content)
    assert file.refused
    assert any(told in message for message in messages(file))


def test_the_same_row_has_the_same_id_in_another_file_and_true_twins_have_their_own():
    first, second, third = costs(f"{HEADER}2026-11-03,a,1,x\n2026-11-03,a,1.00,x\n2026-11-04,a,1,x\n")
    assert len({first.id, second.id, third.id}) == 3
    again = read("other.csv", "amount;category;date;description\n1;y;2026-11-03; a \n1;y;3 Nov 2026;a\n").costs
    assert [cost.id for cost in again] == [first.id, second.id]


CELL = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["2026-11-03", "03/04/2026", "20/04/2026", "1,234", "1.50", "12,5", "$3", "a", "", "-1", "kr 2"]),
)


@given(st.lists(st.lists(CELL, min_size=3, max_size=5), min_size=1, max_size=6), st.sampled_from([",", ";", "\t", "|"]))
def test_every_row_is_recorded_rejected_or_named(rows, delimiter):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["date", "description", "amount", "category"])
    writer.writerows(rows)
    try:
        data = out.getvalue().encode()
    except UnicodeEncodeError:
        return
    with suppress(RefusedError):
        every_row_is_somewhere(data)


def every_row_is_somewhere(data):
    file = read_costs("costs.csv", data, home_currency="USD")
    assert all(row.rejection.line and row.rejection.problem for row in file.rejected)
    told = [cost.line for cost in file.costs] + [row.rejection.line for row in file.rejected]
    told += [row.line for row in file.named]
    assert sorted(told) == [row.line for row in _sheet(data, file).rows() if not row.blank]


def _sheet(data, file):
    return next(sheet for sheet in open_sheets("costs.csv", data) if sheet.delimiter == file.understanding.delimiter)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    file = read("costs.csv", HEADER.encode() + data)
    assert file.costs or messages(file)
