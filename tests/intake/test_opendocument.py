from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.intake.rejection import RefusedError
from trayd.intake.sheet import open_sheets

_SPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in {"office": "office", "table": "table", "text": "text", "style": "style"}.items()
)


def document(tables: str, *, styles: str = "", manifest: str = "<manifest/>") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        parts.writestr("META-INF/manifest.xml", manifest)
        parts.writestr(
            "content.xml",
            f'<office:document-content {_SPACES} xmlns:calcext="urn:calcext"><office:automatic-styles>{styles}'
            f"</office:automatic-styles><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
            "</office:document-content>",
        )
    return out.getvalue()


def table(rows: str, name: str = "Costs", style: str = "ta1") -> str:
    return f'<table:table table:name="{name}" table:style-name="{style}"><table:table-column/>{rows}</table:table>'


def row(*cells: str, repeated: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{repeated}">{"".join(cells)}</table:table-row>'


def cell(shown: str = "", *, repeated: int = 1, **values: str) -> str:
    stored = " ".join(f'office:{name.replace("_", "-")}="{value}"' for name, value in values.items())
    text = f"<text:p>{shown}</text:p>" if shown else ""
    return f'<table:table-cell table:number-columns-repeated="{repeated}" {stored}>{text}</table:table-cell>'


def text(shown: str) -> str:
    return cell(shown, value_type="string")


def rows(data: bytes) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.line, row.cells) for row in open_sheets("costs.ods", data)[0].rows()]


def only(*cells: str) -> tuple[str, ...]:
    ((_, found),) = rows(document(table(row(*cells))))
    return found


def refusal(data: bytes) -> str:
    with pytest.raises(RefusedError) as refused:
        _ = [list(sheet.rows()) for sheet in open_sheets("costs.ods", data)]
    return refused.value.rejection.text("costs.ods")


def test_a_sheet_is_rows_of_texts_with_the_numbers_that_are_shown_beside_them():
    data = document(
        table(
            row(text("day"), text("what"), text("amount"))
            + row(cell(repeated=1024), repeated=3)
            + row(cell(), text("Pro"), cell("12,30", value_type="float", value="12.3"), cell(repeated=1021))
            + row(cell(repeated=1024), repeated=1048571)
        )
    )
    (sheet,) = open_sheets("costs.ods", data)
    assert (sheet.encoding, sheet.delimiter, sheet.name, sheet.exact) == ("OpenDocument", "", "", True)
    assert list(sheet.rows()) == list(sheet.rows())
    assert rows(data) == [(1, ("day", "what", "amount")), (5, ("", "Pro", "12.3"))]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (cell("12,50 €", value_type="currency", currency="EUR", value="12.5"), "12.5 EUR"),
        (cell("19 %", value_type="percentage", value="0.19"), "0.19"),
        (cell("03.11.26", value_type="date", date_value="2026-11-03"), "2026-11-03"),
        (cell("03.11.26", value_type="date", date_value="2026-11-03T00:00:00"), "2026-11-03"),
        (cell("03.11.26", value_type="date", date_value="2026-11-03T14:03:11.5"), "2026-11-03 14:03:11"),
        (cell("14:03", value_type="time", time_value="PT14H03M11.25S"), "14:03:11"),
        (cell("WAHR", value_type="boolean", boolean_value="true"), "TRUE"),
        (cell("1,1", value_type="float", value="1.1000000000000001"), "1.1"),
        (cell("#DIV/0!", value_type="float", value="0"), "#DIV/0!"),
        (cell("Err:502", value_type="float", value="0"), "Err:502"),
        (cell("", value_type="string", string_value="said so"), "said so"),
        ("<table:covered-table-cell office:value-type='float' office:value='7'/>", "7"),
    ],
)
def test_kinds_of_cells(found, expected):
    assert only(found) == (expected,)


def test_what_libreoffice_says_again_in_its_own_way_does_not_count():
    kinds = "office:value-type='float' office:value='5' calcext:value-type='error'"
    assert only(f"<table:table-cell {kinds}><text:p>5,00</text:p></table:table-cell>") == ("5",)


def test_texts_have_lines_spaces_and_links_and_comments_are_none_of_theirs():
    found = (
        "<table:table-cell office:value-type='string'><office:annotation><text:p>a comment</text:p></office:annotation>"
        "<text:p>one<text:s text:c='3'/><text:span>t<text:a>w</text:a>o</text:span><text:tab/>x</text:p>"
        "<text:p>three<text:line-break/>four</text:p></table:table-cell>"
    )
    assert only(found) == ("one   two\tx\nthree\nfour",)


def test_what_is_repeated_is_there_as_often():
    assert rows(document(table(row(cell(repeated=2), cell("x", value_type="string", repeated=2), repeated=2)))) == [
        (1, ("", "", "x", "x")),
        (2, ("", "", "x", "x")),
    ]


def test_sheets_by_name_without_hidden_and_empty_ones():
    hidden = '<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style>'
    data = document(
        table(row(text("a"), text("b")), "Costs")
        + table(row(cell(repeated=1024)), "Empty")
        + table(row(text("x")), "Workings", "ta2")
        + table(row(text("c"), text("d"), text("e")), "2025"),
        styles=hidden,
    )
    assert [(sheet.name, sheet.width) for sheet in open_sheets("costs.ods", data)] == [("Costs", 2), ("2025", 3)]
    (workings,) = open_sheets("costs.ods", data, "Workings")
    assert [row.cells for row in workings.rows()] == [("x",)]
    (last,) = open_sheets("costs.ods", data, "2025")
    assert [row.cells for row in last.rows()] == [("c", "d", "e")]


def test_what_was_deleted_and_tables_in_cells_are_no_rows():
    data = document(
        f"<table:tracked-changes>{row(text('gone'))}</table:tracked-changes>"
        + table(row(text("a"), f"<table:table-cell>{table(row(text('inner')))}</table:table-cell>", text("b")))
    )
    assert rows(data) == [(1, ("a", "", "b"))]


def test_a_spreadsheet_in_an_archive_is_one_of_its_tables():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", "x,y\n1,2\n")
        archive.writestr("b.ods", document(table(row(text("a"), text("b")))))
    assert [sheet.name for sheet in open_sheets("costs.zip", out.getvalue())] == ["a.csv", "b.ods/Costs"]


def test_one_with_a_password_is_refused():
    assert refusal(document("", manifest="<manifest><file-entry><encryption-data/></file-entry></manifest>")) == (
        "costs.ods: it is a spreadsheet with a password; save it without the password and drop that"
    )


def test_a_cell_far_away_and_rows_without_end_are_refused():
    assert "costs.ods line 1: a cell stands in column 16,384" in refusal(
        document(table(row(cell(repeated=16383), text("x"))))
    )
    assert "the workbook is damaged" in refusal(document(table(row(text("x"), repeated=1048577))))
    assert "the workbook is damaged" in refusal(document(table("<table:table-row>")))


@given(st.data())
def test_a_spreadsheet_with_flipped_bytes_is_read_or_refused(data):
    damaged = bytearray(_WHOLE)
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=5)):
        damaged[at] ^= data.draw(st.integers(1, 255))
    try:
        for sheet in open_sheets("costs.ods", bytes(damaged)):
            list(sheet.rows())
    except RefusedError:
        pass


_WHOLE = document(table(row(text("a"), cell("1", value_type="float", value="1"))))
