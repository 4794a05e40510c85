"""What the alerts see of a real ledger, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.alerts.story import START, Story, coverage
from trayd.budget_settings import Budget
from trayd.facts import AccountFact, Batch, BillingFact, BillingRow, UserEdit
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.operations.operations import Operations
from trayd.service.observing import Observing
from trayd.settings import Account, Paths, Settings

ENDPOINT = "fal-ai/kling-video/v3/pro/text-to-video"
STUDIO = AccountFact(name="studio", state="ok", username="northwind", as_of=START, tried_at=START)
SETTINGS = Settings(
    time_zone="Europe/Stockholm",
    account=(Account(name="studio"),),
    budget=(Budget(name="Northwind", amount=Decimal(50), client="Northwind"),),
)
DAY = timedelta(days=1)


@pytest.fixture
def operations(tmp_path: Path) -> Iterator[Operations]:
    paths = Paths.under(tmp_path)
    ledger = Ledger.open(
        LedgerPaths(ledger=paths.ledger, backup=paths.backup), base_url=None, holder="a test", clock=lambda: START
    )
    with closing(ledger):
        yield Operations(ledger, SETTINGS, paths, clock=lambda: START)


def bill(name: str, dollars: int, at: timedelta) -> BillingFact:
    row = BillingRow(timestamp=START - at, endpoint_id=ENDPOINT, total_nanos=dollars * 1_000_000_000)
    return BillingFact(request_id=name, account="northwind", fetched_at=START, rows=(row,))


def test_budgets_are_seen_through_what_records_are_tagged_with(operations: Operations) -> None:
    ledger = operations.ledger
    tag = UserEdit(record_id="r1", field="client", value="Northwind", at=START)
    ledger.add(Batch(accounts=(STUDIO,), coverage=(coverage(),), billing=(bill("r1", 45, timedelta(hours=1)),)))
    ledger.add(Batch(edits=(tag,)))

    story = Story()
    told = story.tell(Observing().observe(operations, START))

    assert told == ["90% of budget “Northwind” spent", "Expensive generation: $45.00"]


def test_while_the_history_is_being_read_nothing_of_it_is_news(operations: Operations) -> None:
    observing = Observing()
    begun = msgspec.structs.replace(STUDIO, state="offline", tried_at=None)

    assert observing.observe(operations, START).starting
    operations.ledger.add(Batch(accounts=(begun,)))
    assert observing.observe(operations, START).starting
    operations.ledger.add(Batch(accounts=(STUDIO,), coverage=(coverage(),)))
    assert not observing.observe(operations, START).starting


def test_an_account_that_has_no_key_holds_nothing_up(operations: Operations) -> None:
    operations.ledger.add(Batch(accounts=(AccountFact(name="studio", state="no_key", tried_at=START),)))

    assert not Observing().observe(operations, START).starting


def tried(observing: Observing, operations: Operations, minutes: float, state: str = "offline") -> float:
    """For how many minutes it has been tried in vain, by a try at that time."""
    at = START + timedelta(minutes=minutes)
    operations.ledger.add(Batch(accounts=(msgspec.structs.replace(STUDIO, state=state, tried_at=at),)))
    outage = observing.observe(operations, at).outages.get("studio")
    return -1 if outage is None else (outage.tried - outage.since).total_seconds() / 60


def test_silence_is_counted_over_tries_that_follow_each_other(operations: Operations) -> None:
    observing = Observing()

    assert [tried(observing, operations, minute) for minute in (0, 2, 4, 9)] == [0, 2, 4, 9]
    assert tried(observing, operations, 9 + 480) == 0  # it slept
    assert tried(observing, operations, 9 + 484) == 4
    assert tried(observing, operations, 9 + 486, "ok") == -1
    assert tried(observing, operations, 9 + 488) == 0
    assert tried(observing, operations, 100) == 0  # the clock was set back
    assert tried(Observing(), operations, 103) == 0  # a restart


def test_after_days_without_an_answer_the_next_one_is_waited_for(operations: Operations) -> None:
    later = START + timedelta(days=6)
    operations.ledger.add(Batch(accounts=(STUDIO,), coverage=(coverage(),)))

    at_the_start = Observing().observe(operations, later)
    assert (at_the_start.starting, at_the_start.unanswered) == (True, {"northwind"})

    silent = msgspec.structs.replace(STUDIO, state="offline", tried_at=later)
    operations.ledger.add(Batch(accounts=(silent,)))
    without_answer = Observing().observe(operations, later)
    assert (without_answer.starting, without_answer.unanswered) == (False, {"northwind"})

    operations.ledger.add(Batch(accounts=(msgspec.structs.replace(STUDIO, as_of=later),)))
    answered = Observing().observe(operations, later)
    assert (answered.starting, answered.unanswered) == (False, frozenset())


def test_with_the_balance_alone_the_bills_of_these_days_are_waited_for(operations: Operations) -> None:
    later = START + timedelta(days=6)
    observing = Observing()
    operations.ledger.add(Batch(accounts=(STUDIO,), coverage=(coverage(),)))
    assert observing.observe(operations, later).starting

    operations.ledger.add(Batch(accounts=(msgspec.structs.replace(STUDIO, as_of=later),)))
    assert observing.observe(operations, later).starting

    # fal's clock is a day behind this computer's.
    read = msgspec.structs.replace(coverage(), until=later, fetched_at=later - timedelta(days=1))
    operations.ledger.add(Batch(coverage=(read,)))
    with_bills = observing.observe(operations, later)
    assert (with_bills.starting, with_bills.unanswered) == (False, frozenset())


def test_after_a_sleep_they_are_waited_for_though_nobody_looked_before_the_balance_came(operations: Operations) -> None:
    later = START + timedelta(days=6)
    observing = Observing()
    operations.ledger.add(Batch(accounts=(STUDIO,), coverage=(coverage(),)))
    assert not observing.observe(operations, START).starting

    operations.ledger.add(Batch(accounts=(msgspec.structs.replace(STUDIO, as_of=later),)))
    woken = observing.observe(operations, later)
    assert (woken.starting, woken.unanswered) == (True, {"northwind"})
    assert observing.observe(operations, later).starting

    read = msgspec.structs.replace(coverage(), until=later, fetched_at=later)
    operations.ledger.add(Batch(coverage=(read,)))
    with_bills = observing.observe(operations, later)
    assert (with_bills.starting, with_bills.unanswered) == (False, frozenset())
