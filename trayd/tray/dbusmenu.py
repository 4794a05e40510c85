"""A pystray menu as the D-Bus interface ``com.canonical.dbusmenu``, which panels draw menus from.

Each entry keeps its number for as long as its key lives, so that an open menu stays put while the texts in it
change: changed texts are told one by one, and only another set of entries is a new layout.

The interface is described by dbus-menu.xml of libdbusmenu; what a property's default is stands there too, and
properties that have their default are left out.
"""

# dbus-fast reads the D-Bus types from the annotations, so these must be evaluated.

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import msgspec
from dbus_fast import DBusError, PropertyAccess, Variant
from dbus_fast.annotations import (
    DBusBool,
    DBusInt32,
    DBusSignature,
    DBusStr,
    DBusUInt32,
    DBusVariant,
)
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from trayd.tray.pystray_menu import pystray

INTERFACE = "com.canonical.dbusmenu"
ROOT = 0

Properties = dict[str, Variant]
Strings = Annotated[list[str], DBusSignature("as")]
Ids = Annotated[list[int], DBusSignature("ai")]
Layout = Annotated[list[Any], DBusSignature("u(ia{sv}av)")]
Group = Annotated[list[Any], DBusSignature("a(ia{sv})")]
Events = Annotated[list[Any], DBusSignature("a(isvu)")]
TwoIds = Annotated[list[list[int]], DBusSignature("aiai")]
Updates = Annotated[list[Any], DBusSignature("a(ia{sv})a(ias)")]
Revision = Annotated[list[int], DBusSignature("ui")]


class Node(msgspec.Struct, frozen=True):
    """One entry as D-Bus shows it.

    Attributes:
        id: its number; 0 is the menu itself.
        item: the pystray item, None for the menu itself and for separators.
    """

    id: int
    properties: dict[str, Variant]
    children: tuple["Node", ...] = ()
    item: Any = None

    def walk(self) -> Iterator["Node"]:
        """This entry and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def layout(self, depth: int, names: Sequence[str]) -> list[Any]:
        """As GetLayout wants it: ``depth`` levels below, all of them where it is negative."""
        below = [Variant("(ia{sv}av)", child.layout(depth - 1, names)) for child in self.children] if depth else []
        return [self.id, self.only(names), below]

    def only(self, names: Sequence[str]) -> Properties:
        """The properties of these names; all of them where none is named."""
        return {name: value for name, value in self.properties.items() if not names or name in names}

    def shape(self) -> tuple[Any, ...]:
        """What makes a layout: which entries, in which order, at which place."""
        return (self.id, tuple(child.shape() for child in self.children))


class Numbering:
    """Gives each key one number, for good."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, key: str) -> int:
        """The number of this key, from 1."""
        return self._numbers.setdefault(key, len(self._numbers) + 1)


def tree(menu: Any, numbering: Numbering) -> Node:
    """The menu as nodes; ``menu`` is a pystray menu, or None for an empty one."""
    return Node(ROOT, {"children-display": Variant("s", "submenu")}, _children(menu, numbering, ""))


def _children(menu: Any, numbering: Numbering, above: str) -> tuple[Node, ...]:
    nodes = []
    for place, item in enumerate(menu or ()):
        if item is pystray.Menu.SEPARATOR:
            number = numbering.of(f"{above}/separator {place}")
            nodes.append(Node(number, {"type": Variant("s", "separator")}))
            continue
        key = getattr(item, "key", None) or f"{above}/{item.text}"
        below = _children(item.submenu, numbering, key) if item.submenu else ()
        nodes.append(Node(numbering.of(key), _properties(item, has_children=bool(below)), below, item))
    return tuple(nodes)


def _properties(item: Any, *, has_children: bool) -> Properties:
    # One underscore would mark the access key.
    properties = {"label": Variant("s", item.text.replace("_", "__"))}
    if not item.enabled:
        properties["enabled"] = Variant("b", False)
    if item.checked is not None:
        properties["toggle-type"] = Variant("s", "radio" if item.radio else "checkmark")
        properties["toggle-state"] = Variant("i", int(item.checked))
    if has_children:
        properties["children-display"] = Variant("s", "submenu")
    return properties


class MenuService(ServiceInterface):
    """The menu on the bus. ``choose`` is called with the pystray item that was clicked, when it may be."""

    def __init__(self, choose: Callable[[Any], None]) -> None:
        super().__init__(INTERFACE)
        self._choose = choose
        self._numbering = Numbering()
        self._root = tree(None, self._numbering)
        self._nodes = {ROOT: self._root}
        self._revision = 1

    def show(self, menu: Any, *, tell: bool) -> None:
        """Take this pystray menu; with ``tell``, tell those who show it what has changed."""
        before, self._root = self._root, tree(menu, self._numbering)
        known, self._nodes = self._nodes, {node.id: node for node in self._root.walk()}
        new_layout = before.shape() != self._root.shape()
        if new_layout:
            self._revision += 1
        if not tell:
            return
        updated: list[Any] = []
        removed: list[Any] = []
        for number, node in self._nodes.items():
            old = known.get(number)
            if old is None or old.properties == node.properties:
                continue
            changed = {name: value for name, value in node.properties.items() if old.properties.get(name) != value}
            gone = [name for name in old.properties if name not in node.properties]
            if changed:
                updated.append([number, changed])
            if gone:
                removed.append([number, gone])
        if updated or removed:
            self.items_properties_updated(updated, removed)
        if new_layout:
            self.layout_updated(ROOT)

    def _node(self, number: int) -> Node:
        node = self._nodes.get(number)
        if node is None:
            raise DBusError(f"{INTERFACE}.Error.UnknownId", f"the menu has no entry {number}")
        return node

    def _happened(self, number: int, event: str) -> None:
        node = self._node(number)
        # A panel that has not drawn the latest menu yet, or any program on the bus, may still click a grey entry.
        if event == "clicked" and node.item is not None and not node.children and node.item.enabled:
            self._choose(node.item)

    @dbus_method(name="GetLayout")
    def get_layout(self, parent: DBusInt32, depth: DBusInt32, names: Strings) -> Layout:
        """The revision, and the entries below ``parent``."""
        return [self._revision, self._node(parent).layout(depth, names)]

    @dbus_method(name="GetGroupProperties")
    def get_group_properties(self, ids: Ids, names: Strings) -> Group:
        """The properties of these entries; of all where none is named."""
        wanted = [self._nodes[number] for number in ids if number in self._nodes] if ids else self._nodes.values()
        return [[node.id, node.only(names)] for node in wanted]

    @dbus_method(name="GetProperty")
    def get_property(self, number: DBusInt32, name: DBusStr) -> DBusVariant:
        """One property of one entry, also where it has its default."""
        node = self._node(number)
        value = node.properties.get(name) or _DEFAULTS.get(name)
        if value is None:
            raise DBusError(f"{INTERFACE}.Error.UnknownProperty", f"a menu entry has no property {name!r}")
        return value

    @dbus_method(name="Event")
    def event(self, number: DBusInt32, event: DBusStr, _data: DBusVariant, _time: DBusUInt32) -> None:
        """Something happened to an entry: clicked, hovered, opened, closed."""
        self._happened(number, event)

    @dbus_method(name="EventGroup")
    def event_group(self, events: Events) -> Ids:
        """Several events at once; answers with the ids that are not in the menu."""
        unknown = []
        for number, event, _data, _time in events:
            if number in self._nodes:
                self._happened(number, event)
            else:
                unknown.append(number)
        if events and len(unknown) == len(events):
            raise DBusError(f"{INTERFACE}.Error.UnknownId", f"the menu has none of the entries {unknown}")
        return unknown

    @dbus_method(name="AboutToShow")
    def about_to_show(self, number: DBusInt32) -> DBusBool:
        """Whether the entries below must be asked for again: never, since changes are told when they happen."""
        self._node(number)
        return False

    @dbus_method(name="AboutToShowGroup")
    def about_to_show_group(self, ids: Ids) -> TwoIds:
        """The same for several; answers with those to ask for again, and those that are not in the menu."""
        return [[], [number for number in ids if number not in self._nodes]]

    @dbus_signal(name="ItemsPropertiesUpdated")
    def items_properties_updated(self, updated: list[Any], removed: list[Any]) -> Updates:
        """Entries look different; ``removed`` are properties that have their default again."""
        return [updated, removed]

    @dbus_signal(name="LayoutUpdated")
    def layout_updated(self, parent: int) -> Revision:
        """There are other entries below ``parent``."""
        return [self._revision, parent]

    @dbus_property(access=PropertyAccess.READ, name="Version")
    def version(self) -> DBusUInt32:
        """The version of the interface."""
        return 3

    @dbus_property(access=PropertyAccess.READ, name="TextDirection")
    def text_direction(self) -> DBusStr:
        """Left to right: every text of the menu is English."""
        return "ltr"

    @dbus_property(access=PropertyAccess.READ, name="Status")
    def status(self) -> DBusStr:
        """Normal: the icon itself asks for attention, not the menu."""
        return "normal"

    @dbus_property(access=PropertyAccess.READ, name="IconThemePath")
    def icon_theme_path(self) -> Strings:
        """No icons in the menu, so no folders of them."""
        return []


_DEFAULTS: Properties = {
    "type": Variant("s", "standard"),
    "label": Variant("s", ""),
    "enabled": Variant("b", True),
    "visible": Variant("b", True),
    "toggle-type": Variant("s", ""),
    "toggle-state": Variant("i", -1),
    "children-display": Variant("s", ""),
}
