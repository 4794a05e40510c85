"""What the state is done with leaves for pairs of the past: years of history cost no memory, and nothing is lost."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger.aging import Clock, checkpoints, episode, in_tinydb, opened, resident, using
from tests.ledger.faults import QuickDisk
from tests.ledger.making import DAY, HOUR, NOON, account, balance, crash
from trayd.facts import Batch, FileTaken
from trayd.ledger.store import Ledger
from trayd.operations.importing import Imported, ImportQuery, import_data
from trayd.records import BalanceReading
from trayd.settings import Settings
from trayd.steps import finish


class Watched(QuickDisk):
    """Tells which files are read."""

    def __init__(self) -> None:
        self.read_files: list[str] = []

    def read(self, path: Path) -> bytes | None:
        self.read_files.append(path.name)
        return super().read(path)

    def lines(self, path: Path) -> Iterator[bytes]:
        self.read_files.append(path.name)
        return super().lines(path)

    @property
    def of_the_past(self) -> set[str]:
        return {name for name in self.read_files if name.startswith("state-") and name.endswith(".json")}


def days_pass(ledger: Ledger, clock: Clock, days: int, *, per_day: int = 24, account: str = "acme") -> None:
    """Balances that fall all the time, a top-up every week, and a checkpoint every few days."""
    for _ in range(days):
        day, clock.now = clock.now, clock.now + DAY
        ledger.add(
            Batch(
                balances=tuple(
                    balance(f"{900 - (day.toordinal() % 7) * 100 - number}", day + number * DAY / per_day, account)
                    for number in range(per_day)
                )
            )
        )
        if day.day % 3 == 0:
            checkpoints(ledger)
    checkpoints(ledger)


class TestBalances:
    def test_years_of_them_leave_the_state_as_small_as_its_first_weeks(self, tmp_path):
        clock = Clock(datetime(2024, 1, 1, tzinfo=UTC))
        with using(tmp_path, clock) as ledger:
            sizes = []
            for _ in range(6):
                days_pass(ledger, clock, 120)
                mirror = (tmp_path / "backup/state.jsonl").stat().st_size
                sizes.append((len(resident(tmp_path, "balances")), mirror))
            assert max(rows for rows, _ in sizes) <= 14 * 24
            assert max(size for _, size in sizes) < 300_000
            assert ledger.verify() == []
        assert len(in_tinydb(tmp_path, "balances")) == 720 * 24
        assert len(list((tmp_path / "ledger").glob("state-*.json"))) == 24
        disk = Watched()
        with using(tmp_path, clock, disk) as ledger:
            assert ledger.latest_balances()["acme"].at == clock.now - HOUR
            assert disk.of_the_past == set()

    def test_all_of_them_are_still_told_oldest_first(self, tmp_path):
        clock = Clock()
        with using(tmp_path, clock) as ledger:
            days_pass(ledger, clock, 100)
            days_pass(ledger, clock, 3, account="beta")
            told = list(ledger.balances())
        times = [NOON + hour * HOUR for hour in range(103 * 24)]
        assert [(reading.account, reading.at) for reading in told] == [
            ("acme" if when < NOON + 100 * DAY else "beta", when) for when in times
        ]
        with using(tmp_path, clock) as ledger:
            assert list(ledger.balances()) == told
            assert [reading.at for reading in ledger.balances("beta")] == times[-72:]
            for since in (NOON + 1.5 * HOUR, NOON + 40 * DAY, clock.now - 7 * DAY, clock.now):
                assert list(ledger.balances(since=since)) == [reading for reading in told if reading.at >= since]

    def test_those_of_the_last_week_are_told_without_opening_a_file_and_older_ones_with_no_more_than_needed(
        self, tmp_path
    ):
        clock = Clock(datetime(2026, 1, 1, tzinfo=UTC))
        disk = Watched()
        with using(tmp_path, clock, disk) as ledger:
            days_pass(ledger, clock, 200, per_day=4)
            disk.read_files.clear()
            assert len(list(ledger.balances(since=clock.now - 7 * DAY))) == 28
            assert disk.of_the_past == set()
            assert len(list(ledger.balances(since=clock.now - 30 * DAY))) == 120
            assert disk.of_the_past == {"state-2026-06.json", "state-2026-07.json"}

    def test_the_months_are_read_one_after_the_other(self, tmp_path):
        clock = Clock(datetime(2026, 1, 1, tzinfo=UTC))
        disk = Watched()
        with using(tmp_path, clock, disk) as ledger:
            days_pass(ledger, clock, 100, per_day=1)
            disk.read_files.clear()
            next(ledger.balances())
            assert disk.of_the_past == {"state-2026-01.json"}

    def test_the_newest_of_an_account_that_nobody_asks_any_more_stays_at_hand(self, tmp_path):
        clock = Clock()
        with using(tmp_path, clock) as ledger:
            ledger.add(Batch(balances=(balance("7", NOON - HOUR, "old"), balance("6", NOON, "old"))))
            days_pass(ledger, clock, 80)
        disk = Watched()
        with using(tmp_path, clock, disk) as ledger:
            assert ledger.latest_balances()["old"] == balance("6", NOON, "old")
            assert disk.of_the_past == set()
            assert [reading.at for reading in ledger.balances("old")] == [NOON - HOUR, NOON]

    def test_they_are_an_accounts_under_the_name_it_has_now(self, tmp_path):
        clock = Clock()
        with using(tmp_path, clock) as ledger:
            days_pass(ledger, clock, 20, per_day=1, account="default")
            ledger.add(Batch(accounts=(account("default", "acme"),)))
            days_pass(ledger, clock, 1, per_day=1)
            assert set(ledger.latest_balances()) == {"acme"}
            assert [reading.at for reading in ledger.balances("default")] == [NOON + day * DAY for day in range(21)]
            assert {reading.account for reading in ledger.balances()} == {"acme"}

    def test_many_busy_accounts_keep_no_more_in_memory_than_one(self, tmp_path, monkeypatch):
        monkeypatch.setattr("trayd.ledger.past._MOST", 100)
        monkeypatch.setattr("trayd.ledger.past._STAY_THEN", 75)
        clock = Clock()
        with using(tmp_path, clock) as ledger:
            days_pass(ledger, clock, 7, per_day=24)
            assert 48 <= len(resident(tmp_path, "balances")) <= 100
            week = list(ledger.balances(since=clock.now - 7 * DAY))
            assert [reading.at for reading in week] == [NOON + hour * HOUR for hour in range(7 * 24)]

    def test_a_reading_that_comes_late_is_compared_with_the_one_before_it(self, tmp_path):
        with using(tmp_path, Clock(NOON + DAY)) as ledger:
            ledger.add(Batch(balances=(balance("5", NOON), balance("3", NOON + 4 * HOUR))))
            ledger.add(Batch(balances=(balance("5", NOON + HOUR), balance("4", NOON + 2 * HOUR))))
            assert [reading.amount.text() for reading in ledger.balances()] == ["5.00", "4.00", "3.00"]
            assert ledger.latest_balances()["acme"].amount.text() == "3.00"

    def test_one_from_a_clock_that_was_ahead_does_not_hide_the_right_ones(self, tmp_path):
        clock = Clock(NOON + 400 * DAY)
        with using(tmp_path, clock) as ledger:
            ledger.add(Batch(balances=(balance("50", clock.now),)))
            clock.now = NOON
            ledger.add(Batch(balances=(balance("49", NOON),)))
            assert ledger.latest_balances()["acme"].amount.text() == "49.00"
            ledger.add(Batch(balances=(balance("48", NOON + HOUR),)))
        with using(tmp_path, Clock(NOON + HOUR)) as ledger:
            assert ledger.latest_balances()["acme"].amount.text() == "48.00"

    @given(
        st.lists(
            st.one_of(
                st.tuples(st.just("read"), st.integers(-90 * 24, 0), st.sampled_from(["acme", "beta"])),
                st.tuples(st.just("sleep"), st.integers(1, 40 * 24), st.just("")),
                st.tuples(st.sampled_from(["checkpoint", "restart", "crash"]), st.just(0), st.just("")),
            ),
            max_size=25,
        ),
        st.integers(0, 120),
    )
    @settings(max_examples=25)
    def test_whatever_happens_each_is_told_once(self, tmp_path_factory, steps, back):
        home, clock = tmp_path_factory.mktemp("home"), Clock()
        ledger = opened(home, clock)
        expected: dict[tuple[datetime, str], BalanceReading] = {}
        for number, (step, hours, name) in enumerate(steps):
            if step == "read":
                reading = balance(str(number + 1), clock.now + hours * HOUR, name)
                if (reading.at, name) not in expected:
                    expected[reading.at, name] = reading
                    ledger.add(Batch(balances=(reading,)))
            elif step == "sleep":
                clock.now += hours * HOUR
            elif step == "checkpoint":
                ledger.checkpoint()
            else:
                crash(ledger) if step == "crash" else ledger.close()
                ledger = opened(home, clock)
        told = [expected[key] for key in sorted(expected)]
        assert list(ledger.balances()) == told
        since = clock.now - back * DAY
        assert list(ledger.balances(since=since)) == [reading for reading in told if reading.at >= since]
        assert ledger.verify() == []
        ledger.close()


class TestEpisodes:
    def test_those_that_ended_months_ago_leave_and_those_that_last_stay(self, tmp_path):
        clock = Clock()
        over, lasts = episode("acme", NOON, NOON + HOUR), episode("beta", NOON)
        with using(tmp_path, clock) as ledger:
            ledger.add(Batch(episodes=(over, lasts)))
            clock.now = NOON + 64 * DAY
            ledger.checkpoint()
            assert set(ledger.episodes()) == {"balance:acme", "balance:beta"}
            clock.now = NOON + 100 * DAY
            ledger.add(Batch(balances=(balance("1", clock.now),)))
        with using(tmp_path, clock) as ledger:
            assert set(ledger.episodes()) == {"balance:beta"}
            assert list(ledger.past_episodes()) == [over]
            assert [row["key"] for row in resident(tmp_path, "episodes")] == ["balance:beta"]

    def test_one_that_begins_anew_does_not_take_the_place_of_the_one_before_it(self, tmp_path):
        clock = Clock()
        told = [episode("acme", NOON + n * 30 * DAY, NOON + n * 30 * DAY + HOUR) for n in range(5)]
        with using(tmp_path, clock) as ledger:
            for one in told:
                clock.now = one.resolved
                ledger.add(Batch(episodes=(msgspec.structs.replace(one, resolved=None),)))
                ledger.add(Batch(episodes=(one,)))
                ledger.checkpoint()
                assert ledger.episodes()[one.id] == one
            at_hand = ledger.episodes()
            assert at_hand.keys() - {told[-1].id} <= {one.instance for one in told[:-1]}
            assert list(ledger.past_episodes()) == told
            assert list(ledger.past_episodes(since=told[3].since)) == told[3:]
        with using(tmp_path, clock) as ledger:
            assert ledger.episodes()[told[-1].id] == told[-1]
            assert list(ledger.past_episodes()) == told

    def test_one_that_another_has_followed_can_still_be_told_of(self, tmp_path):
        clock = Clock()
        untold, lasts = episode("acme", NOON, NOON + HOUR), episode("acme", NOON + 2 * HOUR)
        told = msgspec.structs.replace(untold, told=NOON + 3 * HOUR)
        with using(tmp_path, clock) as ledger:
            ledger.add(Batch(episodes=(untold,)))
            ledger.add(Batch(episodes=(lasts,)))
        with using(tmp_path, clock) as ledger:
            assert ledger.episodes() == {lasts.id: lasts, untold.instance: untold}
            ledger.add(Batch(episodes=(told,)))
            assert ledger.episodes() == {lasts.id: lasts, untold.instance: told}
        with using(tmp_path, clock) as ledger:
            assert ledger.episodes() == {lasts.id: lasts, untold.instance: told}
            clock.now = NOON + 100 * DAY
            ledger.add(Batch(balances=(balance("1", clock.now),)))
        with using(tmp_path, clock) as ledger:
            # It has left by now; who tells of it all the same does not put it in the place of the one that lasts.
            ledger.add(Batch(episodes=(told,)))
            assert ledger.episodes()[lasts.id] == lasts
            assert list(ledger.past_episodes()) == [told]

    def test_thousands_a_year_leave_as_many_as_there_are_of_some_months(self, tmp_path):
        clock = Clock(datetime(2025, 1, 1, tzinfo=UTC))
        with using(tmp_path, clock) as ledger:
            for day in range(400):
                clock.now += DAY
                ended = [episode(f"{day}-{number}", clock.now, clock.now, "expensive") for number in range(10)]
                ledger.add(Batch(episodes=tuple(ended)))
                ledger.checkpoint()
            assert 650 <= len(ledger.episodes()) <= 970
            assert sum(1 for _ in ledger.past_episodes()) == 4000


CSV = b"date,description,amount,category\n2026-11-03,Runway,12.00,video\n"
EVENTS = (
    b'{"trayd": 1, "type": "generation", "request_id": "r1", "endpoint_id": "fal-ai/flux/dev",'
    b' "time": "2026-11-10T11:00:00Z", "units": 2, "estimate": {"amount": "0.05", "currency": "USD"}}\n'
    b'{"trayd": 1, "type": "generation", "endpoint_id": "fal-ai/flux/dev", "time": "2026-11-10T11:30:00Z"}\n'
)


class TestFiles:
    def drop(self, ledger: Ledger, name: str, data: bytes, at: datetime, **said: object) -> Imported:
        return finish(import_data(ledger, ImportQuery(name=name), data, settings=Settings(**said), now=at))

    def test_a_file_with_events_that_is_dropped_again_after_months_tells_nothing_new(self, tmp_path):
        clock = Clock()
        with using(tmp_path, clock) as ledger:
            assert self.drop(ledger, "jobs.jsonl", EVENTS + b"{oops\n", NOON).recorded == 2
            (taken,) = resident_files(ledger)
        clock.now = NOON + 200 * DAY
        with using(tmp_path, clock) as ledger:
            ledger.checkpoint()
            assert ledger.file_taken(taken) is None
            records = list(ledger.records())
            again = self.drop(ledger, "jobs.jsonl", EVENTS + b"{oops\n", clock.now)
            assert (again.recorded, again.duplicates, len(again.rejected)) == (0, 2, 1)
            assert list(ledger.records()) == records
            assert ledger.file_taken(taken).at == clock.now
            ledger.checkpoint()
        assert sorted(row["at"] for row in in_tinydb(tmp_path, "files")) == [
            "2026-11-10T12:00:00Z",
            "2027-05-29T12:00:00Z",
        ]

    def test_a_file_of_which_all_is_events_is_not_kept_beside_them(self, tmp_path):
        with using(tmp_path, Clock()) as ledger:
            assert self.drop(ledger, "jobs.jsonl", EVENTS, NOON).recorded == 2
            assert resident_files(ledger) == []
            again = self.drop(ledger, "jobs.jsonl", EVENTS, NOON)
            assert again == Imported(file="jobs.jsonl", recorded=0, duplicates=2)

    def test_a_statement_stays_known_because_its_rows_hang_on_the_settings_of_the_day(self, tmp_path):
        clock = Clock()
        with using(tmp_path, clock) as ledger:
            assert self.drop(ledger, "costs.csv", CSV, NOON).recorded == 1
        clock.now = NOON + 800 * DAY
        with using(tmp_path, clock) as ledger:
            ledger.checkpoint()
            again = self.drop(ledger, "costs.csv", CSV, clock.now, home_currency="SEK")
            assert again == Imported(file="costs.csv", recorded=0, duplicates=1)
            assert len(list(ledger.records())) == 1

    def test_thousands_of_event_files_leave(self, tmp_path):
        clock = Clock(datetime(2025, 1, 1, tzinfo=UTC))
        with using(tmp_path, clock) as ledger:
            for day in range(400):
                clock.now += DAY
                ledger.add(
                    Batch(files=tuple(FileTaken(digest=f"{day}-{n}", name=f"{n}.json", at=clock.now) for n in range(5)))
                )
                ledger.checkpoint()
            assert ledger.file_taken("390-1") is not None
            assert ledger.file_taken("300-1") is None or len(resident(tmp_path, "files")) <= 97 * 5
            assert len(resident(tmp_path, "files")) <= 97 * 5
            assert len(in_tinydb(tmp_path, "files")) == 2000


def resident_files(ledger: Ledger) -> list[str]:
    return list(ledger._state.rows("files"))
