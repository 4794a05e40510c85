"""How the command line shows tags and links."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from trayd.terminal.show import Style, history_view, new_table

_MINUTE_S = 60
_HOUR_S = 3600


def tagged_view(answer: dict[str, Any], style: Style) -> RenderableType:
    """What became of a tagging, or would become of it."""
    changed, values = answer["changed"], _values(answer["values"])
    already = f"; {style.count(answer['unchanged'], 'record')} had it already" if answer["unchanged"] else ""
    if not changed and not answer["unchanged"]:
        return Text(f"{values}: nothing fits the filter; nothing was changed")
    if not answer["dry_run"]:
        undo = "; `trayd tag --undo` takes it back" if answer["number"] is not None else ""
        return Text(f"{values}: {style.count(changed, 'record')} changed{already}{undo}")
    lines: list[RenderableType] = [Text(f"{values}: {style.count(changed, 'record')} would change{already}")]
    if answer["records"]:
        lines.append(history_view(answer["records"], style, ids=True))
        more = changed - len(answer["records"])
        if more:
            lines.append(Text(f"and {style.number(more)} more", style="dim"))
    return Group(*lines)


def untagged_view(answer: dict[str, Any], style: Style) -> RenderableType:
    """What became of a tagging that was taken back."""
    said = (
        f"taken back what was tagged at {style.time(answer['at'])} ({_values(answer['values'])}): "
        f"{style.count(answer['changed'], 'record')} changed back"
    )
    if answer["kept"]:
        said += f"; {style.count(answer['kept'], 'record')} tagged anew since then, which stays"
    left = answer["left"]
    said += f"; {style.count(left, 'tagging')} more can be taken back" if left else ""
    return Text(said)


def taggings_view(answer: list[dict[str, Any]], style: Style) -> RenderableType:
    """The taggings that were made."""
    if not answer:
        return Text("nothing was tagged yet")
    shown = new_table("number", "time", "set", "records", "taken back", numbers=("number", "records"))
    for each in answer:
        undone = style.time(each["undone"]) if each["undone"] else ""
        shown.add_row(
            str(each["number"]), style.time(each["at"]), _values(each["values"]), style.number(each["records"]), undone
        )
    return Group(shown, Text("the last 100 are kept; `trayd tag --undo NUMBER` takes one back", style="dim"))


def candidates_view(answer: list[dict[str, Any]], event_id: str, style: Style) -> RenderableType:
    """The requests that an event may belong to."""
    if not answer:
        return Text("no request of that endpoint within 24 hours is without an event of its own")
    shown = new_table(
        "request", "time", "apart", "cost", "units", "account", numbers=("cost", "units"), whole=("request",)
    )
    for each in answer:
        units = "" if each["units"] is None else f"{each['units']} {each['unit'] or ''}".rstrip()
        shown.add_row(
            each["request_id"],
            style.time(each["timestamp"]),
            _apart(each["apart_s"]),
            style.money(each["cost"]),
            units,
            each["account"],
        )
    return Group(shown, Text(f"`trayd link {event_id} REQUEST_ID` settles it", style="dim"))


def _values(values: dict[str, str | None]) -> str:
    return ", ".join(f"{field} cleared" if value is None else f"{field} {value}" for field, value in values.items())


def _apart(seconds: float) -> str:
    """How far the event's time is from that of the request."""
    size = abs(seconds)
    if size < _MINUTE_S:
        told = f"{size:.0f} s"
    elif size < _HOUR_S:
        told = f"{size / _MINUTE_S:.0f} min"
    else:
        told = f"{size / _HOUR_S:.1f} h"
    return f"{told} {'after' if seconds >= 0 else 'before'} it"
