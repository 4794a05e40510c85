from __future__ import annotations

import csv
import io
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trayd.intake.rejection import RefusedError
from trayd.intake.sheet import open_sheets


def likeliest(content: str | bytes, name: str = "costs.csv"):
    data = content if isinstance(content, bytes) else content.encode()
    return open_sheets(name, data)[0]


def rows(content: str | bytes) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.line, row.cells) for row in likeliest(content).rows()]


def cells(content: str | bytes) -> list[tuple[str, ...]]:
    return [row for _, row in rows(content)]


def refusal(content: str | bytes, wanted: str | None = None) -> str:
    data = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(RefusedError) as refused:
        for _ in open_sheets("costs.csv", data, wanted)[0].rows():
            pass
    return refused.value.rejection.text("costs.csv")


# Delimiters


@pytest.mark.parametrize(("delimiter", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")])
def test_the_delimiter_is_the_one_that_makes_rows_alike(delimiter, name):
    table = [("date", "what", "amount"), ("2026-11-03", "Pro", "60.00"), ("2026-11-04", "Voice", "22.00")]
    sheet = likeliest("\n".join(delimiter.join(row) for row in table))
    assert (sheet.delimiter, sheet.width, sheet.encoding, sheet.name) == (name, 3, "UTF-8", "")
    assert [row.cells for row in sheet.rows()] == table


def test_decimal_commas_do_not_divide_cells():
    table = "Datum;Text;Betrag;Saldo\n03.11.2026;Abo;12,50;100,00\n04.11.2026;Stimme, neu;9,00;91,00\n"
    assert likeliest(table).delimiter == "semicolon"


def test_a_preamble_of_prose_with_commas_does_not_decide():
    prose = "Dear Ms Smith, here are, as asked, your costs, all of them, for November\n" * 3
    table = "Date;Text;Amount;Currency\n" + "2026-11-03;Plan;12.50;EUR\n" * 4
    assert likeliest(f"{prose}\n{table}").delimiter == "semicolon"


def test_every_delimiter_that_makes_any_sense_is_offered():
    sheets = open_sheets("costs.csv", b"a;b;c\n1;2,5;3\n4;5,5;6\n")
    assert [sheet.delimiter for sheet in sheets] == ["semicolon", "comma"]


def test_a_name_that_ends_in_tsv_says_so():
    content = b"a,b,c\td\n1,2,3\t4\n"
    assert open_sheets("x.csv", content)[0].delimiter == "comma"
    assert open_sheets("x.tsv", content)[0].delimiter == "tab"


def test_text_without_any_delimiter_is_rows_of_one_cell():
    sheet = likeliest("amount\n12\n13\n")
    assert (sheet.delimiter, sheet.width) == ("", 1)
    assert [row.cells for row in sheet.rows()] == [("amount",), ("12",), ("13",)]


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "\ufeffsep=;"])
def test_the_delimiter_that_a_first_line_names_is_obeyed_and_the_line_is_a_row(line):
    sheets = open_sheets("costs.csv", f"{line}\r\na,b;c\r\n1,2;3\r\n".encode())
    assert [sheet.delimiter for sheet in sheets] == ["semicolon"]
    assert [row.cells[-1] for row in sheets[0].rows()] == [line.lstrip("\ufeff"), "c", "3"]


def test_a_first_line_can_name_any_character():
    assert likeliest("sep=^\na^b\n1^2\n").delimiter == "^"


# Rows and lines


def test_rows_tell_the_physical_line_that_they_begin_on_whatever_ends_lines():
    assert rows('a,b\r\n1,"x\r\ny\nz"\r2,w\n\n3,v') == [
        (1, ("a", "b")),
        (2, ("1", "x\r\ny\nz")),
        (5, ("2", "w")),
        (6, ()),
        (7, ("3", "v")),
    ]


def test_blank_lines_and_empty_cells_are_rows_too():
    sheet = likeliest("a,b,c\n\n,,\n1,2,\n")
    assert [(row.cells, row.blank) for row in sheet.rows()] == [
        (("a", "b", "c"), False),
        ((), True),
        (("", "", ""), True),
        (("1", "2", ""), False),
    ]


def test_marks_between_pages_and_files_are_not_part_of_a_cell():
    assert cells("a,b\n1,2\n\f3,4\n\ufeffa,b\n5,6\n\x1a") == [
        ("a", "b"), ("1", "2"), ("3", "4"), ("a", "b"), ("5", "6"), (),
    ]  # fmt: skip


def test_rows_are_read_from_the_beginning_each_time():
    sheet = likeliest("a,b\n1,2\n")
    assert list(sheet.rows()) == list(sheet.rows())


@given(
    table=st.lists(
        st.lists(st.text(st.sampled_from("ab 1,;|'\"\t\n\r.é€="), max_size=8), min_size=3, max_size=3), min_size=1
    ),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
)
@example(table=[["", "", '=""1']], delimiter=",", end="\n")
def test_what_a_program_writes_is_read_as_it_was_meant(table, delimiter, end):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    # Shapes that look like a row inside a cell are refused on purpose; here no cell begins as the first ones do.
    writer.writerows([["day", "what", "how much"], *([f"2026-{number}", *row] for number, row in enumerate(table))])
    sheet = next(
        sheet
        for sheet in open_sheets("x.csv", out.getvalue().encode())
        if sheet.delimiter.startswith({",": "comma", ";": "semi", "\t": "tab", "|": "bar"}[delimiter])
    )
    expected = [tuple(_as_cell(cell) for cell in row) for row in table]
    assert [row.cells[1:] for row in sheet.rows()][1:] == expected


def _as_cell(text: str) -> str:
    return text[2:-1] if text.startswith('="') and text.endswith('"') and len(text) > 2 else text


# Quotes


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('1,"say ""hi""",5', ("1", 'say "hi"', "5")),
        ('1,12" screen,5', ("1", '12" screen', "5")),
        ('1,"12" screen",5', ("1", '12" screen', "5")),
        ('1,"a "b" c",5', ("1", 'a "b" c', "5")),
        ('1,"Big" screen,5', ("1", '"Big" screen', "5")),
        ('1, "x, y" ,5', ("1", "x, y", "5")),
        ('1,="0012",5', ("1", "0012", "5")),
        ('1,"=""0012""",5', ("1", "0012", "5")),
        ("1,'s Gravenhage,5", ("1", "'s Gravenhage", "5")),
        ("1,1'234.50,5", ("1", "1'234.50", "5")),
        (r"1,C:\new\,5", ("1", r"C:\new\ ".strip(), "5")),
        (r'1,"C:\dir\",5', ("1", "C:\\dir\\", "5")),
        ('1,"",5', ("1", "", "5")),
    ],
)
def test_a_cell_is_what_a_person_sees_in_it(line, expected):
    assert cells(f"a,b,c\n0,x,1\n{line}\n9,y,2\n") == [("a", "b", "c"), ("0", "x", "1"), expected, ("9", "y", "2")]


def test_backslashes_before_quotes_are_obeyed_where_the_file_is_written_so():
    assert cells('a,b,c\n1,"say \\"hi\\", you",5\n2,"a ""b""",6\n')[1:] == [
        ("1", 'say "hi", you', "5"),
        ("2", 'a "b"', "6"),
    ]


def test_single_quotes_hold_cells_together_where_all_are_written_so():
    assert cells("'a','b','c'\n'1','x, y','5'\n'2','it''s','6'\n")[1:] == [("1", "x, y", "5"), ("2", "it's", "6")]


def test_a_quote_that_is_never_closed_is_refused_by_the_line_where_it_opens():
    assert refusal('a,b,c\n1,x,5\n2,"open,6\n3,y,7\n') == (
        "costs.csv line 3: a quote that opens in the row that begins here is not closed as it should be; close the "
        "quote, double the quotes that belong to the text, and try again (cells are separated by commas)"
    )


def test_a_stray_quote_that_meets_another_one_later_swallows_no_rows():
    assert "costs.csv line 3: a quote that opens" in refusal('a,b,c\n1,x,5\n2,"open,6\n3,y,7\n4,12" screen,8\n')
    assert refusal('a,b,c\n1,x,5\n2,"open,6\n3,y,7\n4,screen 12",8\n').startswith(
        "costs.csv line 3: a quote that opens in the row that begins here is still open on line 4, which looks like a "
        "row of its own"
    )


def test_a_text_of_several_lines_is_no_swallowed_row():
    assert cells('day,what,amount\n2026-11-03,"first, second, third\nfourth, fifth, sixth",5\n')[1] == (
        "2026-11-03", "first, second, third\nfourth, fifth, sixth", "5",
    )  # fmt: skip


def test_a_row_whose_quotes_can_be_understood_in_two_ways_is_refused():
    assert "costs.csv line 3: a quote" in refusal('a,b,c\n0,x,1\n1,"Big, fat" screen,5\n9,y,2\n')


def test_a_cell_without_end_is_refused():
    assert "costs.csv line 2: a cell of the row that begins here has 100,001 characters" in refusal(
        f"a,b\n1,{'x' * 100_001}\n"
    )
    assert cells(f"a,b\n1,{'x' * 100_000}\n")[1][1] == "x" * 100_000
    assert "costs.csv line 2: the line has 1,000,003 characters" in refusal(f"a,b\n1,{'x' * 1_000_000}\n")


@given(st.text(st.sampled_from("a1,;\t|\"' \n\r\\=\ufeff\f\x1a"), max_size=60))
def test_any_text_is_read_whole_or_refused(text):
    try:
        sheets = open_sheets("x.csv", text.encode())
    except RefusedError:
        return
    for sheet in sheets:
        try:
            read = list(sheet.rows())
        except RefusedError:
            continue
        lines = [row.line for row in read]
        assert lines == sorted(set(lines))
        kept = "".join("".join(row.cells) for row in read)
        assert sum(map(kept.count, "a1")) == sum(map(text.count, "a1"))


# What is no table


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "the file is empty"),
        (b" \r\n\t\n", "the file is empty"),
        (b"%PDF-1.7\n%\xe2\xe3", "it is a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "it is an image (PNG)"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "it is an image (JPEG)"),
        (b"\r\n<!DOCTYPE html>\n<html lang=de>", "it is a web page (HTML)"),
        (b"\xef\xbb\xbf<table border=1><tr><td>Datum", "it is a web page (HTML)"),
        (b"<html xmlns:x='urn:schemas-microsoft-com:office:excel'>", "it is a web page (HTML)"),
        (b"<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'>", "form of 2003"),
        (b"<?xml version='1.0'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02'>", "it is XML"),
        (b"OFXHEADER:100\nDATA:OFXSGML", "it is a bank statement in the OFX format"),
        (b"!Type:Bank\nD11/03/26", "it is a bank statement in the QIF format"),
        (b":20:STARTUMS\n:25:", "it is a bank statement in the MT940 format"),
        (b'{"costs": [\n{"amount": 1}]}', "it is JSON"),
        (b'{"a": 1}\n{"a": 2}\n', "it is JSON"),
        (b"[" * 100_000, "it is JSON"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "before 2007 (.xls)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "a workbook with a password"),
        (b"7z\xbc\xaf\x27\x1c", "it is an archive (7z)"),
    ],
)
def test_what_is_no_table_is_refused_by_what_it_is_with_a_cure(data, what):
    message = refusal(data)
    assert what in message
    assert "; " in message


def test_a_table_that_begins_with_a_bracket_is_a_table():
    assert cells("[Report]\na,b\n1,2\n") == [("[Report]",), ("a", "b"), ("1", "2")]
    assert cells("[2026]\na,b\n1,2\n")[0] == ("[2026]",)
    assert cells("<note>,b\n1,2\n") == [("<note>", "b"), ("1", "2")]


def test_a_file_of_one_table_has_no_sheets_to_choose_from():
    assert refusal("a,b\n1,2\n", wanted="Costs") == (
        'costs.csv: there is no sheet "Costs" in it: it is one table; leave the name of the sheet out'
    )


def test_a_large_file_is_read_without_its_rows_being_kept():
    content = b"day,what,amount\n" + b"2026-11-03,something that was paid for,12.50\n" * 200_000
    tracemalloc.start()
    try:
        assert sum(1 for _ in likeliest(content).rows()) == 200_001
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 << 20
