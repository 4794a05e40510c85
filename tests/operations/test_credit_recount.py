"""Credits told a second time: an account whose purchases, charges and expiries are known, beside what trayd makes out.

The account is kept as fal keeps one: each purchase by itself, the oldest spent first, what is left of it gone after
365 days. trayd is told nothing but the balance now and then, and the bills.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.ledger.making import account
from trayd.facts import Batch, BillingFact, BillingRow
from trayd.insight.credits import Credits, Lot, Origin
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.money import Money
from trayd.operations.credit_history import CreditHistory
from trayd.records import BalanceReading

YEAR = timedelta(days=365)
CENT = 10**7
DOLLAR = 10**9

#: Two of the years around have a 29 February within 365 days of their purchases.
STARTS = [datetime(2026, 1, 3, 9, tzinfo=UTC), datetime(2027, 2, 28, 23, 50, tzinfo=UTC)]


class Step(NamedTuple):
    """What happens between two readings of the balance.

    Attributes:
        gap: how long that is; trayd looks every few minutes, and may be off for weeks.
        charges: requests: which part of the gap has passed when they are sent, how many minutes later they are
            charged, and how much.
        bought: which part of the gap has passed then, and how many dollars; the balance rises in a short gap.
        given_back: cents, of a charge before.
    """

    gap: timedelta
    charges: list[tuple[float, int, int]]
    bought: tuple[float, int] | None
    given_back: int


class Bought(msgspec.Struct):
    """Credits as fal has them."""

    at: datetime
    amount: int
    left: int


class Account:
    """An account at fal: what was there at first had just been bought."""

    def __init__(self, start: datetime, opening: int) -> None:
        self.lots = [Bought(start, opening, opening)]
        self.owed = 0

    @property
    def balance(self) -> int:
        return sum(lot.left for lot in self.lots) - self.owed

    def expire(self, now: datetime) -> None:
        for lot in self.lots:
            if lot.at + YEAR <= now:
                lot.left = 0

    def buy(self, at: datetime, nanos: int) -> None:
        self.lots.append(Bought(at, nanos, nanos))
        owed, self.owed = self.owed, 0
        self.charge(owed)

    def charge(self, nanos: int) -> None:
        for lot in self.lots:
            taken = min(lot.left, nanos)
            lot.left -= taken
            nanos -= taken
        self.owed += nanos

    def give_back(self, now: datetime, nanos: int) -> None:
        """To the credits that were spent last: the newest that lack something, of those that are not expired."""
        paid = min(self.owed, nanos)
        self.owed -= paid
        nanos -= paid
        for lot in reversed(self.lots):
            room = 0 if lot.at + YEAR <= now else lot.amount - lot.left
            put = min(room, nanos)
            lot.left += put
            nanos -= put


gaps = st.sampled_from([timedelta(minutes=5)] * 3 + [timedelta(hours=3), timedelta(hours=9)] + [timedelta(days=3)] * 2)
parts = st.floats(0.01, 0.99)
steps = st.builds(
    Step,
    gaps | st.sampled_from([timedelta(days=25), timedelta(days=80)]),
    st.lists(st.tuples(parts, st.integers(0, 29), st.integers(1, 900)), max_size=3),
    st.none() | st.tuples(parts, st.sampled_from([10, 20, 50, 100, 500])),
    st.sampled_from([0, 0, 0, 40, 399]),
)


class Seen(NamedTuple):
    """The account as it is, and what trayd is told of it."""

    account: Account
    readings: list[BalanceReading]
    bills: list[BillingFact]


def lived(start: datetime, opening: int, history: list[Step]) -> Seen:
    """What comes of a history."""
    own, now = Account(start, opening * DOLLAR), start
    readings, bills = [BalanceReading("studio", now, Money(own.balance))], []
    due: list[tuple[datetime, int, int]] = []
    for number, step in enumerate(history):
        end = now + step.gap
        for place, (part, minutes, cents) in enumerate(step.charges):
            sent = (now + step.gap * part).replace(microsecond=0)
            due.append((sent + timedelta(minutes=minutes), 0, cents * CENT))
            rows = (BillingRow(timestamp=sent, endpoint_id="fal-ai/veo3", total_nanos=cents * CENT),)
            bills.append(BillingFact(request_id=f"r{number}-{place}", account="studio", fetched_at=end, rows=rows))
        if step.bought is not None:
            part, dollars = step.bought
            due.append((now + step.gap * part, 1, dollars * DOLLAR))
        for at, what, nanos in sorted(one for one in due if one[0] < end):
            own.expire(at)
            own.buy(at, nanos) if what else own.charge(nanos)
        due = [one for one in due if one[0] >= end]
        own.expire(end)
        own.give_back(end, step.given_back * CENT)
        now = end
        readings.append(BalanceReading("studio", now, Money(own.balance)))
    return Seen(own, readings, bills)


def looked_at(seen: Seen) -> Credits:
    """What trayd makes of it."""
    now = seen.readings[-1].at
    with tempfile.TemporaryDirectory() as folder:
        paths = LedgerPaths(Path(folder) / "ledger", Path(folder) / "backup")
        with closing(Ledger.open(paths, base_url=None, holder="a test", clock=lambda: now)) as ledger:
            half = len(seen.readings) // 2
            ledger.add(Batch(accounts=(account("default", "studio"),), balances=tuple(seen.readings[:half])))
            ledger.add(Batch(balances=tuple(seen.readings[half:]), billing=tuple(seen.bills)))
            (found,) = CreditHistory(ledger).credits(UTC)
            return found


def is_visible(step: Step, before: BalanceReading, after: BalanceReading) -> bool:
    """Whether documents say that trayd sees what was bought: five dollars beyond what was surely charged since.

    A balance that is the same to the nano-dollar is that of an account on invoice, as far as anybody can tell.
    """
    rise = after.amount.nanos - before.amount.nanos
    ends = (step.gap - timedelta(minutes=30)) / step.gap
    charged = sum(cents * CENT for part, _, cents in step.charges if part < ends - 0.01)
    return rise + charged >= 5 * DOLLAR and (rise > 0 or (rise < 0 and step.gap > timedelta(hours=6)))


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(STARTS), st.integers(0, 200), st.lists(steps, max_size=14))
@example(STARTS[0], 0, [Step(timedelta(minutes=5), [], None, 0), Step(timedelta(minutes=5), [], (0.5, 10), 0)])
@example(
    STARTS[0],
    0,
    [
        Step(timedelta(minutes=5), [], None, 0),
        Step(timedelta(minutes=5), [], None, 0),
        Step(timedelta(hours=9), [(0.5, 0, 100), (0.5, 0, 900)], (0.5, 10), 0),
    ],
)
@example(
    STARTS[0],
    0,
    [
        Step(timedelta(minutes=5), [], None, 0),
        Step(timedelta(minutes=5), [], None, 0),
        Step(timedelta(hours=9), [(0.5, 0, 1), (0.5, 0, 100), (0.5, 0, 900)], (0.5, 10), 0),
    ],
)
@example(STARTS[1], 10, [Step(timedelta(minutes=5), [], (0.5, 20), 0), Step(timedelta(days=360), [], None, 0)])
def test_what_is_left_of_each_purchase_is_what_fal_has_of_it(start, opening, history):
    seen = lived(start, opening, history)
    found, now = looked_at(seen), seen.readings[-1].at
    assert found.balance == seen.readings[-1].amount
    assert sum(lot.left.nanos for lot in found.lots) == max(found.balance.nanos, 0)
    purchases = [lot for lot in found.lots if lot.origin is Origin.PURCHASE]
    unsure = sum(lot.at_most.nanos - lot.at_least.nanos for lot in purchases)
    pairs = list(zip(seen.readings, seen.readings[1:], history, strict=False))
    for before, after, step in pairs:
        if step.bought is None or after.at + YEAR <= now:
            continue
        if not is_visible(step, before, after):
            unsure += step.bought[1] * DOLLAR
            continue
        (mine,) = [lot for lot in purchases if lot.at == after.at]
        assert mine.after == before.at
        (real,) = [lot for lot in seen.account.lots if lot.at == before.at + step.gap * step.bought[0]]
        expired = [lot for lot in seen.account.lots if before.at < lot.at + YEAR <= after.at]
        slack = step.given_back * CENT + sum(lot.amount for lot in expired)
        unsure += slack
        assert mine.at_least.nanos - slack <= real.amount <= mine.at_most.nanos + slack
        assert mine.expires == (before.at + YEAR).date()
        assert mine.gone == (after.at + YEAR).date()
        if mine.likely is not None and not slack:
            assert mine.likely.nanos == real.amount
    for lot, real in matched(seen, purchases):
        assert abs(lot.left.nanos - real.left) <= unsure, (lot, real)


def matched(seen: Seen, purchases: list[Lot]) -> Iterator[tuple[Lot, Bought]]:
    for lot in purchases:
        assert lot.after is not None
        real = [one for one in seen.account.lots if lot.after < one.at <= lot.at]
        if len(real) == 1:
            yield lot, real[0]
