"""The commands that keep the ledger sound: verify, rebuild, backup, restore."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trayd.commands.answers import json_option, print_answer
from trayd.commands.progress import Bar

if TYPE_CHECKING:
    from trayd.desk import Desk


@click.group()
def ledger() -> None:
    """Keep the ledger sound: look through it, copy it, put a copy back, write it anew."""


@ledger.command(short_help="Read all of it again, and compare.")
@json_option
def verify(as_json: bool) -> int:
    """Read all files of the ledger again and compare them with each other.

    Ends with 0 when all is sound, with 1 when something is not, and says what, where, and how to mend it.
    """
    from trayd.terminal.ledger import verified_view

    with _watched("looking through the ledger") as desk:
        answer = desk.ask("verify")
    print_answer(answer, as_json, lambda _style: verified_view(answer))
    return int(bool(answer["problems"]))


@ledger.command(
    short_help="Write files anew from what can be read.",
    epilog="""\b
trayd ledger rebuild 2026-11
trayd ledger rebuild state 2026-11 --from mirror
""",
)
@click.argument("pairs", nargs=-1, metavar="[MONTH|state]...")
@click.option(
    "--from",
    "source",
    type=click.Choice(["mirror", "file"]),
    help="Read this one alone: the mirror (backup/NAME.jsonl), or the TinyDB file (ledger/NAME.json).",
)
@json_option
def rebuild(pairs: tuple[str, ...], source: str | None, as_json: bool) -> int:
    """Write both files of these months, or of all, anew from what can be read.

    Works where the ledger cannot be opened. What is replaced is kept beside, as NAME.replaced-TIME. Ends with 1 when
    something could not be read, and says what.
    """
    from trayd.terminal.ledger import rebuilt_view

    with _watched("writing the ledger anew") as desk:
        answer = desk.ask("rebuild", pairs=",".join(pairs), source=source)
    print_answer(answer, as_json, lambda style: rebuilt_view(answer, style))
    return int(any(pair["missing"] for pair in answer))


@ledger.command(short_help="Copy all of it into one zip file.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The zip file; without it one beside the ledger."
)
@json_option
def backup(out: Path | None, as_json: bool) -> None:
    """Copy the whole ledger into one zip file, and try whether it can be read again."""
    from trayd.terminal.ledger import backup_view

    with _watched("copying the ledger") as desk:
        answer = desk.ask("backup", out=str(out.absolute()) if out else None)
    print_answer(answer, as_json, lambda _style: backup_view(answer))


@ledger.command(short_help="Put a copy back; what is there now is archived.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--confirm", default="", metavar="RESTORE", help="The word RESTORE, in capitals.")
@json_option
def restore(file: Path, confirm: str, as_json: bool) -> None:
    """Put a copy of the ledger back: a backup, or the archive that a reset made.

    What the ledger holds now is archived first, and can be put back the same way. What fal billed since the copy was
    made is fetched again by the next poll.
    """
    from trayd.terminal.ledger import restored_view

    if not confirm and sys.stdin.isatty():
        confirm = click.prompt(f"{_told(file)}. It takes the place of what is there now. Type RESTORE to go on")
    with _watched("restoring the ledger") as desk:
        answer = desk.ask("restore", file=str(file.absolute()), confirm=confirm)
    print_answer(answer, as_json, lambda _style: restored_view(answer))


def _told(file: Path) -> str:
    from trayd.ledger.upkeep import examine
    from trayd.terminal.show import count

    found = examine(file)
    span = f", {found.months[0]} to {found.months[-1]}" if found.months else ""
    return f"{file} holds {count(found.records, 'record')}{span}"


@contextmanager
def _watched(doing: str) -> Iterator[Desk]:
    """The desk, with a bar that tells how far the work is, where that can be told."""
    from trayd.desk import open_desk

    with Bar(doing) as bar, open_desk(progress=bar) as desk:
        yield desk
