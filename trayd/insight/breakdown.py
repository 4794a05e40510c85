"""Breakdowns: what a total is made of, by one dimension."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, TypeVar

from trayd.errors import UsageError
from trayd.insight.conversion import rounded_together
from trayd.insight.tally import Tally
from trayd.rates import Converter
from trayd.records import Kind, TimePart


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
    def is_of_fal(self) -> bool:
        """Whether only what comes from fal can have such a mark."""
        return self in _OF_FAL

    @property
    def time_part(self) -> TimePart | None:
        """The part of time that it is; None for those whose parts are ranked by cost, and do not follow each other."""
        return _IN_TIME.get(self)


T = TypeVar("T", bound=StrEnum)


def named(breakdowns: type[T], name: str) -> T:
    """The breakdown of that name.

    Raises:
        UsageError: there is none.
    """
    try:
        return breakdowns(name)
    except ValueError:
        raise UsageError(f"--by {name}: there is no such breakdown", f"use one of {', '.join(breakdowns)}") from None


_IN_TIME = {
    Dimension.DAY: TimePart.DAY,
    Dimension.WEEKDAY: TimePart.WEEKDAY,
    Dimension.HOUR: TimePart.HOUR,
}


_OF_FAL = frozenset({Dimension.MODEL, Dimension.OPERATION, Dimension.ACCOUNT, Dimension.KEY})


class Portion(NamedTuple):
    """One part of a total.

    Attributes:
        key: what it is of; None for what has no such mark.
        tally: what is in it.
        nanos: its cost, rounded together with that of the others: they add up to the rounded total.
        kind: of what has no such mark, where kinds were told apart by it.
    """

    key: str | None
    tally: Tally
    nanos: int
    kind: Kind | None = None


class Breakdown:
    """Tallies of the parts of a total, by what they are of."""

    __slots__ = ("_converter", "_parts")

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self._parts: dict[_Mark, Tally] = {}

    def of(self, key: str | None, kind: Kind | None = None) -> Tally:
        """The tally of a part, made where there is none."""
        tally = self._parts.get((key, kind))
        if tally is None:
            tally = self._parts[key, kind] = Tally(self._converter)
        return tally

    def in_time(self) -> list[Portion]:
        """The parts in the order of their keys; what has none comes last."""
        return _costed(sorted(self._parts.items(), key=lambda part: _order(part[0])))

    def ranked(self) -> list[Portion]:
        """The parts by cost, from the highest."""
        exact = {mark: tally.exact for mark, tally in self._parts.items()}
        return _costed(sorted(self._parts.items(), key=lambda part: (-exact[part[0]], _order(part[0]))))


#: What a part is called, and the kind of what is not called anything.
_Mark = tuple[str | None, Kind | None]


def _order(mark: _Mark) -> tuple[bool, str, str]:
    key, kind = mark
    return key is None, key or "", kind or ""


def _costed(parts: list[tuple[_Mark, Tally]]) -> list[Portion]:
    nanos = rounded_together([tally.exact for _, tally in parts])
    return [Portion(key, tally, cost, kind) for ((key, kind), tally), cost in zip(parts, nanos, strict=True)]
