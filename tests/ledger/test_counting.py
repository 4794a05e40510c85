"""What counts in totals, rule by rule."""

from datetime import timedelta

import pytest

from tests.ledger.making import DAY, HOUR, NOON, account, billing, covers, estimate, event
from trayd.facts import AccountFact, Batch
from trayd.ledger.counting import Standing, counting
from trayd.money import Money
from trayd.records import Counting, Filters, Generation, Status

PRICED = {"estimate": estimate("1.00")}
BILLED = {"actual": Money.of("1.12")}


def counts(status=Status.COMPLETED, *, coverage=None, billed=False, request_id="r1", **said) -> Counting:
    record = Generation(
        id="r1", request_id=request_id, account="acme", endpoint_id="e", timestamp=NOON, status=status, **said
    )
    standing = Standing.of(record, billed=billed or "actual" in said)
    return counting(standing, when=NOON, loose=request_id is None, coverage=coverage)


def test_completed_counts_by_the_actual_else_by_the_estimate_else_it_is_unknown():
    assert counts(**BILLED, **PRICED) is Counting.ACTUAL
    assert counts(**PRICED) is Counting.ESTIMATE
    assert counts() is Counting.UNKNOWN


def test_a_row_that_fal_has_not_priced_yet_counts_by_the_estimate():
    assert counts(billed=True, **PRICED) is Counting.ESTIMATE
    assert counts(billed=True) is Counting.UNKNOWN


def test_submitted_is_pending_beside_the_totals():
    assert counts(Status.SUBMITTED, **PRICED) is Counting.PENDING


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
class TestFailedOrCancelled:
    def test_the_actual_if_it_was_billed(self, status):
        assert counts(status, **BILLED) is Counting.ACTUAL

    def test_unknown_while_billing_may_still_come_and_never_the_estimate(self, status):
        assert counts(status, **PRICED) is Counting.FAILED
        almost = covers("acme", NOON - DAY, NOON + 2 * DAY - timedelta(seconds=1))
        assert counts(status, coverage=almost) is Counting.FAILED

    def test_zero_once_billing_covers_its_time_by_48_hours(self, status):
        assert counts(status, coverage=covers("acme", NOON, NOON + 2 * DAY)) is Counting.FREE

    def test_not_when_billing_begins_after_it(self, status):
        assert counts(status, coverage=covers("acme", NOON + HOUR, NOON + 5 * DAY)) is Counting.FAILED

    def test_not_when_billing_lists_it_without_a_price(self, status):
        assert counts(status, billed=True, coverage=covers("acme", NOON, NOON + 5 * DAY)) is Counting.UNKNOWN


@pytest.mark.parametrize(
    ("how", "cost"),
    [
        (Counting.ACTUAL, Money.of("1.12")),
        (Counting.ESTIMATE, Money.of("1.00")),
        (Counting.FREE, Money(0)),
        (Counting.PENDING, None),
        (Counting.UNKNOWN, None),
        (Counting.UNMATCHED, None),
    ],
)
def test_what_is_unknown_pending_or_unmatched_costs_nothing_known_and_never_zero(how, cost):
    record = Generation(
        id="r1", account="acme", endpoint_id="e", timestamp=NOON, counting=how, **BILLED, estimate=estimate("1.00")
    )
    assert record.cost == cost


def test_two_accounts_are_counted_apart_and_together(ledger):
    ledger.add(Batch(accounts=(account("one", "acme"), account("two", "bolt"))))
    ledger.add(Batch(billing=(billing("r1"), billing("r2", account="bolt"), billing("r3", account="bolt"))))
    counted = {
        name: [record.id for record in ledger.records(Filters(account=name))] for name in ("acme", "bolt", "two")
    }
    assert {name: sorted(ids) for name, ids in counted.items()} == {
        "acme": ["r1"],
        "bolt": ["r2", "r3"],
        "two": ["r2", "r3"],
    }
    assert len(list(ledger.records())) == 3


def test_an_event_without_a_request_id_counts_where_no_billing_covers_its_time():
    assert counts(request_id=None, **PRICED) is Counting.ESTIMATE
    assert counts(request_id=None, coverage=covers("acme", NOON - DAY, NOON), **PRICED) is Counting.ESTIMATE
    assert counts(request_id=None, coverage=covers("acme", NOON + HOUR, NOON + DAY), **PRICED) is Counting.ESTIMATE


def test_an_event_without_a_request_id_is_unmatched_where_billing_covers_its_time():
    assert counts(request_id=None, coverage=covers("acme", NOON, NOON + HOUR), **PRICED) is Counting.UNMATCHED


def test_an_event_that_names_no_account_means_the_only_one_there_is(ledger):
    ledger.add(Batch(accounts=(account("studio", "acme"),), coverage=(covers("acme", NOON - DAY, NOON + 3 * DAY),)))
    ledger.add(Batch(billing=(billing("r1"),), events=(event("e1", None, estimate=estimate("1.12")),)))
    ledger.add(Batch(events=(event("e2", "r2", status=Status.FAILED),)))
    assert ledger.get("e1").account == "acme"
    assert ledger.get("e1").counting is Counting.UNMATCHED
    assert ledger.get("r2").counting is Counting.FREE


def test_among_several_accounts_an_event_that_names_none_is_left_out_where_any_is_covered(ledger):
    ledger.add(
        Batch(
            accounts=(account("one", "acme"), account("two", "bolt")),
            coverage=(covers("bolt", NOON - DAY, NOON + DAY),),
            events=(event("e1", None), event("e2", None, time=NOON + 2 * DAY, estimate=estimate("1.12"))),
        )
    )
    assert ledger.get("e1").counting is Counting.UNMATCHED
    assert ledger.get("e2").counting is Counting.ESTIMATE


def test_a_default_account_that_never_had_a_key_is_no_account(ledger):
    nobody = AccountFact(name="default", state="no_key")
    ledger.add(Batch(accounts=(nobody, account("studio", "acme")), coverage=(covers("acme", NOON - DAY, NOON + DAY),)))
    ledger.add(Batch(events=(event("e1", None),)))
    assert ledger.get("e1").counting is Counting.UNMATCHED
    assert ledger.coverage("default") is None, "its first poll is still to come"


def test_an_event_of_a_default_account_that_is_one_waits_for_its_own_bill(ledger):
    ledger.add(Batch(accounts=(account("default"), account("two", "bolt"))))
    ledger.add(Batch(coverage=(covers("bolt", NOON - DAY, NOON + DAY),)))
    ledger.add(Batch(events=(event("e1", None, estimate=estimate("1.12")),)))
    assert ledger.get("e1").counting is Counting.ESTIMATE
