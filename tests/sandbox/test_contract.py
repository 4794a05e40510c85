"""Every answer of the sandbox is one that fal's OpenAPI document describes, and nothing beside it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.conftest import Api, Start
from tests.sandbox.contract import description, problems
from trayd.fal.sandbox.catalogue import catalogue
from trayd.fal.sandbox.faults import Fault

ENDPOINTS = list(catalogue())[:50]
LONG_AGO = {"start": "2026-01-01", "end": "2026-03-04T00:00:00+01:00"}
AUTH = ["auth_method", "auth_method_structured"]
COUNTS = ["request_count", "success_count", "user_error_count", "error_count"]
ERROR_COUNTS = ["startup_error_count", "connection_error_count", "timeout_error_count", "runtime_error_count"]
LATENCIES = ["p25_duration", "p50_duration", "p99_duration", "p50_prepare_duration", "p95_prepare_duration"]
COLD = ["cold_boot_count", "p50_cold_boot_duration", "p90_cold_boot_duration", "total_billable_duration"]

QUESTIONS: dict[str, list[dict[str, Any]]] = {
    "/account/billing": [{}, {"expand": "credits"}],
    "/keys": [{}, {"expand": "creator_info"}, {"limit": 1}, {"limit": 2, "cursor": "Mg"}, {"limit": "none"}],
    "/models": [
        {},
        {"limit": 1000},
        {"limit": 7, "cursor": "Mw"},
        {"limit": 7, "cursor": "Mw=="},
        {"endpoint_id": ENDPOINTS},
        {"endpoint_id": "fal-ai/flux/dev,fal-ai/veo3", "expand": ["openapi-3.0", "enterprise_status"]},
        {"q": "kling pro", "category": "text-to-video", "status": "active"},
        {"status": "deprecated"},
        {"q": "no such model"},
    ],
    "/models/pricing": [{"endpoint_id": "fal-ai/flux/dev"}, {"endpoint_id": ENDPOINTS}],
    "/models/usage": [
        {},
        {**LONG_AGO, "expand": ["summary", "time_series", *AUTH]},
        {**LONG_AGO, "timeframe": "month", "timezone": "Asia/Kathmandu"},
        {**LONG_AGO, "timeframe": "week", "bound_to_timeframe": "false", "timezone": "America/New_York"},
        {"expand": "summary", "endpoint_id": ENDPOINTS, "login_username": "mira"},
        {"start": "2026-03-03T14:00:00Z", "limit": 7, "cursor": "Mg"},
        {"api_key_id": "nobody"},
    ],
    "/models/analytics": [
        {"endpoint_id": "fal-ai/flux/dev"},
        {"endpoint_id": ENDPOINTS, **LONG_AGO, "expand": ["summary", "time_series", *COUNTS, *ERROR_COUNTS]},
        {"endpoint_id": ENDPOINTS, **LONG_AGO, "expand": ["summary", *LATENCIES, *COLD]},
        {"endpoint_id": "fal-ai/veo3", "expand": ["time_series", *LATENCIES], "timeframe": "minute"},
    ],
    "/models/billing-events": [
        {},
        {**LONG_AGO, "limit": 10_000, "expand": AUTH},
        {**LONG_AGO, "limit": 50, "cursor": "Mg", "expand": "auth_method"},
        {**LONG_AGO, "login_username": "mira", "endpoint_id": ENDPOINTS},
        {"request_id": "01a1fb95-537d-76ff-bef0-5d3a34a1265e"},
    ],
    "/models/requests/by-endpoint": [
        {"endpoint_id": ENDPOINTS},
        {"endpoint_id": ENDPOINTS, **LONG_AGO, "limit": 100, "expand": "payloads"},
        {"endpoint_id": ENDPOINTS, **LONG_AGO, "limit": 100, "status": "error", "expand": "payloads"},
        {"endpoint_id": ENDPOINTS, **LONG_AGO, "status": "user_error", "sort_by": "duration"},
        {"endpoint_id": ENDPOINTS, **LONG_AGO, "status": "success", "sort_by": "ended_at", "cursor": "Mg"},
        {"endpoint_id": "fal-ai/veo3", "request_id": "01a1fb95-537d-76ff-bef0-5d3a34a1265e"},
    ],
}


@pytest.mark.parametrize("path", QUESTIONS)
def test_answers_are_as_fal_describes_them(past: Api, path: str) -> None:
    description()
    for params in QUESTIONS[path]:
        answer = past.get(path, **params)
        assert answer.status_code == 200, (params, answer.text)
        assert problems(answer, path) == []


def test_the_questions_put_here_bring_rows_of_every_kind(past: Api) -> None:
    """So that the test above validates something."""
    rows = past.events(**LONG_AGO)
    for name in ("output_units", "unit_price", "percent_discount"):
        assert {row[name] is None for row in rows} == {True, False}
    assert {model.get("metadata") is None for model in past.json("/models", limit=100)["models"]} == {True, False}


@pytest.mark.parametrize(
    "body",
    [
        {"estimate_type": "unit_price", "endpoints": {"fal-ai/flux/dev": {"unit_quantity": 0.5}}},
        {"estimate_type": "historical_api_price", "endpoints": {"fal-ai/flux/dev": {"call_quantity": 100}}},
        {"estimate_type": "unit_price", "endpoints": {"fal-ai/sora-2/characters": {"unit_quantity": 1}}},
    ],
)
def test_estimates_are_as_fal_describes_them(past: Api, body: dict[str, Any]) -> None:
    description()
    answer = past.call("POST", "/models/pricing/estimate", json=body)
    assert answer.status_code == 200
    assert problems(answer, "/models/pricing/estimate") == []


ALL = [*QUESTIONS, "/models/pricing/estimate"]
REFUSALS: list[tuple[int, str, dict[str, Any]]] = [
    (400, "/models", {"limit": 0}),
    (400, "/models", {"status": "new"}),
    (404, "/models", {"endpoint_id": "no/such"}),
    (400, "/models/pricing", {}),
    (400, "/models/pricing", {"endpoint_id": [f"fal-ai/{number}" for number in range(51)]}),
    (404, "/models/pricing", {"endpoint_id": "no/such"}),
    (400, "/models/usage", {"timezone": "Mars/Olympus"}),
    (400, "/models/usage", {"timeframe": "year"}),
    (400, "/models/usage", {"expand": "auth_method"}),
    (400, "/models/usage", {"start": "2026-03-03", "end": "2026-03-03"}),
    (400, "/models/usage", {"cursor": "?"}),
    (400, "/models/analytics", {}),
    (400, "/models/analytics", {"endpoint_id": "fal-ai/veo3", "expand": "summary"}),
    (404, "/models/analytics", {"endpoint_id": "no/such"}),
    (400, "/models/billing-events", {"start": "yesterday"}),
    (400, "/models/billing-events", {"start": "2025-11-01"}),
    (400, "/models/requests/by-endpoint", {}),
    (400, "/models/requests/by-endpoint", {"endpoint_id": "fal-ai/veo3", "limit": 101}),
    (400, "/models/requests/by-endpoint", {"endpoint_id": "fal-ai/veo3", "request_id": "1"}),
    (404, "/models/requests/by-endpoint", {"endpoint_id": "no/such"}),
    (400, "/account/billing", {"expand": "debts"}),
]


@pytest.mark.parametrize(("status", "path", "params"), REFUSALS)
def test_refusals_are_as_fal_describes_them(past: Api, status: int, path: str, params: dict[str, Any]) -> None:
    description()
    answer = past.get(path, **params)
    assert answer.status_code == status, answer.text
    assert problems(answer, path) == []


LIMITS = st.one_of(
    st.integers(-(10**20), 10**20), st.sampled_from([10**15, "9" * 5000, "1e3", "٣"]), st.text(max_size=5)
)
MOMENTS = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.dates().map(str),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30", "now"]),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(sorted(QUESTIONS)),
    params=st.fixed_dictionaries(
        {"endpoint_id": st.sampled_from(["fal-ai/flux/dev", "no/such", ",", ENDPOINTS])},
        optional={
            "limit": LIMITS,
            "cursor": st.one_of(LIMITS, st.sampled_from(["Mg", "Mg==", "AA"])),
            "start": MOMENTS,
            "end": MOMENTS,
            "timezone": st.sampled_from(["UTC", "Pacific/Apia", "../etc/passwd", "Europe", "\x00", "."]),
            "timeframe": st.sampled_from(["minute", "hour", "day", "week", "month", "age"]),
            "expand": st.sampled_from(["summary", "credits", "auth_method", "payloads", ["summary", "request_count"]]),
            "request_id": st.one_of(st.uuids().map(str), st.text(max_size=5)),
        },
    ),
)
def test_whatever_is_asked_the_answer_is_one_that_fal_describes(past: Api, path: str, params: dict[str, Any]) -> None:
    description()
    answer = past.get(path, **params)
    assert answer.status_code in (200, 400, 404), answer.text
    assert problems(answer, path) == []


@pytest.mark.parametrize("path", [path for path in ALL if path != "/models"])
@pytest.mark.parametrize("key", ["", "wrong"])
def test_without_a_good_key_the_answer_is_401(past: Api, path: str, key: str) -> None:
    description()
    answer = past.call("POST" if path.endswith("estimate") else "GET", path, key=key)
    assert answer.status_code == 401
    assert problems(answer, path) == []


@pytest.mark.parametrize("path", ["/account/billing", "/keys", "/models/usage", "/models/billing-events"])
def test_without_the_admin_scope_the_answer_is_403(past: Api, path: str) -> None:
    description()
    answer = past.get(path, key=past.sandbox.api_key)
    assert answer.status_code == 403
    assert problems(answer, path) == []


@pytest.mark.parametrize("path", ALL)
def test_throttling_is_as_fal_describes_it(start: Start, path: str) -> None:
    description()
    api = start(days=0)
    api.sandbox.faults.inject(Fault(path=path, status=429, message="Rate limit exceeded", retry_after="3"))
    answer = api.call("POST" if path.endswith("estimate") else "GET", path)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert problems(answer, path) == []


HUGE = b'{"estimate_type": "unit_price", "endpoints": {"fal-ai/veo3": {"unit_quantity": 1e400}}}'


@pytest.mark.parametrize("body", [b"", b"{", b'{"estimate_type": "guess"}', b'{"estimate_type": "unit_price"}', HUGE])
def test_an_estimate_of_nonsense_is_refused_as_fal_describes_it(past: Api, body: bytes) -> None:
    description()
    answer = past.call("POST", "/models/pricing/estimate", content=body)
    assert answer.status_code == 400
    assert problems(answer, "/models/pricing/estimate") == []


def test_what_runs_and_what_is_not_priced_yet_is_as_fal_describes_it(start: Start, clock: Any) -> None:
    description()
    api = start(clock, days=0, per_day=4000)
    running = unpriced = 0
    for _ in range(8):
        clock.advance(seconds=150)
        requests = api.get("/models/requests/by-endpoint", endpoint_id=ENDPOINTS, expand="payloads", limit=100)
        events = api.get("/models/billing-events", limit=10_000)
        assert problems(requests, "/models/requests/by-endpoint") == []
        assert problems(events, "/models/billing-events") == []
        running += sum(item["ended_at"] is None for item in requests.json()["items"])
        unpriced += sum(
            event["output_units"] is None and event["cost_total"] == 0 for event in events.json()["billing_events"]
        )
    assert running
    assert unpriced
