"""How exchange rates are shown in the terminal."""

from __future__ import annotations

from datetime import date
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from babel.numbers import format_decimal
from rich.console import Group
from rich.text import Text

from trayd.terminal.show import Style, new_table

if TYPE_CHECKING:
    from rich.console import RenderableType

_SOURCES = {"ecb": "European Central Bank", "settings": "your settings", "bundled": "came with trayd"}

#: As many digits as the bank tells, or one more.
_SHOWN = Context(prec=6)


def rates_view(answer: dict[str, Any], style: Style) -> RenderableType:
    """A table of rates, and below it what is to be known of them."""
    home = answer["home"]
    table = new_table(
        "", f"1 unit in {home}", f"1 {home} is", "of", "from", numbers=(f"1 unit in {home}", f"1 {home} is")
    )
    for each in answer["rates"]:
        if each["rate"] is None:
            table.add_row(each["currency"], "unknown", "", "", "")
            continue
        of = style.day(date.fromisoformat(each["published"]))
        table.add_row(
            each["currency"],
            _number(each["rate"], style),
            _number(each["inverse"], style),
            f"{of}, the last known" if each["last_known"] else of,
            _SOURCES[each["source"]],
        )
    remarks = [Text(f"• {remark}") for remark in _remarks(answer, style)]
    if not answer["rates"]:
        return Group(*remarks) if remarks else Text("there are no rates")
    return Group(table, *([Text(), *remarks] if remarks else []))


def _remarks(answer: dict[str, Any], style: Style) -> list[str]:
    remarks = []
    if not answer["needed"]:
        remarks.append(f"no amount needs them: all are in {answer['home']}, and none are fetched")
    if not answer["fetch"]:
        remarks.append("none are fetched: rates.fetch is false in the settings")
    elif answer["needed"] and not answer["url"]:
        remarks.append("none are fetched: fal is a stand-in here, and TRAYD_RATES_URL names no place of its rates")
    if answer["trouble"]:
        remarks.append(f"none could be fetched: {answer['trouble']}")
    if answer["newest"]:
        newest = style.day(date.fromisoformat(answer["newest"]))
        remarks.append(f"the newest that were fetched are of {newest}; they are kept in {answer['folder']}")
    unknown = [each["currency"] for each in answer["rates"] if each["rate"] is None]
    if unknown:
        remarks.append(
            f"no rate is known for {', '.join(unknown)}: fix one under [[rates.fixed]] in the settings, "
            f"and amounts in {'it' if len(unknown) == 1 else 'them'} are in the totals"
        )
    return remarks


def _number(text: str, style: Style) -> str:
    number = _SHOWN.plus(Decimal(text))
    decimals = max(-int(number.as_tuple().exponent), 0)
    return str(format_decimal(number, f"#,##0.{'0' * decimals}", locale=style.locale))
