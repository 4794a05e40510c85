"""What a person is told of the settings that an export was made with, where theirs are others."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from trayd.intake.rejection import shown
from trayd.operations.history_head import zone_named
from trayd.reports.json_export import Head
from trayd.settings import Settings


def notes_of_settings(head: Head, settings: Settings) -> Iterator[str]:
    """What differs, in sentences, each with what to do to have it as it was there."""
    pools = [pool for pool in head.pools if pool not in settings.pool]
    if pools:
        yield (
            f"its settings tell of {len(pools)} shared cost{'' if len(pools) == 1 else 's'} that yours do not; to have "
            f"{'it' if len(pools) == 1 else 'them'} counted, add with `trayd config edit`:\n{_toml('pool', pools)}"
        )
    fixed = [rate for rate in head.rates.fixed if rate not in settings.rates.fixed]
    if fixed:
        yield (
            "its amounts were converted at rates that were fixed in its settings; to have the same, add with "
            f"`trayd config edit`:\n{_toml('rates.fixed', fixed)}"
        )
    if head.home_currency != settings.home_currency:
        yield (
            f"its home currency was {head.home_currency}, yours is {settings.home_currency}: totals in one currency "
            f"are in yours; {_has_it('home_currency', head.home_currency)}"
        )
    ours = str(settings.zone())
    if head.time_zone != ours:
        known = zone_named(head.time_zone) is not None
        yield (
            f"its time zone was {shown(head.time_zone)}, yours is {ours}: days, and with them the rates of amounts, "
            f"can differ; {_has_it('time_zone', head.time_zone) if known else 'no zone of that name is known here'}"
        )


def _has_it(key: str, value: str) -> str:
    return f"`trayd config set {key} {shlex.quote(value)}` has them as they were"


def _toml(table: str, entries: Sequence[msgspec.Struct]) -> str:
    """The entries as they stand in the settings file."""
    lines: list[str] = []
    for entry in entries:
        lines += ["", f"[[{table}]]"]
        for name, key in zip(entry.__struct_fields__, entry.__struct_encode_fields__, strict=True):
            value = getattr(entry, name)
            if value is not None and value != "":
                lines.append(f"{key} = {_toml_value(value)}")
    return "\n".join(lines)


def _toml_value(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml_value(key)} = {_toml_value(part)}" for key, part in value.items()) + " }"
    return msgspec.json.encode(value).decode()  # a text in JSON is one in TOML
