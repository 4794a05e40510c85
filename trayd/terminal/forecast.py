"""How forecasts, budgets and unusual days are shown in the terminal."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from trayd.budget_settings import SCOPES
from trayd.facts import called
from trayd.terminal.show import Style, bullet, new_table

if TYPE_CHECKING:
    from rich.console import RenderableType

_INDENT = (0, 0, 0, 4)
_BAR = 20
_FULL = 100
_WITHOUT = {"key": "(no key)", "model": "(no model)", "operation": "(no operation)"}
_BEYOND = "beyond a year"


def forecast_view(answer: dict[str, Any], style: Style) -> RenderableType:
    """A line for each account, then the month; below each, what to know of it."""
    lines: list[RenderableType] = []
    for account in answer["accounts"]:
        name = called(account["account"], account["username"])
        lines.append(Text.assemble((name, "bold"), f": {_balance(account, style)}"))
        if account["burn"]:
            lines.append(Padding(_burn(account["burn"], style), _INDENT, expand=False))
        lines += [Padding(Text(note, style="dim"), _INDENT, expand=False) for note in account["notes"]]
    lines += ["", *_month(answer, style)]
    return Group(*lines)


def _balance(account: dict[str, Any], style: Style) -> str:
    why = account["why_none"]
    if account["balance"] is None:
        return f"no run-out date: {why}"
    balance = f"{style.money(account['balance'])} on {style.time(account['as_of'])}"
    run_out = account["run_out"]
    if run_out is None:
        return f"{balance}; {why}" if account["burn"] else f"{balance}; no run-out date: {why}"
    if Decimal(account["balance"]["amount"]) <= 0:
        return f"{balance}: used up"
    seen = datetime.fromisoformat(account["as_of"]).date()
    day, earliest = (style.day(date.fromisoformat(run_out[name]), seen) for name in ("day", "earliest"))
    latest = style.day(date.fromisoformat(run_out["latest"]), seen) if run_out["latest"] else _BEYOND
    span = f" (between {earliest} and {latest})" if earliest != latest else ""
    return f"{balance}, lasts until {day}{span}"


def _burn(burn: dict[str, Any], style: Style) -> Text:
    spread = f"{style.money(burn['low'])} to {style.money(burn['high'])}"
    known = style.count(burn["days"], "day")
    return Text(f"{style.money(burn['per_day'])} a day ({spread} in the coming week), by the last {known}")


def _month(answer: dict[str, Any], style: Style) -> list[RenderableType]:
    month = answer["month_end"]
    if month is None:
        return [Text(f"This month: no forecast: {answer['why_none']}")]
    first = date.fromisoformat(f"{month['month']}-01")
    told = f"{style.money(month['spent'])} so far, about {style.money(month['expected'])} by its end"
    span = f" (between {style.money(month['low'])} and {style.money(month['high'])})"
    lines: list[RenderableType] = [Text.assemble((f"{first:%B %Y}", "bold"), f": {told}{span}")]
    if Decimal(month["to_come"]["amount"]):
        lines.append(
            Padding(
                Text(f"{style.money(month['to_come'])} of it are shared costs still to be charged"),
                _INDENT,
                expand=False,
            )
        )
    return lines + [Padding(Text(note, style="dim"), _INDENT, expand=False) for note in answer["notes"]]


def budgets_view(answer: list[dict[str, Any]], style: Style) -> RenderableType:
    """Each budget with a bar, in its second line what it is for and what is expected; below, what is in no figure."""
    if not answer:
        return Text("no budgets; `trayd config edit` shows how a [[budget]] is said")
    table = new_table("budget", "spent", "%", "", numbers=("spent", "%"), whole=("spent", "%", ""))
    remarks: list[RenderableType] = []
    for status in answer:
        share, expected = Decimal(status["share"]), status["expected_share"]
        of = Text.assemble(status["budget"]["name"], (f"\n{_period(status['period'], style)}, {_scope(status)}", "dim"))
        spent = Text(f"{style.money(status['spent'])} of {style.money(status['limit'])}")
        shares = _percent(share, style)
        if expected is not None:
            low, high = style.money(status["low"]), style.money(status["high"])
            spent.append(f"\n{style.money(status['expected'])} expected\n")
            spent.append(f"{low} to {high}", style="dim")
            shares += f"\n{_percent(Decimal(expected), style)}"
        table.add_row(of, spent, shares, _bar(share, expected))
        remarks += [bullet(f"{status['budget']['name']}: {remark}") for remark in _remarks(status, style)]
    if any(status["expected"] for status in answer):
        remarks.append(Text("░ expected by the end of the period; the range holds four times out of five", style="dim"))
    return Group(table, *remarks)


def _scope(status: dict[str, Any]) -> str:
    of = status["budget"] | {"account": status["account_called"]}
    return ", ".join(f"{name} {of[name]}" for name in SCOPES if of[name]) or "everything"


def _period(period: str, style: Style) -> str:
    if period == "total":
        return "all time"
    year, _, rest = period.partition("-")
    if rest.startswith("W"):
        return f"week {rest[1:].lstrip('0')}, {year}"
    if "-" in rest:
        return style.day(date.fromisoformat(period))
    return f"{date.fromisoformat(f'{period}-01'):%b %Y}"


def _bar(share: Decimal, expected: str | None) -> Text:
    """What is spent, what is expected beyond that, and what is left, as far as the bar goes."""
    filled = _cells(share)
    soon = max(_cells(Decimal(expected)) - filled, 0) if expected is not None else 0
    color = "red" if share >= _FULL else "yellow" if soon + filled == _BAR else "green"
    return Text.assemble(("█" * filled, color), ("░" * soon, color), ("·" * (_BAR - filled - soon), "dim"))


def _percent(share: Decimal, style: Style) -> str:
    """Rounded down: a hundred is reached, never almost."""
    told = style.percent(Decimal(math.floor(share)) / _FULL)
    return told if share >= 1 or share <= 0 else f"<{style.percent(Decimal(1) / _FULL)}"


def _cells(share: Decimal) -> int:
    return max(0, min(int(share * _BAR / _FULL), _BAR))


def _remarks(status: dict[str, Any], style: Style) -> list[str]:
    found = []
    if status["unpriced"]:
        found.append(f"{style.count(status['unpriced'], 'generation')} without a price not in it")
    found += [f"{style.money(amount)} without an exchange rate not in it" for amount in status["left_out"]]
    if status["expected"] is None and status["budget"]["period"] in {"week", "month"}:
        found.append(f"no forecast: {status['why_none']}")
    return [*([status["trouble"]] if status["trouble"] else []), *found, *status["notes"]]


def anomalies_view(answer: dict[str, Any], style: Style) -> RenderableType:
    """A paragraph for each unusual day, the newest first."""
    first, last = (style.day(date.fromisoformat(answer[name])) for name in ("first", "last"))
    lines: list[RenderableType] = [
        Text(f"{first} to {last}, of which {style.count(answer['known'], 'whole day')} known", style="dim")
    ]
    if not answer["days"]:
        lines.append(
            Text("nothing unusual")
            if answer["judged"]
            else Text("what is usual is not known yet: that takes seven known days with spending before a day")
        )
    for day in answer["days"]:
        lines.append(Text.assemble((style.day(date.fromisoformat(day["day"])), "bold"), f": {_day(day, style)}"))
        lines += [Padding(Text(_explanation(each, style)), _INDENT, expand=False) for each in day["explained"]]
    quiet = [day for day in answer["days"] if not day["warned"]]
    if quiet:
        from trayd.insight.anomalies import AT_LEAST

        limits = answer["limits"]
        said, currency = limits["at_least"], quiet[0]["excess"]["currency"]
        least = f"{Decimal(said):.2f} {currency}" if said is not None else f"{AT_LEAST:.2f} USD"
        percent = style.percent(Decimal(limits["at_least_percent"]) / _FULL)
        lines.append(Text(f"small: under {least} or {percent} above the usual, never warned of", style="dim"))
    return Group(*lines)


def _day(day: dict[str, Any], style: Style) -> str:
    so_far = " so far" if day["running"] else ""
    compared = f"usually {style.money(day['usual'])}, by {style.count(day['compared'], 'day')} like it"
    small = "" if day["warned"] else "; small"
    return f"{style.money(day['cost'])}{so_far}, {style.money(day['excess'])} more than usual ({compared}){small}"


def _explanation(explanation: dict[str, Any], style: Style) -> str:
    dimension = explanation["dimension"]
    key = explanation["key"] or _WITHOUT.get(dimension, f"no {dimension}")
    cost, usual = style.money(explanation["cost"]), style.money(explanation["usual"])
    return f"{dimension} {key}: {cost} instead of {usual}, {style.percent(float(explanation['share']))} of the excess"
