"""What is wrong with an entry of the settings file: in the words and by the names of that file, with the cure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

EDIT = "`trayd config edit` opens the file"

_KINDS = {
    "float": "a number",
    "int": "a whole number",
    "decimal": "an amount such as 5.00",
    "str": "text in quotes",
    "str | null": "text in quotes",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "object | null": "a table",
    "str | object": "a word in quotes or a table",
    "date": "a date such as 2026-01-31",
    "date | null": "a date such as 2026-01-31",
    "datetime": "a date with a time",
    "time": "a time without quotes",
}

# Lists whose default is empty.
_LISTS = {
    "command": '["/usr/bin/logger", "--tag", "trayd"]',
    "rules": '["balance", "budget"]',
    "off": '["anomaly"]',
    "clients": '["Northwind"]',
    "header": '["Booked", "Text", "Sum"]',
}


class _Place(NamedTuple):
    """Where in the file something is wrong.

    Attributes:
        entry: the table of a list of tables that it is in, as ``[[budget]] 'Northwind'``; empty elsewhere.
        name: the setting, dotted, without that table; empty where the table as a whole is meant.
        type: what belongs there.
        default: what holds without the setting.
    """

    entry: str
    name: str
    type: inspect.Type
    default: object

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.entry, self.name)))


def told(error: msgspec.ValidationError, raw: Mapping[str, Any], settings: type[msgspec.Struct]) -> tuple[str, str]:
    """What is wrong, and the cure.

    Args:
        error: what msgspec says of the first wrong entry.
        raw: the file, as TOML's own types.
        settings: the type that the file was to be.
    """
    said, _, path = str(error).partition(" - at `$")
    place = _place(path.removesuffix("`"), raw, settings)
    if not said.startswith(("Expected", "Invalid", "Object")):
        return said, EDIT  # the settings' own words, which name the setting
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", said):
        return _unknown(place, unknown[1])
    got = re.fullmatch(r"Expected `(.*)`, got `(.*)`", said)
    if got and got[1] == "array" and isinstance(_item(place.type), inspect.StructType):
        return f"{place} is a list of tables", f"write [[{place.name}]] with two brackets above each; {EDIT}"
    return f"{place}{_wrong(said, place)}", EDIT


def not_toml(error: tomllib.TOMLDecodeError, text: str) -> tuple[str, str]:
    """What is wrong with a text that is no TOML, and the cure.

    Args:
        error: what the parser says.
        text: of the file.
    """
    said = re.sub(r" \(at .*\)$", "", str(error))
    at = re.search(r"\(at line (\d+)", str(error))
    lines = text.rstrip().splitlines() or [""]
    number = int(at[1]) if at else len(lines)
    # What stands behind the equals sign can be secret.
    place = f"line {number}, {lines[number - 1].partition('=')[0].strip()!r}"
    if twice := re.fullmatch(r"Cannot declare \((.*?),?\) twice", said):
        table = ".".join(part.strip(" '") for part in twice[1].split(","))
        return f"{place}: [{table}] is there a second time", f"put the lines of both below one [{table}]; {EDIT}"
    if said.startswith(("Cannot overwrite", "Duplicate")):
        return f"{place}: this is set a second time", f"take one of the two out; {EDIT}"
    return f"{place}: this is not TOML: {said[0].lower()}{said[1:]}", f"correct that line; {EDIT}"


def _wrong(said: str, place: _Place) -> str:
    if missing := re.fullmatch(r"Object missing required field `(.*)`", said):
        return f": {missing[1]} is missing"
    if bound := re.fullmatch(r"Expected `(\w+)` (<=|>=) ([\d.]+)", said):
        limit = f"{float(bound[3]):g}"
        return f" is {_kind(bound[1])} {f'up to {limit}' if bound[2] == '<=' else f'from {limit} on'}"
    if got := re.fullmatch(r"Expected `(.*)`, got `(.*)`", said):
        return f": expected {_kind(got[1])}, got {_kind(got[2])}{_such(place, got[1])}"
    if said.startswith("Invalid decimal"):
        return ": expected a number such as 5.00, without a unit and quotes"
    return f": expected {_KINDS['date']}" if "date" in said else f": {said[0].lower()}{said[1:]}"


def _kind(name: str) -> str:
    return _KINDS.get(name, name)


def _such(place: _Place, expected: str) -> str:
    if expected != "array":
        return ""
    if isinstance(place.default, tuple) and place.default:
        return f"; write one such as [{', '.join(_toml(item) for item in place.default)}]"
    return f"; write one such as {_LISTS[place.name.rpartition('.')[2]]}"


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _unknown(place: _Place, name: str) -> tuple[str, str]:
    known = [field.encode_name for field in place.type.fields] if isinstance(place.type, inspect.StructType) else []
    close = get_close_matches(name, known, n=1)
    meant = f"did you mean {close[0]!r}? " if close else f"there are {', '.join(known)}; "
    told = ".".join(filter(None, (place.name, name)))
    return ": ".join(filter(None, (place.entry, f"there is no setting {told!r}"))), meant + EDIT


def _place(path: str, raw: Any, settings: type[msgspec.Struct]) -> _Place:
    """The place at which msgspec found something wrong, such as ``.budget[0].at[1]``."""
    entry, names, default = "", list[str](), None
    of = inspect.type_info(settings)
    for name, index in re.findall(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]", path):
        if name:
            names.append(name)
            fields = {field.encode_name: field for field in _structs(of)}
            of, default = (fields[name].type, fields[name].default) if name in fields else (inspect.AnyType(), None)
            raw = raw.get(name) if isinstance(raw, Mapping) else None
        else:
            of = _item(of) or inspect.AnyType()
            raw = raw[int(index)] if index.isdecimal() and isinstance(raw, list) else None
            if isinstance(raw, Mapping):
                called = raw.get("name")
                which = repr(called) if isinstance(called, str) and called else f"number {int(index) + 1}"
                entry, names = f"[[{'.'.join(names)}]] {which}", []
    return _Place(entry, ".".join(names), next(_plain(of)), default)


def _plain(of: inspect.Type) -> Iterator[inspect.Type]:
    """The types that a value may have there, without None; the tables first."""
    types = of.types if isinstance(of, inspect.UnionType) else (of,)
    bare = [each.type if isinstance(each, inspect.Metadata) else each for each in types]
    yield from sorted(bare, key=lambda each: not isinstance(each, inspect.StructType))


def _structs(of: inspect.Type) -> tuple[inspect.Field, ...]:
    return tuple(field for each in _plain(of) if isinstance(each, inspect.StructType) for field in each.fields)


def _item(of: inspect.Type) -> inspect.Type | None:
    lists = (each for each in _plain(of) if isinstance(each, inspect.ListType | inspect.VarTupleType))
    return next((each.item_type for each in lists), None)
