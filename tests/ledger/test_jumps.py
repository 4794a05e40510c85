"""Where the balance rose is kept for over a year, whatever order readings come in; and what else the state keeps."""

import tempfile
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import tinydb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.aging import Clock, checkpoints, in_tinydb, opened, resident, using
from tests.ledger.faults import FaultyDisk, QuickDisk
from tests.ledger.making import DAY, HOUR, NOON, account, balance, crash, folders
from trayd.errors import LedgerFullError, LedgerNewerError
from trayd.facts import AlertPause, Batch, Checked, Difference, Disputed
from trayd.ledger.disk import Disk
from trayd.ledger.jumps import Jumps
from trayd.ledger.pair import Change
from trayd.ledger.rebuild import rebuild
from trayd.ledger.store import Ledger
from trayd.ledger.tables import STATE_TABLES, Moved
from trayd.money import Money

MINUTE = timedelta(minutes=1)


def naive(ledger: Ledger, now=None) -> list[tuple]:
    """The jumps, worked out from all readings that there are."""
    by_account: dict[str, list] = {}
    for reading in ledger.balances():
        by_account.setdefault(reading.account, []).append(reading)
    jumps = (
        (after.at, before, after)
        for readings in by_account.values()
        for before, after in pairwise(sorted(readings, key=lambda one: one.at))
        if after.amount.nanos > before.amount.nanos or after.at - before.at > 6 * HOUR
        if now is None or after.at >= now - 400 * DAY
    )
    return sorted(jumps, key=repr)


def told(ledger: Ledger) -> list[tuple]:
    return sorted(((jump.after.at, jump.before, jump.after) for jump in ledger.jumps()), key=repr)


def read(ledger: Ledger, *amounts_at) -> None:
    for amount, at in amounts_at:
        ledger.add(Batch(balances=(balance(amount, at),)))


class TestJumps:
    def test_a_rise_and_a_long_silence_are_kept_and_a_fall_is_not(self, tmp_path):
        with using(tmp_path, Clock()) as ledger:
            read(ledger, ("20", NOON), ("18", NOON + MINUTE), ("68", NOON + HOUR), ("60", NOON + 8 * HOUR))
            rise, silence = ledger.jumps("acme")
            assert (rise.before, rise.after) == (balance("18", NOON + MINUTE), balance("68", NOON + HOUR))
            assert (silence.before, silence.after) == (balance("68", NOON + HOUR), balance("60", NOON + 8 * HOUR))
            assert ledger.first_balance("acme") == balance("20", NOON)
            assert ledger.first_balance("beta") is None
            assert ledger.verify() == []
        with using(tmp_path, Clock()) as ledger:
            assert ledger.jumps() == (rise, silence)
        with tinydb.TinyDB(tmp_path / "ledger/state.json") as database:
            assert len(database.table("jumps")) == 2

    def test_they_survive_a_crash_together_with_their_readings(self, tmp_path):
        ledger = opened(tmp_path, Clock())
        read(ledger, ("20", NOON), ("70", NOON + HOUR))
        crash(ledger)
        (tmp_path / "ledger/state.json").unlink(missing_ok=True)
        with using(tmp_path, Clock()) as ledger:
            assert told(ledger) == naive(ledger) != []

    def test_a_reading_that_comes_late_takes_its_place_between(self, tmp_path):
        with using(tmp_path, Clock()) as ledger:
            read(ledger, ("20", NOON), ("70", NOON + 10 * HOUR))
            read(ledger, ("15", NOON + 9 * HOUR))
            assert told(ledger) == naive(ledger)
            assert [jump.after.amount.text() for jump in ledger.jumps()] == ["15.00", "70.00"]
            read(ledger, ("80", NOON + 4 * HOUR))
            assert told(ledger) == naive(ledger)
            read(ledger, ("90", NOON - HOUR))
            assert ledger.first_balance("acme") == balance("90", NOON - HOUR)

    def test_also_where_its_neighbours_have_left_for_the_past(self, tmp_path):
        clock = Clock()
        with using(tmp_path, clock) as ledger:
            for day in range(60):
                clock.now = NOON + day * DAY
                read(ledger, (str(100 - day), clock.now))
                checkpoints(ledger)
            assert len(resident(tmp_path, "balances")) < 15
            read(ledger, ("300", NOON + 20 * DAY + HOUR), ("99.5", NOON + 2 * HOUR), ("7", NOON - 90 * DAY))
            assert told(ledger) == naive(ledger)
            assert ledger.first_balance("acme").amount == Money.of("7")

    def test_a_clock_that_was_ahead_leaves_no_false_rise(self, tmp_path):
        with using(tmp_path, Clock(NOON + DAY)) as ledger:
            read(ledger, ("50", NOON), ("10", NOON + 40 * DAY))
            for hour in range(1, 6):
                read(ledger, (str(50 - hour), NOON + hour * HOUR))
            assert told(ledger) == naive(ledger)
            assert [jump.after.at for jump in ledger.jumps()] == [NOON + 40 * DAY]

    def test_they_are_an_accounts_under_the_name_it_has_now(self, tmp_path):
        with using(tmp_path, Clock()) as ledger:
            ledger.add(Batch(balances=(balance("1", NOON, "default"), balance("9", NOON + HOUR, "default"))))
            ledger.add(Batch(accounts=(account("default", "acme"),)))
            (jump,) = ledger.jumps("acme")
            assert (jump.account, jump.before.account, jump.after.account) == ("acme", "acme", "acme")
            assert ledger.jumps("default") == (jump,)
            assert ledger.first_balance("default") == balance("1", NOON)

    def test_after_400_days_they_are_let_go_and_the_readings_stay(self, tmp_path):
        clock = Clock()
        with using(tmp_path, clock) as ledger:
            for week in range(80):
                clock.now = NOON + week * 7 * DAY
                read(ledger, ("20", clock.now), ("90", clock.now + HOUR))
                checkpoints(ledger)
            assert len(resident(tmp_path, "jumps")) < 2 * (431 // 7 + 2)
            assert [one for one in told(ledger) if one[0] >= clock.now - 400 * DAY] == naive(ledger, clock.now)
            assert ledger.first_balance("acme") == balance("20", NOON)
            assert len(list(ledger.balances())) == 160

    def test_a_balance_that_goes_up_and_down_all_day_does_not_fill_the_state(self, tmp_path, monkeypatch):
        monkeypatch.setattr("trayd.ledger.jumps._MOST", 40)
        monkeypatch.setattr("trayd.ledger.jumps._STAY_THEN", 30)
        clock = Clock(NOON + DAY)
        with using(tmp_path, clock) as ledger:
            read(ledger, ("20", NOON - 12 * HOUR), ("60", NOON - 11 * HOUR))
            read(ledger, *((str(30 + number % 2), NOON + number * MINUTE) for number in range(200)))
            checkpoints(ledger)
            assert len(ledger.jumps()) == 30
            assert [jump.after.amount.text() for jump in ledger.jumps()][:2] == ["60.00", "30.00"], "the big, the long"

    def test_a_ledger_of_before_makes_them_once_from_all_its_readings(self, tmp_path, monkeypatch):
        clock = Clock()
        with monkeypatch.context() as before:
            before.setattr(Jumps, "changes", lambda *_: iter(()))
            with using(tmp_path, clock) as ledger:
                for day in range(100):
                    clock.now = NOON + day * DAY
                    read(ledger, (str(1000 - day % 9 * 100), clock.now), (str(990 - day % 9 * 100), clock.now + HOUR))
                    checkpoints(ledger)
        assert in_tinydb(tmp_path, "jumps") == []
        with using(tmp_path, clock) as ledger:
            assert told(ledger) == naive(ledger)
            assert ledger.dirty, "they become durable with the next write"
        assert len(resident(tmp_path, "jumps")) == 99, "one for each night"
        with using(tmp_path, clock) as ledger:
            read(ledger, ("5000", clock.now + 2 * HOUR))
            assert told(ledger) == naive(ledger)
            assert ledger.first_balance("acme") == balance("1000", NOON)

    def test_a_month_that_cannot_be_read_keeps_no_reading_out(self, tmp_path, monkeypatch):
        clock = Clock()
        with monkeypatch.context() as before:
            before.setattr(Jumps, "changes", lambda *_: iter(()))
            with using(tmp_path, clock) as ledger:
                read(ledger, ("20", NOON), ("70", NOON + HOUR))
                clock.now = NOON + 60 * DAY
                read(ledger, ("60", clock.now))
                checkpoints(ledger)
        damaged = [*tmp_path.glob("ledger/state-2026-11.json"), *tmp_path.glob("backup/state-2026-11.jsonl")]
        kept = [path.read_bytes() for path in damaged]
        for path in damaged:
            path.write_bytes(b"nothing of trayd's\n")
        with using(tmp_path, clock) as ledger:
            read(ledger, ("90", clock.now + HOUR))
            assert ledger.latest_balances()["acme"].amount == Money.of("90")
            assert [jump.after.amount.text() for jump in ledger.jumps()] == ["90.00"]
        for path, content in zip(damaged, kept, strict=True):
            path.write_bytes(content)
        with using(tmp_path, clock) as ledger:
            assert told(ledger) == naive(ledger)

    def test_a_state_that_was_rebuilt_in_part_makes_them_anew(self, tmp_path):
        with using(tmp_path, Clock()) as ledger:
            read(ledger, ("20", NOON), ("70", NOON + HOUR), ("60", NOON + 9 * HOUR))
            known = told(ledger)
        mirror = tmp_path / "backup/state.jsonl"
        lines = mirror.read_bytes().splitlines(keepends=True)
        (tmp_path / "ledger/state.json").unlink()
        mirror.write_bytes(b"".join(b"#" * 20 + b"\n" if b'"put":"jumps"' in line else line for line in lines))
        rebuild(folders(tmp_path), Disk(), ("state",), None, {})
        with using(tmp_path, Clock()) as ledger:
            assert told(ledger) == naive(ledger)
            assert {one[0] for one in told(ledger)} <= {one[0] for one in known}

    def test_where_the_disk_refuses_neither_reading_nor_jump_is_there(self, tmp_path):
        with using(tmp_path, Clock()) as ledger:
            read(ledger, ("20", NOON))
        for number in range(1, 40):
            disk = FaultyDisk(at=number)
            try:
                with using(tmp_path, Clock(), disk) as ledger:
                    read(ledger, (str(20 + number), NOON + number * HOUR))
            except LedgerFullError:
                pass
            with using(tmp_path, Clock()) as ledger:
                assert told(ledger) == naive(ledger)
                assert ledger.verify() == []


readings = st.tuples(
    st.sampled_from(["acme", "beta"]),
    st.integers(-60, 60).map(lambda step: NOON + step * 5 * HOUR),
    st.integers(1, 4).map(lambda dollars: str(dollars * 10)),
)
steps = st.lists(
    st.lists(readings, min_size=1, max_size=4)
    | st.sampled_from(["crash", "restart", "checkpoint"])
    | st.integers(1, 300).map(lambda hours: hours * HOUR),
    max_size=14,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_they_are_what_all_readings_make_whatever_came_when(sequence):
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108
        clock = Clock()
        ledger = opened(Path(folder), clock, QuickDisk())
        for step in sequence:
            if isinstance(step, list):
                ledger.add(Batch(balances=tuple(balance(amount, at, name) for name, at, amount in step)))
            elif isinstance(step, timedelta):
                clock.now += step
            elif step == "checkpoint":
                checkpoints(ledger)
            else:
                crash(ledger) if step == "crash" else ledger.close()
                ledger = opened(Path(folder), clock, QuickDisk())
            assert told(ledger) == naive(ledger)
            firsts = {name: ledger.first_balance(name) for name in ("acme", "beta")}
            assert firsts == {name: next(ledger.balances(name), None) for name in firsts}
        assert ledger.verify() == []
        ledger.close()


def checked(minutes: int = 0, *, agrees: bool = True) -> Checked:
    total = Money.of("1234.567890123")
    return Checked(
        account="acme",
        since=NOON - 89 * DAY,
        until=NOON,
        at=NOON + minutes * MINUTE,
        ledger=total,
        fal=total if agrees else Money.of("1300"),
        agrees=agrees,
    )


class TestChecks:
    def test_the_last_one_of_each_account_is_kept(self, tmp_path):
        with using(tmp_path, Clock()) as ledger:
            assert ledger.checks() == {}
            ledger.add(Batch(checks=(checked(),)))
            ledger.add(Batch(checks=(checked(10, agrees=False),)))
        with using(tmp_path, Clock()) as ledger:
            assert ledger.checks() == {"acme": checked(10, agrees=False)}

    def test_one_that_agrees_like_the_one_before_costs_no_write(self, tmp_path):
        ledger = opened(tmp_path, Clock())
        ledger.add(Batch(checks=(checked(),)))
        size = (tmp_path / "backup/state.jsonl").stat().st_size
        ledger.add(Batch(checks=(checked(10),)))
        assert (tmp_path / "backup/state.jsonl").stat().st_size == size
        assert ledger.checks() == {"acme": checked(10)}
        crash(ledger)
        ledger = opened(tmp_path, Clock())
        assert ledger.checks() == {"acme": checked()}, "a crash costs the age of a check, never what it found"
        ledger.add(Batch(checks=(checked(20, agrees=False),)))
        crash(ledger)
        with using(tmp_path, Clock()) as ledger:
            assert ledger.checks() == {"acme": checked(20, agrees=False)}

    def test_a_difference_keeps_the_requests_that_explain_it(self, tmp_path):
        difference = Difference(
            account="acme",
            endpoint_id="fal-ai/veo3",
            since=NOON - DAY,
            until=NOON,
            ledger=Money.of("1.00"),
            fal=Money.of("2.50"),
            records=(Disputed(request_id="r1", fal=Money.of("1.20")),),
            requests=1,
            explained=Money.of("1.20"),
        )
        assert difference.unexplained == Money.of("0.30")
        with using(tmp_path, Clock()) as ledger:
            ledger.add(Batch(differences={"acme": (difference,)}))
        with using(tmp_path, Clock()) as ledger:
            assert ledger.differences() == (difference,)


def test_a_table_that_a_newer_trayd_has_brought_is_refused_by_name_and_nothing_is_changed(tmp_path, monkeypatch):
    with monkeypatch.context() as newer:
        newer.setitem(STATE_TABLES, "novelties", Moved)
        ledger = opened(tmp_path, Clock())
        ledger._state.pair.write([Change("novelties", "n", Moved(NOON))])
        crash(ledger)
    before = {path: path.read_bytes() for path in tmp_path.rglob("state.json*")}
    with pytest.raises(LedgerNewerError, match="novelties"):
        opened(tmp_path, Clock())
    assert {path: path.read_bytes() for path in tmp_path.rglob("state.json*")} == before


class TestPause:
    def test_it_survives_a_crash_and_ends_when_it_is_said_so(self, tmp_path):
        ledger = opened(tmp_path, Clock())
        assert ledger.pause() is None
        ledger.add(Batch(pause=AlertPause(NOON + HOUR)))
        crash(ledger)
        ledger = opened(tmp_path, Clock())
        assert ledger.pause() == NOON + HOUR
        ledger.add(Batch(balances=(balance("1"),)))
        assert ledger.pause() == NOON + HOUR, "a batch that says nothing of it changes nothing"
        ledger.add_together([Batch(pause=AlertPause(NOON + 2 * HOUR)), Batch(balances=(balance("2", NOON + HOUR),))])
        assert ledger.pause() == NOON + 2 * HOUR
        ledger.add(Batch(pause=AlertPause(NOON)))
        crash(ledger)
        with using(tmp_path, Clock()) as ledger:
            assert ledger.pause() == NOON

    def test_one_that_was_ended_by_a_clock_that_was_ahead_is_over_all_the_same(self, tmp_path):
        clock = Clock()
        with using(tmp_path, clock) as ledger:
            ledger.add(Batch(pause=AlertPause(NOON + HOUR, resumed=True)))
            clock.now = NOON
            assert ledger.pause() is None
            clock.now = NOON + 2 * HOUR
            assert ledger.pause() == NOON + HOUR
