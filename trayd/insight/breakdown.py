"""Breakdowns: what a total is made of, by one dimension."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from trayd.errors import UsageError
from trayd.insight.conversion import rounded_together
from trayd.insight.tally import Tally
from trayd.rates import Converter
from trayd.records import TimePart


class Dimension(StrEnum):
    """By what a total can be broken down."""

    MODEL = "model"
    OPERATION = "operation"
    CLIENT = "client"
    PROJECT = "project"
    DELIVERABLE = "deliverable"
    ACCOUNT = "account"
    KEY = "key"
    KIND = "kind"
    DAY = "day"
    WEEKDAY = "weekday"
    HOUR = "hour"

    @property
    def field(self) -> str:
        """The field of a sum's heading that tells its part; not for those in time."""
        return "endpoint_id" if self is Dimension.MODEL else self.value

    @property
    def time_part(self) -> TimePart | None:
        """The part of time that it is; None for those whose parts are ranked by cost, and do not follow each other."""
        return _IN_TIME.get(self)

    @classmethod
    def named(cls, name: str) -> Dimension:
        """The dimension of that name.

        Raises:
            UsageError: there is none.
        """
        try:
            return cls(name)
        except ValueError:
            raise UsageError(f"--by {name}: there is no such breakdown", f"use one of {', '.join(cls)}") from None


_IN_TIME = {
    Dimension.DAY: TimePart.DAY,
    Dimension.WEEKDAY: TimePart.WEEKDAY,
    Dimension.HOUR: TimePart.HOUR,
}


class Portion(NamedTuple):
    """One part of a total.

    Attributes:
        key: what it is of; None for what has no such mark.
        tally: what is in it.
        nanos: its cost, rounded together with that of the others: they add up to the rounded total.
    """

    key: str | None
    tally: Tally
    nanos: int


class Breakdown:
    """Tallies of the parts of a total, by what they are of."""

    __slots__ = ("_converter", "_parts")

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self._parts: dict[str | None, Tally] = {}

    def of(self, key: str | None) -> Tally:
        """The tally of a part, made where there is none."""
        tally = self._parts.get(key)
        if tally is None:
            tally = self._parts[key] = Tally(self._converter)
        return tally

    def in_time(self) -> list[Portion]:
        """The parts in the order of their keys; what has none comes last."""
        return _costed(sorted(self._parts.items(), key=lambda part: (part[0] is None, part[0] or "")))

    def ranked(self) -> list[Portion]:
        """The parts by cost, from the highest."""
        exact = {key: tally.exact for key, tally in self._parts.items()}
        return _costed(sorted(self._parts.items(), key=lambda part: (-exact[part[0]], part[0] is None, part[0] or "")))


def _costed(parts: list[tuple[str | None, Tally]]) -> list[Portion]:
    nanos = rounded_together([tally.exact for _, tally in parts])
    return [Portion(key, tally, cost) for (key, tally), cost in zip(parts, nanos, strict=True)]
