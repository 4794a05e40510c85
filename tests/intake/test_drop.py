from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.intake.host import Host, until
from tests.intake.samples import event, numbered
from trayd.intake import away, ready, taking, writers
from trayd.intake.drop import count_files
from trayd.money import Money
from trayd.records import DropStatus, ExternalCost

HEADER = "date,description,amount,category\n"
REPOSITORY = Path(__file__).parents[2]

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs what Linux alone has")


def rename_in(host: Host, name: str, content: str) -> None:
    """As programs do that hand over whole files."""
    outside = host.drop.parent / f"outside-{name}"
    outside.write_text(content, encoding="utf-8")
    outside.rename(host.drop / name)


async def test_an_event_renamed_in_is_recorded_at_once_and_moved_to_done(host):
    async with host.running():
        await until(host.drop.exists)
        await asyncio.sleep(0.2)
        began = time.monotonic()
        rename_in(host, "job.json", event())
        await until(lambda: host.tree() == ["done/job.json"])
        assert time.monotonic() - began < 1
    (record,) = await host.records()
    assert record.id == "764cabcf-b745-4b3e-ae38-1200304cf45b"
    assert host.notices == []


async def test_files_that_were_there_before_are_taken(host):
    (host.drop / "job.json").write_text(event())
    (host.drop / "costs.csv").write_text(f"{HEADER}2026-11-03,Midjourney,60,images\n")
    await host.scan()
    assert host.tree() == ["done/costs.csv", "done/job.json"]
    assert len(await host.records()) == 2


@pytest.mark.usefixtures("real_pace")
async def test_a_table_that_is_still_being_written_is_left_until_it_is_quiet(host):
    async with host.running():
        with (host.drop / "costs.csv").open("w") as file:
            for part in (HEADER, "2026-11-03,first,1,x\n", "2026-11-03,second,2,x\n"):
                file.write(part)
                file.flush()
                await asyncio.sleep(1.2)
                assert await host.records() == []
        await until(lambda: host.tree() == ["done/costs.csv"])
    assert await host.descriptions() == ["first", "second"]


@pytest.mark.usefixtures("real_pace")
async def test_an_event_that_is_written_in_two_parts_is_taken_when_it_is_whole(host):
    async with host.running():
        with (host.drop / "job.json").open("w") as file:
            file.write(event()[:50])
            file.flush()
            await asyncio.sleep(0.5)
            file.write(event()[50:])
        await until(lambda: host.tree() == ["done/job.json"])
    assert len(await host.records()) == 1
    assert host.notices == []


async def test_a_burst_of_files_loses_none_and_is_written_in_few_batches(host):
    def burst() -> None:
        for number in range(2000):
            (host.drop / f"{number}.json").write_text(numbered(number))

    async with host.running():
        await asyncio.to_thread(burst)
        await until(lambda: sum(name.startswith("done/") for name in host.tree()) == 2000, 30)
    assert {record.id for record in await host.records()} == {f"request-{number}" for number in range(2000)}
    assert host.batches < 1000, "few, however slowly they come"


@pytest.mark.usefixtures("real_pace")
async def test_after_a_burst_the_next_file_is_taken_as_quickly_as_before_it(host):
    async with host.running():
        for burst in range(2):
            for number in range(300):
                rename_in(host, f"{burst}-{number}.json", numbered(300 * burst + number))
            await until(lambda: not count_files(host.drop).waiting)
            await asyncio.sleep(0.5)
        rename_in(host, "next.json", numbered(600))
        # Without a watch it would be found when the folder is next looked at, which takes seconds.
        await until(lambda: "done/next.json" in host.tree(), 2)
    assert len(await host.records()) == 601


async def test_a_folder_that_was_deleted_and_made_again_is_watched_again(host):
    async with host.running():
        await asyncio.sleep(0.2)
        host.drop.rmdir()
        await asyncio.sleep(0.1)
        host.drop.mkdir()
        rename_in(host, "first.json", numbered(1))
        await until(lambda: host.tree() == ["done/first.json"])
        began = time.monotonic()
        rename_in(host, "second.json", numbered(2))
        await until(lambda: host.tree() == ["done/first.json", "done/second.json"])
        assert time.monotonic() - began < 1


async def test_a_folder_that_vanished_is_made_again(host):
    async with host.running():
        await asyncio.sleep(0.2)
        host.drop.rmdir()
        await until(host.drop.is_dir)


async def test_another_folder_in_its_place_is_watched(host):
    async with host.running():
        await asyncio.sleep(0.2)
        host.drop.rename(host.drop.with_name("old"))
        host.drop.mkdir()
        rename_in(host, "job.json", numbered(1))
        await until(lambda: host.tree() == ["done/job.json"])
    assert host.drop.with_name("old").is_dir()


async def test_the_same_file_twice_changes_nothing(host):
    table = f"{HEADER}2026-11-03,a,1,x\n2026-11-03,a,1,x\n2026-11-04,oops,x,x\n"
    for name in ("costs.csv", "costs.csv", "renamed.csv"):
        (host.drop / name).write_text(table)
        await host.scan()
    assert await host.descriptions() == ["a", "a"]
    assert host.tree() == [
        "done/costs (2).csv",
        "done/costs.csv",
        "done/renamed.csv",
        "rejected/costs.csv.rows.csv",
        "rejected/renamed.csv.rows.csv",
    ]
    assert len(host.notices) == 1


async def test_overlapping_statements_do_not_double(host):
    (host.drop / "october.csv").write_text(f"{HEADER}2026-10-30,a,1,x\n2026-10-31,b,2,x\n")
    (host.drop / "all.csv").write_text(f"{HEADER}2026-10-31,b,2.00,x\n2026-11-01,c,3,x\n2026-11-01,c,3,x\n")
    await host.scan()
    assert await host.descriptions() == ["a", "b", "c", "c"]


async def test_the_same_event_in_another_file_is_the_same_record(host):
    (host.drop / "job.json").write_text(event(request_id=...))
    (host.drop / "log.jsonl").write_text(event(request_id=...) + "\n" + event() + "\n")
    await host.scan()
    assert len(await host.records()) == 2


async def test_a_later_event_updates_the_record(host):
    (host.drop / "1.json").write_text(event(status="submitted", duration_s=...))
    await host.scan()
    (host.drop / "2.json").write_text(event(time="2026-11-20T14:04:00Z"))
    await host.scan()
    (record,) = await host.records()
    assert (record.status, record.duration_s) == ("completed", 41.7)


async def test_bad_rows_are_put_aside_with_their_reasons_and_told_once(host):
    (host.drop / "costs.csv").write_text(f"{HEADER}2026-11-03,a,1,x\n2026-11-04,b,12.5O,x\n")
    await host.scan()
    assert host.tree() == ["done/costs.csv", "rejected/costs.csv.rows.csv"]
    (notice,) = host.notices
    assert notice.title == "1 row of costs.csv could not be recorded"
    assert 'costs.csv line 3: "12.5O" is not an amount (column "amount"); correct it' in notice.body
    assert notice.body.endswith(f". It is in costs.csv.rows.csv in {host.drop / 'rejected'}.")
    assert count_files(host.drop) == DropStatus(waiting=0, rejected=1)


async def test_of_several_bad_rows_the_first_and_their_number_are_told(host):
    (host.drop / "costs.csv").write_text(f"{HEADER}2026-11-03,a,1,x\n2026-11-04,b,?,x\n2026-11-05,c,?,x\n")
    await host.scan()
    (notice,) = host.notices
    assert notice.title == "2 rows of costs.csv could not be recorded"
    assert "the first of 2 rows that could not be recorded; they are in costs.csv.rows.csv" in notice.body


async def test_what_a_killed_run_had_begun_to_write_is_taken_away(host):
    (host.drop / "rejected").mkdir()
    (host.drop / "rejected" / ".x3ky0sbz.trayd-writing").write_text("half a rea")
    (host.drop / "rejected" / ".mine.tmp").write_text("not trayd's")
    await host.scan()
    assert host.tree() == ["rejected/.mine.tmp"]


async def test_a_corrected_table_of_rejected_rows_can_be_dropped_as_it_is(host):
    (host.drop / "costs.csv").write_text(f"{HEADER}2026-11-03,a,1,x\n2026-11-04,b,12.5O,x\n")
    await host.scan()
    rows = host.drop / "rejected" / "costs.csv.rows.csv"
    rows.write_text(rows.read_text(encoding="utf-8-sig").replace(",12.5O,", ",12.50,"))
    rows.rename(host.drop / rows.name)
    await host.scan()
    assert sum(record.amount.nanos for record in await host.records()) == Money.of("13.50").nanos
    assert count_files(host.drop) == DropStatus()


async def test_a_table_of_rejected_rows_with_one_still_wrong_keeps_its_name_and_its_columns(host):
    (host.drop / "costs.csv").write_text(f"{HEADER}2026-11-03,a,1,x\n2026-11-04,b,12.5O,x\n2026-11-32,c,2,x\n")
    await host.scan()
    rows = host.drop / "rejected" / "costs.csv.rows.csv"
    first = rows.read_text(encoding="utf-8-sig")
    rows.write_text(first.replace(",12.5O,", ",12.50,"))
    rows.rename(host.drop / rows.name)
    await host.scan()
    assert host.tree() == ["done/costs.csv", "done/costs.csv.rows.csv", "rejected/costs.csv.rows.csv"]
    again = rows.read_text(encoding="utf-8-sig")
    assert again.splitlines()[0] == first.splitlines()[0]
    assert host.notices[-1].body.endswith(f"It is in costs.csv.rows.csv in {host.drop / 'rejected'}.")


async def test_a_file_that_cannot_be_read_lies_in_rejected_beside_its_reason(host):
    (host.drop / "costs.csv").write_text(f"{HEADER}03/04/2026,a,1,x\n")
    await host.scan()
    assert host.tree() == ["rejected/costs.csv", "rejected/costs.csv.reason.txt"]
    assert host.reason("costs.csv").startswith(
        'costs.csv line 2: "03/04/2026" can be read as 3 April 2026 or as 4 March 2026'
    )
    assert [notice.title for notice in host.notices] == ["costs.csv was not taken in"]
    assert await host.records() == []


async def test_rejected_files_of_one_name_are_all_kept(host):
    for content in ("a", "b", "a"):
        (host.drop / "costs.csv").write_text(content)
        await host.scan()
    rejected = host.drop / "rejected"
    assert [(rejected / name).read_text() for name in ("costs.csv", "costs (2).csv", "costs (3).csv")] == [
        "a",
        "b",
        "a",
    ]
    assert host.reason("costs (3)" + ".csv")


async def test_what_is_no_plain_file_is_refused_by_name_and_never_opened(host):
    secret = host.drop.parent / "secret.csv"
    secret.write_text(f"{HEADER}2026-11-03,secret,1,x\n")
    (host.drop / "link.csv").symlink_to(secret)
    os.mkfifo(host.drop / "pipe.csv")
    (host.drop / "folder.csv").mkdir()
    (host.drop / "folder.csv" / "inner.csv").write_text("kept")
    (host.drop / "letter.docx").write_bytes(b"PK")
    with (host.drop / "huge.csv").open("wb") as huge:
        huge.truncate(2**30)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(host.drop / "socket.csv"))
        (host.drop / "good.csv").write_text(f"{HEADER}2026-11-03,good,1,x\n")
        await host.scan()
    assert await host.descriptions() == ["good"]
    assert "links are not followed" in host.reason("link.csv")
    assert "a pipe, a socket or a device" in host.reason("pipe.csv")
    assert "a pipe, a socket or a device" in host.reason("socket.csv")
    assert "this is a folder; drop the files that are in it" in host.reason("folder.csv")
    assert "1024 MiB, more than the 100 that are read" in host.reason("huge.csv")
    assert 'files that end in ".docx" are not read' in host.reason("letter.docx")
    assert secret.exists()
    assert (host.drop / "rejected" / "link.csv").is_symlink()
    assert (host.drop / "rejected" / "folder.csv" / "inner.csv").read_text() == "kept"
    assert count_files(host.drop).waiting == 0


async def test_what_others_leave_while_they_work_is_left_alone(host):
    names = [".DS_Store", ".hidden.csv", "a.csv.part", "b.crdownload", "~$costs.csv", "costs.csv~", "desktop.ini"]
    for name in names:
        (host.drop / name).write_text("x")
    await host.scan()
    assert host.tree() == sorted(names)
    assert count_files(host.drop) == DropStatus()


async def test_a_name_as_long_as_names_can_be_gets_its_reason_all_the_same(host):
    name = "ä" * 125 + ".csv"
    (host.drop / name).write_text("x")
    await host.scan()
    assert len(host.tree()) == 2
    assert any(entry.endswith(".reason.txt") for entry in host.tree())


async def test_links_in_place_of_done_and_rejected_are_not_followed(host, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (host.drop / "done").symlink_to(elsewhere)
    (host.drop / "good.csv").write_text(f"{HEADER}2026-11-03,good,1,x\n")
    await host.scan()
    assert await host.descriptions() == ["good"]
    assert list(elsewhere.iterdir()) == []


@linux_only
async def test_a_table_that_its_writer_still_has_open_waits_until_it_is_closed(host):
    async with host.running():
        with (host.drop / "costs.csv").open("w") as file:
            file.write(f"{HEADER}2026-11-03,first,1,x\n")
            file.flush()
            await asyncio.sleep(1)
            assert host.tree() == ["costs.csv"]
            file.write("2026-11-03,second,2,x\n")
        await until(lambda: host.tree() == ["done/costs.csv"])
    assert await host.descriptions() == ["first", "second"]


@linux_only
async def test_a_log_that_stays_open_is_recorded_and_moved_only_when_it_is_closed(host, monkeypatch):
    for part in (taking, away):
        monkeypatch.setattr(part, "OPEN_QUIET_S", 0.5)
    async with host.running():
        with (host.drop / "log.jsonl").open("w") as log:
            for number in (1, 2):
                log.write(f"{numbered(number)}\n{{oops\n")
                log.flush()
                await until_recorded(host, number)
            log.write(numbered(3)[:40])
            log.flush()
            await asyncio.sleep(1.5)
            assert len(await host.records()) == 2, "half a line is none"
            assert host.tree()[0] == "log.jsonl"
            log.write(f"{numbered(3)[40:]}\n")
        await until(lambda: "done/log.jsonl" in host.tree())
    assert sorted(record.id for record in await host.records()) == ["request-1", "request-2", "request-3"]


async def until_recorded(host: Host, count: int) -> None:
    async with asyncio.timeout(10):
        while len(await host.records()) < count:  # noqa: ASYNC110 - what is waited for happens in other threads
            await asyncio.sleep(0.05)


async def test_where_the_system_does_not_tell_a_file_that_grows_after_it_was_moved_is_read_again(host, monkeypatch):
    monkeypatch.setattr(writers, "_CAN_TELL", False)
    async with host.running():
        with (host.drop / "costs.csv").open("w") as file:
            file.write(f"{HEADER}2026-11-03,first,1,x\n")
            file.flush()
            await until(lambda: host.tree() == ["done/costs.csv"])
            file.write("2026-11-03,second,2,x\n")
        await until((host.drop / "costs.csv").exists, 15)
        await until(lambda: host.tree() == ["done/costs.csv"], 15)
    assert await host.descriptions() == ["first", "second"]


async def test_where_the_system_does_not_tell_a_table_that_ends_within_a_line_is_left_for_longer(host, monkeypatch):
    monkeypatch.setattr(writers, "_CAN_TELL", False)
    monkeypatch.setattr(ready, "LONG_QUIET_S", 2.0)
    async with host.running():
        with (host.drop / "costs.csv").open("w") as file:
            file.write(f"{HEADER}2026-11-03,first,1")
            file.flush()
            await asyncio.sleep(1)
            assert await host.records() == []
            file.write("0.50,x\n")
        await until(lambda: host.tree() == ["done/costs.csv"])
    (record,) = await host.records()
    assert record.amount == Money.of("10.50")


async def test_files_wait_while_the_ledger_cannot_write_and_it_is_told_once(host):
    host.full = True
    (host.drop / "job.json").write_text(event())
    await host.scan()
    folder = host.tree()
    assert folder == ["job.json"]
    assert [notice.body for notice in host.notices] == [
        "Files wait in the drop folder: the disk is full; make room",
    ]
    host.full = False
    await host.scan()
    assert host.tree() == ["done/job.json"]


async def test_a_look_counts_what_waits_and_what_was_rejected(host):
    (host.drop / "costs.csv").write_text("x")
    (host.drop / "half.csv.part").write_text("x")
    assert count_files(host.drop) == DropStatus(waiting=1, rejected=0)
    await host.scan()
    assert count_files(host.drop) == DropStatus(waiting=0, rejected=1)
    assert count_files(host.drop / "missing") == DropStatus()


def look_once(home: Path, *arguments: str, command: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, sys.executable, "-m", "tests.intake.child", str(home), *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def records_of(home: Path) -> list[str]:
    host = Host(home)
    try:
        records = asyncio.run(host.records())
        return sorted(each.description if isinstance(each, ExternalCost) else each.id for each in records)
    finally:
        host.close()


@pytest.mark.parametrize("watching", ["read", "rows", "recorded", "linked", "claimed", "unlinked"])
def test_killed_at_any_step_nothing_is_lost_or_doubled(tmp_path, watching):
    killed_and_taken_in_again(tmp_path, watching, "watching")


@pytest.mark.parametrize("alone", ["recorded", "renamed"])
def test_killed_at_any_step_of_a_single_look_nothing_is_lost_or_doubled(tmp_path, alone):
    killed_and_taken_in_again(tmp_path, alone)


def killed_and_taken_in_again(home: Path, point: str, *words: str) -> None:
    drop = home / "drop"
    drop.mkdir()
    (drop / "a.csv").write_text(f"{HEADER}2026-11-03,first,1,x\n2026-11-03,oops,?,x\n")
    (drop / "b.csv").write_text(f"{HEADER}2026-11-03,second,1,x\n")
    (drop / "log.jsonl").write_text(f"{numbered(1)}\n{{oops\n{numbered(2)}\n")
    assert look_once(home, point, *words).returncode == -signal.SIGKILL
    if point in {"read", "rows"}:
        assert records_of(home) == [], "killed too early for it"
    else:
        assert records_of(home) == ["first", "request-1", "request-2", "second"]
    done = look_once(home, *words)
    assert done.returncode == 0, done.stderr
    assert records_of(home) == ["first", "request-1", "request-2", "second"]
    files = [path.relative_to(drop) for path in drop.rglob("*") if path.is_file()]
    month = Path("done") / f"{datetime.now(UTC):%Y-%m}"
    assert sorted(files) == sorted(
        [month / "a.csv", month / "b.csv", month / "log.jsonl"]
        + [Path("rejected") / f"{name}.rows.csv" for name in ("a.csv", "log.jsonl")]
    )


# Root may read and write everything; without these two powers it is an owner like any other.
AS_OWNER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@linux_only
def test_a_file_without_read_permission_is_refused_by_name(tmp_path):
    unreadable = tmp_path / "drop" / "costs.csv"
    unreadable.parent.mkdir()
    unreadable.write_text(HEADER)
    unreadable.chmod(0)
    done = look_once(tmp_path, command=AS_OWNER if os.geteuid() == 0 else ())
    assert done.returncode == 0, done.stderr
    assert "costs.csv: it cannot be read (Permission denied); mend its rights" in done.stdout
    assert (tmp_path / "drop" / "rejected" / "costs.csv").exists()


@linux_only
def test_a_folder_that_cannot_be_written_is_told_once_and_its_files_are_recorded(tmp_path):
    drop = tmp_path / "drop"
    drop.mkdir()
    for name in ("a", "b"):
        (drop / f"{name}.csv").write_text(f"{HEADER}2026-11-03,{name},1,x\n")
    (drop / "bad.json").write_text("x")
    drop.chmod(0o555)
    try:
        done = look_once(tmp_path, command=AS_OWNER if os.geteuid() == 0 else ())
    finally:
        drop.chmod(0o777)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("cannot be put away (Permission denied); give trayd the right to write there") == 1
    assert "bad.json line 1: this is not JSON" in done.stdout
    assert sorted(path.name for path in drop.iterdir()) == ["a.csv", "b.csv", "bad.json"]
    assert records_of(tmp_path) == ["a", "b"]


async def test_costs_remember_the_file_and_the_line(host):
    (host.drop / "costs.csv").write_text(f"{HEADER}\n2026-11-03,a,1,x\n")
    await host.scan()
    (record,) = await host.records()
    assert isinstance(record, ExternalCost)
    assert (record.file, record.line) == ("costs.csv", 3)


async def test_a_pipe_that_lies_where_the_rejected_rows_belong_does_not_hold_anything_up(host):
    rejected = host.drop / "rejected"
    rejected.mkdir()
    os.mkfifo(rejected / "costs.csv.rows.csv")
    os.mkfifo(rejected / "bad.csv.reason.txt")
    (host.drop / "costs.csv").write_text(f"{HEADER}2026-11-03,a,1,x\n2026-11-04,b,?,x\n")
    (host.drop / "bad.csv").write_text("x")
    async with asyncio.timeout(10):
        await host.scan()
    assert (rejected / "costs.csv.rows (2).csv").is_file()
    assert (rejected / "bad (2).csv.reason.txt").is_file()
