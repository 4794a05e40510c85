from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from tests.intake.samples import SAMPLE
from trayd.intake.schema import FILE, event_schema, event_schema_text


def errors(**changes: Any) -> list[str]:
    event = {name: value for name, value in (SAMPLE | changes).items() if value is not ...}
    validator = Draft202012Validator(event_schema(), format_checker=FormatChecker())
    return [error.message for error in validator.iter_errors(event)]


def test_the_schema_that_is_shipped_is_the_schema_of_the_type():
    assert FILE.read_text(encoding="utf-8") == event_schema_text(), "run python -m trayd.intake.schema"


def test_the_schema_itself_is_valid():
    Draft202012Validator.check_schema(event_schema())


def test_the_schema_admits_what_is_read():
    assert errors() == []
    assert errors(units="0.5", request_id=None, shot="SC010") == []


@pytest.mark.parametrize(
    "change", [{"time": ...}, {"trayd": 2}, {"type": "render"}, {"status": "done"}, {"units": -1}, {"client": 7}]
)
def test_the_schema_refuses_what_is_not(change):
    assert errors(**change)
