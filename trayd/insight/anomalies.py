"""Unusual days: on which far more was spent with fal than on others like them, and what explains it.

A day is compared with the days of the nine weeks before it on which anything was spent: workdays with workdays and
weekends with weekends where there are seven of each and their medians differ by half or more, else with all. The usual
is their median. Spending varies by ratios (half and twice as much are equally far from it), so distances are
differences of logarithms, and the spread is the median of these (MAD), scaled to a standard deviation, and 0.15 at
least: who spends exactly the same each day has one, too. A day is unusual from 2.75 spreads above the usual on (its
robust z-score). It is not where three of those days (of up to thirty days two, of up to fifteen one) reached two thirds
of it: what comes every other week is no surprise, however far from the middle it is. From fewer than seven days on
which anything was spent nothing is called usual.

A day that still runs is unusual as soon as what it has cost so far would be for a whole day. It is earlier than that
where it has cost more than a usual whole day, and by this time of the day far more (four spreads) than usual by then
and more than on all of those days but one.

The excess is explained by what has a larger part in it than in usual spending. A usual day has the parts that all those
days together have, so the parts of the excess add up to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from statistics import median
from typing import NamedTuple

import msgspec

from trayd.alert_settings import AnomalyLimits
from trayd.insight.breakdown import Breakdown, Dimension
from trayd.money import Money, apportion

_PERCENT = 100

#: In US dollars: where the settings say nothing, so much has to be at stake for a warning.
AT_LEAST = Decimal("10.00")

#: So many days before a day are looked at: nine weeks.
LOOKED_BACK = 63

#: On so many of them something has to have been spent.
FEWEST = 7

#: A normal variable's standard deviation over its median absolute deviation.
_DEVIATIONS = 1.4826

# Under this spread, half as much again is unusual: who spends exactly the same each day has a MAD of zero.
_LEAST_SPREAD = 0.15

# From so many robust standard deviations on a whole day is unusual, and what a running one has cost by now.
_UNUSUAL = 2.75
_UNUSUAL_SO_FAR = 4.0

# What so many days came to two thirds of is known, however far from the middle it is: one in fifteen, three at most.
# Were it three from the first week on, large jobs would be called unusual until they had come three times.
_REACHED = (2, 3)
_REACHED_OFTEN = 3
_REACHED_OF = 15

# By how much workdays and weekends differ where each are compared with their own.
_DIFFER = 1.5
_SATURDAY = 5


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What makes up a good part of what was spent beyond the usual.

    Attributes:
        dimension: model, project, client, key or operation.
        key: the endpoint id, the name of the project and so on; None for what has no such mark.
        cost: what it cost on that day.
        usual: its part of a usual day.
        share: its part of the excess, 1 being all of it; all of it, too, where less than usual was spent on others.
    """

    dimension: str
    key: str | None
    cost: Money
    usual: Money
    share: float


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """A day on which far more was spent than usual, in the home currency; external and shared costs are not in it.

    Attributes:
        day: in the user's time zone.
        running: it has not ended; ``cost`` is what was spent so far.
        usual: the median of comparable days on which anything was spent.
        excess: how much more than that.
        in_dollars: the same in US dollars, at the rate of its day; None in a home currency without one.
        percent: the excess in percent of the usual; None where that is zero.
        score: how far it is from the usual in robust standard deviations (by the MAD), counted in ratios.
        compared: how many days it was compared with.
        explained: by what, the best explanation first; empty where nothing stands out.
    """

    day: date
    running: bool
    cost: Money
    usual: Money
    excess: Money
    in_dollars: Money | None = None
    percent: float | None
    score: float
    compared: int
    explained: tuple[Explanation, ...] = ()


def is_material(anomaly: Anomaly, limits: AnomalyLimits) -> bool:
    """Whether so much money is at stake that a person wants to be warned: the materiality threshold of the settings."""
    excess, usual = anomaly.excess.amount, anomaly.usual.amount
    if Decimal(_PERCENT) * excess < limits.at_least_percent * usual:
        return False
    if limits.at_least is not None:
        return excess >= limits.at_least
    # Where nobody knows what it is worth in dollars, the same number is taken for a limit.
    return (anomaly.in_dollars or anomaly.excess).amount >= AT_LEAST


class Baseline(NamedTuple):
    """What is usual on a day.

    Attributes:
        usual: the median, in nanos.
        spread: of the logarithms, as a standard deviation.
        amounts: of the days that it was made from, in nanos, from the lowest.
        days: these days.
    """

    usual: int
    spread: float
    amounts: tuple[int, ...]
    days: tuple[date, ...]

    def score(self, nanos: int) -> float:
        """How far an amount is from the usual, in spreads; only above is looked at, so no more than zero below."""
        return math.log(nanos / self.usual) / self.spread if nanos > self.usual else 0.0

    def is_known(self, nanos: int) -> bool:
        """Whether about so much was spent on several of the days, or on one of few."""
        least, of = _REACHED
        often = min(_REACHED_OFTEN, -(-len(self.amounts) // _REACHED_OF))
        return sum(amount * of >= nanos * least for amount in self.amounts) >= often


def baseline(day: date, spent: Mapping[date, int]) -> Baseline | None:
    """What is usual on a day; None where too little is known to say.

    Args:
        day: the day.
        spent: by day that is over and known, in nanos; only those of the weeks before the day are looked at.
    """
    near = {other: nanos for other, nanos in spent.items() if 0 < (day - other).days <= LOOKED_BACK and nanos > 0}
    weekends = {other: nanos for other, nanos in near.items() if _is_weekend(other)}
    workdays = {other: nanos for other, nanos in near.items() if not _is_weekend(other)}
    if min(len(weekends), len(workdays)) >= FEWEST:
        found = {True: _baseline(weekends), False: _baseline(workdays)}
        lower, higher = sorted(each.usual for each in found.values())
        if higher >= _DIFFER * lower:
            return found[_is_weekend(day)]
    return _baseline(near) if len(near) >= FEWEST else None


def _baseline(compared: Mapping[date, int]) -> Baseline:
    amounts = tuple(sorted(compared.values()))
    logarithms = [math.log(nanos) for nanos in amounts]
    middle = median(logarithms)
    spread = _DEVIATIONS * median(abs(each - middle) for each in logarithms)
    low, high = amounts[(len(amounts) - 1) // 2], amounts[len(amounts) // 2]
    return Baseline((low + high) // 2, max(spread, _LEAST_SPREAD), amounts, tuple(sorted(compared)))


def _is_weekend(day: date) -> bool:
    return day.weekday() >= _SATURDAY


def unusual(
    day: date,
    nanos: int,
    spent: Mapping[date, int],
    currency: str,
    *,
    running: bool,
    by_now: Callable[[Sequence[date]], Mapping[date, int]] | None = None,
) -> Anomaly | None:
    """What is unusual about a day, unexplained; None where nothing is, or too little is known to say.

    Args:
        day: the day.
        nanos: what was spent on it, or so far.
        spent: by day that is over and known, in nanos.
        currency: of the amounts.
        running: whether the day has not ended.
        by_now: tells what was spent on earlier days by this time of the day; asked only where that can matter.
    """
    usual = baseline(day, spent)
    if usual is None or nanos <= usual.usual:
        return None
    score = usual.score(nanos)
    if score < _UNUSUAL or usual.is_known(nanos):
        so_far = _score_so_far(nanos, by_now(usual.days)) if running and by_now is not None else None
        if so_far is None:
            return None
        score = so_far
    excess = nanos - usual.usual
    return Anomaly(
        day=day,
        running=running,
        cost=Money(nanos, currency),
        usual=Money(usual.usual, currency),
        excess=Money(excess, currency),
        percent=round(_PERCENT * excess / usual.usual, 1),
        score=round(score, 2),
        compared=len(usual.days),
    )


def _score_so_far(nanos: int, by_now: Mapping[date, int]) -> float | None:
    """How far what was spent so far is from what usually is by now; None where that is not unusual."""
    earlier = {other: amount for other, amount in by_now.items() if amount > 0}
    if len(earlier) < FEWEST:
        return None
    so_far = _baseline(earlier)
    score = so_far.score(nanos)
    return score if score >= _UNUSUAL_SO_FAR and nanos > so_far.amounts[-2] else None


#: By what an excess is looked at, in the order in which equally good ones are taken.
EXPLAINING = (Dimension.MODEL, Dimension.PROJECT, Dimension.CLIENT, Dimension.KEY, Dimension.OPERATION)

_MOST_EXPLANATIONS = 3

# Of the excess the best explanation is at least so much, others beside it half of that.
_LEAST_SHARE = 0.3

# An explanation that is most of the excess is followed by those of other dimensions that are as well.
_LEAST_OF_OTHERS = 0.5

# By so much its part of the excess is more than its part of usual spending: what is half of all is no news as half.
_LEAST_LIFT = 0.1

# A model that explains so much of what its operation does tells all that there is to tell, as a project does of its
# client.
_NEARLY = 0.8
_WIDER: dict[str, str] = {Dimension.OPERATION: Dimension.MODEL, Dimension.CLIENT: Dimension.PROJECT}


class Parts(NamedTuple):
    """What was spent by one dimension: on the day, and on the days that it is compared with together."""

    dimension: Dimension
    of_day: Breakdown
    before: Breakdown


class _Case(NamedTuple):
    """An explanation, and by how much its part of the excess is above its part of usual spending."""

    explanation: Explanation
    lift: float


def explained(anomaly: Anomaly, parts: Sequence[Parts]) -> Anomaly:
    """The same, with what explains it.

    The dimension of which one key stands out most comes first. Where that key is most of the excess, the best of the
    other dimensions follow it, those that are most of it as well; else the next keys of the same dimension.

    Args:
        anomaly: an unusual day.
        parts: what was spent by each dimension.
    """
    by_dimension = _without_wider([found for each in parts if (found := _cases(anomaly, each))])
    if not by_dimension:
        return anomaly
    by_dimension.sort(key=lambda cases: -cases[0].lift)
    best = by_dimension[0]
    if best[0].explanation.share >= _LEAST_OF_OTHERS:
        others = (cases[0] for cases in by_dimension[1:])
        chosen = [best[0], *(case for case in others if case.explanation.share >= _LEAST_OF_OTHERS)]
    else:
        chosen = [best[0], *(case for case in best[1:] if case.explanation.share >= _LEAST_SHARE / 2)]
    return msgspec.structs.replace(anomaly, explained=tuple(case.explanation for case in chosen[:_MOST_EXPLANATIONS]))


def _without_wider(found: Sequence[list[_Case]]) -> list[list[_Case]]:
    """Without what is said twice: an operation is of its models and a client of its projects, with all of their excess.

    Where the narrower one explains nearly as much, it alone is told.
    """
    best = {cases[0].explanation.dimension: cases[0].explanation.share for cases in found}
    wider = {wide for wide, narrow in _WIDER.items() if best.get(narrow, 0.0) >= _NEARLY * best.get(wide, 0.0)}
    return [cases for cases in found if cases[0].explanation.dimension not in wider]


def _cases(anomaly: Anomaly, parts: Parts) -> list[_Case]:
    """What stands out by one dimension, the best first."""
    currency, excess = anomaly.cost.currency, anomaly.excess.nanos
    before = [portion for portion in parts.before.ranked() if portion.nanos > 0]
    if not before:
        return []
    usual = dict(
        zip(
            (portion.key for portion in before),
            apportion(anomaly.usual.nanos, [portion.nanos for portion in before]),
            strict=True,
        )
    )
    cases = []
    for portion in parts.of_day.ranked():
        mine = usual.get(portion.key, 0)
        share = (portion.nanos - mine) / excess
        lift = share - mine / anomaly.usual.nanos
        if share >= _LEAST_SHARE / 2 and lift >= _LEAST_LIFT:
            explanation = Explanation(
                dimension=parts.dimension.value,
                key=portion.key,
                cost=Money(portion.nanos, currency),
                usual=Money(mine, currency),
                share=round(min(share, 1.0), 4),
            )
            cases.append(_Case(explanation, lift))
    cases.sort(key=lambda case: -case.lift)
    return cases if cases and cases[0].explanation.share >= _LEAST_SHARE else []
