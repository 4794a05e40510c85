"""How shared costs are shown in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from trayd.terminal.show import Style, new_table

if TYPE_CHECKING:
    from rich.console import RenderableType

_SPLITS = {"spend": "by spend", "equal": "in equal parts"}


def pools_view(answer: list[dict[str, Any]], style: Style) -> RenderableType:
    """A line for each that shares a cost, the first of them with what it is; below, what is not clear."""
    if not answer:
        return Text("no shared costs; `trayd config edit` shows how a [[pool]] is said")
    figures = ("cost", "bears", "share")
    table = new_table("date", "what", "cost", "for", "divided", "who", "bears", "share", numbers=figures, whole=figures)
    for pool in answer:
        of_cost: tuple[str, ...] = (
            pool["date"],
            pool["description"],
            style.money(pool["amount"]),
            f"{pool['period']['from']} to {pool['period']['to']}",
            _divided(pool),
        )
        # A row for each, so that what somebody bears stands beside the name, however many lines that takes.
        for share in pool["shares"]:
            table.add_row(
                *of_cost, _project(share), style.money(share["amount"]), style.percent(float(share["share"]), 1)
            )
            of_cost = ("",) * len(of_cost)
        if not pool["shares"]:
            table.add_row(*of_cost, _project(pool) or "(nobody yet)", "", "")
    lines: list[RenderableType] = [table]
    if any(map(_moves, answer)):
        lines.append(Text("* the period goes on: the shares follow what is spent until it ends", style="dim"))
    lines += [Text(f"• {pool['description']}, {pool['date']}: {pool['trouble']}") for pool in answer if pool["trouble"]]
    return Group(*lines)


def _divided(pool: dict[str, Any]) -> str:
    if pool["project"]:
        return "not shared"
    split = "by weights" if isinstance(pool["split"], dict) else _SPLITS[pool["split"]]
    return f"{split} *" if _moves(pool) else split


def _moves(pool: dict[str, Any]) -> bool:
    """Whether its shares still follow what is spent; fixed weights do not."""
    return bool(pool["goes_on"] and pool["shares"]) and not isinstance(pool["split"], dict)


def _project(tagged: dict[str, Any]) -> str:
    return " / ".join(tag for tag in (tagged["client"], tagged["project"]) if tag)
