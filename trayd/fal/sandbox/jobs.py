"""Orders placed in time: jobs with their moments and their billing rows.

Everything here is a pure function of its arguments. Moments are aware UTC, to the millisecond.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from random import Random

import msgspec

from trayd.fal.sandbox.catalogue import Endpoint
from trayd.fal.sandbox.studio import Caller, Order, Studio
from trayd.money import price

# Requests by hour of the day, UTC: a working day with a quiet lunch and a short evening.
_HOURS = (1, 1, 0, 0, 0, 1, 3, 8, 14, 16, 15, 11, 9, 14, 16, 15, 12, 8, 4, 3, 3, 3, 2, 1)
_HOUR_MS = 3_600_000


class Charge(msgspec.Struct, frozen=True):
    """One billing row.

    Attributes:
        units: the quantity.
        unit_price: dollars for one unit, before the discount.
        percent_discount: what is off, in percent; None when nothing is.
        subtotal: ``units × unit_price`` in nano-dollars.
        total: what is taken from the credits, in nano-dollars.
        billed_at: when the credits fall and the price is known.
        listed_at: when the row appears among the billing events.
        tells_units: the row names its quantity.
        tells_price: the row names its unit price and discount.
    """

    units: Decimal
    unit_price: Decimal
    percent_discount: Decimal | None
    subtotal: int
    total: int
    billed_at: datetime
    listed_at: datetime
    tells_units: bool = True
    tells_price: bool = True


class Job(msgspec.Struct, frozen=True):
    """One request.

    Attributes:
        sent_at: when it was sent; its request id carries this time.
        started_at: when the work began.
        ended_at: when the work ended.
        queue_s: how long the model would really have it wait, in seconds.
        run_s: how long the model would really work on it, in seconds.
    """

    request_id: str
    endpoint: Endpoint
    caller: Caller
    status_code: int
    sent_at: datetime
    started_at: datetime
    ended_at: datetime
    queue_s: float
    run_s: float
    charges: tuple[Charge, ...]

    def status_at(self, moment: datetime) -> int | None:
        """The HTTP status, None while it runs."""
        return self.status_code if self.ended_at <= moment else None


class Pace(msgspec.Struct, frozen=True):
    """How fast things happen: as in life until the start, ``speed`` times faster from then on."""

    start: datetime
    speed: float

    def after(self, moment: datetime, seconds: float) -> datetime:
        """The moment at which something ends that takes so many seconds of the simulation."""
        end = moment + timedelta(milliseconds=round(seconds * 1000))
        if self.speed == 1 or end <= self.start:
            return end
        since = max(moment, self.start)
        return since + timedelta(milliseconds=round((end - since) / timedelta(milliseconds=1) / self.speed))


def place(order: Order, sent_at: datetime, studio: Studio, pace: Pace, rng: Random) -> Job:
    """The job that an order becomes when it is sent at that moment."""
    started_at = pace.after(sent_at, order.queue_s)
    ended_at = pace.after(started_at, order.run_s)
    charges: tuple[Charge, ...] = ()
    if order.portions:
        percent = studio.discount(order.endpoint, sent_at.date())
        charges = tuple(
            charge(
                order,
                units,
                percent,
                billed_at=pace.after(ended_at, order.bill_after_s),
                listed_at=pace.after(ended_at, order.list_after_s),
            )
            for units in order.portions
        )
    return Job(
        request_id=uuid7(sent_at, rng),
        endpoint=order.endpoint,
        caller=order.caller,
        status_code=order.status_code,
        sent_at=sent_at,
        started_at=started_at,
        ended_at=ended_at,
        queue_s=order.queue_s,
        run_s=order.run_s,
        charges=charges,
    )


def charge(
    order: Order, units: Decimal, percent: Decimal | None, *, billed_at: datetime, listed_at: datetime
) -> Charge:
    """The billing row for a quantity.

    Raises:
        ValueError: the endpoint has no price.
    """
    unit_price = order.endpoint.price
    if unit_price is None:
        raise ValueError(f"{order.endpoint.id} has no price")
    subtotal, total = _amounts(unit_price, units, percent)
    return Charge(
        units, unit_price, percent, subtotal, total, billed_at, listed_at, order.tells_units, order.tells_price
    )


@lru_cache(maxsize=4096)
def _amounts(unit_price: Decimal, units: Decimal, percent: Decimal | None) -> tuple[int, int]:
    return price(unit_price, units), price(unit_price, units, percent)


def day_of_jobs(studio: Studio, day: date, per_day: int, pace: Pace) -> list[Job]:
    """All requests of one day (UTC), in the order of their times."""
    rng = studio.rng(day.isoformat())
    count = studio.requests_on(day, per_day, rng)
    midnight = datetime.combine(day, time(), UTC)
    hours = rng.choices(range(24), weights=_HOURS, k=count)
    moments = sorted(hour * _HOUR_MS + rng.randrange(_HOUR_MS) for hour in hours)
    return [
        place(order, midnight + timedelta(milliseconds=moment), studio, pace, rng)
        for order, moment in zip(studio.orders(rng, count), moments, strict=True)
    ]


def live_job(studio: Studio, cell: int, length: timedelta, pace: Pace) -> Job:
    """The one request of a cell of time, cells being counted from the epoch."""
    rng = studio.rng("live", cell)
    begin = _EPOCH + length * (cell + 0.9 * rng.random())
    sent_at = begin.replace(microsecond=begin.microsecond // 1000 * 1000)
    return place(studio.orders(rng, 1)[0], sent_at, studio, pace, rng)


def cell_of(moment: datetime, length: timedelta) -> int:
    """The cell of time that holds a moment."""
    return (moment - _EPOCH) // length


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def uuid7(moment: datetime, rng: Random) -> str:
    """A time-ordered UUID (RFC 9562, version 7) of a moment."""
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    number = milliseconds << 80 | 7 << 76 | rng.getrandbits(12) << 64 | 2 << 62 | rng.getrandbits(62)
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
