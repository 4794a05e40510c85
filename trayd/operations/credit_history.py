"""What is left of the credits of each account, from the balances and the spending that the ledger knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from trayd.facts import BalanceJump
from trayd.insight.credits import LIFETIME, Credits, Expiring, Spent, expiring, lots_left
from trayd.ledger.store import Ledger
from trayd.money import Money
from trayd.records import BalanceReading, Counting, Filters, Kind

# What was spent so many days ago hardly changes: a bill comes within two days.
_SETTLED = timedelta(days=3)

_MOST_ZONES_DIFFER = timedelta(days=1)


class _Known(NamedTuple):
    """What was spent around a jump, at a version of the ledger."""

    spent: Spent
    version: int


class CreditHistory:
    """Tells credits. What was spent around readings of days ago is added up once a day.

    Args:
        ledger: what is recorded.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[BalanceJump, _Known] = {}
        self._day = date.min

    def credits(self, zone: tzinfo) -> tuple[Credits, ...]:
        """The purchases of the last 365 days of each account that has a balance, those that are used up among them.

        All is added up anew.

        Args:
            zone: the user's.
        """
        balances = sorted(self._ledger.latest_balances().items())
        return tuple(self._left(latest, zone, self._spent, used_up=True) for _, latest in balances)

    def expiring(self, *, today: date, zone: tzinfo, within: int, per_day: Mapping[str, Money]) -> tuple[Expiring, ...]:
        """What expires within so many days, of all accounts; see :func:`trayd.insight.credits.expiring`.

        Cheap enough for every look: nothing is read for an account that is known for too short a time, and no more
        purchases are asked for than there are credits left of.

        Args:
            today: the civil day that it is.
            zone: the user's.
            within: how many days.
            per_day: what accounts spend a day, by fal's username or, while that is unknown, the user's name.
        """
        found: list[Expiring] = []
        oldest = today + timedelta(days=within) - LIFETIME + _MOST_ZONES_DIFFER
        for account, latest in sorted(self._ledger.latest_balances().items()):
            first = self._ledger.first_balance(account)
            if first is not None and first.at.date() <= oldest:
                lots = self._left(latest, zone, lambda jump: self._remembered(jump, today)).lots
                found += expiring(lots, today=today, per_day=per_day.get(account))
        return tuple(one for one in found if one.days <= within)

    def _left(
        self, latest: BalanceReading, zone: tzinfo, spent: Callable[[BalanceJump], Spent], *, used_up: bool = False
    ) -> Credits:
        jumps, opening = self._ledger.jumps(latest.account), self._ledger.first_balance(latest.account)
        return lots_left(latest, opening, jumps, spent, zone=zone, used_up=used_up)

    def _remembered(self, jump: BalanceJump, today: date) -> Spent:
        if self._day != today:
            self._day = today
            self._known.clear()
        known, version = self._known.get(jump), self._ledger.version
        if known is None or (known.version != version and jump.after.at.date() >= today - _SETTLED):
            known = self._known[jump] = _Known(self._spent(jump), version)
        return known.spent

    def _spent(self, jump: BalanceJump) -> Spent:
        return Spent(*(self._between(jump.account, *span) for span in Spent.spans(jump)))

    def _between(self, account: str, since: datetime, until: datetime) -> int:
        """What fal billed for what was sent between two instants, in nano-dollars."""
        if since >= until:
            return 0
        sums = self._ledger.sums(Filters(account=account, kind=Kind.INTERNAL, since=since, until=until))
        return sum(each.nanos for each in sums if each.heading.counting is Counting.ACTUAL)
