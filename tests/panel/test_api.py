"""The daemon's HTTP API, asked over a real socket of a real daemon."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess


class Api:
    def __init__(self, home: Home) -> None:
        self.file = home.folder / "run" / "trayd.json"
        said = json.loads(self.file.read_text())
        self.url: str = said["url"]
        self.token: str = said["token"]

    def ask(self, path: str, method: str = "GET", token: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token if token is None else token}", **more.pop("headers", {})}
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.request(method, f"{self.url}/api/v1{path}", headers=headers, **more)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A running daemon that has read its history."""
    with SandboxProcess("--days", "5", "--per-day", "20") as sandbox:
        home = Home(tmp_path_factory.mktemp("trayd"), sandbox)
        home.settings('time_zone = "UTC"\n[poll]\ninterval_s = 60\n')
        with home.started("--headless"):
            wait_until(lambda: home.json("status")["accounts"][0]["state"] == "ok", what="the first poll")
            yield home


@pytest.fixture
def api(home: Home) -> Api:
    return Api(home)


def test_the_address_is_readable_by_its_user_alone(api: Api) -> None:
    assert stat.S_IMODE(api.file.stat().st_mode) == 0o600


def test_the_api_listens_on_loopback_only(api: Api) -> None:
    assert api.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("path", ["/status", "/history", "/usage", "/export", "/report", "/openapi.json", "/nothing"])
@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_without_the_token_nothing_is_told(api: Api, path: str, token: str) -> None:
    answer = api.ask(path, headers={"Authorization": f"Bearer {token}".strip().encode()})
    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == "the token is missing or wrong"


def test_the_token_is_taken_in_a_header_only(api: Api) -> None:
    with httpx.Client(trust_env=False, cookies={"token": api.token}) as client:
        assert client.get(f"{api.url}/api/v1/status", params={"token": api.token}).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example:80"])
def test_another_host_name_is_not_served(api: Api, host: str) -> None:
    assert api.ask("/status", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "file://"])
def test_pages_of_other_origins_are_not_let_in(api: Api, origin: str) -> None:
    assert api.ask("/status", headers={"Origin": origin}).status_code == 403


def test_every_answer_forbids_what_a_page_could_do_with_it(api: Api) -> None:
    for path in ("/status", "/export", "/nothing"):
        headers = api.ask(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/%2e%2e/status", "//status", "/status/.."])
def test_paths_lead_nowhere_else(api: Api, path: str) -> None:
    assert api.ask(path).status_code in {401, 403, 404, 405}


def test_answers_are_as_the_openapi_document_says(api: Api) -> None:
    document = api.ask("/openapi.json").json()
    for path in ("status", "usage", "history", "verify"):
        schema = document["paths"][f"/api/v1/{path}"]["get"]["responses"]["200"]["content"]["application/json"][
            "schema"
        ]
        answer = api.ask(f"/{path}").json()
        Draft202012Validator({**schema, "components": document["components"]}).validate(answer)


def test_the_link_to_the_panel_is_as_the_openapi_document_says(api: Api) -> None:
    document = api.ask("/openapi.json").json()
    described = document["paths"]["/api/v1/panel-link"]["post"]["responses"]["200"]
    answer = api.ask("/panel-link", "POST").json()
    Draft202012Validator(described["content"]["application/json"]["schema"]).validate(answer)
    assert answer["url"].startswith(f"{api.url}/enter/")
    assert answer["seconds"] == 60


def test_amounts_are_decimal_strings_with_their_currency(api: Api) -> None:
    status = api.ask("/status").json()
    assert set(status["spent"]) == {"24h", "7d", "30d", "total"}
    for money in (status["accounts"][0]["balance"], status["spent"]["total"]["cost"]):
        assert set(money) == {"amount", "currency"}
        assert isinstance(money["amount"], str)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/history?limit=x", "limit"),
        ("/history?limit=-1", "limit"),
        ("/history?since=yesterday", "yesterday"),
        ("/history?kind=free", "kind"),
        ("/history?nonsense=1", "nonsense"),
        ("/usage?window=1y", "1y"),
        ("/usage?by=colour", "colour"),
        ("/export?format=pdf", "pdf"),
    ],
)
def test_a_wrong_argument_is_named(api: Api, path: str, named: str) -> None:
    answer = api.ask(path)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert named in error["message"]
    assert error["cure"]
    assert error["exit_code"] == 2


def test_a_test_of_the_alerts_goes_to_no_hook_where_the_argument_is_wrong(api: Api) -> None:
    answer = api.ask("/alerts-test?hok=chat", "POST")
    assert answer.status_code == 400
    assert "there is no argument 'hok'" in answer.json()["error"]["message"]
    assert api.ask("/alerts-test?hook=chat", "POST").json()["error"]["message"].startswith("there is no hook 'chat'")


def test_reset_wants_its_word(api: Api) -> None:
    before = api.ask("/status").json()["spent"]["total"]
    answer = api.ask("/reset", "POST", params={"confirm": "delete"})
    assert answer.status_code == 403
    assert answer.json()["error"]["exit_code"] == 10
    assert api.ask("/status").json()["spent"]["total"] == before


def test_orders_are_not_taken_as_questions(api: Api) -> None:
    for path in ("/reset?confirm=DELETE", "/import?name=x.csv", "/refresh"):
        assert api.ask(path).status_code == 405


def test_a_file_is_imported_from_its_body(api: Api) -> None:
    body = b"date,description,amount,category\n2026-11-20,Licence,12.00,software\n"
    dry = api.ask("/import", "POST", params={"name": "a.csv", "dry_run": "1"}, content=body).json()
    assert dry["recorded"] == 1
    assert api.ask("/history?kind=external").json() == []
    first = api.ask("/import", "POST", params={"name": "a.csv"}, content=body).json()
    again = api.ask("/import", "POST", params={"name": "a.csv"}, content=body).json()
    assert (first["recorded"], again["recorded"], again["duplicates"]) == (1, 0, 1)
    assert [one["description"] for one in api.ask("/history?kind=external").json()] == ["Licence"]


def test_the_command_line_answers_the_same_with_and_without_a_daemon(tmp_path: Path) -> None:
    with SandboxProcess("--days", "5", "--per-day", "20") as sandbox:
        sandbox.control("freeze", frozen=True)
        home = Home(tmp_path, sandbox)
        home.settings('time_zone = "UTC"\n[poll]\ninterval_s = 3600\n')
        with home.started("--headless"):
            wait_until(lambda: home.json("status")["accounts"][0]["state"] == "ok", what="the first poll")
            home.json("refresh")
            asked = [
                ["history", "--limit", "500"],
                ["usage", "--window", "2026-01-01..2026-12-31", "--by", "model"],
                ["history", "--model", "fal-ai/flux", "--since", "2026-11-01"],
            ]
            remote = [home.json(*one) for one in asked]
            exported = home.run("export").stdout
        assert [home.json(*one) for one in asked] == remote
        assert home.run("export").stdout == exported
        assert len(remote[0]) > 50
