"""What the menu's entries and the notices' buttons do, by the daemon's own parts; what opens is noted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from tests.alerts.replay.host import Screen
from tests.ledger.making import DAY, billing, cost, event, row
from trayd.daemon import Daemon
from trayd.errors import TraydError
from trayd.facts import Batch
from trayd.panel.sessions import Sessions
from trayd.report_settings import ReportSettings, Schedule
from trayd.settings import Paths, Settings
from trayd.tray.view import tray_view

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Home:
    def __init__(self, daemon: Daemon, folder: Path) -> None:
        self.daemon = daemon
        self.folder = folder
        self.opened: list[Path | str] = []

    async def chosen(self, action: str) -> list[Path | str]:
        self.opened.clear()
        await self.daemon.perform(action)
        return self.opened


@pytest_asyncio.fixture
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Home]:
    monkeypatch.setattr("trayd.daemon.Deliverer", Screen)
    schedules = (Schedule(every="month"), Schedule(every="week", folder=str(tmp_path / "weekly")))
    settings = Settings(locale="en_US", time_zone="UTC", report=ReportSettings(schedule=schedules))
    daemon = Daemon(Paths.under(tmp_path), settings, url="http://127.0.0.1:9/v1", clock=lambda: NOW)
    home = Home(daemon, tmp_path)
    monkeypatch.setattr("trayd.service.menu_actions.open_target", home.opened.append)
    async with daemon._open(None):
        for number, (client, ago) in enumerate(
            [("Northwind", 1), ("Acme", 2), ("Acme", 3), ("Acme", 35), ("Zephyr", 60)]
        ):
            at, name = NOW - ago * DAY, f"r{number}"
            told = (event(f"e{number}", name, at, account="northwind", client=client),)
            await daemon.submit(Batch(billing=(billing(name, row(at=at), account="northwind"),), events=told))
        await daemon.submit(Batch(costs=(cost(on=NOW - 40 * DAY, client="A:B"),)))
        yield home


@pytest.mark.parametrize(
    ("action", "name", "has", "has_not"),
    [
        ("report", "trayd-report-to-2026-11-20.html", ["Northwind", "Acme", "A:B", "Zephyr"], []),
        ("report:2026-11", "trayd-report-2026-11-01-to-2026-11-20.html", ["Northwind", "Acme"], ["A:B", "Zephyr"]),
        ("report:2026-10", "trayd-report-2026-10.html", ["Acme", "A:B"], ["Northwind", "Zephyr"]),
        ("report:2026-11:Acme", "trayd-report-acme-2026-11-01-to-2026-11-20.html", ["Acme"], ["Northwind"]),
        ("report:2026-10:A:B", "trayd-report-a-b*-2026-10.html", ["A:B", "Runway"], ["Acme"]),
        ("report::Acme", "trayd-report-acme-to-2026-11-20.html", ["Acme"], ["Northwind"]),
    ],
)
async def test_a_report_is_made_of_what_the_entry_says_and_opened(
    home: Home, action: str, name: str, has: list[str], has_not: list[str]
) -> None:
    (path,) = await home.chosen(action)
    assert isinstance(path, Path)
    assert path.match(f"reports/{name}")
    page = path.read_text()
    assert [word for word in has if word not in page] == []
    assert [word for word in has_not if word in page] == []
    assert await home.chosen(action) == [path], "made anew"
    assert list(path.parent.iterdir()) == [path]


async def test_the_menu_offers_the_clients_of_this_month_and_the_last(home: Home) -> None:
    operations = home.daemon._operations
    clients = await home.daemon.on_ledger(lambda operations: operations.recent_clients())
    assert clients == ("Acme", "A:B", "Northwind")
    status = await home.daemon.on_ledger(lambda _operations: operations.status())
    shown = tray_view(status, (), now=NOW, zone=UTC, clients=clients)
    for entry in next(item for item in shown.menu if item.id == "report").walk():
        if entry.action is not None:
            assert len(await home.chosen(entry.action)) == 1


async def test_the_button_of_a_scheduled_report_opens_its_folder(home: Home) -> None:
    (home.folder / "weekly").mkdir()
    assert await home.chosen("open:reports:weekly") == [home.folder / "weekly"]
    assert await home.chosen("open:reports:monthly") == [home.folder / "reports"]
    assert await home.chosen("open:reports:gone by now") == [home.folder / "reports"]
    assert await home.chosen("open:reports") == [home.folder / "reports"]
    assert (home.folder / "reports").is_dir()
    assert await home.chosen("open:drop") == [home.folder / "drop"]


async def test_what_cannot_be_written_is_told(home: Home) -> None:
    (home.folder / "reports").write_text("a file stands in the way")
    assert await home.chosen("report") == []
    (notice,) = home.daemon._deliverer.shown
    assert str(home.folder / "reports") in notice.title


async def test_the_panel_opens_by_a_link_that_works_once(home: Home) -> None:
    home.daemon._sessions = sessions = Sessions("http://127.0.0.1:9", home.daemon.now)
    (link,) = await home.chosen("open:panel")
    assert str(link).startswith("http://127.0.0.1:9/enter/")
    assert sessions.enter(str(link).rpartition("/")[2])
    assert not home.daemon._deliverer.shown


async def test_where_there_is_no_browser_nobody_is_told_the_link(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def nothing_opens(target: object) -> None:
        raise TraydError(f"nothing on this system opens {target}", "open it by hand")

    home.daemon._sessions = Sessions("http://127.0.0.1:9", home.daemon.now)
    monkeypatch.setattr("trayd.service.menu_actions.open_target", nothing_opens)
    await home.chosen("open:panel")
    (notice,) = home.daemon._deliverer.shown
    assert notice.title == "no browser could be opened"
    assert notice.body == "run `trayd open panel`, which prints the link"
    assert "/enter/" not in caplog.text
