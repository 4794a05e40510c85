"""Makes the pictures in ``docs/screenshots``: ``python -m tests.screenshots FOLDER``.

The tray's are of a real desktop's panel; the notification, trayd's own panel, the report and the terminal are of a
real demo.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console

from tests.desktop.bubbles import bubbles, start_bubbles
from tests.desktop.harness import Desktop, wait_until
from tests.desktop.screenshots import BACKDROP, take_screenshots
from tests.panel.pictures import panel_pictures
from tests.reports.pictures import report_pictures
from trayd.desk import RemoteDesk
from trayd.panel.address import read_address
from trayd.terminal.forecast import budgets_view
from trayd.terminal.show import Style, status_view
from trayd.terminal.usage import usage_view

#: Until a warning that has come is drawn on the screen.
_DRAWN_S = 1.0

#: Who the reports of the pictures are from, and what their client is charged.
_REPORT = """
[report]
name = "Studio North"
address = "Skeppsbron 12\\n111 30 Stockholm"
note = "Thank you for working with us."

[[report.client]]
name = "{client}"
markup_percent = 20
hide_costs = true
"""


def main(out: Path) -> None:
    """All pictures, each named as it is written."""
    for picture in [*take_screenshots(out), *_of_a_demo(out)]:
        sys.stdout.write(f"{picture}\n")


def _of_a_demo(out: Path) -> list[Path]:
    with tempfile.TemporaryDirectory() as folder, Desktop(Path(folder) / "desktop", notifications=False) as desktop:
        desktop.paint_backdrop(BACKDROP)
        start_bubbles(desktop)
        demo = subprocess.Popen(
            [sys.executable, "-u", "-m", "trayd", "demo"], env=desktop.env, stdout=subprocess.PIPE, text=True
        )
        try:
            assert demo.stdout is not None
            told = next(line for line in demo.stdout if line.startswith("TRAYD_HOME="))
            home = Path(told.partition("=")[2].split()[0])
            address = wait_until(lambda: read_address(home / "run"), what="the daemon's address")
            desk = RemoteDesk(address)
            wait_until(
                lambda: any(alert["rule"] == "budget" for alert in desk.ask("status")["alerts"]),
                timeout=60,
                what="the warning of a budget",
            )
            time.sleep(_DRAWN_S)
            notification = _bubbles(desktop, out / "notification.png")
            status, usage = desk.ask("status"), desk.ask("usage", window="30d", by="model")
            budgets = desk.ask("budgets")
            whole, statement, client = _reports(desk, home, Path(folder))
            panel = panel_pictures(out, Path(folder), _link(desk, home), client)
            desk.close()
        finally:
            demo.terminate()
            demo.wait(20)
        usage["by"] = usage["by"][:8]
        return [
            notification,
            *panel,
            _terminal(out / "status.svg", "trayd status", status_view, status),
            _terminal(out / "budgets.svg", "trayd budgets", budgets_view, budgets),
            _terminal(out / "usage.svg", "trayd usage --by model", lambda *both: usage_view(*both, "model"), usage),
            *report_pictures(out, Path(folder), whole, statement),
        ]


def _bubbles(desktop: Desktop, path: Path) -> Path:
    desktop.screenshot(path)
    places = bubbles(desktop)
    edges = [min(x for x, *_ in places), max(y + height for _, y, _, height in places)]
    with Image.open(path) as whole:
        whole.convert("RGB").crop((edges[0] - 16, 0, whole.width, edges[1] + 16)).save(path)
    return path


def _terminal(path: Path, command: str, view: Any, answer: Any) -> Path:
    from zoneinfo import ZoneInfo

    console = Console(record=True, width=110, file=Path("/dev/null").open("w"))  # noqa: SIM115  # ends with the process
    console.print(f"$ {command}", style="bold", highlight=False)
    console.print(view(json.loads(json.dumps(answer)), Style("en_US", ZoneInfo("UTC"))), highlight=False)
    console.save_svg(str(path), title="trayd")
    return path


def _link(desk: RemoteDesk, home: Path) -> str:
    """What opens the panel, once there is something in the folder of reports."""
    (home / "reports").mkdir(exist_ok=True)
    clients = [entry["key"] for entry in desk.ask("usage", window="30d", by="client")["by"] if entry["key"]]
    for number, client in enumerate(sorted(clients, reverse=True)):
        report = desk.text("report", client=client)
        path = home / "reports" / report.name
        path.write_text("".join(report), encoding="utf-8")
        os.utime(path, (time.time() - 60 * number, time.time() - 60 * number))
    return str(desk.ask("panel-link")["url"])


def _reports(desk: RemoteDesk, home: Path, folder: Path) -> tuple[Path, Path, str]:
    """A report of everything, and one for the client that most was spent for, whose costs are hidden; that client."""
    client = next(entry["key"] for entry in desk.ask("usage", window="30d", by="client")["by"] if entry["key"])
    settings = home / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + _REPORT.format(client=client), encoding="utf-8")
    whole, statement = folder / "report.html", folder / "statement.html"

    def made() -> bool:
        statement.write_text("".join(desk.text("report", client=client)), encoding="utf-8")
        return "AI usage statement" in statement.read_text(encoding="utf-8")

    wait_until(made, what="the settings taken over")
    whole.write_text("".join(desk.text("report")), encoding="utf-8")
    return whole, statement, client


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
