"""fal's totals against the ledger's, to the nano: a poller, the real ledger and the stand-in of fal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fal.conftest import still_sandbox
from tests.fal.polls import VEO, generations, jobs, now, polling
from trayd.facts import Batch, BillingFact, BillingRow, Difference, Disputed
from trayd.fal.door import Billed
from trayd.fal.reconcile import SETTLED_AFTER, _Events, _explained, differing, totals
from trayd.fal.sandbox.server import Sandbox
from trayd.fal.wire import BillingEvent, UsageRow
from trayd.ledger.store import Ledger
from trayd.money import Money

DAY_S = 86_400
FLUX = "fal-ai/flux/dev"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with still_sandbox(days=45, per_day=20) as running:
        yield running


def settled_total(sandbox: Sandbox, since, until, account: int = 0) -> int:
    """What fal has billed of that time, counted from the stand-in's own jobs."""
    return sum(
        charge.total
        for job in jobs(sandbox, account).values()
        if since <= job.sent_at < until
        for charge in job.charges
    )


def billed(request_id: str, account: str, total: str, *, at, fetched_at, endpoint_id: str = VEO) -> BillingFact:
    row = BillingRow(timestamp=at, endpoint_id=endpoint_id, total_nanos=Money.of(total).nanos)
    return BillingFact(request_id=request_id, account=account, fetched_at=fetched_at, rows=(row,))


async def test_all_of_a_month_agrees_to_the_nano_and_the_check_says_so(sandbox: Sandbox, ledger: Ledger) -> None:
    async with polling(sandbox, ledger) as poller:
        outcome = await poller.poll(now())
    (check,) = ledger.checks().values()
    assert check.agrees
    assert check.ledger == check.fal != Money(0)
    assert check.fal.nanos == settled_total(sandbox, check.since, check.until)
    assert check.account == outcome.account
    assert timedelta(days=29) < check.until - check.since < timedelta(days=30)
    assert timedelta(0) <= check.at - check.until - SETTLED_AFTER < timedelta(seconds=5)
    assert ledger.differences() == ()


async def test_discounts_that_came_and_went_are_in_both_totals(sandbox: Sandbox, ledger: Ledger) -> None:
    shares: dict[str, set[Decimal | None]] = {}
    for job in jobs(sandbox).values():
        if job.sent_at > now() - timedelta(days=29):
            shares.setdefault(job.endpoint.id, set()).update(charge.percent_discount for charge in job.charges)
    assert max(map(len, shares.values())) > 1, "the stand-in has billed an endpoint at two discounts"
    async with polling(sandbox, ledger) as poller:
        assert (await poller.poll(now())).differences == ()


async def test_what_no_billing_event_tells_stays_unexplained(sandbox: Sandbox, ledger: Ledger) -> None:
    hidden = sandbox.world.add_job(VEO, units=Decimal(8), age_s=4 * DAY_S)
    sandbox.world.hide(hidden.request_id)
    async with polling(sandbox, ledger) as poller:
        (difference,) = (await poller.poll(now())).differences
        again = await poller.poll(now())
    amount = Money(hidden.charges[0].total)
    assert difference.gap == difference.unexplained == amount
    assert (difference.records, difference.requests, difference.explained) == ((), 0, Money(0))
    assert again.differences[0].explained == Money(0), "it is not looked into at every poll"
    (check,) = ledger.checks().values()
    assert not check.agrees
    assert check.fal - check.ledger == amount


async def test_a_request_that_fal_took_back_is_named(sandbox: Sandbox, ledger: Ledger) -> None:
    async with polling(sandbox, ledger) as poller:
        account = (await poller.poll(now())).account
        extra = billed("taken-back", account, "0.123456789", at=now() - timedelta(days=3), fetched_at=now())
        ledger.add(Batch(billing=(extra,)))
        (difference,) = (await poller.poll(now(), thorough=True)).differences
    assert difference.records == (Disputed(request_id="taken-back", ledger=Money.of("0.123456789")),)
    assert difference.requests == 1
    assert difference.gap == difference.explained == -Money.of("0.123456789")
    assert difference.unexplained == Money(0)
    assert ledger.differences() == (difference,)


async def test_a_price_that_fal_altered_later_is_taken_over(sandbox: Sandbox, ledger: Ledger) -> None:
    job = sandbox.world.add_job(VEO, units=Decimal(8), age_s=20 * DAY_S)
    async with polling(sandbox, ledger) as poller:
        account = (await poller.poll(now())).account
        coverage = ledger.coverage(account)
        assert coverage is not None
        old = billed(
            job.request_id, account, "0.02", at=job.sent_at, fetched_at=coverage.fetched_at + timedelta(microseconds=1)
        )
        ledger.add(Batch(billing=(old,)))
        outcome = await poller.poll(now(), thorough=True)
    assert outcome.differences == ()
    assert generations(ledger)[job.request_id].actual == Money(job.charges[0].total)
    assert all(check.agrees for check in ledger.checks().values())


async def test_one_that_a_clock_years_ahead_has_fixed_is_named_with_both_amounts(
    sandbox: Sandbox, ledger: Ledger
) -> None:
    job = sandbox.world.add_job(VEO, units=Decimal(8), age_s=4 * DAY_S)
    async with polling(sandbox, ledger) as poller:
        account = (await poller.poll(now())).account
        ahead = billed(job.request_id, account, "0.02", at=job.sent_at, fetched_at=now() + timedelta(days=800))
        ledger.add(Batch(billing=(ahead,)))
        (difference,) = (await poller.poll(now(), thorough=True)).differences
    charge = Money(job.charges[0].total)
    assert difference.records == (Disputed(request_id=job.request_id, ledger=Money.of("0.02"), fal=charge),)
    assert difference.unexplained == Money(0)


async def test_each_account_is_checked_by_itself(ledger: Ledger) -> None:
    with still_sandbox(days=8, per_day=20, accounts=2) as sandbox:
        second = sandbox.world.accounts[1]
        hidden = sandbox.world.add_job(VEO, units=Decimal(8), age_s=2 * DAY_S, username=second.username)
        sandbox.world.hide(hidden.request_id)
        async with (
            polling(sandbox, ledger, name="studio") as studio,
            polling(sandbox, ledger, name="agency", key=second.keys.admin_key) as agency,
        ):
            for poller in (studio, agency):
                await poller.poll(now())
        checks = ledger.checks()
        assert {name: check.agrees for name, check in checks.items()} == {
            sandbox.world.accounts[0].username: True,
            second.username: False,
        }
        for number, account in enumerate(sandbox.world.accounts):
            check = checks[account.username]
            assert check.fal.nanos == settled_total(sandbox, check.since, check.until, number)


async def test_what_is_too_new_to_be_compared_is_not_checked(ledger: Ledger) -> None:
    with still_sandbox(days=1, per_day=20) as sandbox:
        async with polling(sandbox, ledger) as poller:
            account = (await poller.poll(now())).account
        coverage = ledger.coverage(account)
    assert coverage is not None
    assert ledger.checks()[account].until <= coverage.until - SETTLED_AFTER


def rows(*costs: str, currency: str = "USD") -> list[UsageRow]:
    return [UsageRow(endpoint_id=VEO, cost_total=Decimal(cost), currency=currency) for cost in costs]


def test_rows_of_two_discounts_are_added_as_fal_writes_them_and_rounded_once() -> None:
    assert totals(rows("0.0000000004", "0.0000000004")) == {VEO: 1}
    assert totals(rows("1.50", "0.25")) == {VEO: 1_750_000_000}
    assert totals(rows("1.50", currency="EUR")) == {}


def test_totals_may_be_apart_by_a_nano_for_each_request_and_by_no_more() -> None:
    assert differing({VEO: Billed(1000, 3)}, {VEO: 1003}) == {}
    assert differing({VEO: Billed(1000, 3)}, {VEO: 1004}) == {VEO: 1000}
    assert differing({VEO: Billed(1000, 3)}, {VEO: 996}) == {VEO: 1000}
    assert differing({}, {VEO: 1}) == {VEO: 0}
    assert differing({VEO: Billed(1, 0)}, {}) == {VEO: 1}


class TestExplaining:
    """Requests with rows of two endpoints, or of many rows, which the stand-in does not make."""

    at = now() - timedelta(days=2)

    def event(self, request_id: str, endpoint_id: str, nanos: int) -> BillingEvent:
        return BillingEvent(
            request_id=request_id,
            endpoint_id=endpoint_id,
            timestamp=self.at,
            output_units=Decimal(1),
            cost_estimate_nano_usd=Decimal(nanos),
        )

    def difference(self, endpoint_id: str, ledger: int, fal: int) -> Difference:
        return Difference(
            account="acme",
            endpoint_id=endpoint_id,
            since=self.at - timedelta(days=1),
            until=self.at + timedelta(days=1),
            ledger=Money(ledger),
            fal=Money(fal),
        )

    def test_a_request_that_fal_counts_in_parts_at_two_endpoints_is_no_difference(self, ledger: Ledger) -> None:
        both = (
            BillingRow(timestamp=self.at, endpoint_id=VEO, total_nanos=700),
            BillingRow(timestamp=self.at, endpoint_id=FLUX, total_nanos=300),
        )
        ledger.add(Batch(billing=(BillingFact(request_id="r", account="acme", fetched_at=self.at, rows=both),)))
        whole = generations(ledger)["r"].endpoint_id
        events = _Events()
        events.add([self.event("r", VEO, 700), self.event("r", FLUX, 300)])
        found = [
            self.difference(VEO, 1000 if whole == VEO else 0, 700),
            self.difference(FLUX, 1000 if whole == FLUX else 0, 300),
        ]
        assert _explained(ledger, found, events) == ()
        missing = self.difference(FLUX, 1000 if whole == FLUX else 0, 500)
        (left,) = _explained(ledger, [found[0], missing], events)
        assert (left.endpoint_id, left.records, left.unexplained) == (FLUX, (), Money(200))

    def test_a_nano_for_each_row_is_rounding(self, ledger: Ledger) -> None:
        several = tuple(BillingRow(timestamp=self.at, endpoint_id=VEO, total_nanos=10) for _ in range(5))
        ledger.add(Batch(billing=(BillingFact(request_id="r", account="acme", fetched_at=self.at, rows=several),)))
        events = _Events()
        events.add([self.event("r", VEO, 10) for _ in range(5)])
        assert _explained(ledger, [self.difference(VEO, 50, 55)], events) == ()
        (left,) = _explained(ledger, [self.difference(VEO, 50, 56)], events)
        assert left.unexplained == Money(6)

    def test_of_many_the_largest_are_named_and_all_are_counted(self, ledger: Ledger) -> None:
        events = _Events()
        events.add([self.event(f"r{number:03}", VEO, 1000 + number) for number in range(250)])
        total = sum(1000 + number for number in range(250))
        (left,) = _explained(ledger, [self.difference(VEO, 0, total)], events)
        assert [one.request_id for one in left.records[:2]] == ["r249", "r248"]
        assert (len(left.records), left.requests, left.explained) == (100, 250, Money(total))
        assert left.unexplained == Money(0)
