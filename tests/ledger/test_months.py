"""Months come into memory and leave it; what was acknowledged stays, and a record stands in one month."""

import errno
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.ledger.making import (
    DAY,
    HOUR,
    NOON,
    account,
    billing,
    cost,
    covers,
    crash,
    estimate,
    event,
    model,
    opened,
    row,
    run,
)
from trayd.errors import LedgerFullError, RecordError
from trayd.facts import Batch
from trayd.ledger.disk import Disk
from trayd.ledger.merge import RecordFacts
from trayd.ledger.month import RECORDS
from trayd.ledger.pair import Change
from trayd.ledger.tables import row_of

MARCH = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture
def history(tmp_path):
    """A home with a year of records, ``r3-0`` to ``r3-4`` in March."""
    ledger = opened(tmp_path)
    times = {month: datetime(2026, month, 10, tzinfo=UTC) for month in range(1, 12)}
    ledger.add(Batch(events=tuple(event(f"e{m}-{n}", f"r{m}-{n}", at) for m, at in times.items() for n in range(5))))
    ledger.close()
    return tmp_path


def resident(ledger):
    return [month.name for month in ledger._months.opened()]


def test_a_request_nobody_knows_does_not_let_go_of_a_month_that_the_batch_changes(history):
    ledger = opened(history)
    late = (
        event("n1", "r3-0", MARCH, note="a"),
        event("n2", "unknown", MARCH + 30 * DAY),
        event("n3", "r3-1", MARCH, note="b"),
    )
    ledger.add(Batch(events=late))
    ledger.add(Batch(events=(event("n4", "r3-2", MARCH, note="c"),)))
    notes = ["a", "b", "c", None, None]
    assert [ledger.get(f"r3-{number}").note for number in range(5)] == notes
    assert ledger.verify() == []
    crash(ledger)
    ledger = opened(history)
    assert [ledger.get(f"r3-{number}").note for number in range(5)] == notes
    assert ledger.verify() == []
    assert ledger.notices == ()
    ledger.close()


def test_a_month_whose_mirror_is_in_doubt_stays_until_it_was_written_anew(history):
    class Doubtful(Disk):
        fails = False

        def sync(self, handle):
            if self.fails:
                raise OSError(errno.EIO, "Input/output error")
            super().sync(handle)

    disk = Doubtful()
    ledger = opened(history, disk)
    ledger.add(Batch(events=(event("n0", "r3-0", MARCH, note="b"),)))
    ledger.checkpoint()
    disk.fails = True
    with pytest.raises(LedgerFullError):
        ledger.add(Batch(events=(event("n1", "r3-0", MARCH, note="a"),)))
    disk.fails = False
    list(ledger.records())
    assert "2026-03" in resident(ledger)
    assert ledger.dirty
    ledger.checkpoint()
    assert "2026-03" not in resident(ledger)
    assert ledger.verify() == []
    ledger.close()


def test_costs_that_are_dated_ahead_do_not_push_the_current_month_out_of_memory(history):
    ledger = opened(history)
    list(ledger.records())
    ledger.add(Batch(costs=tuple(cost(f"c{month}", datetime(2027, month, 1, tzinfo=UTC)) for month in (1, 2, 3))))
    ledger.checkpoint()
    assert resident(ledger) == ["2026-11"]
    ledger.close()


def test_an_event_from_a_clock_that_was_months_off_joins_its_request(tmp_path):
    ledger = opened(tmp_path)
    ledger.add(Batch(billing=(billing("r1"),)))
    ledger.close()
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("e1", "r1", NOON - 120 * DAY, client="Northwind"),)))
    assert [record.id for record in ledger.records()] == ["r1"]
    assert ledger.get("r1").client == "Northwind"
    assert ledger.verify() == []
    ledger.close()


def test_a_record_that_stands_in_two_months_is_told_by_its_name(history):
    """trayd makes none; a person who copies files about can."""
    ledger = opened(history)
    again = ledger._months.begun("2026-11")
    change = Change(RECORDS, "r3-0", row_of("r3-0", RecordFacts(events=(event("n1", "r3-0", NOON),))))
    again.pair.write([change])
    again.apply([change])
    (problem,) = ledger.verify()
    assert problem.text.endswith(f"the record r3-0 stands in {history / 'ledger' / '2026-03.json'} too")
    ledger.close()


def test_what_waited_for_a_write_goes_with_the_next_one_whatever_it_is(tmp_path):
    late = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
    ledger = opened(tmp_path)
    ledger.add(Batch(accounts=(account("default", "acme", as_of=NOON),), events=(event("e1", "r1", late),)))
    ledger.add(Batch(accounts=(account("default", "acme", as_of=NOON + HOUR),)))
    ledger.add(Batch(runs=(run("r1", sent_at=late + timedelta(seconds=2)),)))  # its time leaves October, no more
    assert ledger.verify() == []
    crash(ledger)
    ledger = opened(tmp_path)
    assert ledger.accounts()["default"].as_of == NOON + HOUR
    assert ledger.verify() == []
    ledger.close()


def test_files_that_are_not_named_like_a_month_are_none(tmp_path):
    ledger = opened(tmp_path)
    (tmp_path / "backup" / "2026-13.jsonl").write_text("mine")
    ledger.close()
    ledger = opened(tmp_path)
    ledger.add(Batch(billing=(billing("r1", row()),), coverage=(covers("acme", NOON - DAY, NOON),)))
    assert [record.id for record in ledger.records()] == ["r1"]
    ledger.close()


@pytest.mark.parametrize("when", [datetime(2021, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)])
def test_a_request_whose_event_had_a_wrong_clock_is_one_record(tmp_path, when):
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("e1", "r1", when, estimate=estimate("2.00")),)))
    ledger.checkpoint()
    ledger.release()
    ledger.add(Batch(billing=(billing("r1"),)))
    assert [record.id for record in ledger.records()] == ["r1"]
    assert ledger.verify() == []
    ledger.close()


@pytest.mark.parametrize("year", [1, 9999])
def test_a_time_at_the_ends_of_time_is_refused_by_its_request(tmp_path, year):
    ledger = opened(tmp_path)
    with pytest.raises(RecordError, match=r"is no time that anything was made at in r1"):
        ledger.add(Batch(billing=(billing("r1", row(at=datetime(year, 12, 31, tzinfo=UTC))),)))
    assert list(ledger.records()) == []
    ledger.close()


def test_a_month_that_nothing_came_into_is_not_missed_later(tmp_path):
    ledger = opened(tmp_path)
    ledger.add(Batch(billing=(billing("r1"),)))
    ledger._months.begun("2026-09")  # as for a change that the disk then refuses
    ledger.checkpoint()
    assert not ledger.dirty
    ledger.close()
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("e2", "r2", NOON - 60 * DAY),)))
    assert [record.id for record in ledger.records()] == ["r1", "r2"]
    assert ledger.verify() == []
    ledger.close()


def test_a_month_whose_first_change_was_cut_off_is_not_missed_later(tmp_path):
    ledger = opened(tmp_path)
    ledger.add(Batch(billing=(billing("r1"),)))
    ledger.close()
    (tmp_path / "backup/2026-09.jsonl").write_text('{"sum":"0123')
    ledger = opened(tmp_path)
    assert [each.records for each in ledger.sums()] == [1]
    ledger.add(Batch(events=(event("e3", "r3"),)))
    ledger.checkpoint()
    ledger.close()
    ledger = opened(tmp_path)
    ledger.add(Batch(events=(event("e2", "r2", NOON - 60 * DAY),)))
    assert {record.id for record in ledger.records()} == {"r1", "r2", "r3"}
    assert ledger.verify() == []
    ledger.close()


def test_looking_through_many_months_leaves_in_memory_what_was_there_before(history):
    ledger = opened(history)
    ledger.add(Batch(events=(event("now", "r-now"),)))
    ledger.checkpoint()
    months = ledger._months
    before = {name: months.derived(name) for name in months.names()}
    assert len(list(ledger.records(newest_first=False))) == 56
    assert resident(ledger) == ["2026-11"]
    for name in months.names():
        assert months.derived(name) is before[name], name
    assert ledger.get("r3-0") is not None
    assert ledger.verify() == []
    ledger.close()


def test_each_record_comes_with_the_facts_that_it_is_made_of(history):
    ledger = opened(history)
    ledger.add(Batch(costs=(cost("c1"),)))
    told = list(ledger.recorded())
    assert [each.record for each in told] == list(ledger.records())
    for each in told:
        assert row_of(each.record.id, msgspec.json.decode(each.facts, type=RecordFacts)).facts == each.facts
    ledger.close()


def test_models_told_of_again_are_called_the_same_at_every_time(tmp_path):
    ledger = opened(tmp_path / "a")
    names = (("Kling", 0), ("Kling 3", 5), ("Kling 3", 6), ("Kling 3 Pro", 9))
    ledger.add(Batch(models=tuple(model(name, NOON + at * DAY, operation="text-to-video") for name, at in names)))
    other = opened(tmp_path / "b")
    other.add(Batch(models=ledger.model_readings()))
    assert other._state.rows("models") == ledger._state.rows("models")
    other.add(Batch(models=ledger.model_readings()))
    assert other._state.rows("models") == ledger._state.rows("models")
    ledger.close()
    other.close()
