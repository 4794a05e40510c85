"""The answers about money: balance, billing events, prices and estimates, keys."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import UNSET

from trayd.fal.sandbox.account import Account
from trayd.fal.sandbox.catalogue import Endpoint, catalogue
from trayd.fal.sandbox.jobs import Charge, Job
from trayd.fal.sandbox.query import ApiError, Page, Query, invalid
from trayd.fal.sandbox.studio import Caller
from trayd.fal.sandbox.wire import (
    ApiKey,
    ApiKeys,
    AuthMethod,
    Billing,
    BillingEvent,
    BillingEvents,
    Credits,
    Estimate,
    Price,
    Prices,
    dollars,
    plain,
)
from trayd.money import price

_EVENTS_PAGE = 1000
_EVENTS_MOST = 10_000
_EVENTS_REACH = timedelta(days=90)
_KEYS_PAGE = 50
_ZERO = Decimal(0)


def billing(query: Query, account: Account) -> Billing:
    """``GET /account/billing``."""
    parts = query.expand(("credits",))
    return Billing(account.username, Credits(dollars(account.credits)) if "credits" in parts else UNSET)


def billing_events(query: Query, account: Account, now: datetime, at: datetime) -> BillingEvents:
    """``GET /models/billing-events``: newest first, so that rows which come meanwhile push others back, never out."""
    start, end = query.window(now)
    if end - start > _EVENTS_REACH:
        raise invalid("the date range is limited to 90 days per request")
    page = query.page(_EVENTS_PAGE, _EVENTS_MOST)
    parts = query.expand(("auth_method", "auth_method_structured"))
    wanted = JobFilter(query)
    rows = [
        (job, charge)
        for job in reversed(account.jobs(start, end))
        if wanted.takes(job) and job.request_id not in account.hidden
        for charge in job.charges
        if charge.listed_at <= at
    ]
    shown, next_cursor = page.cut(rows)
    return BillingEvents(
        next_cursor, next_cursor is not None, [_event(job, charge, at, parts) for job, charge in shown]
    )


def _event(job: Job, charge: Charge, at: datetime, parts: frozenset[str]) -> BillingEvent:
    label = job.caller.detail if "auth_method" in parts else UNSET
    structured = auth_method(job.caller) if "auth_method_structured" in parts else UNSET
    if charge.billed_at > at:
        # Listed before it is priced: fal's description demands numbers for the costs, so they are zero, and
        # quantity and price are null.
        return BillingEvent(
            job.request_id, job.endpoint.id, job.sent_at, None, None, None, _ZERO, _ZERO, _ZERO, 0, label, structured
        )
    return BillingEvent(
        request_id=job.request_id,
        endpoint_id=job.endpoint.id,
        timestamp=job.sent_at,
        output_units=charge.units if charge.tells_units else None,
        unit_price=charge.unit_price if charge.tells_price else None,
        percent_discount=charge.percent_discount if charge.tells_price else None,
        cost_subtotal=dollars(charge.subtotal),
        cost_discount=dollars(charge.subtotal - charge.total),
        cost_total=dollars(charge.total),
        cost_estimate_nano_usd=charge.total,
        auth_method=label,
        auth_method_structured=structured,
    )


def auth_method(caller: Caller) -> AuthMethod:
    """A caller as fal writes it."""
    return AuthMethod(caller.detail, caller.api_key_id or UNSET, caller.login_username or UNSET)


class JobFilter:
    """Which jobs a call asks for, by endpoint, request, API key or team member."""

    def __init__(self, query: Query) -> None:
        self._endpoints = query.ids("endpoint_id")
        self._requests = query.ids("request_id")
        self._keys = query.ids("api_key_id")
        self._members = query.ids("login_username")

    def takes(self, job: Job) -> bool:
        """Whether a job is asked for."""
        return (
            (not self._endpoints or job.endpoint.id in self._endpoints)
            and (not self._requests or job.request_id in self._requests)
            and (not self._keys or job.caller.api_key_id in self._keys)
            and (not self._members or job.caller.login_username in self._members)
        )


def known(endpoint_ids: tuple[str, ...]) -> list[Endpoint]:
    """The endpoints with those ids.

    Raises:
        ApiError: fal has no such endpoint.
    """
    for endpoint_id in endpoint_ids:
        if endpoint_id not in catalogue():
            raise ApiError(404, "not_found", f"endpoint {endpoint_id!r} was not found")
    return [catalogue()[endpoint_id] for endpoint_id in endpoint_ids]


def pricing(query: Query) -> Prices:
    """``GET /models/pricing``: endpoints without a price are left out."""
    return Prices(
        [
            Price(endpoint.id, endpoint.price, endpoint.unit)
            for endpoint in known(query.ids("endpoint_id", required=True))
            if endpoint.price is not None and endpoint.unit is not None
        ]
    )


class _Calls(msgspec.Struct, frozen=True):
    call_quantity: int


class _Units(msgspec.Struct, frozen=True):
    unit_quantity: Decimal


class _ByCalls(msgspec.Struct, frozen=True, tag_field="estimate_type", tag="historical_api_price"):
    endpoints: dict[str, _Calls]

    @property
    def estimate_type(self) -> Literal["historical_api_price"]:
        return "historical_api_price"


class _ByUnits(msgspec.Struct, frozen=True, tag_field="estimate_type", tag="unit_price"):
    endpoints: dict[str, _Units]

    @property
    def estimate_type(self) -> Literal["unit_price"]:
        return "unit_price"


_estimates = msgspec.json.Decoder(_ByCalls | _ByUnits)
_LEAST_UNITS = Decimal("0.000001")
_MOST = 10**12


def estimate(body: bytes, account: Account, at: datetime) -> Estimate:
    """``POST /models/pricing/estimate``.

    Raises:
        ApiError: the body is not a question that fal knows, or an endpoint has no price.
    """
    try:
        question = _estimates.decode(body)
    except msgspec.DecodeError as error:
        raise invalid(str(error)) from None
    if not question.endpoints:
        raise invalid("endpoints must name at least one endpoint")
    prices = {}
    for endpoint in known(tuple(question.endpoints)):
        if endpoint.price is None:
            raise ApiError(404, "not_found", f"endpoint {endpoint.id!r} has no price")
        prices[endpoint.id] = endpoint.price
    if isinstance(question, _ByUnits):
        if not all(_LEAST_UNITS <= line.unit_quantity <= _MOST for line in question.endpoints.values()):
            raise invalid(f"unit_quantity must be between 0.000001 and {_MOST}")
        nanos = sum(price(prices[name], line.unit_quantity) for name, line in question.endpoints.items())
    else:
        if not all(1 <= line.call_quantity <= _MOST for line in question.endpoints.values()):
            raise invalid(f"call_quantity must be between 1 and {_MOST}")
        calls = _mean_costs(account, at)
        nanos = sum(
            line.call_quantity * calls.get(name, price(prices[name], catalogue()[name].units))
            for name, line in question.endpoints.items()
        )
    return Estimate(question.estimate_type, plain(dollars(nanos)))


def _mean_costs(account: Account, at: datetime) -> dict[str, int]:
    """What a call cost on average in the last 90 days, in nano-dollars, by endpoint id."""
    costs: dict[str, list[int]] = defaultdict(list)
    for job, charge in account.charges(at - _EVENTS_REACH, at, at):
        costs[job.endpoint.id].append(charge.total)
    return {name: sum(totals) // len(totals) for name, totals in costs.items()}


_CREATED = datetime(2025, 11, 3, 9, 30, tzinfo=UTC)


def keys(query: Query, account: Account) -> ApiKeys:
    """``GET /keys``: fal describes no refusal of its parameters, so what cannot be read is as if not given."""
    try:
        page = query.page(_KEYS_PAGE, _KEYS_PAGE)
        with_creator = "creator_info" in query.ids("expand")
    except ApiError:
        page, with_creator = Page(1, _KEYS_PAGE), False
    rows = [
        ApiKey(
            key_id=key.api_key_id or "",
            alias=key.detail,
            created_at=(_CREATED + timedelta(days=41 * index)).isoformat(timespec="seconds").replace("+00:00", "Z"),
            creator_nickname="mira" if with_creator else UNSET,
            creator_email="mira@studio.example" if with_creator else UNSET,
        )
        for index, key in enumerate(account.studio.keys)
    ]
    shown, next_cursor = page.cut(rows)
    return ApiKeys(next_cursor, next_cursor is not None, shown)
