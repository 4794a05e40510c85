"""Balance readings as they come: the newest of each account, and which of them are worth a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from trayd.ledger.jumps import LONG
from trayd.ledger.pair import Change, Pair
from trayd.ledger.past import place
from trayd.records import BalanceReading

#: What has not changed is written again when the last time is this long ago.
WRITE_ANYWAY = timedelta(hours=24)

#: A reading that is of later than this much from now was made by a clock that was wrong.
_CLOCKS_DIFFER = timedelta(minutes=5)


class Readings:
    """The readings of all accounts, each under the name that it came with.

    Args:
        state: the pair that they are kept in.
        clock: tells which are of the future (with a zone).
    """

    def __init__(self, state: Pair, clock: Callable[[], datetime]) -> None:
        self._state = state
        self._clock = clock
        self._newest: dict[str, BalanceReading] = {}
        self._unchanged: dict[str, BalanceReading] = {}
        self.note(self._kept)

    @property
    def newest(self) -> Mapping[str, BalanceReading]:
        """The newest reading by account."""
        return self._newest

    @property
    def _kept(self) -> Iterable[BalanceReading]:
        return self._state.table("balances").rows.values()

    def note(self, readings: Iterable[BalanceReading]) -> None:
        """Remembers the newest of readings that are durable."""
        wrong = self._clock() + _CLOCKS_DIFFER
        for reading in readings:
            known = self._newest.get(reading.account)
            if known is None or known.at <= reading.at or reading.at <= wrong < known.at:
                self._newest[reading.account] = reading

    def changes(self, readings: Iterable[BalanceReading]) -> Iterator[Change]:
        """Those that are to be written: where the balance changed, or nobody looked for hours, and else one a day."""
        new: dict[str, list[BalanceReading]] = {}
        for reading in readings:
            newer = new.setdefault(reading.account, [])
            last = self._last_before(reading, newer)
            same = self._unchanged.get(reading.account)
            if same and not (last and last.amount == same.amount and last.at < same.at < reading.at):
                same = None
            seen = same or last
            long = seen is not None and reading.at - seen.at > LONG
            if last is None or long or last.amount != reading.amount or reading.at - last.at >= WRITE_ANYWAY:
                if same and (long or same.amount.nanos < reading.amount.nanos):
                    # What was bought was bought after this one, which can be a day later than the last one written.
                    newer.append(same)
                    yield Change("balances", place(same), same)
                newer.append(reading)
                yield Change("balances", place(reading), reading)
            else:
                self._unchanged[reading.account] = reading

    def _last_before(self, reading: BalanceReading, newer: list[BalanceReading]) -> BalanceReading | None:
        """The last reading of the account that is not later than this one, also of those that are just being added."""
        newest = newer[-1] if newer else self._newest.get(reading.account)
        if newest is None or newest.at <= reading.at:
            return newest
        # Rare: they come one after the other.
        before = [one for one in (*self._kept, *newer) if one.account == reading.account and one.at <= reading.at]
        return max(before, key=lambda one: one.at, default=None)
