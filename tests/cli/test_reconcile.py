"""``trayd reconcile`` by the real command line, on the stand-in of fal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.end_to_end.support import Home, SandboxProcess

VEO = "fal-ai/veo3"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess("--days", "6", "--per-day", "15", "--seed", "11") as running:
        running.control("freeze", frozen=True)
        yield running


@pytest.fixture
def home(tmp_path: Path, sandbox: SandboxProcess) -> Home:
    home = Home(tmp_path / "trayd", sandbox)
    home.settings('time_zone = "UTC"\nlocale = "en_US"\n')
    return home


def put_events(home: Home, factor: str) -> int:
    """Events with estimates of every billed request, so that bills are so many times the estimates; how many."""
    rows = [row for row in home.sandbox.billing_rows() if row["cost_total"] > 0]
    totals: dict[str, Decimal] = {}
    told = {}
    for row in rows:
        totals[row["request_id"]] = totals.get(row["request_id"], Decimal(0)) + Decimal(str(row["cost_total"]))
        told[row["request_id"]] = row
    lines = [
        json.dumps(
            {
                "trayd": 1,
                "type": "generation",
                "request_id": request_id,
                "endpoint_id": row["endpoint_id"],
                "time": row["timestamp"],
                "estimate": {"amount": f"{totals[request_id] / Decimal(factor):f}", "currency": "USD"},
            }
        )
        for request_id, row in told.items()
    ]
    home.put("estimates.jsonl", "\n".join(lines) + "\n")
    home.run("import", str(home.drop / "estimates.jsonl"))
    return len(lines)


def test_before_the_first_poll_it_says_so(home: Home) -> None:
    answer = home.json("reconcile")
    assert answer["checks"] == answer["differences"] == []
    assert "trayd doctor" in home.run("reconcile").stdout


def test_all_agrees_bills_are_a_quarter_above_and_what_is_not_billed_is_named(home: Home) -> None:
    home.run("run", "--once")
    number = put_events(home, "1.25")
    old = datetime.now(UTC) - timedelta(days=2)
    home.put(
        "open.json",
        f'{{"trayd": 1, "type": "generation", "request_id": "never-billed", "endpoint_id": "{VEO}",'
        f' "time": "{old:%Y-%m-%dT%H:%M:%SZ}", "estimate": {{"amount": "3.00", "currency": "USD"}}}}',
    )
    home.run("import", str(home.drop / "open.json"))
    answer = home.json("reconcile", "--by", "month")
    (check,) = answer["checks"]
    assert check["agrees"] is True
    assert check["ledger"] == check["fal"] != {"amount": "0.00", "currency": "USD"}
    total = answer["accuracy"]["total"]
    assert total["records"] == number
    assert total["bias"] == total["error"] == pytest.approx(0.25, abs=1e-6)
    assert sum(part["records"] for part in answer["accuracy"]["by"]) == number
    open_ = answer["unconfirmed"]
    named = [one for one in open_["oldest"] if one["request_id"] == "never-billed"]
    assert [(one["covered"], one["estimate"]["amount"]) for one in named] == [(True, "3.00")]
    assert open_["oldest"] == sorted(open_["oldest"], key=lambda one: one["since"])
    told = home.run("reconcile").stdout
    assert "agree with fal (checked" in told
    assert "bills are 25.0% above the estimates" in told
    assert "never-billed" in told
    (item,) = [one for one in home.json("history", "--limit", "500") if one["request_id"] == "never-billed"]
    assert (item["estimated_cost"]["amount"], item["actual_cost"]) == ("3.00", None)


def test_a_difference_is_told_with_its_cure_by_the_daemon_as_well(home: Home) -> None:
    job = home.sandbox.control("jobs", endpoint_id=VEO, units=8, age_s=4 * 86_400)
    home.sandbox.control("hide", request_id=job["request_id"])
    try:
        home.run("run", "--once")
        alone = home.json("reconcile")
        (difference,) = alone["differences"]
        assert difference["endpoint_id"] == VEO
        assert difference["unexplained"] == difference["apart"] != {"amount": "0.00", "currency": "USD"}
        told = home.run("reconcile").stdout
        assert "is explained by no request" in told
        assert "apart (checked" in told
        with home.started("--headless"):
            assert home.json("reconcile")["differences"][0]["unexplained"] == difference["unexplained"]
        assert home.json("reconcile", "--model", "fal-ai/flux")["differences"] == []
        assert "trayd reconcile" in home.run("status").stdout
        assert any("trayd reconcile" in (finding["cure"] or "") for finding in home.json("doctor", code=1))
    finally:
        home.sandbox.control("hide", request_id=job["request_id"], hidden=False)


def test_what_cannot_be_asked_is_refused_with_the_cure(home: Home) -> None:
    assert "leave it out" in home.run("reconcile", "--kind", "external", code=2).stderr
    assert "there is no such window" in home.run("reconcile", "--window", "year", code=2).stderr
