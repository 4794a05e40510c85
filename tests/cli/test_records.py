"""Tags and links by the real command line, on the ledger itself and through a running daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.desktop.harness import wait_until
from tests.end_to_end.support import Home, SandboxProcess


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "4", "--per-day", "20", "--seed", "5") as running:
        running.control("freeze", frozen=True)
        yield running


@pytest.fixture(params=["ledger", "daemon"])
def home(request: pytest.FixtureRequest, tmp_path: Path, sandbox: SandboxProcess) -> Iterator[Home]:
    """A home that has read its history: without a daemon, and with one."""
    home = Home(tmp_path / "home", sandbox)
    home.settings('time_zone = "UTC"\n[poll]\ninterval_s = 3600\n')
    if request.param == "ledger":
        home.run("refresh")
        yield home
        return
    with home.started("--headless"):
        wait_until(lambda: home.json("status")["accounts"][0]["state"] == "ok", what="the first poll")
        yield home


def history(home: Home, *filters: str) -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in home.json("history", "--limit", "500", *filters)}


def clients(home: Home) -> dict[str, str | None]:
    return {record_id: record["client"] for record_id, record in history(home).items()}


def test_a_key_is_a_filter_like_the_others(home: Home) -> None:
    home.run("refresh")
    window = ("--window", "30d")
    parts = home.json("usage", *window, "--by", "key")["by"]
    assert len([part for part in parts if part["key"]]) > 1
    for part in parts:
        if part["key"]:
            alone = home.json("usage", *window, "--key", part["key"])["total"]
            assert (alone["cost"], alone["generations"]) == (part["cost"], part["generations"])
            assert len(history(home, "--key", part["key"])) == part["generations"]
            tagged = home.json("tag", "--dry-run", "--key", part["key"], "--client", "Contoso")
            assert tagged["changed"] == part["generations"]
    assert history(home, "--key", "nobody's") == {}


def test_tagging_and_taking_it_back(home: Home, tmp_path: Path) -> None:
    costs = tmp_path / "costs.csv"
    costs.write_text("date,description,amount,category,type\n2026-11-01,Plan,30.00,image,pool\n")
    home.run("import", str(costs))
    before = clients(home)
    one, two, *_ = [record_id for record_id, client in before.items() if client is None]
    (pool,) = history(home, "--kind", "pool")

    said = home.run("tag", one, two, pool, "--client", " Northwind ", "--note", "by hand").stdout
    assert "client Northwind, note by hand: 3 records changed; `trayd tag --undo` takes it back" in said
    assert set(history(home, "--client", "Northwind")) >= {one, two, pool}
    assert history(home)[pool]["note"] == "by hand"
    assert set(history(home, "--client", "")) == {each for each, client in clients(home).items() if client is None}

    dry = home.json("tag", "--dry-run", "--where-client", "", "--client", "Contoso")
    assert dry["changed"] == len(before) - 3
    assert dry["number"] is None
    assert home.run("tag", "--dry-run", "--kind", "internal", "--client", "Contoso").stdout.count("\n") > 11
    assert "Contoso" not in clients(home).values()

    done = home.json("tag", "--where-client", "", "--client", "Contoso")
    assert (done["changed"], done["unchanged"], done["number"]) == (len(before) - 3, 0, 2)
    assert set(clients(home).values()) == {"Contoso", "Northwind"}
    by_client = {part["key"] for part in home.json("usage", "--window", "30d", "--by", "client")["by"]}
    assert by_client == {"Contoso", "Northwind"}

    home.run("tag", one, "--client", "")
    assert clients(home)[one] is None
    listed = home.json("tag", "--list")
    assert [(each["number"], each["records"], each["undone"]) for each in listed] == [
        (3, 1, None),
        (2, len(before) - 3, None),
        (1, 3, None),
    ]
    undone = home.json("tag", "--undo", "1")
    assert (undone["changed"], undone["kept"], undone["left"]) == (3, 1, 2)
    said = home.run("tag", "--undo").stdout
    assert "(client cleared): 0 records changed back; 1 tagging more can be taken back" in said, "the one below is gone"
    assert f"(client Contoso): {len(before) - 3} records changed back" in home.run("tag", "--undo").stdout
    assert clients(home) == before
    assert "there is no tagging to take back" in home.run("tag", "--undo", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--client", "x"], 2, "no records are named"),
        (["nope"], 2, "there is nothing to set"),
        (["nope", "--client", "x"], 1, "there is no record nope; nothing was changed"),
        (["a", "b", "c", "d", "--client", "x"], 1, "there are no records a, b, c and 1 more; nothing was changed"),
        (["nope", "--client", "x", "--kind", "internal"], 2, "ids and filters do not go together"),
        (["--undo", "nope"], 2, "takes one number"),
        (["--undo", "--client", "x"], 2, "go with no other option"),
        (["--undo", "--list"], 2, "go with no other option"),
        (["--undo", "--dry-run"], 2, "go with no other option"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_cure(
    tmp_path: Path, sandbox: SandboxProcess, arguments: list[str], code: int, said: str
) -> None:
    refused = Home(tmp_path / "home", sandbox).run("tag", *arguments, code=code).stderr
    assert said in refused
    assert len(refused.splitlines()) == 2
    assert "Traceback" not in refused


def test_an_unmatched_event_is_found_linked_and_taken_back(home: Home, tmp_path: Path) -> None:
    billed = list(history(home, "--kind", "internal").values())
    request = billed[len(billed) // 2]
    event = {
        "trayd": 1,
        "type": "generation",
        "endpoint_id": request["model"],
        "time": request["timestamp"],
        "client": "Northwind",
    }
    (tmp_path / "event.json").write_text(json.dumps(event))
    home.run("import", str(tmp_path / "event.json"))

    said = home.run("status").stdout
    assert "1 event without a request id" in said
    assert "`trayd history --unmatched` lists them" in said
    (lost,) = history(home, "--unmatched")
    listed = home.run("history", "--unmatched").stdout
    assert lost in listed
    assert "not linked" in listed
    assert any("trayd link" in finding["cure"] for finding in home.json("doctor", code=None))
    candidates = home.json("link", lost)
    assert candidates[0]["request_id"] == request["request_id"]
    assert candidates[0]["apart_s"] == 0
    assert request["request_id"] in home.run("link", lost).stdout

    assert "no request typo is known" in home.run("link", lost, "typo", code=1).stderr
    home.json("link", lost, request["request_id"])
    assert home.json("status")["unmatched"] == 0
    assert history(home)[request["id"]]["client"] == "Northwind"
    assert home.json("link", lost, request["request_id"])["changed"] is False
    other = next(each for each in billed if each["id"] != request["id"])
    elsewhere = home.run("link", lost, other["request_id"], code=1).stderr
    assert f"{lost} is linked to {request['request_id']} already" in elsewhere
    assert "trayd link --undo" in elsewhere

    home.json("link", "--undo", lost)
    assert home.json("status")["unmatched"] == 1
    assert history(home)[request["id"]]["client"] == request["client"]
    assert "is not linked" in home.run("link", "--undo", lost, code=1).stderr


def test_ten_thousands_of_ids_go_through_the_daemon(tmp_path: Path, sandbox: SandboxProcess) -> None:
    home = Home(tmp_path / "home", sandbox)
    home.settings("[poll]\ninterval_s = 3600\n")
    home.run("refresh")
    ids = list(history(home))
    with home.started("--headless"):
        said = json.loads((home.folder / "run" / "trayd.json").read_text())
        with httpx.Client(
            base_url=f"{said['url']}/api/v1",
            headers={"Authorization": f"Bearer {said['token']}"},
            trust_env=False,
            timeout=60,
        ) as client:
            many = (ids * (30_000 // len(ids) + 1))[:30_000]
            answer = client.post("/tag", params={"note": "all"}, json=many)
            assert answer.json()["changed"] == len(ids)
            assert {record["note"] for record in history(home).values()} == {"all"}
            unknown = client.post("/tag", params={"note": "none"}, json=[*many, "nope"])
            assert unknown.status_code == 409
            assert "no record nope" in unknown.json()["error"]["message"]
            assert client.post("/tag", params={"note": "x"}, content=b"{").status_code == 400
            assert client.get("/tag").status_code == 405
