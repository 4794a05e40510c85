"""``trayd open``: fal's pages, the panel, the drop folder."""

from __future__ import annotations

from contextlib import suppress

import click

from trayd.errors import TraydError
from trayd.opener import PAGES, open_target
from trayd.settings import Paths, load


@click.command("open")
@click.argument("what", type=click.Choice([*PAGES, "panel", "drop"]))
def open_command(what: str) -> None:
    """Open fal's pages, trayd's own panel, or the drop folder."""
    if what in PAGES:
        click.echo(PAGES[what])
        open_target(PAGES[what])
    elif what == "panel":
        _open_panel()
    else:
        paths = Paths.usual()
        drop = paths.with_folders(load(paths.settings).folders).drop
        drop.mkdir(parents=True, exist_ok=True)
        click.echo(str(drop))
        open_target(drop)


def _open_panel() -> None:
    """Has the person's browser open it. The link is printed as well: no system tells whether its opener found one.

    Raises:
        DaemonError: no daemon runs.
    """
    from trayd.desk import running_daemon

    with running_daemon() as desk:
        link = desk.ask("panel-link")
    click.echo(link["url"])
    click.echo(f"it opens the panel once, within {link['seconds']} seconds", err=True)
    with suppress(TraydError):
        open_target(link["url"])
