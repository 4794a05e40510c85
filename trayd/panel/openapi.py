"""The OpenAPI document of the daemon's HTTP API, made from the table of operations."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from trayd import __version__
from trayd.operation_table import OPERATIONS
from trayd.panel.address import API_ROOT

# Amounts go out as decimal strings; inside they are integers.
_MONEY = {
    "type": "object",
    "title": "Money",
    "properties": {"amount": {"type": "string"}, "currency": {"type": "string"}},
    "required": ["amount", "currency"],
}


@cache
def document() -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    json_answers = [each.answer for each in OPERATIONS.values() if not isinstance(each.answer, str)]
    schemas, components = msgspec.json.schema_components(json_answers, ref_template="#/components/schemas/{name}")
    components["Money"] = _MONEY
    schema_of = iter(schemas)
    paths: dict[str, Any] = {
        f"{API_ROOT}/refresh": {"post": _described("Poll fal and look into the drop folder now", [], {"type": "array"})}
    }
    for operation in OPERATIONS.values():
        method = "post" if operation.writes else "get"
        is_text = isinstance(operation.answer, str)
        described = _described(
            operation.summary,
            list(operation.query.__struct_fields__),
            {"type": "string"} if is_text else next(schema_of),
            operation.answer if is_text else "application/json",
        )
        paths[f"{API_ROOT}/{operation.name}"] = {method: described}
    return {
        "openapi": "3.1.0",
        "info": {"title": "trayd", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _described(
    summary: str, parameters: list[str], schema: dict[str, Any], media_type: str = "application/json"
) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in parameters],
        "responses": {"200": {"description": "done", "content": {media_type: {"schema": schema}}}},
    }
