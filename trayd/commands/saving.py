"""``trayd credits`` and ``trayd tips``."""

from __future__ import annotations

from typing import Any

import click

from trayd.commands.answers import json_option, print_answer
from trayd.commands.filters import warn_of_unknown, work_options
from trayd.commands.progress import Bar


@click.command("credits", short_help="What is left of purchased credits, and when that expires.")
@json_option
def credits_command(as_json: bool) -> None:
    """Show the credits of each account by purchase: how much, when, what is left of it, and when that expires.

    fal tells the balance alone. A purchase is what it rose by beyond what was spent, so amounts and times are
    estimates; purchased credits expire after 365 days, the oldest are spent first. Granted credits can expire sooner:
    only fal's billing page (`trayd open billing`) tells that.
    """
    from trayd.desk import open_desk
    from trayd.terminal.saving import credits_view

    with open_desk() as desk:
        answer = desk.ask("credits")
    print_answer(answer, as_json, lambda style: credits_view(answer, style))


@click.command(
    short_help="Where the same work may have cost less.",
    epilog="""\b
trayd tips
trayd tips --client Northwind
trayd tips --model fal-ai/veo3.1 --json
""",
)
@work_options
@click.option("--limit", type=click.IntRange(min=0), help="How many tips; 10 without it.")
@json_option
def tips(as_json: bool, **query: Any) -> None:
    """Look through the generations of the last 30 days for ways to spend less, with what each would have saved.

    A tip rests on your own records: a cheaper model used for the same project, sound or 4K beside videos without,
    unusual lengths, failed requests that were billed. Tips can overlap, so there is no sum of them.
    """
    from trayd.desk import open_desk
    from trayd.terminal.saving import tips_view

    with Bar("looking through 30 days") as bar, open_desk(progress=bar) as desk:
        answer = desk.ask("tips", **query)
        warn_of_unknown(desk, query)
    print_answer(answer, as_json, lambda style: tips_view(answer, style))
