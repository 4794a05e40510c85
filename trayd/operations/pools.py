"""What a person asks about shared costs: what each is for, who shares it, and what is not clear about it."""

from __future__ import annotations

from datetime import date, timedelta, tzinfo
from decimal import Decimal
from itertools import islice
from typing import Annotated

import msgspec
from msgspec import Meta

from trayd.books import Books, Division
from trayd.money import Money
from trayd.operations.filters import FilterQuery
from trayd.records import ExternalCost

_DAY = timedelta(days=1)
_RATIO_DIGITS = 6


class PoolsQuery(FilterQuery, frozen=True, kw_only=True, omit_defaults=True):
    """Which shared costs, by their shares, and how many."""

    limit: Annotated[int, Meta(ge=0)] = 50


class Period(msgspec.Struct, frozen=True):
    """The first and the last day that a cost is for."""

    since: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")


class ListedShare(msgspec.Struct, frozen=True, kw_only=True):
    """What a project bears.

    Attributes:
        share: its part of the whole, 1 being all of it, to six digits.
        basis: the same in words, with what it was divided by.
    """

    id: str
    client: str | None
    project: str | None
    amount: Money
    share: float
    basis: str


class ListedPool(msgspec.Struct, frozen=True, kw_only=True):
    """A shared cost.

    Attributes:
        period: what it is for; ``goes_on``: it has not ended, and the shares still follow what is spent.
        split: spend, equal, or the weights.
        set_up: the settings tell of it; else it was imported.
        shares: by project, the largest first; empty where it is not divided.
        project: that all of it belongs to, as the imported row says.
        trouble: what is not clear about it, in words.
    """

    id: str
    date: date
    description: str
    amount: Money
    period: Period
    goes_on: bool
    split: str | dict[str, Decimal]
    set_up: bool
    client: str | None
    project: str | None
    shares: list[ListedShare]
    trouble: str


def listed_pools(books: Books, query: PoolsQuery, *, zone: tzinfo, today: date) -> list[ListedPool]:
    """The shared costs that are asked for, newest first.

    Raises:
        UsageError: a filter cannot be read.
    """
    found = books.divisions(query.filters(zone), zone=zone)
    return [_listed(division, today) for division in islice(found, query.limit)]


def _listed(division: Division, today: date) -> ListedPool:
    pool, cost = division.pool, division.pool.cost
    shares = [_share(piece, cost) for piece in division.pieces if piece is not cost]
    return ListedPool(
        id=cost.id,
        date=cost.date,
        description=cost.description,
        amount=cost.amount,
        period=Period(pool.since, pool.until - _DAY),
        goes_on=today < pool.until,
        split=pool.split if isinstance(pool.split, str) else dict(pool.split),
        set_up=division.set_up,
        client=cost.client,
        project=cost.project,
        shares=sorted(shares, key=lambda share: (-share.share, share.client or "", share.project or "")),
        trouble=division.trouble,
    )


def _share(piece: ExternalCost, whole: ExternalCost) -> ListedShare:
    return ListedShare(
        id=piece.id,
        client=piece.client,
        project=piece.project,
        amount=piece.amount,
        share=round(piece.amount.nanos / whole.amount.nanos, _RATIO_DIGITS),
        basis=piece.note or "",
    )
