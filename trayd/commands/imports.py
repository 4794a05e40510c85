"""``trayd import``: takes files in, shows how they are read, and remembers what a person said of them."""

from __future__ import annotations

import stat
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trayd.commands.answers import json_option, print_answer
from trayd.commands.progress import Bar
from trayd.errors import TraydError, UsageError

if TYPE_CHECKING:
    from trayd.desk import Desk
    from trayd.settings import Paths

# A file of fewer rows is read before anybody could look at a bar.
_ROWS_WITH_A_BAR = 10_000

_REMEMBERED = ("date_order", "decimal", "currency", "spending")
_SAYING = ("--source", *(f"--{name.replace('_', '-')}" for name in _REMEMBERED), "--column")


@click.command("import", short_help="Take files in: events, costs of other tools.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only show how each file is read and what would be recorded.")
@click.option(
    "--date-order", type=click.Choice(["dmy", "mdy", "ymd"]), help="Dates are written day, month or year first."
)
@click.option("--decimal", type=click.Choice(["point", "comma"]), help="What divides whole units from their parts.")
@click.option("--currency", metavar="CODE", help="The currency of amounts that tell none.")
@click.option(
    "--spending", type=click.Choice(["positive", "negative"]), help="Money that was spent stands above or below zero."
)
@click.option("--source", metavar="NAME", help="The tool or the account that the files are of.")
@click.option("--column", "columns", metavar="FIELD=NAME", multiple=True, help="The column that is meant: amount=Net.")
@click.option(
    "--sheet",
    "sheets",
    metavar="NAME",
    multiple=True,
    help="A sheet of a workbook, or a file in an archive; or several.",
)
@click.option("--remember", is_flag=True, help="Keep what is said here for the next files of that source.")
@json_option
def import_command(
    files: tuple[Path, ...],
    columns: tuple[str, ...],
    sheets: tuple[str, ...],
    dry_run: bool,
    remember: bool,
    as_json: bool,
    **said: str | None,
) -> int:
    """Take files in: event files, JSON exports, and costs of other tools from tables, workbooks and archives.

    Nothing is moved.

    Ends with 0 when all is recorded or known already, with 1 when anything was rejected.
    """
    from trayd.desk import open_desk
    from trayd.terminal.imports import dry_run_view, import_view

    answers = _answers(columns, said)
    if remember and dry_run:
        raise UsageError("--dry-run changes nothing, so nothing can be remembered", "leave one of the two out")
    if remember and not answers:
        raise UsageError(
            "--remember keeps what is said of a file, and nothing is said",
            f"say it, with one of {', '.join(_SAYING)}, or leave --remember out",
        )
    for path in files:
        _check(path)
    results = []
    with Bar("", least=_ROWS_WITH_A_BAR) as bar, open_desk(progress=bar) as desk:
        for path, sheet in product(files, sheets or (None,)):
            asked = answers if sheet is None else {**answers, "sheet": sheet}
            bar.clear(f"reading {path.name}" if dry_run else f"taking in {path.name}")
            remembered = _remember(path, _take(desk, path, {**asked, "dry_run": True}), answers) if remember else None
            result = _take(desk, path, {**asked, "dry_run": dry_run or None})
            bar.clear()
            if len(sheets) > 1:
                result["sheet"] = sheet
            if remembered:
                result["remembered"] = remembered
            results.append(result)
            if not as_json:
                print_answer(result, as_json, partial(dry_run_view if dry_run else import_view, result))
            if answers and result["duplicates"] and not result["recorded"]:
                click.echo(
                    "  it is known as it was read before; what is said of it now changes nothing there", err=True
                )
    if as_json:
        print_answer(results[0] if len(results) == 1 else results, as_json, lambda _style: "")
    return int(any(result["rejected"] for result in results))


def _answers(columns: tuple[str, ...], said: dict[str, str | None]) -> dict[str, Any]:
    """What the options say, as the query's own fields.

    Raises:
        UsageError: a column is not written ``FIELD=NAME``, or there is no such field.
    """
    import msgspec

    from trayd.intake.choosing import FIELDS

    named: dict[str, str] = {}
    for column in columns:
        field, equals, name = column.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--column {column!r} is not understood", "write FIELD=NAME, such as --column amount=Net")
        if field.strip() not in FIELDS:
            raise UsageError(f"--column {column!r}: there is no field {field!r}", f"take one of {', '.join(FIELDS)}")
        named[field.strip()] = name.strip()
    answers: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if answers.get("currency"):
        answers["currency"] = answers["currency"].upper()
    if named:
        answers["columns"] = msgspec.json.encode(named).decode()
    return answers


def _check(path: Path) -> None:
    """Looks whether there is such a file, before anything of any file is recorded.

    Raises:
        UsageError: there is none, or it cannot be named.
    """
    from trayd.intake.rejection import printable

    shown = printable(str(path))
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise UsageError(f"{shown} does not exist; nothing was recorded", "name event files and cost tables") from None
    except OSError as error:
        raise UsageError(
            f"{shown} cannot be read ({error.strerror}); nothing was recorded", "mend its rights"
        ) from None
    if stat.S_ISDIR(mode):
        raise UsageError(f"{shown} is no file but a folder; nothing was recorded", "name the files in it")
    if not stat.S_ISREG(mode):
        raise UsageError(
            f"{shown} is no file but a pipe, a socket or a device; nothing was recorded", "name a file on a disk"
        )
    if printable(path.name) != path.name:
        raise UsageError(
            f"{shown}: the name is not valid UTF-8 or holds control characters; nothing was recorded", "rename the file"
        )


def _take(desk: Desk, path: Path, query: dict[str, Any]) -> dict[str, Any]:
    from trayd.intake.kinds import LARGEST_FILE
    from trayd.intake.rejection import printable
    from trayd.intake.take import EVENT_OBJECT, suffix_of, too_large
    from trayd.operations.history_file import LARGEST_EXPORT

    try:
        size = path.stat().st_size
        if size > (LARGEST_EXPORT if suffix_of(path.name) in EVENT_OBJECT else LARGEST_FILE):
            row = {"line": None, "column": None, "value": None, "reason": too_large(size).reason}
            return {
                "file": path.name,
                "recorded": 0,
                "duplicates": 0,
                "rejected": [row],
                "left_out": [],
                "assumed_currency": None,
            }
        data = path.read_bytes()
    except OSError as error:
        raise TraydError(f"{path} cannot be read ({error.strerror})", "mend its rights, or name another") from error
    answer: dict[str, Any] = desk.ask("import", data, name=path.name, path=printable(str(path)), **query)
    return answer


def _remember(path: Path, read: dict[str, Any], answers: dict[str, Any]) -> str | None:
    """Writes what was said of a file into the settings, before anything of it is recorded.

    Returns:
        Which files it is remembered for; None where nothing can be read of the file even so.

    Raises:
        UsageError: there is nothing to know the next file of that source by.
    """
    import msgspec

    from trayd.settings import Paths
    from trayd.settings_file import remember_source
    from trayd.source_settings import Source

    understood = read["understood"]
    if understood is None or not read["recorded"] + read["duplicates"]:
        return None
    name: str = understood["source"]
    said: dict[str, Any] = {each: answers[each] for each in _REMEMBERED if each in answers}
    if "columns" in answers:
        said["columns"] = msgspec.json.decode(answers["columns"])
    paths = Paths.usual()
    header = _header(path, paths, name, understood)
    remember_source(paths.settings, Source(name=name, header=header, **said))
    named = understood["known"] or "source" in answers
    return f"the next files of {name}" if named else f"files with the columns {', '.join(header)}"


def _header(path: Path, paths: Paths, name: str, understood: dict[str, Any]) -> tuple[str, ...]:
    """The names of columns by which the next file of a source is known; none for one that trayd knows by itself."""
    from trayd.intake.columns import comparable
    from trayd.intake.sources import known_sources
    from trayd.settings import load

    header = tuple(column["name"] for column in understood["columns"] if column["name"].strip())
    if understood["header_line"] is None or not header:
        raise UsageError(
            f"{path.name}: it has no header to know the next file by; nothing was recorded",
            "leave --remember out, and say the rest each time",
        )
    there = set(map(comparable, header))
    for source in load(paths.settings).source:
        if source.name == name and source.header and there == set(map(comparable, source.header)):
            return source.header
    known = any(source.name == name and there.issuperset(map(comparable, source.header)) for source in known_sources())
    return () if known else header
