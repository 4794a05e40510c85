"""Pace: the rate at which money is being spent, with a prediction interval.

The rate is an exponentially weighted average of the whole days that are known, with a half-life of a week: so long it
takes until a change (a project ends, a client comes) shows, and so long one large job weighs. Half a week would follow
every burst; a month would still speak of a project that ended three weeks ago. Of the difference between that and the
last weeks (the same average with a half-life of four weeks) only what is more than chance counts (shrinkage). From four
weeks on, each weekday has its own factor, as far as it differs from the others by more than chance.

The range is that of four times out of five: a prediction interval of 80 %. It comes from how far the days lie from the
rate: spending of many days evens out, the uncertainty of the rate itself does not, and days that are autocorrelated (a
project's rush) even out less, which their sums over weeks tell. It is widened to what the last days alone (a half-life
of two days) and the last weeks would say, and, where these agree that spending rises or falls (with under four weeks of
days: where the last week and the one before it differ), to four more weeks of that. Little history is taken as
uncertain: as if one day at twice the rate, or none, had been seen as well.

All of this is plain arithmetic: the same days give the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Context, Decimal, localcontext
from functools import cache, lru_cache
from typing import NamedTuple, Self

#: So many days are looked at: nine weeks.
LOOKED_AT = 63

#: From fewer whole days of known spending nothing is foreseen.
FEWEST_DAYS = 3

_HALF_LIFE = 7
_LAST_DAYS = 2
_LAST_WEEKS = 28
_SPREAD = 21

_DAYS_FOR_WEEKDAYS = 28
_DAYS_FOR_AUTOCORRELATION = 21
_DAYS_FOR_TREND = 14
_TREND_GOES_ON = 28
_WEEK = 7

# Four times out of five: the tenth and the ninetieth percentile of a standard normal distribution.
_TENTH = Decimal("1.2816")
_MOST_SPREAD = Decimal(2)

# The variance inflation of autocorrelated days that is assumed before weeks tell, and how many days that weighs.
_PRIOR_INFLATION, _PRIOR_DAYS = Decimal(3), 14

_CONTEXT = Context(prec=28)

# They are asked for after each poll, and days that are over stay the same.
_MOST_KEPT = 32
_ZERO, _ONE = Decimal(0), Decimal(1)


class WholeDay(NamedTuple):
    """What was spent on a day that is over and known in whole, in nanos."""

    day: date
    nanos: int


class Prediction(NamedTuple):
    """What is expected to be spent, in nanos, with its prediction interval of 80 %: from ``low`` to ``high``."""

    mean: Decimal
    low: Decimal
    high: Decimal


class _Trend(NamedTuple):
    """Spending that rises or falls.

    Attributes:
        recent: what a day cost ``age`` days before the last one.
        slope: by how much more, or less, it costs with each day.
    """

    recent: Decimal
    slope: Decimal
    age: Decimal


class Pace(NamedTuple):
    """At which rate money is spent; amounts in nanos.

    Attributes:
        rate: of an average day of the week.
        factors: of the days of the week, from Monday on; 1 on average.
        days: how many the rate rests on.
        others: the rates of the last days and of the last weeks.
        variance: of one day, autocorrelation included; ``effective`` is how many days the rate is as sure as.
        trend: None where spending neither rises nor falls clearly.
    """

    rate: Decimal
    factors: tuple[Decimal, ...]
    days: int
    others: tuple[Decimal, ...]
    variance: Decimal
    effective: Decimal
    trend: _Trend | None

    @classmethod
    def of(cls, days: Sequence[WholeDay]) -> Self | None:
        """The pace of these days, oldest first; None where they are too few."""
        if len(days) < FEWEST_DAYS:
            return None
        with localcontext(_CONTEXT):
            return cls(*_figures(tuple(days[-LOOKED_AT:])))

    def factor(self, day: date) -> Decimal:
        """How many average days a day is."""
        return self.factors[day.weekday()]

    def over(self, days: Decimal) -> Prediction:
        """What so many average days will cost."""
        with localcontext(_CONTEXT):
            return self._over(days)

    def _over(self, days: Decimal) -> Prediction:
        mean = self.rate * days
        deviation = (self.variance * (days + days * days / self.effective)).sqrt()
        cases = [(each * days, deviation) for each in (self.rate, *self.others)]
        if self.trend is not None and mean > 0:
            recent, slope, age = self.trend
            rising = min(days, Decimal(_TREND_GOES_ON))
            whole = recent * days + slope * (age * days + rising * rising / 2 + rising * (days - rising))
            cases.append((whole, deviation * whole / mean))
        return Prediction(
            mean,
            min(_quantile(case, spread, -_TENTH) for case, spread in cases),
            max(_quantile(case, spread, _TENTH) for case, spread in cases),
        )


def _quantile(mean: Decimal, deviation: Decimal, normal: Decimal) -> Decimal:
    """The amount below which spending stays as often as a normal variable stays below ``normal``.

    Spending is above zero and skewed, as the gamma distribution is; this is Wilson's and Hilferty's approximation to it
    (Proc. Natl. Acad. Sci. 17, 1931).
    """
    if mean <= 0:  # more was refunded than spent
        return mean + normal * deviation
    relative = min(deviation / mean, _MOST_SPREAD)
    root = 1 - relative * relative / 9 + normal * relative / 3
    return mean * max(root, _ZERO) ** 3


@lru_cache(_MOST_KEPT)
def _figures(
    days: tuple[WholeDay, ...],
) -> tuple[Decimal, tuple[Decimal, ...], int, tuple[Decimal, ...], Decimal, Decimal, _Trend | None]:
    factors = _weekdays(days)
    ages = [(days[-1].day - each.day).days for each in days]
    relative = [factors[each.day.weekday()] for each in days]
    recent, last_days, last_weeks, middle = (
        _average(days, relative, ages, half_life) for half_life in (_HALF_LIFE, _LAST_DAYS, _LAST_WEEKS, _SPREAD)
    )
    off = [each.nanos - middle * factor for each, factor in zip(days, relative, strict=True)]
    squares = [each * each for each in off]
    weights = [_weight(_SPREAD, age) for age in ages]
    whole = sum(weights, _ZERO)
    # As if one day more had been seen, that was off by all of the rate.
    variance = (sum(map(Decimal.__mul__, weights, squares), _ZERO) + recent * recent) / whole
    variance *= _variance_inflation(off, squares)
    effective, longer = _effective(ages, _HALF_LIFE), _effective(ages, _LAST_WEEKS)
    # How much of the difference between the last days and the last weeks is not chance: nothing of one that is within
    # its standard error, fifteen sixteenths of one of twice that. James and Stein's 1 - s²/d² would be three quarters:
    # measured, it follows bursts as little, and real changes too late.
    apart = recent - last_weeks
    chance = variance * max(1 / effective - 1 / longer, _ZERO)
    told = max(1 - (chance / (apart * apart)) ** 2, _ZERO) if apart else _ZERO
    rate = last_weeks + apart * told
    trend = None
    if len(days) >= _DAYS_FOR_WEEKDAYS:
        if last_days >= recent >= last_weeks or last_days <= recent <= last_weeks:
            age, longer = _age(ages, _HALF_LIFE), _age(ages, _LAST_WEEKS)
            trend = _trend(recent, age, (recent - last_weeks) / (longer - age))
    elif len(days) >= _DAYS_FOR_TREND:
        trend = _trend_of_weeks(days, variance)
    return rate, factors, len(days), (last_days, last_weeks), variance, effective, trend


def _average(days: Sequence[WholeDay], relative: Sequence[Decimal], ages: Sequence[int], half_life: int) -> Decimal:
    weights = [_weight(half_life, age) for age in ages]
    spent = sum((weight * each.nanos for weight, each in zip(weights, days, strict=True)), _ZERO)
    seen = sum(map(Decimal.__mul__, weights, relative), _ZERO)
    return spent / seen if seen else _ZERO


def _trend_of_weeks(days: Sequence[WholeDay], variance: Decimal) -> _Trend | None:
    """The trend where weekdays are not told apart yet and each Sunday would look like a fall: between whole weeks.

    Of the difference between two weeks as much counts as is likely to be more than chance. A day of them that is not
    known could be any weekday: then there is none.
    """
    last = days[-1].day
    ages = {(last - each.day).days: each.nanos for each in days}
    two_weeks = range(2 * _WEEK)
    if any(age not in ages for age in two_weeks):
        return None
    week, before = (Decimal(sum(ages[age] for age in some)) / _WEEK for some in (two_weeks[:_WEEK], two_weeks[_WEEK:]))
    apart, chance = week - before, 2 * variance / _WEEK
    if not apart:
        return None
    return _trend(week, Decimal(_WEEK - 1) / 2, apart * (apart * apart / (apart * apart + chance)) / _WEEK)


def _trend(recent: Decimal, age: Decimal, slope: Decimal) -> _Trend | None:
    # It falls to nothing at most.
    lowest = -max(recent, _ZERO) / (age + _TREND_GOES_ON)
    return _Trend(recent, max(slope, lowest), age) if slope else None


def _age(ages: Sequence[int], half_life: int) -> Decimal:
    weights = [_weight(half_life, age) for age in ages]
    return sum(map(Decimal.__mul__, weights, map(Decimal, ages)), _ZERO) / sum(weights, _ZERO)


def _variance_inflation(off: Sequence[Decimal], squares: Sequence[Decimal]) -> Decimal:
    """The variance inflation of autocorrelated days: sums vary 1 to 7 times as much as with independent ones."""
    count = len(off)
    found = _PRIOR_INFLATION
    whole = sum(squares, _ZERO)
    if count >= _DAYS_FOR_AUTOCORRELATION and whole:
        weeks = [sum(off[start : start + _WEEK], _ZERO) for start in range(count - _WEEK + 1)]
        of_weeks = sum((week * week for week in weeks), _ZERO) / (len(weeks) * _WEEK)
        # Sums that overlap vary less about the rate that was made of them.
        found = min(max(of_weeks / (whole / count) * count / (count - _WEEK), _ONE), Decimal(_WEEK))
    elif count >= _DAYS_FOR_AUTOCORRELATION:
        found = _ONE
    return (found * count + _PRIOR_INFLATION * _PRIOR_DAYS) / (count + _PRIOR_DAYS)


def _weekdays(days: Sequence[WholeDay]) -> tuple[Decimal, ...]:
    """How much is spent on each day of the week, 1 being the average, as far as it is more than chance."""
    even = (_ONE,) * _WEEK
    by_weekday: list[list[int]] = [[] for _ in range(_WEEK)]
    for each in days:
        by_weekday[each.day.weekday()].append(each.nanos)
    spent = sum(each.nanos for each in days)
    if len(days) < _DAYS_FOR_WEEKDAYS or spent <= 0 or min(map(len, by_weekday)) < _DAYS_FOR_WEEKDAYS // _WEEK - 1:
        return even
    means = [Decimal(sum(each)) / len(each) for each in by_weekday]
    average = sum(means, _ZERO) / _WEEK
    within = sum((amount - mean) ** 2 for amounts, mean in zip(by_weekday, means, strict=True) for amount in amounts)
    noise = Decimal(within) / (len(days) - _WEEK) / (Decimal(len(days)) / _WEEK)
    apart = sum(((mean - average) ** 2 for mean in means), _ZERO) / (_WEEK - 1)
    told = max(apart - noise, _ZERO) / apart if apart else _ZERO
    factors = [max(1 + told * (mean / average - 1), _ZERO) for mean in means] if average > 0 else [*even]
    whole = sum(factors, _ZERO) / _WEEK
    return tuple(factor / whole for factor in factors) if whole else even


def _effective(ages: Sequence[int], half_life: int) -> Decimal:
    weights = [_weight(half_life, age) for age in ages]
    whole = sum(weights, _ZERO)
    return whole * whole / sum((weight * weight for weight in weights), _ZERO)


@cache
def _weight(half_life: int, age: int) -> Decimal:
    return _CONTEXT.power(Decimal("0.5"), Decimal(age) / half_life)


def day_part(since_start: timedelta, length: timedelta) -> Decimal:
    """Which part of a day (of 23, 24 or 25 hours) that much of it is."""
    return _CONTEXT.divide(Decimal(since_start // _MICROSECOND), Decimal(length // _MICROSECOND))


_MICROSECOND = timedelta(microseconds=1)
