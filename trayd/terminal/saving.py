"""How credits and saving tips are shown in the terminal."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from trayd.facts import called
from trayd.terminal.show import Style, new_table

if TYPE_CHECKING:
    from rich.console import RenderableType

# What was granted is not seen to be bought, and what was bought a year ago is not looked for: both may still be there.
_UNDATED = {"opening": "before trayd", "unknown": "not known, or a year ago"}
_INDENT = (0, 0, 0, 4)


def credits_view(answer: list[dict[str, Any]], style: Style) -> RenderableType:
    """A table for each account, the oldest purchase first; below, what the figures rest on."""
    if not answer:
        return Text("no account has a balance: it is read with an Admin key, and accounts on invoice have none")
    lines: list[RenderableType] = []
    for account in answer:
        rate = f", {style.money(account['per_day'])} a day" if account["per_day"] else ""
        name = called(account["name"], account["account"])
        lines.append(Text(f"{name}: {style.money(account['balance'])}{rate}", style="bold"))
        if account["lots"]:
            lines.append(_lots(account, style))
    lots = [lot for account in answer for lot in account["lots"]]
    if any(lot["origin"] == "purchase" for lot in lots):
        lines.append(Text("~ estimated from the balance: what it rose by beyond what was spent", style="dim"))
    if any(lot["origin"] != "purchase" and float(lot["left"]["amount"]) for lot in lots):
        lines.append(
            Text(
                "credits of unknown age are taken to be spent first; `trayd open billing` shows their dates",
                style="dim",
            )
        )
    return Group(*lines)


def _lots(account: dict[str, Any], style: Style) -> RenderableType:
    rated = account["per_day"] is not None
    beside = ("unused then",) if rated else ()
    table = new_table("bought", "amount", "left", "expires", *beside, numbers=("amount", "left", *beside))
    for lot in account["lots"]:
        table.add_row(
            _bought(lot, style),
            _amount(lot, style),
            style.money(lot["left"]),
            _expires(lot, style),
            *((style.money(lot["unused"], "") if float(lot["left"]["amount"]) else "",) if rated else ()),
        )
    return Padding(table, _INDENT)


def _bought(lot: dict[str, Any], style: Style) -> str:
    if lot["origin"] != "purchase":
        return _UNDATED[lot["origin"]]
    first, last = (
        style.day(datetime.fromisoformat(lot[end]).astimezone(style.zone).date())
        for end in ("bought_after", "bought_by")
    )
    return last if first == last else f"{first} to {last}"


def _amount(lot: dict[str, Any], style: Style) -> str:
    if lot["origin"] == "unknown":
        return "not known"
    told = style.money(lot["likely"] or lot["amount"])
    return f"~{told}" if lot["estimated"] else told


def _expires(lot: dict[str, Any], style: Style) -> str:
    if lot["expires"] is None:
        return f"by {style.day(date.fromisoformat(lot['gone']))}" if lot["gone"] else "not known"
    day = style.day(date.fromisoformat(lot["expires"]))
    days = lot["days"]
    if not float(lot["left"]["amount"]):
        return day
    return f"{day}, in {style.count(days, 'day')}" if days > 0 else f"{day}: may be gone"


def tips_view(answer: dict[str, Any], style: Style) -> RenderableType:
    """A paragraph for each tip, the most to save first."""
    looked = f"{style.count(answer['generations'], 'generation')} of the last 30 days"
    if answer["unpriced"]:
        looked += f", {style.number(answer['unpriced'])} of them without a known cost and in no tip"
    lines: list[RenderableType] = [Text(f"{looked}", style="dim")]
    if not answer["tips"] and not answer["left_out"]:
        lines.append(Text("nothing found: a tip needs several generations to compare, and a dollar to save"))
    for tip in answer["tips"]:
        saving = "at risk" if tip["saving"] is None else f"{style.money(tip['saving'])} less"
        lines.append(Text.assemble(f"{tip['number']:>2}. ", (tip["title"], "bold"), f": {saving}"))
        lines.append(Padding(Text(tip["text"]), _INDENT))
        lines.append(Padding(Text(f"→ {tip['advice']}"), _INDENT))
        if tip["overlaps"]:
            others = ", ".join(map(str, tip["overlaps"]))
            lines.append(Padding(Text(f"concerns some of the same records as {others}", style="dim"), _INDENT))
    if answer["left_out"]:
        lines.append(Text(f"and {style.count(answer['left_out'], 'more tip')}: --limit", style="dim"))
    return Group(*lines)
