"""The stand-in of fal's inference hosts: what is sent there costs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx

from tests.sandbox.conftest import Api, HandClock, Start
from trayd.fal.sandbox.world import system_clock


def send(api: Api, method: str, url: str, key: str | None = None) -> Any:
    headers = {"Authorization": f"Key {api.sandbox.api_key if key is None else key}"}
    return httpx.request(method, url, headers=headers, json={"prompt": "a harbour"} if method == "POST" else None)


def test_a_request_waits_runs_ends_and_is_billed(start: Start, clock: HandClock):
    api = start(clock, days=0, per_day=0)
    ticket = send(api, "POST", f"{api.sandbox.queue_url}/fal-ai/kling-video/v3/pro/text-to-video").json()
    assert UUID(ticket["request_id"]).version == 7
    status = send(api, "GET", ticket["status_url"])
    assert (status.status_code, status.json()["status"]) == (202, "IN_QUEUE")
    assert send(api, "GET", ticket["response_url"]).status_code == 400
    clock.advance(seconds=10)
    assert send(api, "GET", ticket["status_url"]).json()["status"] == "IN_PROGRESS"
    clock.advance(minutes=5)
    assert send(api, "GET", ticket["status_url"]).json()["status"] == "COMPLETED"
    result = send(api, "GET", ticket["response_url"])
    assert result.headers["x-fal-request-id"] == ticket["request_id"]
    (event,) = api.events()
    assert event["request_id"] == ticket["request_id"]
    assert float(result.headers["x-fal-billable-units"]) == event["output_units"]


def test_a_direct_call_answers_when_it_is_done(start: Start):
    api = start(system_clock, days=0, speed=1000.0)
    answer = send(api, "POST", api.sandbox.queue_url.removesuffix("queue") + "run/fal-ai/flux/dev")
    assert answer.status_code == 200
    assert answer.headers["x-fal-billable-units"] == "1"


def test_an_account_without_credits_is_locked_out(start: Start):
    api = start(days=0)
    api.control("POST", "balance", amount="0")
    answer = send(api, "POST", f"{api.sandbox.queue_url}/fal-ai/flux/dev")
    assert answer.status_code == 403
    assert "User is locked. Reason: Exhausted balance" in answer.json()["detail"]


def test_strangers_and_unknown_models_are_turned_away(start: Start):
    api = start(days=0)
    assert send(api, "POST", f"{api.sandbox.queue_url}/fal-ai/flux/dev", key="nobody").status_code == 401
    assert send(api, "POST", f"{api.sandbox.queue_url}/no/such").status_code == 404
    assert send(api, "GET", f"{api.sandbox.queue_url}/fal-ai/flux/requests/none/status").status_code == 404
