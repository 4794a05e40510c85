"""``trayd export`` and ``trayd report``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from trayd.commands.answers import readable_settings
from trayd.commands.filters import filter_options, warn_of_unknown
from trayd.errors import UsageError


@click.command(short_help="Export the history.")
@click.option("--format", "format", default="csv", show_default=True, help="csv.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The file; without it, stdout.")
@click.option("--currency", metavar="CODE", help="Put amounts converted into this currency beside those billed.")
@filter_options
def export(out: Path | None, **query: Any) -> None:
    """Export the history."""
    from trayd.desk import open_desk

    with open_desk() as desk:
        warn_of_unknown(desk, query)
        pieces = desk.text("export", **query)
        if out is None:
            # Typed for any text stream; this one is always a file's.
            sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
            for piece in pieces:
                sys.stdout.write(piece)
            return
        _write(out, pieces)
    click.echo(f"written to {out}", err=True)


@click.command(short_help="Build the HTML report.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The file; named by client and date else.")
@click.option("--currency", metavar="CODE", help="The currency of totals; the home currency without it.")
@click.option(
    "--copy-templates",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write trayd's own templates there, to start templates of your own from, and no report.",
)
@filter_options
def report(out: Path | None, copy_templates: Path | None, **query: Any) -> None:
    """Build the HTML report."""
    from trayd.desk import open_desk

    if copy_templates is not None:
        _copy_templates(copy_templates)
        return
    path = out or Path(_report_name(query))
    with open_desk() as desk:
        warn_of_unknown(desk, query)
        _write(path, desk.text("report", **query))
    click.echo(f"written to {path}", err=True)


def _copy_templates(folder: Path) -> None:
    from trayd.reports.own_templates import copy_templates

    for path in copy_templates(folder):
        click.echo(f"written to {path}", err=True)
    click.echo(f"set them: `trayd config set report.templates {shlex.quote(str(folder.absolute()))}`", err=True)


def _report_name(query: dict[str, Any]) -> str:
    from trayd.operations.exporting import ReportQuery
    from trayd.operations.operations import utc_now
    from trayd.reports.names import file_name

    zone = readable_settings().zone()
    return file_name("report", ".html", filters=ReportQuery(**query).filters(zone), zone=zone, now=utc_now())


def _write(path: Path, pieces: Iterator[str]) -> None:
    from trayd.files import write_atomically

    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", "make it, or name another file")
    write_atomically(path, pieces)
