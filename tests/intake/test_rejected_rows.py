"""A table of rejected rows, once corrected: each row becomes the record that it would have been in its file."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

from tests.intake.corpus import Case, cases
from tests.intake.samples import NOW, messages, read, read_costs
from trayd.intake.costs import Costs
from trayd.intake.rejected_rows import rejected_table
from trayd.intake.rejection import Rejection
from trayd.intake.sheet import open_sheets
from trayd.intake.take import Understood, read_file, rejected_rows_csv
from trayd.intake.understanding import Answers, RowKind
from trayd.money import Money
from trayd.records import ExternalCost
from trayd.settings import Settings

STATEMENT = """Account statement
Currency: EUR

Date,Description,Amount
2026-05-02,Runway,-12.00
2026-05-03,Suno,-7.00
2026-05-32,Hosting,-9.00
2026-06-32,Globex,200.00
2026-05-04,Acme pays,500.00
2026-05-05,Kling,-8.00
"""


def corrected(file: Understood, *changes: tuple[str, str]) -> str:
    """The table of a file's rejected rows, as a person leaves it who has corrected them."""
    table = rejected_rows_csv(file)
    for wrong, right in changes:
        assert wrong in table
        table = table.replace(wrong, right, 1)
    return table


def seen(file: Understood) -> list[tuple[str, str, Money]]:
    return [(cost.date.isoformat(), cost.description, cost.amount) for cost in file.costs]


def answered(table: str, **answers: object) -> Understood:
    return read_file(
        "rows.csv", table.encode(), settings=Settings(), models={}, now=NOW, answers=msgspec.convert(answers, Answers)
    )


def test_currency_and_sign_are_those_of_the_file_and_income_stays_no_cost():
    table = corrected(read("sta.csv", STATEMENT), ("2026-05-32", "2026-05-31"), ("2026-06-32", "2026-06-30"))
    again = read("sta.csv.rows.csv", table)
    assert seen(again) == [("2026-05-31", "Hosting", Money.of("9", "EUR"))]
    assert [row.reason for row in again.named if row.reason] == ["money that came in"]
    whole = read("sta.csv", STATEMENT.replace("05-32", "05-31").replace("06-32", "06-30"))
    assert again.costs[0].id in {cost.id for cost in whole.costs}


def test_income_alone_is_never_recorded_as_spent():
    content = STATEMENT.replace("05-32", "05-31")
    again = read("sta.csv.rows.csv", corrected(read("sta.csv", content), ("2026-06-32", "2026-06-30")))
    assert again.costs == ()
    assert messages(again)[0].startswith("sta.csv.rows.csv: none of its rows is a cost: 1 money that came in")


def test_the_order_of_dates_and_the_decimal_mark_are_those_of_the_file():
    content = "Date;Item;Cost\n25/03/2026;a;1,50\n03/04/2026;b;1.234x\n"
    again = read("dm.csv.rows.csv", corrected(read("dm.csv", content), ("1.234x", "1.234")))
    assert seen(again) == [("2026-04-03", "b", Money.of("1234"))]


@pytest.mark.parametrize("wrong", ["2026-05-32,Runway,12.00", "2026-05-02,Runway,12.oo"])
def test_a_row_that_turns_out_to_be_a_twin_of_a_recorded_one_is_none_that_is_known(wrong):
    right = "2026-05-02,Runway,12.00"
    content = f"Date,Item,Cost\n{right}\n2026-05-02,Suno,12.00\n{wrong}\n{right}\n2026-05-02,Runway,oops\n"
    file = read("a.csv", content)
    again = read("a.csv.rows.csv", corrected(file, (wrong, right)))
    last = read("a.csv.rows.csv", corrected(again, ("oops", "12.00")))
    whole = read("a.csv", content.replace(wrong, right).replace("oops", "12.00"))
    ids = [cost.id for each in (file, again, last) for cost in each.costs]
    assert sorted(ids) == sorted(cost.id for cost in whole.costs)


def test_dates_that_the_file_did_not_settle_are_asked_for():
    content = "Date;Item;Cost\n2026-03-25;a;1,50\nsoon;b;2,50\n"
    again = read("iso.csv.rows.csv", corrected(read("iso.csv", content), ("soon", "03/04/2026")))
    assert "can be read as 3 April 2026 or as 4 March 2026" in messages(again)[0]


def test_what_a_person_says_of_the_rows_wins():
    table = corrected(read("sta.csv", STATEMENT), ("2026-05-32", "03/04/2026"), ("2026-06-32", "2026-06-30"))
    said = {"currency": "SEK", "spending": "positive", "date_order": "dmy", "source": "My Bank"}
    (cost,) = answered(table, **said).costs
    assert (cost.date.isoformat(), cost.amount, cost.source) == ("2026-06-30", Money.of("200", "SEK"), "My Bank")
    (hosting,) = answered(table, columns={"description": "Date"}, date_order="dmy").costs
    assert (hosting.date.isoformat(), hosting.description) == ("2026-04-03", "03/04/2026")


def test_what_is_still_wrong_comes_back_in_the_same_columns():
    first = read("sta.csv", STATEMENT)
    again = read("sta.csv.rows.csv", corrected(first, ("2026-05-32", "2026-05-31")))
    assert [row.line for row in again.rejected] == [3], "where it stands now"
    assert again.header == first.header
    assert again.read_as == first.read_as[1:]


def test_a_row_with_too_many_cells_keeps_them_all():
    content = "Date,Item,Cost\n2026-05-02,a,1\n2026-05-03,Runway, Gen-4,12.00\n2026-05-04,b,2\n"
    file = read("long.csv", content)
    (row,) = csv.DictReader(io.StringIO(rejected_rows_csv(file)))
    assert (row["rejected line"], row[""]) == ("3", "12.00")
    assert len(read("long.csv.rows.csv", rejected_rows_csv(file)).rejected) == 1
    again = read("long.csv.rows.csv", corrected(file, ("Runway,Gen-4,12.00", '"Runway, Gen-4",12.00,')))
    assert seen(again) == [("2026-05-03", "Runway, Gen-4", Money.of("12"))]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("divider", [",", ";", "\t"])
def test_it_is_read_as_spreadsheets_save_it(encoding, divider):
    content = STATEMENT.replace("Hosting", "Café, hosting; more")
    content = content.replace("Café, hosting; more", '"Café, hosting; more"')
    rows = list(csv.reader(io.StringIO(corrected(read("sta.csv", content), ("2026-05-32", "2026-05-31")))))
    out = io.StringIO()
    csv.writer(out, delimiter=divider).writerows(rows)
    again = read("rows.csv", out.getvalue().encode(encoding))
    assert seen(again) == [("2026-05-31", "Café, hosting; more", Money.of("9", "EUR"))]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: [row[:-1] for row in rows], 'the column "read as" is missing'),
        (lambda rows: [["new", *row] for row in rows], "its columns are not those that it was written with"),
        (lambda rows: [rows[0], *([*row[:-1], row[-1][:40]] for row in rows[1:])], "is not as trayd has written it"),
        (
            lambda rows: [*rows[:2], [*rows[2][:-1], rows[2][-1].replace("EUR", "SEK")]],
            "tells that this row is of another file",
        ),
    ],
)
def test_it_is_refused_where_what_stands_beside_the_rows_is_not_what_was_written(change, told):
    rows = list(csv.reader(io.StringIO(corrected(read("sta.csv", STATEMENT), ("2026-05-32", "2026-05-31")))))
    out = io.StringIO()
    csv.writer(out).writerows(change(rows))
    file = read("rows.csv", out.getvalue())
    assert file.costs == ()
    assert told in messages(file)[0]


# Every file of the corpus: each of its rows is taken for a rejected one, written with a reason, and read again.

READABLE = [case for case in cases() if case.expected.refused is None]
MOST_ROWS = 40


def rows_of(case: Case, costs: Costs) -> dict[int, tuple[str, ...]]:
    """The cells of the rows of the table that was read, by line."""
    read_as = costs.understanding
    sheets = open_sheets(case.file, case.data, case.expected.answers.sheet)
    sheet = next(sheet for sheet in sheets if (sheet.delimiter, sheet.name) == (read_as.delimiter, read_as.sheet))
    return {row.line: row.cells for row in sheet.rows()}


def alone(case: Case, costs: Costs, *rows: tuple[str, ...]) -> Costs:
    wrong = Rejection(line=2, column="Date", problem="it was wrong")
    table = rejected_table(costs.header, [(row, wrong) for row in rows], [costs.read_as] * len(rows))
    return read_costs("x.rows.csv", table.encode("utf-8-sig"), home_currency=case.expected.home_currency)


def record(cost: ExternalCost) -> ExternalCost:
    return msgspec.structs.replace(cost, id="", file="", line=0)


@pytest.mark.parametrize("case", READABLE, ids=lambda case: case.name)
def test_any_row_of_any_file_is_read_by_itself_as_it_is_read_in_its_file(case: Case):
    costs = case.read()
    rows = rows_of(case, costs)
    assert costs.costs
    for cost in costs.costs[:MOST_ROWS]:
        (again,) = alone(case, costs, rows[cost.line]).costs
        assert record(again) == record(cost), f"line {cost.line}"
    left_out = [row for row in costs.named if row.what is RowKind.LEFT_OUT]
    for row in left_out[:MOST_ROWS]:
        read = alone(case, costs, rows[row.line])
        assert (read.costs, [named.reason for named in read.named if named.reason]) == ((), [row.reason]), row.line


@pytest.mark.parametrize("case", READABLE, ids=lambda case: case.name)
def test_all_rows_of_any_file_keep_their_ids(case: Case):
    costs = case.read()
    rows = rows_of(case, costs)
    again = alone(case, costs, *(rows[cost.line] for cost in costs.costs))
    assert [cost.id for cost in again.costs] == [cost.id for cost in costs.costs]
