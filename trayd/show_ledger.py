"""How the command line shows what was found in the ledger, and what was done to it."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from trayd.show import Style, count

_READ = {
    "memory": "from memory",
    "mirror": "from the mirror",
    "file": "from the TinyDB file",
    "both": "from what both files still hold",
}


def verified_view(answer: dict[str, Any]) -> RenderableType:
    """What is not sound, each with its cure; and what was mended when the ledger was opened."""
    lines = [Text(f"• {text}", style="dim") for text in answer["mended"]]
    if not answer["problems"]:
        return Group(*lines, Text("the ledger is sound"))
    for problem in answer["problems"]:
        lines += [Text(f"! {problem['text']}", style="red"), Text(f"    {problem['cure']}")]
    return Group(*lines)


def rebuilt_view(answer: list[dict[str, Any]], style: Style) -> RenderableType:
    """The pairs that were written anew, and what of them is lost."""
    lines: list[RenderableType] = []
    for pair in answer:
        lines.append(Text(f"{pair['pair']}: {count(pair['documents'], 'document')}, {_READ[pair['read']]}"))
        lines += [Text(f"  ! {text}", style="red") for text in pair["missing"]]
        lines += [Text(f"    kept: {path}", style="dim") for path in pair["kept"]]
    since = min((pair["again_since"] for pair in answer if pair["again_since"]), default=None)
    if since is not None:
        lines.append(
            Text(
                f"The next poll asks fal again for what was billed since {style.time(since)}; for the rest, drop the "
                "event files and statements of that time again: they are in drop/done."
            )
        )
    return Group(*lines) if lines else Text("there is nothing to write anew: the ledger is empty")


def backup_view(answer: dict[str, Any]) -> RenderableType:
    """Where the copy is."""
    held = f"{count(answer['records'], 'record')}, {count(answer['months'], 'month')}"
    return Text(
        f"copied to {answer['file']} ({held}, {_size(answer['size'])}), and read again\n"
        f"`trayd ledger restore {answer['file']}` puts it back"
    )


def restored_view(answer: dict[str, Any]) -> RenderableType:
    """What there is now, and the way back."""
    said = f"restored: {count(answer['records'], 'record')}, {count(answer['months'], 'month')}"
    if answer["archive"]:
        said += f"\nwhat was there before is archived; `trayd ledger restore {answer['archive']}` puts it back"
    return Text(said)


def reset_view(answer: dict[str, Any]) -> RenderableType:
    """Where the history went, and the way back."""
    return Text(
        f"cleared; the history is archived in {answer['archive']}\n"
        f"`trayd ledger restore {answer['archive']}` puts it back"
    )


def _size(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB" if size >= 1_000_000 else f"{size / 1000:,.0f} kB"
