"""Credits from a real ledger: what was spent between readings is what fal billed, however late it told it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ledger.making import folders
from trayd.facts import Batch, BillingFact, BillingRow, Coverage
from trayd.ledger.store import Ledger
from trayd.money import Money
from trayd.operations.credit_history import CreditHistory
from trayd.records import BalanceReading

START = datetime(2026, 1, 3, 9, tzinfo=UTC)
DAY = timedelta(days=1)
MORNING, EVENING = START + 10 * DAY, START + 10 * DAY + timedelta(hours=9)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Trayd was off for nine hours of a day on which credits were bought and some were spent."""
    ledger = Ledger.open(folders(tmp_path), base_url=None, holder="a test", clock=lambda: START + 340 * DAY)
    read(ledger, ("20.00", START), ("20.00", MORNING), ("90.00", EVENING))
    covered = Coverage(account="acme", since=START, until=EVENING, fetched_at=EVENING, first_completed_at=START)
    ledger.add(Batch(coverage=(covered,)))
    yield ledger
    ledger.close()


def read(ledger: Ledger, *readings: tuple[str, datetime]) -> None:
    for amount, at in readings:
        ledger.add(Batch(balances=(BalanceReading("acme", at, Money.of(amount)),)))


def bill(ledger: Ledger, name: str, at: datetime, amount: str) -> None:
    row = BillingRow(timestamp=at, endpoint_id="fal-ai/veo3", total_nanos=Money.of(amount).nanos)
    ledger.add(Batch(billing=(BillingFact(request_id=name, account="acme", fetched_at=at, rows=(row,)),)))


def bought(ledger: Ledger) -> list[str]:
    (known,) = CreditHistory(ledger).credits(UTC)
    return [lot.amount.text() for lot in known.lots if lot.expires]


def test_what_was_spent_in_between_is_part_of_the_purchase(ledger: Ledger) -> None:
    assert bought(ledger) == ["70.00"]
    bill(ledger, "late", MORNING + timedelta(hours=2), "30.00")
    assert bought(ledger) == ["100.00"]


def test_what_was_spent_before_and_after_is_not(ledger: Ledger) -> None:
    bill(ledger, "before", MORNING - timedelta(hours=2), "4.00")
    bill(ledger, "after", EVENING, "7.00")
    assert bought(ledger) == ["70.00"]


def test_a_look_tells_what_expires_soon_and_remembers_until_the_next_day(ledger: Ledger) -> None:
    history = CreditHistory(ledger)

    def look(days: int) -> list[tuple[str, int, str]]:
        today = (START + days * DAY).date()
        found = history.expiring(today=today, zone=UTC, within=30, per_day={"acme": Money.of("1.00")})
        return [(one.account, one.days, one.unused.text()) for one in found]

    assert look(344) == []
    # $30 of the next thirty days: $20 of before trayd, then $10 of these.
    assert look(345) == [("acme", 30, "60.00")]
    read(ledger, ("50.00", START + 345 * DAY))
    assert look(345) == [("acme", 30, "20.00")]
    bill(ledger, "late", MORNING + timedelta(hours=2), "30.00")
    assert look(346) == [("acme", 29, "21.00")]
