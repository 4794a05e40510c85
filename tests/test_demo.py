"""What the demo shows is sure, whatever the date it is started on."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest

from tests.sandbox.conftest import HandClock
from trayd.daemon import Daemon
from trayd.demo import settings_of
from trayd.demo_studio import DEMO, DemoStudio
from trayd.fal.sandbox.server import Sandbox, running_sandbox
from trayd.insight.tip_rules import TipKind
from trayd.intake import ready
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.money import Money
from trayd.operations.alerts import AlertsQuery
from trayd.operations.exporting import ReportQuery
from trayd.operations.operations import Operations
from trayd.operations.reconciling import ReconcileQuery
from trayd.operations.tips import TipsQuery
from trayd.operations.unusual import AnomaliesQuery
from trayd.settings import Paths, load
from trayd.steps import finish

T = TypeVar("T")

STARTS = (
    datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC),
    datetime(2028, 2, 29, 23, 59, 30, tzinfo=UTC),  # it ends on the first of March
    datetime(2027, 6, 13, 4, 0, tzinfo=UTC),  # a Sunday night, when nobody works
)


class Demo:
    """The sandbox, the studio and the daemon of a demo, at the times that a test tells."""

    def __init__(self, home: Path, sandbox: Sandbox, clock: HandClock) -> None:
        home.mkdir()
        self._paths = Paths.under(home)
        self._paths.settings.write_text(settings_of(clock.moment.date()) + "[alerts]\ndesktop = false\n")
        self._studio = DemoStudio(sandbox.world, self._paths.drop)
        self._sandbox = sandbox
        self._clock = clock

    async def begin(self) -> None:
        """Until the past is known."""
        await self._poll()
        self._studio.begin()
        await self._poll()

    async def pass_(self, seconds: float) -> None:
        """Lets so much time pass; then the studio writes, and the daemon looks."""
        self._clock.advance(seconds=seconds)
        self._studio.go_on()
        await self._poll()

    def ask(self, question: Callable[[Operations], T]) -> T:
        """What a person is answered now."""
        folders = LedgerPaths(ledger=self._paths.ledger, backup=self._paths.backup)
        ledger = Ledger.open(folders, base_url=self._sandbox.url, holder="the test", clock=self._clock)
        try:
            return question(Operations(ledger, load(self._paths.settings), self._paths, self._clock))
        finally:
            ledger.close()

    def warned_of(self) -> set[tuple[str, str | None]]:
        """The titles of all warnings as they are now, and the project that each is about."""
        listed = self.ask(lambda operations: operations.alerts(AlertsQuery()))
        return {(alert.title, alert.project) for alert in listed.alerts}

    async def _poll(self) -> None:
        await Daemon(self._paths, load(self._paths.settings), url=self._sandbox.url, clock=self._clock).run_once()


@pytest.fixture(params=STARTS, ids=lambda start: f"{start:%Y-%m-%d}")
def demo(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    clock = HandClock(request.param)
    with running_sandbox(DEMO, clock) as sandbox:
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        monkeypatch.setenv("FAL_ADMIN_KEY", sandbox.admin_key)
        monkeypatch.setenv("TRAYD_RATES_URL", sandbox.rates_url)
        monkeypatch.setattr(ready, "QUIET_S", 0.0)
        yield Demo(tmp_path / "home", sandbox, clock)


async def test_whenever_it_is_started_there_are_two_tips_and_each_warning_is_told_for_its_project(demo: Demo) -> None:
    await demo.begin()
    tips = demo.ask(lambda operations: finish(operations.find_tips(TipsQuery()))).tips
    savings = {tip.kind: tip.saving for tip in tips}
    assert savings[TipKind.RESOLUTION] == Money.of("4.32")
    assert savings[TipKind.SOUND] == Money.of("2.25")
    at_first = {re.split(r" about | \(", title)[0] for title, _ in demo.warned_of()}
    assert at_first == {"trayd has read your history", "Credits last until"}
    unusual = demo.ask(lambda operations: operations.anomalies(AnomaliesQuery())).days
    assert "Title Sequence" in {explained.key for day in unusual for explained in day.explained}
    query = ReportQuery(client="Halden & Co", since="2026-01-01")
    page = html.unescape(demo.ask(lambda operations: "".join(operations.report(query))))
    assert "MMAudio V2 (fal-ai/mmaudio-v2) is licensed for research only, and " in page
    compared = demo.ask(lambda operations: finish(operations.reconcile(ReconcileQuery()))).accuracy.total
    assert compared.records > 500

    await demo.pass_(10.5)
    assert ("Expensive generation: $6.30", "Spring Campaign") in demo.warned_of(), "told by its estimate"
    await demo.pass_(5)
    assert ("Balance under $20.00 (north-light-studio)", None) in demo.warned_of()
    await demo.pass_(7)
    await demo.pass_(5)
    assert ("83% of budget “Veo for the lyrics” spent", "Lyric Video") in demo.warned_of()
    await demo.pass_(8)
    assert ("Expensive generation: $6.40", "Product Launch") in demo.warned_of()
    await demo.pass_(17)
    assert ("Balance under $5.00 (north-light-studio)", None) in demo.warned_of()
    assert len(demo.warned_of()) == 6, "nothing else"
