"""How the sandbox answers: windows, pages, filters, sums."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import NOON, Api, HandClock, Start

MONTH = {"start": "2026-02-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"}
TWO = ["fal-ai/flux/dev", "fal-ai/veo3"]


@pytest.mark.parametrize("limit", [1, 7, 100, 10_000])
def test_pages_hold_every_row_once(past: Api, limit: int):
    day = {"start": "2026-02-24T00:00:00Z", "end": "2026-02-25T12:00:00Z"}
    whole = past.events(**day)
    pages = list(past.pages("/models/billing-events", "billing_events", limit=limit, **day))
    assert all(len(page) == limit for page in pages[:-1])
    assert [row for page in pages for row in page] == whole
    assert len(whole) > 7


def test_a_row_that_comes_while_pages_are_read_hides_none(start: Start, clock: HandClock):
    api = start(clock)
    before = {event["request_id"] for event in api.events(**MONTH)}
    seen = set()
    for page in api.pages("/models/billing-events", "billing_events", limit=50, start=MONTH["start"]):
        seen |= {event["request_id"] for event in page}
        api.control("POST", "jobs", endpoint_id="fal-ai/flux/dev")
        clock.advance(seconds=1)
    assert before <= seen


def test_events_come_newest_first_and_a_page_has_at_most_10000(start: Start):
    api = start(days=60, per_day=300)
    pages = list(api.pages("/models/billing-events", "billing_events", limit=50_000, start="2026-01-03"))
    assert len(pages[0]) == 10_000
    stamps = [event["timestamp"] for page in pages for event in page]
    assert stamps == sorted(stamps, reverse=True)


def test_the_end_is_exclusive_and_the_start_is_not(past: Api):
    event = past.events(**MONTH)[5]
    moment = datetime.fromisoformat(event["timestamp"])
    later = (moment + timedelta(milliseconds=1)).isoformat()
    assert event in past.events(start=moment.isoformat(), end=later)
    assert event not in past.events(start="2026-02-01", end=moment.isoformat())
    assert event not in past.events(start=later, end="2026-03-01")


def test_the_default_window_is_the_last_24_hours(past: Api):
    yesterday = (NOON - timedelta(days=1)).isoformat()
    assert past.events() == past.events(start=yesterday, end=NOON.isoformat())


@pytest.mark.parametrize(("end", "status"), [("2026-02-01T00:00:00Z", 200), ("2026-02-01T00:00:00.001Z", 400)])
def test_billing_events_span_90_days_at_most(past: Api, end: str, status: int):
    answer = past.get("/models/billing-events", start="2025-11-03T00:00:00Z", end=end)
    assert answer.status_code == status


SCOPES = [
    # path, without a key, with an API key, with an Admin key
    ("/account/billing", 401, 403, 200),
    ("/keys", 401, 403, 200),
    ("/models", 200, 200, 200),
    ("/models/analytics", 401, 200, 200),
    ("/models/billing-events", 401, 403, 200),
    ("/models/pricing", 401, 200, 200),
    ("/models/requests/by-endpoint", 401, 200, 200),
    ("/models/usage", 401, 403, 200),
    ("/account/focus", 404, 404, 404),
]


@pytest.mark.parametrize(("path", "nobody", "api_scope", "admin"), SCOPES)
def test_what_each_scope_may_read(past: Api, path: str, nobody: int, api_scope: int, admin: int):
    keys = past.sandbox.world.accounts[0].keys
    for key, status in (
        ("", nobody),
        ("made-up", nobody),
        (keys.api_key, api_scope),
        (keys.admin_key, admin),
        (keys.spare_admin_key, admin),
    ):
        answer = past.get(path, key=key, endpoint_id="fal-ai/veo3")
        assert answer.status_code == status, key
        if status != 200:
            assert answer.json()["error"]["type"] == ("not_found" if status == 404 else "authorization_error")


def test_a_key_in_another_scheme_is_no_key(past: Api):
    headers = {"Authorization": f"Bearer {past.sandbox.admin_key}"}
    assert httpx.get(past.sandbox.url + "/account/billing", headers=headers).status_code == 401


def test_accounts_are_strangers_to_each_other(past: Api):
    first, second = past.sandbox.world.accounts
    names = [past.json("/account/billing", key=account.keys.admin_key)["username"] for account in (first, second)]
    assert names == [first.username, second.username]
    assert names[0] != names[1]
    ids = [{event["request_id"] for event in past.events(key=account.keys.admin_key)} for account in (first, second)]
    assert not ids[0] & ids[1]


def test_the_balance_is_only_told_when_it_is_asked_for(past: Api):
    assert "credits" not in past.json("/account/billing")
    assert past.json("/account/billing", expand="credits")["credits"] == {
        "current_balance": Decimal("31.4"),
        "currency": "USD",
    }


def test_filters_narrow_what_is_listed(past: Api):
    everything = past.events(**MONTH, expand="auth_method_structured")
    key = past.json("/keys")["keys"][0]["key_id"]
    endpoints = [name for name, _ in Counter(event["endpoint_id"] for event in everything).most_common(2)]
    some = [event["request_id"] for event in everything[:3]]
    for params, keep in (
        ({"endpoint_id": endpoints}, lambda event: event["endpoint_id"] in endpoints),
        ({"endpoint_id": ",".join(endpoints)}, lambda event: event["endpoint_id"] in endpoints),
        ({"request_id": some}, lambda event: event["request_id"] in some),
        ({"api_key_id": key}, lambda event: event["auth_method_structured"].get("api_key_id") == key),
        ({"login_username": "mira"}, lambda event: event["auth_method_structured"].get("login_username") == "mira"),
    ):
        expected = [event for event in everything if keep(event)]
        assert past.events(**MONTH, expand="auth_method_structured", **params) == expected
        assert 0 < len(expected) < len(everything)


def by_endpoint(rows: list[Any]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for row in rows:
        sums[row["endpoint_id"]] = sums.get(row["endpoint_id"], Decimal(0)) + row["cost_total"]
    return sums


@pytest.mark.parametrize("timeframe", ["hour", "day", "week", "month"])
def test_usage_adds_up_to_the_billing_events(past: Api, timeframe: str):
    usage = {**MONTH, "timeframe": timeframe, "bound_to_timeframe": "false"}
    summary = past.json("/models/usage", **usage, expand="summary")["summary"]
    buckets = past.all("/models/usage", "time_series", **usage, limit=100)
    series = [row for bucket in buckets for row in bucket["results"]]
    assert by_endpoint(past.events(**MONTH)) == by_endpoint(summary) == by_endpoint(series)
    assert all(row["cost"] == row["cost_total"] == row["cost_subtotal"] - row["cost_discount"] for row in series)


def test_usage_keeps_rows_at_different_discounts_apart(past: Api):
    rows = past.json("/models/usage", **MONTH, expand="summary")["summary"]
    discounts: dict[str, set[Any]] = {}
    for row in rows:
        discounts.setdefault(row["endpoint_id"], set()).add(row["percent_discount"])
    assert any(len(found) == 2 and None in found for found in discounts.values())
    assert len(rows) == len({(row["endpoint_id"], row["percent_discount"]) for row in rows})


def test_usage_by_caller_names_them_only_when_asked(past: Api):
    plain = past.json("/models/usage", expand="summary")["summary"]
    named = past.json("/models/usage", expand="summary,auth_method")["summary"]
    assert all("auth_method" not in row for row in plain)
    assert all("auth_method" in row and "auth_method_structured" not in row for row in named)
    assert by_endpoint(plain) == by_endpoint(named)


def test_a_usage_limit_pages_buckets_and_empty_ones_stay(past: Api):
    pages = list(past.pages("/models/usage", "time_series", limit=5))
    assert [len(page) for page in pages] == [5, 5, 5, 5, 5]  # 14:00 yesterday to 15:00 today
    assert pages[0][0]["bucket"] == "2026-03-02T14:00:00+00:00"
    assert {bool(bucket["results"]) for page in pages for bucket in page} == {True, False}


@pytest.mark.parametrize(
    ("start", "count", "first"),
    [
        ("2026-03-03T12:31:00Z", 119, "2026-03-03T12:31:00+00:00"),
        ("2026-03-03T12:30:00Z", 3, "2026-03-03T12:00:00+00:00"),
        ("2026-03-01T14:30:00Z", 3, "2026-03-01T00:00:00+00:00"),
        ("2025-12-29T14:30:00Z", 10, "2025-12-29T00:00:00+00:00"),
        ("2025-09-01T00:00:00Z", 7, "2025-09-01T00:00:00+00:00"),
    ],
)
def test_the_timeframe_follows_from_the_length_of_the_window(past: Api, start: str, count: int, first: str):
    buckets = past.all("/models/usage", "time_series", start=start, limit=1000)
    assert (len(buckets), buckets[0]["bucket"]) == (count, first)


@pytest.mark.parametrize(
    ("zone", "start", "end", "days"),
    [
        ("Europe/Berlin", "2026-03-28", "2026-03-31", ["28T00:00:00+01:00", "29T00:00:00+01:00", "30T00:00:00+02:00"]),
        # Here clocks skip midnight itself.
        ("Africa/Cairo", "2026-04-23", "2026-04-26", ["23T00:00:00+02:00", "24T01:00:00+03:00", "25T00:00:00+03:00"]),
    ],
)
def test_days_are_those_of_the_time_zone_also_when_clocks_change(
    past: Api, zone: str, start: str, end: str, days: list[str]
):
    buckets = past.all("/models/usage", "time_series", start=start, end=end, timezone=zone)
    assert [bucket["bucket"][8:] for bucket in buckets] == days


def test_a_window_is_widened_to_whole_buckets_unless_told_not_to(past: Api):
    part = {"start": "2026-02-24T09:30:00Z", "end": "2026-02-26T09:30:00Z", "timeframe": "day", "expand": "summary"}
    whole = past.events(start="2026-02-24", end="2026-02-27")
    exact = past.events(start=part["start"], end=part["end"])
    assert by_endpoint(past.json("/models/usage", **part)["summary"]) == by_endpoint(whole)
    narrow = past.json("/models/usage", **part, bound_to_timeframe="false")["summary"]
    assert by_endpoint(narrow) == by_endpoint(exact)


def test_endpoints_without_a_price_are_left_out_of_pricing(past: Api):
    asked = ["fal-ai/flux/dev", "fal-ai/ltx-2.3/text-to-video", "fal-ai/sora-2/characters"]
    prices = past.json("/models/pricing", endpoint_id=asked)["prices"]
    assert [(row["endpoint_id"], row["unit_price"], row["unit"]) for row in prices] == [
        ("fal-ai/flux/dev", Decimal("0.025"), "megapixels"),
        ("fal-ai/sora-2/characters", 0, "units"),
    ]


def test_an_estimate_of_units_is_their_price(past: Api):
    question = {
        "estimate_type": "unit_price",
        "endpoints": {"fal-ai/flux/dev": {"unit_quantity": 100}, "fal-ai/veo3": {"unit_quantity": 0.5}},
    }
    answer = past.call("POST", "/models/pricing/estimate", key=past.sandbox.api_key, json=question)
    assert answer.json() == {"estimate_type": "unit_price", "total_cost": 2.7, "currency": "USD"}


def test_an_estimate_of_calls_is_what_they_used_to_cost(past: Api):
    rows = past.events(start="2025-12-10")
    endpoint_id, _ = Counter(row["endpoint_id"] for row in rows).most_common(1)[0]
    costs = [row["cost_total"] for row in rows if row["endpoint_id"] == endpoint_id]
    question = {"estimate_type": "historical_api_price", "endpoints": {endpoint_id: {"call_quantity": 1000}}}
    answer = past.call("POST", "/models/pricing/estimate", json=question).json()
    assert answer["total_cost"] == pytest.approx(float(1000 * sum(costs) / len(costs)), rel=1e-4)


def test_models_are_listed_found_and_searched(past: Api):
    everything = past.all("/models", "models", limit=60)
    assert len(everything) == len({model["endpoint_id"] for model in everything}) > 100
    assert [model["endpoint_id"] for model in past.json("/models", endpoint_id=TWO)["models"]] == TWO
    videos = past.all("/models", "models", category="text-to-video")
    assert {model["metadata"]["category"] for model in videos} == {"text-to-video"}
    kling = past.all("/models", "models", q="kling video", category="text-to-video")
    assert 0 < len(kling) < len(videos)


def test_a_model_without_a_registry_entry_has_no_metadata(past: Api):
    (model,) = past.json("/models", endpoint_id="fal-ai/cohere-transcribe")["models"]
    assert model == {"endpoint_id": "fal-ai/cohere-transcribe"}


def test_a_licence_is_told_where_it_is_known(past: Api):
    models = {model["endpoint_id"]: model for model in past.all("/models", "models", limit=60)}
    told = {
        name: model["metadata"].get("license_type", "none") for name, model in models.items() if "metadata" in model
    }
    assert told["fal-ai/mmaudio-v2"] == "research"
    assert told["fal-ai/flux/schnell"] == "commercial"
    assert set(told.values()) == {"commercial", "research", "none"}


def test_a_favourite_is_only_known_to_who_has_a_key(past: Api):
    for key, known in ((past.sandbox.api_key, True), ("", False)):
        (model,) = past.json("/models", endpoint_id="fal-ai/veo3", key=key)["models"]
        assert (model["metadata"]["is_favorited"] is not None) == known


def test_requests_say_when_they_began_and_ended_and_hold_prompts_only_when_asked(past: Api):
    endpoint_id, _ = Counter(event["endpoint_id"] for event in past.events(**MONTH)).most_common(1)[0]
    question = {"endpoint_id": endpoint_id, **MONTH, "limit": 100}
    items = past.all("/models/requests/by-endpoint", "items", **question)
    ends = [datetime.fromisoformat(item["ended_at"]) for item in items]
    assert ends == sorted(ends, reverse=True)
    for item, end in zip(items, ends, strict=True):
        took = end - datetime.fromisoformat(item["sent_at"])
        assert float(item["duration"]) == pytest.approx(took / timedelta(seconds=1), abs=0.01)
        assert "json_input" not in item
    longest = past.all("/models/requests/by-endpoint", "items", **question, sort_by="duration")
    durations = [item["duration"] for item in longest]
    assert durations == sorted(durations, reverse=True)
    (one,) = past.json(
        "/models/requests/by-endpoint", endpoint_id=endpoint_id, expand="payloads", request_id=items[0]["request_id"]
    )["items"]
    assert one["json_input"]["prompt"]


def test_analytics_count_what_the_requests_are(past: Api):
    endpoint_id, _ = Counter(event["endpoint_id"] for event in past.events(**MONTH)).most_common(1)[0]
    items = past.all("/models/requests/by-endpoint", "items", endpoint_id=endpoint_id, limit=100, **MONTH)
    counts = ["request_count", "success_count", "user_error_count", "error_count"]
    (row,) = past.json(
        "/models/analytics", endpoint_id=endpoint_id, **MONTH, bound_to_timeframe="false", expand=["summary", *counts]
    )["summary"]
    statuses = Counter(item["status_code"] // 100 for item in items)
    assert [row[name] for name in counts] == [len(items), statuses[2], statuses[4], statuses[5]]


def test_keys_are_named_but_never_told(past: Api):
    answer = past.get("/keys", expand="creator_info")
    assert [key["alias"] for key in answer.json()["keys"]] == ["Premiere panel", "Batch renders", "Client portal"]
    for account in past.sandbox.world.accounts:
        assert account.keys.api_key not in answer.text
        assert account.keys.admin_key not in answer.text
