"""The JSON Schema of what hooks get, made from its type: ``python -m trayd.alerts.hook_schema`` writes it to assets."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from trayd.alerts.hook_events import VERSION, HookEvent
from trayd.resources import asset

#: Where the schema is kept.
FILE = asset("hook.schema.json")


def hook_schema() -> dict[str, Any]:
    """The schema as a JSON object (JSON Schema 2020-12)."""
    schema = msgspec.json.schema(HookEvent)
    # What is written has all of its fields, those with a default too.
    schema["$defs"]["HookEvent"]["required"] = list(HookEvent.__struct_encode_fields__)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:trayd:hook:{VERSION}",
        "title": f"trayd hook, version {VERSION}",
        **schema,
    }


def hook_schema_text() -> str:
    """The schema as the text of its file."""
    return json.dumps(hook_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(hook_schema_text(), encoding="utf-8")
