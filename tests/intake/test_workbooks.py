from __future__ import annotations

import io
import re
import subprocess
import sys
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.styles import PatternFill
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.intake.samples import messages, read
from trayd.intake.number_formats import currency_of
from trayd.intake.rejection import RefusedError
from trayd.intake.sheet import open_sheets

_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_PLACES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STRICT_MAIN = b"http://purl.oclc.org/ooxml/spreadsheetml/main"


def saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def book_of(*rows: tuple[Any, ...], formats: dict[str, str] | None = None) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for place, number_format in (formats or {}).items():
        book.active[place].number_format = number_format
    return book


def cells(data: bytes, wanted: str | None = None) -> list[tuple[str, ...]]:
    return [row.cells for row in open_sheets("costs.xlsx", data, wanted)[0].rows()]


def first_row(*values: Any, **formats: str) -> tuple[str, ...]:
    return cells(saved(book_of(values, formats=formats)))[0]


def refusal(data: bytes, wanted: str | None = None) -> str:
    with pytest.raises(RefusedError) as refused:
        _ = [list(sheet.rows()) for sheet in open_sheets("costs.xlsx", data, wanted)]
    return refused.value.rejection.text("costs.xlsx")


_PARTS = {
    "book.xml": "sheet.main",
    "one.xml": "worksheet",
    "texts.xml": "sharedStrings",
}


def package(
    sheet: str, *, prefix: str = "", folder: str = "xl", declared: str = "", texts: str = "", settings: str = ""
) -> bytes:
    """A workbook of one sheet as a program might write it that writes no more than it has to."""
    p = f"{prefix}:" if prefix else ""
    space = f'xmlns{f":{prefix}" if prefix else ""}="{_MAIN}"'
    kinds = "".join(
        f'<Override PartName="/{folder}/{part}" ContentType="application/vnd.openxmlformats-officedocument'
        f'.spreadsheetml.{kind}+xml"/>'
        for part, kind in _PARTS.items()
    )
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("[Content_Types].xml", f'<Types xmlns="{_TYPES}">{kinds}</Types>')
        parts.writestr(
            f"{folder}/_rels/book.xml.rels",
            f'<Relationships xmlns="{relations}">'
            f'<Relationship Id="r7" Type="{_PLACES}/worksheet" Target="/{folder}/one.xml"/>'
            f'<Relationship Id="r8" Type="{_PLACES}/sharedStrings" Target="texts.xml"/></Relationships>',
        )
        parts.writestr(f"{folder}/texts.xml", f"<{p}sst {space}>{texts}</{p}sst>")
        parts.writestr(
            f"{folder}/book.xml",
            f'<{p}workbook {space} xmlns:r="{_PLACES}"><{p}sheets><{p}sheet name="One" sheetId="1" r:id="r7"/>'
            f"</{p}sheets>{settings}</{p}workbook>",
        )
        parts.writestr(
            f"{folder}/one.xml", f"{declared}<{p}worksheet {space}><{p}sheetData>{sheet}</{p}sheetData></{p}worksheet>"
        )
    return out.getvalue()


def changed(data: bytes, part: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """A workbook with one of its parts (or all whose names begin so) changed, or taken out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as parts, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as other:
        for name in parts.namelist():
            content = change(parts.read(name)) if name.startswith(part) else parts.read(name)
            if content is not None:
                other.writestr(name, content)
    return out.getvalue()


# Cells


def test_a_sheet_is_rows_of_texts_with_the_numbers_that_excel_shows():
    book = book_of(("date", "what", "amount"))
    book.active["B4"] = "Pro plan"
    book.active["C4"] = 12.3
    (sheet,) = open_sheets("costs.xlsx", saved(book))
    assert (sheet.encoding, sheet.delimiter, sheet.name, sheet.exact) == ("Excel", "", "", True)
    assert [(row.line, row.cells) for row in sheet.rows()] == [
        (1, ("date", "what", "amount")),
        (4, ("", "Pro plan", "12.3")),
    ]
    assert list(sheet.rows()) == list(sheet.rows())


def test_kinds_of_cells():
    assert first_row("text", 12, 12.5, True, False, None, "#REF!", " 0012 ") == (
        "text", "12", "12.5", "TRUE", "FALSE", "", "#REF!", " 0012 ",
    )  # fmt: skip


def stored_number(stored: str) -> str:
    return cells(package(f"<row><c><v>{stored}</v></c></row>"))[0][0]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("12.3", "12.3"),
        ("12.300000000000001", "12.3"),
        ("1.1000000000000001", "1.1"),
        ("0.30000000000000004", "0.3"),
        ("100", "100"),
        ("100.0", "100"),
        ("1E-3", "0.001"),
        ("1.5E+7", "15000000"),
        ("-0.0025", "-0.0025"),
        ("0.00006944444", "0.00006944444"),
        ("123456789012345678", "123456789012346000"),
        ("1E+300", "1" + "0" * 300),
        ("1E+4000", "inf"),
    ],
)
def test_a_number_is_the_one_that_excel_shows_however_it_is_stored(stored, shown):
    assert stored_number(stored) == shown


@given(st.lists(st.decimals(-(10**9), 10**9, places=4), min_size=1, max_size=20))
def test_amounts_come_out_as_they_went_in(amounts):
    read = first_row(*(float(amount) for amount in amounts))
    assert [Decimal(text) for text in read] == amounts


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (date(2026, 11, 3), "yyyy-mm-dd", "2026-11-03"),
        (date(2026, 11, 3), "d/m/yy", "2026-11-03"),
        (date(2026, 11, 3), "[$-407]d. mmmm yyyy;@", "2026-11-03"),
        (datetime(2026, 11, 3, 14, 3, 11), "m/d/yyyy h:mm", "2026-11-03 14:03:11"),  # noqa: DTZ001
        (time(14, 3, 11), "h:mm AM/PM", "14:03:11"),
        (timedelta(hours=36, minutes=30), "[h]:mm:ss", "36:30:00"),
        (46329.75, "0.00", "46329.75"),
        (46329, '"day" 0', "46329"),
        (46329, "#,##0", "46329"),
        (0.19, "0%", "0.19"),
    ],
)
def test_dates_are_told_by_the_format(value, number_format, shown):
    assert first_row(value, A1=number_format) == (shown,)


def test_days_can_be_counted_from_1904_on():
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append((date(2026, 11, 3), datetime(2026, 11, 3, 14, 3)))  # noqa: DTZ001
    assert cells(saved(book)) == [("2026-11-03", "2026-11-03 14:03:00")]


@pytest.mark.parametrize(
    ("serial", "shown"),
    [
        (1, "1900-01-01"),
        (59, "1900-02-28"),
        (61, "1900-03-01"),
        (46329.99999999, "2026-11-04"),
        (2958465, "9999-12-31"),
        (2958466, "#VALUE!"),
    ],
)
def test_days_are_counted_as_excel_does_and_rounded_to_the_second(serial, shown):
    assert first_row(serial, A1="yyyy-mm-dd hh:mm:ss") == (shown,)


def test_lengths_of_time_can_be_negative():
    assert first_row(-0.25, A1="[h]:mm:ss") == ("-06:00:00",)


@pytest.mark.parametrize(
    ("number_format", "shown"),
    [
        ("#,##0.00 [$€-407]", "12.5 €"),
        ("[$$-409]#,##0.00", "12.5 USD"),
        ("[$$-1009]#,##0.00", "12.5 CAD"),
        ("#,##0.00 [$kr-41D]", "12.5 SEK"),
        ("#,##0.00\\ [$kr.-406]", "12.5 DKK"),
        ("[$¥-411]#,##0", "12.5 JPY"),
        ("[$EUR] #,##0.00", "12.5 EUR"),
        ('#,##0.00 "kr"', "12.5 kr"),
        ('_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-;_-* "-"??\\ "€"_-;_-@_-', "12.5 €"),
        ('_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)', "12.5 $"),
        ("$#,##0.00", "12.5 $"),
        ("£#,##0.00;[Red]-£#,##0.00", "12.5 £"),
        ("USD 0.00", "12.5 USD"),
        ('0.00 "CHF"', "12.5 CHF"),
        ('0 "pieces"', "12.5"),
        ('0.00 "seconds"', "12.5"),
        ("0.00_);[Red]\\(0.00\\)", "12.5"),
        ("General", "12.5"),
    ],
)
def test_the_currency_of_a_money_format_is_kept(number_format, shown):
    assert first_row(12.5, A1=number_format) == (shown,)


def test_money_with_letters_that_stand_for_days_and_seconds_elsewhere_is_no_date():
    assert first_row(60, date(2026, 11, 3), A1="#,##0.00 USD", B1="yyyy-mm-dd") == ("60 USD", "2026-11-03")


def test_a_built_in_money_format_tells_no_currency_since_it_shows_that_of_whoever_looks():
    assert first_row(12.5, A1=BUILTIN_FORMATS[44]) == ("12.5",)
    assert first_row(12.5, A1='_-* #,##0.00 "€"_-') == ("12.5 €",)


@given(st.text(max_size=30))
def test_any_format_code_may_show_a_currency(code):
    assert isinstance(currency_of(code), str)


def test_a_formula_is_what_excel_last_made_of_it():
    sheet = (
        '<row r="1"><c r="A1"><f>B1*2</f><v>24</v></c><c r="B1" t="str"><f>T("x")</f><v>x</v></c>'
        '<c r="C1" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="D1" t="str"><f>""</f><v></v></c></row>'
    )
    assert cells(package(sheet)) == [("24", "x", "#DIV/0!")]


def test_a_formula_that_nothing_has_calculated_is_shown_as_such():
    assert first_row(12, "=A1*2", None, "=A1+0") == ("12", "=A1*2", "", "=A1+0")
    shared = (
        '<row r="1"><c r="A1"><f t="shared" ref="A1:A2" si="0">B1*2</f></c></row>'
        '<row r="2"><c r="A2"><f t="shared" si="0"/></c></row>'
        '<row r="4"><c r="A4"><f t="array" ref="A4">1+1</f></c></row>'
    )
    assert cells(package(shared)) == [("=B1*2",), ("=B2*2",), ("=1+1",)]


def test_a_result_of_zero_is_none_where_the_program_that_wrote_it_says_that_it_has_calculated_nothing():
    sheet = '<row r="1"><c r="A1"><f>B1*2</f><v>0</v></c><c r="B1"><v>0</v></c><c r="C1"><f>B1+7</f><v>7</v></c></row>'
    assert cells(package(sheet)) == [("0", "0", "7")]
    assert cells(package(sheet, settings='<calcPr calcId="1"/>')) == [("0", "0", "7")]
    unsure = package(sheet, settings='<calcPr calcId="124519" fullCalcOnLoad="1"/>')
    assert cells(unsure) == [("=B1*2", "0", "7")]


def test_a_cost_that_nothing_has_calculated_is_rejected_and_not_passed_over():
    book = book_of(
        ("date", "description", "amount"),
        (date(2026, 11, 3), "Standard", 30),
        (date(2026, 11, 4), "Voices", "=C2*2"),
        (date(2026, 11, 5), "Extra", None),
    )
    assert messages(read("costs.xlsx", saved(book))) == [
        'costs.xlsx line 3: "=C2*2" is not an amount (column "amount"); correct it and try again',
        'costs.xlsx line 4: the amount is empty (column "amount"); fill it in and try again',
    ]


def test_merged_cells_have_their_value_once_so_that_no_amount_counts_twice():
    book = book_of(("title", None, None), ("2026-11-03", "a", 5), (None, "b", None))
    book.active.merge_cells("A1:C1")
    book.active.merge_cells("C2:C3")
    assert cells(saved(book)) == [("title",), ("2026-11-03", "a", "5"), ("", "b")]


def test_texts_are_whole_with_runs_without_readings_and_with_escapes():
    inline = (
        '<row r="1"><c r="A1" t="inlineStr"><is><r><t>one </t></r><r><t>two</t></r>'
        '<rPh sb="0" eb="1"><t>no</t></rPh></is></c>'
        '<c r="B1" t="inlineStr"><is><t>a_x000D_b</t></is></c></row>'
    )
    assert cells(package(inline)) == [("one two", "a\rb")]
    assert first_row("a\nb", "snow ☃ 😀") == ("a\nb", "snow ☃ 😀")


def test_places_can_be_left_out_and_names_can_have_prefixes():
    bare = "<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>"
    assert cells(package(bare)) == [("1", "2"), ("3",)]
    prefixed = '<x:row r="3"><x:c r="B3" t="d"><x:v>2026-11-03T00:00:00</x:v></x:c></x:row>'
    assert cells(package(prefixed, prefix="x", folder="office")) == [("", "2026-11-03")]


@given(
    st.lists(
        st.lists(
            st.one_of(
                st.none(),
                st.integers(-(10**14), 10**14),
                st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8).filter(
                    lambda text: not text.startswith(("=", "#")) and "_x" not in text
                ),
            ),
            min_size=1,
            max_size=4,
        ),
        max_size=5,
    )
)
def test_what_another_program_writes_is_read_as_it_was_meant(table):
    book = book_of(("top",), *map(tuple, table))
    read = {row.line: row.cells for row in open_sheets("x.xlsx", saved(book))[0].rows()}
    for number, row in enumerate(table, start=2):
        texts = ["" if cell is None else str(cell) for cell in row]
        while texts and not texts[-1]:
            texts.pop()
        assert read.get(number, ()) == tuple(texts)


def test_cells_share_texts():
    texts = (
        "<si><t>plain</t></si><si><r><t>one </t></r><r><t>two</t></r><rPh sb='0' eb='1'><t>no</t></rPh>"
        "<phoneticPr fontId='1'/></si><si/>"
        "<si><t>a_x000D_b_x</t></si>"
    )
    sheet = "".join(f"<c t='s'><v>{number}</v></c>" for number in (3, 1, 0, 0, 2))
    assert cells(package(f"<row>{sheet}</row>", texts=texts)) == [("a\rb_x", "one two", "plain", "plain")]


# Sheets


def several() -> bytes:
    book = book_of(("day", "amount"), (1, 2))
    book.active.title = "Costs"
    book.create_sheet("Empty")
    hidden = book.create_sheet("Workings")
    hidden.append(("x", "y"))
    hidden.sheet_state = "hidden"
    book.create_sheet("2025").append(("day", "total", "note"))
    book.create_chartsheet("Chart")
    return saved(book)


def test_each_sheet_that_people_see_something_in_is_offered():
    sheets = open_sheets("costs.xlsx", several())
    assert [(sheet.name, sheet.width) for sheet in sheets] == [("Costs", 2), ("2025", 3)]


@pytest.mark.parametrize("wanted", ["2025", "Workings", "costs", " COSTS "])
def test_a_sheet_can_be_meant_by_its_name_even_if_it_is_hidden(wanted):
    (sheet,) = open_sheets("costs.xlsx", several(), wanted)
    assert sheet.name == ""
    assert sheet.width == (3 if wanted == "2025" else 2)


def test_a_sheet_that_is_not_there_is_told_with_those_that_are():
    assert refusal(several(), "Kosten") == (
        'costs.xlsx: there is no sheet "Kosten" in it; take one of those that are there: "Costs", "2025"'
    )


def test_a_workbook_with_macros_is_read_without_them():
    data = io.BytesIO(several())
    with zipfile.ZipFile(data, "a") as parts:
        parts.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0 never opened")
    assert open_sheets("costs.xlsm", data.getvalue())[0].name == "Costs"


def test_a_workbook_is_one_whatever_its_name_is():
    assert open_sheets("export.csv", several())[0].encoding == "Excel"


def test_a_workbook_without_anything_in_it_is_refused():
    assert refusal(saved(openpyxl.Workbook())) == (
        "costs.xlsx: all its sheets are empty or hidden; show the one that is meant"
    )


def test_a_workbook_is_one_wherever_its_parts_are_and_an_archive_of_xml_is_none():
    assert cells(package("<row><c><v>1</v></c></row>", folder="office")) == [("1",)]
    types = changed(package(""), "", lambda content: content.replace(b"spreadsheetml", b"wordprocessingml"))
    assert "no table is in it" in refusal(types)


@pytest.mark.parametrize("size", [b"A1", b"A1:A1", b"B2:C2", b"A1:XFD1048576"])
def test_the_size_that_a_sheet_says_it_has_is_not_believed(size):
    data = changed(
        saved(book_of(("day", "amount"), (1, 2), (3, 4))),
        "xl/worksheets/",
        lambda content: re.sub(rb'(<dimension ref=)"[^"]*"', rb'\1"' + size + b'"', content),
    )
    assert cells(data) == [("day", "amount"), ("1", "2"), ("3", "4")]


def test_what_openpyxl_warns_of_is_passed_over():
    rules = b'</sheetData><extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"/></extLst>'
    data = changed(_SEVERAL, "xl/worksheets/", lambda content: content.replace(b"</sheetData>", rules))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert cells(data, "Costs") == [("day", "amount"), ("1", "2")]
    assert told == []


def test_openpyxl_is_loaded_for_workbooks_only(tmp_path):
    """It takes time and memory, and most files are texts."""
    texts = "day,what,amount\n2026-11-03,Pro,12.50\n"
    (tmp_path / "a.csv").write_text(texts)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("a.csv", texts)
    (tmp_path / "c.xlsx").write_bytes(_SEVERAL)
    program = (
        "import sys, pathlib, trayd.process, trayd.daemon, trayd.cli\n"
        "from trayd.intake.sheet import open_sheets\n"
        "for name in sys.argv[1:]:\n"
        "    path = pathlib.Path(name)\n"
        "    rows = list(open_sheets(path.name, path.read_bytes())[0].rows())\n"
        "    print(len(rows), 'openpyxl' in sys.modules)\n"
    )
    files = [str(tmp_path / name) for name in ("a.csv", "b.zip", "c.xlsx")]
    done = subprocess.run([sys.executable, "-c", program, *files], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["2 False", "2 False", "2 True"]


# Damage and malice


def test_a_cell_far_away_from_all_others_is_told_rather_than_made_room_for():
    book = book_of(("day", "amount"))
    book.active["XFD1048576"] = 1
    assert refusal(saved(book)) == (
        "costs.xlsx line 1048576: a cell stands in column 16,384, far beyond any table; clear it and try again"
    )


def test_cells_far_away_with_nothing_but_a_colour_do_no_harm():
    book = book_of(("day", "amount"), (1, 2))
    for place in ("XFD1", "ZZ1048576"):
        book.active[place].fill = PatternFill("solid", start_color="FFFF00")
    assert cells(saved(book)) == [("day", "amount"), ("1", "2")]


@pytest.mark.parametrize(
    "sheet",
    [
        "<row r='1'><c r='A1'><v>1</v></row>",
        "<row r='one'/>",
        "<row r='1'><c r='1A'/></row>",
        "<row r='1'><c t='s'><v>5</v></c></row>",
        "<row r='1'><c><v>five</v></c></row>",
        "<row r='1'><c s='9'><v>1</v></c></row>",
        "<row r='1'><c t='d'><v>soon</v></c></row>",
        "<row r='1'><c><v>&nothing;</v></c></row>",
    ],
)
def test_a_damaged_sheet_is_refused(sheet):
    told = refusal(package(sheet))
    assert told.startswith("costs.xlsx: the workbook is damaged, or unusual beyond what can be read (")
    assert told.endswith(
        "); open it in Excel or LibreOffice, save it again as .xlsx (or the sheet as CSV) and drop that"
    )


@pytest.mark.parametrize("second", [1, 2, 1048577, 999999999])
def test_rows_that_are_not_below_one_another_are_refused_since_some_would_be_lost(second):
    sheet = f'<row r="2" spans="1:1"><c r="A2"><v>1</v></c></row><row spans="1:1" r="{second}"><c><v>2</v></c></row>'
    assert refusal(package(sheet)) == (
        f"costs.xlsx: the workbook is damaged: row {second:,} stands below row 2; "
        "open it in LibreOffice, save it again as .xlsx (or the sheet as CSV) and drop that"
    )


def test_a_row_of_more_cells_than_there_are_columns_is_refused_before_room_is_made_for_it():
    data = package('<row r="1">' + '<c r="A1"/>' * 1_000_000 + "</row>")
    tracemalloc.start()
    try:
        assert "the workbook is damaged: a row has more than 16,384 cells" in refusal(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 << 20


def test_rows_are_found_wherever_the_sheet_is_cut_for_reading():
    rows = "".join(f'<row r="{number}"><c r="A{number}"><v>{number}</v></c></row>' for number in range(1, 8001))
    assert cells(package(rows))[-1] == ("8000",)
    again = rows.replace('<row r="4000">', '<row r="3999">')
    assert "row 3,999 stands below row 3,999" in refusal(package(again))


def test_entities_do_not_grow_and_nothing_is_fetched():
    tenfold = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    declared = f'<!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaa">{tenfold}]>'
    assert "the workbook is damaged" in refusal(package("<row><c t='str'><v>&e11;</v></c></row>", declared=declared))
    outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    assert "the workbook is damaged" in refusal(package("<row><c><v>&a;</v></c></row>", declared=outside))


def test_a_workbook_that_lacks_a_sheet_is_refused():
    assert refusal(changed(_SEVERAL, "xl/worksheets/sheet1.xml", lambda _: None)) == (
        'costs.xlsx: the workbook is damaged: "xl/worksheets/sheet1.xml", a sheet of it, is missing; '
        "open it in Excel or LibreOffice, save it again as .xlsx (or the sheet as CSV) and drop that"
    )


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/_rels/", "xl/styles.xml"])
def test_a_workbook_that_lacks_a_part_is_refused(part):
    data = saved(book_of(("day", "amount"), (date(2026, 11, 3), 5)))
    assert "costs.xlsx: the workbook is damaged" in refusal(changed(data, part, lambda _: None))
    shared = package("<row><c t='s'><v>0</v></c></row>", texts="<si><t>text</t></si>")
    assert "costs.xlsx: the workbook is damaged" in refusal(changed(shared, "xl/texts.xml", lambda _: None))


def test_a_workbook_with_odd_styles_is_refused_by_what_is_odd():
    odd = changed(
        saved(book_of(("day", "amount"))),
        "xl/styles.xml",
        lambda content: content.replace(b'rgb="00FF0000"', b'rgb="red"'),
    )
    assert "unusual beyond what can be read (ValueError: Colors must be aRGB hex values)" in refusal(odd)


def test_a_workbook_of_the_strict_form_is_refused_by_what_it_is():
    strict = changed(_SEVERAL, "xl/worksheets/", lambda content: content.replace(_MAIN.encode(), _STRICT_MAIN))
    assert refusal(strict) == (
        'costs.xlsx: it is a workbook of the form "Strict Open XML", which few programs read; '
        'save it as "Excel workbook (.xlsx)" and drop that'
    )


@given(st.data())
def test_a_workbook_with_flipped_bytes_is_read_or_refused(data):
    damaged = bytearray(_SEVERAL)
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=5)):
        damaged[at] ^= data.draw(st.integers(1, 255))
    try:
        for sheet in open_sheets("costs.xlsx", bytes(damaged)):
            list(sheet.rows())
    except RefusedError:
        pass


_SEVERAL = several()
