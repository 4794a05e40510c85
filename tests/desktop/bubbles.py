"""Notifications with buttons drawn on the screen: xfce4-notifyd, where they are, and a real pointer on them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image

from tests.desktop.harness import Desktop, wait_until

NAME = "org.freedesktop.Notifications"

# Where Debian has it: a program that only the bus starts.
_PROGRAMS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/libexec")

# A button is at least this wide; letters and rounded corners are narrower.
_WIDEST_LETTER = 24


def start_bubbles(desktop: Desktop) -> None:
    """Starts the notification service whose bubbles have buttons, and waits until it answers."""
    places = [Path(place) / "xfce4/notifyd/xfce4-notifyd" for place in _PROGRAMS]
    program = next((place for place in places if place.exists()), None)
    assert program is not None, "a desktop with buttons needs: apt-get install xfce4-notifyd"
    desktop._spawn("notifyd", [str(program)])
    wait_until(lambda: desktop.has_owner(NAME), what=f"xfce4-notifyd ({desktop.log('notifyd')})")


def bubbles(desktop: Desktop) -> list[tuple[int, int, int, int]]:
    """Where bubbles are on the screen, the topmost first: x, y, width, height."""
    found = []
    for window in desktop.run("xdotool", "search", "--onlyvisible", "--class", "otifyd", check=False).split():
        answer = desktop.run("xdotool", "getwindowgeometry", "--shell", window, check=False)
        shape = dict(line.split("=") for line in answer.split())
        if shape:
            found.append((int(shape["Y"]), int(shape["X"]), int(shape["WIDTH"]), int(shape["HEIGHT"])))
    return [(x, y, width, height) for y, x, width, height in sorted(found)]


def buttons(desktop: Desktop, bubble: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    """The middles of the buttons that are drawn in a bubble, from left to right, as they are seen in its picture.

    Buttons are a little darker than the bubble, and in its last row: below its middle, the first line of pixels that
    has stretches of such a shade shows them, at their upper edges, above their letters.
    """
    x, y, width, height = bubble
    with tempfile.TemporaryDirectory() as folder, Image.open(desktop.screenshot(Path(folder) / "now.png")) as screen:
        picture = screen.convert("L").crop((x, y, x + width, y + height))
    shade = picture.getpixel((4, height // 2))
    # The last row of buttons: from the bottom upwards, the stretches that are seen in several lines in a row.
    for line in range(height - 20, height // 2, -1):
        dark = [picture.getpixel((column, line)) != shade for column in range(2, width - 2)]
        stretches = _stretches(dark)
        if stretches and all(end - start > _WIDEST_LETTER for start, end in stretches):
            return [(x + 2 + (start + end) // 2, y + line - 4) for start, end in stretches]
    return []


def _stretches(dark: list[bool]) -> list[tuple[int, int]]:
    found = []
    start = None
    for place, is_dark in enumerate([*dark, False]):
        if is_dark and start is None:
            start = place
        elif not is_dark and start is not None:
            found.append((start, place))
            start = None
    return found
