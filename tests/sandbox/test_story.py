"""What the sandbox tells of its past and present."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.sandbox.conftest import NOON, Api, HandClock, Start
from trayd.demo_studio import DEMO
from trayd.fal.sandbox.catalogue import catalogue
from trayd.fal.sandbox.options import ScriptedJob
from trayd.fal.sandbox.world import World

NANO = Decimal("1e-9")
MONTH = {"start": "2026-02-01T00:00:00Z"}


def test_the_catalogue_holds_fals_oddities():
    endpoints = catalogue().values()
    assert len(endpoints) >= 100
    assert {"", "1", "1000 characters ", "1m tokens", "video segments"} <= {endpoint.unit for endpoint in endpoints}
    prices = {endpoint.price for endpoint in endpoints}
    assert {Decimal(0), Decimal("0.00006944444"), None} <= prices
    names = Counter(endpoint.name for endpoint in endpoints)
    assert names["Bytedance"] > 1
    assert names[None] > 1


def test_the_same_seed_tells_the_same_story(start: Start):
    first, second, other = start(), start(), start(seed=2)
    assert first.events(**MONTH) == second.events(**MONTH)
    assert first.events(**MONTH) != other.events(**MONTH)


def test_a_sandbox_started_later_tells_the_same_past(start: Start):
    earlier, later = start(HandClock()), start(HandClock(NOON + timedelta(minutes=50)))
    settled = {"start": "2026-02-03T00:00:00Z", "end": "2026-03-03T00:00:00Z"}
    assert earlier.events(**settled) == later.events(**settled)


def test_the_present_is_the_same_for_whoever_looks_often_or_once(start: Start):
    clocks = [HandClock(), HandClock()]
    often, once = (start(clock, speed=200.0) for clock in clocks)
    for _ in range(40):
        clocks[0].advance(minutes=1)
        often.balance()
    clocks[1].advance(minutes=40)
    assert often.events() == once.events()
    assert often.balance() == once.balance()


def test_a_month_looks_like_a_studio(past: Api):
    events = past.events(**MONTH)
    assert 25 * 30 < len({event["request_id"] for event in events}) < 55 * 30
    categories = Counter(catalogue()[event["endpoint_id"]].operation for event in events)
    assert sum(categories[name] for name in ("text-to-image", "image-to-image")) > len(events) / 2
    assert any(event["cost_total"] > 5 for event in events)
    assert max(Counter(event["request_id"] for event in events).values()) == 2
    callers = past.events(**MONTH, expand="auth_method_structured")
    methods = [event["auth_method_structured"] for event in callers]
    assert len({method.get("api_key_id") for method in methods if "api_key_id" in method}) == 3
    assert "mira" in {method.get("login_username") for method in methods}


def test_a_request_id_is_time_ordered_and_carries_the_time_of_its_request(past: Api):
    for event in past.events():
        number = UUID(event["request_id"])
        assert number.version == 7
        assert number.int >> 80 == round(datetime.fromisoformat(event["timestamp"]).timestamp() * 1000)


def test_costs_are_exact(past: Api):
    for event in past.events(**MONTH):
        assert event["cost_subtotal"] - event["cost_discount"] == event["cost_total"]
        assert event["cost_total"] * 10**9 == event["cost_estimate_nano_usd"]
        if event["percent_discount"] is not None:
            off = Decimal(event["cost_subtotal"]) * event["percent_discount"] / 100
            assert abs(event["cost_discount"] - off) < NANO
        if None not in (event["output_units"], event["unit_price"]):
            product = Decimal(event["output_units"]) * Decimal(event["unit_price"])
            assert abs(event["cost_subtotal"] - product) < NANO


def test_prices_keep_all_their_digits(past: Api):
    answer = past.get("/models/pricing", endpoint_id="fal-ai/cohere-transcribe")
    assert b'"unit_price":0.00006944444,' in answer.content


def test_server_errors_are_never_billed_and_user_errors_sometimes(past: Api):
    billed = {event["request_id"] for event in past.events(**MONTH)}
    used = sorted({event["endpoint_id"] for event in past.events(**MONTH)})
    requests = [
        item
        for begin in range(0, len(used), 50)
        for item in past.all(
            "/models/requests/by-endpoint", "items", endpoint_id=used[begin : begin + 50], limit=100, **MONTH
        )
    ]
    errors = {item["request_id"] for item in requests if item["status_code"] >= 500}
    user_errors = {item["request_id"] for item in requests if item["status_code"] == 422}
    assert errors
    assert not errors & billed
    assert user_errors & billed
    assert user_errors - billed


def test_credits_fall_by_what_is_billed(start: Start):
    clock = HandClock(datetime(2026, 3, 3, tzinfo=UTC))
    api = start(clock, days=0, per_day=2000, balance=Decimal(5000), top_up=Decimal(0))
    clock.advance(hours=20)
    assert api.balance() < 4900
    api.control("POST", "lock", locked=True)  # so that nothing new arrives
    clock.advance(hours=8)
    api.control("POST", "lock", locked=False)
    assert api.balance() == 5000 - sum(event["cost_total"] for event in api.events(start="2026-03-03"))


def test_what_was_taken_from_the_credits_is_what_the_rows_say_to_the_nano(start: Start, clock: HandClock):
    api = start(clock, days=0, per_day=0, balance=Decimal(50), top_up=Decimal(0))
    for endpoint_id in ("fal-ai/cohere-transcribe", "fal-ai/veo3", "xai/grok-imagine-video/image-to-video"):
        api.control("POST", "jobs", endpoint_id=endpoint_id, units="8.439999999999998")
    clock.advance(seconds=1)
    assert api.balance() == 50 - sum(event["cost_total"] for event in api.events())


def test_rows_arrive_late_and_some_before_they_are_priced(start: Start, clock: HandClock):
    api = start(clock, days=0, per_day=3000)
    first_seen: dict[str, datetime] = {}
    unpriced: set[str] = set()
    priced_later: set[str] = set()
    for _ in range(48):
        clock.advance(minutes=10)
        for event in api.events(start="2026-03-03T14:30:00Z"):
            first_seen.setdefault(event["request_id"], clock.moment)
            if event["cost_total"] == 0 and event["output_units"] is None and event["unit_price"] is None:
                unpriced.add(event["request_id"])
            elif event["request_id"] in unpriced:
                priced_later.add(event["request_id"])
    delays = [seen - datetime.fromtimestamp((UUID(name).int >> 80) / 1000, UTC) for name, seen in first_seen.items()]
    assert sum(delay > timedelta(hours=1) for delay in delays) > 10
    assert sum(delay < timedelta(minutes=15) for delay in delays) > len(delays) * 0.8
    assert priced_later


def test_at_speed_jobs_arrive_end_and_are_billed_faster(start: Start, clock: HandClock):
    api = start(clock, days=0, speed=720.0)
    clock.advance(seconds=60)
    events = api.events(start="2026-03-03T14:30:00Z")
    assert 12 < len(events) < 24  # one every three seconds


def test_a_low_balance_is_topped_up_after_a_while(start: Start, clock: HandClock):
    api = start(clock, per_day=0, speed=720.0)
    api.control("POST", "balance", amount="3.90")
    clock.advance(seconds=44)
    assert api.balance() == Decimal("3.90")
    clock.advance(seconds=2)
    assert api.balance() == Decimal("103.90")


def test_without_credits_new_requests_are_refused_until_there_are_some(start: Start, clock: HandClock):
    api = start(clock, days=0, speed=720.0)
    api.control("POST", "balance", amount="0")
    clock.advance(seconds=9)
    assert api.events(start="2026-03-03T14:30:00Z") == []
    clock.advance(seconds=30)
    assert api.events(start="2026-03-03T14:30:00Z") != []


def test_the_demo_spends_alerts_and_runs_low_within_its_first_minute():
    clock = HandClock()
    world = World(DEMO, clock)
    account = world.account()
    balances = []
    for _ in range(60):
        clock.advance(seconds=1)
        at = world.advance()
        balances.append(Decimal(account.credits) / 10**9)
    big = [job for job, charge in account.charges(world.start, at, at) if charge.total > 5 * 10**9]
    assert big[0].sent_at - world.start == timedelta(seconds=10)
    assert balances[8] > 20 > balances[15]
    assert min(balances) < 5
    assert all(later < earlier for earlier, later in zip(balances[::6], balances[6::6], strict=False))


@pytest.mark.parametrize(
    ("option", "value"), [("speed", 0.0), ("days", -1), ("accounts", 0), ("per_day", -4), ("speed", float("nan"))]
)
def test_options_that_make_no_sense_are_refused_by_name(start: Start, option: str, value: Any):
    with pytest.raises(ValueError, match=option):
        start(**{option: value})


def test_a_script_without_a_price_is_refused(start: Start):
    with pytest.raises(Exception, match="no price for 'no/such'"):
        start(script=(ScriptedJob(1, "no/such", Decimal(1)),))
