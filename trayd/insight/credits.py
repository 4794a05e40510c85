"""Credits: when they were bought, what is left of each purchase, and when that expires.

fal tells a balance, and neither purchases nor their dates. So a purchase is what a balance rose by beyond what was
spent between two readings, which makes its amount an estimate and its time a span. fal takes purchased credits away
365 days after their purchase (https://docs.fal.ai/faq); granted ones and coupons sooner, on dates that only its billing
page tells: these cannot be told apart here.

What is left follows from the balance alone. Where the oldest credits are spent first, what is left of all purchases is
the newest of them, up to the balance: so the lots always add up to what fal says, whatever a balance fell for
(generations, serverless, credits that expired), and what nobody knows of is taken from the oldest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

import msgspec

from trayd.facts import BalanceJump
from trayd.money import NANOS_PER_UNIT, Money
from trayd.records import BalanceReading

#: How long purchased credits last, from the instant of their purchase (https://docs.fal.ai/faq).
LIFETIME = timedelta(days=365)

#: A smaller rise is taken for a correction: what single requests cost is given back in cents to a few dollars, and
#: prepaid services of this kind sell from five dollars on. Taken for older credits, it is at worst warned of too early.
SMALLEST_PURCHASE = Money(5 * NANOS_PER_UNIT)

#: So long after it was sent a request may be charged: its run, and the charge after that.
SETTLING = timedelta(minutes=30)

#: Less than this is not worth a warning, and is what the estimates of later purchases may be off by.
SMALLEST_AT_STAKE = Money(NANOS_PER_UNIT)

#: Of fal's bills.
_CURRENCY = "USD"

#: Credits are bought in round sums; see :attr:`Lot.likely`.
_ROUND = 5 * NANOS_PER_UNIT


class Spent(NamedTuple):
    """What an account spent on generations around two readings of its balance, as billed, in nano-dollars.

    A request is dated at its sending, and charged when it has run: what was charged between the two readings lies
    between ``settled`` and ``around``.

    Attributes:
        settled: sent after the first reading, and long enough before the second to be charged by then.
        between: sent between the two.
        around: sent before the second reading, and not so long before the first that it had to be charged by then.
    """

    settled: int
    between: int
    around: int

    @classmethod
    def spans(cls, jump: BalanceJump) -> tuple[tuple[datetime, datetime], ...]:
        """The time that each of them is of: from its first instant to just before its last."""
        start, end = jump.before.at, jump.after.at
        return (start, max(start, end - SETTLING)), (start, end), (start - SETTLING, end)


class Origin(StrEnum):
    """How credits came to be there."""

    PURCHASE = "purchase"  #: seen as a rise of the balance
    OPENING = "opening"  #: there at the first reading: bought before that, nobody knows when
    UNKNOWN = "unknown"  #: there beside all that was seen: granted, or bought and spent between two readings


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """Credits that came together, and what is left of them.

    Attributes:
        after: they were bought after this reading (UTC); None where there was none before.
        at: and no later than this one: the first reading with them.
        amount: how much, estimated; it lies between ``at_least`` and ``at_most``.
        likely: the one multiple of five dollars between these two, where there is exactly one; for display.
        left: what is left where the oldest are spent first, in the order of purchases.
        expires: the first day (of the user's zone) on which they may be gone; None where nobody knows.
        gone: the first day on which they are gone for certain; None where nobody knows.
        estimated: whether ``amount`` is one; of an opening balance it is fal's own.
    """

    account: str
    origin: Origin
    after: datetime | None
    at: datetime
    amount: Money
    at_least: Money
    at_most: Money
    likely: Money | None
    left: Money
    expires: date | None
    gone: date | None
    estimated: bool


class Credits(msgspec.Struct, frozen=True, kw_only=True):
    """The credits of an account at its latest reading.

    Attributes:
        balance: what all lots have left, together; below zero, nothing is left of any.
        at: when fal told it (UTC).
        lots: those with something left, the oldest first; credits of unknown age before all others.
    """

    account: str
    balance: Money
    at: datetime
    lots: tuple[Lot, ...]


class Expiring(msgspec.Struct, frozen=True, kw_only=True):
    """What will become of a lot that has a date.

    Attributes:
        days: from today until they may be gone; none are left on that day.
        used: what the account's rate of spending will have used of it by then, older lots first; None where no rate
            is known.
        unused: what will be left then.
    """

    account: str
    lot: Lot
    days: int
    used: Money | None
    unused: Money


class Rise(msgspec.Struct, frozen=True, kw_only=True):
    """How much was bought between two readings.

    Attributes:
        at_least: what the balance rose by, and what was surely spent in between.
        at_most: the same with what may have been spent in between.
    """

    jump: BalanceJump
    amount: int
    at_least: int
    at_most: int


def rise_of(jump: BalanceJump, spent: Callable[[BalanceJump], Spent]) -> Rise | None:
    """What was bought between the two readings of a jump; None where that is nothing, or not to be told from it.

    Several purchases between two readings are one. A balance that is the same to the nano-dollar although there was
    spending was not what that was paid from: the account was on invoice. Balances in another currency than fal's bills
    cannot be compared with these.

    Args:
        jump: the two readings.
        spent: tells what was spent around them.
    """
    before, after = jump.before, jump.after
    rise = after.amount.nanos - before.amount.nanos
    if rise == 0 or not before.amount.currency == after.amount.currency == _CURRENCY:
        return None
    if rise < SMALLEST_PURCHASE.nanos and after.at - before.at <= SETTLING:
        return None
    around = spent(jump)
    if rise + around.settled < SMALLEST_PURCHASE.nanos:
        return None
    return Rise(jump=jump, amount=rise + around.between, at_least=rise + around.settled, at_most=rise + around.around)


def lots_left(
    latest: BalanceReading,
    opening: BalanceReading | None,
    jumps: Collection[BalanceJump],
    spent: Callable[[BalanceJump], Spent],
    *,
    zone: tzinfo,
    used_up: bool = False,
) -> Credits:
    """What is left of each purchase at the latest reading.

    Args:
        latest: the newest reading.
        opening: the first reading of all.
        jumps: of the account, in any order; none is asked of that is older than what is left.
        spent: tells what was spent around the readings of a jump.
        zone: the user's, in which the days are.
        used_up: whether purchases of the last 365 days of which nothing is left are among the lots, too.
    """
    account, currency = latest.account, latest.amount.currency
    remaining = max(latest.amount.nanos, 0)
    lots: list[Lot] = []

    def money(nanos: int) -> Money:
        return Money(nanos, currency)

    for jump in _newest_first(jumps):
        if jump.after.at + LIFETIME <= latest.at or not (remaining or used_up):
            break
        rise = rise_of(jump, spent) if jump.after.at <= latest.at else None
        if rise is None or currency != _CURRENCY:
            continue
        left = min(remaining, rise.amount)
        remaining -= left
        lots.append(
            Lot(
                account=account,
                origin=Origin.PURCHASE,
                after=jump.before.at,
                at=jump.after.at,
                amount=money(rise.amount),
                at_least=money(rise.at_least),
                at_most=money(rise.at_most),
                likely=_likely(rise, currency),
                left=money(left),
                expires=_day_of(jump.before.at + LIFETIME, zone),
                gone=_day_of(jump.after.at + LIFETIME, zone),
                estimated=True,
            )
        )
    lots += _undated(latest, opening, remaining, zone)
    return Credits(account=account, balance=latest.amount, at=latest.at, lots=tuple(reversed(lots)))


def _newest_first(jumps: Iterable[BalanceJump]) -> Iterator[BalanceJump]:
    """Each of them once."""
    newest = sorted(jumps, key=lambda jump: (jump.after.at, jump.before.at), reverse=True)
    return (jump for jump, _ in groupby(newest))


def _undated(latest: BalanceReading, opening: BalanceReading | None, remaining: int, zone: tzinfo) -> Iterator[Lot]:
    """What is left beside all purchases, the newer first."""
    currency = latest.amount.currency
    if opening is not None and opening.amount.currency == currency and opening.at + LIFETIME > latest.at:
        left = min(remaining, max(opening.amount.nanos, 0))
        remaining -= left
        if left:
            yield _of_unknown_age(Origin.OPENING, opening, left, gone=_day_of(opening.at + LIFETIME, zone))
    if remaining:
        yield _of_unknown_age(
            Origin.UNKNOWN, BalanceReading(latest.account, latest.at, Money(remaining, currency)), remaining
        )


def _of_unknown_age(origin: Origin, seen: BalanceReading, left: int, gone: date | None = None) -> Lot:
    return Lot(
        account=seen.account,
        origin=origin,
        after=None,
        at=seen.at,
        amount=seen.amount,
        at_least=seen.amount,
        at_most=seen.amount,
        likely=None,
        left=Money(left, seen.amount.currency),
        expires=None,
        gone=gone,
        estimated=origin is not Origin.OPENING,
    )


def _likely(rise: Rise, currency: str) -> Money | None:
    most = rise.at_most // _ROUND * _ROUND
    return Money(most, currency) if most - _ROUND < rise.at_least <= most else None


def _day_of(moment: datetime, zone: tzinfo) -> date:
    return moment.astimezone(zone).date()


def expiring(lots: Sequence[Lot], *, today: date, per_day: Money | None) -> tuple[Expiring, ...]:
    """What will become of each lot that has a date and something left, the first to expire first.

    Spending uses older lots first, and what is of unknown age before them; what it leaves of a lot on its day is lost.
    A lot whose day is over although the balance still holds it was bought later than on the first day possible: it is
    spent before those that follow, and no longer warned of.

    Args:
        lots: of one account, the oldest first.
        today: the civil day that it is.
        per_day: what the account spends a day; None where that is not known: then nothing is taken to be used.
    """
    before = 0
    found: list[Expiring] = []
    for lot in lots:
        left = lot.left.nanos
        days = None if lot.expires is None else (lot.expires - today).days
        if days is None or days < 0:
            before += left
            continue
        if not left:
            continue
        used = 0
        if per_day is not None:
            used = min(left, max(0, per_day.nanos * days - before))
            before += used
        found.append(
            Expiring(
                account=lot.account,
                lot=lot,
                days=days,
                used=Money(used, lot.left.currency) if per_day is not None else None,
                unused=Money(left - used, lot.left.currency),
            )
        )
    return tuple(found)
