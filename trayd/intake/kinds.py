"""What a file is by what it holds, whatever its name says: bank portals and mail programs name files freely."""

from __future__ import annotations

import re
from collections.abc import Container
from enum import StrEnum

import msgspec

from trayd.intake.rejection import RefusedError, Rejection

#: A larger file is refused, and so is one that unpacks to more: it would take more memory than a program in the tray
#: should.
LARGEST_FILE = 100 * 1024 * 1024

_EXPORT = "export the costs as CSV or as an Excel workbook where it comes from, and drop that"
_RESAVE = "open it in a spreadsheet program, save it as CSV (UTF-8) or as .xlsx, and drop that"

_UNPACK = "unpack it and drop the tables that are in it"

# How kinds of files begin that hold no table of costs that is read here, what they are, and the cure.
_FOREIGN = (
    (b"%PDF-", "a PDF document", _EXPORT),
    (b"\x89PNG", "an image (PNG)", _EXPORT),
    (b"\xff\xd8\xff", "an image (JPEG)", _EXPORT),
    (b"GIF8", "an image (GIF)", _EXPORT),
    (b"{\\rtf", "a text document (RTF)", _EXPORT),
    (b"OFXHEADER", "a bank statement in the OFX format", _EXPORT),
    (b"!Type:", "a bank statement in the QIF format", _EXPORT),
    (b":20:", "a bank statement in the MT940 format", _EXPORT),
    (b"\x7fELF", "a program", _EXPORT),
    (b"MZ\x90", "a program", _EXPORT),
    (b"7z\xbc\xaf\x27\x1c", "an archive (7z)", _UNPACK),
    (b"Rar!", "an archive (RAR)", _UNPACK),
    (b"BZh", "an archive (bzip2)", _UNPACK),
    (b"\xfd7zXZ", "an archive (xz)", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "an archive (zstd)", _UNPACK),
    (b"SQLite format 3", "a database (SQLite)", _EXPORT),
    (b"PAR1", "a Parquet file", _EXPORT),
)

_TAR = b"ustar"
_TAR_AT = 257

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
# OpenDocument 1.3, part 2, 3.3: their first file tells what they are, and is not packed.
_ODS = re.compile(rb"PK\x03\x04.{26}mimetype.{0,100}application/vnd\.oasis\.opendocument\.spreadsheet", re.DOTALL)
_GZIP = b"\x1f\x8b"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# Documents in angle brackets, by their first tag or declaration.
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|table|meta|div|style)\b", re.IGNORECASE)
_XML = re.compile(rb"<\?xml\b|<!doctype\b", re.IGNORECASE)
_SPREADSHEET_XML = re.compile(rb"urn:schemas-microsoft-com:office:spreadsheet")

# Documents that are zip files, by one of the files in each.
_PACKAGES = (
    ("xl/workbook.bin", "a binary workbook (.xlsb)", "save it as .xlsx and drop that"),
    ("content.xml", "a text document (.odt)", _EXPORT),
    ("Index/Document.iwa", "a document of Apple's Numbers or Pages", "export it as .xlsx or CSV and drop that"),
    ("word/document.xml", "a text document (.docx)", _EXPORT),
    ("ppt/presentation.xml", "a presentation (.pptx)", _EXPORT),
)

_LOOKED_AT = 4096

# The part of an OLE file that an encrypted workbook is in, as its directory spells it.
_OLE_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


class Kind(StrEnum):
    """What can be looked into."""

    TEXT = "text"
    ZIP = "zip"
    GZIP = "gzip"


def kind_of(data: bytes) -> Kind:
    """What the content is; anything that is not known is taken for text.

    Raises:
        RefusedError: it is something else than a table, and what.
    """
    _refuse_other_workbooks(data)
    if data.startswith(_ZIP):
        return Kind.ZIP
    if data.startswith(_GZIP):
        return Kind.GZIP
    if data[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        raise refused_as("an archive (tar)", _UNPACK)
    begin = data[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip()
    for signature, what, cure in _FOREIGN:
        if begin.startswith(signature):
            raise refused_as(what, cure)
    if begin.startswith(b"<"):
        _refuse_markup(begin)
    if begin.startswith((b"{", b"[")) and _is_json(data):
        raise refused_as("JSON", "events have names that end in .json or .jsonl; costs are exported as CSV")
    return Kind.TEXT


def foreign_package(names: Container[str]) -> RefusedError | None:
    """Why a zip file with these names is refused: it is a document that is no workbook; None for any other."""
    for part, what, cure in _PACKAGES:
        if part in names:
            return refused_as(what, cure)
    return None


def refused_as(what: str, cure: str) -> RefusedError:
    """The refusal of a file that is something else than its name says."""
    return RefusedError(Rejection(problem=f"it is {what}, not a table", cure=cure))


def _refuse_other_workbooks(data: bytes) -> None:
    if data.startswith(_OLE):
        if _OLE_ENCRYPTED in data:
            raise refused_as("a workbook with a password", "save it without the password and drop that")
        raise refused_as("a workbook or document of the form before 2007 (.xls)", "save it as .xlsx and drop that")
    if _ODS.match(data):
        raise refused_as("an OpenDocument spreadsheet (.ods)", "save it as .xlsx or as CSV and drop that")


def _refuse_markup(begin: bytes) -> None:
    if _SPREADSHEET_XML.search(begin):
        raise refused_as("a workbook in the XML form of 2003", _RESAVE)
    if b"<OFX" in begin:
        raise refused_as("a bank statement in the OFX format", _EXPORT)
    if _HTML.search(begin):
        cure = f"it may be the page that asks to sign in: download the export again; or {_RESAVE}"
        raise refused_as("a web page (HTML)", cure)
    if _XML.match(begin):
        raise refused_as("XML", _EXPORT)


def _is_json(data: bytes) -> bool:
    whole = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    # Many objects, one a line, are JSON as well; a line in square brackets is also what begins a section of a report.
    for piece in (whole.split(b"\n", 1)[0], whole) if whole.startswith(b"{") else (whole,):
        try:
            msgspec.json.decode(piece, type=msgspec.Raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        except RecursionError:
            # Thousands of brackets in one another: whatever it is, it is no table.
            return True
        return True
    return False
