"""Where credits may have been bought: pairs of balance readings, worked out as readings come, kept for over a year.

They are made from the readings alone, so a ledger that has none of them yet, or whose state was rebuilt, makes them
once from all of its readings. The first reading of each account is kept with them, and tells that this was done.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from trayd.errors import LedgerError
from trayd.facts import BalanceJump
from trayd.ledger.pair import Change, Pair
from trayd.ledger.past import Past, place
from trayd.records import BalanceReading

log = logging.getLogger(__name__)

#: The tables, which a state that was rebuilt in part is better without.
DERIVED = ("first_balances", "jumps")

#: trayd was off, or nothing was spent: what was bought in between may have been spent in between.
LONG = timedelta(hours=6)

# Credits that are bought are good for 365 days, and warned of before.
_KEEP = timedelta(days=400)
_GATHER = timedelta(days=31)

# A balance that goes up and down all day must not fill the state: the small rises go, three quarters stay.
_MOST = 4000
_STAY_THEN = _MOST * 3 // 4

# Where a reading came late its neighbours are looked for, at first not far away.
_NEAR = (timedelta(days=8), timedelta(days=70), None)


def is_jump(before: BalanceReading, after: BalanceReading) -> bool:
    """Whether credits may have been bought between two readings of an account, the one following the other."""
    return _is_long(before, after) or _rise(before, after) > 0 or before.amount.currency != after.amount.currency


def _is_long(before: BalanceReading, after: BalanceReading) -> bool:
    return after.at - before.at > LONG


def _rise(before: BalanceReading, after: BalanceReading) -> int:
    return after.amount.nanos - before.amount.nanos


class Jumps:
    """The jumps of all accounts, each under the name that its readings have.

    Args:
        state: the pair that they are kept in.
        past: of the state.
    """

    def __init__(self, state: Pair, past: Past) -> None:
        self._state = state
        self._past = past
        self._last: dict[str, BalanceReading] = {}
        self._gave_up = False
        self.note(state.table("balances").rows.values())

    @property
    def firsts(self) -> Mapping[str, BalanceReading]:
        """The first reading of each account."""
        return self._state.table("first_balances").rows

    @property
    def rows(self) -> Mapping[str, BalanceJump]:
        """The jumps, by the places of their later readings."""
        return self._state.table("jumps").rows

    def note(self, readings: Iterable[BalanceReading]) -> None:
        """Remembers the last reading of each account, by its time."""
        for reading in readings:
            known = self._last.get(reading.account)
            if known is None or known.at <= reading.at:
                self._last[reading.account] = reading

    def changes(self, readings: Sequence[BalanceReading], now: datetime) -> Iterator[Change]:
        """What changes with these readings, which are about to be added, and with those of before if need be."""
        if not readings:
            return
        missing = self.missing(now)
        yield from missing
        there_is = {*self.rows, *(change.key for change in missing)}
        firsts = {**self.firsts, **{change.key: change.row for change in missing if change.table == "first_balances"}}
        adding: dict[str, dict[datetime, BalanceReading]] = {}
        for reading in readings:
            there = adding.setdefault(reading.account, {})
            before, after = self._neighbours(reading, there)
            there[reading.at] = reading
            for earlier, later in ((before, reading), (reading, after)):
                change = _between(earlier, later)
                if change is not None and (change.row is not None or change.key in there_is):
                    there_is.add(change.key)
                    yield change
            first = firsts.get(reading.account)
            if (first is None and not self._gave_up) or (first is not None and reading.at <= first.at):
                firsts[reading.account] = reading
                yield Change("first_balances", reading.account, reading)

    def missing(self, now: datetime) -> list[Change]:
        """All jumps there are, where they were not made yet; nothing where they were."""
        if self._gave_up or self._made():
            return []
        try:
            return list(self._all(now))
        except LedgerError as error:
            # A month that cannot be read must not keep readings from being taken in; the next start tries again.
            self._gave_up = True
            log.error("where the balance rose cannot be told in full: %s", error)  # noqa: TRY400 - no bug
            return []

    def _made(self) -> bool:
        firsts = self.firsts
        return all(account in firsts for account in self._last) if firsts else not (self._last or self._past.months())

    def _all(self, now: datetime) -> Iterator[Change]:
        last: dict[str, BalanceReading] = {}
        for reading in self._past.rows("balances", BalanceReading, None):
            before = last.get(reading.account)
            last[reading.account] = reading
            if before is None:
                yield Change("first_balances", reading.account, reading)
            elif reading.at >= now - _KEEP and is_jump(before, reading):
                yield Change("jumps", place(reading), BalanceJump(reading.account, before, reading))

    def _neighbours(
        self, reading: BalanceReading, adding: Mapping[datetime, BalanceReading]
    ) -> tuple[BalanceReading | None, BalanceReading | None]:
        """The readings of the account just before and just after that time, also of those that are being added."""
        last = self._last.get(reading.account)
        before, after = last, None
        if last is not None and last.at >= reading.at:
            before, after = self._stored_around(reading)
        for at, one in adding.items():
            if at < reading.at and (before is None or before.at <= at):
                before = one
            elif at > reading.at and (after is None or at <= after.at):
                after = one
        return before, after

    def _stored_around(self, reading: BalanceReading) -> tuple[BalanceReading | None, BalanceReading | None]:
        before = after = None
        try:
            for near in _NEAR:
                for one in self._past.rows("balances", BalanceReading, reading.at - near if near else None):
                    if one.account == reading.account and one.at < reading.at:
                        before = one
                    elif one.account == reading.account and one.at > reading.at:
                        after = one
                        break
                if before is not None:
                    break
        except LedgerError as error:
            log.error("where the balance rose cannot be told in full: %s", error)  # noqa: TRY400 - no bug
        return before, after

    def old(self, now: datetime) -> list[Change]:
        """The changes that let go of those that nobody needs any more; nothing most of the time."""
        rows = self.rows
        gone: set[str] = set()
        if any(jump.after.at < now - _KEEP - _GATHER for jump in rows.values()):
            gone = {key for key, jump in rows.items() if jump.after.at < now - _KEEP}
        if len(rows) - len(gone) > _MOST:
            left = sorted(rows.keys() - gone, key=lambda key: (*_weight(rows[key]), key), reverse=True)
            gone |= set(left[_STAY_THEN:])
        return [Change("jumps", key, None) for key in sorted(gone)]


def _weight(jump: BalanceJump) -> tuple[bool, int]:
    return _is_long(jump.before, jump.after), _rise(jump.before, jump.after)


def _between(before: BalanceReading | None, after: BalanceReading | None) -> Change | None:
    """The jump between two readings that follow each other, or that there is none; None before the last one."""
    if after is None:
        return None
    jump = BalanceJump(after.account, before, after) if before is not None and is_jump(before, after) else None
    return Change("jumps", place(after), jump)
