"""How a reconciliation is shown in the terminal: first whether all agrees with fal, then what does not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from trayd.money import Money, exact_formatter
from trayd.terminal.show import Style, bullet, new_table

if TYPE_CHECKING:
    from rich.console import RenderableType

# Requests, generations that are not billed yet, and models, which are shown; --json has more of them.
_SHOWN = 10

# Requests that may be what no request explains.
_CANDIDATES = 3
_MODELS = 20

# A bias of less than this is none that one would notice.
_NOTICED = 0.005

_NOT_COMPARED = {
    "no_estimate": "billed without an estimate",
    "unconfirmed": "not billed yet",
    "failed": "failed and not billed so far",
    "free": "failed and never billed",
    "unmatched": "waiting to be linked (`trayd history --unmatched`)",
    "no_rate": "in a currency without a rate (`trayd rates`)",
}


def reconcile_view(answer: dict[str, Any], style: Style) -> RenderableType:
    """The check of each account, differences with their requests and what to do, accuracy, what is not billed."""
    parts: list[RenderableType] = [Text(line) for line in _checks(answer["checks"], style)]
    for difference in answer["differences"]:
        parts += ["", *_difference(difference, style)]
    parts += ["", *_accuracy(answer, style)]
    parts += _open(answer["unconfirmed"], "not billed yet, of all time", style)
    parts += _open(answer["failed"], "failed or cancelled, of all time: free unless fal bills within 48 h", style)
    return Group(*parts)


def _checks(checks: list[dict[str, Any]], style: Style) -> Iterator[str]:
    if not checks:
        yield "nothing was compared with fal yet: `trayd doctor` says what is missing"
    for check in checks:
        account = check["name"]
        if check["agrees"] is None:
            yield f"{account}: not compared with fal yet: {check['why_not']}"
            continue
        span = f"{_day(check['since'], style)} to {_day(check['until'], style)}"
        when = f"(checked {style.time(check['at'])})"
        ours, theirs = _exact(check["ledger"], style), _exact(check["fal"], style)
        if check["agrees"] and ours == theirs:
            yield f"{account}: all {ours} of {span} agree with fal {when}"
        elif check["agrees"]:
            apart = _exact(check["apart"], style)
            yield f"{account}: {ours} of {span} agree with fal's {theirs} but for {apart} of rounding {when}"
        else:
            apart = _exact(check["apart"], style)
            yield f"{account}: fal says {theirs} for {span}, the ledger {ours}: {apart} apart {when}"


def _difference(difference: dict[str, Any], style: Style) -> Iterator[RenderableType]:
    yield Text(
        f"! {difference['endpoint_id']} ({difference['name']}): fal {_exact(difference['fal'], style)}, "
        f"the ledger {_exact(difference['ledger'], style)}",
        style="bold red",
    )
    if difference["records"]:
        table = new_table("request", "ledger", "fal", "apart", numbers=("ledger", "fal", "apart"), whole=("request",))
        for one in difference["records"][:_SHOWN]:
            table.add_row(
                one["request_id"],
                _exact(one["ledger"], style) if one["ledger"] else "not known",
                _exact(one["fal"], style) if one["fal"] else "not listed",
                _exact(one["apart"], style),
            )
        yield table
        more = difference["requests"] - min(_SHOWN, len(difference["records"]))
        if more:
            yield Text(f"  and {style.count(more, 'more request')}")
    if difference["unexplained"] and _is_some(difference["unexplained"]):
        yield Text(f"  {_exact(difference['unexplained'], style)} is explained by no request")
        if number := difference["unbilled"]:
            named = ", ".join(difference["unbilled_ids"][:_CANDIDATES])
            more = f" and {style.number(number - _CANDIDATES)} more" if number > _CANDIDATES else ""
            which = "the request" if number == 1 else "one or several of the requests"
            yield Text(f"  it may be of {which} of that model without a bill: {named}{more}")
    yield Text(f"  {difference['cure']}")


def _accuracy(answer: dict[str, Any], style: Style) -> Iterator[RenderableType]:
    compared = answer["accuracy"]
    total = compared["total"]
    window = f"{_day(answer['window']['from'], style)} to {_day(answer['window']['to'], style)}"
    if total["records"]:
        yield Text(f"estimates of {window}: {_in_words(total, style)}")
        table = new_table(
            answer["by"],
            "compared",
            "estimated",
            "billed",
            "bias",
            "off by",
            numbers=("compared", "estimated", "billed", "bias", "off by"),
        )
        shown = compared["by"][:_MODELS] if answer["by"] == "model" else compared["by"]
        for part in shown:
            table.add_row(
                part["key"],
                style.number(part["records"]),
                style.money(part["estimated"]),
                style.money(part["actual"]),
                _percent(part["bias"], style, signed=True),
                _percent(part["error"], style),
            )
        yield table
        if more := len(compared["by"]) - len(shown):
            yield Text(f"  and {style.count(more, 'more model')}; --json has all")
    else:
        yield Text(f"estimates of {window}: none to compare with a bill")
    left = [
        f"{style.number(number)} {_NOT_COMPARED[why]}" for why, number in compared["not_compared"].items() if number
    ]
    if left:
        yield bullet(f"of this time not compared: {', '.join(left)}")


def _in_words(accuracy: dict[str, Any], style: Style) -> str:
    bias, error = accuracy["bias"], accuracy["error"]
    if bias is None:
        return f"{style.count(accuracy['records'], 'bill')} of what was expected to cost nothing"
    whole = "bills are as estimated in all"
    if abs(bias) >= _NOTICED:
        whole = f"bills are {_percent(abs(bias), style)} {'above' if bias > 0 else 'below'} the estimates"
    generations = style.count(accuracy["records"], "generation")
    return f"{whole}; one bill is {_percent(error, style)} off on average ({generations})"


def _open(waiting: dict[str, Any], what: str, style: Style) -> Iterator[RenderableType]:
    if not waiting["generations"]:
        return
    estimated = " + ".join(style.money(amount) for amount in waiting["estimated"])
    yield ""
    yield Text(
        f"{style.count(waiting['generations'], 'generation')} {what}{f', estimated {estimated}' if estimated else ''}"
    )
    table = new_table(
        "since", "model and request", "estimate", "fal's bills", numbers=("estimate",), whole=("since", "estimate")
    )
    for one in waiting["oldest"][:_SHOWN]:
        table.add_row(
            Text.assemble(style.time(one["since"]), (f"\n{one['status']}", "dim")),
            f"{one['endpoint_id']}\n{one['request_id'] or one['id']}",
            style.money(one["estimate"]),
            "not in them" if one["covered"] else "not read",
        )
    yield table
    more = waiting["generations"] - min(_SHOWN, len(waiting["oldest"]))
    if more:
        yield Text(f"  and {style.number(more)} newer; --json tells of the oldest hundred")


def _exact(amount: dict[str, str], style: Style) -> str:
    money = Money.of(amount["amount"], amount["currency"])
    return exact_formatter(money.currency, style.locale)(money.nanos)


def _is_some(amount: dict[str, str]) -> bool:
    return bool(Money.of(amount["amount"], amount["currency"]).nanos)


def _day(moment: str, style: Style) -> str:
    return style.day(datetime.fromisoformat(moment).astimezone(style.zone).date())


def _percent(ratio: float | None, style: Style, *, signed: bool = False) -> str:
    return "?" if ratio is None else style.percent(ratio, 1, signed=signed)
