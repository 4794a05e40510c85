"""The JSON Schema of JSON exports, made from their types: ``python -m trayd.operations.export_schema`` writes it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from trayd.ledger.merge import RecordFacts
from trayd.reports.json_export import TYPE, VERSION, Head, Line, Totals, UsedRate
from trayd.resources import asset

#: Where the schema is kept.
FILE = asset("export.schema.json")

_HERE = "#/$defs/{name}"


def export_schema() -> dict[str, Any]:
    """The schema as a JSON object (JSON Schema 2020-12)."""
    types = (Head, Line, Totals, UsedRate, RecordFacts)
    _, definitions = msgspec.json.schema_components(types, ref_template=_HERE)
    head, line = definitions.pop("Head"), definitions["Line"]
    line["properties"]["facts"] = {"$ref": _HERE.format(name="RecordFacts")}
    # What has a default is written all the same, for whoever reads it; what may be absent is said to be.
    line["required"] = [
        outward
        for field, outward in zip(msgspec.structs.fields(Line), Line.__struct_encode_fields__, strict=True)
        if field.default is not msgspec.UNSET
    ]
    properties = {
        **head["properties"],
        "trayd": {"const": VERSION, "description": "The version of this format."},
        "type": {"const": TYPE},
        "records": {"type": "array", "items": {"$ref": _HERE.format(name="Line")}},
        "rates_used": {"type": "array", "items": {"$ref": _HERE.format(name="UsedRate")}},
        "totals": {"$ref": _HERE.format(name="Totals")},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:trayd:export:{VERSION}",
        "title": f"trayd JSON export, version {VERSION}",
        "description": "A history: its records as the log shows them, and the facts that they were merged from.",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "$defs": {name: _shortened(each) for name, each in definitions.items()},
    }


def _shortened(definition: dict[str, Any]) -> dict[str, Any]:
    """The definition with the first line of what its type says of itself: the rest is about the program."""
    if "description" in definition:
        definition["description"] = definition["description"].split("\n", 1)[0]
    return definition


def export_schema_text() -> str:
    """The schema as the text of its file."""
    return json.dumps(export_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(export_schema_text(), encoding="utf-8")
