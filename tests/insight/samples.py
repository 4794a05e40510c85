"""Records made by hand and by Hypothesis, as the ledger hands them out."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from trayd.money import Money
from trayd.rates import Converter, Rate, RateSource
from trayd.records import Counting, Estimate, ExternalCost, Generation, Kind, Record, Status

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
JUST_BEFORE = datetime(2026, 11, 20, 13, 59, tzinfo=UTC)
STATUS_OF = {Counting.PENDING: Status.SUBMITTED, Counting.FREE: Status.FAILED, Counting.FAILED: Status.FAILED}


def generation(cost: str | None = "1.00", **fields: Any) -> Generation:
    """A generation that fal has billed; another ``counting`` makes the cost an estimate, or none."""
    currency = fields.pop("currency", "USD")
    counting = fields.pop("counting", Counting.ACTUAL if cost is not None else Counting.UNKNOWN)
    amount = None if cost is None else Money.of(cost, currency)
    timestamp = fields.pop("timestamp", JUST_BEFORE)
    if amount is not None and counting is Counting.ACTUAL:
        fields["actual"] = amount
    elif amount is not None:
        fields["estimate"] = Estimate(amount, timestamp)
    defaults: dict[str, Any] = {
        "id": "r1",
        "request_id": "r1",
        "account": "acme-studio",
        "endpoint_id": "fal-ai/flux/dev",
        "status": STATUS_OF.get(counting, Status.COMPLETED),
    }
    return Generation(timestamp=timestamp, counting=counting, **(defaults | fields))


def external(cost: str = "30.00", day: str = "2026-11-20", **fields: Any) -> ExternalCost:
    currency = fields.pop("currency", "USD")
    defaults: dict[str, Any] = {"id": "x1", "description": "Midjourney plan", "source": "midjourney"}
    return ExternalCost(date=date.fromisoformat(day), amount=Money.of(cost, currency), **(defaults | fields))


def ecb(factor: str, published: str = "2026-11-18", source: RateSource = RateSource.ECB, *, last_known=False) -> Rate:
    return Rate(Decimal(factor), date.fromisoformat(published), source, last_known)


def in_nanos(money: Money | None) -> int:
    """What an amount adds to a sum: one that is not known, nothing."""
    return 0 if money is None else money.nanos


def rates(into: str = "USD", **known: Rate) -> Converter:
    """The same rate of a currency on every day; none of any other."""
    return Converter(into, lambda currency, _day: known.get(currency))


def daily(into: str = "USD", **known: dict[str, str]) -> Converter:
    """A rate for each day that is told; there is none of other days."""

    def find(currency: str, day: date) -> Rate | None:
        factor = known.get(currency, {}).get(day.isoformat())
        return None if factor is None else ecb(factor, day.isoformat())

    return Converter(into, find)


# Whatever a file can bring in, less what cannot be written in UTF-8.
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
tags = st.none() | st.sampled_from(["Northwind", "Näckrosen", "Hero Film"])
amounts = st.builds(Money, st.integers(-(10**13), 10**15), st.sampled_from(["USD", "USD", "USD", "EUR", "SEK", "KWD"]))
moments = st.datetimes(datetime(2026, 9, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - naive bounds
generations = st.builds(
    Generation,
    id=texts,
    account=st.sampled_from(["acme-studio", "second"]),
    endpoint_id=st.sampled_from(["fal-ai/flux/dev", "fal-ai/veo3.1", "fal-ai/whisper"]),
    timestamp=moments,
    operation=st.none() | st.sampled_from(["text-to-image", "text-to-video"]),
    estimate=st.none() | st.builds(Estimate, amounts, moments),
    actual=st.none() | amounts,
    key=st.none() | st.sampled_from(["studio-mac", "render-box"]),
    client=tags,
    project=tags,
    deliverable=tags,
    note=st.none() | texts,
    counting=st.sampled_from(Counting),
    units=st.none() | st.decimals(0, 10**6, places=12),
).filter(
    lambda record: (
        not (record.counting is Counting.ACTUAL and record.actual is None)
        and not (record.counting is Counting.ESTIMATE and record.estimate is None)
    )
)
externals = st.builds(
    ExternalCost,
    id=texts,
    date=st.dates(date(2026, 9, 1), date(2026, 12, 31)),
    description=texts,
    amount=amounts,
    category=st.none() | texts,
    source=st.sampled_from(["midjourney", "runway"]),
    client=tags,
    project=tags,
    deliverable=tags,
    kind=st.sampled_from([Kind.EXTERNAL, Kind.POOL]),
)
records: st.SearchStrategy[list[Record]] = st.lists(generations | externals, max_size=25)
