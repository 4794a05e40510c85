"""How the command line shows what was found in the ledger, and what was done to it."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from trayd.terminal.show import Style, count

_MB = 1_000_000

_READ = {
    "memory": "from memory",
    "mirror": "from the mirror",
    "file": "from the TinyDB file",
    "both": "from what both files still hold",
    "neither": "for neither file was there",
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
        lines += [_line(f"kept: {path}") for path in pair["kept"]]
    lacks = min((pair["lacks_since"] for pair in answer if pair["lacks_since"]), default=None)
    if lacks is not None:
        again = min((pair["again_since"] for pair in answer if pair["again_since"]), default=None)
        asked = f"The next poll asks fal again for what was billed since {style.time(again)}. " if again else ""
        lines.append(
            Text(
                f"{asked}The event files and statements that were taken in since {style.time(lacks)} can be dropped "
                "again: they are in drop/done."
            )
        )
    return Group(*lines) if lines else Text("there is nothing to write anew: the ledger is empty")


def backup_view(answer: dict[str, Any]) -> RenderableType:
    """Where the copy is."""
    held = f"{count(answer['records'], 'record')}, {count(answer['months'], 'month')}, {_size(answer['size'])}"
    return Group(
        Text("copied, and read again:"), _line(f"{answer['file']} ({held})"), *_way_back(answer["file"], "put it back:")
    )


def restored_view(answer: dict[str, Any]) -> RenderableType:
    """What there is now, and the way back."""
    said = Text(f"restored: {count(answer['records'], 'record')}, {count(answer['months'], 'month')}")
    if not answer["archive"]:
        return said
    return Group(said, *_way_back_to(answer, "what was there before is archived"))


def reset_view(answer: dict[str, Any]) -> RenderableType:
    """Where the history went, and the way back."""
    return Group(*_way_back_to(answer, "cleared; the history is archived"))


def _way_back_to(answer: dict[str, Any], said: str) -> tuple[Text, ...]:
    """Where a history went; a command that puts it back only where that works."""
    if not answer["damaged"]:
        return _way_back(answer["archive"], f"{said}, and this puts it back:")
    names = ", ".join(answer["damaged"])
    are = "is" if len(answer["damaged"]) == 1 else "are"
    return (
        Text(f"{said}:"),
        _line(answer["archive"]),
        Text(
            f"{names} {are} damaged in it, as before, so `trayd ledger restore` does not take it as it is. To have it "
            "back, unpack it into the ledger and backup folders while they are empty, and run:"
        ),
        _line(f"trayd ledger rebuild {' '.join(answer['damaged'])}"),
    )


def _way_back(archive: str, said: str) -> tuple[Text, Text]:
    path = f'"{archive}"' if " " in archive else archive
    return Text(said), _line(f"trayd ledger restore {path}")


def _line(text: str) -> Text:
    """What a person copies stays one line, however narrow the window is."""
    return Text(f"    {text}", no_wrap=True, overflow="ignore")


def _size(size: int) -> str:
    return f"{size / _MB:,.1f} MB" if size >= _MB else f"{size / 1000:,.0f} kB"
