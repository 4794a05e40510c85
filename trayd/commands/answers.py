"""What every command does with its answer: JSON for programs, a view for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from trayd.terminal.show import Style

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """Gives the command ``--json``, handed in as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def print_answer(value: Any, as_json: bool, view: Callable[[Style], RenderableType]) -> None:
    """Prints the answer: its outward shape with ``--json``, else what ``view`` makes of it for this user."""
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))
        return
    from trayd.errors import SettingsError
    from trayd.settings import Paths, Settings, load
    from trayd.terminal.show import Style, console

    try:
        settings = load(Paths.usual().settings)
    except SettingsError:
        # Only the doctor comes this far without settings; what is wrong with them is its answer.
        settings = Settings()
    console().print(view(Style(settings.number_locale(), settings.zone())), highlight=False, crop=False)
