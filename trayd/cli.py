"""The command line: one thin function a command.

Exit codes: 0 done, 1 failed, 2 wrong usage, 10 the user or a limit said no.
"""

from __future__ import annotations

import codecs
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import click

from trayd import __version__
from trayd.commands.answers import json_option, print_answer
from trayd.commands.filters import filter_options, warn_of_unknown
from trayd.errors import TraydError
from trayd.files import way_out
from trayd.texts import plain_instead

if TYPE_CHECKING:
    from trayd.desk import Desk

INTERRUPTED = 130

F = TypeVar("F", bound=Callable[..., Any])


class _Group(click.Group):
    """Imports the commands that stand in files of their own only when they are asked for."""

    elsewhere: ClassVar = {
        "sandbox": ("trayd.fal.sandbox.command", "sandbox_command"),
        "account": ("trayd.commands.setup", "account"),
        "key": ("trayd.commands.setup", "key"),
        "config": ("trayd.commands.setup", "config"),
        "tag": ("trayd.commands.tags", "tag"),
        "link": ("trayd.commands.tags", "link"),
        "ledger": ("trayd.commands.ledger", "ledger"),
        "import": ("trayd.commands.imports", "import_command"),
        "forecast": ("trayd.commands.forecast", "forecast"),
        "budgets": ("trayd.commands.forecast", "budgets"),
        "anomalies": ("trayd.commands.forecast", "anomalies"),
        "pools": ("trayd.commands.pools", "pools"),
        "reconcile": ("trayd.commands.reconcile", "reconcile"),
        "credits": ("trayd.commands.saving", "credits_command"),
        "tips": ("trayd.commands.saving", "tips"),
        "rates": ("trayd.commands.rates", "rates"),
        "export": ("trayd.commands.exports", "export"),
        "report": ("trayd.commands.exports", "report"),
        "alerts": ("trayd.commands.alerts", "alerts"),
        "open": ("trayd.commands.opening", "open_command"),
    }

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        module, name = self.elsewhere[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command and sends all that it printed on its way, so that a refusal is told and not lost at exit."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has had enough (| head). What is left in the buffer goes nowhere at exit, without a complaint.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except OSError as error:
            raise TraydError(
                f"{error.filename or 'the output'} cannot be used ({error.strerror})", way_out(error)
            ) from error
        return result

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self.elsewhere])


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="trayd", message="%(prog)s %(version)s")
def cli() -> None:
    """Keeps watch over what you spend at fal.ai: balance, usage, alerts, and reports for your clients."""


def run() -> int:
    """Runs the command of this process; returns its exit code. Errors go to stderr, with the cure."""
    codecs.register_error("plain", plain_instead)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="plain")
    try:
        result = cli(standalone_mode=False)
    except TraydError as error:
        click.echo(f"trayd: {error.message}", err=True)
        if error.cure:
            click.echo(f"       {error.cure}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return result if isinstance(result, int) else 0


@contextmanager
def _desk() -> Iterator[Desk]:
    from trayd.desk import open_desk

    with open_desk() as desk:
        yield desk


@cli.command("run")
@click.option("--headless", is_flag=True, help="Without the tray icon.")
@click.option(
    "--once", is_flag=True, help="Poll, take in the drop folder, make reports that are due, check the alerts, and end."
)
def run_command(headless: bool, once: bool) -> int:
    """Run the daemon: icon, polling, drop folder, alerts."""
    from trayd.process import run_daemon, run_once

    return run_once() if once else run_daemon(headless=headless)


@cli.command(short_help="Show it all on made-up data, in a throwaway folder.")
@click.option("--headless", is_flag=True, help="Without the tray icon: the status in this terminal instead.")
def demo(headless: bool) -> int:
    """Show the whole thing on a stand-in of fal with made-up data, in a throwaway folder."""
    from trayd.demo import run_demo

    return run_demo(headless=headless)


@cli.command()
@json_option
def status(as_json: bool) -> None:
    """Balance, spending, alerts."""
    with _desk() as desk:
        answer = desk.ask("status")
    from trayd.terminal.show import status_view

    print_answer(answer, as_json, lambda style: status_view(answer, style))


@cli.command()
@click.option("--window", help="24h, 7d, 30d (without it), month or DATE..DATE; or give --since and --until.")
@click.option(
    "--by",
    help="model, operation, client, project, deliverable, account, key (the API key or team member), kind (fal, other "
    "tools, shared costs), day, weekday or hour.",
)
@filter_options
@json_option
def usage(as_json: bool, **query: Any) -> None:
    """Totals of a window, what they are made of, and the weekday and hour on which most is spent."""
    with _desk() as desk:
        answer = desk.ask("usage", **query)
        warn_of_unknown(desk, query)
    from trayd.terminal.usage import usage_view

    print_answer(answer, as_json, lambda style: usage_view(answer, style, query["by"]))


@cli.command()
@click.option("--limit", type=click.IntRange(min=0), default=50, show_default=True, help="How many records.")
@click.option("--offset", type=click.IntRange(min=0), default=0, help="How many to leave out first.")
@click.option("--unmatched", is_flag=True, help="Only events that wait to be linked to their request.")
@click.option("--ids", is_flag=True, help="With the ids, as `trayd tag` and `trayd link` take them.")
@filter_options
@json_option
def history(ids: bool, as_json: bool, **query: Any) -> None:
    """The log, newest first."""
    unmatched = query["unmatched"] = query["unmatched"] or None
    with _desk() as desk:
        answer = desk.ask("history", **query)
        warn_of_unknown(desk, query)
    from trayd.terminal.show import history_view

    none = "no unmatched events" if unmatched else "no records"
    print_answer(answer, as_json, lambda style: history_view(answer, style, ids=ids or bool(unmatched), none=none))


@cli.command()
@json_option
def refresh(as_json: bool) -> int:
    """Ask fal now, and look into the drop folder."""
    with _desk() as desk:
        answer = desk.refresh()
        trouble = desk.ask("rates")["trouble"]
        known = desk.ask("status")["accounts"]
    from trayd.terminal.show import refresh_view

    print_answer(answer, as_json, lambda _style: refresh_view(answer, known))
    if trouble:
        click.echo(f"exchange rates: {trouble}", err=True)
    return int(any(account["problem"] for account in answer))


@cli.command()
@json_option
def doctor(as_json: bool) -> int:
    """What is wrong, and how to mend it."""
    from trayd.doctor import examine
    from trayd.terminal.show import doctor_view

    findings = examine()
    print_answer(findings, as_json, lambda _style: doctor_view(findings))
    return int(any(finding["state"] == "bad" for finding in findings))


@cli.command()
@click.option("--confirm", default="", metavar="DELETE", help="The word DELETE, in capitals.")
@json_option
def reset(confirm: str, as_json: bool) -> None:
    """Clear the history, after archiving it. The only way to do so."""
    if not confirm and sys.stdin.isatty():
        confirm = click.prompt("This clears the whole history, after archiving it. Type DELETE to go on")
    with _desk() as desk:
        answer = desk.ask("reset", confirm=confirm)
    from trayd.terminal.ledger import reset_view

    print_answer(answer, as_json, lambda _style: reset_view(answer))
