"""Imports pystray without touching a display, and turns the menu's plain data into pystray's.

``import pystray`` picks a backend and connects to the X server at once; with its dummy backend named in the
environment it does neither, and the right backend can be chosen afterwards.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from trayd.tray.model import MenuItem

_before = os.environ.get("PYSTRAY_BACKEND")
os.environ["PYSTRAY_BACKEND"] = "dummy"
try:
    import pystray
    from pystray._base import Icon as BaseIcon  # the base of every backend; pystray has no public name for it
finally:
    if _before is None:
        del os.environ["PYSTRAY_BACKEND"]
    else:
        os.environ["PYSTRAY_BACKEND"] = _before

__all__ = ["BaseIcon", "Entry", "pystray", "pystray_menu"]


class Entry(pystray.MenuItem):  # type: ignore[misc] # pystray has no types
    """A pystray menu item that keeps the key of the item it shows.

    Attributes:
        key: stable over updates, unlike the item's place in the menu.
    """

    def __init__(self, item: MenuItem, choose: Callable[[str], None]) -> None:
        self.key = item.id
        action: Any = None
        if item.children:
            action = pystray_menu(item.children, choose)
        elif item.action is not None:
            action = _chooser(item.action, choose)
        checked = item.checked
        super().__init__(
            _native_label(item.label),
            action,
            checked=None if checked is None else lambda _: checked,
            default=item.default,
            enabled=item.enabled,
        )


def pystray_menu(items: Sequence[MenuItem], choose: Callable[[str], None]) -> pystray.Menu:
    """The same menu for pystray; ``choose`` is called with the action of what the person chooses."""
    return pystray.Menu(*(pystray.Menu.SEPARATOR if item.separator else Entry(item, choose) for item in items))


def _chooser(action: str, choose: Callable[[str], None]) -> Callable[[], None]:
    # A plain function, because pystray looks at how many arguments it takes.
    def chosen() -> None:
        choose(action)

    return chosen


def _native_label(label: str) -> str:
    # An ampersand marks the access key on Windows; two are one that is shown.
    return label.replace("&", "&&") if sys.platform == "win32" else label
