from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile

import openpyxl
import pytest

from trayd.intake.kinds import LARGEST_FILE
from trayd.intake.rejection import RefusedError
from trayd.intake.sheet import open_sheets

TABLE = b"day,what,amount\n2026-11-03,Pro,12.50\n"


def zipped(*files: tuple[str, bytes], **options) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def workbook(*titles: str) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title in titles:
        book.create_sheet(title).append(("day", "amount"))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def names(data: bytes, wanted: str | None = None) -> list[str]:
    return [sheet.name for sheet in open_sheets("costs.zip", data, wanted)]


def refusal(data: bytes, wanted: str | None = None, name: str = "costs.zip") -> str:
    with pytest.raises(RefusedError) as refused:
        open_sheets(name, data, wanted)
    return refused.value.rejection.text(name)


def test_a_packed_table_is_the_table():
    packed = open_sheets("costs.csv.gz", gzip.compress(TABLE))
    archived = open_sheets("costs.zip", zipped(("november/costs.csv", TABLE)))
    plain = open_sheets("costs.csv", TABLE)
    assert [row.cells for row in plain[0].rows()][1] == ("2026-11-03", "Pro", "12.50")
    for (sheet,) in (packed, archived):
        assert list(sheet.rows()) == list(sheet.rows()) == list(plain[0].rows())
        assert (sheet.name, sheet.delimiter, sheet.encoding) == ("", "comma", "UTF-8")


def test_a_gzip_file_of_several_pieces_is_one_table():
    (sheet,) = open_sheets("costs.csv.gz", gzip.compress(TABLE) + gzip.compress(b"2026-11-04,Voice,9.00\n"))
    assert [row.line for row in sheet.rows()] == [1, 2, 3]


def test_what_rides_along_in_an_export_is_left_alone():
    data = zipped(
        ("__MACOSX/._costs.csv", b"\0\0"),
        (".DS_Store", b"\0\0"),
        ("export/._costs.csv", b"\0\0"),
        ("export/~$costs.xlsx", b"\0\0"),
        ("export/costs.csv", TABLE),
        ("export/invoice-1.pdf", b"%PDF-1.7"),
        ("export/logo.png", b"\x89PNG"),
        ("export/manifest.json", b"{}"),
        ("export/README.txt", b"Thank you for using us.\nYours, truly\n"),
        ("export/empty.csv", b""),
    )
    assert [row.cells for row in open_sheets("costs.zip", data)[0].rows()][1] == ("2026-11-03", "Pro", "12.50")
    assert set(names(data)) <= {"export/costs.csv", "export/README.txt"}
    assert names(data)[0] == "export/costs.csv"


def test_every_table_in_an_archive_is_offered_by_its_name():
    data = zipped(("b.txt", b"x\ty\n1\t2\n"), ("a.csv", TABLE), ("sub/book.xlsx", workbook("One", "Two")))
    assert names(data) == ["a.csv", "sub/book.xlsx/One", "sub/book.xlsx/Two", "b.txt"]


@pytest.mark.parametrize(
    ("wanted", "cells"),
    [
        ("a.csv", ("day", "what", "amount")),
        ("A.CSV", ("day", "what", "amount")),
        ("sub/book.xlsx/Two", ("day", "amount")),
        ("Two", ("day", "amount")),
    ],
)
def test_one_of_them_can_be_meant(wanted, cells):
    data = zipped(("a.csv", TABLE), ("sub/book.xlsx", workbook("One", "Two")))
    (sheet,) = open_sheets("costs.zip", data, wanted)
    assert next(sheet.rows()).cells == cells


def test_one_that_is_not_there_is_told_with_those_that_are():
    data = zipped(("a.csv", TABLE), ("b.csv", TABLE))
    assert refusal(data, "c.csv") == (
        'costs.zip: there is no sheet "c.csv" in it; take one of those that are there: "a.csv", "b.csv"'
    )


def test_names_are_only_names_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = zipped(
        ("../../up.csv", TABLE), ("/etc/absolute.csv", TABLE), ("C:\\drive.csv", TABLE), ("\x1b[31mred.csv", TABLE)
    )
    assert names(data) == ["../../up.csv", "/etc/absolute.csv", "C:\\drive.csv", "\\x1b[31mred.csv"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["more.zip", "costs.csv.gz", "all.tar", "all.7z"])
def test_archives_in_archives_are_refused_by_their_names(name):
    assert refusal(zipped(("a.csv", TABLE), (f"in/{name}", b"x"))) == (
        f'costs.zip: "in/{name}" in it is packed itself; unpack it and drop the tables that are in it'
    )


def test_what_calls_itself_a_table_and_is_none_is_not_passed_over():
    assert refusal(zipped(("a.csv", TABLE), ("b.csv", b"<!DOCTYPE html><html>"))).startswith(
        'costs.zip: in "b.csv", which is in it: it is a web page (HTML)'
    )
    assert "it is packed itself" in refusal(zipped(("a.csv", TABLE), ("b.csv", zipped(("c.csv", TABLE)))))
    assert names(zipped(("a.csv", TABLE), ("b.csv", b"<!DOCTYPE html><html>")), "a.csv") == [""]


def test_an_archive_without_a_table_is_refused_by_what_is_in_it():
    files = [(f"invoice-{number}.pdf", b"%PDF") for number in range(7)]
    assert refusal(zipped(*files)) == (
        'costs.zip: no table is in it, only "invoice-0.pdf", "invoice-1.pdf", "invoice-2.pdf", "invoice-3.pdf", '
        '"invoice-4.pdf" and 2 more; drop a .csv or .xlsx file with costs'
    )
    assert refusal(zipped()) == "costs.zip: nothing is in it; drop a .csv or .xlsx file with costs"
    assert refusal(zipped(("a.csv", b" \n"))).startswith('costs.zip: no table is in it, only "a.csv"')


def test_an_archive_with_a_password_is_refused():
    data = bytearray(zipped(("a.csv", TABLE)))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + at] |= 1
    assert refusal(bytes(data)) == ("costs.zip: it has a password; unpack it and drop the tables that are in it")


@pytest.mark.parametrize(
    "document", ["content.xml", "Index/Document.iwa", "word/document.xml", "ppt/presentation.xml", "xl/workbook.bin"]
)
def test_documents_that_are_zip_files_are_refused_by_what_they_are(document):
    message = refusal(zipped(("[Content_Types].xml", b"<Types/>"), (document, b"x")))
    assert "not a table" in message
    assert "drop that" in message


# Limits


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked():
    zeros = b"0" * (LARGEST_FILE + 1)
    assert refusal(zipped(("a.csv", zeros), compresslevel=1)) == (
        "costs.zip: it unpacks to 101 MiB, and no more than 100 MiB are read; "
        "unpack it and drop its files in smaller parts"
    )
    assert "it unpacks to more than 100 MiB" in refusal(gzip.compress(zeros, 1))


def test_a_false_promise_of_how_much_there_is_does_not_help():
    honest = zipped(("a.csv", b"day,amount\n" + b"1,2\n" * 100_000))
    size = struct.pack("<L", 11 + 4 * 100_000)
    false = honest.replace(size, struct.pack("<L", 20))
    assert false != honest
    assert refusal(false) == (
        'costs.zip: in "a.csv", which is in it: "a.csv" in it is damaged; get it again from where it comes from'
    )


def test_the_limit_is_one_for_all_workbooks_in_an_archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        with zipfile.ZipFile(io.BytesIO(workbook("One"))) as small:
            for name in small.namelist():
                book.writestr(name, small.read(name))
        book.writestr("xl/media/picture.bin", bytes(LARGEST_FILE // 2))
    large = out.getvalue()
    assert names(zipped(("a.xlsx", large)))
    assert "it unpacks to more than 100 MiB" in refusal(zipped(("a.xlsx", large), ("b.xlsx", large)))


def test_an_archive_of_very_many_tables_is_refused():
    assert refusal(zipped(*((f"{number}.csv", TABLE) for number in range(101)))) == (
        "costs.zip: there are 101 tables in it; unpack it and drop the ones that are meant"
    )


@pytest.mark.parametrize("name", ["costs.csv.gz", "costs.zip"])
def test_what_is_cut_off_is_refused(name):
    whole = gzip.compress(TABLE) if name.endswith("gz") else zipped(("a.csv", TABLE))
    for cut in range(4, len(whole)):
        assert "damaged or cut off; get it again" in refusal(whole[:cut], name=name)


def test_tar_archives_are_refused_packed_or_not():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(TABLE)
        archive.addfile(member, io.BytesIO(TABLE))
    assert "it is an archive (tar)" in refusal(out.getvalue())
    assert "it is an archive (tar)" in refusal(gzip.compress(out.getvalue()), name="costs.csv.gz")
    assert "what is packed in it is packed itself" in refusal(gzip.compress(gzip.compress(TABLE)), name="costs.csv.gz")


def opendocument() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        kind = "application/vnd.oasis.opendocument.spreadsheet"
        parts.writestr("mimetype", kind, zipfile.ZIP_STORED)
        parts.writestr("content.xml", "<office:document-content/>")
    return out.getvalue()


def test_an_opendocument_spreadsheet_is_refused_by_what_it_is_and_never_passed_over():
    assert refusal(opendocument(), name="costs.ods") == (
        "costs.ods: it is an OpenDocument spreadsheet (.ods), not a table; save it as .xlsx or as CSV and drop that"
    )
    assert 'in "b.ods", which is in it: it is an OpenDocument spreadsheet' in refusal(
        zipped(("a.csv", TABLE), ("b.ods", opendocument()))
    )


@pytest.mark.parametrize("name", ["b.xls", "b.xlsb"])
def test_workbooks_of_other_forms_are_never_passed_over_in_an_archive(name):
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)
    assert f'in "{name}", which is in it: it is a workbook' in refusal(zipped(("a.csv", TABLE), (name, old)))
