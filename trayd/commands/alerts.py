"""``trayd alerts``: what was warned of, and when to be left alone."""

from __future__ import annotations

import re
from typing import Any

import click
from click.core import ParameterSource

from trayd.commands.answers import json_option, print_answer
from trayd.errors import UsageError


@click.group(
    invoke_without_command=True,
    short_help="The alerts: open ones and those that are over; snooze, pause, resume.",
    epilog="""\b
trayd alerts
trayd alerts --since 2026-11-01 --rule balance
trayd alerts snooze balance:default 2h
trayd alerts pause tomorrow
trayd alerts test --hook chat
""",
)
@click.option("--all", "everything", is_flag=True, help="Back to the first one.")
@click.option("--since", metavar="DATE", help="Back to that date, such as 2026-11-01; a week without it.")
@click.option("--rule", help="Of that rule only, such as balance or budget.")
@click.option("--limit", type=click.IntRange(min=0), help="How many of those that are over; 100 without it.")
@json_option
@click.pass_context
def alerts(context: click.Context, /, everything: bool, as_json: bool, **query: Any) -> None:
    """Show the alerts: those that last, then those that are over, the latest first."""
    if context.invoked_subcommand is not None:
        if any(context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in context.params):
            raise UsageError(
                f"`trayd alerts {context.invoked_subcommand}` takes nothing before its name",
                "write its options after it",
            )
        return
    if everything and query["since"] is not None:
        raise UsageError("--all goes back to the first alert, --since to a date", "give one of them")
    from trayd.desk import open_desk
    from trayd.terminal.alerts import alerts_view

    with open_desk() as desk:
        answer = desk.ask("alerts", all=everything or None, **query)
    print_answer(answer, as_json, lambda style: alerts_view(answer, style))


class _WithLength(click.Command):
    """A command with a length of time among its arguments."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Tells of a length below zero what it is: click would take it for options."""
        if below := next((given for given in args if re.fullmatch(r"-\d.*", given)), None):
            from trayd.operations.alerts import no_length

            raise no_length(below)
        return super().parse_args(context, args)


@alerts.command(cls=_WithLength, short_help="Be told of an alert again later.")
@click.argument("id")
@click.argument("length", default="1h")
@json_option
def snooze(id: str, length: str, as_json: bool) -> None:  # noqa: A002  # click names the argument after it
    """Be told of the alert ID again after LENGTH (1h, 90m, 2d, tomorrow), should it still last then.

    The beginning of an id is enough where only one open alert has it. One that gets graver meanwhile is told at once.
    """
    from trayd.desk import open_desk
    from trayd.terminal.alerts import snoozed_view

    with open_desk() as desk:
        answer = desk.ask("snooze", id=id, length=length)
    print_answer(answer, as_json, lambda style: snoozed_view(answer, style))


@alerts.command(cls=_WithLength, short_help="Keep all alerts from the desktop for some time.")
@click.argument("length", default="1h")
@json_option
def pause(length: str, as_json: bool) -> None:
    """Keep all alerts from the desktop for LENGTH: 1h, 90m, 2d, tomorrow, or on, which is until they are resumed.

    They go on in the log, in `trayd alerts` and to hooks. What came up meanwhile is told when the pause is over.
    """
    from trayd.desk import open_desk
    from trayd.terminal.alerts import paused_view

    with open_desk() as desk:
        answer = desk.ask("pause", length=length)
    print_answer(answer, as_json, lambda style: paused_view(answer, style))


@alerts.command(short_help="End the pause.")
@json_option
def resume(as_json: bool) -> None:
    """End the pause; what came up meanwhile is told now."""
    from trayd.desk import open_desk
    from trayd.terminal.alerts import paused_view

    with open_desk() as desk:
        answer = desk.ask("resume")
    print_answer(answer, as_json, lambda style: paused_view(answer, style))


@alerts.command(short_help="Send a test to the desktop and to the hooks.")
@click.option("--hook", metavar="NAME", help="To this [[hook]] of the settings only.")
@json_option
def test(hook: str | None, as_json: bool) -> None:
    """Send a test to the desktop and to each [[hook]] of the settings, and say what became of it.

    Sent by the running daemon where there is one. Ends with 1 when one of them failed.
    """
    from trayd.desk import open_desk
    from trayd.terminal.alerts import tried_view

    with open_desk() as desk:
        answer = desk.try_alerts(hook)
    print_answer(answer, as_json, lambda style: tried_view(answer, style))
    if any(tried["state"] == "failed" for tried in answer):
        raise SystemExit(1)
