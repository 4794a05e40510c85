"""The answers as fal writes them.

Field names and meanings are those of fal's Platform API. Fields that are ``UNSET`` are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from trayd.money import Money

_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(answer: Any) -> bytes:
    """JSON in which decimals are numbers with all their digits."""
    return _encoder.encode(answer)


def dollars(nanos: int) -> Decimal:
    """Nano-dollars as dollars, without trailing zeros."""
    return plain(Money(nanos).amount)


def plain(number: Decimal) -> Decimal:
    """The same number, which prints without trailing zeros and, down to a millionth, without an exponent."""
    short = number.normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short


class AuthMethod(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who made a request."""

    detail: str
    api_key_id: str | UnsetType = UNSET
    login_username: str | UnsetType = UNSET


class BillingEvent(msgspec.Struct, frozen=True, gc=False):
    """A row of ``/models/billing-events``."""

    request_id: str
    endpoint_id: str
    timestamp: datetime
    output_units: Decimal | None
    unit_price: Decimal | None
    percent_discount: Decimal | None
    cost_subtotal: Decimal
    cost_discount: Decimal
    cost_total: Decimal
    cost_estimate_nano_usd: int
    auth_method: str | UnsetType = UNSET
    auth_method_structured: AuthMethod | UnsetType = UNSET


class BillingEvents(msgspec.Struct, frozen=True):
    """The answer of ``/models/billing-events``."""

    next_cursor: str | None
    has_more: bool
    billing_events: Sequence[BillingEvent]


class UsageRow(msgspec.Struct, frozen=True):
    """What one endpoint cost at one price and discount."""

    endpoint_id: str
    unit: str
    quantity: Decimal
    unit_price: Decimal
    percent_discount: Decimal | None
    cost_subtotal: Decimal
    cost_discount: Decimal
    cost_total: Decimal
    cost: Decimal
    currency: str = "USD"
    auth_method: str | UnsetType = UNSET
    auth_method_structured: AuthMethod | UnsetType = UNSET


class Bucket(msgspec.Struct, frozen=True):
    """One stretch of a time series."""

    bucket: str
    results: Sequence[Any]


class Series(msgspec.Struct, frozen=True):
    """The answer of ``/models/usage`` and ``/models/analytics``."""

    next_cursor: str | None
    has_more: bool
    time_series: Sequence[Bucket] | UnsetType = UNSET
    summary: Sequence[Any] | UnsetType = UNSET


class RequestItem(msgspec.Struct, frozen=True):
    """A row of ``/models/requests/by-endpoint``."""

    request_id: str
    endpoint_id: str
    started_at: datetime
    sent_at: datetime
    ended_at: datetime | None
    status_code: int | None
    duration: float | None
    json_input: Any = UNSET
    json_output: Any = UNSET


class RequestItems(msgspec.Struct, frozen=True):
    """The answer of ``/models/requests/by-endpoint``."""

    next_cursor: str | None
    has_more: bool
    items: Sequence[RequestItem]


class Metadata(msgspec.Struct, frozen=True):
    """What fal's registry says of a model."""

    display_name: str
    category: str
    description: str
    status: str
    tags: tuple[str, ...]
    updated_at: str
    is_favorited: bool | None
    thumbnail_url: str
    model_url: str
    date: str
    license_type: str | UnsetType = UNSET
    group: dict[str, str] | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    duration_estimate: float | UnsetType = UNSET
    highlighted: bool = False
    pinned: bool = False


class Model(msgspec.Struct, frozen=True):
    """A row of ``/models``."""

    endpoint_id: str
    metadata: Metadata | UnsetType = UNSET
    openapi: dict[str, Any] | UnsetType = UNSET
    enterprise_status: str | UnsetType = UNSET


class Models(msgspec.Struct, frozen=True):
    """The answer of ``/models``."""

    models: Sequence[Model]
    next_cursor: str | None
    has_more: bool


class Price(msgspec.Struct, frozen=True):
    """A row of ``/models/pricing``."""

    endpoint_id: str
    unit_price: Decimal
    unit: str
    currency: str = "USD"


class Prices(msgspec.Struct, frozen=True):
    """The answer of ``/models/pricing``."""

    prices: Sequence[Price]
    next_cursor: str | None = None
    has_more: bool = False


class Estimate(msgspec.Struct, frozen=True):
    """The answer of ``/models/pricing/estimate``."""

    estimate_type: str
    total_cost: Decimal
    currency: str = "USD"


class Credits(msgspec.Struct, frozen=True):
    """What is left to spend."""

    current_balance: Decimal
    currency: str = "USD"


class Billing(msgspec.Struct, frozen=True):
    """The answer of ``/account/billing``."""

    username: str
    credits: Credits | UnsetType = UNSET


class ApiKey(msgspec.Struct, frozen=True):
    """A row of ``/keys``."""

    key_id: str
    alias: str
    created_at: str
    scope: str = "API"
    creator_nickname: str | UnsetType = UNSET
    creator_email: str | UnsetType = UNSET


class ApiKeys(msgspec.Struct, frozen=True):
    """The answer of ``/keys``."""

    next_cursor: str | None
    has_more: bool
    keys: Sequence[ApiKey]


class Refusal(msgspec.Struct, frozen=True):
    """What an error says."""

    type: str
    message: str
    request_id: str
    docs_url: str | UnsetType = UNSET


class Error(msgspec.Struct, frozen=True):
    """The body of every error."""

    error: Refusal
