"""Unusual days: on which far more was spent with fal than on others like them, and what explains it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

from trayd.alert_settings import AnomalyLimits
from trayd.money import Money

_PERCENT = 100


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What makes up a good part of what was spent beyond the usual.

    Attributes:
        dimension: model, project, client, key or operation.
        key: the endpoint id, the name of the project and so on; None for what has no such mark.
        cost: what it cost on that day.
        usual: its part of a usual day.
        share: its part of the excess, 1 being all of it.
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
        percent: the same in percent of the usual; None where that is zero.
        score: how far it is from the usual in robust standard deviations (by the MAD), counted in ratios.
        compared: how many days it was compared with.
        explained: by what, the best explanation first; empty where nothing stands out.
    """

    day: date
    running: bool
    cost: Money
    usual: Money
    excess: Money
    percent: float | None
    score: float
    compared: int
    explained: tuple[Explanation, ...] = ()


def matters(anomaly: Anomaly, limits: AnomalyLimits) -> bool:
    """Whether so much money is at stake that a person wants to be warned."""
    excess, usual = anomaly.excess.amount, anomaly.usual.amount
    return excess >= limits.at_least and Decimal(_PERCENT) * excess >= limits.at_least_percent * usual
