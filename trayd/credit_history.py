"""What is left of the credits of each account, from the balances and the spending that the ledger knows."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from trayd.facts import BalanceJump
from trayd.insight.credits import LIFETIME, Credits, Expiring, Spent, expiring, lots_left
from trayd.ledger.store import Ledger
from trayd.money import Money
from trayd.records import Counting, Filters, Kind

_MOST_ZONES_DIFFER = timedelta(days=1)


class _Around(NamedTuple):
    """What was spent around the jumps of a month, and of what state of the ledger that is.

    Attributes:
        jumps: from the first to the last, how many there are.
    """

    version: int
    basis: Hashable | None
    jumps: tuple[BalanceJump, BalanceJump, int]
    spent: dict[BalanceJump, Spent]


class CreditHistory:
    """Tells credits; what was spent around the readings of past months is added up once and kept.

    Args:
        ledger: what is recorded.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._around: dict[tuple[str, int, int], _Around] = {}

    def credits(self, zone: tzinfo, *, used_up: bool = False) -> tuple[Credits, ...]:
        """What is left of the purchases of each account that has a balance.

        Args:
            zone: the user's.
            used_up: purchases of the last 365 days of which nothing is left are among them.
        """
        names = sorted(self._ledger.latest_balances())
        return tuple(found for name in names if (found := self._of(name, zone, used_up=used_up)) is not None)

    def expiring(self, *, today: date, zone: tzinfo, within: int, per_day: Mapping[str, Money]) -> tuple[Expiring, ...]:
        """What expires within so many days, of all accounts; see :func:`trayd.insight.credits.expiring`.

        Nothing is looked at of an account that has been known for too short a time.

        Args:
            today: the civil day that it is.
            zone: the user's.
            within: how many days.
            per_day: what accounts spend a day, by fal's username or, while that is unknown, the user's name.
        """
        found: list[Expiring] = []
        oldest = today + timedelta(days=within) - LIFETIME
        for account in sorted(self._ledger.latest_balances()):
            first = self._ledger.first_balance(account)
            if first is None or first.at.date() - _MOST_ZONES_DIFFER > oldest:
                continue
            known = self._of(account, zone)
            if known is not None:
                found += expiring(known.lots, today=today, per_day=per_day.get(account))
        return tuple(one for one in found if one.days <= within)

    def _of(self, account: str, zone: tzinfo, *, used_up: bool = False) -> Credits | None:
        latest = self._ledger.latest_balances().get(account)
        if latest is None:
            return None
        jumps = self._ledger.jumps(account)
        months = {month: list(group) for month, group in groupby(jumps, key=_month)}

        def spent(jump: BalanceJump) -> Spent:
            return self._spent(account, _month(jump), months[_month(jump)])[jump]

        opening = self._ledger.first_balance(account)
        return lots_left(latest, opening, jumps, spent, zone=zone, used_up=used_up)

    def _spent(self, account: str, month: tuple[int, int], jumps: Sequence[BalanceJump]) -> Mapping[BalanceJump, Spent]:
        key = (account, *month)
        known = self._around.get(key)
        version, of = self._ledger.version, (jumps[0], jumps[-1], len(jumps))
        if known is not None and known.jumps == of:
            if known.version == version:
                return known.spent
            basis = self._basis(jumps)
            if basis is not None and basis == known.basis:
                self._around[key] = known._replace(version=version)
                return known.spent
        spent = self._added_up(account, jumps)
        self._around[key] = _Around(version, self._basis(jumps), of, spent)
        return spent

    def _basis(self, jumps: Sequence[BalanceJump]) -> Hashable | None:
        instants = [moment for jump in jumps for span in Spent.spans(jump) for moment in span]
        return self._ledger.basis(min(instants), max(instants))

    def _added_up(self, account: str, jumps: Sequence[BalanceJump]) -> dict[BalanceJump, Spent]:
        """In one walk over the sums, however many jumps there are."""
        cuts = sorted({moment for jump in jumps for span in Spent.spans(jump) for moment in span})
        until = dict(zip(cuts, accumulate(self._between(account, cuts), initial=0), strict=True))
        return {jump: Spent(*(until[end] - until[start] for start, end in Spent.spans(jump))) for jump in jumps}

    def _between(self, account: str, cuts: Sequence[datetime]) -> Iterator[int]:
        """What fal billed for what was sent from each cut to just before the next one, in nano-dollars."""
        labels = [str(number) for number, _ in enumerate(pairwise(cuts))]
        only = Filters(account=account, kind=Kind.INTERNAL)
        sums = self._ledger.sums_over_time(cuts, labels, only)
        for label in labels:
            yield sum(
                each.nanos
                for each in sums[label]
                if each.heading.counting is Counting.ACTUAL and each.heading.currency == "USD"
            )


def _month(jump: BalanceJump) -> tuple[int, int]:
    return jump.after.at.year, jump.after.at.month
