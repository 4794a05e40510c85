"""A file as tables: the one door to texts, workbooks and packed files of them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import msgspec

from trayd.intake.archive import Member, Zip, too_large, unpack_gzip
from trayd.intake.delimited import DELIMITERS, Dialect, read_rows
from trayd.intake.dialects import dialects_of
from trayd.intake.kinds import LARGEST_FILE, Kind, foreign_package, kind_of
from trayd.intake.rejection import RefusedError, Rejection, shown
from trayd.intake.rows import Row, Sheet
from trayd.intake.text import Text, read_text
from trayd.intake.workbook_parts import is_workbook

# Files in an archive by the ends of their names. What ends in none of them rides along: invoices, logos. Workbooks of
# other forms are among them to be refused by what they are.
_TABLES = (".csv", ".tsv", ".tab", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_TAB_SEPARATED = (".tsv", ".tab")
_TEXTS = (".txt",)
_PACKED = (".zip", ".gz", ".tgz", ".tar", ".7z", ".rar", ".bz2", ".xz", ".zst")

_MOST_TABLES = 100
_NAMED = 5


def open_sheets(name: str, data: bytes, wanted: str | None = None) -> tuple[Sheet, ...]:
    """What a file can be read as, the likeliest first; at least one.

    Several may be ways to see the same rows (one for each delimiter that makes sense), and several may be sheets of a
    workbook or files of an archive, which have different names then.

    Args:
        name: the file's name.
        data: what it holds, which tells its kind, whatever its name says.
        wanted: the sheet of a workbook or the file in an archive that is meant.

    Raises:
        RefusedError: there is no table in it, or it is too large once unpacked.
    """
    if not data or data.isspace():
        raise RefusedError(Rejection(problem="the file is empty", cure="drop a file with a header and rows"))
    match kind_of(data):
        case Kind.TEXT:
            sheets = _text_sheets(data, name)
        case Kind.GZIP:
            sheets = _text_sheets(_only_text(unpack_gzip(data)), name)
        case Kind.ZIP:
            sheets = _packed_sheets(data, wanted)
    sheets = sheets if wanted is None else _meant(sheets, wanted)
    if len({sheet.name for sheet in sheets}) == 1:
        return tuple(msgspec.structs.replace(sheet, name="") for sheet in sheets)
    return sheets


def _text_sheets(data: bytes, file: str, name: str = "") -> tuple[Sheet, ...]:
    text = read_text(data)
    dialects = dialects_of(text.lines())
    if file.lower().removesuffix(".gz").endswith(_TAB_SEPARATED):
        dialects.sort(key=lambda dialect: dialect.delimiter != "\t")
    return tuple(
        Sheet(
            encoding=text.encoding,
            delimiter=DELIMITERS.get(dialect.delimiter, dialect.delimiter),
            name=name,
            width=dialect.width,
            read=functools.partial(_text_rows, text, dialect),
        )
        for dialect in dialects
    )


def _text_rows(text: Text, dialect: Dialect) -> Iterator[Row]:
    return read_rows(text.lines(), dialect)


def _only_text(data: bytes) -> bytes:
    if not data or data.isspace():
        raise RefusedError(Rejection(problem="the packed file is empty", cure="drop a file with a header and rows"))
    if kind_of(data) is not Kind.TEXT:
        raise RefusedError(Rejection(problem="what is packed in it is packed itself", cure="unpack it and drop that"))
    return data


def _packed_sheets(data: bytes, wanted: str | None) -> tuple[Sheet, ...]:
    package = Zip(data)
    if is_workbook(package):
        sheets = _workbook_sheets(package, "", wanted)
        if not sheets:
            raise RefusedError(
                Rejection(problem="all its sheets are empty or hidden", cure="show the one that is meant")
            )
        return sheets
    foreign = foreign_package(package.names())
    if foreign:
        raise foreign
    return _archive_sheets(package, wanted)


def _archive_sheets(archive: Zip, wanted: str | None) -> tuple[Sheet, ...]:
    members = archive.members
    if wanted is not None:
        members = tuple(member for member in members if _is_meant(member, wanted)) or members
    tables, texts = _tables(members)
    room = LARGEST_FILE - archive.unpacked
    found: list[Sheet] = []
    for member in (*tables, *texts):
        try:
            sheets, unpacked = _member_sheets(archive.read(member), member, wanted, room)
        except RefusedError as error:
            # A text may be a licence or an explanation; what calls itself a table and is none is never passed over.
            if member in tables or len(texts) == 1:
                raise _inside(member, error) from None
            continue
        room -= unpacked
        found += sheets
    # Prose is in one column.
    found = [sheet for sheet in found if sheet.width > 1] or found
    if not found:
        raise _no_table(members)
    return tuple(found)


def _tables(members: Sequence[Member]) -> tuple[list[Member], list[Member]]:
    """The files that call themselves tables, and the texts, in which there can be one."""
    packed = next((member for member in members if member.base.endswith(_PACKED)), None)
    if packed:
        problem = f'"{shown(packed.name)}" in it is packed itself'
        raise RefusedError(Rejection(problem=problem, cure="unpack it and drop the tables that are in it"))
    tables = [member for member in members if member.base.endswith(_TABLES)]
    texts = [member for member in members if member.base.endswith(_TEXTS)]
    if not tables and not texts:
        raise _no_table(members)
    if len(tables) + len(texts) > _MOST_TABLES:
        problem = f"there are {len(tables) + len(texts):,} tables in it"
        raise RefusedError(Rejection(problem=problem, cure="unpack it and drop the ones that are meant"))
    return tables, texts


def _member_sheets(data: bytes, member: Member, wanted: str | None, room: int) -> tuple[tuple[Sheet, ...], int]:
    """The sheets of a file in an archive, and how many bytes it unpacks to beyond itself."""
    if not data or data.isspace():
        return (), 0
    match kind_of(data):
        case Kind.TEXT:
            return _text_sheets(data, member.base, member.name), 0
        case Kind.ZIP:
            package = Zip(data)
            if package.unpacked > room:
                raise too_large()
            if is_workbook(package):
                return _workbook_sheets(package, member.name, wanted), package.unpacked
    raise RefusedError(Rejection(problem="it is packed itself, and no workbook", cure="unpack it and drop that"))


def _workbook_sheets(package: Zip, within: str, wanted: str | None) -> tuple[Sheet, ...]:
    # It loads openpyxl, which most files have no use for.
    from trayd.intake.workbook import workbook_sheets

    return workbook_sheets(package, within, wanted)


def _no_table(members: Sequence[Member]) -> RefusedError:
    there = f"no table is in it, only {_listed([member.name for member in members])}" if members else "nothing is in it"
    return RefusedError(Rejection(problem=there, cure="drop a .csv or .xlsx file with costs"))


def _inside(member: Member, error: RefusedError) -> RefusedError:
    rejection = error.rejection
    problem = f'in "{shown(member.name)}", which is in it: {rejection.problem}'
    return RefusedError(msgspec.structs.replace(rejection, problem=problem))


def _is_meant(member: Member, wanted: str) -> bool:
    plain = wanted.strip().lower()
    return plain in {member.name.lower(), member.base} or plain.startswith(f"{member.name.lower()}/")


def _meant(sheets: tuple[Sheet, ...], wanted: str) -> tuple[Sheet, ...]:
    for same in (_same, _alike):
        meant = tuple(sheet for sheet in sheets if same(sheet.name, wanted))
        if meant:
            return meant
    names = list(dict.fromkeys(sheet.name for sheet in sheets if sheet.name))
    problem = f'there is no sheet "{shown(wanted)}" in it'
    if names:
        raise RefusedError(Rejection(problem=problem, cure=f"take one of those that are there: {_listed(names)}"))
    raise RefusedError(Rejection(problem=f"{problem}: it is one table", cure="leave the name of the sheet out"))


def _same(name: str, wanted: str) -> bool:
    return name == wanted


def _alike(name: str, wanted: str) -> bool:
    return wanted.strip().casefold() in {name.strip().casefold(), name.rpartition("/")[2].strip().casefold()}


def _listed(names: list[str]) -> str:
    some = ", ".join(f'"{shown(name)}"' for name in names[:_NAMED])
    return some if len(names) <= _NAMED else f"{some} and {len(names) - _NAMED:,} more"
