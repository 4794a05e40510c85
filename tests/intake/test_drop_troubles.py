"""What else happens to a drop folder: it vanishes, it is full, it is a link, files are exchanged in it."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.intake.host import Host, until
from tests.intake.samples import event, numbered
from tests.intake.test_drop import HEADER, REPOSITORY, linux_only, look_once, records_of, rename_in
from trayd.intake import writers
from trayd.intake.drop import DropFolder, count_files
from trayd.records import DropStatus


def once(host: Host, happens) -> None:
    """Has something happen between the reading and the recording of the next file."""

    def happen() -> None:
        host.before_writing = lambda: None
        happens()

    host.before_writing = happen


async def ids(host: Host) -> list[str]:
    return sorted(record.id for record in await host.records())


@pytest.mark.parametrize("watched", [True, False])
async def test_a_file_that_another_one_replaces_while_it_is_recorded_leaves_both(host, watched):
    once(host, lambda: rename_in(host, "job.json", numbered(2)))
    if watched:
        async with host.running():
            await asyncio.sleep(0.2)
            rename_in(host, "job.json", numbered(1))
            await until(lambda: host.tree() == ["done/job.json"])
    else:
        rename_in(host, "job.json", numbered(1))
        await host.scan()
        await host.scan()
    assert await ids(host) == ["request-1", "request-2"]


async def test_a_name_that_is_written_over_and_over_keeps_its_last_word(host):
    def overwrite() -> None:
        for number in range(300):
            rename_in(host, "latest.json", numbered(number))

    async with host.running():
        await asyncio.to_thread(overwrite)
        async with asyncio.timeout(10):
            while "request-299" not in await ids(host):  # noqa: ASYNC110 - what is waited for happens in other threads
                await asyncio.sleep(0.01)
        # While a file is moved it has a name that is not counted, so that none waiting says nothing before.
        await until(lambda: not count_files(host.drop).waiting)
    kept = [json.loads(path.read_text())["request_id"] for path in host.drop.rglob("*.json")]
    assert set(kept) <= set(await ids(host)), "whatever is in done/ was read"
    assert host.notices == []


async def test_a_folder_that_vanishes_while_its_files_are_recorded_and_returns_loses_none(host):
    away = host.drop.with_name("unplugged")
    for number in range(3):
        (host.drop / f"{number}.json").write_text(numbered(number))
    once(host, lambda: host.drop.rename(away))
    await host.scan()
    assert await ids(host) == ["request-0", "request-1", "request-2"]
    shutil.rmtree(host.drop)
    away.rename(host.drop)
    await host.scan()
    assert host.tree() == ["done/0.json", "done/1.json", "done/2.json"]
    assert host.notices == []
    assert len(await host.records()) == 3


async def test_a_done_folder_that_is_taken_away_is_made_again(host):
    for number in range(3):
        (host.drop / f"{number}.json").write_text(numbered(number))
        once(host, lambda: shutil.rmtree(host.drop / "done", ignore_errors=True))
        await host.scan()
    assert host.tree() == ["done/2.json"]
    assert len(await host.records()) == 3


async def test_a_drop_folder_that_is_a_link_is_watched_where_it_leads(host, tmp_path):
    elsewhere = tmp_path / "share"
    host.drop.rename(elsewhere)
    host.drop.symlink_to(elsewhere)
    folder = DropFolder(host.drop, host)
    stop = asyncio.Event()
    running = asyncio.create_task(folder.run(stop))
    await asyncio.sleep(0.1)
    host.before_writing = stop.set
    rename_in(host, "job.json", numbered(1))
    # By an event: the next look without one comes later.
    await asyncio.wait_for(stop.wait(), 0.35)
    await running
    assert host.tree() == ["done/job.json"]


async def test_a_link_in_place_of_rejected_is_named_and_what_belongs_there_waits(host, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = host.drop / "rejected"
    link.symlink_to(elsewhere)
    (host.drop / "good.csv").write_text(f"{HEADER}2026-11-03,good,1,x\n")
    (host.drop / "mixed.csv").write_text(f"{HEADER}2026-11-03,fine,1,x\n2026-11-04,bad,12.5O,x\n")
    await host.scan()
    assert await host.descriptions() == ["good"], "once a file is recorded, nobody looks at its bad rows again"
    assert f"{link} is no folder, or a link to one: take it away or rename it" in host.notices[-1].body
    assert list(elsewhere.iterdir()) == []
    link.unlink()
    await host.scan()
    assert await host.descriptions() == ["fine", "good"]
    assert "rejected/mixed.csv.rows.csv" in host.tree()


async def test_a_name_that_is_not_utf8_is_taken_and_told_as_it_can_be_printed(host):
    name = os.fsdecode(b"caf\xe9.csv")
    (host.drop / name).write_text(f"{HEADER}2026-11-03,a,1,x\n2026-11-03,b,?,x\n")
    await host.scan()
    assert host.tree() == [f"done/{name}", "rejected/caf\\xe9.csv.rows.csv"]
    assert host.notices[0].title == "1 row of caf\\xe9.csv could not be recorded"


async def test_a_name_that_is_not_utf8_is_no_trouble_where_it_is_told_with_its_folder(host):
    host.drop.rename(strange := host.drop.with_name(os.fsdecode(b"dr\xf6p")))
    host.drop = strange
    (host.drop / os.fsdecode(b"caf\xe9.csv")).write_text(f"{HEADER}03/04/2026,a,1,x\n")
    await host.scan()
    (notice,) = host.notices
    msgspec.json.encode(notice)
    assert "dr\\xf6p" in notice.body
    assert host.reason("caf\\xe9.csv").startswith("caf\\xe9.csv line 2")


async def test_a_name_as_long_as_names_can_be_is_taken_twice(host):
    name = "x" * 250 + ".json"
    for number in range(2):
        (host.drop / name).write_text(numbered(number))
        await host.scan()
    assert len(host.tree()) == 2
    assert len(await host.records()) == 2


async def test_clocks_that_jump_take_nothing_too_early_and_nothing_twice(host):
    table = host.drop / "costs.csv"
    async with host.running():
        with table.open("w") as file:
            file.write(f"{HEADER}2026-11-03,first,1,x\n")
        for years in (-3, 2):
            host.time = datetime.now(UTC) + timedelta(days=365 * years)
            os.utime(table, (host.time.timestamp(),) * 2)
            await asyncio.sleep(0.15)
            assert await host.records() == [], "each is a change, and the quiet begins anew"
        await until(lambda: not table.exists())
    assert await host.descriptions() == ["first"]
    assert host.notices == []


async def test_rows_that_are_no_cost_are_told_in_the_log_with_their_lines(host, caplog):
    table = "Date,Description,Amount,Currency,Status\n2026-11-03,a,4.00,USD,Completed\n2026-11-04,b,2.00,USD,Pending\n"
    (host.drop / "costs.csv").write_text(f"{table}Total,,6.00,,\n")
    with caplog.at_level(logging.INFO, logger="trayd.intake.drop"):
        await host.scan()
    (line,) = [record.message for record in caplog.records]
    assert line.startswith("costs.csv: 1 recorded; 0 known already; 0 rejected; 1 no cost (")
    assert "line 3" in line
    assert "line 4" in line
    assert host.tree() == ["done/costs.csv"]


async def test_many_bad_files_at_once_are_told_in_one_word_in_the_order_of_their_names(host):
    for number in range(20):
        (host.drop / f"{'QqR'[number % 3]}{number:02}.json").write_text("x")
    await host.scan()
    (notice,) = host.notices
    assert notice.title == "20 files were not, or not wholly, taken in"
    assert notice.body.startswith("Q00.json, q01.json, Q03.json and 17 more. The first: Q00.json")
    assert notice.body.count(str(host.drop)) == 1
    assert count_files(host.drop) == DropStatus(waiting=0, rejected=20)


async def test_lines_that_were_rejected_can_be_corrected_and_dropped_as_they_are(host):
    (host.drop / "log.jsonl").write_text(f"{numbered(1)}\n{event(request_id='request-2', status='gone')}\n")
    await host.scan()
    assert await ids(host) == ["request-1"]
    rows = host.drop / "rejected" / "log.jsonl.rows.csv"
    assert "rejected line" in rows.read_text(encoding="utf-8-sig")
    rows.write_text(rows.read_text(encoding="utf-8-sig").replace('""gone""', '""failed""'))
    rows.rename(host.drop / rows.name)
    await host.scan()
    assert await ids(host) == ["request-1", "request-2"]
    assert count_files(host.drop) == DropStatus()


STORY = [
    event(status="submitted", duration_s=..., estimate=...),
    event(status="completed", time="2026-11-20T14:04:00Z"),
    event(status="completed", time="2026-11-20T14:05:00Z", estimate={"amount": "1.30", "currency": "USD"}, client=...),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_a_request_is_one_record_in_whatever_order_its_events_come_and_however_often(host, order):
    for number, told in enumerate((*order, *order)):
        (host.drop / f"{number}.json").write_text(STORY[told])
        await host.scan()
    (record,) = await host.records()
    assert (record.status, record.duration_s, record.client) == ("completed", 41.7, "Northwind")
    assert record.estimate.amount.nanos == 1_300_000_000


async def test_events_without_a_request_id_are_a_record_each_however_often_they_come(host):
    for _ in range(2):
        for number in range(3):
            (host.drop / f"{number}.json").write_text(event(request_id=..., client=f"client {number}"))
        await host.scan()
    assert len(await host.records()) == 3


def in_own_mounts(home: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell script as root of mounts of its own; ``$look`` takes in the drop folder."""
    look = f"{sys.executable} -m tests.intake.child {home}"
    return subprocess.run(
        ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-ec", script],
        cwd=REPOSITORY,
        env={**os.environ, "look": look, "drop": str(home / "drop")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


own_mounts = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("unshare") is None, reason="needs mounts of its own"
)


@own_mounts
def test_a_full_disk_is_named_and_the_file_waits_recorded(tmp_path):
    (tmp_path / "drop").mkdir()
    (tmp_path / "a.csv").write_text(f"{HEADER}2026-11-03,first,1,x\n")
    done = in_own_mounts(
        tmp_path,
        # An inode for the folder and one for the file: there is none for done/.
        'mount -t tmpfs -o nr_inodes=2 full "$drop"; cp "$drop/../a.csv" "$drop"; $look; $look; ls "$drop"',
    )
    assert done.returncode == 0, done.stderr
    told = "cannot be put away (No space left on device); make room on its disk"
    assert done.stdout.count(told) == 2, "once by each run"
    assert done.stdout.splitlines()[-1] == "a.csv"
    assert records_of(tmp_path) == ["first"]


@own_mounts
def test_what_is_mounted_over_the_folder_is_watched(tmp_path):
    (tmp_path / "drop").mkdir()
    for number, name in enumerate(("first", "second")):
        (tmp_path / f"{name}.json").write_text(numbered(number))
    done = in_own_mounts(
        tmp_path,
        '$look slow & sleep 0.8; mount -t tmpfs mounted "$drop"; sleep 1.5; '
        'mv "$drop/../first.json" "$drop"; sleep 1.5; mv "$drop/../second.json" "$drop"; sleep 0.5; '
        'find "$drop" -type f; kill $!',
    )
    assert done.stderr == ""
    assert sorted(Path(line).name for line in done.stdout.splitlines()) == ["first.json", "second.json"]
    assert done.stdout.count("/done/") == 2, "by an event: the next look without one comes later"


@linux_only
def test_the_system_tells_who_has_a_file_open_for_writing(tmp_path):
    assert writers.can_tell(tmp_path)
    path = tmp_path / "costs.csv"
    with path.open("w"):
        assert writers.is_written(str(path))
    with path.open():
        assert not writers.is_written(str(path)), "who reads it does not change it"
    assert not writers.is_written(str(tmp_path / "gone"))
    assert not writers.can_tell(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == [path]


def test_a_look_leaves_what_a_killed_run_had_between_two_names_with_its_own(tmp_path):
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "job.json.trayd-taking").write_text(numbered(1))
    assert look_once(tmp_path).returncode == 0
    assert records_of(tmp_path) == ["request-1"]
