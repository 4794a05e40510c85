"""Excel workbooks (``.xlsx``, ``.xlsm``): which sheets there are, and their rows as texts.

SpreadsheetML (ECMA-376 part 1, 18) is XML in a zip file, both of which Python reads. It is read as a stream and within
limits, and nothing of it is run: macros stay where they are, formulas are what Excel last made of them.
"""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Iterator

import msgspec

from trayd.intake.archive import Zip
from trayd.intake.markup import elements, whole
from trayd.intake.number_formats import Format, format_of
from trayd.intake.rows import Part, Row, Sheet, stored_sheets
from trayd.intake.worksheet import read_cells, shared_texts

_ENCODING = "Excel"
_USUAL_PLACE = "xl/workbook.xml"


class _Listed(msgspec.Struct, frozen=True):
    name: str
    part: str
    hidden: bool


class _Book(msgspec.Struct, frozen=True, kw_only=True):
    """A workbook.

    Attributes:
        sheets: those that have cells, in the order of the workbook, and where in the zip file they are.
        texts: what cells name by number.
        formats: the same of number formats.
        from_1904: whether days are counted from 1904 on, as Excel for the Mac did.
    """

    zip: Zip
    sheets: tuple[_Listed, ...]
    texts: tuple[str, ...]
    formats: tuple[Format, ...]
    from_1904: bool

    def rows(self, sheet: _Listed) -> Iterator[Row]:
        """The rows of a sheet that are not empty."""
        return read_cells(self.zip.open(sheet.part), self.texts, self.formats, from_1904=self.from_1904)


def is_workbook(package: Zip) -> bool:
    """Whether a zip file is a workbook."""
    return package.has("[Content_Types].xml") and package.has(_place(package))


def workbook_sheets(package: Zip, within: str = "", wanted: str | None = None) -> tuple[Sheet, ...]:
    """The sheets that something stands in and that are not hidden, in the order of the workbook.

    Args:
        package: the workbook.
        within: the name of the workbook where it is one of several files; it goes before the names of sheets.
        wanted: the name of a sheet that is meant even if it is hidden.

    Raises:
        RefusedError: the workbook is damaged.
    """
    book = _open_book(package)
    parts = (
        Part(name=sheet.name, hidden=sheet.hidden, read=functools.partial(book.rows, sheet)) for sheet in book.sheets
    )
    return stored_sheets(_ENCODING, parts, within, wanted)


def _open_book(package: Zip) -> _Book:
    place = _place(package)
    parts = _relations(package, place)
    sheets = []
    from_1904 = False
    for _, name, attributes in elements(package.open(place)):
        if name == "workbookPr":
            from_1904 = attributes.get("date1904") in {"1", "true"}
        elif name == "sheet":
            kind, part = parts.get(attributes.get("id", ""), ("", ""))
            if kind == "worksheet":
                hidden = attributes.get("state", "visible") != "visible"
                sheets.append(_Listed(attributes.get("name", ""), part, hidden))
    by_kind = dict(parts.values())
    return _Book(
        zip=package,
        sheets=tuple(sheets),
        texts=shared_texts(package.open(by_kind["sharedStrings"])) if "sharedStrings" in by_kind else (),
        formats=_formats(package, by_kind["styles"]) if "styles" in by_kind else (),
        from_1904=from_1904,
    )


def _place(package: Zip) -> str:
    """Where the workbook itself is: the package says so."""
    return next((part for kind, part in _relations(package, "").values() if kind == "officeDocument"), _USUAL_PLACE)


def _relations(package: Zip, part: str) -> dict[str, tuple[str, str]]:
    """Kind and place of what a part refers to, by the ids that it uses; the part "" is the package itself."""
    folder, name = posixpath.split(part)
    place = posixpath.join(folder, "_rels", f"{name}.rels")
    if not package.has(place):
        return {}
    return {
        attributes.get("Id", ""): (
            posixpath.basename(attributes.get("Type", "")),
            posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", ""))).lstrip("/"),
        )
        for _, name, attributes in elements(package.open(place))
        if name == "Relationship"
    }


def _formats(package: Zip, part: str) -> tuple[Format, ...]:
    codes: dict[int, str] = {}
    ids: list[int] = []
    for within, name, attributes in elements(package.open(part)):
        if name == "numFmt" and within == "numFmts":
            codes[whole(attributes.get("numFmtId", ""))] = attributes.get("formatCode", "")
        elif name == "xf" and within == "cellXfs":
            ids.append(whole(attributes.get("numFmtId", "0")))
    meanings = {number: format_of(number, codes) for number in set(ids)}
    return tuple(meanings[number] for number in ids)
