"""What a person hears who asks for the alerts: why nobody was told yet, how old the figures are, where alerts go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.alerts.story import START
from trayd.alert_settings import Alerts, QuietHours
from trayd.alerts.delivery import DesktopState, Outcome
from trayd.episodes import NEVER_TOLD, Episode, Urgency
from trayd.errors import UsageError
from trayd.facts import Batch
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.operations.alerts import AlertsQuery, ListedAlert, PauseQuery, SnoozeQuery
from trayd.operations.operations import Operations
from trayd.settings import Paths, Settings
from trayd.terminal.alerts import alerts_view, paused_view
from trayd.terminal.show import Style

# START is nine in the morning.
MINUTE = timedelta(minutes=1)
QUIET = QuietHours(since="08:00", until="10:00")
ALWAYS = QuietHours(since="08:00", until="08:00")
STYLE = Style("en_US", UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    paths = LedgerPaths(ledger=tmp_path / "ledger", backup=tmp_path / "backup")
    with closing(Ledger.open(paths, base_url=None, holder="a test", clock=lambda: START)) as ledger:
        yield ledger


def asking(ledger: Ledger, **limits: Any) -> Operations:
    settings = Settings(locale="en_US", time_zone="UTC", alerts=Alerts(**limits))
    return Operations(ledger, settings, Paths.under(Path.cwd() / "no home"), lambda: START)


def keep(ledger: Ledger, name: str, *, told: bool = False, event: bool = False, **more: Any) -> Episode:
    """An alert of five minutes ago."""
    at = START - 5 * MINUTE
    given = {"told": at if told else None, "resolved": at if event else None, "text": f"{name} was so."}
    episode = Episode(**({"id": name, "rule": "budget", "scope": name, "since": at, "title": name} | given | more))
    ledger.add(Batch(episodes=(episode,)))
    return episode


def alert(operations: Operations, name: str) -> ListedAlert:
    return next(one for one in operations.alerts(AlertsQuery()).alerts if one.id == name)


def screen(answer: object, view: Any, capsys: pytest.CaptureFixture[str]) -> str:
    from rich.console import Console

    Console(width=200).print(view(msgspec.to_builtins(answer), STYLE))
    return capsys.readouterr().out


@pytest.mark.parametrize("event", [False, True])
def test_of_what_nobody_was_told_yet_it_is_said_why(
    ledger: Ledger, event: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(ledger, "new", event=event)
    keep(ledger, "grave", event=event, urgency=Urgency.CRITICAL)
    for number in range(2):
        keep(ledger, f"told {number}", told=True, since=START - (10 + number) * MINUTE)

    crowded = asking(ledger, most_per_hour=1)
    assert alert(crowded, "new").waits_for == "room in the hour"
    assert alert(crowded, "grave").waits_for == "trayd"
    night = asking(ledger, quiet_hours=QUIET)
    assert alert(night, "new").waits_for == "quiet hours"
    assert alert(night, "told 0").waits_for == ""
    assert "not told yet: quiet hours" in screen(night.alerts(AlertsQuery()), alerts_view, capsys)
    night.pause(PauseQuery())
    assert alert(night, "grave").waits_for == "pause"


@pytest.mark.parametrize("event", [False, True])
@pytest.mark.parametrize(
    ("desktop", "waits_for", "told"),
    [
        (None, "trayd", "trayd does not run"),
        (DesktopState(trouble="there is no notification service on the session bus"), "desktop", None),
        (DesktopState(), "desktop", "it is on its way"),
        (DesktopState(trouble="it is odd", instead=Outcome.PLYER), "desktop", "it is on its way"),
    ],
)
def test_where_nothing_holds_it_back_the_desktop_or_trayd_itself_is_what_is_missing(
    ledger: Ledger,
    event: bool,
    desktop: DesktopState | None,
    waits_for: str,
    told: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keep(ledger, "new", event=event)
    operations = asking(ledger)
    operations.desktop = lambda: desktop

    assert alert(operations, "new").waits_for == waits_for
    why = desktop.trouble if desktop is not None and told is None else told
    assert f"not told yet: {why}" in screen(operations.alerts(AlertsQuery()), alerts_view, capsys)


def test_a_reminder_of_an_event_of_yesterday_waits_until_somebody_can_be_told(ledger: Ledger) -> None:
    before = START - timedelta(hours=30)
    keep(ledger, "file", since=before, resolved=before, snoozed_until=before + timedelta(hours=1))

    assert alert(asking(ledger, quiet_hours=QUIET), "file").waits_for == "quiet hours"


def test_what_is_never_to_be_told_and_what_is_no_news_any_more_waits_for_nothing(ledger: Ledger) -> None:
    keep(ledger, "imported", event=True, told=False, since=START - 5 * MINUTE)
    ledger.add(Batch(episodes=(msgspec.structs.replace(ledger.episodes()["imported"], told=NEVER_TOLD),)))
    day = timedelta(hours=26)
    keep(ledger, "old", since=START - day, resolved=START - day)

    night = asking(ledger, quiet_hours=QuietHours(since="08:30", until="10:00"))
    assert [alert(night, name).waits_for for name in ("imported", "old")] == ["", ""]


def test_without_a_daemon_the_list_says_of_when_the_figures_are(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    low = keep(ledger, "low", told=True)
    operations = asking(ledger)

    assert alert(operations, "low").worded_at == low.told
    assert "as it was 2026-11-01 08:55" in screen(operations.alerts(AlertsQuery()), alerts_view, capsys)

    operations.present_alerts = {"low": msgspec.structs.replace(low, title="lower")}
    assert (alert(operations, "low").worded_at, alert(operations, "low").title) == (None, "lower")
    assert "as it was" not in screen(operations.alerts(AlertsQuery()), alerts_view, capsys)
    # What a snooze answers is the same.
    assert operations.snooze(SnoozeQuery(id="low")).title == "lower"
    assert operations.ledger.episodes()["low"].title == "low"


def test_an_event_can_be_snoozed_by_the_beginning_of_its_id_and_the_list_says_so(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(ledger, "expensive:01a1", event=True, told=True)
    operations = asking(ledger)

    assert operations.snooze(SnoozeQuery(id="expensive", length="2h")).id == "expensive:01a1"
    assert "told again at 2026-11-01 11:00" in screen(operations.alerts(AlertsQuery()), alerts_view, capsys)


def test_what_nobody_is_ever_told_of_cannot_be_snoozed(ledger: Ledger) -> None:
    # An expensive job that was taken in by hand.
    keep(ledger, "expensive:01a1", event=True, told=True, text="", title="")
    for meant in ("expensive:01a1", "expensive"):
        with pytest.raises(UsageError, match="no open alert"):
            asking(ledger).snooze(SnoozeQuery(id=meant))

    keep(ledger, "expensive:01b2", event=True, told=True)
    assert asking(ledger).snooze(SnoozeQuery(id="expensive")).id == "expensive:01b2"


def test_figures_are_never_of_a_time_to_come(ledger: Ledger) -> None:
    low = keep(ledger, "low")
    operations = asking(ledger, quiet_hours=QUIET)

    snoozed = operations.snooze(SnoozeQuery(id="low", length="2h"))
    assert (snoozed.told, snoozed.worded_at) == (None, low.since)


def test_what_lasts_is_in_the_status_also_where_it_comes_again(ledger: Ledger) -> None:
    keep(ledger, "low", told=True, resolved=START - 4 * MINUTE)
    keep(ledger, "low", since=START - 3 * MINUTE)

    status = asking(ledger).status()
    assert "open" in {each.state for each in status.alerts if each.id == "low"}


@pytest.mark.parametrize(
    ("quiet", "told"), [(QUIET, "quiet hours until 2026-11-01 10:00"), (ALWAYS, "quiet hours all day on every day")]
)
def test_the_list_says_until_when_it_is_quiet(
    ledger: Ledger, quiet: QuietHours, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"• {told}\n" in screen(asking(ledger, quiet_hours=quiet).alerts(AlertsQuery()), alerts_view, capsys)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({}, "alerts go to the desktop"),
        ({"desktop": False}, "alerts stay off the desktop: alerts.desktop is false in the settings"),
        ({"quiet_hours": QUIET}, "alerts wait: quiet hours until 2026-11-01 10:00"),
        ({"quiet_hours": ALWAYS}, "alerts wait: quiet hours all day on every day"),
    ],
)
def test_the_end_of_a_pause_is_told_as_what_it_is(
    ledger: Ledger, limits: dict[str, Any], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    operations = asking(ledger, **limits)

    assert screen(operations.resume(), paused_view, capsys) == f"nothing was paused; {told}\n"
    operations.pause(PauseQuery())
    assert screen(operations.resume(), paused_view, capsys) == f"the pause is over; {told}\n"
