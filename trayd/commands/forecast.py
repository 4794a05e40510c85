"""``trayd forecast``, ``trayd budgets`` and ``trayd anomalies``."""

from __future__ import annotations

import click

from trayd.commands.answers import json_option, print_answer


@click.command(short_help="How long each balance lasts, and what the month will come to.")
@json_option
def forecast(as_json: bool) -> None:
    """Show what is spent a day, until when each balance lasts, and what this month will come to.

    Recent days weigh more, and weekdays have their own pattern from four weeks on. Ranges hold four times out of five.
    It takes three whole days of known spending.
    """
    from trayd.desk import open_desk
    from trayd.terminal.forecast import forecast_view

    with open_desk() as desk:
        answer = desk.ask("forecast")
    print_answer(answer, as_json, lambda style: forecast_view(answer, style))


@click.command(short_help="How the budgets of the settings stand.")
@json_option
def budgets(as_json: bool) -> None:
    """Show what is spent of each [[budget]] of the settings in its running period, and what it will come to.

    `trayd config edit` shows how a budget is said.
    """
    from trayd.desk import open_desk
    from trayd.terminal.forecast import budgets_view

    with open_desk() as desk:
        answer = desk.ask("budgets")
    print_answer(answer, as_json, lambda style: budgets_view(answer, style))


@click.command(
    short_help="Days on which far more was spent than usual, and on what.",
    epilog="""\b
trayd anomalies
trayd anomalies --window 30d
trayd anomalies --window 2026-10-01..2026-10-31 --json
""",
)
@click.option("--window", metavar="WINDOW", help="7d, 30d, month or DATE..DATE; the last 90 days without it.")
@json_option
def anomalies(as_json: bool, window: str | None) -> None:
    """Show the days on which far more was spent with fal than on others like them, and what explains it.

    Each day is compared with the nine weeks before it: workdays with workdays and weekends with weekends where these
    differ, else with all.
    """
    from trayd.desk import open_desk
    from trayd.terminal.forecast import anomalies_view

    with open_desk() as desk:
        answer = desk.ask("anomalies", window=window)
    print_answer(answer, as_json, lambda style: anomalies_view(answer, style))
