"""The demo: the real daemon on the stand-in of fal, in a throwaway folder, with a made-up studio dropping files in.

Nothing of the person's own is touched: not the settings, not the keyring, not fal.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Group
from rich.live import Live
from rich.text import Text

from trayd.demo_studio import DEMO, LYRICS_BUDGET, DemoStudio
from trayd.desk import RemoteDesk
from trayd.errors import TraydError
from trayd.fal.sandbox.server import running_sandbox
from trayd.fal.sandbox.world import World
from trayd.operations.operations import utc_now
from trayd.panel.address import read_address
from trayd.process import Process, log_to
from trayd.service.views import Snapshot
from trayd.settings import Paths, load
from trayd.shapes import plain
from trayd.terminal.show import Style, console, status_view
from trayd.tray.app import NoTrayError, choose_backend

_SETTINGS = """\
[poll]
interval_s = 2

[[budget]]
name = "Spring Campaign"
amount = 150
at = [80, 100]
period = "month"
client = "Northwind"
project = "Spring Campaign"

[[budget]]
name = "Veo for the lyrics"
amount = {lyrics}
at = [80, 100]
period = "total"
model = "fal-ai/veo3/fast"
client = "Kite Records"
project = "Lyric Video"

[[pool]]
name = "Adobe Creative Cloud"
amount = 59.99
currency = "USD"
from = {month_ago}
"""
_MONTH = timedelta(days=28)

#: How often the made-up studio looks for what it has ordered.
_STUDIO_EVERY_S = 0.5
_WITHOUT_TERMINAL_EVERY_S = 5.0


def run_demo(*, headless: bool) -> int:
    """``trayd demo``: until Ctrl-C or Quit; the folder goes with it.

    Raises:
        TraydError: it could not start.
    """
    if not headless:
        try:
            choose_backend()
        except NoTrayError as error:
            click.echo(f"{error.message}. The status is shown here instead; Ctrl-C ends the demo.")
            headless = True
    with tempfile.TemporaryDirectory(prefix="trayd-demo-") as folder, running_sandbox(DEMO) as sandbox:
        paths = Paths.under(Path(folder))
        paths.settings.write_text(settings_of(utc_now().date()), encoding="utf-8")
        # The person's own keyring may hold a real key; it is not for the stand-in.
        os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
        os.environ["FAL_ADMIN_KEY"] = sandbox.admin_key
        os.environ["TRAYD_FAL_URL"] = sandbox.url
        os.environ["TRAYD_RATES_URL"] = sandbox.rates_url
        os.environ["TRAYD_HOME"] = folder
        log_to(paths, terminal=False)
        click.echo("trayd demo, on made-up data in a throwaway folder. From another terminal:")
        click.echo(f"TRAYD_HOME={folder} {_command()} status")
        settings = load(paths.settings)
        with (
            _studio(paths, sandbox.world),
            _screen(Style(settings.number_locale(), settings.zone()), shown=headless) as screen,
        ):
            Process(paths, settings, screen.show).run(headless=headless)
    return 0


def _command() -> str:
    """How this trayd is called from another terminal, also where it is not on the PATH."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{sys.executable} -m trayd"
    return "trayd" if shutil.which("trayd") else str(called.absolute())


def settings_of(today: date) -> str:
    """The settings that the demo begins with on that day."""
    return _SETTINGS.format(month_ago=today - _MONTH, lyrics=LYRICS_BUDGET)


class _Screen:
    """The status in the terminal: live where it is one, else a line of figures now and then."""

    def __init__(self, style: Style, live: Live | None, *, shown: bool) -> None:
        self._style = style
        self._live = live
        self._shown = shown
        self._last: datetime | None = None
        self._told: set[tuple[str, str]] = set()

    def show(self, snapshot: Snapshot) -> None:
        """Takes the next snapshot."""
        if not self._shown:
            return
        status: dict[str, Any] = plain(snapshot.status)
        if self._live is not None:
            # In full they would not all fit a terminal of 24 lines, and what does not fit is cut off.
            lasting = [alert["title"] for alert in status["alerts"] if alert["state"] == "open"]
            titles = [Text(f"! {title}", style="bold red") for title in lasting]
            hint = Text("`trayd alerts` tells more; Ctrl-C ends the demo", style="dim")
            figures = status_view({**status, "alerts": []}, self._style)
            self._live.update(Group(figures, "", *titles, hint), refresh=True)
            return
        for alert in reversed(status["alerts"]):
            # One that escalates keeps its id; one that lasts is worded anew with each new figure.
            told = alert["id"], alert["level"]
            if told not in self._told:
                self._told.add(told)
                mark = "-" if alert["rule"] == "backfill" else "!"
                click.echo(f"{mark} {alert['title']}: {alert['text']}")
        if self._last is None or snapshot.at - self._last > timedelta(seconds=_WITHOUT_TERMINAL_EVERY_S):
            self._last = snapshot.at
            total = status["spent"]["total"]
            balances = ", ".join(self._style.money(account["balance"]) for account in status["accounts"])
            spending = (
                f"spent {self._style.money(total['cost'])}, {self._style.count(total['generations'], 'generation')}"
            )
            click.echo(f"balance {balances}; {spending}")


@contextmanager
def _screen(style: Style, *, shown: bool) -> Iterator[_Screen]:
    if shown and sys.stdout.isatty():
        with Live(console=console(), auto_refresh=False) as live:
            yield _Screen(style, live, shown=True)
    else:
        yield _Screen(style, None, shown=shown)


@contextmanager
def _studio(paths: Paths, world: World) -> Iterator[None]:
    """A thread that does what plug-ins and people do: events with client and project, a CSV of other tools' costs."""
    over = threading.Event()
    thread = threading.Thread(target=_work, args=(paths, world, over), name="studio", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _work(paths: Paths, world: World, over: threading.Event) -> None:
    studio = DemoStudio(world, paths.drop)
    while not over.wait(_STUDIO_EVERY_S):
        if _knows_its_past(paths):
            studio.begin()
            break
    while not over.wait(_STUDIO_EVERY_S):
        studio.go_on()


def _knows_its_past(paths: Paths) -> bool:
    """Whether the daemon has read what fal billed, so that it can tell of that first."""
    daemon = read_address(paths.run)
    if daemon is None:
        return False
    try:
        desk = RemoteDesk(daemon)
        history = desk.ask("history", limit=1, kind="internal")
        desk.close()
    except TraydError:
        return False
    return bool(history)
