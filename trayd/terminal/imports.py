"""How the command line shows what became of a file, and how a file is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from trayd.terminal.show import Style, count, new_table

# Of many rejected rows so many are told one by one.
_MOST_REJECTED = 20
# So many lines of a kind are named.
_MOST_LINES = 3

_NO_COST = frozenset({"left out", "total"})
_BESIDE = {"preamble": "above the header", "section": "between rows", "footer": "below the rows"}

_DELIMITERS = {"comma": "commas", "semicolon": "semicolons", "tab": "tabs", "bar": "bars"}


def import_view(result: dict[str, Any], _style: Style) -> RenderableType:
    """What became of a file."""
    told = (
        f"{_named(result)}: {count(result['recorded'], 'record')} recorded, "
        f"{result['duplicates']:,} known already, {len(result['rejected']):,} rejected"
    )
    without = _without_cost(result)
    lines: list[RenderableType] = [Text(f"{told}, {len(without):,} left out" if without else told)]
    lines += [_listed("left out: ", _reasons(without))] if without else []
    lines += _rejected(result)
    if result["assumed_currency"]:
        lines.append(_listed("currency: ", [_assumed(result["assumed_currency"])]))
    lines += map(_note, result.get("notes", ()))
    if result.get("remembered"):
        lines.append(Text(f"  remembered for {result['remembered']}, in the settings"))
    return Group(*lines)


def _note(note: str) -> RenderableType:
    """A sentence; what goes into the settings file stands in lines of its own below it, to be copied."""
    said, _, lines = note.partition("\n")
    return Group(_indented(Text(said)), *([Padding(Text(lines), (0, 0, 1, 4), expand=False)] if lines else []))


def _named(result: dict[str, Any]) -> str:
    return f"{result['file']}, {result['sheet']}" if result.get("sheet") else str(result["file"])


def _assumed(currency: str) -> str:
    return (
        f"{currency}, your home currency: nothing in the file tells another (--currency says it, --dry-run looks first)"
    )


def dry_run_view(result: dict[str, Any], style: Style) -> RenderableType:
    """How a file is read, and what would become of it."""
    read = result["understood"] or result["sample"]
    how = "this is how it is read" if read else "and this is why it cannot be read"
    parts: list[RenderableType] = [Text(f"{_named(result)}: nothing was recorded, {how}", style="bold")]
    if result["understood"]:
        parts += [_understood(result["understood"]), "", *_columns(result["understood"]["columns"])]
    if result["sample"]:
        parts += ["", Text("the first records", style="bold"), _indented(_sample(result["sample"], style))]
    would = [f"{count(result['recorded'], 'record')} would be recorded"]
    would += [f"{result['duplicates']:,} are known already"] if result["duplicates"] else []
    would += [f"{len(result['rejected']):,} would be rejected"] if result["rejected"] else []
    parts += ["", Text(", ".join(would), style="bold")]
    if without := _without_cost(result):
        parts.append(_listed("left out: ", _reasons(without)))
    beside = [row for row in result["left_out"] if row["what"] in _BESIDE]
    if beside:
        parts.append(_listed("no rows: ", _places(beside)))
    return Group(*parts, *_rejected(result), *map(_note, result.get("notes", ())))


def _understood(understood: dict[str, Any]) -> RenderableType:
    kind = understood["encoding"]
    if understood["delimiter"]:
        kind += f", cells divided by {_DELIMITERS.get(understood['delimiter'], understood['delimiter'])}"
    header = understood["header_line"]
    facts = {
        "file": f"{kind}, {'without a header' if header is None else f'header on line {header}'}",
        "sheet": understood["sheet"],
        "source": understood["source"] + (", known by its header" if understood["known"] else ""),
        "dates": understood["dates"],
        "amounts": understood["numbers"],
        "currency": understood["currency"],
        "spending": understood["spending"],
    }
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in facts.items():
        if fact:
            table.add_row(name, Text(fact))
    return _indented(table)


def _columns(columns: list[dict[str, Any]]) -> Iterator[RenderableType]:
    table = new_table("column", "is read as")
    for column in columns:
        if column["field"]:
            table.add_row(Text(column["name"]), column["field"])
    yield _indented(table)
    passed_over = [column["name"] or "(no name)" for column in columns if not column["field"]]
    if passed_over:
        yield _listed("passed over: ", passed_over)


def _sample(records: list[dict[str, Any]], style: Style) -> RenderableType:
    shown = ("source", "category", "client", "project", "deliverable")
    columns = [name for name in shown if any(record[name] for record in records)]
    if any(record["kind"] == "pool" for record in records):
        columns.append("kind")
    table = new_table("date", "what", "amount", *columns, numbers=("amount",), whole=("date", "amount"))
    for record in records:
        money = record["cost"] or record["actual_cost"] or record["estimated_cost"]
        table.add_row(
            record["timestamp"][:10],
            Text(record["description"] or record["model"] or ""),
            style.money(money, "no price yet"),
            *(Text(record[name] or "") for name in columns),
        )
    return table


def _without_cost(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in result["left_out"] if row["what"] in _NO_COST]


def _reasons(rows: Iterable[dict[str, Any]]) -> list[str]:
    """``3 pending (lines 4, 9, 12)``, for each reason."""
    lines: dict[str, list[int]] = {}
    for row in rows:
        lines.setdefault(row["reason"] or row["what"], []).append(row["line"])
    return [f"{len(at):,} {reason} ({_on(at)})" for reason, at in lines.items()]


def _places(rows: Iterable[dict[str, Any]]) -> list[str]:
    lines: dict[str, list[int]] = {}
    for row in rows:
        lines.setdefault(_BESIDE[row["what"]], []).append(row["line"])
    return [f"{count(len(at), 'line')} {where} ({_on(at)})" for where, at in lines.items()]


def _on(lines: list[int]) -> str:
    if len(lines) == 1:
        return f"line {lines[0]}"
    more = ", …" if len(lines) > _MOST_LINES else ""
    return f"lines {', '.join(map(str, lines[:_MOST_LINES]))}{more}"


def _rejected(result: dict[str, Any]) -> list[RenderableType]:
    rows = result["rejected"]
    told: list[RenderableType] = []
    for row in rows[:_MOST_REJECTED]:
        place = ", ".join(f"{part} {row[part]}" for part in ("line", "column") if row[part])
        told.append(_whole(f"{place}: {row['reason']}" if place else row["reason"]))
    if len(rows) > _MOST_REJECTED:
        told.append(_whole(f"and {len(rows) - _MOST_REJECTED:,} more; --json lists them all"))
    return told


def _whole(text: str) -> Text:
    """What may name a command stays one line, so that it can be copied; the terminal folds it."""
    return Text(f"  {text}", style="red", no_wrap=True, overflow="ignore")


def _listed(name: str, items: Iterable[str]) -> RenderableType:
    return _indented(Text.assemble((name, "dim"), ", ".join(items)))


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, 2), expand=False)
