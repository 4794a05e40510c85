"""Reports that make themselves, by the daemon's own parts, on a real ledger."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO

import pytest
from msgspec import structs

from tests.alerts.replay.host import Screen
from tests.ledger.aging import episode
from tests.ledger.making import DAY, HOUR, account, billing, cost, covers, event, row
from trayd.alert_settings import Alerts
from trayd.daemon import Daemon
from trayd.errors import LedgerFullError, TraydError
from trayd.facts import AccountFact, Batch
from trayd.money import Money
from trayd.operations.alerts import AlertsQuery, ListedAlert
from trayd.operations.documents import Document
from trayd.operations.exporting import ReportQuery
from trayd.operations.operations import Operations
from trayd.report_settings import ClientTerms, ReportSettings, Schedule
from trayd.service import report_folders, report_schedule
from trayd.service.housekeeping import Housekeeping
from trayd.settings import Paths, Settings

OCTOBER = datetime(2026, 10, 14, 12, tzinfo=UTC)
#: October is due in Stockholm.
DUE = datetime(2026, 11, 2, 23, tzinfo=UTC)
MONTHLY = Schedule(every="month")


class Killed(BaseException):
    """Nobody who looks out for errors goes on after it."""


class Studio:
    """A home whose daemons come and go, and its time."""

    def __init__(self, home: Path) -> None:
        self.now = DUE
        self.home = home
        self.paths = Paths.under(home)
        self.schedules: tuple[Schedule, ...] = (MONTHLY,)
        self.clients: tuple[ClientTerms, ...] = ()
        self.alerts = Alerts()
        self.number = 0

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[Daemon]:
        settings = Settings(
            locale="en_US",
            time_zone="Europe/Stockholm",
            report=ReportSettings(schedule=self.schedules, client=self.clients),
            alerts=self.alerts,
        )
        daemon = Daemon(self.paths, settings, url="http://127.0.0.1:9/v1", clock=lambda: self.now)
        async with daemon._open(None):
            yield daemon

    def work(self, client: str | None, at: datetime = OCTOBER, amount: str = "1.10") -> Batch:
        self.number += 1
        name = f"r{self.number}"
        told = (event(f"e-{name}", name, at, account="northwind", client=client),)
        return Batch(billing=(billing(name, row(amount, at=at), fetched=self.now, account="northwind"),), events=told)

    def read(self, until: datetime | None = None) -> Batch:
        """What tells that bills are known up to then."""
        end = until or self.now
        since = OCTOBER - 60 * DAY
        return Batch(accounts=(account("default", "northwind"),), coverage=(covers("northwind", since, end),))

    @property
    def files(self) -> list[str]:
        return sorted(file.name for file in self.paths.reports.glob("**/*") if file.is_file())

    async def once(self, *batches: Batch) -> Screen:
        async with self.daemon() as daemon:
            for batch in batches:
                await daemon.submit(batch)
            await daemon._report_schedules.once()
            await daemon._watch.once()
            return daemon._deliverer  # type: ignore[return-value]

    async def alerts_listed(self) -> Sequence[ListedAlert]:
        async with self.daemon() as daemon:
            listed = await daemon.on_ledger(lambda operations: operations.alerts(AlertsQuery(rule="report", all=True)))
            return listed.alerts


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    monkeypatch.setattr("trayd.daemon.Deliverer", Screen)
    return Studio(tmp_path)


async def test_each_client_gets_a_report_once_and_they_are_told_together(studio: Studio) -> None:
    screen = await studio.once(studio.read(), studio.work("Northwind"), studio.work("Acme"), studio.work(None))

    assert studio.files == ["trayd-report-acme-2026-10.html", "trayd-report-northwind-2026-10.html"]
    acme = (studio.paths.reports / studio.files[0]).read_text()
    assert "Acme" in acme
    assert "Northwind" not in acme
    (notice,) = screen.shown
    assert notice.title == "2 reports are ready"
    assert sorted(notice.body.splitlines()) == ["Report for Acme, October 2026", "Report for Northwind, October 2026"]
    assert notice.actions == (("Open folder", "open:reports:monthly"),)
    told = await studio.alerts_listed()
    assert sorted((each.title, each.client, each.amount) for each in told) == [
        ("Report for Acme, October 2026", "Acme", Money.of("1.10")),
        ("Report for Northwind, October 2026", "Northwind", Money.of("1.10")),
    ]
    assert told[0].text == (
        f"The work cost $1.10. trayd-report-{told[0].client.lower()}-2026-10.html is in {studio.paths.reports}."
    )

    assert sorted(each.files for each in told) == [(str(studio.paths.reports / name),) for name in studio.files]

    for days in (0, 1, 20, 29):
        studio.now = DUE + days * DAY
        screen = await studio.once(studio.read())
        assert screen.shown == ()
    studio.now = DUE - 40 * DAY
    await studio.once()
    assert len(studio.files) == 2
    assert len(await studio.alerts_listed()) == 2


async def test_clients_of_nearly_the_same_name_have_files_of_their_own(studio: Studio) -> None:
    await studio.once(studio.read(), studio.work("A B"), studio.work("A/B"), studio.work("a b"), studio.work("Acme"))

    assert len(studio.files) == 4
    assert "trayd-report-acme-2026-10.html" in studio.files
    assert "trayd-report-a-b-2026-10.html" not in studio.files
    told = {each.client: each.files for each in await studio.alerts_listed()}
    for client, (file,) in told.items():
        assert f"<h1>{client}</h1>" in (studio.paths.reports / file).read_text(), "each is told of the file of its own"


async def test_a_report_that_nobody_wants_to_hear_of_is_made_once_all_the_same(studio: Studio) -> None:
    studio.alerts = Alerts(off=("report",))
    for _ in range(2):
        screen = await studio.once(studio.read(), studio.work("Northwind"))
        assert screen.shown == ()
    assert studio.files == ["trayd-report-northwind-2026-10.html"]


async def test_one_report_of_everything_where_nobody_works_for_a_client(studio: Studio) -> None:
    screen = await studio.once(studio.read(), studio.work(None))

    assert studio.files == ["trayd-report-2026-10.html"]
    assert [notice.title for notice in screen.shown] == ["Report of October 2026"]
    await studio.once()
    assert len(studio.files) == 1


async def test_nothing_is_made_before_its_day_nor_of_a_month_without_entries(studio: Studio) -> None:
    studio.now = DUE - timedelta(microseconds=1)
    await studio.once(studio.read(), studio.work("Northwind"))
    assert studio.files == []
    studio.now = DUE + 31 * DAY
    await studio.once(studio.read())
    assert studio.files == []


async def test_months_in_which_the_computer_was_off_are_made_up_for(studio: Studio) -> None:
    await studio.once(studio.read(), studio.work("Northwind"))
    november = studio.work("Northwind", OCTOBER + 30 * DAY)
    december = studio.work("Northwind", OCTOBER + 61 * DAY)
    studio.now = datetime(2027, 1, 20, tzinfo=UTC)
    screen = await studio.once(studio.read(), november, december)

    assert studio.files == [f"trayd-report-northwind-{month}.html" for month in ("2026-10", "2026-11", "2026-12")]
    assert [notice.title for notice in screen.shown] == ["2 reports are ready"]


async def test_what_of_a_month_could_not_be_made_is_made_before_the_next_month(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.now = DUE - 31 * DAY
    september = OCTOBER - 30 * DAY
    usual, placed = report_folders._put_away, []

    def once(folder: Path, texts: Iterable[tuple[str, IO[str]]], drop: Path | None) -> list[Path]:
        if placed:
            raise TraydError("the disk is gone", "connect it")
        placed.extend(usual(folder, texts, drop))
        return placed

    with monkeypatch.context() as disk:
        disk.setattr(report_folders, "_put_away", once)
        await studio.once(studio.read(), studio.work("Northwind", september), studio.work("Acme", september))
    assert len(studio.files) == 1

    studio.now = DUE
    await studio.once(studio.read(), studio.work("Northwind"), studio.work("Acme"))
    months = ("2026-09", "2026-10")
    assert studio.files == [
        f"trayd-report-{client}-{month}.html" for client in ("acme", "northwind") for month in months
    ]


async def test_of_a_month_whose_beginning_was_never_read_it_is_said(studio: Studio) -> None:
    coverage = Batch(
        accounts=(account("default", "northwind"),), coverage=(covers("northwind", OCTOBER - 4 * DAY, studio.now),)
    )
    await studio.once(coverage, studio.work("Northwind"))
    (told,) = await studio.alerts_listed()
    assert told.amount is None
    assert told.text.startswith(
        "Not all of what the work cost is known. "
        "Fal's bills are known from 2026-10-10 14:00 on: what it billed before is not in here."
    )
    page = (studio.paths.reports / "trayd-report-northwind-2026-10.html").read_text()
    assert "fal&#39;s bills of part of this period are not known" in page


async def test_what_was_made_is_known_as_long_as_what_was_missed_is_made_up_for(studio: Studio) -> None:
    studio.schedules = (Schedule(every="week"),)
    for day in (12, 26):
        studio.now = datetime(2026, 8, day, 12, tzinfo=UTC)
        await studio.once(studio.read(), studio.work("Northwind", studio.now - 7 * DAY))
    assert len(studio.files) == 2

    # Old alerts leave the ledger's state at a checkpoint, and young ones of the same month with them.
    studio.now = datetime(2026, 11, 18, 12, tzinfo=UTC)
    async with studio.daemon() as daemon:
        await daemon.submit(studio.read())
        await Housekeeping(daemon).checkpoint()
    await studio.once(studio.work("Northwind", datetime(2026, 9, 30, 12, tzinfo=UTC)))
    assert studio.files[2:] == ["trayd-report-northwind-2026-09-28-to-2026-10-04.html"]


async def test_many_other_alerts_do_not_make_a_report_forgotten(studio: Studio) -> None:
    await studio.once(studio.read(), studio.work("Northwind"))
    studio.now = DUE + 5 * DAY
    ended = studio.now - HOUR
    async with studio.daemon() as daemon:
        for start in range(0, 10_001, 500):
            others = (episode(f"r{number}", ended, ended, "expensive") for number in range(start, start + 500))
            await daemon.submit(Batch(episodes=tuple(others)))
        await Housekeeping(daemon).checkpoint()
    await studio.once()
    assert studio.files == ["trayd-report-northwind-2026-10.html"]


async def test_a_client_whose_entries_come_late_gets_his_report_then(studio: Studio) -> None:
    await studio.once(studio.read(), studio.work("Northwind"))
    studio.now += 3 * DAY
    screen = await studio.once(studio.read(), studio.work("Acme"))

    assert studio.files == ["trayd-report-acme-2026-10.html", "trayd-report-northwind-2026-10.html"]
    assert [notice.title for notice in screen.shown] == ["Report for Acme, October 2026"]


async def test_a_schedule_has_its_clients_formats_and_folder(studio: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "to send"
    folder.mkdir()
    studio.schedules = (
        Schedule(every="week", name="for Acme", clients=("Acme",), folder=str(folder), formats=("html", "csv")),
        MONTHLY,
    )
    monday = datetime(2026, 10, 25, 23, 30, tzinfo=UTC)  # in Stockholm, on the first day of its winter time
    studio.now = datetime(2026, 11, 3, 23, tzinfo=UTC)
    works = studio.work("Acme", monday), studio.work("Northwind", monday), studio.work("Acme", monday - 2 * HOUR)
    screen = await studio.once(studio.read(), *works)

    names = [
        f"trayd-{what}-acme-2026-10-26-to-2026-11-01.{form}" for what, form in (("export", "csv"), ("report", "html"))
    ]
    assert sorted(file.name for file in folder.iterdir()) == names
    with (folder / names[0]).open(newline="") as csv:
        assert len(csv.read().splitlines()) == 2
    assert len(studio.files) == 2, "those of the month"
    weekly = next(each for each in await studio.alerts_listed() if each.period == "2026-W44")
    assert weekly.title == "Report for Acme, 26 Oct to 1 Nov 2026"
    assert weekly.text.endswith(f" {names[1]} and 1 more file are in {folder}.")
    (notice,) = screen.shown
    assert notice.title == "3 reports are ready"
    assert [label for label, _ in notice.actions] == ["Open folder"]


async def test_an_export_beside_a_report_without_costs_is_said_to_have_them(studio: Studio) -> None:
    studio.schedules = (Schedule(every="month", formats=("html", "csv")),)
    studio.clients = (ClientTerms(name="Acme", hide_costs=True, markup_percent=Decimal(50)),)
    await studio.once(studio.read(), studio.work("Acme"), studio.work("Northwind"))

    acme, northwind = sorted(await studio.alerts_listed(), key=lambda each: str(each.client))
    assert "The export says what the work cost: it is not for the client." in acme.text
    assert "not for the client" not in northwind.text
    studio.schedules = (Schedule(every="month", name="the page alone"),)
    await studio.once()
    (alone,) = (each for each in await studio.alerts_listed() if each.scope == "the page alone/Acme")
    assert "not for the client" not in alone.text
    assert (acme.amount, northwind.amount) == (None, Money.of("1.10")), "a hook may send it on"
    assert "The work cost" not in acme.text
    page = (studio.paths.reports / "trayd-report-acme-2026-10.html").read_text()
    assert "1.65" in page
    assert "1.10" not in page


async def test_what_is_there_already_is_not_written_over(studio: Studio) -> None:
    studio.paths.reports.mkdir()
    mine = studio.paths.reports / "trayd-report-northwind-2026-10.html"
    mine.write_text("signed by the client")
    await studio.once(studio.read(), studio.work("Northwind"))

    assert mine.read_text() == "signed by the client"
    assert studio.files == ["trayd-report-northwind-2026-10-2.html", mine.name]
    (told,) = await studio.alerts_listed()
    assert " trayd-report-northwind-2026-10-2.html is in " in told.text


async def test_a_folder_that_is_missing_is_told_by_name_until_it_is_there(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "disk" / "reports"
    studio.schedules = (Schedule(every="month", folder=str(folder)),)
    async with studio.daemon() as daemon:
        await daemon.submit(studio.read())
        await daemon.submit(studio.work("Northwind"))
        schedules, screen = daemon._report_schedules, daemon._deliverer
        for _ in range(2):
            await schedules._look(patient=True)
            await daemon._watch.once()
        (notice,) = screen.shown
        assert notice.title == "Reports cannot be made (monthly)"
        assert f"There is no folder {folder}; make it" in notice.body
        assert not folder.exists()
        status = await daemon.on_ledger(lambda operations: operations.status())
        assert [alert.text for alert in status.alerts if alert.state == "open"] == [notice.body]

        folder.mkdir(parents=True)
        await schedules._look(patient=True)
        assert list(folder.iterdir()) == [], "it is tried again later"
        monkeypatch.setattr(schedules, "_rests", {})
        await schedules._look(patient=True)
        await daemon._watch.once()
    assert [file.name for file in folder.iterdir()] == ["trayd-report-northwind-2026-10.html"]
    told = await studio.alerts_listed()
    assert sorted((each.state, each.title) for each in told) == [
        ("happened", "Report for Northwind, October 2026"),
        ("over", "Reports cannot be made (monthly)"),
    ]


async def test_the_drop_folder_takes_no_reports(studio: Studio) -> None:
    folder = studio.paths.drop / "reports"
    folder.mkdir(parents=True)
    studio.schedules = (Schedule(every="month", folder=str(folder), formats=("csv",)),)
    screen = await studio.once(studio.read(), studio.work("Northwind"))

    assert list(folder.iterdir()) == []
    (notice,) = screen.shown
    assert "is in the drop folder, and exports there would be taken in as costs; name another one" in notice.body


async def test_a_restart_tells_no_trouble_again_and_ends_none_before_it_was_tried(studio: Studio) -> None:
    studio.schedules = (Schedule(every="month", folder=str(studio.home / "gone")),)
    screen = await studio.once(studio.read(DUE - DAY), studio.work("Northwind"))
    assert len(screen.shown) == 1

    studio.now += 3 * DAY
    async with studio.daemon() as daemon:
        for told_by_now in (None, {"monthly": "there is no folder"}):
            await daemon._report_schedules._look(patient=True)
            await daemon._watch.once()
            (told,) = await daemon.on_ledger(lambda operations: operations.alerts(AlertsQuery(rule="report")).alerts)
            assert told.state == "open"
            known = daemon._operations.report_troubles
            assert known is told_by_now or known["monthly"].startswith(told_by_now["monthly"])
            await daemon.submit(studio.read())
        assert daemon._deliverer.shown == ()


async def test_a_full_disk_leaves_no_half_report_and_no_part_of_several(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.schedules = (Schedule(every="month", formats=("html", "csv")),)
    real = report_folders.write_new

    def full(path: Path, pieces: object) -> tuple[Path, bool]:
        if path.suffix == ".csv":
            return real(path.with_name("x" * 300), pieces)  # type: ignore[arg-type]  # the system refuses it
        return real(path, pieces)  # type: ignore[arg-type]

    with monkeypatch.context() as disk:
        disk.setattr(report_folders, "write_new", full)
        screen = await studio.once(studio.read(), studio.work("Northwind"))
    assert studio.files == []
    assert [notice.title for notice in screen.shown] == ["Reports cannot be made (monthly)"]

    await studio.once()
    assert studio.files == ["trayd-export-northwind-2026-10.csv", "trayd-report-northwind-2026-10.html"]


async def test_a_bug_in_one_report_keeps_no_other_one_back(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    studio.schedules = (Schedule(every="week"), MONTHLY)
    usual = Operations.report

    def report(operations: Operations, query: ReportQuery) -> Document:
        if query.since == "2026-10-19":
            raise ZeroDivisionError
        return usual(operations, query)

    monkeypatch.setattr(Operations, "report", report)
    screen = await studio.once(studio.read(), studio.work("Northwind"), studio.work("Acme", OCTOBER + 7 * DAY))

    assert studio.files == ["trayd-report-acme-2026-10.html", "trayd-report-northwind-2026-10.html"]
    (refused,) = (notice for notice in screen.shown if "cannot be made" in notice.body + notice.title)
    assert "For Acme: ZeroDivisionError while it was made" in refused.body
    assert "Traceback" in caplog.text


async def test_a_client_whose_report_fails_keeps_no_other_client_and_no_later_month_back(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Operations.report

    def report(operations: Operations, query: ReportQuery) -> Document:
        if query.client == "Acme":
            raise TraydError("the template is wrong", "mend it")
        return usual(operations, query)

    async with studio.daemon() as daemon:
        schedules = daemon._report_schedules
        await daemon.submit(studio.read())
        with monkeypatch.context() as wrong:
            wrong.setattr(Operations, "report", report)
            for month in (0, 1):
                studio.now = DUE + month * 31 * DAY
                for client, amount in (("Acme", "9.00"), ("Northwind", "1.00")):
                    await daemon.submit(studio.work(client, OCTOBER + month * 30 * DAY, amount))
                schedules.look_soon()
                await schedules.once()
            assert studio.files == [f"trayd-report-northwind-2026-{month}.html" for month in (10, 11)]
            assert daemon._operations.report_troubles == {"monthly": "for Acme: the template is wrong; mend it"}
    async with studio.daemon() as daemon:
        await daemon._report_schedules.once()
        assert studio.files[:2] == [f"trayd-report-acme-2026-{month}.html" for month in (10, 11)]
        assert daemon._operations.report_troubles == {"monthly": ""}


async def test_a_folder_that_does_not_answer_keeps_no_other_schedule_back(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = tmp_path / "far"
    far.mkdir()
    studio.schedules = (Schedule(every="month", name="far", folder=str(far)), MONTHLY)
    usual, answers = report_folders._put_away, threading.Event()
    asked: list[Path] = []

    def put_away(folder: Path, texts: Iterable[tuple[str, IO[str]]], drop: Path | None) -> list[Path]:
        asked.append(folder)
        if folder == far:
            answers.wait(30)
        return usual(folder, texts, drop)

    monkeypatch.setattr(report_folders, "_put_away", put_away)
    monkeypatch.setattr(report_folders, "PUTTING_S", 0.5)
    async with studio.daemon() as daemon:
        schedules = daemon._report_schedules
        await daemon.submit(studio.read())
        await daemon.submit(studio.work("Acme"))
        await schedules.once()
        assert studio.files == ["trayd-report-acme-2026-10.html"]
        assert daemon._operations.report_troubles == {
            "far": f"{far} does not answer; see that its disk and its network are there, or name another folder",
            "monthly": "",
        }
        schedules.look_soon()
        await schedules.once()
        assert asked.count(far) == 1, "nobody else waits for it"

        answers.set()
        await asyncio.wait(schedules._folders._late, timeout=10)
        await daemon._watch.once()
        screen: Screen = daemon._deliverer  # type: ignore[assignment]
        assert sum(notice.body.count("Report for Acme") for notice in screen.shown) == 2
        schedules.look_soon()
        await schedules.once()
        assert daemon._operations.report_troubles == {"far": "", "monthly": ""}
        assert [file.name for file in far.iterdir()] == ["trayd-report-acme-2026-10.html"], "late, and once"
    assert [each.files for each in await studio.alerts_listed() if each.scope == "far/Acme"] == [
        (str(far / "trayd-report-acme-2026-10.html"),)
    ]


async def test_settings_that_change_during_a_try_are_tried_at_once(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "right"
    folder.mkdir()
    right, wrong = (Schedule(every="month", folder=str(tmp_path / name)) for name in ("right", "wrong"))
    studio.schedules = (wrong,)
    usual = report_folders._put_away
    async with studio.daemon() as daemon:
        schedules = daemon._report_schedules
        await daemon.submit(studio.read())
        await daemon.submit(studio.work("Acme"))

        async def corrected(folder: Path, texts: Iterable[tuple[str, IO[str]]], drop: Path | None) -> list[Path]:
            daemon.settings = structs.replace(daemon.settings, report=ReportSettings(schedule=(right,)))
            schedules.look_soon()
            return usual(folder, texts, drop)

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(report_schedule, "put_away", corrected)
            await schedules.once()
        assert not daemon._operations.report_troubles, "it would be told of a folder that is in no setting"
        await schedules.once()
        assert [file.name for file in folder.iterdir()] == ["trayd-report-acme-2026-10.html"]


async def test_what_the_ledger_had_no_room_to_remember_is_not_made_again(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio.daemon() as daemon:
        schedules = daemon._report_schedules
        await daemon.submit(studio.read())
        await daemon.submit(studio.work("Acme"))

        async def full(_made: object) -> None:
            raise LedgerFullError("the disk is full", "make room")

        with monkeypatch.context() as disk:
            disk.setattr(daemon, "report_made", full)
            await schedules.once()
        assert daemon._operations.report_troubles == {"monthly": "the disk is full; make room"}
        (file,) = studio.paths.reports.iterdir()
        file.write_text("signed")
        schedules.look_soon()
        await schedules.once()
        assert studio.files == [file.name]


async def test_what_was_not_remembered_any_more_is_not_there_twice(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trayd that is killed between the two; the next one makes the same, some minutes and a poll later."""
    studio.schedules = (Schedule(every="month", formats=("html", "csv", "focus", "json", "ledger")),)

    async def killed(_daemon: Daemon, _made: object) -> None:
        raise Killed

    with monkeypatch.context() as kill:
        kill.setattr(Daemon, "report_made", killed)
        with pytest.raises(Killed):
            await studio.once(studio.read(), studio.work("Acme"))
    names = studio.files
    assert len(names) == 5

    studio.now += HOUR
    await studio.once(studio.read())
    assert studio.files == names
    (told,) = await studio.alerts_listed()
    assert len(told.files) == 5

    studio.now += HOUR
    studio.schedules = (structs.replace(studio.schedules[0], name="again"),)
    await studio.once(studio.work("Acme", amount="2.00"))
    assert len(studio.files) == 10, "what says something else is there as well"


async def test_what_is_made_when_trayd_ends_is_remembered_and_the_rest_is_made_at_the_next_start(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, begun, go_on = report_folders._put_away, threading.Event(), threading.Event()
    done: list[Path] = []

    def slow(folder: Path, texts: Iterable[tuple[str, IO[str]]], drop: Path | None) -> list[Path]:
        if done:
            begun.set()
            go_on.wait(10)
        done.extend(usual(folder, texts, drop))
        return done

    async with studio.daemon() as daemon:
        for batch in (studio.read(), studio.work("Acme"), studio.work("Northwind", amount="2.20")):
            await daemon.submit(batch)
        with monkeypatch.context() as disk:
            disk.setattr(report_folders, "_put_away", slow)
            disk.setattr(report_folders, "ENDING_S", 0.1)
            making = asyncio.create_task(daemon._report_schedules._look(patient=True))
            await asyncio.to_thread(begun.wait, 10)
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
        go_on.set()
    assert making.cancelled()
    assert [each.client for each in await studio.alerts_listed()] == ["Northwind"], "the dearest comes first"

    await studio.once()
    assert sorted(str(each.client) for each in await studio.alerts_listed()) == ["Acme", "Northwind"]
    assert studio.files == ["trayd-report-acme-2026-10.html", "trayd-report-northwind-2026-10.html"]


async def test_files_that_are_on_their_way_when_trayd_ends_are_placed_and_remembered(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, begun, go_on = report_folders._put_away, threading.Event(), threading.Event()

    def slow(folder: Path, texts: Iterable[tuple[str, IO[str]]], drop: Path | None) -> list[Path]:
        begun.set()
        go_on.wait(10)
        return usual(folder, texts, drop)

    async with studio.daemon() as daemon:
        await daemon.submit(studio.read())
        await daemon.submit(studio.work("Acme"))
        with monkeypatch.context() as disk:
            disk.setattr(report_folders, "_put_away", slow)
            making = asyncio.create_task(daemon._report_schedules._look(patient=True))
            await asyncio.to_thread(begun.wait, 10)
            making.cancel()
            await asyncio.sleep(0)
            go_on.set()
            await asyncio.gather(making, return_exceptions=True)
    assert making.cancelled()
    assert studio.files == ["trayd-report-acme-2026-10.html"]

    # The page has the time in it: made again, it would be another file.
    studio.now += HOUR
    screen = await studio.once()
    assert [notice.title for notice in screen.shown] == ["Report for Acme, October 2026"]
    assert studio.files == ["trayd-report-acme-2026-10.html"]


async def test_bills_are_waited_for_and_then_it_is_said_that_they_are_missing(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio.daemon() as daemon:
        schedules = daemon._report_schedules
        await daemon.submit(studio.work("Northwind"))
        await schedules._look(patient=True)
        assert studio.files == [], "at the start of trayd no account has been asked"
        await daemon.submit(studio.read(DUE - 3 * DAY))
        await schedules._look(patient=True)
        assert studio.files == []
        await daemon.submit(studio.work("Acme"))
        monkeypatch.setattr(report_schedule, "BILLS_S", 0.0)
        await schedules._look(patient=True)
    assert len(studio.files) == 2
    told = await studio.alerts_listed()
    assert all("fal's bills of that time were not all in" in each.text for each in told)


async def test_once_the_bills_are_in_it_is_made_at_once(studio: Studio) -> None:
    async with studio.daemon() as daemon:
        await daemon.submit(studio.work("Northwind"))
        await daemon.submit(studio.read(DUE - HOUR))
        await daemon._report_schedules._look(patient=True)
        assert studio.files == []
        await daemon.submit(studio.read(DUE))
        await daemon._report_schedules._look(patient=True)
    assert len(studio.files) == 1
    (told,) = await studio.alerts_listed()
    assert "not all in" not in told.text


async def test_who_has_no_fal_account_waits_for_no_bills(studio: Studio) -> None:
    async with studio.daemon() as daemon:
        await daemon.submit(Batch(accounts=(AccountFact(name="default", state="no_key", tried_at=DUE),)))
        await daemon.submit(Batch(costs=(cost(on=OCTOBER, client="Northwind"),)))
        await daemon._report_schedules._look(patient=True)
    assert studio.files == ["trayd-report-northwind-2026-10.html"]


async def test_the_running_daemon_makes_them_and_follows_the_settings(studio: Studio) -> None:
    studio.schedules = ()
    await studio.once(studio.read(), studio.work("Northwind"))
    stop, ready = asyncio.Event(), asyncio.Event()
    studio.paths.settings.write_text('locale = "en_US"\ntime_zone = "Europe/Stockholm"\n')
    async with asyncio.timeout(30):
        daemon = Daemon(studio.paths, Settings(), url="http://127.0.0.1:9/v1", clock=lambda: studio.now)
        running = asyncio.create_task(daemon.run(stop, ready.set))
        await ready.wait()
        assert studio.files == []
        studio.paths.settings.write_text(
            'locale = "en_US"\ntime_zone = "Europe/Stockholm"\n[[report.schedule]]\nevery = "month"\n'
        )
        await daemon.reload()
        while not studio.files:  # noqa: ASYNC110 - a file appears without an event
            await asyncio.sleep(0.02)
        stop.set()
        await running
    assert studio.files == ["trayd-report-northwind-2026-10.html"]


async def test_two_schedules_have_two_names() -> None:
    for schedules in ((MONTHLY, MONTHLY), (Schedule(every="week", name="monthly"), MONTHLY)):
        with pytest.raises(ValueError, match=r"two .*report.schedule.* have the name 'monthly'"):
            ReportSettings(schedule=schedules)
    assert ReportSettings(schedule=(MONTHLY, structs.replace(MONTHLY, name="for the tax office")))
