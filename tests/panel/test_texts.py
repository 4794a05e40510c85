"""Exports and the report over HTTP: their own name and type, how far they are, and what goes wrong."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft202012Validator

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess
from tests.panel.test_api import Api

LINES = {"Accept": "application/x-ndjson"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A running daemon that has read its history."""
    with SandboxProcess("--days", "5", "--per-day", "20") as sandbox:
        home = Home(tmp_path_factory.mktemp("trayd"), sandbox)
        home.settings('time_zone = "UTC"\n[poll]\ninterval_s = 3600\n')
        with home.started("--headless"):
            wait_until(lambda: home.json("status")["accounts"][0]["state"] == "ok", what="the first poll")
            yield Api(home)


def told(api: Api, path: str) -> list[dict[str, Any]]:
    answer = api.ask(path, headers=LINES)
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.content.split(b"\n") if line]


@pytest.mark.parametrize(
    ("path", "media_type", "disposition"),
    [
        ("/export", "text/csv", "attachment; filename*=UTF-8''trayd-export-to-"),
        ("/export?delimiter=semicolon", "text/csv", "attachment"),
        ("/export?delimiter=tab&until=2026-11-30&since=2026-11-01", "text/tab-separated-values", "export-2026-11.tsv"),
        ("/export?project=%E7%9D%A1%E8%93%AE", "text/csv", "trayd-export-%E7%9D%A1%E8%93%AE-to-"),
        ("/report", "text/html", "inline; filename*=UTF-8''trayd-report-to-"),
    ],
)
def test_a_text_has_its_own_type_and_name(api: Api, path: str, media_type: str, disposition: str) -> None:
    answer = api.ask(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert disposition in answer.headers["content-disposition"]


def test_in_lines_it_is_the_same_text_with_how_far_it_is(api: Api) -> None:
    whole = api.ask("/export").content.decode()
    lines = told(api, "/export")
    assert set(lines[0]) == {"name", "media_type"}
    assert "".join(line["text"] for line in lines if "text" in line) == whole
    assert lines[-1] == {"answer": None}
    steps = [(line["done"], line["of"]) for line in lines if "done" in line]
    rows = len(list(csv.reader(io.StringIO(whole, newline="")))) - 1
    assert steps[-1] == (rows, rows)


def test_each_line_is_as_the_openapi_document_says(api: Api) -> None:
    document = api.ask("/openapi.json").json()
    content = document["paths"]["/api/v1/export"]["get"]["responses"]["200"]["content"]
    assert {"text/csv", "text/tab-separated-values", "application/x-ndjson"} <= set(content)
    validator = Draft202012Validator(
        {**content["application/x-ndjson"]["schema"], "components": document["components"]}
    )
    for line in told(api, "/export"):
        validator.validate(line)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/export?format=pdf", "pdf"),
        ("/export?currency=Euro", "Euro"),
        ("/export?decimal=comma", "delimiter"),
        ("/export?delimiter=colon", "delimiter"),
        ("/export?since=yesterday", "yesterday"),
        ("/report?currency=Euro", "Euro"),
        ("/report?format=csv", "format"),
    ],
)
@pytest.mark.parametrize("headers", [{}, LINES], ids=["text", "lines"])
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    api: Api, path: str, named: str, headers: dict[str, str]
) -> None:
    answer = api.ask(path, headers=headers)
    assert answer.status_code == 400
    assert named in answer.json()["error"]["message"]


def test_a_name_over_http_can_be_read_by_every_client(api: Api) -> None:
    header = api.ask("/export?project=%22%0A%3B%20x").headers["content-disposition"]
    assert header.isascii()
    assert "\n" not in unquote(header)


def test_what_could_not_be_in_it_is_in_a_header_and_in_lines(api: Api) -> None:
    event = {"trayd": 1, "type": "generation", "endpoint_id": "fal-ai/new", "time": "2026-11-01T00:00:00Z"}
    said = api.ask("/import?name=event.json", "POST", content=json.dumps({**event, "request_id": "no-price"}).encode())
    assert said.status_code == 200, said.text
    path = "/export?format=ledger&currency=KPW"
    remarks = [line["remark"] for line in told(api, path) if "remark" in line]
    header = api.ask(path).headers["trayd-remarks"]
    assert header.isascii()
    assert unquote(header) == "; ".join(remarks)
    without_cost, without_rate = remarks
    assert "without a price" in without_cost
    assert without_rate.startswith("no rate of USD into KPW is known of ")
    assert "trayd-remarks" not in api.ask("/export?client=Nobody").headers
