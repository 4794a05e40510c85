"""Unusual days, found in the ledger: which there are, and what explains each."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import NamedTuple

import msgspec

from trayd.forecasting.inputs import Inputs
from trayd.insight.anomalies import EXPLAINING, LOOKED_BACK, Anomaly, Parts, baseline, explained, unusual
from trayd.insight.breakdown import Breakdown, Dimension
from trayd.insight.conversion import converted, rounded
from trayd.insight.tally import Tally, dated_sums, tallied
from trayd.insight.windows import day_start
from trayd.money import Money
from trayd.records import Filters, Kind

_DAY = timedelta(days=1)
_QUARTER = timedelta(minutes=15)
_DOLLAR = "USD"


class _Series(NamedTuple):
    """What all accounts spent on each day that is known, in nanos of the home currency; ``read`` is which they are."""

    spent: Mapping[date, int]
    read: frozenset[str]


class UnusualDays:
    """Finds unusual days.

    Args:
        inputs: what they are found in.
    """

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._context = inputs.context
        self._by_now: tuple[Hashable, dict[date, int]] = None, {}

    def among(self, days: Sequence[date]) -> tuple[Anomaly, ...]:
        """Those of these days that are unusual, in their order; whether they matter is not asked."""
        series = self._series(min(days), max(days)) if days else None
        if series is None:
            return ()
        return tuple(found for day in days if (found := self._unusual(day, series)) is not None)

    def known(self, first: date, last: date) -> int:
        """How many days between these two are over and known."""
        series = self._series(first, last)
        return 0 if series is None else sum(first <= day <= last for day in series.spent)

    def judged(self, first: date, last: date) -> int:
        """Of how many days between these two it is known what is usual."""
        series = self._series(first, last)
        if series is None:
            return 0
        days = (first + number * _DAY for number in range((last - first).days + 1))
        return sum(baseline(day, series.spent) is not None for day in days)

    def _series(self, first: date, last: date) -> _Series | None:
        """What was spent on each known day, from before the first on; None where nothing is known."""
        since = first - LOOKED_BACK * _DAY
        histories = self._inputs.histories(Filters(), self._context.converter, since, last)

        def find() -> _Series | None:
            known = [dict(history.days) for history in histories.values() if history.days]
            return _Series(_on_all(known), frozenset(histories)) if known else None

        return self._inputs.cached(("series", since, last), find)

    def _unusual(self, day: date, series: _Series) -> Anomaly | None:
        running = day >= self._inputs.today
        if day > self._inputs.today:
            return None

        def find() -> Anomaly | None:
            spent = self._of_day(day, series.read)
            by_now = partial(self._spent_by, self._context.now, series.read)
            currency = self._context.converter.currency
            found = unusual(day, spent, series.spent, currency, running=running, by_now=by_now)
            return None if found is None else explained(self._valued(found), [*self._parts(day, series.read)])

        # By this time of a running day more may be unusual than a moment ago, though nothing has changed.
        quarter = _quarter(self._context.now) if running else None
        return self._inputs.cached(("unusual", day, quarter, series.read), find)

    def _valued(self, anomaly: Anomaly) -> Anomaly:
        rate = self._context.rates.converter(_DOLLAR).rate(anomaly.excess.currency, anomaly.day)
        if rate is None:
            return anomaly
        worth = rounded(converted(anomaly.excess.nanos, rate))
        return msgspec.structs.replace(anomaly, in_dollars=Money(worth, _DOLLAR))

    def _of_day(self, day: date, read: Collection[str]) -> int:
        """What these accounts spent with fal on a day, as far as it is known."""
        since, until = (day_start(each, self._inputs.zone) for each in (day, day + _DAY))
        return self._between(since, until, read).total

    def _between(self, since: datetime, until: datetime, read: Collection[str]) -> Tally:
        converter = self._context.converter
        within = Filters(kind=Kind.INTERNAL, since=since, until=until)
        sums = dated_sums(self._context.ledger, within, zone=self._inputs.zone, home=converter.currency)
        return tallied((each for each in sums if each[1].heading.account in read), converter)

    def _spent_by(self, now: datetime, read: Collection[str], days: Sequence[date]) -> Mapping[date, int]:
        """What was spent on days by this time of the day, up to the end of this quarter of an hour.

        What was spent on past days hardly changes, and each is looked up once for each quarter of an hour.
        """
        quarter = _quarter(now)
        zone = self._inputs.zone
        basis = quarter, zone, self._context.converter, frozenset(read)
        if self._by_now[0] != basis:
            self._by_now = basis, {}
        known = self._by_now[1]
        clock = (quarter + _QUARTER).astimezone(zone).time()
        for day in days:
            if day not in known:
                start, end = (day_start(each, zone) for each in (day, day + _DAY))
                until = datetime.combine(day, clock, zone) if clock > time() else end
                known[day] = self._between(start, until, read).total
        return {day: known[day] for day in days}

    def _parts(self, day: date, read: Collection[str]) -> Iterator[Parts]:
        """What was spent by each dimension, on a day and on those before it."""
        start, end = (day_start(each, self._inputs.zone) for each in (day, day + _DAY))
        before = day_start(day - LOOKED_BACK * _DAY, self._inputs.zone)
        for dimension in EXPLAINING:
            yield Parts(
                dimension,
                self._broken_down(dimension, start, end, read),
                self._broken_down(dimension, before, start, read),
            )

    def _broken_down(self, dimension: Dimension, since: datetime, until: datetime, read: Collection[str]) -> Breakdown:
        converter = self._context.converter
        within = Filters(kind=Kind.INTERNAL, since=since, until=until)
        breakdown = Breakdown(converter)
        for day, each in dated_sums(
            self._context.ledger, within, zone=self._inputs.zone, home=converter.currency, by=(dimension.field,)
        ):
            if each.heading.account in read:
                breakdown.of(getattr(each.heading, dimension.field)).add_sum(each, day)
        return breakdown


def _on_all(known: Iterable[Mapping[date, int]]) -> dict[date, int]:
    """What accounts spent together on the days that are known of each that had begun by then."""
    begun = sorted(known, key=min)
    found: dict[date, int] = {}
    for day in {day for each in begun for day in each}:
        there = [each for each in begun if min(each) <= day]
        if all(day in each for each in there):
            found[day] = sum(each[day] for each in there)
    return found


def _quarter(at: datetime) -> datetime:
    """The start of the quarter of an hour."""
    return at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
