"""Accuracy: how far what fal billed is from what was expected, by model or over time; and what is not confirmed yet.

Compared is each generation that has both, an estimate and an actual. A bias is signed: 0.12 says that the bills are
12 % above the estimates in all. The error looks at each generation by itself, so that too much here and too little
there do not make up for each other. Everything is in the home currency, at the rates of the generations' days.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from decimal import Decimal
from enum import StrEnum

import msgspec

from trayd.insight.conversion import EXACT_SUMS, converted, rounded_together
from trayd.money import Money
from trayd.rates import Converter
from trayd.records import Counting, Generation, Status

# Ratios are shown, not calculated with.
_RATIO_DIGITS = 6

_NOTHING = Decimal(0)

_OVER = frozenset({Status.FAILED, Status.CANCELLED})


class AccuracyBy(StrEnum):
    """What accuracy can be broken down by."""

    MODEL = "model"
    MONTH = "month"
    WEEK = "week"

    def key(self, generation: Generation, zone: tzinfo) -> str:
        """What a generation goes under: an endpoint id, ``2026-11``, or ``2026-W47`` (ISO 8601)."""
        if self is AccuracyBy.MODEL:
            return generation.endpoint_id
        day = generation.timestamp.astimezone(zone).date()
        if self is AccuracyBy.MONTH:
            return f"{day:%Y-%m}"
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """How good the estimates of some generations were.

    Attributes:
        key: an endpoint id, a month or a week; empty for all together.
        records: how many were compared; of ``above`` fal billed more than expected, of ``below`` less, of the others
            the same to the nano.
        estimated: what they were expected to cost, and ``actual`` what fal billed.
        bias: the actual's part above the estimate, signed; None where the estimates come to nothing.
        mean_error: how far a bill is from its estimate on average, whichever way.
        error: the same as a part of the mean estimate; None where the estimates come to nothing.
    """

    key: str
    records: int
    above: int
    below: int
    estimated: Money
    actual: Money
    bias: float | None
    mean_error: Money
    error: float | None


class NotCompared(msgspec.Struct, frozen=True, kw_only=True):
    """How many generations could not be compared, and why.

    Attributes:
        no_estimate: billed, and nobody said what it would cost.
        unconfirmed: not billed yet.
        failed: failed or cancelled, and not billed so far: free unless fal bills them within 48 hours.
        free: failed or cancelled, and never billed.
        unmatched: events that wait to be linked to their requests.
        no_rate: in a currency of which no rate is known for the day.
    """

    no_estimate: int = 0
    unconfirmed: int = 0
    failed: int = 0
    free: int = 0
    unmatched: int = 0
    no_rate: int = 0


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Estimates against actuals.

    Attributes:
        by: the parts, which add up to the total to the nano; models with the largest gap first, times in order.
    """

    total: Accuracy
    by: tuple[Accuracy, ...] = ()
    not_compared: NotCompared = NotCompared()


class Unconfirmed(msgspec.Struct, frozen=True, kw_only=True):
    """A generation that fal has not billed yet.

    Attributes:
        since: when it was made (UTC): it is unconfirmed from then on.
        covered: billing has been read beyond that time, and does not list it.
        free_from: of one that failed or was cancelled: from when on it counts as free, should billing have been read
            by then and not list it.
    """

    id: str
    request_id: str | None
    account: str
    endpoint_id: str
    since: datetime
    status: Status
    estimate: Money | None
    covered: bool
    free_from: datetime | None = None


class _Running:
    """Running sums, exact: those in the home currency in whole nanos, converted ones beside them."""

    __slots__ = ("above", "actual", "below", "estimated", "exact", "off", "records")

    def __init__(self) -> None:
        self.records = self.above = self.below = 0
        self.estimated = self.actual = self.off = 0
        self.exact = (_NOTHING, _NOTHING, _NOTHING)

    def add(self, estimate: int | Decimal, actual: int | Decimal) -> None:
        self.records += 1
        self.above += actual > estimate
        self.below += actual < estimate
        if isinstance(estimate, int) and isinstance(actual, int):
            self.estimated += estimate
            self.actual += actual
            self.off += abs(actual - estimate)
            return
        one, other = Decimal(estimate), Decimal(actual)
        known = self.exact
        self.exact = (
            EXACT_SUMS.add(known[0], one),
            EXACT_SUMS.add(known[1], other),
            EXACT_SUMS.add(known[2], abs(EXACT_SUMS.subtract(other, one))),
        )

    def merge(self, other: _Running) -> None:
        self.records += other.records
        self.above += other.above
        self.below += other.below
        self.estimated += other.estimated
        self.actual += other.actual
        self.off += other.off
        known, more = self.exact, other.exact
        self.exact = tuple(EXACT_SUMS.add(*pair) for pair in zip(known, more, strict=True))  # type: ignore[assignment]  # three of three

    def sums(self) -> tuple[Decimal, Decimal, Decimal]:
        """Estimated, actual, and how far each was off, in exact nanos."""
        estimated, actual, off = self.exact
        return (
            EXACT_SUMS.add(estimated, Decimal(self.estimated)),
            EXACT_SUMS.add(actual, Decimal(self.actual)),
            EXACT_SUMS.add(off, Decimal(self.off)),
        )


class Comparing:
    """Takes generations in one by one, and keeps sums only.

    Args:
        by: the breakdown.
        zone: the user's, in which civil days begin.
        converter: the rates into the home currency.
    """

    def __init__(self, by: AccuracyBy, zone: tzinfo, converter: Converter) -> None:
        self._by = by
        self._zone = zone
        self._converter = converter
        self._parts: dict[str, _Running] = {}
        self._left = dict.fromkeys(NotCompared.__struct_fields__, 0)

    def add(self, generation: Generation) -> None:
        """Takes one in; one that cannot be compared is counted by what it lacks."""
        estimate, actual = generation.estimate, generation.actual
        if generation.counting is Counting.UNMATCHED:
            self._left["unmatched"] += 1
        elif generation.counting is Counting.FREE:
            self._left["free"] += 1
        elif actual is None:
            self._left["failed" if generation.status in _OVER else "unconfirmed"] += 1
        elif estimate is None:
            self._left["no_estimate"] += 1
        else:
            expected, billed = self._at_home(estimate.amount, generation), self._at_home(actual, generation)
            if expected is None or billed is None:
                self._left["no_rate"] += 1
                return
            key = self._by.key(generation, self._zone)
            part = self._parts.get(key)
            if part is None:
                part = self._parts[key] = _Running()
            part.add(expected, billed)

    def _at_home(self, amount: Money, generation: Generation) -> int | Decimal | None:
        if amount.currency == self._converter.currency:
            return amount.nanos
        rate = self._converter.rate(amount.currency, generation.timestamp.astimezone(self._zone).date())
        return None if rate is None else converted(amount.nanos, rate)

    def compared(self) -> Compared:
        """What all of them come to."""
        whole = _Running()
        keys = sorted(self._parts)
        sums = [self._parts[key].sums() for key in keys]
        for key in keys:
            whole.merge(self._parts[key])
        columns = [rounded_together([each[column] for each in sums]) for column in range(3)]
        currency = self._converter.currency
        parts = [
            _accuracy(key, self._parts[key], (columns[0][place], columns[1][place], columns[2][place]), currency)
            for place, key in enumerate(keys)
        ]
        total = _accuracy("", whole, (sum(columns[0]), sum(columns[1]), sum(columns[2])), currency)
        if self._by is AccuracyBy.MODEL:
            parts.sort(key=lambda part: (-abs((part.actual - part.estimated).nanos), part.key))
        return Compared(total=total, by=tuple(parts), not_compared=NotCompared(**self._left))


def unconfirmed(
    generation: Generation, covered: Callable[[str, datetime], bool], free_after: Callable[[datetime], datetime]
) -> Unconfirmed | None:
    """What is to be told of a generation that fal has not billed yet; None of all others.

    Args:
        generation: it.
        covered: whether an account's billing has been read beyond a time.
        free_after: when a failed one of a time counts as free.
    """
    if generation.confirmed or generation.counting is Counting.UNMATCHED:
        return None
    over = generation.status in _OVER
    return Unconfirmed(
        id=generation.id,
        request_id=generation.request_id,
        account=generation.account,
        endpoint_id=generation.endpoint_id,
        since=generation.timestamp,
        status=generation.status,
        estimate=generation.estimate.amount if generation.estimate else None,
        covered=covered(generation.account, generation.timestamp),
        free_from=free_after(generation.timestamp) if over else None,
    )


def _accuracy(key: str, running: _Running, sums: tuple[int, int, int], currency: str) -> Accuracy:
    estimated, actual, off = sums
    return Accuracy(
        key=key,
        records=running.records,
        above=running.above,
        below=running.below,
        estimated=Money(estimated, currency),
        actual=Money(actual, currency),
        bias=_ratio(actual - estimated, estimated),
        mean_error=Money(round(Decimal(off) / running.records) if running.records else 0, currency),
        error=_ratio(off, estimated),
    )


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, _RATIO_DIGITS) if whole > 0 else None
