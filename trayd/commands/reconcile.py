"""``trayd reconcile``."""

from __future__ import annotations

from typing import Any

import click

from trayd.commands.answers import json_option, print_answer
from trayd.commands.filters import filter_options, warn_of_unknown


@click.command(
    short_help="Compare with fal's totals, estimates with bills, and see what is not billed yet.",
    epilog="""\b
trayd reconcile
trayd reconcile --window 2026-01-01..2026-11-30 --by month
trayd reconcile --model fal-ai/veo3
""",
)
@click.option("--window", help="Judge the estimates of 24h, 7d, 30d (without it), month, or FIRST..LAST day.")
@click.option("--by", type=click.Choice(["model", "month", "week"]), help="Break accuracy down; by model without it.")
@filter_options
@json_option
def reconcile(as_json: bool, **query: Any) -> None:
    """Show whether the ledger agrees with fal, to the nano-dollar, and which requests explain what does not.

    Then how far bills are from estimates, and what fal has not billed yet. Totals are compared at each poll, every
    ten minutes at most; `trayd refresh` compares them now.
    """
    from trayd.commands.progress import Bar
    from trayd.desk import open_desk
    from trayd.terminal.reconcile import reconcile_view

    with Bar("comparing", least=4) as bar, open_desk(progress=bar) as desk:
        answer = desk.ask("reconcile", **query)
        warn_of_unknown(desk, query)
    print_answer(answer, as_json, lambda style: reconcile_view(answer, style))
