"""The ledger at its door: what is added, what is read."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
import tinydb

from tests.ledger.making import (
    DAY,
    FLUX,
    HOUR,
    KLING,
    NOON,
    account,
    balance,
    billing,
    cost,
    covers,
    edit,
    estimate,
    event,
    folders,
    model,
    opened,
    row,
    run,
)
from trayd.episodes import Episode
from trayd.errors import LedgerError, RecordError
from trayd.facts import Batch, Difference, FileTaken, Link
from trayd.money import Money
from trayd.records import Counting, Filters, Generation, Kind, Status


def ids(ledger, filters=None, **how):
    return [record.id for record in ledger.records(filters or Filters(), **how)]


class TestAdding:
    def test_tells_what_is_new_what_changed_and_what_was_known(self, ledger):
        first = ledger.add(Batch(billing=(billing("r1"), billing("r2")), costs=(cost(),)))
        assert set(first.created) == {"r1", "r2", "c1"}
        again = ledger.add(Batch(billing=(billing("r1"), billing("r2", row("9.99"), fetched=NOON + HOUR))))
        assert (again.created, again.changed, again.known) == ((), ("r2",), 1)

    def test_what_tells_nothing_new_writes_nothing(self, ledger, tmp_path):
        batch = Batch(events=(event(),), billing=(billing("r2"),), runs=(run("r2"),), costs=(cost(),))
        ledger.add(batch)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*.json*")}
        version = ledger.version
        later = Batch(billing=(billing("r2", fetched=NOON + DAY),), runs=(run("r2", fetched=NOON + DAY),))
        assert ledger.add(batch).known == 4
        assert ledger.add(later).known == 2, "the same content, only fetched later"
        assert ledger.version == version
        assert {path: path.read_bytes() for path in tmp_path.rglob("*.json*")} == before

    def test_a_fetch_that_was_overtaken_does_not_undo_what_a_newer_one_confirmed(self, ledger):
        ledger.add(Batch(billing=(billing("r1", row("1.00"), fetched=NOON),)))
        ledger.add(Batch(billing=(billing("r1", row("1.00"), fetched=NOON + 2 * HOUR),)))
        ledger.add(Batch(billing=(billing("r1", row("5.00"), fetched=NOON + HOUR),)))
        assert ledger.get("r1").actual == Money.of("1.00")

    @pytest.mark.parametrize(
        "odd",
        [7, 1e22, True, None, 2**70, "Vänern", [1, (2, 3)], {"deep": {"er": 1}}, NOON, Decimal("1.50"), Status.FAILED],
    )
    def test_a_free_field_reads_as_it_was_written_from_the_first_moment_on(self, odd, tmp_path):
        said = Batch(events=(event(parameters={"odd": odd, "seed": 7}, extra={"odd": odd}),))
        with closing(opened(tmp_path)) as ledger:
            ledger.add(said)
            told = ledger.get("r1")
            assert ledger.add(said).known == 1
        with closing(opened(tmp_path)) as ledger:
            assert ledger.get("r1") == told

    @pytest.mark.parametrize("field", [{"odd": "\ud800"}, {"\ud800": 1}, {"odd": object()}])
    def test_a_free_field_that_no_file_can_hold_is_refused(self, field, ledger):
        with pytest.raises(RecordError, match="request r1 cannot be stored"):
            ledger.add(Batch(events=(event(parameters=field),)))
        with pytest.raises(RecordError, match="request r1 cannot be stored"):
            ledger.add(Batch(events=(event(extra=field),)))
        assert ids(ledger) == []

    def test_all_of_a_batch_or_nothing(self, ledger):
        with pytest.raises(LedgerError, match="there is no record nowhere"):
            ledger.add(Batch(events=(event(),), edits=(edit("nowhere", "client", "x"),)))
        assert ids(ledger) == []

    @pytest.mark.parametrize(
        ("batch", "named"),
        [
            (Batch(events=(event(time=datetime(2026, 11, 1)),)), "time 2026-11-01"),  # noqa: DTZ001 - that is the point
            (Batch(events=(event(units=Decimal("NaN")),)), "units NaN"),
            (Batch(events=(event(duration_s=float("inf")),)), "duration_s inf"),
            (Batch(events=(event(extra={"deep": [{"x": float("nan")}]}),)), "x nan"),
            (Batch(billing=(billing("r1", row(units="Infinity")),)), "units Infinity"),
        ],
    )
    def test_what_no_record_can_hold_is_refused_by_name(self, ledger, batch, named):
        with pytest.raises(RecordError, match=named):
            ledger.add(batch)
        assert ids(ledger) == []

    def test_only_tags_and_notes_are_for_editing(self, ledger):
        ledger.add(Batch(events=(event(),)))
        with pytest.raises(RecordError, match="actual of r1 is not for editing"):
            ledger.add(Batch(edits=(edit("r1", "actual", "0"),)))

    def test_ten_thousand_rows_at_once_are_one_sync_for_each_month(self, tmp_path):
        from trayd.ledger.disk import Disk

        class Counting(Disk):
            syncs = 0

            def sync(self, handle):
                self.syncs += 1
                super().sync(handle)

        disk = Counting()
        ledger = opened(tmp_path, disk)
        ledger.add(Batch(billing=tuple(billing(f"first{month}", row(at=NOON + month * 25 * DAY)) for month in (0, 1))))
        disk.syncs = 0
        rows = [billing(f"r{number}", row(at=NOON + number * timedelta(minutes=4))) for number in range(10_000)]
        ledger.add(Batch(billing=tuple(rows)))
        assert disk.syncs == 2, "November and December"
        ledger.close()


class TestReading:
    def test_newest_first_across_months_or_the_other_way(self, ledger):
        days = [NOON + days * DAY for days in (0, 40, -40, 12)]
        ledger.add(Batch(events=tuple(event(f"e{n}", f"r{n}", day) for n, day in enumerate(days))))
        assert ids(ledger) == ["r1", "r3", "r0", "r2"]
        assert ids(ledger, newest_first=False) == ["r2", "r0", "r3", "r1"]

    def test_a_record_whose_time_moved_out_of_its_month_is_found_where_it_is_now(self, tmp_path):
        ledger = opened(tmp_path)
        ledger.add(Batch(events=(event(time=NOON),)))
        ledger.add(Batch(billing=(billing("r1", row(at=NOON + 60 * DAY)), billing("r2", row(at=NOON + 50 * DAY)))))
        ledger.close()
        ledger = opened(tmp_path)
        assert ids(ledger, Filters(since=NOON + 55 * DAY)) == ["r1"]
        assert ids(ledger) == ["r1", "r2"]
        assert ids(ledger, Filters(until=NOON + DAY)) == []
        ledger.close()

    def test_a_cost_counts_on_its_date_in_the_users_zone(self, ledger):
        ledger.add(Batch(costs=(cost(on=datetime(2026, 12, 1, tzinfo=UTC)),)))
        for name in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
            zone = ZoneInfo(name)
            day = Filters(since=datetime(2026, 12, 1, tzinfo=zone), until=datetime(2026, 12, 2, tzinfo=zone))
            assert ids(ledger, day, zone=zone) == ["c1"]
        assert next(ledger.records()).date == date(2026, 12, 1)

    def test_filters(self, ledger):
        ledger.add(
            Batch(
                events=(event("a", "r1", client="Northwind"), event("b", "r2", endpoint_id=FLUX, project="Spring")),
                costs=(cost(client="Northwind"),),
            )
        )
        assert set(ids(ledger, Filters(client="Northwind"))) == {"r1", "c1"}
        assert ids(ledger, Filters(model="fal-ai/flux")) == ["r2"]
        assert ids(ledger, Filters(kind=Kind.EXTERNAL)) == ["c1"]

    def test_old_months_are_let_go_when_they_were_read(self, tmp_path):
        ledger = opened(tmp_path)
        months = [NOON - month * 31 * DAY for month in range(8)]
        ledger.add(Batch(events=tuple(event(f"e{n}", f"r{n}", when) for n, when in enumerate(months))))
        ledger.close()
        ledger = opened(tmp_path)
        assert ledger._months.opened() == []
        assert len(ids(ledger)) == 8
        assert [month.name for month in ledger._months.opened()] == ["2026-11"]
        assert ledger.get("r7").timestamp == months[7]
        ledger.close()

    def test_only_the_months_that_can_hold_a_match_are_opened(self, tmp_path):
        ledger = opened(tmp_path)
        ledger.add(Batch(events=tuple(event(f"e{n}", f"r{n}", NOON - n * 31 * DAY) for n in range(8))))
        ledger.close()
        ledger = opened(tmp_path)
        assert ids(ledger, Filters(since=NOON - HOUR)) == ["r0"]
        assert [month.name for month in ledger._months.opened()] == ["2026-11"]
        ledger.close()


class TestNames:
    def test_a_record_keeps_the_name_its_model_had_when_it_was_made(self, ledger):
        ledger.add(Batch(models=(model("Kling 3", NOON, operation="text-to-video"),)))
        ledger.add(Batch(models=(model("Kling 3 Pro", NOON + 10 * DAY, operation="text-to-video"),)))
        ledger.add(Batch(events=(event("a", "r1", NOON + DAY), event("b", "r2", NOON + 11 * DAY))))
        assert ledger.get("r1").display_name == "Kling 3"
        assert ledger.get("r2").display_name == "Kling 3 Pro"
        assert ledger.models()[KLING].display_name == "Kling 3 Pro"

    def test_records_from_before_any_name_was_known_get_the_first_that_comes(self, ledger):
        ledger.add(Batch(billing=(billing(),)))
        assert ledger.get("r1").display_name is None
        ledger.add(Batch(models=(model("Kling 3", NOON + DAY, operation="text-to-video", unit="seconds"),)))
        record = ledger.get("r1")
        assert (record.display_name, record.operation, record.unit) == ("Kling 3", "text-to-video", "seconds")
        ledger.add(Batch(models=(model("Kling 4", NOON + 2 * DAY),)))
        assert ledger.get("r1").display_name == "Kling 3"

    def test_the_unit_of_an_event_comes_before_that_of_the_price_list(self, ledger):
        ledger.add(Batch(models=(model("Kling", unit="seconds"),), events=(event(unit="second"),)))
        assert ledger.get("r1").unit == "second"


class TestAccounts:
    def test_once_the_username_is_known_the_account_is_read_by_it_everywhere(self, tmp_path):
        ledger = opened(tmp_path)
        ledger.add(
            Batch(
                events=(event(account="default"),),
                balances=(balance("50.00", account="default"),),
                coverage=(covers("default", NOON - DAY, NOON),),
                accounts=(account("default"),),
            )
        )
        assert ledger.get("r1").account == "default"
        ledger.add(Batch(accounts=(account("default", "acme"),)))
        assert ledger.get("r1").account == "acme"
        for name in ("default", "acme"):
            assert ids(ledger, Filters(account=name)) == ["r1"]
            assert [reading.account for reading in ledger.balances(name)] == ["acme"]
            assert ledger.coverage(name).account == "acme"
        ledger.close()
        ledger = opened(tmp_path)
        assert ledger.get("r1").account == "acme"
        ledger.close()

    def test_a_second_key_of_one_username_is_the_same_account(self, ledger):
        ledger.add(Batch(accounts=(account("work", "acme"), account("spare", "acme"))))
        ledger.add(Batch(events=(event("a", "r1", account="work"), event("b", "r2", account="spare"))))
        assert {record.account for record in ledger.records()} == {"acme"}

    def test_coverage_under_two_names_of_one_account_is_one_stretch(self, ledger):
        ledger.add(Batch(coverage=(covers("default", NOON - 30 * DAY, NOON),)))
        ledger.add(Batch(accounts=(account("default", "acme"),), coverage=(covers("acme", NOON - DAY, NOON + DAY),)))
        found = ledger.coverage("acme")
        assert (found.since, found.until) == (NOON - 30 * DAY, NOON + DAY)
        assert found.first_completed_at == NOON

    def test_an_older_fetch_does_not_take_the_watermark_back(self, ledger):
        ledger.add(Batch(coverage=(covers("acme", NOON - DAY, NOON + DAY),)))
        ledger.add(Batch(coverage=(covers("acme", NOON - DAY, NOON),)))
        assert ledger.coverage("acme").until == NOON + DAY

    def test_counting_follows_the_coverage(self, ledger):
        ledger.add(
            Batch(
                events=(
                    event("a", None, account="acme", estimate=estimate("1.00")),
                    event("b", "r1", status=Status.FAILED, account="acme"),
                )
            )
        )
        assert [ledger.get(name).counting for name in ("a", "r1")] == [Counting.ESTIMATE, Counting.FAILED]
        ledger.add(Batch(coverage=(covers("acme", NOON - DAY, NOON + 3 * DAY),)))
        assert [ledger.get(name).counting for name in ("a", "r1")] == [Counting.UNMATCHED, Counting.FREE]
        assert ledger.get("a").cost is None


class TestLinks:
    def linked(self, ledger, **said):
        ledger.add(Batch(events=(event("lost", None, client="Northwind", **said),), billing=(billing("r1"),)))
        return ledger.add(Batch(links=(Link(record_id="lost", request_id="r1", at=NOON + DAY),)))

    def test_the_event_joins_its_request_and_nothing_counts_twice(self, ledger):
        assert self.linked(ledger).changed == ("r1",)
        assert ids(ledger) == ["r1"]
        assert ledger.get("r1").client == "Northwind"
        assert ledger.get("lost") == ledger.get("r1"), "the old id still finds it"

    def test_across_months_and_restarts_and_when_the_event_comes_again(self, tmp_path):
        ledger = opened(tmp_path)
        self.linked(ledger, time=NOON - 20 * DAY)
        ledger.close()
        ledger = opened(tmp_path)
        again = ledger.add(Batch(events=(event("lost", None, NOON - 20 * DAY, client="Northwind"),)))
        assert again.known == 1
        assert ids(ledger) == ["r1"]
        ledger.add(Batch(edits=(edit("lost", "note", "settled"),)))
        assert ledger.get("r1").note == "settled"
        ledger.close()

    def test_to_a_request_that_billing_has_not_told_of_yet(self, ledger):
        ledger.add(Batch(events=(event("lost", None, client="Northwind"),)))
        ledger.add(Batch(links=(Link(record_id="lost", request_id="r9", at=NOON),)))
        ledger.add(Batch(billing=(billing("r9"),)))
        assert ids(ledger) == ["r9"]
        assert ledger.get("lost").actual == Money.of("1.12")

    def test_the_same_link_again_is_known_and_another_one_refused(self, ledger):
        self.linked(ledger)
        assert ledger.add(Batch(links=(Link(record_id="lost", request_id="r1", at=NOON),))).known == 1
        with pytest.raises(LedgerError, match="lost is linked to r1 already"):
            ledger.add(Batch(links=(Link(record_id="lost", request_id="r2", at=NOON),)))

    def test_a_record_with_a_request_id_is_not_for_linking(self, ledger):
        ledger.add(Batch(billing=(billing("r1"), billing("r2"))))
        with pytest.raises(LedgerError, match="r2 has a request id already"):
            ledger.add(Batch(links=(Link(record_id="r2", request_id="r1", at=NOON),)))


class TestStateOfThings:
    @pytest.mark.parametrize(
        ("amounts", "kept"),
        [
            ({0: "50", 1: "50", **dict.fromkeys(range(2, 27), "48"), 27: "50"}, [0, 2, 26, 27]),
            ({0: "50", 1: "50", 3: "50", 9: "50", 12: "50"}, [0]),
            ({0: "50", 1: "50", 3: "50", 10: "50", 12: "50"}, [0, 3, 10]),
            ({0: "50", 1: "50", 3: "50", 10: "49"}, [0, 3, 10]),
        ],
    )
    def test_a_balance_is_kept_when_it_differs_or_once_a_day_and_around_hours_that_nobody_looked(
        self, ledger, amounts, kept
    ):
        for hours, amount in amounts.items():
            ledger.add(Batch(balances=(balance(amount, NOON + hours * HOUR),)))
        told = [(reading.amount.text(), reading.at) for reading in ledger.balances("acme")]
        assert told == [(f"{amounts[hours]}.00", NOON + hours * HOUR) for hours in kept]

    def test_an_account_that_only_answered_again_costs_no_write_of_its_own(self, tmp_path):
        ledger = opened(tmp_path)
        ledger.add(Batch(accounts=(account("a", "acme", as_of=NOON),)))
        size = (tmp_path / "backup/state.jsonl").stat().st_size
        ledger.add(Batch(accounts=(account("a", "acme", as_of=NOON + HOUR),)))
        assert (tmp_path / "backup/state.jsonl").stat().st_size == size
        assert ledger.accounts()["a"].as_of == NOON + HOUR
        ledger.close()
        ledger = opened(tmp_path)
        assert ledger.accounts()["a"].as_of == NOON + HOUR, "it was written at the end"
        ledger.close()

    def test_differences_are_replaced_as_a_whole_for_each_account(self, ledger):
        def difference(endpoint):
            return Difference(
                account="acme", endpoint_id=endpoint, since=NOON, until=NOON + DAY, ledger=Money(1), fal=Money(2)
            )

        ledger.add(Batch(differences={"acme": (difference(KLING), difference(FLUX)), "beta": (difference(KLING),)}))
        ledger.add(Batch(differences={"acme": (difference(FLUX),)}))
        assert [one.endpoint_id for one in ledger.differences()].count(KLING) == 1
        ledger.add(Batch(differences={"acme": (), "beta": ()}))
        assert ledger.differences() == ()

    def test_episodes_and_files_survive(self, tmp_path):
        episode = Episode(id="balance acme", rule="balance", scope="acme", since=NOON, text="low")
        taken = FileTaken(digest="d", name="costs.csv", at=NOON, recorded=3)
        ledger = opened(tmp_path)
        ledger.add(Batch(episodes=(episode,), files=(taken,)))
        ledger.add(Batch(episodes=(msgspec.structs.replace(episode, resolved=NOON + HOUR),)))
        ledger.close()
        ledger = opened(tmp_path)
        assert ledger.episodes()["balance acme"].resolved == NOON + HOUR
        assert ledger.file_taken("d") == taken
        assert ledger.file_taken("other") is None
        ledger.close()

    def test_a_ledger_holds_the_history_of_one_api(self, tmp_path):
        opened(tmp_path, base_url="https://api.fal.ai/v1").close()
        with pytest.raises(LedgerError, match=r"history of https://api\.fal\.ai/v1, not of http://127"):
            opened(tmp_path, base_url="http://127.0.0.1:8000")
        opened(tmp_path).close()
        opened(tmp_path, base_url="https://api.fal.ai/v1").close()


class TestFiles:
    def test_stock_tinydb_reads_a_month_and_a_person_reads_the_record_in_it(self, tmp_path):
        ledger = opened(tmp_path)
        ledger.add(Batch(events=(event(client="Northwind"),), billing=(billing(),)))
        ledger.close()
        with tinydb.TinyDB(tmp_path / "ledger/2026-11.json") as database:
            (found,) = database.search(tinydb.where("client") == "Northwind")
        assert (found["id"], found["cost"], found["endpoint_id"]) == ("r1", "1.12 USD", KLING)

    def test_tinydb_queries_work_on_the_ledgers_own_tables_and_give_copies(self, ledger):
        ledger.add(Batch(events=(event(client="Northwind"),)))
        table = ledger._months.open("2026-11").pair.table("_default")
        (found,) = table.search(tinydb.where("client") == "Northwind")
        found["client"] = "changed"
        assert table.get(tinydb.where("id") == "r1")["client"] == "Northwind"
        with pytest.raises(LedgerError, match="read-only"):
            table.insert({"id": "x"})

    def test_both_folders_are_for_the_user_alone(self, tmp_path):
        ledger = opened(tmp_path)
        ledger.add(Batch(events=(event(),)))
        ledger.close()
        for path in (tmp_path / "ledger", tmp_path / "backup"):
            assert path.stat().st_mode & 0o077 == 0
            assert all(file.stat().st_mode & 0o077 == 0 for file in path.glob("*.json*"))

    def test_the_mirror_is_written_anew_when_it_has_grown_long(self, tmp_path):
        ledger = opened(tmp_path)
        for number in range(400):
            note = f"{number} " + 500 * "x"
            ledger.add(
                Batch(events=(event(),) if not number else (), edits=(edit("r1", "note", note, NOON + number * HOUR),))
            )
        mirror = tmp_path / "backup/2026-11.jsonl"
        long = mirror.stat().st_size
        ledger.checkpoint()
        assert mirror.stat().st_size < long / 50
        assert not ledger.dirty
        (tmp_path / "ledger/2026-11.json").unlink()
        record = ledger.get("r1")
        ledger.close()
        ledger = opened(tmp_path)
        assert ledger.get("r1") == record, "it rebuilds the TinyDB file alone"
        ledger.close()

    def test_verify_finds_nothing_in_a_sound_ledger_and_names_what_is_not(self, tmp_path):
        ledger = opened(tmp_path)
        ledger.add(Batch(events=(event(),), billing=(billing("r2"),)))
        assert ledger.verify() == []
        ledger.checkpoint()
        assert ledger.verify() == []
        mirror = folders(tmp_path).backup / "2026-11.jsonl"
        mirror.write_bytes(mirror.read_bytes().replace(b"1120000000", b"9120000000"))
        assert any("2026-11.jsonl" in problem.text for problem in ledger.verify())
        ledger.close()


def test_a_closed_ledger_says_so(tmp_path: Path):
    ledger = opened(tmp_path)
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        ledger.add(Batch(events=(event(),)))


def test_a_view_is_a_generation_with_everything_in_its_place(ledger):
    ledger.add(Batch(billing=(billing("r1", row("1.12"), key="studio"),), events=(event(parameters={"seed": 7}),)))
    assert ledger.get("r1") == Generation(
        id="r1", request_id="r1", account="acme", endpoint_id=KLING, timestamp=NOON, units=Decimal(8),
        unit_price=Decimal("0.14"), actual=Money.of("1.12"), key="studio", source="fal", parameters={"seed": 7},
        counting=Counting.ACTUAL,
    )  # fmt: skip


def test_what_waits_for_a_write_is_no_damage(ledger):
    ledger.add(Batch(accounts=(account("default", "acme", as_of=NOON),)))
    ledger.add(Batch(accounts=(account("default", "acme", as_of=NOON + HOUR),)))
    assert ledger.verify() == []
