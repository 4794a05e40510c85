"""``trayd rates``."""

from __future__ import annotations

import click

from trayd.commands.answers import json_option, print_answer


@click.command(
    short_help="The exchange rates that amounts are converted at.",
    epilog="""\b
trayd rates
trayd rates SEK EUR --date 2026-03-31
""",
)
@click.argument("currencies", nargs=-1, metavar="[CURRENCY]...")
@click.option("--date", "day", metavar="DATE", help="Of that day, such as 2026-03-31; today without it.")
@json_option
def rates(currencies: tuple[str, ...], day: str | None, as_json: bool) -> None:
    """Show the exchange rates into the home currency, from which day each is, and where it is from.

    Without a currency: those that amounts are in, or else all that are known.
    """
    from trayd.desk import open_desk
    from trayd.terminal.rates import rates_view

    with open_desk() as desk:
        answer = desk.ask("rates", date=day, currencies=",".join(currencies) or None)
    print_answer(answer, as_json, lambda style: rates_view(answer, style))
