"""What the people of one account order from fal, as chance would have it.

A studio has its habits: favourite endpoints, several API keys and one member who works in the browser, discounts
in every second period of nine days. ``orders`` draws what it asks for; when that happens and what it
becomes is up to ``jobs``.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import accumulate
from random import Random

import msgspec

from trayd.errors import UsageError
from trayd.fal.sandbox.catalogue import Endpoint, catalogue


class Caller(msgspec.Struct, frozen=True):
    """Who made a request, as fal's ``auth_method_structured`` tells it."""

    detail: str
    api_key_id: str | None = None
    login_username: str | None = None


class Order(msgspec.Struct, frozen=True, gc=False):
    """A request and what will become of it; all durations in seconds of the simulation.

    Attributes:
        status_code: 200, 422 (sometimes billed) or a server error (never billed).
        queue_s: from sending to the start of the work.
        run_s: from the start of the work to its end.
        portions: the quantity of each billing row, as a rule one; empty when nothing is billed.
        bill_after_s: from the end to the moment at which credits fall and the price is known.
        list_after_s: from the end to the moment at which the row appears among the billing events. Less than
            ``bill_after_s`` means that it is first there without a price.
        tells_units: the row names its quantity.
        tells_price: the row names its unit price and discount.
    """

    endpoint: Endpoint
    caller: Caller
    status_code: int
    queue_s: float
    run_s: float
    portions: tuple[Decimal, ...]
    bill_after_s: float
    list_after_s: float
    tells_units: bool = True
    tells_price: bool = True


USERNAMES = ("north-light-studio", "harbour-films", "kite-and-key", "paper-lantern", "seventh-floor")

_KEY_ALIASES = ("Premiere panel", "Batch renders", "Client portal")
_MEMBER = "mira"

# Out of a hundred requests, by groups of operations.
_SHARES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (76, ("text-to-image", "image-to-image")),
    (10, ("text-to-video", "image-to-video", "video-to-video")),
    (9, ("text-to-speech", "text-to-audio")),
    (4, ("speech-to-text", "audio-to-text", "vision", "llm", "text-to-json")),
    (1, ("image-to-3d", "training")),
)

_SECONDS = {
    "text-to-image": 6.0,
    "image-to-image": 9.0,
    "text-to-video": 95.0,
    "image-to-video": 80.0,
    "video-to-video": 110.0,
    "image-to-3d": 45.0,
    "training": 420.0,
}
_SHORT_S = 4.0

_QUANTITIES = {
    "images": ("1", "1", "1", "2", "4"),
    "megapixels": ("0.7864", "1", "1.0486", "1.0486", "2.0972", "4.1943"),
    "processed megapixels": ("1", "2.0972", "3.1457"),
    "seconds": ("5", "5", "5", "8", "10", "3.008"),
    "compute seconds": ("1.134", "2.84", "3.902", "7.55", "12.2081"),
    "input seconds": ("8.5", "30.016", "61.52"),
    "1000 characters": ("0.184", "0.612", "1.204", "2.91"),
    "1m tokens": ("0.10304", "0.24624"),
    "1000 tokens": ("36.2", "71.44"),
    "minutes": ("0.5", "1", "1.8"),
    "5 seconds": ("1", "1", "2"),
    "10 seconds": ("0.8", "1"),
    "16 frames": ("5", "7.5", "12"),
    "steps": ("300", "1000"),
    "train units": ("250",),
    "credits": ("1", "4"),
}
_FRACTIONS_OF_A_DOLLAR = ("0.011", "0.02", "0.042", "0.167")
_VIDEO_MEGAPIXELS = ("92.274", "111.411", "150.9949")

# Shares of what goes otherwise than usual.
_DISCOUNTED_ENDPOINTS = 0.2
_LONG_VIDEO = 0.12
_SERVER_ERROR = 0.02
_USER_ERROR = 0.03
_USER_ERROR_BILLED = 0.35
_TWO_ROWS = 0.015
_LATE_ROW = 0.05
_UNPRICED_ROW = 0.03
_NO_PRICE_TOLD = 0.02
_NOTHING_TOLD = 0.01
_NO_UNITS_TOLD = 0.02

_SERVER_ERRORS = (500, 503, 504)
_WORKDAYS = 5
_DISCOUNT_PERIOD_DAYS = 9


class Studio:
    """The habits of one account, drawn from the seed.

    Attributes:
        username: fal's name of the account.
        keys: the API keys, which are callers too.
    """

    def __init__(self, username: str, seed: int) -> None:
        self.username = username
        self.seed = seed
        rng = Random(f"{seed}/{username}")  # noqa: S311  (a simulation, no secret)
        self.keys = tuple(Caller(alias, api_key_id=f"{rng.getrandbits(64):016x}") for alias in _KEY_ALIASES)
        member = Caller(_MEMBER, login_username=_MEMBER)
        self._callers = (*self.keys, member, Caller("User token"))
        self._caller_weights = tuple(accumulate((40, 25, 20, 13, 2)))
        by_operation: dict[str, list[Endpoint]] = {}
        for endpoint in catalogue().values():
            if endpoint.price is not None:
                by_operation.setdefault(endpoint.operation, []).append(endpoint)
        self._endpoints: list[Endpoint] = []
        weights: list[float] = []
        for share, operations in _SHARES:
            group = [endpoint for operation in operations for endpoint in by_operation[operation]]
            rng.shuffle(group)
            ranks = [1 / (rank + 1) for rank in range(len(group))]
            self._endpoints += group
            weights += [share * rank / sum(ranks) for rank in ranks]
        self._endpoint_weights = tuple(accumulate(weights))
        self._discounts = {
            endpoint.id: Decimal(rng.choice((10, 10, 20)))
            for endpoint in self._endpoints
            if rng.random() < _DISCOUNTED_ENDPOINTS
        }

    def rng(self, *what: object) -> Random:
        """Chance for one day or one moment of this studio, the same each time."""
        return Random("/".join(map(str, (self.seed, self.username, *what))))  # noqa: S311  (a simulation)

    def requests_on(self, day: date, per_day: int, rng: Random) -> int:
        """How many requests a day has: fewer at weekends, ``per_day`` over a whole week."""
        usual = per_day * 7 / (_WORKDAYS + 2 * 0.3)
        return round(usual * (1 if day.weekday() < _WORKDAYS else 0.3) * rng.uniform(0.85, 1.15))

    def discount(self, endpoint: Endpoint, day: date) -> Decimal | None:
        """The percentage that is off on that day."""
        return self._discounts.get(endpoint.id) if day.toordinal() // _DISCOUNT_PERIOD_DAYS % 2 else None

    def orders(self, rng: Random, count: int) -> list[Order]:
        """Draws requests."""
        endpoints = rng.choices(self._endpoints, cum_weights=self._endpoint_weights, k=count)
        callers = rng.choices(self._callers, cum_weights=self._caller_weights, k=count)
        return [_order(endpoint, caller, rng) for endpoint, caller in zip(endpoints, callers, strict=True)]

    def order(self, endpoint: Endpoint, units: Decimal, caller: Caller | None = None) -> Order:
        """One request that succeeds and is billed in one plain row, made with the first key unless told otherwise."""
        run_s = endpoint.seconds or _SECONDS.get(endpoint.operation, _SHORT_S)
        return Order(endpoint, caller or self.keys[0], 200, 0.4, run_s, (units,), bill_after_s=5, list_after_s=5)

    def caller(self, name: str) -> Caller:
        """The API key or the team member of that name.

        Raises:
            UsageError: there is none.
        """
        named = {caller.detail: caller for caller in self._callers}
        if name not in named:
            raise UsageError(
                f"the sandbox has no API key and no team member {name!r}", f"name one of: {', '.join(named)}"
            )
        return named[name]


def _order(endpoint: Endpoint, caller: Caller, rng: Random) -> Order:
    units = Decimal(rng.choice(_quantities(endpoint)))
    seconds = (endpoint.seconds or _SECONDS.get(endpoint.operation, _SHORT_S)) * rng.uniform(0.7, 1.6)
    if endpoint.operation.endswith("-to-video") and rng.random() < _LONG_VIDEO:
        units, seconds = units * 3, seconds * 2.4
    luck = rng.random()
    billed = True
    status_code = 200
    if luck < _SERVER_ERROR:
        status_code, billed = rng.choice(_SERVER_ERRORS), False
    elif luck < _SERVER_ERROR + _USER_ERROR:
        status_code, billed, seconds = 422, rng.random() < _USER_ERROR_BILLED, rng.uniform(0.2, 1.4)
    split = rng.random() < _TWO_ROWS
    bill_after_s = rng.uniform(4, 40)
    list_after_s = bill_after_s + rng.uniform(5, 80)
    timing = rng.random()
    if timing < _LATE_ROW:  # late: it is charged, but the row comes long after
        list_after_s = bill_after_s + rng.uniform(20 * 60, 6 * 3600)
    elif timing < _LATE_ROW + _UNPRICED_ROW:  # the row comes first, the price later
        list_after_s, bill_after_s = rng.uniform(3, 15), rng.uniform(2 * 60, 25 * 60)
    telling = rng.random()
    return Order(
        endpoint=endpoint,
        caller=caller,
        status_code=status_code,
        queue_s=round(rng.expovariate(1.2), 3),
        run_s=round(seconds, 3),
        portions=((units / 2, units / 2) if split else (units,)) if billed else (),
        bill_after_s=bill_after_s,
        list_after_s=list_after_s,
        tells_units=not _NO_PRICE_TOLD <= telling < _NO_PRICE_TOLD + _NOTHING_TOLD + _NO_UNITS_TOLD,
        tells_price=telling >= _NO_PRICE_TOLD + _NOTHING_TOLD,
    )


def _quantities(endpoint: Endpoint) -> tuple[str | Decimal, ...]:
    """The quantities that calls of an endpoint bill."""
    unit = (endpoint.unit or "").strip()
    if endpoint.units != 1:
        return (endpoint.units, endpoint.units, endpoint.units * 2)
    if unit.endswith("megapixels") and endpoint.operation.endswith("-to-video"):
        return _VIDEO_MEGAPIXELS
    if unit in ("units", "credits") and endpoint.price == 1:
        return _FRACTIONS_OF_A_DOLLAR
    return _QUANTITIES.get(unit, ("1",))
