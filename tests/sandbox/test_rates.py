from __future__ import annotations

from datetime import UTC, date, datetime

import httpx

from tests.sandbox.conftest import HandClock, Start
from trayd.target_days import is_target_day


def told(start: Start, name: str = "eurofxref-daily.xml", **options: object) -> httpx.Response:
    sandbox = start(**options).sandbox
    return httpx.get(f"{sandbox.rates_url}/{name}", trust_env=False)


def test_the_same_seed_tells_the_same_rates_and_another_one_others(start: Start) -> None:
    assert told(start, days=0).content == told(start, days=1).content
    assert told(start, days=0).content != told(start, days=0, seed=2).content


def test_it_needs_no_key_and_tells_a_day_at_four_in_frankfurt(start: Start) -> None:
    clock = HandClock(datetime(2026, 3, 6, 14, 59, tzinfo=UTC))
    assert 'time="2026-03-05"' in told(start, clock=clock, days=0).text
    clock.advance(minutes=1)
    answer = told(start, clock=clock, days=0)
    assert 'time="2026-03-06"' in answer.text
    assert answer.headers["Last-Modified"] == "Fri, 06 Mar 2026 15:00:00 GMT"


def test_there_are_rates_of_working_days_only(start: Start) -> None:
    sandbox = start(HandClock(datetime(2026, 4, 10, 20, tzinfo=UTC)), days=0).sandbox
    days = sandbox.rates.days(date(2026, 3, 30))
    assert days == [date(2026, 4, day) for day in (10, 9, 8, 7, 2, 1)] + [date(2026, 3, 31), date(2026, 3, 30)]
    assert all(is_target_day(day) for day in sandbox.rates.days(date(2025, 1, 1)))


def test_a_rate_is_changed_or_left_out_by_its_control(start: Start) -> None:
    api = start(days=0)
    newest = api.sandbox.rates.newest
    api.control("POST", "rates", day=newest.isoformat(), currency="SEK", rate="99.9")
    api.control("POST", "rates", day=newest.isoformat(), currency="JPY", rate="")
    text = httpx.get(f"{api.sandbox.rates_url}/eurofxref-daily.xml", trust_env=False).text
    assert 'currency="SEK" rate="99.9"' in text
    assert "JPY" not in text


def test_it_fails_by_chance_where_the_api_does(start: Start) -> None:
    api = start(days=0, faults=True)
    with httpx.Client(trust_env=False, timeout=10) as client:
        statuses = set()
        for _ in range(30):
            try:
                statuses.add(client.get(f"{api.sandbox.rates_url}/eurofxref-daily.xml").status_code)
            except httpx.RemoteProtocolError:
                statuses.add(0)
    assert 200 in statuses
    assert statuses - {200}


def test_it_says_where_the_rates_are_when_it_is_ready(start: Start) -> None:
    sandbox = start(days=0).sandbox
    assert f'"rates_url":"{sandbox.rates_url}"' in sandbox.announcement()
