"""The OpenAPI document of the daemon's HTTP API, made from the table of operations."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from trayd import __version__
from trayd.operations.table import OPERATIONS
from trayd.panel.address import API_ROOT, STEPS_MEDIA_TYPE

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
        f"{API_ROOT}/refresh": {
            "post": _described("Poll fal and look into the drop folder now", [], {"type": "array"})
        },
        f"{API_ROOT}/alerts-test": {
            "post": _described("Send a test warning to the desktop and to hooks now", ["hook"], {"type": "array"})
        },
    }
    for operation in OPERATIONS.values():
        method = "post" if operation.writes else "get"
        is_text = isinstance(operation.answer, str)
        schema = {"type": "string"} if is_text else next(schema_of)
        described = _described(
            operation.summary,
            list(operation.query.__struct_fields__),
            schema,
            operation.answer if is_text else "application/json",
        )
        if operation.stepped:
            described["responses"]["200"]["content"][STEPS_MEDIA_TYPE] = {"schema": _line(schema)}
        if operation.takes_body:
            described["requestBody"] = {"content": {"application/octet-stream": {}}}
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


def _line(answer: dict[str, Any]) -> dict[str, Any]:
    """One line of what is told of a work in steps: how far it is, and at last the answer or what went wrong."""
    step = {"done": {"type": "integer"}, "of": {"type": "integer"}}
    error = {"message": {"type": "string"}, "cure": {"type": "string"}, "exit_code": {"type": "integer"}}
    return {
        "oneOf": [
            _object(step),
            _object({"answer": answer}),
            _object({"error": _object(error)}),
        ]
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _described(
    summary: str, parameters: list[str], schema: dict[str, Any], media_type: str = "application/json"
) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in parameters],
        "responses": {"200": {"description": "done", "content": {media_type: {"schema": schema}}}},
    }
