"""What a test can do to a sandbox: faults, hidden rows, locks, jobs of its own."""

from __future__ import annotations

import time
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Api, HandClock, Start

SINCE = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-04T00:00:00Z"}


def test_a_hidden_row_is_missing_from_billing_events_but_not_from_usage(start: Start):
    api = start(days=3)
    event = next(row for row in api.events(**SINCE) if row["cost_total"])
    usage = api.json("/models/usage", **SINCE, expand="summary")
    api.control("POST", "hide", request_id=event["request_id"])
    assert event["request_id"] not in {row["request_id"] for row in api.events(**SINCE)}
    assert api.json("/models/usage", **SINCE, expand="summary") == usage
    api.control("POST", "hide", request_id=event["request_id"], hidden=False)
    assert event["request_id"] in {row["request_id"] for row in api.events(**SINCE)}


def test_a_job_added_by_hand_is_billed_at_once(start: Start, clock: HandClock):
    api = start(clock, days=0, per_day=0)
    added = api.control("POST", "jobs", endpoint_id="fal-ai/veo3", cost="5.123456789")
    clock.advance(seconds=1)
    (event,) = api.events()
    assert event["request_id"] == added["request_id"]
    assert event["cost_estimate_nano_usd"] == 5_123_456_789
    assert api.balance() == Decimal("31.40") - Decimal("5.123456789")
    (row,) = api.json("/models/usage", expand="summary")["summary"]
    assert row["cost_total"] == Decimal("5.123456789")
    (item,) = api.json("/models/requests/by-endpoint", endpoint_id="fal-ai/veo3")["items"]
    assert item["status_code"] == 200


def test_a_job_added_with_an_age_takes_its_place_in_the_past(start: Start):
    api = start(days=2)
    added = api.control("POST", "jobs", endpoint_id="fal-ai/veo3", units="2", age_s=30 * 3600)
    events = api.events(**SINCE)
    assert events == sorted(events, key=lambda event: event["timestamp"], reverse=True)
    (event,) = (event for event in events if event["request_id"] == added["request_id"])
    assert event["timestamp"] == "2026-03-02T08:30:00Z"


@pytest.mark.parametrize(("key", "told"), [("Batch renders", "api_key_id"), ("mira", "login_username")])
def test_a_job_can_be_sent_with_any_key_or_by_a_member(start: Start, clock: HandClock, key: str, told: str):
    api = start(clock, days=0, per_day=0)
    api.control("POST", "jobs", endpoint_id="fal-ai/veo3", key=key)
    clock.advance(seconds=1)
    (event,) = api.events(expand=["auth_method", "auth_method_structured"])
    assert event["auth_method"] == key
    assert told in event["auth_method_structured"]
    assert api.events(**{told: event["auth_method_structured"][told]}) != []


def test_credits_that_are_bought_are_added(start: Start, clock: HandClock):
    api = start(clock, days=0, per_day=0, top_up=Decimal(0))
    api.control("POST", "jobs", endpoint_id="fal-ai/veo3", cost="33.00")  # more than there was
    clock.advance(seconds=1)
    assert api.balance() == 0
    assert api.control("POST", "topup", amount="50.00")["accounts"][0]["balance"] == "48.40"
    assert api.balance() == Decimal("48.40")


def test_answers_are_dated_by_the_clock_that_the_account_lives_by(start: Start, clock: HandClock):
    api = start(clock, days=0)
    clock.advance(days=400)
    for path, key in (("/account/billing", None), ("/account/billing", "no key"), ("/nothing/here", None)):
        assert parsedate_to_datetime(api.get(path, key=key).headers["date"]) == clock.moment


def test_a_model_can_get_another_name(start: Start):
    api = start(days=0)
    api.control("POST", "rename", endpoint_id="fal-ai/veo3", name="Veo Three")
    (model,) = api.json("/models", endpoint_id="fal-ai/veo3")["models"]
    assert model["metadata"]["display_name"] == "Veo Three"


def test_a_locked_account_is_told_so(start: Start):
    api = start(days=0)
    api.control("POST", "lock", locked=True)
    answer = api.get("/account/billing")
    assert answer.status_code == 403
    assert "locked" in answer.json()["error"]["message"]
    api.control("POST", "lock", locked=False)
    assert api.get("/account/billing").status_code == 200


def test_a_frozen_sandbox_stands_still(start: Start, clock: HandClock):
    api = start(clock, days=0, speed=720.0)
    clock.advance(seconds=30)
    api.control("POST", "freeze", frozen=True)
    before = api.events(**SINCE), api.balance()
    clock.advance(minutes=5)
    assert (api.events(**SINCE), api.balance()) == before
    api.control("POST", "freeze", frozen=False)
    clock.advance(seconds=30)
    assert len(api.events(**SINCE)) > len(before[0])


@pytest.mark.parametrize(
    ("name", "body", "names"),
    [
        ("balance", {"amount": "many"}, "amount"),
        ("jobs", {"endpoint_id": "no/such"}, "no/such"),
        ("jobs", {"endpoint_id": "fal-ai/veo3", "key": "no key of mine"}, "no key of mine"),
        ("topup", {"amount": "some"}, "amount"),
        ("hide", {"request_id": "unheard-of"}, "unheard-of"),
        ("lock", {"locked": True, "account": "nobody"}, "nobody"),
        ("rename", {"endpoint_id": "no/such", "name": "None"}, "no/such"),
        ("faults", {"kind": "flood"}, "flood"),
        ("faults", {"tiems": 3}, "tiems"),
    ],
)
def test_controls_name_what_they_do_not_understand(past: Api, name: str, body: dict[str, Any], names: str):
    answer = httpx.post(f"{past.sandbox.control_url}/{name}", json=body)
    assert answer.status_code == 400
    assert names in answer.json()["error"]["message"]


def test_the_calls_that_were_made_can_be_read(start: Start):
    api = start(days=0)
    api.get("/models/usage", expand="summary")
    api.get("/account/billing", key="")
    api.get("/nothing/here")
    assert api.control("GET", "calls") == [
        {"method": "GET", "path": "/v1/models/usage?expand=summary", "status": 200},
        {"method": "GET", "path": "/v1/account/billing", "status": 401},
        {"method": "GET", "path": "/v1/nothing/here", "status": 404},
    ]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "authorization_error"),
        (403, "authorization_error"),
        (404, "not_found"),
        (422, "validation_error"),
        (429, "rate_limited"),
        (500, "server_error"),
        (503, "server_error"),
    ],
)
def test_an_injected_status_comes_as_often_as_it_was_ordered(start: Start, status: int, kind: str):
    api = start(days=0)
    api.control("POST", "faults", status=status, times=2, path="/account/billing", message="out of luck")
    for _ in range(2):
        answer = api.get("/account/billing")
        assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
        assert "retry-after" not in answer.headers
    assert api.get("/account/billing").status_code == 200


def test_a_fault_hits_only_its_path(start: Start):
    api = start(days=0)
    api.control("POST", "faults", status=429, retry_after="7", path="/models/usage")
    assert api.get("/account/billing").status_code == 200
    answer = api.get("/models/usage")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_faults_can_be_taken_back(start: Start):
    api = start(days=0)
    api.control("POST", "faults", times=100)
    api.control("DELETE", "faults")
    assert api.get("/account/billing").status_code == 200


def test_bodies_can_be_cut_mangled_replaced_redirected_and_late(start: Start):
    api = start(days=0)
    api.control("POST", "faults", kind="cut")
    with pytest.raises(httpx.RemoteProtocolError):
        api.get("/account/billing")
    api.control("POST", "faults", kind="garbage")
    answer = api.get("/account/billing")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()
    api.control("POST", "faults", kind="html", status=502)
    answer = api.get("/account/billing")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    api.control("POST", "faults", kind="redirect")
    answer = api.get("/account/billing")
    assert (answer.status_code, answer.headers["location"]) == (302, "https://fal.invalid/")
    api.control("POST", "faults", kind="slow", seconds=0.3)
    begin = time.monotonic()
    assert api.get("/account/billing").status_code == 200
    assert time.monotonic() - begin >= 0.3


def test_costs_can_be_null_as_fal_was_seen_to_send_them(start: Start):
    api = start(days=2)
    api.control("POST", "faults", kind="null_costs")
    events = api.json("/models/billing-events", **SINCE)["billing_events"]
    assert events
    assert all(event["cost_total"] is event["cost_estimate_nano_usd"] is None for event in events)


def test_with_faults_a_burst_of_calls_is_throttled_with_and_without_retry_after(start: Start):
    api = start(days=0, faults=True)
    answers = [_answer(api) for _ in range(120)]
    throttled = [answer for answer in answers if answer is not None and answer.status_code == 429]
    assert {"retry-after" in answer.headers for answer in throttled} == {True, False}
    assert all(answer is not None and answer.status_code == 200 for answer in answers[:3])


def _answer(api: Api) -> httpx.Response | None:
    try:
        return api.get("/account/billing")
    except httpx.RemoteProtocolError:
        return None


def test_without_faults_nothing_fails(start: Start):
    api = start(days=0)
    assert {api.get("/account/billing").status_code for _ in range(60)} == {200}
