"""``[[pool]]`` in the settings: a cost that projects share, such as a monthly plan, as a person writes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

import msgspec

from trayd.money import is_currency
from trayd.texts import check_names

#: How often a shared cost is charged.
PERIODS = ("week", "month", "quarter", "year", "once")

#: By what it is divided, where that is not by weights.
SPLITS = ("spend", "equal")

_LARGEST_AMOUNT = Decimal(10) ** 12
_WEIGHTS = (Decimal("0.000001"), Decimal(10) ** 9)
_YEARS = (1990, 2999)


class Pool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cost that projects share.

    Attributes:
        name: what it is for; the costs are described so.
        amount: what one period costs, in ``currency``; an empty one is the home currency.
        period: how often it is charged, from ``since`` (``from`` in the file) on: on the same day of each month, in
            shorter ones on their last. ``once`` is charged once, and shared over the days up to ``to``, or over the
            calendar month of ``from``.
        to: no period begins after this day; None is without an end.
        split: ``spend`` divides each period's cost in proportion to what the projects spent in it, ``equal`` in equal
            parts, a table by these weights, by the names of projects or ``Client/Project``.
    """

    name: str
    amount: Decimal
    since: date = msgspec.field(name="from")
    to: date | None = None
    currency: str = ""
    period: str = "month"
    split: str | dict[str, Decimal] = "spend"

    def __post_init__(self) -> None:
        check_names("pool", (self.name,))
        told = f"pool {self.name!r}"
        if not self.amount.is_finite() or not 0 < self.amount <= _LARGEST_AMOUNT:
            raise ValueError(f"{told}: the amount is above zero, such as 30.00, not {self.amount}")
        if self.currency and not is_currency(self.currency):
            raise ValueError(f"{told}: currency {self.currency!r} is no ISO 4217 code such as USD or EUR")
        if self.period not in PERIODS:
            raise ValueError(f"{told}: there is no period {self.period!r}; take one of {', '.join(PERIODS)}")
        if not _YEARS[0] <= self.since.year <= _YEARS[1]:
            raise ValueError(f"{told}: from {self.since} lies outside the years {_YEARS[0]} to {_YEARS[1]}")
        if self.to is not None and self.to.year > _YEARS[1]:
            raise ValueError(
                f"{told}: to {self.to} lies beyond the year {_YEARS[1]}; leave it out where there is no end"
            )
        if self.to is not None and self.to < self.since:
            raise ValueError(f"{told}: to {self.to} is before from {self.since}; swap them")
        self._check_split(told)

    def _check_split(self, told: str) -> None:
        if isinstance(self.split, str):
            if self.split not in SPLITS:
                raise ValueError(
                    f"{told}: there is no split {self.split!r}; write spend, equal or weights such as "
                    '{ "Spring Campaign" = 2, "Northwind/Relaunch" = 1 }'
                )
            return
        if not self.split:
            raise ValueError(f"{told}: split names no project; write one at least, such as {{ Spring = 1 }}")
        lowest, highest = _WEIGHTS
        for project, weight in self.split.items():
            if not project.strip(" /"):
                raise ValueError(f"{told}: split has a weight {weight} without the name of a project")
            if not weight.is_finite() or not lowest <= weight <= highest:
                raise ValueError(
                    f"{told}: the weight of {project!r} is a number above zero, such as 2 or 0.5, not {weight}"
                )

    @property
    def last(self) -> date:
        """The last day on which it can be charged."""
        return self.since if self.period == "once" else self.to or date.max


def check_overlaps(pools: Sequence[Pool]) -> None:
    """Looks whether no two entries of one name go on at the same time: a new price is a new entry.

    Raises:
        ValueError: two do.
    """
    following = sorted(pools, key=lambda pool: (pool.name, pool.since))
    for earlier, later in pairwise(following):
        if earlier.name == later.name and later.since <= earlier.last:
            raise ValueError(
                f"pool {later.name!r}: the entry from {later.since} begins while the one from {earlier.since} goes on; "
                f"end that with a `to` before {later.since}, or give one of them another name"
            )
