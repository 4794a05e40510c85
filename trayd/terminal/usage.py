"""How the command line shows usage: totals of a window, their breakdown, and when most is spent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.measure import Measurement
from rich.text import Text

from trayd.terminal.show import UNKNOWN, Style, bullet, conversions, new_table, not_in_cost

#: The weekdays as people call them, by their keys, Monday first.
WEEKDAY_NAMES = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}

_IN_TIME = frozenset({"day", "weekday", "hour"})
_A_WEEK = timedelta(days=7)

# What a breakdown says of the part that has no such mark, by its kind where kinds are told apart.
_UNMARKED = {"internal": "(not known)", "external": "(other tools)", "pool": "(shared costs)"}
_WITHOUT_HOUR = "(no hour)"
_UNTAGGED = "(none)"
_KIND_NAMES = {"internal": "fal", "external": "other tools", "pool": "shared costs"}

_BAR_WIDTH = 24
_NARROWEST_BAR = 6
_EIGHTHS = " ▏▎▍▌▋▊▉"


class _Bar:
    """A bar as long as its part of the longest one, which takes what room there is; in ASCII where nothing else goes.

    Args:
        part: 0 to 1.
    """

    def __init__(self, part: float) -> None:
        self._part = min(max(part, 0.0), 1.0)

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        width = min(_BAR_WIDTH, options.max_width)
        if options.ascii_only:
            yield Text("#" * round(self._part * width), style="cyan")
            return
        whole, eighths = divmod(round(self._part * width * 8), 8)
        yield Text(("█" * whole + _EIGHTHS[eighths]).rstrip(), style="cyan")

    def __rich_measure__(self, _console: Console, _options: ConsoleOptions) -> Measurement:
        return Measurement(_NARROWEST_BAR, _BAR_WIDTH)


def usage_view(usage: dict[str, Any], style: Style, by: str | None) -> RenderableType:
    """Totals of a window and their breakdown."""
    window, total = usage["window"], usage["total"]
    lines: list[RenderableType] = [Text(f"{style.time(window['from'])} to {style.time(window['to'])}", style="dim")]
    if _is_all_unknown(usage):
        begins = usage["known_from"]
        told = (
            "; `trayd refresh` asks fal, and `trayd doctor` says what is missing"
            if begins == window["to"]
            else f": what fal billed is known from {style.time(begins)} on"
        )
        return Group(*lines, Text(f"{UNKNOWN}: nothing of that time was read{told}"))
    told, average = style.money(total["cost"]), usage["average_per_day"]
    each_day = f", {style.money(average)} a day" if average else ""
    trend = _trend(usage["trend"], style)
    lines.append(Text(f"{told} for {style.count(total['generations'], 'generation')}{each_day}{trend}"))
    lines.extend(_of_generations(usage, style))
    if by and usage["by"]:
        lines.append(_parts(usage, style, by))
    if total["failed"]:
        ended = style.count(total["failed"], "generation")
        lines.append(bullet(f"{ended} failed without a bill so far: free unless fal bills within 48 h"))
    if total["unpriced"]:
        has = "has" if total["unpriced"] == 1 else "have"
        lines.append(bullet(f"{style.count(total['unpriced'], 'generation')} {has} no price yet: not in the totals"))
    lines.extend(map(bullet, conversions(total, style)))
    if begins := usage["known_from"]:
        lines.append(bullet(f"what fal billed is known from {style.time(begins)} on; averages are of the time since"))
    return Group(*lines)


def _is_all_unknown(usage: dict[str, Any]) -> bool:
    """Whether nothing of the window is known, and nothing else is in it."""
    total = usage["total"]
    return total["cost"] is None and not (total["generations"] or total["left_out"])


def _parts(usage: dict[str, Any], style: Style, by: str) -> RenderableType:
    parts = _filled(usage, by)
    missing = [not_in_cost(part, style) for part in parts]
    beside = ("not in the cost",) if any(missing) else ()
    each = {"weekday": ("average",), "hour": ("a day",)}.get(by, ())
    bars = ("",) if by in _IN_TIME else ()
    numbers = ("cost", "generations", "share", *each)
    table = new_table(by, "cost", "generations", "share", *each, *beside, *bars, numbers=numbers)
    lengths = [_length(part, by) for part in parts]
    longest = max(lengths)
    for part, absent, length in zip(parts, missing, lengths, strict=True):
        share = "" if part["share"] is None else style.percent(float(part["share"]), 1)
        table.add_row(
            _name(part, by),
            style.money(part["cost"]),
            style.number(part["generations"]),
            share,
            *(("" if part["average"] is None else style.money(part["average"]),) if each else ()),
            *((absent,) if beside else ()),
            *((_Bar(length / longest if longest > 0 else 0),) if bars else ()),
        )
    return table


def _filled(usage: dict[str, Any], by: str) -> Sequence[dict[str, Any]]:
    """The parts, with all hours or weekdays among them: what is left out of a chart cannot be seen to be nothing."""
    window, parts = usage["window"], usage["by"]
    length = datetime.fromisoformat(window["to"]) - datetime.fromisoformat(window["from"])
    if by == "hour":
        keys = [f"{hour:02d}" for hour in range(24)]
    elif by == "weekday" and length >= _A_WEEK:
        keys = list(WEEKDAY_NAMES)
    else:
        return list(parts)
    known = {part["key"]: part for part in parts}
    whole = usage["total"]["cost"]
    nothing = whole and {"amount": "0.00", "currency": whole["currency"]}
    empty: dict[str, Any] = {
        "cost": nothing,
        "generations": 0,
        "share": None,
        "average": nothing,
        "unpriced": 0,
        "left_out": [],
        "kind": None,
        "name": None,
    }
    return [*(known.get(key, {**empty, "key": key}) for key in keys), *([known[None]] if None in known else [])]


def _length(part: dict[str, Any], by: str) -> float:
    """What a bar shows: the average where there are not as many of each, else the cost."""
    shown = part["cost"] if by == "day" else part["average"]
    return 0.0 if shown is None else float(shown["amount"])


def _name(part: dict[str, Any], by: str) -> str:
    key: str | None = part["name"] or part["key"]
    if not key:
        return _UNMARKED[part["kind"]] if part["kind"] else _WITHOUT_HOUR if by == "hour" else _UNTAGGED
    if by == "hour":
        return f"{key}:00"
    if by == "kind":
        return _KIND_NAMES[key]
    return WEEKDAY_NAMES[key] if by == "weekday" else key


def _of_generations(usage: dict[str, Any], style: Style) -> Iterator[Text]:
    """What one costs on average, and when most is spent on them, in one line."""
    total, peaks, told = usage["total"], usage["peaks"], []
    each = total["cost_per_generation"]
    if each and total["generations"] - total["unpriced"] - total["failed"] > 1:
        told.append(f"{style.money(each)} each on average")
    if weekday := peaks.get("weekday"):
        told.append(f"most on {WEEKDAY_NAMES[weekday['key']]}s ({style.money(weekday['average'])} on average)")
    if hour := peaks.get("hour"):
        most = "" if peaks.get("weekday") else "most "
        start = int(hour["key"])
        told.append(f"{most}from {start:02d}:00 to {start + 1:02d}:00 ({style.percent(float(hour['share']))} of it)")
    if told:
        # The parts below hold all kinds of costs, and so do their averages.
        others = any(total[kind] and Decimal(total[kind]["amount"]) for kind in ("external", "pool"))
        yield Text(f"Generations{' alone' if others else ''}: {', '.join(told)}")


def _trend(trend: Any, style: Style) -> str:
    if trend is None:
        return ""
    change = float(trend)
    return f", {style.percent(abs(change))} {'more' if change >= 0 else 'less'} than in the window before"
