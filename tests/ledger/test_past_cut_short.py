"""Rows leave for the past while the process is killed, the power goes, the disk refuses, or files are damaged."""

import random
import zipfile
from pathlib import Path

import pytest
import tinydb

from tests.ledger.aging import Clock, about_to_leave, checkpoints, episode, in_tinydb, opened, resident, told, using
from tests.ledger.faults import FaultyDisk, QuickDisk
from tests.ledger.making import DAY, HOUR, NOON, balance, crash
from tests.ledger.power import ANY, NOTHING, THE_FIRST, PowerDisk
from trayd.errors import LedgerDamagedError, LedgerFullError
from trayd.facts import Batch


class KilledError(BaseException):
    """The process is dead."""


class Dying(FaultyDisk):
    """From the chosen call on nothing reaches the disk any more, as when the process is killed right there."""

    def goes_wrong(self, call):
        super().goes_wrong(call)
        return self.at is not None and self.made >= self.at

    def refuse(self):
        raise KilledError

    def remove(self, path):
        if self.at is not None and self.made >= self.at:
            raise KilledError
        super().remove(path)


def calls_of_a_move(home: Path) -> int:
    clock = about_to_leave(home)
    disk = FaultyDisk()
    with using(home, clock, disk) as ledger:
        disk.made = 0
        checkpoints(ledger)
        assert [row["key"] for row in resident(home, "episodes")] == ["balance:beta"]
        assert len(resident(home, "balances")) == 1
        assert resident(home, "files") == []
        return disk.made


class TestWhenItIsCutShort:
    def test_by_a_kill_at_any_call(self, tmp_path):
        made = calls_of_a_move(tmp_path / "right")
        for at in range(1, made + 1):
            home = tmp_path / str(at)
            clock = about_to_leave(home)
            disk = Dying()
            ledger = opened(home, clock, disk)
            before = told(ledger)
            disk.at, disk.made = at, 0
            with pytest.raises(KilledError):
                checkpoints(ledger)
            crash(ledger)
            for path in (home / "ledger").glob("*.json"):
                with tinydb.TinyDB(path) as database:
                    assert database.tables()
            with using(home, clock) as ledger:
                assert told(ledger) == before, f"killed at call {at} ({disk.calls[at - 1]})"
                assert ledger.verify() == []
                assert not any("damaged" in notice or "edited" in notice for notice in ledger.notices)
                checkpoints(ledger)
                assert len(resident(home, "balances")) == 1
                assert told(ledger) == before
                assert ledger.verify() == []
            keys = [row["key"] for row in in_tinydb(home, "balances")]
            assert len(keys) == len(set(keys)) == 6

    def test_by_a_power_cut_at_any_call(self, tmp_path):
        dice = random.Random(11)
        home = tmp_path / "home"
        clock = about_to_leave(home)
        disk = PowerDisk(home)
        survivors: list[Path] = []

        def cut(_call: str) -> None:
            for how in (NOTHING, THE_FIRST, ANY):
                survivors.append(tmp_path / f"{disk.made}-{how}")
                disk.medium.after_power_cut(dice, how, survivors[-1])

        ledger = opened(home, clock, disk)
        before = told(ledger)
        disk.on_call = cut
        checkpoints(ledger)
        disk.on_call = lambda _call: None
        ledger.close()
        assert len(survivors) > 40
        for survivor in survivors:
            with using(survivor, clock, QuickDisk()) as ledger:
                assert told(ledger) == before, survivor.name
                assert ledger.verify() == []
                checkpoints(ledger)
                assert told(ledger) == before, survivor.name

    @pytest.mark.parametrize("fault", ["EIO", "ENOSPC"])
    def test_by_a_disk_that_refuses_any_call(self, fault, tmp_path):
        made = calls_of_a_move(tmp_path / "right")
        refused = 0
        for at in range(1, made + 1):
            home = tmp_path / str(at)
            clock = about_to_leave(home)
            disk = FaultyDisk(fault=fault)
            ledger = opened(home, clock, disk)
            before = told(ledger)
            disk.at, disk.made = at, 0
            try:
                checkpoints(ledger)
            except LedgerFullError:
                refused += 1
            assert told(ledger) == before
            clock.now += 2 * HOUR
            ledger.add(Batch(balances=(balance("99", clock.now),)))
            checkpoints(ledger)
            assert ledger.verify() == []
            assert len(list(ledger.balances())) == 7
            assert len(resident(home, "balances")) == 1
            ledger.close()
        assert refused > made // 2

    def test_by_changes_between_its_steps(self, tmp_path):
        clock = about_to_leave(tmp_path)
        ledger = opened(tmp_path, clock)
        before = list(ledger.balances())
        added = []
        for number, _ in enumerate(ledger.checkpoint_steps()):
            added.append(balance(f"{number + 100}", clock.now + number * HOUR))
            ledger.add(Batch(balances=(added[-1],), episodes=(episode("acme", clock.now + number * HOUR),)))
            assert list(ledger.balances()) == before + added
        assert len(added) > 2
        crash(ledger)
        with using(tmp_path, clock) as ledger:
            assert list(ledger.balances()) == before + added
            assert ledger.episodes()["balance:acme"].resolved is None
            assert [one.since for one in ledger.past_episodes()] == [NOON]
            assert ledger.verify() == []

    def test_what_the_disk_did_not_take_leaves_another_time_and_keeps_nothing_else_from_being_written(self, tmp_path):
        class NoPast(QuickDisk):
            refuses = True

            def open_append(self, path):
                if self.refuses and path.name.startswith("state-"):
                    raise OSError(28, "No space left on device")
                return super().open_append(path)

        clock = about_to_leave(tmp_path)
        disk = NoPast()
        ledger = opened(tmp_path, clock, disk)
        ledger.add(Batch(balances=(balance("99", clock.now),)))
        with pytest.raises(LedgerFullError, match=r"state-2026-11\.jsonl: the disk is full"):
            ledger.checkpoint()
        assert len(resident(tmp_path, "balances")) == 7
        disk.refuses = False
        ledger.add(Batch(balances=(balance("98", clock.now + HOUR),)))
        checkpoints(ledger)
        assert [row["at"][:10] for row in resident(tmp_path, "balances")] == ["2027-03-10"] * 2
        ledger.close()


class TestDamage:
    @pytest.fixture
    def home(self, tmp_path):
        clock = about_to_leave(tmp_path)
        with using(tmp_path, clock) as ledger:
            checkpoints(ledger)
        return tmp_path

    @pytest.mark.parametrize("lost", ["ledger/state-2026-11.json", "backup/state-2026-11.jsonl"])
    def test_either_file_rebuilds_the_other(self, home, lost):
        clock = Clock(NOON + 120 * DAY)
        (home / lost).write_bytes(b"\0" * 500)
        with using(home, clock) as ledger:
            assert len(list(ledger.balances())) == 6
            assert any(lost.rpartition("/")[2] in notice for notice in ledger.notices)
        with using(home, clock) as ledger:
            assert len(list(ledger.balances())) == 6
            assert ledger.verify() == []
            assert ledger.notices == ()

    def test_both_damaged_is_told_by_name_where_it_is_asked_for_and_stops_nothing_else(self, home):
        for name in ("ledger/state-2026-11.json", "backup/state-2026-11.jsonl"):
            (home / name).write_bytes(b"\0" * 500)
        clock = Clock(NOON + 120 * DAY)
        with using(home, clock) as ledger:
            with pytest.raises(LedgerDamagedError, match=r"state-2026-11\.json .* and .*state-2026-11\.jsonl"):
                list(ledger.balances())
            assert [(problem.pair, problem.cure[:39]) for problem in ledger.verify()] == [
                ("state-2026-11", "run `trayd ledger rebuild state-2026-11")
            ]
            assert ledger.latest_balances()["acme"].amount.text() == "6.00"
            # Rows that would belong there stay where they are, and those of other months leave.
            late = (balance("7", NOON + 3 * DAY), balance("8", NOON + 40 * DAY), balance("9", clock.now))
            ledger.add(Batch(balances=late))
            clock.now += 2 * HOUR
            checkpoints(ledger)
            left = sorted(row["at"][:10] for row in resident(home, "balances"))
            assert left == ["2026-11-10", "2026-11-13", "2027-03-10"]
            assert any("state-2026-11.json" in notice for notice in ledger.notices)

    def test_a_full_disk_does_not_keep_a_person_from_reading_what_was_mended(self, home):
        class Full(QuickDisk):
            def open_new(self, _path):
                raise OSError(28, "No space left on device")

        clock = Clock(NOON + 120 * DAY)
        (home / "ledger/state-2026-11.json").unlink()
        ledger = opened(home, clock, Full())
        assert len(list(ledger.balances())) == 6
        crash(ledger)


def test_a_backup_has_the_past_in_it_and_puts_it_back(tmp_path):
    clock = about_to_leave(tmp_path)
    with using(tmp_path, clock) as ledger:
        checkpoints(ledger)
        before = told(ledger)
        copy = ledger.backup(clock.now).path
        (tmp_path / "ledger/state-2026-11.json").write_bytes(b"\0" * 500)
        (tmp_path / "backup/state-2026-11.jsonl").write_bytes(b"\0" * 500)
        ledger.restore(copy, clock.now)
        assert told(ledger) == before
        assert ledger.verify() == []


def test_clearing_takes_the_past_along_and_the_archive_has_it(tmp_path):
    clock = about_to_leave(tmp_path)
    with using(tmp_path, clock) as ledger:
        checkpoints(ledger)
        before = told(ledger)
        archive = ledger.archive_and_clear(clock.now)
        assert told(ledger) == ([], [], {}, [])
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path / "restored")
    with using(tmp_path / "restored", clock) as ledger:
        assert told(ledger) == before
