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
    """A line for each cost, with a line in it for each that shares it; below, what is not clear."""
    if not answer:
        return Text("no shared costs; `trayd config edit` shows how a [[pool]] is said")
    table = new_table(
        "date", "what", "cost", "for", "divided", "who", "bears", "share", numbers=("cost", "bears", "share")
    )
    for pool in answer:
        shares = pool["shares"]
        whole = [_project(pool)] if pool["client"] or pool["project"] else ["(nobody yet)"]
        table.add_row(
            pool["date"],
            pool["description"],
            style.money(pool["amount"]),
            f"{pool['period']['from']} to {pool['period']['to']}",
            _divided(pool),
            "\n".join(map(_project, shares) if shares else whole),
            "\n".join(style.money(share["amount"]) for share in shares),
            "\n".join(style.percent(float(share["share"]), 1) for share in shares),
        )
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
