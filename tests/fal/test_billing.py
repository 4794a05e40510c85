"""What each request was charged, however fal cuts its rows into pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trayd.fal.client as client_module
from tests.fal.conftest import QUICK, SECRET, still_sandbox
from trayd.facts import BillingFact
from trayd.fal.billing import fetch_billing, fetch_requests, group, windows
from trayd.fal.client import FalClient
from trayd.fal.keys import Key
from trayd.fal.sandbox.server import Sandbox
from trayd.fal.wire import AuthMethod, BillingEvent, Metadata

EPOCH = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with still_sandbox(days=8, per_day=20) as running:
        yield running


def charges(sandbox: Sandbox) -> dict[str, list[int]]:
    """Of the requests that fal tells everything of by now; some that ended just before are not listed or priced yet."""
    now = datetime.now(UTC)
    return {
        job.request_id: sorted(charge.total for charge in job.charges)
        for job in sandbox.world.accounts[0].jobs(now - 30 * DAY, now + DAY)
        if job.charges and all(max(charge.billed_at, charge.listed_at) <= now for charge in job.charges)
    }


def newest(facts: Iterable[BillingFact]) -> dict[str, list[int | None]]:
    """What the ledger makes of them: of each request the fact that was fetched last."""
    latest: dict[str, BillingFact] = {}
    for fact in facts:
        if fact.request_id not in latest or latest[fact.request_id].fetched_at < fact.fetched_at:
            latest[fact.request_id] = fact
    return {name: [row.total_nanos for row in fact.rows] for name, fact in latest.items()}


async def test_a_request_whose_rows_two_pages_hold_is_asked_for_again_whole(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = charges(sandbox)
    assert any(len(rows) > 1 for rows in every.values())
    monkeypatch.setattr(client_module, "EVENTS_PAGE", 1)
    now = datetime.now(UTC)
    async with FalClient(sandbox.url, Key(SECRET), retry_policy=QUICK) as client:
        facts = [fact async for page in fetch_billing(client, "studio", now - 9 * DAY, now, now) for fact in page]
    found = newest(facts)
    assert {name: sorted(found[name]) for name in every} == every


async def test_rows_that_come_while_pages_are_read_double_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "EVENTS_PAGE", 20)
    with still_sandbox(days=4, per_day=20) as sandbox:
        every = charges(sandbox)
        now = datetime.now(UTC)
        async with FalClient(sandbox.url, Key(SECRET), retry_policy=QUICK) as client:
            pages = fetch_billing(client, "studio", now - 9 * DAY, now, now)
            async with aclosing(pages):
                facts = list(await anext(pages))
                # It is listed before all others, so the last row of this page is the first of the next.
                sandbox.world.add_job("fal-ai/veo3", age_s=1)
                facts += [fact async for page in pages for fact in page]
        found = newest(facts)
        assert {name: sorted(found[name]) for name in every if name in found} == {
            name: rows for name, rows in every.items() if name in found
        }
        assert len(every.keys() - found.keys()) <= 1


async def test_a_request_that_began_before_the_window_is_left_out_whole(sandbox: Sandbox) -> None:
    now = datetime.now(UTC)
    every = charges(sandbox)
    job = sandbox.world.accounts[0].jobs(now - 6 * DAY, now - 3 * DAY)[10]
    async with FalClient(sandbox.url, Key(SECRET), retry_policy=QUICK) as client:
        start = job.sent_at + timedelta(milliseconds=1)
        facts = [fact async for page in fetch_billing(client, "studio", start, now, now) for fact in page]
    assert job.request_id in every
    assert job.request_id not in newest(facts)
    assert facts


async def test_requests_can_be_fetched_by_id_beyond_fifty(sandbox: Sandbox) -> None:
    now = datetime.now(UTC)
    every = charges(sandbox)
    wanted = set(list(every)[:70])
    async with FalClient(sandbox.url, Key(SECRET), retry_policy=QUICK) as client:
        facts = [
            fact async for page in fetch_requests(client, "studio", wanted, (now - 30 * DAY, now), now) for fact in page
        ]
    assert {name: sorted(rows) for name, rows in newest(facts).items()} == {name: every[name] for name in wanted}


@given(st.integers(0, 400 * 86_400))
def test_windows_cover_the_time_without_gap_or_overlap(seconds: int) -> None:
    end = EPOCH + timedelta(seconds=seconds)
    pieces = list(windows(EPOCH, end))
    assert all(timedelta(0) < until - start <= 90 * DAY for start, until in pieces)
    edges = [EPOCH, *(until for _, until in pieces)]
    assert [start for start, _ in pieces] == edges[:-1]
    assert edges[-1] == end


events = st.builds(
    BillingEvent,
    request_id=st.sampled_from(["a", "b", "c"]),
    endpoint_id=st.sampled_from(["fal-ai/veo3", "fal-ai/flux/dev"]),
    timestamp=st.sampled_from([EPOCH, EPOCH + timedelta(seconds=1)]),
    output_units=st.none() | st.decimals(0, 9, places=2),
    unit_price=st.none() | st.decimals(0, 9, places=2),
    cost_estimate_nano_usd=st.none() | st.integers(0, 10**12).map(Decimal),
    auth_method_structured=st.none() | st.builds(AuthMethod, detail=st.sampled_from(["Premiere panel", "None"])),
)


@given(st.lists(events, max_size=8).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_the_order_of_rows_does_not_matter(rows: tuple[list[BillingEvent], list[BillingEvent]]) -> None:
    one, other = (sorted(group(events, "studio", EPOCH), key=lambda fact: fact.request_id) for events in rows)
    assert one == other
    assert sum(len(fact.rows) for fact in one) == len(rows[0])


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"detail": "Premiere panel"}, "Premiere panel"),
        ({"detail": "key", "login_username": "ada"}, "ada"),
        ({"detail": " render\r\nbox\x00\t2 "}, "render box 2"),
        ({"detail": "\x1b\n"}, None),
        ({"detail": "None"}, None),
        ({"detail": "k" * 5000}, "k" * 2000),
    ],
)
def test_who_made_a_request_is_a_name_on_one_line(told: dict[str, str], kept: str | None) -> None:
    assert AuthMethod(**told).label == kept


@pytest.mark.parametrize(
    ("told", "kept"),
    [("Kling 3.0 Pro", "Kling 3.0 Pro"), (" Kling\r\n\x1b[2J 3 ", "Kling [2J 3"), ("", None), (None, None)],
)
def test_a_model_is_called_on_one_line_without_controls(told: str | None, kept: str | None) -> None:
    assert Metadata(display_name=told).name == kept
    assert len(Metadata(display_name="x" * 5000).name or "") == 2000
