"""Looking through a ledger goes month by month; what happens to it in between is no damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ledger.making import DAY, NOON, billing, event, opened, row
from trayd.errors import LedgerError
from trayd.facts import Batch
from trayd.ledger.store import Ledger
from trayd.steps import Steps, finish

MONTHS = 6


@pytest.fixture
def ledger(tmp_path: Path):
    ledger = opened(tmp_path)
    ledger.add(Batch(billing=tuple(billing(f"r{n}", row(at=NOON - 31 * n * DAY)) for n in range(MONTHS))))
    ledger.checkpoint()
    yield ledger
    ledger.close()


def told(steps: Steps[object]) -> list[tuple[int, int]]:
    said = []
    finish(steps, lambda done, of: said.append((done, of)))
    return said


def test_it_tells_how_many_months_it_has_looked_through(ledger: Ledger):
    assert told(ledger.verify_steps()) == [(number, MONTHS) for number in range(MONTHS + 1)]


def test_what_comes_in_between_is_no_damage(ledger: Ledger):
    steps = ledger.verify_steps()
    for number in range(MONTHS):
        next(steps)
        when = NOON - 31 * number * DAY
        ledger.add(Batch(events=tuple(event(f"e{number} {n}", f"x{number} {n}", when) for n in range(50))))
        ledger.checkpoint()
        ledger.release()
    assert finish(steps) == []


def test_a_month_that_comes_in_between_is_left_for_the_next_time(ledger: Ledger):
    steps = ledger.verify_steps()
    next(steps)
    ledger.add(Batch(billing=(billing("old", row(at=NOON - 400 * DAY)),)))
    assert finish(steps) == []


def test_a_history_that_is_cleared_in_between_ends_it(ledger: Ledger):
    steps = ledger.verify_steps()
    next(steps)
    next(steps)
    ledger.archive_and_clear(NOON)
    with pytest.raises(LedgerError, match="replaced while it was looked through"):
        next(steps)
