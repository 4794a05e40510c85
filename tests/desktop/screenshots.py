"""Pictures of the tray for people to look at: ``python -m tests.desktop.screenshots FOLDER``.

The icons and the menu are those of a real panel on a real X server, with made-up figures.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from PIL import Image

from tests.desktop.harness import SCREEN, Desktop, wait_until
from tests.desktop.icon_program import IconProgram
from trayd.alerts.words import actions_of
from trayd.insight.forecast import MonthEnd
from trayd.insight.status import AccountStatus, AlertStatus, Spent, Status
from trayd.insight.tally import Pending
from trayd.money import Money
from trayd.records import Counting, Estimate, Generation
from trayd.tray.icon import SIZES, draw
from trayd.tray.model import IconLook, IconState, TrayView
from trayd.tray.view import tray_view

NOW = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
THRESHOLDS = (Decimal(20), Decimal(5))
BACKDROP = 0x5A7089
WIDE = (1440, 600)
PANELS = {"light": (246, 245, 244), "dark": (43, 43, 48)}

# The states as people meet them: balance in dollars and what fal answers.
STATES = {
    "ok": ("48.20", "ok"),
    "low": ("12.40", "ok"),
    "critical": ("3.10", "ok"),
    "stale": ("48.20", "stale"),
    "offline": ("48.20", "offline"),
}


ALERTS = (
    AlertStatus(
        id="budget:Northwind:2026-11",
        rule="budget",
        level="80",
        state="open",
        since=NOW,
        title="82% of budget “Northwind” spent",
        text="$820.00 of $1,000.00 (82%) is spent in November for “Northwind / Spring Campaign”. About $1,090.00 is "
        "expected by the end.",
    ),
    AlertStatus(
        id="run_out:northwind",
        rule="run_out",
        state="open",
        since=NOW,
        title="Credits last until about 25 Nov",
        text="Your fal account has $48.20 left, which lasts until about 25 Nov (23 Nov to 28 Nov) at about $9.60 a "
        "day. Add credits before that: when they are used up, fal locks it and jobs fail.",
    ),
)


def view(balance: str, state: str, alerts: tuple[AlertStatus, ...] = ()) -> TrayView:
    """What the tray shows for an account that stands like this."""
    account = AccountStatus(
        name="default",
        username="northwind",
        balance=Money.of(balance),
        as_of=NOW - timedelta(minutes=42),
        state=state,
        run_out=date(2026, 11, 25) if state == "ok" else None,
    )
    status = Status(
        accounts=(account,),
        spent={
            "24h": Spent(cost=Money.of("6.8142"), generations=41, unpriced=1),
            "7d": Spent(cost=Money.of("31.275"), generations=212, unpriced=1),
            "30d": Spent(cost=Money.of("118.90"), generations=806, unpriced=1),
        },
        pending=Pending(generations=1),
        month=MonthEnd(
            month="2026-11",
            spent=Money.of("88.40"),
            to_come=Money.of("0"),
            expected=Money.of("124.10"),
            low=Money.of("112.80"),
            high=Money.of("139.50"),
        ),
        alerts=alerts,
    )
    return tray_view(
        status,
        RECENT,
        now=NOW,
        zone=UTC,
        thresholds=THRESHOLDS,
        buttons=actions_of,
        clients=("Northwind", "Lumen Films"),
    )


def _generation(minutes: int, name: str, counting: Counting, cost: str | None = None) -> Generation:
    at = NOW - timedelta(minutes=minutes)
    return Generation(
        id=name,
        account="default",
        endpoint_id="fal-ai/example",
        timestamp=at,
        display_name=name,
        counting=counting,
        actual=Money.of(cost) if cost and counting is Counting.ACTUAL else None,
        estimate=Estimate(Money.of(cost), at) if cost else None,
    )


RECENT = (
    _generation(1, "Kling 3.0 Pro (text to video)", Counting.PENDING),
    _generation(3, "FLUX.2 [pro]", Counting.ESTIMATE, "0.09"),
    _generation(9, "Veo 3.1", Counting.ACTUAL, "3.20"),
    _generation(31, "ElevenLabs Sound Effects", Counting.UNKNOWN),
)


def take_screenshots(out_dir: Path) -> list[Path]:
    """Write the pictures to that folder: icon states drawn large, icons in a panel, the opened menu, the tooltip."""
    out_dir.mkdir(parents=True, exist_ok=True)
    written = [_sheet(out_dir / "tray-icon-states.png")]
    for name, dark in (("dark", True), ("light", False)):
        with tempfile.TemporaryDirectory() as home, Desktop(Path(home), dark=dark, notifications=False) as desktop:
            desktop.paint_backdrop(BACKDROP)
            written.append(_panel(desktop, out_dir / f"tray-panel-{name}.png"))
            written.append(_menu(desktop, out_dir / f"tray-menu-{name}.png"))
            if dark:  # a tooltip is dark on both
                written.append(_tooltip(desktop, out_dir / "tray-tooltip.png"))
    with tempfile.TemporaryDirectory() as home, Desktop(Path(home), notifications=False, screen=WIDE) as desktop:
        desktop.paint_backdrop(BACKDROP)
        written.append(_alerts(desktop, out_dir / "tray-alerts.png"))
        written.append(_reports(desktop, out_dir / "tray-reports.png"))
    return written


def _sheet(path: Path) -> Path:
    """Every state at every size, as it is and enlarged, on light and dark."""
    looks = [view(*STATES[state.value]).look for state in IconState] + [IconLook(level=None, state=IconState.OK)]
    zoom, cell = 4, 80
    width = sum(size + 12 for size in SIZES) + 16 * zoom + 24
    sheet = Image.new("RGB", (2 * width, cell * len(looks)))
    for column, colour in enumerate(PANELS.values()):
        sheet.paste(colour, (column * width, 0, (column + 1) * width, sheet.height))
        for row, look in enumerate(looks):
            x = column * width + 12
            pictures = [draw(look, size) for size in SIZES]
            pictures.append(draw(look, 16).resize((16 * zoom,) * 2, Image.Resampling.NEAREST))
            for picture in pictures:
                sheet.paste(picture, (x, row * cell + (cell - picture.height) // 2), picture)
                x += picture.width + 12
    sheet.save(path)
    return path


def _panel(desktop: Desktop, path: Path) -> Path:
    with ExitStack() as programs:
        for place, state in enumerate(STATES.values(), 1):
            programs.enter_context(IconProgram(desktop.env, view(*state)))
            wait_until(lambda count=place: len(desktop.items()) == count, what="the icons")
        time.sleep(0.7)
        _cropped(desktop, path, (SCREEN[0] - 320, 0, SCREEN[0], 37), zoom=2)
    wait_until(lambda: not desktop.items(), what="a panel without icons")
    return path


def _menu_opened(desktop: Desktop) -> tuple[int, int, int]:
    """Opens the icon's menu; where the icon begins on the screen, and its height."""
    desktop.item()
    x, y, width, height = desktop.tray_area()
    time.sleep(0.5)
    desktop.mouse_click(x + width // 2, y + height // 2, button=3)
    time.sleep(0.7)
    return x, y, height


def _menu(desktop: Desktop, path: Path) -> Path:
    with IconProgram(desktop.env, view(*STATES["ok"], alerts=ALERTS)):
        x, y, height = _menu_opened(desktop)
        desktop.run("xdotool", "mousemove", str(x - 60), str(y + height + 150), "sleep", "0.4")
        _cropped(desktop, path, (SCREEN[0] - 500, 0, SCREEN[0], 520))
    wait_until(lambda: not desktop.items(), what="a panel without icons")
    return path


def _alerts(desktop: Desktop, path: Path) -> Path:
    """The menu with the first of the open alerts unfolded."""
    with IconProgram(desktop.env, view(*STATES["ok"], alerts=ALERTS)):
        _menu_opened(desktop)
        # From the end: Quit, Pause alerts, Alerts.
        for keys in (("Up", "Up", "Up"), ("Right",), ("Right",), ("Down", "Down", "Down")):
            desktop.run("xdotool", "key", *keys, "sleep", "0.4")
        _cropped(desktop, path, (desktop.screen[0] - 1280, 0, desktop.screen[0], 560))
    wait_until(lambda: not desktop.items(), what="a panel without icons")
    return path


def _reports(desktop: Desktop, path: Path) -> Path:
    """The menu with the reports of the first client unfolded."""
    with IconProgram(desktop.env, view(*STATES["ok"])):
        _menu_opened(desktop)
        # From the end: Quit, Pause alerts, Open drop folder, Build report. Nobody is led to "No alerts".
        for keys in (("Up", "Up", "Up", "Up"), ("Right",), ("Down", "Down", "Down"), ("Right",)):
            desktop.run("xdotool", "key", *keys, "sleep", "0.4")
        _cropped(desktop, path, (desktop.screen[0] - 1000, 0, desktop.screen[0], 560))
    wait_until(lambda: not desktop.items(), what="a panel without icons")
    return path


def _tooltip(desktop: Desktop, path: Path) -> Path:
    with IconProgram(desktop.env, view(*STATES["stale"], alerts=ALERTS[:1])):
        desktop.item()
        x, y, width, height = desktop.tray_area()
        # A tooltip wants a pointer that moves and then rests.
        for place in (2, width // 2):
            desktop.run("xdotool", "mousemove", str(x + place), str(y + height // 2), "sleep", "0.3")
        time.sleep(1)
        _cropped(desktop, path, (SCREEN[0] - 460, 0, SCREEN[0], 175))
    wait_until(lambda: not desktop.items(), what="a panel without icons")
    return path


def _cropped(desktop: Desktop, path: Path, box: tuple[int, int, int, int], zoom: int = 1) -> None:
    desktop.screenshot(path)
    with Image.open(path) as whole:
        part = whole.convert("RGB").crop(box)
    part.resize((part.width * zoom, part.height * zoom), Image.Resampling.NEAREST).save(path)


if __name__ == "__main__":
    for picture in take_screenshots(Path(sys.argv[1])):
        sys.stdout.write(f"{picture}\n")
