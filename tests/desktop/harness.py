"""A real Linux desktop for tests: X server, session bus, panel with a tray, notification service.

``Desktop`` starts each part on its own, with every directory of the user under one folder, and ends
everything it started. ``TrayItem`` is the icon as a tray host sees it: over D-Bus.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

SCREEN = (800, 600)
PACKAGES = {
    "Xvfb": "xvfb",
    "dbus-daemon": "dbus",
    "xfce4-panel": "xfce4-panel",
    "xfconf-query": "xfconf",
    "dunst": "dunst",
    "xdotool": "xdotool",
    "import": "imagemagick",
}

WATCHER = DBusAddress("/StatusNotifierWatcher", "org.kde.StatusNotifierWatcher", "org.kde.StatusNotifierWatcher")
BUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
PROPERTIES = "org.freedesktop.DBus.Properties"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

PANEL_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="{dark}"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="icon-size" type="uint" value="{icon}"/>
      <property name="size" type="uint" value="{size}"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
        <value type="int" value="3"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
    </property>
    <property name="plugin-3" type="string" value="clock"/>
  </property>
</channel>
"""

# dunst runs the script for each notification that it shows; its history holds only the closed ones.
DUNST_CONFIG = """[global]
    width = 340
    height = 300
    origin = top-right
    offset = 12x48
    font = DejaVu Sans 10
    frame_width = 1
    frame_color = "#5b6472"
    icon_position = left
    max_icon_size = 48
    corner_radius = 6
    always_run_script = true
    history_length = 200
    notification_limit = 20
[urgency_low]
    background = "#20242c"
    foreground = "#e8eaed"
    timeout = 0
[urgency_normal]
    background = "#20242c"
    foreground = "#e8eaed"
    timeout = 0
[urgency_critical]
    background = "#3a1416"
    foreground = "#ffffff"
    timeout = 0
[record]
    summary = *
    script = {script}
"""

DUNST_SCRIPT = """#!/bin/sh
printf '%s\\0%s\\0%s\\0%s\\0%s\\0' "$DUNST_ID" "$DUNST_APP_NAME" "$DUNST_URGENCY" "$DUNST_SUMMARY" "$DUNST_BODY" \\
    >> '{log}'
"""

T = TypeVar("T")


class DesktopError(AssertionError):
    """The desktop is not in the state that a test waits for."""


def wait_until(probe: Callable[[], T], *, timeout: float = 10.0, what: str = "the condition") -> T:
    """Return the first truthy answer of ``probe``; raise ``DesktopError`` after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise DesktopError(f"{what}: not seen in {timeout:g} s")
        time.sleep(0.02)


def missing_packages() -> list[str]:
    """The Debian packages that the desktop needs and this machine lacks."""
    return [package for tool, package in PACKAGES.items() if shutil.which(tool) is None]


def end(process: subprocess.Popen[bytes] | None, *, how: signal.Signals = signal.SIGTERM) -> None:
    """End a process that was started in its own session, and all it started; kill it after 3 s."""
    if process is None:
        return
    for number in (how, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(3)
            break
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


@dataclass(frozen=True)
class Notification:
    """A notification as the service showed it. ``urgency`` is LOW, NORMAL or CRITICAL."""

    id: int
    app: str
    urgency: str
    summary: str
    body: str


@dataclass(frozen=True)
class MenuEntry:
    """One entry of a menu read over com.canonical.dbusmenu."""

    id: int
    label: str
    enabled: bool
    visible: bool
    separator: bool
    checked: bool | None
    children: tuple[MenuEntry, ...]

    def walk(self) -> Iterator[MenuEntry]:
        """This entry and all below it, in the order they are shown."""
        yield self
        for child in self.children:
            yield from child.walk()

    def lines(self, indent: int = 0) -> list[str]:
        """The menu as text, the way a person would write it down."""
        mark = {None: "", True: "[x] ", False: "[ ] "}[self.checked]
        text = "---" if self.separator else mark + self.label + ("" if self.enabled else " (grey)")
        below = [line for child in self.children for line in child.lines(indent + 2)]
        return [" " * indent + text, *below]


@dataclass(frozen=True)
class Pixmap:
    """One size of an icon: ARGB, four bytes a pixel, network byte order."""

    width: int
    height: int
    data: bytes


class TrayItem:
    """A StatusNotifierItem, read and clicked the way a panel does it."""

    def __init__(self, connection: DBusConnection, service: str, path: str) -> None:
        self.connection = connection
        self.service = service
        self.path = path

    def properties(self) -> dict[str, Any]:
        """All properties of the item by name."""
        address = DBusAddress(self.path, self.service, PROPERTIES)
        reply = call(self.connection, address, "GetAll", "s", (ITEM,))
        return {name: value for name, (_, value) in reply[0].items()}

    def get(self, name: str) -> Any:
        """One property of the item."""
        address = DBusAddress(self.path, self.service, PROPERTIES)
        return call(self.connection, address, "Get", "ss", (ITEM, name))[0][1]

    @property
    def title(self) -> str:
        return str(self.get("Title"))

    @property
    def tooltip(self) -> str:
        """The text of the tooltip: its title, and below it its description."""
        _, _, title, text = self.get("ToolTip")
        return f"{title}\n{text}".strip()

    @property
    def pixmaps(self) -> list[Pixmap]:
        return [Pixmap(width, height, bytes(data)) for width, height, data in self.get("IconPixmap")]

    @property
    def menu_address(self) -> DBusAddress:
        return DBusAddress(self.get("Menu"), self.service, MENU)

    def menu(self) -> MenuEntry:
        """The whole menu; the root entry has no label."""
        _, root = call(self.connection, self.menu_address, "GetLayout", "iias", (0, -1, []))
        return _entry(root)

    def entry(self, label: str) -> MenuEntry:
        """The entry whose label is ``label`` or matches it as a regular expression from the start."""
        for entry in self.menu().walk():
            if entry.label == label or (label and re.match(label, entry.label)):
                return entry
        raise DesktopError(f"no menu entry {label!r} in:\n" + "\n".join(self.menu().lines()))

    def click(self, label: str) -> None:
        """Choose a menu entry by its label, as a person would."""
        self.event(self.entry(label).id)

    def event(self, entry_id: int, kind: str = "clicked") -> None:
        """Send one dbusmenu event, also for entries that a panel would not let anyone click."""
        call(self.connection, self.menu_address, "Event", "isvu", (entry_id, kind, ("i", 0), 0))

    def activate(self) -> None:
        """The left click on the icon."""
        call(self.connection, DBusAddress(self.path, self.service, ITEM), "Activate", "ii", (0, 0))


def call(
    connection: DBusConnection, address: DBusAddress, member: str, signature: str = "", body: Sequence[Any] = ()
) -> tuple[Any, ...]:
    """Call a D-Bus method; raise ``DesktopError`` with the error's name where it fails."""
    message = new_method_call(address, member, signature or None, tuple(body))
    reply = connection.send_and_get_reply(message, timeout=5)
    if reply.header.message_type is MessageType.error:
        name = reply.header.fields.get(HeaderFields.error_name, "an error")
        raise DesktopError(f"{address.bus_name} {member}: {name} {reply.body}")
    return tuple(reply.body)


def _entry(node: tuple[int, dict[str, tuple[str, Any]], list[tuple[str, Any]]]) -> MenuEntry:
    number, described, children = node
    values = {name: value for name, (_, value) in described.items()}
    return MenuEntry(
        id=number,
        # One underscore marks the access key, two are an underscore.
        label=re.sub(r"_(.)", r"\1", values.get("label", "")),
        enabled=values.get("enabled", True),
        visible=values.get("visible", True),
        separator=values.get("type") == "separator",
        checked={1: True, 0: False}.get(values.get("toggle-state", -1)) if values.get("toggle-type") else None,
        children=tuple(_entry(child) for _, child in children),
    )


class SignalLog:
    """The signals that programs of the session send while it is open, as (member, body)."""

    def __init__(self, address: str, interface: str) -> None:
        self._connection = open_dbus_connection(address)
        rule = f"type='signal',interface='{interface}'"
        call(self._connection, BUS, "AddMatch", "s", (rule,))
        self._interface = interface

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def until_quiet(self, quiet_s: float = 0.4) -> list[tuple[str, Any]]:
        """What was sent since the last call, as soon as nothing came for ``quiet_s`` seconds."""
        seen = []
        with contextlib.suppress(TimeoutError):
            while True:
                fields = (message := self._connection.receive(timeout=quiet_s)).header.fields
                if fields.get(HeaderFields.interface) == self._interface:
                    seen.append((fields[HeaderFields.member], message.body))
        return seen


class Desktop:
    """A session: X server and bus always, panel and notification service where asked for.

    ``env`` is the environment for programs of the session. With ``panel=False`` there is no tray until
    ``start_panel``; with ``notifications=False`` there is no notification service until ``start_dunst``. ``screen`` is
    its size in pixels.
    """

    def __init__(
        self,
        home: Path,
        *,
        panel: bool = True,
        notifications: bool = True,
        dark: bool = True,
        panel_size: int = 36,
        screen: tuple[int, int] = SCREEN,
    ) -> None:
        self.home = home
        self.screen = screen
        self.env: dict[str, str] = {}
        self._wanted = (panel, notifications)
        self._look = {"dark": str(dark).lower(), "size": panel_size, "icon": panel_size - 12}
        self._log = home / "notifications.log"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._connection: DBusConnection | None = None

    def __enter__(self) -> Self:
        if missing := missing_packages():
            raise DesktopError(f"a desktop for tests needs: apt-get install {' '.join(missing)}")
        try:
            self._folders()
            self._start_x()
            self._start_bus()
            panel, notifications = self._wanted
            if panel:
                self.start_panel()
            if notifications:
                self.start_dunst()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything, the last started first."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for name in reversed(list(self._processes)):
            end(self._processes.pop(name))

    # Parts of the session

    def _folders(self) -> None:
        folders = {
            "HOME": "home",
            "XDG_CONFIG_HOME": "config",
            "XDG_DATA_HOME": "data",
            "XDG_CACHE_HOME": "cache",
            "XDG_STATE_HOME": "state",
            "XDG_RUNTIME_DIR": "runtime",
        }
        for variable, name in folders.items():
            folder = self.home / name
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.env[variable] = str(folder)
        kept = ("PATH", "LANG", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")
        self.env |= {name: os.environ[name] for name in kept if name in os.environ}
        self.env |= {
            "LC_ALL": "C.UTF-8",
            "XDG_CURRENT_DESKTOP": "XFCE",
            "XDG_SESSION_TYPE": "x11",
            "GDK_BACKEND": "x11",
            # GTK would load a whole OpenGL stack and an accessibility bus that no test needs.
            "GDK_GL": "disable",
            "NO_AT_BRIDGE": "1",
        }

    def _spawn(self, name: str, command: Sequence[str], **more: Any) -> subprocess.Popen[bytes]:
        with (self.home / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stderr=log,
                **({"stdout": log} | more),
                start_new_session=True,
            )
        self._processes[name] = process
        return process

    def _start_x(self) -> None:
        read, write = os.pipe()
        size = f"{self.screen[0]}x{self.screen[1]}x24"
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp", "-noreset"]
        try:
            self._spawn("Xvfb", command, pass_fds=(write,))
        finally:
            os.close(write)
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        if not number:
            raise DesktopError(f"Xvfb did not start: {self.log('Xvfb')}")
        self.env["DISPLAY"] = f":{number}"

    def _start_bus(self) -> None:
        services = self.home / "services"
        services.mkdir(exist_ok=True)
        # Only what the panel needs may start by itself: which notification service answers is not left to chance.
        xfconf = Path("/usr/share/dbus-1/services/org.xfce.Xfconf.service")
        shutil.copy(xfconf, services)
        config = self.home / "bus.conf"
        config.write_text(BUS_CONFIG.format(services=services))
        command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"]
        bus = self._spawn("bus", command, stdout=subprocess.PIPE)
        assert bus.stdout is not None
        address = bus.stdout.readline().decode().strip()
        if not address:
            raise DesktopError(f"dbus-daemon did not start: {self.log('bus')}")
        self.env["DBUS_SESSION_BUS_ADDRESS"] = address

    def start_panel(self) -> None:
        """Start the panel and wait until its tray takes icons."""
        folder = Path(self.env["XDG_CONFIG_HOME"]) / "xfce4/xfconf/xfce-perchannel-xml"
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "xfce4-panel.xml"
        if not config.exists():
            config.write_text(PANEL_CONFIG.format(**self._look))
        self._spawn("panel", ["xfce4-panel", "--disable-wm-check"])
        wait_until(lambda: self.has_owner(WATCHER.bus_name), what=f"a tray host ({self.log('panel')})")

    def stop_panel(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End the panel, by default the hard way, and wait until its name is gone from the bus."""
        end(self._processes.pop("panel"), how=how)
        wait_until(lambda: not self.has_owner(WATCHER.bus_name), what="the end of the tray host")

    def start_dunst(self) -> None:
        """Start the notification service and wait until it answers."""
        script = self.home / "record.sh"
        script.write_text(DUNST_SCRIPT.format(log=self._log))
        script.chmod(0o755)
        config = self.home / "dunstrc"
        config.write_text(DUNST_CONFIG.format(script=script))
        self._spawn("dunst", ["dunst", "-config", str(config)])
        wait_until(lambda: self.has_owner("org.freedesktop.Notifications"), what=f"dunst ({self.log('dunst')})")

    def stop_dunst(self) -> None:
        """End the notification service."""
        end(self._processes.pop("dunst"))
        wait_until(lambda: not self.has_owner("org.freedesktop.Notifications"), what="the end of dunst")

    def stop_bus(self) -> None:
        """Kill the session bus, as at the end of a session. Nothing of the desktop works after it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        end(self._processes.pop("bus"), how=signal.SIGKILL)

    def log(self, name: str) -> str:
        """What a part of the session has written."""
        path = self.home / f"{name}.log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    # What a test does in it

    @property
    def connection(self) -> DBusConnection:
        """A connection to the session bus."""
        if self._connection is None:
            self._connection = open_dbus_connection(self.env["DBUS_SESSION_BUS_ADDRESS"])
        return self._connection

    def has_owner(self, name: str) -> bool:
        """Whether a well-known name is taken on the bus."""
        return bool(call(self.connection, BUS, "NameHasOwner", "s", (name,))[0])

    def run(self, *command: str, check: bool = True, env: Mapping[str, str] | None = None) -> str:
        """Run a program of the session to its end and return what it printed."""
        done = subprocess.run(
            command, env={**self.env, **(env or {})}, capture_output=True, text=True, timeout=60, check=False
        )
        if check and done.returncode:
            raise DesktopError(f"{command} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def items(self) -> list[TrayItem]:
        """The icons that the tray host knows."""
        address = WATCHER.with_interface(PROPERTIES)
        body = (WATCHER.interface, "RegisteredStatusNotifierItems")
        registered = call(self.connection, address, "Get", "ss", body)[0][1]
        found = []
        for name in registered:
            service, slash, path = name.partition("/")
            found.append(TrayItem(self.connection, service, slash + path if slash else "/StatusNotifierItem"))
        return found

    def item(self, item_id: str = "trayd", timeout: float = 10.0) -> TrayItem:
        """The icon with this Id, as soon as the tray host knows it."""

        def probe() -> TrayItem | None:
            for item in self.items():
                # An icon that just left the bus is still in the list for a moment.
                with contextlib.suppress(DesktopError):
                    if item.get("Id") == item_id:
                        return item
            return None

        found = wait_until(probe, timeout=timeout, what=f"a tray icon {item_id!r}")
        assert found is not None
        return found

    def notifications(self) -> list[Notification]:
        """Every notification shown so far, oldest first."""
        if not self._log.exists():
            return []
        fields = self._log.read_bytes().decode(errors="replace").split("\0")[:-1]
        rows = (fields[start : start + 5] for start in range(0, len(fields) // 5 * 5, 5))
        return [Notification(int(row[0]), *row[1:]) for row in rows]

    def notification(self, pattern: str, timeout: float = 10.0) -> Notification:
        """The first notification whose summary and body match ``pattern``, as soon as it is shown."""

        def probe() -> Notification | None:
            shown = self.notifications()
            return next((one for one in shown if re.search(pattern, f"{one.summary}\n{one.body}")), None)

        found = wait_until(probe, timeout=timeout, what=f"a notification {pattern!r}")
        assert found is not None
        return found

    def signals(self, interface: str) -> SignalLog:
        """Listen to the signals of an interface from now on."""
        return SignalLog(self.env["DBUS_SESSION_BUS_ADDRESS"], interface)

    def screenshot(self, path: Path) -> Path:
        """Write the whole screen to a PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.run("import", "-window", "root", str(path))
        return path

    def paint_backdrop(self, colour: int) -> None:
        """Give the bare screen a colour, 0xRRGGBB, for pictures that people look at."""
        from Xlib.display import Display

        display = Display(self.env["DISPLAY"])
        root = display.screen().root
        root.change_attributes(background_pixel=colour)
        root.clear_area()
        # The colour would go with this client.
        display.set_close_down_mode(1)
        display.sync()
        display.close()

    def tray_area(self) -> tuple[int, int, int, int]:
        """Where the panel shows its icons: x, y, width, height in pixels of the screen."""

        def probe() -> tuple[int, int, int, int] | None:
            windows = self.run("xdotool", "search", "--onlyvisible", "--name", "^wrapper-2.0$", check=False)
            for window in windows.split():
                answer = self.run("xdotool", "getwindowgeometry", "--shell", window, check=False)
                found = dict(line.split("=") for line in answer.split())
                # Empty, it is a stripe of 16 pixels.
                if found and int(found["WIDTH"]) > 16:
                    return int(found["X"]), int(found["Y"]), int(found["WIDTH"]), int(found["HEIGHT"])
            return None

        area = wait_until(probe, what="an icon in the panel")
        assert area is not None
        return area

    def mouse_click(self, x: int, y: int, button: int = 1) -> None:
        """Move the real pointer there and click."""
        self.run("xdotool", "mousemove", str(x), str(y), "sleep", "0.15", "click", str(button))
