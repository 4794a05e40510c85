"""``trayd pools``."""

from __future__ import annotations

from typing import Any

import click

from trayd.commands.answers import json_option, print_answer
from trayd.commands.filters import filter_options, warn_of_unknown


@click.command(
    short_help="The costs that projects share, and who bears what of them.",
    epilog="""\b
trayd pools --since 2026-11-01
trayd pools --project "Spring Campaign"
""",
)
@filter_options
@click.option("--limit", type=click.IntRange(min=0), help="How many costs; 50 without it.")
@json_option
def pools(as_json: bool, **query: Any) -> None:
    """Show shared costs, newest first: those of [[pool]] in the settings, and imported rows of the type pool.

    With --client or --project: those of which such a one has a share.
    """
    from trayd.desk import open_desk
    from trayd.terminal.pools import pools_view

    with open_desk() as desk:
        answer = desk.ask("pools", **query)
        warn_of_unknown(desk, query)
    print_answer(answer, as_json, lambda style: pools_view(answer, style))
