"""``trayd import`` while a daemon runs: it does the reading and the recording, and tells how far it is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.cli.tables import BANK, PLAIN, TWO_WAYS, long_table, new_home, recorded
from tests.cli.terminal import on_a_terminal
from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with SandboxProcess("--days", "3", "--per-day", "20", "--seed", "5") as sandbox:
        home = new_home(tmp_path_factory.mktemp("daemon"), sandbox)
        with home.started("--headless"):
            wait_until(lambda: home.json("status")["accounts"][0]["state"] == "ok", what="the first poll")
            yield home


@pytest.fixture(scope="module")
def api(home: Home) -> Iterator[httpx.Client]:
    said = json.loads((home.folder / "run" / "trayd.json").read_text())
    headers = {"Authorization": f"Bearer {said['token']}"}
    with httpx.Client(base_url=f"{said['url']}/api/v1", headers=headers, trust_env=False, timeout=30) as client:
        yield client


def test_it_tells_how_far_it_is_and_answers_others_in_between(api):
    body, asked = long_table(12_000, "told").encode(), 0
    with api.stream(
        "POST", "/import", params={"name": "x.csv"}, content=body, headers={"Accept": "application/x-ndjson"}
    ) as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        lines = []
        for line in answer.iter_lines():
            lines.append(json.loads(line))
            if "done" in lines[-1] and not asked % 5:
                assert api.get("/taggings").json() == []
            asked += 1
    *steps, last = lines
    assert last["answer"]["recorded"] == 12_000
    told = [step["done"] for step in steps]
    assert len(told) > 5
    assert told == sorted(told)
    assert all(step["done"] <= step["of"] for step in steps if step["of"])
    schema = api.get("/openapi.json").json()
    line = schema["paths"]["/api/v1/import"]["post"]["responses"]["200"]["content"]["application/x-ndjson"]["schema"]
    for one in lines:
        Draft202012Validator({**line, "components": schema["components"]}).validate(one)


def test_what_goes_wrong_is_the_last_line(api):
    headers = {"Accept": "application/x-ndjson"}
    answer = api.post("/import", params={"name": "x.csv", "currency": "XQQ"}, content=b"x", headers=headers)
    assert json.loads(answer.text)["error"]["exit_code"] == 2


def test_without_asking_for_lines_the_answer_is_one(api):
    answer = api.post("/import", params={"name": "x.csv", "dry_run": "1"}, content=PLAIN.encode())
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["recorded"] == 1


def test_who_stops_listening_stops_the_import_and_can_go_on_later(home, put, api):
    body = long_table(20_000, "broken off").encode()
    with api.stream(
        "POST", "/import", params={"name": "x.csv"}, content=body, headers={"Accept": "application/x-ndjson"}
    ) as answer:
        told = (json.loads(line) for line in answer.iter_lines())
        next(step for step in told if step["of"] and step["done"] > 0.8 * step["of"])
    again = home.json("import", put("x.csv", body.decode()))
    assert again["recorded"] + again["duplicates"] == 20_000
    assert again["duplicates"] >= 2_500


def test_the_command_line_answers_and_shows_a_bar_as_it_does_without_it(home, put):
    remote = home.json("import", "--dry-run", put("bank.csv", BANK), code=1)
    shown = on_a_terminal("import", "--dry-run", put("long.csv", long_table(12_000)), env=home.env)
    assert "%" in shown
    assert "looking through the ledger" in on_a_terminal("ledger", "verify", env=home.env)
    assert remote["understood"]["header_line"] == 4


def test_it_takes_what_is_remembered_over_by_itself(home, put):
    home.run("import", "--date-order", "dmy", "--remember", put("a.csv", TWO_WAYS))
    home.run("refresh")
    home.put("b.csv", TWO_WAYS.replace("Suno", "Krea"))
    wait_until(lambda: home.json("status")["drop"] == {"waiting": 0, "rejected": 0}, what="the dropped file")
    assert ("2026-06-05", "Krea", "10.00") in recorded(home, "--until", "2026-07-01")
