"""What every command does with its answer: JSON for programs, a view for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from trayd.settings import Settings
    from trayd.terminal.show import Style

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """Gives the command ``--json``, handed in as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def readable_settings() -> Settings:
    """How things are written for this user; by the defaults where the file is not valid.

    Who comes this far without valid settings has been told of it: by the doctor, or beside a running daemon's answer.
    """
    from trayd.errors import SettingsError
    from trayd.settings import Paths, Settings, load

    try:
        return load(Paths.usual().settings)
    except SettingsError:
        return Settings()


def print_answer(value: Any, as_json: bool, view: Callable[[Style], RenderableType]) -> None:
    """Prints the answer: its outward shape with ``--json``, else what ``view`` makes of it for this user."""
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))
        return
    from trayd.terminal.show import Style, console

    settings = readable_settings()
    console().print(view(Style(settings.number_locale(), settings.zone())), highlight=False, crop=False)
