"""How alerts are shown in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from trayd.terminal.show import Style, bullet, new_table, pause_told, quiet_told

if TYPE_CHECKING:
    from rich.console import RenderableType

_COLORS = {"critical": "bold red", "normal": "red", "low": ""}


def alerts_view(answer: dict[str, Any], style: Style) -> RenderableType:
    """What lasts with its text and id; below, a line for each that is over."""
    lines: list[RenderableType] = []
    if answer["paused_until"]:
        lines.append(bullet(pause_told(answer["paused_until"], style)))
    if answer["quiet_until"]:
        lines.append(bullet(quiet_told(answer["quiet_until"], style)))
    lasting = [alert for alert in answer["alerts"] if alert["resolved"] is None]
    for alert in lasting:
        color = _COLORS[alert["urgency"]]
        more = _more(alert, answer["desktop"], style)
        since = f"\nsince {style.time(alert['since'])}{more}\nid {alert['id']}"
        told = Text.assemble((f"{alert['title']}\n", color), alert["text"], (since, "dim"))
        lines.append(bullet(told, Text("!", style=color)))
    if not lasting:
        lines.append(Text("no open alerts"))
    over = [alert for alert in answer["alerts"] if alert["resolved"] is not None]
    if over:
        table = new_table("since", "what", whole=("since",))
        for alert in over:
            since = style.time(alert["since"])
            if alert["state"] == "over":
                since += f"\nto {style.time(alert['resolved'])}"
            more = f"\n{_untold(alert, answer['desktop'])}" if alert["waits_for"] else ""
            if alert["snoozed_until"]:
                more = f"\ntold again at {style.time(alert['snoozed_until'])}"
            table.add_row(since, Text.assemble(alert["title"] or alert["rule"], (f"\n{_below(alert)}{more}", "dim")))
        lines += ["", table]
    if answer["left_out"]:
        lines.append(Text(f"and {style.count(answer['left_out'], 'earlier one')}: --limit shows more", style="dim"))
    return Group(*lines)


def _below(alert: dict[str, Any]) -> str:
    """What stands below the title of one that is over: its id; of a report that was made, where that is."""
    return str(alert["text"] if (alert["rule"], alert["state"]) == ("report", "happened") else alert["id"])


def snoozed_view(answer: dict[str, Any], style: Style) -> RenderableType:
    """Until when."""
    return Text(f"{answer['title'] or answer['id']}: told again at {style.time(answer['snoozed_until'])}")


def paused_view(answer: dict[str, Any], style: Style) -> RenderableType:
    """Until when, or that there is none."""
    if answer["paused_until"]:
        return Text(pause_told(answer["paused_until"], style))
    before = "the pause is over" if answer["was_paused"] else "nothing was paused"
    if not answer["desktop"]:
        return Text(f"{before}; alerts stay off the desktop: alerts.desktop is false in the settings")
    if answer["quiet_until"]:
        return Text(f"{before}; alerts wait: {quiet_told(answer['quiet_until'], style)}")
    return Text(f"{before}; alerts go to the desktop")


def tried_view(answer: list[dict[str, Any]], _style: Style) -> RenderableType:
    """A line for each way that was tried."""
    lines = []
    for tried in answer:
        what = f"hook {tried['name']}, {tried['target']}" if tried["is_hook"] else tried["target"]
        trouble = f": {tried['trouble']}" if tried["trouble"] else ""
        color = "red" if tried["state"] == "failed" else ""
        lines.append(bullet(Text(f"{what}: {tried['state']}{trouble}", style=color)))
    return Group(*lines)


def _more(alert: dict[str, Any], desktop: dict[str, Any] | None, style: Style) -> str:
    more = "" if alert["told"] else f", {_untold(alert, desktop)}"
    if alert["worded_at"]:
        more += f", as it was {style.time(alert['worded_at'])}"
    if alert["reached"] != alert["since"]:
        more += f", at this level since {style.time(alert['reached'])}"
    return more + (f", snoozed until {style.time(alert['snoozed_until'])}" if alert["snoozed_until"] else "")


def _untold(alert: dict[str, Any], desktop: dict[str, Any] | None) -> str:
    why = alert["waits_for"]
    if why == "room in the hour":
        why = "alerts.most_per_hour notifications came in the last hour"
    elif why == "trayd":
        why = "trayd does not run"
    elif why == "desktop" and desktop is not None:
        # In trouble that another way makes up for, this one goes that way as well.
        why = "it is on its way" if desktop["instead"] else desktop["trouble"] or "it is on its way"
    return "not told yet" + (f": {why}" if why else "")
