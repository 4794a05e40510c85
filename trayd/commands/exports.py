"""``trayd export`` and ``trayd report``."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trayd.commands.answers import readable_settings
from trayd.commands.filters import filter_options, warn_of_unknown
from trayd.commands.progress import Bar
from trayd.errors import UsageError

if TYPE_CHECKING:
    from trayd.operations.documents import Document


_FORMATS = ("csv", "focus", "json", "ledger")

#: Fewer are done before a bar could be read.
_RECORDS_WITH_A_BAR = 5000

_STDOUT = "-"

#: Shells tell by such exit codes which signal ended a command.
_ENDED_BY = 128


_FORMATS_TOLD = """\b
Formats:
  csv     a row a record, for spreadsheets and scripts
  focus   FOCUS 1.2 Cost and Usage, for FinOps tools
  json    all that is known, for programs; `trayd import` reads it back
  ledger  a journal with accounts by client and project, for hledger

\b
For Excel where numbers have decimal commas:
  trayd export --delimiter semicolon --decimal comma --bom --out costs.csv
"""


@click.command(epilog=_FORMATS_TOLD, short_help="Export the history for a spreadsheet or another program.")
@click.option("--format", "format", type=click.Choice(_FORMATS), default="csv", show_default=True, help="See below.")
@click.option(
    "--out",
    type=click.Path(allow_dash=True),
    default=_STDOUT,
    metavar="FILE",
    help="The file; a folder: a file in it, named by what is inside; - or nothing: stdout.",
)
@click.option(
    "--currency",
    metavar="CODE",
    help="csv, json: amounts converted into this currency beside those billed; ledger: prices in it.",
)
@click.option(
    "--delimiter",
    type=click.Choice(["comma", "semicolon", "tab"]),
    default="comma",
    show_default=True,
    help="csv: what is between cells.",
)
@click.option(
    "--decimal",
    type=click.Choice(["point", "comma"]),
    default="point",
    show_default=True,
    help="csv: the mark in numbers.",
)
@click.option("--bom", is_flag=True, default=None, help="csv: begin with a byte order mark, which Excel needs.")
@filter_options
def export(out: str, **query: Any) -> None:
    """Export the history, oldest first."""
    from trayd.desk import open_desk

    with Bar("exporting", least=_RECORDS_WITH_A_BAR) as bar, open_desk(progress=bar) as desk:
        warn_of_unknown(desk, query)
        _hand_over(desk.text("export", **query), out, bar)


@click.command(short_help="Build the HTML report.")
@click.option(
    "--out",
    type=click.Path(allow_dash=True),
    default=".",
    metavar="FILE",
    help="The file; a folder, or nothing: a file there, or here, named by client and period; -: stdout.",
)
@click.option("--currency", metavar="CODE", help="The currency of totals; the home currency without it.")
@click.option(
    "--copy-templates",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write trayd's own templates there, to start templates of your own from, and no report.",
)
@filter_options
def report(out: str, copy_templates: Path | None, **query: Any) -> None:
    """Build the HTML report."""
    from trayd.desk import open_desk

    if copy_templates is not None:
        _copy_templates(copy_templates)
        return
    with Bar("building the report", least=_RECORDS_WITH_A_BAR) as bar, open_desk(progress=bar) as desk:
        warn_of_unknown(desk, query)
        _hand_over(desk.text("report", **query), out, bar)


def _copy_templates(folder: Path) -> None:
    from trayd.reports.own_templates import copy_templates

    for path in copy_templates(folder):
        click.echo(f"written to {path}", err=True)
    click.echo(f"set them: `trayd config set report.templates {shlex.quote(str(folder.absolute()))}`", err=True)


def _hand_over(document: Document, out: str, bar: Bar) -> None:
    """Writes the document to stdout or into a file, and says on stderr what there is to say of it.

    Raises:
        UsageError: no file can be there.
        TraydError: the file cannot be written; what was there is unchanged.
    """
    written = ""
    if out == _STDOUT:
        # Typed for any text stream; this one is always a file's.
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        sys.stdout.writelines(document)
    else:
        path = _place(out, document.name)
        with _ended_as_by_ctrl_c():
            _write(path, document)
        written = f"written to {path}"
    bar.clear()
    for remark in filter(None, (*document.remarks, written)):
        click.echo(remark, err=True)


def _place(out: str, name: str) -> Path:
    """The file that is meant: that one, or in a folder one of the document's own name.

    Raises:
        UsageError: there is no such folder, or it is trayd's own.
    """
    if not out:
        raise UsageError("--out is empty", "name a file or a folder, or leave it out")
    path = Path(out)
    if path.is_dir():
        path /= name
    elif out.endswith(("/", os.sep)):
        raise UsageError(f"there is no folder {path}", "make it, or name another one")
    _check_place(path)
    return path


def _check_place(path: Path) -> None:
    """Looks whether a file may be there, before it is made.

    Raises:
        UsageError: there is no such folder, or it is trayd's own.
    """
    from trayd.settings import Paths

    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", "make it, or name another file")
    paths = Paths.usual().with_folders(readable_settings().folders)
    real = path.resolve()
    if real.is_relative_to(paths.drop.resolve()):
        raise UsageError(f"{path} is in the drop folder, from which trayd takes files in", "name a file elsewhere")
    own = (paths.ledger, paths.backup, paths.run, paths.cache, paths.settings)
    if any(real.is_relative_to(each.resolve()) for each in own):
        raise UsageError(f"{path} is among trayd's own files", "name a file elsewhere")


@contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """Where the system or a closed terminal ends the command, what it has begun is taken away first.

    A signal that whoever started the command has set aside, as nohup does, stays so.
    """

    def end(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        sys.exit(_ENDED_BY + number)

    ending = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP
    taken = [number for number in ending if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _write(path: Path, pieces: Iterable[str]) -> None:
    from trayd.files import write_atomically

    if path.exists() and not path.is_file():  # a pipe, a device: nothing that could be replaced
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        return
    write_atomically(path.resolve(), pieces)  # a link stays a link
