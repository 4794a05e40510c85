"""Sums that could not be kept, or not yet: never shown as they were, and never taken for those of a changed month."""

import errno
from datetime import UTC, datetime

import msgspec
import pytest

from tests.insight.recount import Recount
from tests.ledger.making import DAY, NOON, balance, cost, crash, opened
from tests.ledger.test_rollups import FIELDS, added_up, assert_as_recounted
from trayd.errors import LedgerFullError
from trayd.facts import Batch
from trayd.ledger.disk import Disk
from trayd.records import Filters

#: Out of reach of billing by now: what is derived of its month does not stay in memory.
MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Refusing(Disk):
    """Refuses new files whose names hold a text."""

    def __init__(self):
        self.refused = None

    def open_new(self, path):
        if self.refused is not None and self.refused in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().open_new(path)


def forget_sums(home):
    """As after a restore."""
    for path in (home / "ledger" / "rollups").iterdir():
        path.unlink()


@pytest.fixture
def disk():
    return Refusing()


@pytest.fixture
def ledger(tmp_path, disk):
    ledger = opened(tmp_path)
    ledger.add(Batch(costs=(cost("c1", MARCH, "10.00"),)))
    ledger.close()
    ledger = opened(tmp_path, disk=disk)
    yield ledger
    ledger.close()


@pytest.mark.parametrize("steps", range(12))
def test_a_month_let_go_at_any_step_of_a_checkpoint_is_shown_as_it_is(ledger, steps):
    ledger.add(Batch(costs=(cost("c2", MARCH + 10 * DAY, "5.00"),)))
    checkpoint = ledger.checkpoint_steps()
    for _ in range(steps):
        next(checkpoint, None)
    ledger.release()  # as a reading of records does
    assert ledger.sums()[0].nanos == 15 * 10**9
    checkpoint.close()  # as a copy does, or a later month that is refused
    ledger.release()
    assert ledger.sums()[0].nanos == 15 * 10**9
    assert [record.id for record in ledger.records(Filters(since=MARCH + 5 * DAY))] == ["c2"]
    assert_as_recounted(ledger)


@pytest.mark.parametrize("refused", ["rollups/2026-03.json", "rollups/months.json"])
def test_where_sums_cannot_be_kept_all_is_shown_and_the_rest_is_checkpointed(tmp_path, ledger, disk, refused):
    ledger.add(Batch(costs=(cost("c2", MARCH + 10 * DAY, "5.00"), cost("c3")), balances=(balance("5"),)))
    disk.refused = refused
    with pytest.raises(LedgerFullError):
        ledger.checkpoint()
    assert (tmp_path / "ledger" / "2026-11.json").exists()
    assert not ledger._state.dirty
    ledger.release()
    assert [record.id for record in ledger.records(Filters(since=MARCH + 5 * DAY, until=NOON - DAY))] == ["c2"]
    assert_as_recounted(ledger)
    disk.refused = None
    ledger.checkpoint()
    assert not ledger.dirty
    assert_as_recounted(ledger)


@pytest.mark.parametrize("steps", range(12))
def test_sums_of_a_month_that_was_let_go_are_not_kept_for_one_that_has_changed(tmp_path, ledger, steps):
    ledger.close()
    forget_sums(tmp_path)
    ledger = opened(tmp_path)
    list(ledger.records())  # counts March anew
    checkpoint = ledger.checkpoint_steps()
    for _ in range(steps):
        next(checkpoint, None)
    ledger.release()
    ledger.add(Batch(costs=(cost("c2", MARCH, "5.00"),)))
    for _ in range(3):
        next(checkpoint, None)
    crash(ledger)
    ledger = opened(tmp_path)
    shown = added_up(ledger.sums(by=FIELDS))
    assert shown == added_up(Recount(ledger.records()).sums(zone=UTC, by=FIELDS))
    ledger.close()


def test_kept_sums_that_went_missing_are_counted_again(tmp_path, ledger):
    (tmp_path / "ledger" / "rollups" / "months.json").unlink()
    assert_as_recounted(ledger)


def test_years_whose_sums_are_counted_anew_are_in_memory_one_month_at_a_time(tmp_path, ledger):
    ledger.add(Batch(costs=tuple(cost(f"m{n}", MARCH - n * 31 * DAY) for n in range(1, 25))))
    ledger.close()
    forget_sums(tmp_path)
    ledger = opened(tmp_path)
    assert sum(amount.records for amount in ledger.sums()) == 25
    assert ledger._months.opened() == []
    ledger.checkpoint()
    assert_as_recounted(ledger)
    ledger.close()


def test_one_document_twice_in_an_edited_file_is_counted_once(tmp_path, ledger):
    ledger.close()
    path = tmp_path / "ledger" / "2026-03.json"
    content = msgspec.json.decode(path.read_bytes())
    (document,) = content["_default"].values()
    content["_default"] = {"1": {**document, "client": "A"}, "2": {**document, "client": "B"}}
    path.write_bytes(msgspec.json.encode(content))
    ledger = opened(tmp_path)
    assert_as_recounted(ledger)
    ledger.close()
