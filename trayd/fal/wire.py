"""fal's answers, as far as trayd takes them; fields that are not named here are ignored.

Numbers that are money or quantities are read as ``Decimal``, digit for digit. Absent and null are both None: fal
leaves out what it does not know. Shapes: fal's OpenAPI description of the Platform API, August 2026.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from trayd.money import nanos_of
from trayd.texts import tidy

Name = Annotated[str, Meta(min_length=1)]

# Far above any real amount, and small enough that no number of fal's can fill the memory with digits.
_LARGEST = Decimal(10) ** 15

# People call keys and models what they like; trayd takes no longer names back from an export.
_LONGEST_LABEL = 2000

# How fal writes that nobody is known.
_NOBODY = frozenset({"", "None"})


def utc(moment: datetime) -> datetime:
    """The moment in UTC; fal's times are UTC where they name no zone."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _bounded(number: Decimal | None) -> None:
    if number is not None and not abs(number) <= _LARGEST:
        raise ValueError(f"{number} is beyond every real amount")


class Credits(msgspec.Struct, frozen=True):
    """The balance, in ``currency``."""

    current_balance: Decimal
    currency: str = "USD"

    def __post_init__(self) -> None:
        _bounded(self.current_balance)


class Billing(msgspec.Struct, frozen=True):
    """``GET /account/billing``; without ``credits`` the account has no balance (it is on invoice)."""

    username: Name
    credits: Credits | None = None


class AuthMethod(msgspec.Struct, frozen=True):
    """Who made a request: the alias of an API key, a team member, or a login ("User token")."""

    detail: str | None = None
    login_username: str | None = None

    @property
    def label(self) -> str | None:
        """The key's alias or the member's name on one line, without controls; None where fal names nobody."""
        name = tidy(self.login_username or self.detail or "")[:_LONGEST_LABEL]
        return None if name in _NOBODY else name


class BillingEvent(msgspec.Struct, frozen=True):
    """One row of ``GET /models/billing-events``."""

    request_id: Name
    endpoint_id: Name
    timestamp: datetime
    output_units: Decimal | None = None
    unit_price: Decimal | None = None
    percent_discount: Decimal | None = None
    cost_total: Decimal | None = None
    cost_estimate_nano_usd: Decimal | None = None
    auth_method_structured: AuthMethod | None = None

    def __post_init__(self) -> None:
        for number in (
            self.output_units,
            self.unit_price,
            self.percent_discount,
            self.cost_total,
            self.cost_estimate_nano_usd and self.cost_estimate_nano_usd.scaleb(-9),
        ):
            _bounded(number)

    @property
    def total_nanos(self) -> int | None:
        """What was charged, in nano-dollars; None while fal has not priced the row.

        A row is listed before it is priced: its cost is null then, or zero beside neither a quantity nor a price.
        """
        if self.cost_estimate_nano_usd is not None:
            nanos = nanos_of(self.cost_estimate_nano_usd.scaleb(-9))
        elif self.cost_total is not None:
            nanos = nanos_of(self.cost_total)
        else:
            return None
        return None if nanos == 0 and self.output_units is None and self.unit_price is None else nanos


class BillingEvents(msgspec.Struct, frozen=True):
    """A page of ``GET /models/billing-events``."""

    billing_events: tuple[BillingEvent, ...]
    next_cursor: str | None = None


class UsageRow(msgspec.Struct, frozen=True):
    """fal's own total of an endpoint at one price and discount."""

    endpoint_id: Name
    cost_total: Decimal
    currency: str = "USD"

    def __post_init__(self) -> None:
        _bounded(self.cost_total)


class Usage(msgspec.Struct, frozen=True):
    """``GET /models/usage`` with the summary, which is of the whole time asked for."""

    summary: tuple[UsageRow, ...]


class RequestItem(msgspec.Struct, frozen=True):
    """One row of ``GET /models/requests/by-endpoint``.

    Attributes:
        ended_at: None while it runs; so is ``status_code``.
        duration: in seconds.
        json_input: the parameters as JSON, where they were asked for.
    """

    request_id: Name
    endpoint_id: Name
    sent_at: datetime
    ended_at: datetime | None = None
    status_code: int | None = None
    duration: float | None = None
    json_input: msgspec.Raw = msgspec.Raw(b"null")


class RequestItems(msgspec.Struct, frozen=True):
    """A page of ``GET /models/requests/by-endpoint``."""

    items: tuple[RequestItem, ...]
    next_cursor: str | None = None


class Metadata(msgspec.Struct, frozen=True):
    """What fal's catalogue says of a model; ``category`` is the operation."""

    display_name: str | None = None
    category: str | None = None
    license_type: str | None = None

    @property
    def name(self) -> str | None:
        """The display name on one line, without controls; None where there is none."""
        return tidy(self.display_name or "")[:_LONGEST_LABEL] or None


class Model(msgspec.Struct, frozen=True):
    """One row of ``GET /models``; models outside fal's registry have no metadata."""

    endpoint_id: Name
    metadata: Metadata | None = None


class Models(msgspec.Struct, frozen=True):
    """A page of ``GET /models``."""

    models: tuple[Model, ...]
    next_cursor: str | None = None


class Price(msgspec.Struct, frozen=True):
    """One row of ``GET /models/pricing``: the price of one ``unit``, as fal names the unit."""

    endpoint_id: Name
    unit_price: Decimal
    unit: str
    currency: str = "USD"

    def __post_init__(self) -> None:
        _bounded(self.unit_price)


class Prices(msgspec.Struct, frozen=True):
    """A page of ``GET /models/pricing``; endpoints without a price are left out."""

    prices: tuple[Price, ...]
    next_cursor: str | None = None


class Refusal(msgspec.Struct, frozen=True):
    """What fal's error says."""

    message: str = ""
    type: str = ""


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of fal's errors."""

    error: Refusal
