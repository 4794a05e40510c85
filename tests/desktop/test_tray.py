from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.desktop.harness import MENU, Desktop, DesktopError, TrayItem, call, wait_until
from tests.desktop.icon_program import IconProgram
from trayd.tray.icon import SIZES, argb
from trayd.tray.model import IconLook, IconState, MenuItem, TrayView

VIEW = TrayView(
    look=IconLook(level=0.5, state=IconState.OK),
    title="trayd",
    tooltip="Balance: $48.20\n24 hours: $3.10 (1 generation)",
    menu=(
        MenuItem(id="balance", label="Balance of my_account: $48.20", action="open:billing"),
        MenuItem(id="line", separator=True),
        MenuItem(id="recent 0", label="No generations yet", action="never", enabled=False),
        MenuItem(id="dashboard", label="Open fal dashboard", action="open:dashboard", default=True),
        MenuItem(
            id="pause",
            label="Pause alerts",
            children=(
                MenuItem(id="pause 1h", label="For 1 hour", action="pause:1h", checked=False),
                MenuItem(id="pause on", label="Until I resume them", action="pause:on", checked=True),
            ),
        ),
        MenuItem(id="fail", label="Fail", action="fail"),
        MenuItem(id="sleep", label="Sleep", action="sleep"),
        MenuItem(id="quit", label="Quit", action="quit"),
    ),
)


def with_balance(amount: str) -> TrayView:
    first = msgspec.structs.replace(VIEW.menu[0], label=f"Balance of my_account: {amount}")
    return msgspec.structs.replace(VIEW, tooltip=f"Balance: {amount}", menu=(first, *VIEW.menu[1:]))


@pytest.fixture
def program(desktop: Desktop) -> Iterator[IconProgram]:
    with IconProgram(desktop.env, VIEW) as running:
        yield running


@pytest.fixture
def item(desktop: Desktop, program: IconProgram) -> TrayItem:
    program.expect("choice")
    return desktop.item()


def test_the_panel_gets_icon_tooltip_and_menu(program: IconProgram, item: TrayItem) -> None:
    assert program.expect("choice") == {"choice": "StatusNotifierItem", "note": ""}
    shown = item.properties()

    assert (shown["Category"], shown["Id"], shown["Status"]) == ("ApplicationStatus", "trayd", "Active")
    assert (shown["Title"], shown["IconName"], shown["ItemIsMenu"]) == ("trayd", "", False)
    assert item.tooltip == "trayd\nBalance: $48.20\n24 hours: $3.10 (1 generation)"
    assert {(one.width, one.height): one.data for one in item.pixmaps} == {
        (size, size): argb(VIEW.look, size) for size in SIZES
    }
    assert [line.removeprefix("  ") for line in item.menu().lines()[1:]] == [
        "Balance of my_account: $48.20",
        "---",
        "No generations yet (grey)",
        "Open fal dashboard",
        "Pause alerts",
        "  [ ] For 1 hour",
        "  [x] Until I resume them",
        "Fail",
        "Sleep",
        "Quit",
    ]


def test_what_a_host_could_read_as_markup_is_shown_as_text(program: IconProgram, item: TrayItem) -> None:
    program.show(msgspec.structs.replace(VIEW, tooltip="Balance of R&D <main>: $1.00"))

    wait_until(lambda: item.tooltip == "trayd\nBalance of R+D \u2039main\u203a: $1.00", what="the tooltip")


@pytest.mark.usefixtures("item")
def test_a_real_click_in_the_panel_opens_the_menu_and_a_second_one_chooses(
    desktop: Desktop, program: IconProgram, tmp_path: Path
) -> None:
    x, y, width, height = desktop.tray_area()
    before = desktop.screenshot(tmp_path / "before.png").read_bytes()
    desktop.mouse_click(x + width // 2, y + height // 2, button=3)
    wait_until(lambda: desktop.screenshot(tmp_path / "now.png").read_bytes() != before, what="the menu on the screen")
    time.sleep(0.3)

    desktop.mouse_click(x + width // 2 - 40, y + height + 14)

    program.expect("action", "open:billing")


def test_a_click_on_the_icon_does_the_default_action(program: IconProgram, item: TrayItem) -> None:
    item.activate()

    program.expect("action", "open:dashboard")


def test_choices_in_the_menu_arrive_in_order(program: IconProgram, item: TrayItem) -> None:
    item.click("For 1 hour")
    item.click("Quit")

    program.expect("action", "quit")
    assert program.actions() == ["pause:1h", "quit"]


def test_a_grey_entry_cannot_be_chosen_even_over_the_bus(program: IconProgram, item: TrayItem) -> None:
    item.click("No generations yet")
    item.click("Pause alerts")
    item.event(item.entry("Quit").id, "hovered")
    item.click("Quit")

    program.expect("action", "quit")
    assert program.actions() == ["quit"]


def test_an_entry_that_is_not_in_the_menu_is_refused_by_number(item: TrayItem) -> None:
    with pytest.raises(DesktopError, match="the menu has no entry 4711"):
        item.event(4711)


def test_the_menu_answers_every_question_that_hosts_ask(program: IconProgram, item: TrayItem) -> None:
    def ask(member: str, signature: str, *arguments: object) -> tuple[object, ...]:
        return call(item.connection, item.menu_address, member, signature, arguments)

    quit_id, pause_id = item.entry("Quit").id, item.entry("Pause alerts").id

    assert ask("GetProperty", "is", quit_id, "label") == (("s", "Quit"),)
    assert ask("GetProperty", "is", quit_id, "enabled") == (("b", True),)
    assert ask("GetGroupProperties", "aias", [quit_id, 4711], []) == ([(quit_id, {"label": ("s", "Quit")})],)
    assert len(ask("GetGroupProperties", "aias", [], ["label"])[0]) == len(list(item.menu().walk()))
    assert ask("AboutToShow", "i", 0) == (False,)
    assert ask("AboutToShowGroup", "ai", [pause_id, 4711]) == ([], [4711])
    assert ask("EventGroup", "a(isvu)", [(quit_id, "clicked", ("i", 0), 0), (4711, "clicked", ("i", 0), 0)]) == (
        [4711],
    )
    _, (number, _, children) = ask("GetLayout", "iias", pause_id, 1, ["label"])
    assert number == pause_id
    assert [child[1][1]["label"][1] for child in children] == ["For 1 hour", "Until I resume them"]
    program.expect("action", "quit")


def test_a_new_amount_changes_one_text_and_no_entry_moves(
    desktop: Desktop, program: IconProgram, item: TrayItem
) -> None:
    numbers = [entry.id for entry in item.menu().walk()]

    with desktop.signals(MENU) as menu_signals:
        program.show(with_balance("$1.00"))
        told = menu_signals.until_quiet()

    assert [member for member, _ in told] == ["ItemsPropertiesUpdated"]
    assert item.entry("Balance").label == "Balance of my_account: $1.00"
    assert [entry.id for entry in item.menu().walk()] == numbers


def test_a_new_entry_is_a_new_layout(desktop: Desktop, program: IconProgram, item: TrayItem) -> None:
    more = (MenuItem(id="new", label="New", action="new"), *VIEW.menu)

    with desktop.signals(MENU) as menu_signals:
        program.show(msgspec.structs.replace(VIEW, menu=more))
        told = menu_signals.until_quiet()

    assert [member for member, _ in told] == ["LayoutUpdated"]
    item.click("New")
    program.expect("action", "new")


def test_only_what_changed_is_told_and_critical_asks_for_attention(
    desktop: Desktop, program: IconProgram, item: TrayItem
) -> None:
    empty = IconLook(level=0.0, state=IconState.CRITICAL)

    with desktop.signals("org.kde.StatusNotifierItem") as item_signals:
        program.show(VIEW)
        assert item_signals.until_quiet() == []
        program.show(with_balance("$1.00"))
        assert [member for member, _ in item_signals.until_quiet()] == ["NewToolTip"]
        program.show(msgspec.structs.replace(with_balance("$1.00"), look=empty))
        told = item_signals.until_quiet()

    assert [member for member, _ in told] == ["NewIcon", "NewAttentionIcon", "NewStatus"]
    assert told[-1][1] == ("NeedsAttention",)
    assert item.get("Status") == "NeedsAttention"
    assert next(one.data for one in item.pixmaps if one.width == 22) == argb(empty, 22)


def test_a_thousand_updates_reach_the_panel_as_a_few(desktop: Desktop, program: IconProgram, item: TrayItem) -> None:
    with desktop.signals(MENU) as menu_signals:
        started = time.monotonic()
        for ten in range(0, 1000, 10):
            program.show(*(with_balance(f"${ten + number}.00") for number in range(10)))
            time.sleep(0.005)
        elapsed = time.monotonic() - started
        told = menu_signals.until_quiet()

    # Never more often than every 50 ms: faster, panels have crashed.
    assert 1 <= len(told) <= elapsed / 0.05 + 2
    assert item.entry("Balance").label == "Balance of my_account: $999.00"
    assert desktop.has_owner("org.kde.StatusNotifierWatcher")


def test_an_action_that_takes_its_time_does_not_freeze_the_menu(program: IconProgram, item: TrayItem) -> None:
    item.click("Sleep")
    started = time.monotonic()
    program.show(with_balance("$2.00"))
    wait_until(lambda: item.entry("Balance").label.endswith("$2.00"), what="the new balance")

    assert time.monotonic() - started < 2
    assert program.actions() == []


def test_an_action_that_fails_leaves_the_menu_working(program: IconProgram, item: TrayItem) -> None:
    item.click("Fail")
    item.click("Quit")

    program.expect("action", "quit")


@pytest.mark.usefixtures("item")
def test_the_icon_comes_back_when_the_panel_is_restarted(desktop: Desktop, program: IconProgram) -> None:
    desktop.stop_panel()
    program.show(with_balance("$3.00"))
    desktop.start_panel()

    again = desktop.item()

    assert again.entry("Balance").label.endswith("$3.00")
    again.click("Quit")
    program.expect("action", "quit")


def test_an_icon_that_was_there_before_the_panel_appears_with_it(tmp_path: Path) -> None:
    with (
        Desktop(tmp_path, panel=False, notifications=False) as desktop,
        IconProgram(desktop.env, VIEW) as program,
    ):
        assert "no panel here takes tray icons yet" in program.expect("choice")["note"]
        desktop.start_panel()
        desktop.item().click("Quit")
        program.expect("action", "quit")


@pytest.mark.usefixtures("item")
def test_the_end_of_the_bus_ends_the_icon_and_nothing_is_left_running(desktop: Desktop, program: IconProgram) -> None:
    desktop.stop_bus()

    assert program.expect("ended") == {"ended": "bus lost", "threads": []}
    assert program.process.wait(5) == 0
    assert program.errors == ""


@pytest.mark.usefixtures("item")
def test_the_icon_can_be_stopped_from_another_thread(desktop: Desktop, program: IconProgram) -> None:
    program.stop()

    assert program.expect("ended") == {"ended": "stopped", "threads": []}
    assert program.process.wait(5) == 0
    wait_until(lambda: desktop.items() == [], what="a panel without icons")


@pytest.mark.usefixtures("item")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_icon_cleanly(program: IconProgram, number: signal.Signals) -> None:
    program.signal(number)

    assert program.expect("ended") == {"ended": "stopped", "threads": []}
    assert program.process.wait(5) == 0


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}, "there is no session bus here"),
        ({"DBUS_SESSION_BUS_ADDRESS": ""}, "there is no session bus here"),
    ],
)
def test_without_a_bus_there_is_no_tray_and_a_reason(tmp_path: Path, changed: dict[str, str], reason: str) -> None:
    with (
        Desktop(tmp_path, panel=False, notifications=False) as desktop,
        IconProgram(desktop.env | changed, VIEW) as program,
    ):
        assert reason in program.expect("no_tray")["no_tray"]
        assert program.process.wait(5) == 0


def test_with_a_bus_but_no_display_there_is_no_tray_and_a_reason(tmp_path: Path) -> None:
    with Desktop(tmp_path, panel=False, notifications=False) as desktop:
        env = {name: value for name, value in desktop.env.items() if name != "DISPLAY"}
        with IconProgram(env, VIEW) as program:
            assert "neither DISPLAY nor WAYLAND_DISPLAY is set" in program.expect("no_tray")["no_tray"]
