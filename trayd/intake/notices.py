"""What a person is told of a file that was not, or not wholly, taken in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from trayd.intake.rejection import printable
from trayd.intake.take import ImportResult, Understood

#: The ends of the files beside a rejected one: why, and the rows of one of which others were recorded.
REASON_END = ".reason.txt"
ROWS_END = ".rows.csv"

# So many files that come together are told of one by one.
_MOST_AT_ONCE = 3

# So many lines of a kind are named.
_MOST_LINES = 10


class DropNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Something about the drop folder that a person should know, once.

    Attributes:
        file: the name of the file it is about; None where it is about the folder.
    """

    title: str
    body: str
    file: str | None = None


def reason_text(file: Understood) -> str:
    """What stands in the file beside a rejected one."""
    lines = [file.refused.text(file.name)] if file.refused else []
    lines += [row.text(file.name) for row in file.rejected if row != file.refused]
    return "\n".join(lines) + "\n"


def notice_of(file: Understood, folder: Path) -> DropNotice | None:
    """What a person is told of a file; nothing where all of it was recorded."""
    if file.refused is not None:
        return DropNotice(
            title=f"{file.name} was not taken in",
            body=f"{file.refused.text(file.name)}. It is in {printable(str(folder))}.",
            file=file.name,
        )
    if not file.rejected:
        return None
    rows = len(file.rejected)
    table = f"{file.name.removesuffix(ROWS_END)}{ROWS_END}"
    return DropNotice(
        title=f"{'1 row' if rows == 1 else f'{rows} rows'} of {file.name} could not be recorded",
        body=f"{file.rejected[0].text(file.name)}. {_all(rows)} {table} in {printable(str(folder))}.",
        file=file.name,
    )


def _all(rows: int) -> str:
    return "It is in" if rows == 1 else f"This is the first of {rows} rows that could not be recorded; they are in"


def gathered(notices: Sequence[DropNotice]) -> Sequence[DropNotice]:
    """The notices as a person is to see them: of many files at once, one that names the first few."""
    if len(notices) <= _MOST_AT_ONCE:
        return notices
    # As a folder shows them.
    notices = sorted(notices, key=lambda notice: (notice.file or "").casefold())
    named = ", ".join(notice.file or "" for notice in notices[:_MOST_AT_ONCE])
    more = len(notices) - _MOST_AT_ONCE
    return [
        DropNotice(
            title=f"{len(notices)} files were not, or not wholly, taken in",
            body=f"{named} and {more} more. The first: {notices[0].body}",
        )
    ]


def summary(result: ImportResult) -> str:
    """What became of a table, for the log: also the rows that are no cost, which nobody is told of otherwise."""
    parts = [f"{result.recorded} recorded", f"{result.duplicates} known already", f"{len(result.rejected)} rejected"]
    lines: dict[str, list[int]] = {}
    for row in result.left_out:
        lines.setdefault(row.reason or row.what, []).append(row.line)
    for what, on in lines.items():
        named = ", ".join(map(str, on[:_MOST_LINES])) + (" …" if len(on) > _MOST_LINES else "")
        parts.append(f"{len(on)} no cost ({what}: line{'s' * (len(on) > 1)} {named})")
    return f"{result.file}: {'; '.join(parts)}"
