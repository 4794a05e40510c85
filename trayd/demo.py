"""The demo: the real daemon on the stand-in of fal, in a throwaway folder, with a made-up studio dropping files in.

Nothing of the person's own is touched: not the settings, not the keyring, not fal.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Group
from rich.live import Live
from rich.text import Text

from trayd.desk import RemoteDesk
from trayd.errors import TraydError
from trayd.fal.sandbox.options import DEMO
from trayd.fal.sandbox.server import running_sandbox
from trayd.operations import utc_now
from trayd.panel.address import read_address
from trayd.process import Process, log_to
from trayd.settings import Paths, load
from trayd.shapes import plain
from trayd.show import Style, console, count, status_view
from trayd.tray.app import NoTrayError, choose_backend
from trayd.views import Snapshot

_SETTINGS = """\
[poll]
interval_s = 2

[[pool]]
name = "Adobe Creative Cloud"
amount = 59.99
currency = "USD"
from = {month_ago}
"""
_MONTH = timedelta(days=28)

#: How often the made-up studio tags its newest jobs.
_TAG_EVERY_S = 6.0
_WITHOUT_TERMINAL_EVERY_S = 5.0
_TAGGED_AT_ONCE = 5000

_JOBS = (
    ("Northwind", "Spring Campaign", "Hero Film"),
    ("Northwind", "Spring Campaign", "Social Cut"),
    ("Halden & Co", "Product Launch", "Key Visuals"),
    ("Halden & Co", "Product Launch", "BTS Reel"),
    ("Lumen Studio", "Title Sequence", "Animatic"),
)

_OTHER_TOOLS = (
    ("Midjourney", "Standard plan", "30.00", "USD", "image"),
    ("ElevenLabs", "Voice-over", "22.00", "EUR", "voice"),
    ("Epidemic Sound", "Music licence", "189.00", "SEK", "audio"),
)


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
        month_ago = (utc_now() - _MONTH).date()
        paths.settings.write_text(_SETTINGS.format(month_ago=month_ago), encoding="utf-8")
        # The person's own keyring may hold a real key; it is not for the stand-in.
        os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
        os.environ["FAL_ADMIN_KEY"] = sandbox.admin_key
        os.environ["TRAYD_FAL_URL"] = sandbox.url
        os.environ["TRAYD_RATES_URL"] = sandbox.rates_url
        os.environ["TRAYD_HOME"] = folder
        log_to(paths, terminal=False)
        click.echo(f"trayd demo: made-up data in {folder}; from another terminal: TRAYD_HOME={folder} trayd status")
        settings = load(paths.settings)
        with _studio(paths), _screen(Style(settings.number_locale(), settings.zone()), shown=headless) as screen:
            Process(paths, settings, screen.show).run(headless=headless)
    return 0


class _Screen:
    """The status in the terminal: live where it is one, else a line of figures now and then."""

    def __init__(self, style: Style, live: Live | None, *, shown: bool) -> None:
        self._style = style
        self._live = live
        self._shown = shown
        self._last: datetime | None = None
        self._told: set[str] = set()

    def show(self, snapshot: Snapshot) -> None:
        """Takes the next snapshot."""
        if not self._shown:
            return
        status: dict[str, Any] = plain(snapshot.status)
        if self._live is not None:
            hint = Text("Ctrl-C ends the demo", style="dim")
            self._live.update(Group(status_view(status, self._style), Text(), hint), refresh=True)
            return
        for alert in reversed(status["alerts"]):
            # One that escalates keeps its id.
            if alert["text"] not in self._told:
                self._told.add(alert["text"])
                mark = "-" if alert["rule"] == "backfill" else "!"
                click.echo(f"{mark} {alert['text']}")
        if self._last is None or snapshot.at - self._last > timedelta(seconds=_WITHOUT_TERMINAL_EVERY_S):
            self._last = snapshot.at
            total = status["spent"]["total"]
            balances = ", ".join(self._style.money(account["balance"]) for account in status["accounts"])
            spending = f"spent {self._style.money(total['cost'])}, {count(total['generations'], 'generation')}"
            click.echo(f"balance {balances}; {spending}")


@contextmanager
def _screen(style: Style, *, shown: bool) -> Iterator[_Screen]:
    if shown and sys.stdout.isatty():
        with Live(console=console(), auto_refresh=False) as live:
            yield _Screen(style, live, shown=True)
    else:
        yield _Screen(style, None, shown=shown)


@contextmanager
def _studio(paths: Paths) -> Iterator[None]:
    """A thread that does what plug-ins and people do: events with client and project, a CSV of other tools' costs."""
    over = threading.Event()
    thread = threading.Thread(target=_work, args=(paths, over), name="studio", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _work(paths: Paths, over: threading.Event) -> None:
    tagged: set[str] = set()
    number = 0
    while not over.wait(_TAG_EVERY_S if number else 1.0):
        daemon = read_address(paths.run)
        if daemon is None:
            continue
        try:
            desk = RemoteDesk(daemon)
            history = desk.ask("history", limit=_TAGGED_AT_ONCE, kind="internal")
            desk.close()
        except TraydError:
            continue
        events = [_event(item) for item in history if item["request_id"] and item["request_id"] not in tagged]
        if not events:
            continue
        number += 1
        tagged.update(event["request_id"] for event in events)
        _drop(paths.drop, f"premiere-{number:03d}.jsonl", "".join(json.dumps(event) + "\n" for event in events))
        if number == 1:
            rows = "".join(
                f"{item['timestamp'][:10]},{tool}: {text},{amount},{currency},{kind},{tool}\n"
                for item, (tool, text, amount, currency, kind) in zip(
                    history[:: len(history) // 3], _OTHER_TOOLS, strict=False
                )
            )
            _drop(paths.drop, "other-tools.csv", "date,description,amount,currency,category,source\n" + rows)


def _event(item: dict[str, Any]) -> dict[str, Any]:
    client, project, deliverable = _JOBS[int(item["request_id"].replace("-", ""), 16) % len(_JOBS)]
    return {
        "trayd": 1,
        "type": "generation",
        "request_id": item["request_id"],
        "endpoint_id": item["model"],
        "time": item["timestamp"],
        "status": item["status"],
        "client": client,
        "project": project,
        "deliverable": deliverable,
        "source": "premiere",
    }


def _drop(folder: Path, name: str, text: str) -> None:
    """As a well-behaved plug-in does it: written elsewhere, then renamed in."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{name}.part"
    part.write_text(text, encoding="utf-8")
    part.rename(folder / name)
