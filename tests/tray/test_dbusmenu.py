from __future__ import annotations

import sys

import pytest

from trayd.tray.model import MenuItem

if sys.platform != "linux":
    pytest.skip("the D-Bus menu is for Linux", allow_module_level=True)

from trayd.tray.dbusmenu import Node, Numbering, tree
from trayd.tray.pystray_menu import pystray_menu

MENU = (
    MenuItem(id="balance", label="Balance of a_b: $48.20", action="open:billing", default=True),
    MenuItem(id="line", separator=True),
    MenuItem(id="empty", label="No generations yet", enabled=False),
    MenuItem(
        id="pause",
        label="Pause alerts",
        children=(
            MenuItem(id="pause 1h", label="For 1 hour", action="pause:1h"),
            MenuItem(id="resume", label="Resume", action="pause:off", checked=True),
            MenuItem(id="other", label="Other", action="pause:on", checked=False),
        ),
    ),
    MenuItem(id="quit", label="Quit", action="quit"),
)


def shown(menu: tuple[MenuItem, ...], numbering: Numbering | None = None) -> Node:
    return tree(pystray_menu(menu, lambda _action: None), numbering or Numbering())


def plain(node: Node) -> dict[str, object]:
    return {name: value.value for name, value in node.properties.items()}


def test_the_menu_is_described_with_what_differs_from_the_defaults_only() -> None:
    root = shown(MENU)

    assert [plain(child) for child in root.children] == [
        {"label": "Balance of a__b: $48.20"},
        {"type": "separator"},
        {"label": "No generations yet", "enabled": False},
        {"label": "Pause alerts", "children-display": "submenu"},
        {"label": "Quit"},
    ]
    assert [plain(child) for child in root.children[3].children] == [
        {"label": "For 1 hour"},
        {"label": "Resume", "toggle-type": "checkmark", "toggle-state": 1},
        {"label": "Other", "toggle-type": "checkmark", "toggle-state": 0},
    ]


def test_entries_keep_their_numbers_wherever_they_stand() -> None:
    numbering = Numbering()
    before = shown(MENU, numbering)
    after = shown((MenuItem(id="new", label="New", action="new"), *reversed(MENU)), numbering)

    def by_label(root: Node) -> dict[str, int]:
        return {str(plain(node).get("label")): node.id for node in root.walk() if "label" in node.properties}

    assert by_label(before).items() <= by_label(after).items()
    assert len(set(by_label(after).values())) == len(by_label(after))


def test_other_texts_are_the_same_shape_and_another_order_is_not() -> None:
    numbering = Numbering()
    before = shown(MENU, numbering)
    other_text = (MenuItem(id="balance", label="Balance: $1.00", action="open:billing"), *MENU[1:])

    assert shown(other_text, numbering).shape() == before.shape()
    assert shown(MENU[::-1], numbering).shape() != before.shape()


def test_a_layout_can_be_asked_for_by_depth_and_by_property() -> None:
    root = shown(MENU)
    number, properties, children = root.layout(1, ["label"])

    assert (number, properties) == (0, {})
    assert [child.value[1] for child in children][1] == {}
    assert all(child.value[2] == [] for child in children)
