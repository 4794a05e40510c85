"""What the tray shows, as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import msgspec


class IconState(StrEnum):
    """What the icon says beside the level, each with a shape of its own."""

    OK = "ok"
    LOW = "low"  #: an account is under a threshold
    CRITICAL = "critical"  #: an account is under the lowest threshold, empty or locked
    STALE = "stale"  #: the figures are old, or no key gives any
    OFFLINE = "offline"  #: fal does not answer


class IconLook(msgspec.Struct, frozen=True):
    """What the icon is drawn from.

    Attributes:
        level: how full the balance is, 0 to 1; None where no balance is known.
    """

    level: float | None
    state: IconState


class MenuItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of the menu.

    Attributes:
        id: stable over updates, so that an open menu keeps its entries where they are.
        label: plain text; an underscore is an underscore.
        action: what choosing it asks of the daemon; None for what only informs or holds children.
        enabled: whether it can be chosen; what only informs is not grey for that.
        checked: shown with a check mark; None where it has none.
        default: what a click on the icon itself does, where the system has such a click.
    """

    id: str
    label: str = ""
    action: str | None = None
    enabled: bool = True
    checked: bool | None = None
    default: bool = False
    children: tuple[MenuItem, ...] = ()
    separator: bool = False

    def walk(self) -> Iterator[MenuItem]:
        """This entry and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


class TrayView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the tray shows at one moment.

    Attributes:
        title: the name of the icon, in one line.
        tooltip: lines of plain text below it.
    """

    look: IconLook
    title: str
    tooltip: str
    menu: tuple[MenuItem, ...]
