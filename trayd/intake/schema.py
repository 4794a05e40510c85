"""The JSON Schema of event files, made from their type: ``python -m trayd.intake.schema`` writes it to ``assets/``."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from trayd.intake.events import VERSION, Event
from trayd.resources import asset

#: Where the schema is kept.
FILE = asset("event.schema.json")


def event_schema() -> dict[str, Any]:
    """The schema as a JSON object (JSON Schema 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:trayd:event:{VERSION}",
        "title": f"trayd event, version {VERSION}",
        **_numbers_or_texts(msgspec.json.schema(Event)),
    }


def _numbers_or_texts(node: Any) -> Any:
    """The schema with decimals as they are read: msgspec lists only the text of the two forms that it takes."""
    if isinstance(node, dict):
        types = {"type": ["number", "string"]} if node.get("format") == "decimal" else {}
        return {name: _numbers_or_texts(item) for name, item in node.items()} | types
    if isinstance(node, list):
        return [_numbers_or_texts(item) for item in node]
    return node


def event_schema_text() -> str:
    """The schema as the text of its file."""
    return json.dumps(event_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(event_schema_text(), encoding="utf-8")
