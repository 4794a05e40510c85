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

_TEXT = {"type": "string"}
_STEP = {"done": {"type": "integer"}, "of": {"type": "integer"}}
_ERROR = {"message": _TEXT, "cure": _TEXT, "exit_code": {"type": "integer"}}

_LINK = {"url": _TEXT, "seconds": {"type": "integer"}}

_TEXT_HEADERS = {
    "Content-Disposition": {"description": "the name of its file", "schema": _TEXT},
    "Trayd-Remarks": {"description": "what could not be in it, and why; percent-encoded", "schema": _TEXT},
}


@cache
def document() -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    json_answers = [each.answer for each in OPERATIONS.values() if not each.media_types]
    schemas, components = msgspec.json.schema_components(json_answers, ref_template="#/components/schemas/{name}")
    components["Money"] = _MONEY
    schema_of = iter(schemas)
    paths: dict[str, Any] = {
        f"{API_ROOT}/refresh": {
            "post": _described("Poll fal and look into the drop folder now", [], {"type": "array"})
        },
        f"{API_ROOT}/panel-link": {
            "post": _described("Make a link that opens the panel in a browser: once, soon", [], _object(_LINK))
        },
        f"{API_ROOT}/alerts-test": {
            "post": _described("Send a test warning to the desktop and to hooks now", ["hook"], {"type": "array"})
        },
    }
    for operation in OPERATIONS.values():
        method = "post" if operation.writes else "get"
        parameters = list(operation.query.__struct_fields__)
        if operation.media_types:
            described = _described(operation.summary, parameters, {"type": "string"}, operation.media_types)
            described["responses"]["200"]["content"][STEPS_MEDIA_TYPE] = {"schema": _line_of_text()}
            described["responses"]["200"]["headers"] = _TEXT_HEADERS
        else:
            schema = next(schema_of)
            described = _described(operation.summary, parameters, schema)
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
    return {"oneOf": [_object(_STEP), _object({"answer": answer}), _object({"error": _object(_ERROR)})]}


def _line_of_text() -> dict[str, Any]:
    """One line of a text in lines; see :mod:`trayd.panel.texts`."""
    told = ({"name": _TEXT, "media_type": _TEXT}, _STEP, {"remark": _TEXT}, {"text": _TEXT})
    ends = ({"answer": {"type": "null"}}, {"error": _object(_ERROR)})
    return {"oneOf": [_object(properties) for properties in (*told, *ends)]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _described(
    summary: str, parameters: list[str], schema: dict[str, Any], media_types: tuple[str, ...] = ("application/json",)
) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in parameters],
        "responses": {"200": {"description": "done", "content": {each: {"schema": schema} for each in media_types}}},
    }
