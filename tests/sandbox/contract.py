"""Holding an answer against fal's own OpenAPI description."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

_DOCUMENT = "urn:fal:openapi"


@cache
def description() -> dict[str, Any]:
    """The OpenAPI document that FAL_OPENAPI names; without one the test is skipped, or fails where it must run."""
    path = os.environ.get("FAL_OPENAPI")
    if path:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    why = "FAL_OPENAPI does not name fal's OpenAPI document"
    if os.environ.get("TRAYD_REQUIRE_CONTRACT") == "1":
        pytest.fail(f"{why}, and TRAYD_REQUIRE_CONTRACT=1 demands it")
    pytest.skip(why)


@cache
def _registry() -> Registry[Any]:
    document = DRAFT202012.create_resource(_closed(description()))
    return Registry().with_resource(_DOCUMENT, document)


@cache
def _validator(path: str, method: str, status: int) -> Draft202012Validator:
    responses = description()["paths"][path][method.lower()]["responses"]
    assert str(status) in responses, f"{method} {path} describes no answer {status}"
    steps = ("paths", path, method.lower(), "responses", str(status), "content", "application/json", "schema")
    pointer = "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)
    return Draft202012Validator(
        {"$ref": f"{_DOCUMENT}#/{pointer}"},
        registry=_registry(),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def _closed(schema: Any) -> Any:
    """The schema, with objects that hold only what is described: a misspelt field is caught."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: part if name == "example" else _closed(part) for name, part in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed


def problems(answer: httpx.Response, path: str) -> list[str]:
    """What is wrong with an answer to a call of that path."""
    request = answer.request
    assert answer.headers["content-type"] == "application/json"
    found = _validator(path, request.method, answer.status_code).iter_errors(answer.json())
    return [f"{request.url}: {problem.json_path}: {problem.message}" for problem in found]
