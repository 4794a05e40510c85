from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

import trayd.fal.client as client_module
from tests.fal.conftest import QUICK, http, raw_server
from trayd.errors import FalAnswerError, KeyRefusedError, KeyScopeError
from trayd.fal.accounts import KeyCheck, check_key
from trayd.fal.client import FalClient
from trayd.fal.keys import Key
from trayd.fal.sandbox.faults import Fault
from trayd.fal.sandbox.options import SandboxOptions
from trayd.fal.sandbox.server import Sandbox, running_sandbox
from trayd.money import Money

MONTH = timedelta(days=30)


def span() -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    return now - MONTH, now


async def test_the_balance_is_exact(sandbox: Sandbox, client: FalClient) -> None:
    sandbox.world.set_balance(Decimal("12.345678901"))
    billing = await client.billing()
    assert billing.username == sandbox.world.accounts[0].username
    assert billing.credits is not None
    assert Money.of(billing.credits.current_balance) == Money(12_345_678_901)


async def test_fals_own_clock_is_known_after_an_answer(client: FalClient) -> None:
    assert client.server_time is None
    await client.billing()
    assert client.server_time is not None
    assert abs(client.server_time - datetime.now(UTC)) < timedelta(seconds=3)


async def test_every_page_of_billing_events_is_read_once(
    sandbox: Sandbox, client: FalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [row async for page in client.billing_events(*span()) for row in page]
    monkeypatch.setattr(client_module, "EVENTS_PAGE", 40)
    pages = [page async for page in client.billing_events(*span())]
    assert len(pages) == -(-len(whole) // 40)
    assert Counter(row for page in pages for row in page) == Counter(whole)
    assert sum("limit=40" in call.path for call in sandbox.calls) == len(pages)


async def test_billing_events_tell_exact_amounts_and_who_asked(sandbox: Sandbox, client: FalClient) -> None:
    rows = [row async for page in client.billing_events(*span()) for row in page]
    total = sum(row.total_nanos or 0 for row in rows)
    in_the_books = sandbox.world.accounts[0].charges(*span(), at=sandbox.world.now)
    assert total == sum(charge.total for _, charge in in_the_books)
    assert any(row.unit_price is None for row in rows)
    assert {row.auth_method_structured.label for row in rows if row.auth_method_structured} >= {
        "Premiere panel",
        "mira",
    }


async def test_billing_events_can_be_asked_for_by_request(client: FalClient) -> None:
    rows = [row async for page in client.billing_events(*span()) for row in page]
    wanted = {row.request_id for row in rows[:3]}
    found = [row async for page in client.billing_events(*span(), request_ids=sorted(wanted)) for row in page]
    assert {row.request_id for row in found} == wanted


async def test_a_row_that_is_listed_before_it_is_priced_has_no_price(sandbox: Sandbox, client: FalClient) -> None:
    sandbox.faults.inject(Fault("null_costs", "/models/billing-events"))
    rows = [row async for page in client.billing_events(*span()) for row in page]
    assert {row.total_nanos for row in rows} == {None}


async def test_a_zero_beside_neither_quantity_nor_price_is_no_price_yet() -> None:
    row = (
        b'{"billing_events":[{"request_id":"r","endpoint_id":"e","timestamp":"2026-03-03T10:00:00",'
        b'"output_units":%s,"unit_price":%s,"percent_discount":null,"cost_total":0,"cost_estimate_nano_usd":0}]}'
    )
    for units, price, nanos in ((b"null", b"null", None), (b"1", b"0", 0), (b"null", b"0", 0)):
        async with raw_server(http(row % (units, price))) as server, _client(server.url) as client:
            rows = [row async for page in client.billing_events(*span()) for row in page]
            assert [row.total_nanos for row in rows] == [nanos]


async def test_totals_are_those_of_exactly_the_time_asked_for(client: FalClient) -> None:
    start, end = datetime.now(UTC) - timedelta(days=5, minutes=7), datetime.now(UTC) - timedelta(days=2, minutes=3)
    ours: Counter[str] = Counter()
    async for page in client.billing_events(start, end):
        for row in page:
            ours[row.endpoint_id] += row.total_nanos or 0
    theirs: Counter[str] = Counter()
    for total in await client.usage(start, end):
        theirs[total.endpoint_id] += Money.of(total.cost_total).nanos
    assert +ours == +theirs
    assert ours


async def test_requests_come_without_their_input_unless_it_is_wanted(sandbox: Sandbox, client: FalClient) -> None:
    endpoint_id = sandbox.world.accounts[0].jobs(*span())[0].endpoint.id
    plain = [item async for page in client.requests([endpoint_id], *span()) for item in page]
    full = [item async for page in client.requests([endpoint_id], *span(), payloads=True) for item in page]
    assert {bytes(item.json_input) for item in plain} == {b"null"}
    assert all(b'"prompt"' in bytes(item.json_input) for item in full)


async def test_names_and_prices(client: FalClient) -> None:
    (model,) = await client.models(["fal-ai/flux/dev"])
    (price,) = await client.pricing(["fal-ai/flux/dev"])
    assert model.metadata is not None
    assert model.metadata.category == "text-to-image"
    assert (price.unit_price, price.unit) == (Decimal("0.025"), "megapixels")


async def test_no_call_names_more_endpoints_than_fal_takes(client: FalClient) -> None:
    with pytest.raises(ValueError, match="50"):
        await client.models([f"fal-ai/model-{n}" for n in range(51)])


async def test_pages_that_lead_in_a_circle_end() -> None:
    circle = http(b'{"models":[],"next_cursor":"Mg","has_more":true}')
    async with raw_server(circle) as server, _client(server.url) as client:
        with pytest.raises(FalAnswerError, match="lead back"):
            await client.models(["fal-ai/flux/dev"])
    assert len(server.requests) == 2


async def test_a_key_tells_its_scope_and_account(sandbox: Sandbox, client: FalClient) -> None:
    username = sandbox.world.accounts[0].username
    assert await check_key(client) == KeyCheck(scope="admin", username=username, has_credits=True)
    async with _client(sandbox.url, sandbox.api_key) as api:
        assert await check_key(api) == KeyCheck(scope="api")
    async with _client(sandbox.url, "nobody-s-key") as nobody:
        with pytest.raises(KeyRefusedError, match="does not know this key"):
            await check_key(nobody)


async def test_an_account_on_invoice_has_no_balance_not_a_balance_of_zero() -> None:
    async with raw_server(http(b'{"username":"studio"}')) as server, _client(server.url) as client:
        assert (await client.billing()).credits is None
        assert await check_key(client) == KeyCheck(scope="admin", username="studio", has_credits=False)


async def test_an_api_key_gives_prices_and_runs_and_is_told_to_lack_the_rest(sandbox: Sandbox) -> None:
    async with _client(sandbox.url, sandbox.api_key) as client:
        assert await client.pricing(["fal-ai/flux/dev"])
        with pytest.raises(KeyScopeError, match="Admin scope"):
            await client.usage(*span())


async def test_a_sandbox_that_throttles_and_fails_by_chance_is_read_completely() -> None:
    with running_sandbox(SandboxOptions(days=3, per_day=20, faults=True)) as sandbox:
        sandbox.world.freeze()
        retry_policy = client_module.RetryPolicy(attempts=12, total_s=60, first_wait_s=0.05, longest_wait_s=0.5)
        async with FalClient(sandbox.url, Key(sandbox.admin_key), retry_policy=retry_policy) as client:
            found = 0
            # What would have arrived since the clock stands still is not listed.
            frozen = sandbox.world.advance()
            window = frozen - MONTH, frozen
            for _ in range(15):
                found = len([row async for page in client.billing_events(*window) for row in page])
        assert found == sum(len(job.charges) for job in sandbox.world.accounts[0].jobs(*window))
        assert {call.status for call in sandbox.calls} >= {200, 429}


def _client(url: str, key: str = "made-up-key") -> FalClient:
    return FalClient(url, Key(key), retry_policy=QUICK)
