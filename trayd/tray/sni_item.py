"""The icon as the D-Bus interface ``org.kde.StatusNotifierItem``.

The interface is described at https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/; where hosts
differ from it, they follow KDE's own StatusNotifierItem.xml, and so does this.
"""

# dbus-fast reads the D-Bus types from the annotations, so these must be evaluated.

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from dbus_fast import PropertyAccess
from dbus_fast.annotations import DBusBool, DBusInt32, DBusObjectPath, DBusSignature, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

INTERFACE = "org.kde.StatusNotifierItem"
ITEM_PATH = "/StatusNotifierItem"
MENU_PATH = "/StatusNotifierItem/Menu"

Pixmaps = Annotated[list[Any], DBusSignature("a(iiay)")]
ToolTip = Annotated[list[Any], DBusSignature("(sa(iiay)ss)")]


# Hosts disagree: Xfce reads a tooltip as markup and shows an empty one for a lone ampersand, KDE guesses, others
# show an escaped one as it is. So what could be markup is shown as what looks like it.
_UNMARKED = str.maketrans({"&": "+", "<": "\u2039", ">": "\u203a"})


class Face(msgspec.Struct, frozen=True):
    """What a panel shows of the icon, beside the menu.

    Attributes:
        pixmaps: width, height and ARGB pixels in network byte order, one for each size; hosts take the nearest.
        visible: whether it is shown at all.
        attention: whether it asks to be noticed now.
        opens_menu: whether a left click opens the menu, because there is nothing better to do.
    """

    title: str
    tooltip: str
    pixmaps: tuple[tuple[int, int, bytes], ...]
    visible: bool
    attention: bool
    opens_menu: bool

    @property
    def status(self) -> str:
        """In the words of StatusNotifierItem."""
        if not self.visible:
            return "Passive"
        return "NeedsAttention" if self.attention else "Active"


class Item(ServiceInterface):
    """The icon on the bus. ``activate`` is called for a left click, when it does not open the menu."""

    def __init__(self, name: str, face: Face, activate: Callable[[], None]) -> None:
        super().__init__(INTERFACE)
        self._name = name
        self._face = face
        self._activate = activate

    def show(self, face: Face, *, tell: bool) -> None:
        """Look like this from now on; with ``tell``, tell the panel what has changed."""
        before, self._face = self._face, face
        if not tell:
            return
        if face.title != before.title:
            self.new_title()
        if face.tooltip != before.tooltip or face.title != before.title:
            self.new_tool_tip()
        if face.pixmaps != before.pixmaps:
            self.new_icon()
            self.new_attention_icon()
        if face.status != before.status:
            self.new_status(face.status)

    @dbus_property(access=PropertyAccess.READ, name="Category")
    def category(self) -> DBusStr:
        """What kind of icon it is."""
        return "ApplicationStatus"

    @dbus_property(access=PropertyAccess.READ, name="Id")
    def id(self) -> DBusStr:
        """The name that panels remember the icon's place by."""
        return self._name

    @dbus_property(access=PropertyAccess.READ, name="Title")
    def title(self) -> DBusStr:
        """The name that people see."""
        return self._face.title

    @dbus_property(access=PropertyAccess.READ, name="Status")
    def status(self) -> DBusStr:
        """Active, NeedsAttention, or Passive for hidden."""
        return self._face.status

    @dbus_property(access=PropertyAccess.READ, name="WindowId")
    def window_id(self) -> DBusInt32:
        """There is no window."""
        return 0

    @dbus_property(access=PropertyAccess.READ, name="IconThemePath")
    def icon_theme_path(self) -> DBusStr:
        """The icon comes as pixels, not from a theme."""
        return ""

    @dbus_property(access=PropertyAccess.READ, name="IconName")
    def icon_name(self) -> DBusStr:
        """Empty: hosts would prefer a named icon to the pixels."""
        return ""

    @dbus_property(access=PropertyAccess.READ, name="IconPixmap")
    def icon_pixmap(self) -> Pixmaps:
        """The icon in several sizes."""
        return self._pixmaps()

    @dbus_property(access=PropertyAccess.READ, name="OverlayIconName")
    def overlay_icon_name(self) -> DBusStr:
        """No overlay: the state is drawn into the icon."""
        return ""

    @dbus_property(access=PropertyAccess.READ, name="OverlayIconPixmap")
    def overlay_icon_pixmap(self) -> Pixmaps:
        """No overlay."""
        return []

    @dbus_property(access=PropertyAccess.READ, name="AttentionIconName")
    def attention_icon_name(self) -> DBusStr:
        """Empty, as for the icon."""
        return ""

    @dbus_property(access=PropertyAccess.READ, name="AttentionIconPixmap")
    def attention_icon_pixmap(self) -> Pixmaps:
        """The same icon: hosts show this one while the status is NeedsAttention."""
        return self._pixmaps()

    @dbus_property(access=PropertyAccess.READ, name="AttentionMovieName")
    def attention_movie_name(self) -> DBusStr:
        """Nothing moves."""
        return ""

    @dbus_property(access=PropertyAccess.READ, name="ToolTip")
    def tool_tip(self) -> ToolTip:
        """Icon name, pixels, title and text."""
        return ["", [], self._face.title.translate(_UNMARKED), self._face.tooltip.translate(_UNMARKED)]

    @dbus_property(access=PropertyAccess.READ, name="ItemIsMenu")
    def item_is_menu(self) -> DBusBool:
        """Whether the panel opens the menu on a left click."""
        return self._face.opens_menu

    @dbus_property(access=PropertyAccess.READ, name="Menu")
    def menu(self) -> DBusObjectPath:
        """Where the menu is."""
        return MENU_PATH

    @dbus_method(name="Activate")
    def activate(self, _x: DBusInt32, _y: DBusInt32) -> None:
        """The left click."""
        self._activate()

    @dbus_method(name="SecondaryActivate")
    def secondary_activate(self, _x: DBusInt32, _y: DBusInt32) -> None:
        """The middle click: nothing, since it is made by accident too easily."""

    @dbus_method(name="ContextMenu")
    def context_menu(self, _x: DBusInt32, _y: DBusInt32) -> None:
        """The right click, from hosts that cannot draw the menu: there is no window to draw it in."""

    @dbus_method(name="Scroll")
    def scroll(self, _delta: DBusInt32, _orientation: DBusStr) -> None:
        """The wheel over the icon: nothing."""

    @dbus_signal(name="NewTitle")
    def new_title(self) -> None:
        """Title has changed."""

    @dbus_signal(name="NewIcon")
    def new_icon(self) -> None:
        """IconPixmap has changed."""

    @dbus_signal(name="NewAttentionIcon")
    def new_attention_icon(self) -> None:
        """AttentionIconPixmap has changed."""

    @dbus_signal(name="NewToolTip")
    def new_tool_tip(self) -> None:
        """ToolTip has changed."""

    @dbus_signal(name="NewStatus")
    def new_status(self, status: str) -> DBusStr:
        """Status has changed."""
        return status

    def _pixmaps(self) -> list[Any]:
        return [[width, height, data] for width, height, data in self._face.pixmaps]
