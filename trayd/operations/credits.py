"""What a person asks about credits: what was bought when, what is left of it, and what will expire unused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec

from trayd.insight.credits import Credits, Lot, Origin, expiring
from trayd.money import Money


class ListedLot(msgspec.Struct, frozen=True, kw_only=True):
    """Credits that came together.

    Attributes:
        origin: purchase; opening (there when trayd first looked), or unknown.
        bought_after: the last reading without them, and ``bought_by`` the first one with them (UTC).
        amount: how much, estimated; between ``at_least`` and ``at_most``. ``likely``: the one round sum in between.
        left: what is left of it, if the oldest credits are spent first.
        expires: the first day on which they may be gone, and ``gone`` the first one on which they are; null where
            nobody knows.
        days: until then.
        unused: what will be left of it then at the rate of now; null where no rate or no day is known.
    """

    origin: Origin
    bought_after: datetime | None
    bought_by: datetime
    amount: Money
    at_least: Money
    at_most: Money
    likely: Money | None
    estimated: bool
    left: Money
    expires: date | None
    gone: date | None
    days: int | None
    unused: Money | None


class ListedCredits(msgspec.Struct, frozen=True, kw_only=True):
    """The credits of an account.

    Attributes:
        account: fal's name for it; ``name``: the user's, in whose order they come.
        as_of: when fal told the balance (UTC); it is what all lots have left, together.
        per_day: what the account spends a day; null where that is not known.
        lots: the oldest first.
    """

    account: str
    name: str
    balance: Money
    as_of: datetime
    per_day: Money | None
    lots: list[ListedLot]


def listed_credits(
    found: Sequence[Credits], *, names: Mapping[str, str], today: date, per_day: Mapping[str, Money]
) -> list[ListedCredits]:
    """The credits of all accounts.

    Args:
        found: what is left of them.
        names: what the user calls accounts, by fal's names, in the order in which they are told.
        today: the civil day that it is.
        per_day: what accounts spend a day.
    """
    order = {account: place for place, account in enumerate(names)}
    ranked = sorted(found, key=lambda each: (order.get(each.account, len(order)), each.account))
    return [_listed(each, names.get(each.account, each.account), today, per_day.get(each.account)) for each in ranked]


def _listed(known: Credits, name: str, today: date, per_day: Money | None) -> ListedCredits:
    to_come = {(one.lot.after, one.lot.at): one for one in expiring(known.lots, today=today, per_day=per_day)}

    def lot_of(lot: Lot) -> ListedLot:
        one = to_come.get((lot.after, lot.at))
        return ListedLot(
            origin=lot.origin,
            bought_after=lot.after,
            bought_by=lot.at,
            amount=lot.amount,
            at_least=lot.at_least,
            at_most=lot.at_most,
            likely=lot.likely,
            estimated=lot.estimated,
            left=lot.left,
            expires=lot.expires,
            gone=lot.gone,
            days=(lot.expires - today).days if lot.expires else None,
            unused=one.unused if one and per_day is not None else None,
        )

    return ListedCredits(
        account=known.account,
        name=name,
        balance=known.balance,
        as_of=known.at,
        per_day=per_day,
        lots=[lot_of(lot) for lot in known.lots],
    )
