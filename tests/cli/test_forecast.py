"""Forecasts, budgets and unusual days by the real command line, with a daemon and without one, and how they look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from rich.console import Console

from tests.end_to_end.support import Home, SandboxProcess
from trayd.alert_settings import AnomalyLimits
from trayd.budget_settings import Budget
from trayd.insight.anomalies import Explanation
from trayd.insight.forecast import AccountForecast, Burn, Forecast, MonthEnd, RunOut
from trayd.money import Money
from trayd.operations.budgets import ListedBudget
from trayd.operations.unusual import ListedDay, ListedDays
from trayd.shapes import plain
from trayd.terminal.forecast import anomalies_view, budgets_view, forecast_view
from trayd.terminal.show import Style, console

if TYPE_CHECKING:
    from rich.console import RenderableType

SETTINGS = """
time_zone = "Europe/Stockholm"
[poll]
interval_s = 3600
backfill_days = 60
[[budget]]
name = "All of it"
amount = 900.00
[[budget]]
name = "fal alone"
amount = 0.10
period = "total"
model = "fal-ai"
[[budget]]
name = "Film"
amount = 10.00
client = "Nobody"
"""

STYLE = Style("en_US", UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home with forty days of a studio."""
    with SandboxProcess("--days", "40", "--per-day", "6", "--seed", "5") as sandbox:
        sandbox.control("freeze", frozen=True)
        home = Home(tmp_path_factory.mktemp("forecast") / "home", sandbox)
        home.settings(SETTINGS)
        home.run("refresh")
        yield home


def test_all_of_it_is_told_by_the_ledger_and_by_the_daemon_alike(home: Home) -> None:
    asked = (("forecast",), ("budgets",), ("anomalies",), ("anomalies", "--window", "30d"))
    alone = [home.json(*each) for each in asked]
    with home.started("--headless"):
        served = [home.json(*each) for each in asked]
    for mine, theirs in zip(alone, served, strict=True):
        assert shape(mine) == shape(theirs)
    forecast, budgets, unusual, _ = served
    (account,) = forecast["accounts"]
    assert account["burn"]["days"] >= 35
    assert set(account["run_out"]) == {"day", "earliest", "latest"}
    assert Decimal(forecast["month_end"]["expected"]["amount"]) >= Decimal(forecast["month_end"]["spent"]["amount"])
    everything, models, film = budgets
    assert film["trouble"].startswith("nothing recorded has the client “Nobody”")
    month = home.json("usage", "--window", "month")["total"]["cost"]
    assert everything["spent"] == month
    assert everything["budget"]["name"] == "All of it"
    assert Decimal(models["share"]) > 100
    assert models["expected"] is None
    assert unusual["known"] >= 35


def test_the_doctor_names_a_budget_that_never_warns(home: Home) -> None:
    (found,) = (each for each in home.json("doctor") if each["subject"].startswith("budget"))
    assert (found["subject"], found["state"]) == ("budget Film", "note")
    assert found["text"] == "nothing recorded has the client “Nobody”; until something is, it never warns"


def shape(value: Any) -> Any:
    """What an answer is made of; a poll may have told something new in between."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(each) for each in value[:1]] if isinstance(value, list) else None


def test_a_window_that_there_is_not_is_refused(home: Home) -> None:
    refused = home.run("anomalies", "--window", "soon", code=2)
    assert "--window soon: there is no such window" in refused.stderr


def test_without_history_the_reason_is_told(tmp_path: Path, home: Home) -> None:
    del home
    with SandboxProcess("--days", "1", "--per-day", "1") as sandbox:
        empty = Home(tmp_path / "home", sandbox)
        assert "no forecast: its billing has not been read yet" in empty.run("forecast").stdout
        assert "no budgets; `trayd config edit` shows how a [[budget]] is said" in empty.run("budgets").stdout
        assert "what is usual is not known yet" in empty.run("anomalies").stdout


def shown(view: RenderableType, capsys: pytest.CaptureFixture[str]) -> list[str]:
    console().print(view)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_how_a_forecast_looks(capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    told = Forecast(
        accounts=(
            AccountForecast(
                account="studio",
                username="northwind",
                balance=Money.of("31.40"),
                as_of=at,
                burn=Burn(per_day=Money.of("1.40"), low=Money.of("0.48"), high=Money.of("2.37"), days=62),
                run_out=RunOut(day=date(2026, 12, 14), earliest=date(2026, 12, 6), latest=None),
                notes=("1 day is left out: no exchange rate",),
            ),
            AccountForecast(account="new", why_none="fal has not been asked yet"),
        ),
        month_end=MonthEnd(
            month="2026-11",
            spent=Money.of("112.60"),
            to_come=Money.of("60"),
            expected=Money.of("183.95"),
            low=Money.of("177"),
            high=Money.of("191.2"),
        ),
        notes=("new is not in it: its billing has not been read yet",),
    )
    assert shown(forecast_view(plain(told), STYLE), capsys) == [
        "studio: $31.40 on 2026-11-20 12:00, lasts until 14 Dec (between 6 Dec and beyond a year)",
        "    $1.40 a day ($0.48 to $2.37 in the coming week), by the last 62 days",
        "    1 day is left out: no exchange rate",
        "new: no run-out date: fal has not been asked yet",
        "",
        "November 2026: $112.60 so far, about $183.95 by its end (between $177.00 and $191.20)",
        "    $60.00 of it are shared costs still to be charged",
        "    new is not in it: its billing has not been read yet",
    ]


def budget(share: str, expected: str | None, **said: Any) -> ListedBudget:
    def percent(text: str) -> Money:
        return Money.of(Decimal(text) * 3)

    return ListedBudget(
        budget=Budget(name=said.pop("name", "Film"), amount=Decimal(300), **said),
        period="2026-11",
        since=None,
        until=None,
        limit=Money.of("300"),
        spent=percent(share),
        share=Decimal(share),
        expected=None if expected is None else percent(expected),
        low=None if expected is None else percent(share),
        high=None if expected is None else percent(expected),
        expected_share=None if expected is None else Decimal(expected),
        why_none="no billing has been read yet" if expected is None else "",
        unpriced=3 if expected is None else 0,
    )


def test_how_budgets_look(capsys: pytest.CaptureFixture[str]) -> None:
    told = [
        msgspec.structs.replace(
            budget("50.0", "75.5", client="Northwind"),
            trouble="nothing recorded has the client “Northwind”",
            notes=("new is not in what is expected: not read",),
        ),
        budget("130.0", None, name="All"),
    ]
    assert shown(budgets_view(plain(told), STYLE), capsys) == [
        "budget                                   spent     %",
        "Film                        $150.00 of $300.00   50%  ██████████░░░░░·····",
        "Nov 2026, client Northwind    $226.50 expected   75%",
        "                            $150.00 to $226.50",
        "All                         $390.00 of $300.00  130%  ████████████████████",
        "Nov 2026, everything",
        "• Film: nothing recorded has the client “Northwind”",
        "• Film: new is not in what is expected: not read",
        "• All: 3 generations without a price not in it",
        "• All: no forecast: no billing has been read yet",
        "░ expected by the end of the period; the range holds four times out of five",
    ]


@pytest.mark.parametrize(("share", "told"), [("99.9", "99%"), ("100.0", "100%"), ("0.9", "<1%"), ("0.0", "0%")])
def test_shares_are_rounded_down_so_that_a_budget_is_never_used_up_too_early(
    share: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spent, expected = shown(budgets_view(plain([budget(share, share)]), STYLE), capsys)[1:3]
    assert f"of $300.00  {told}  " in spent
    assert expected.endswith(f"expected  {told}")


def test_a_budget_with_a_long_name_fits_eighty_columns_with_its_figures_and_its_bar_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    long = budget(
        "50.0", "75.5", name="Frühjahrskampagne, alle Modelle", client="Halden & Co", project="Product Launch"
    )
    console = Console(width=80)
    console.print(budgets_view(plain([long]), STYLE))
    told = capsys.readouterr().out.splitlines()
    assert max(map(len, told)) <= 80
    assert told[1].rstrip().endswith("██████████░░░░░·····")
    assert "$150.00 to $226.50" in told[3]


def test_how_unusual_days_look(capsys: pytest.CaptureFixture[str]) -> None:
    def day(number: int, cost: str, *, running: bool, warned: bool, explained: tuple[Explanation, ...]) -> ListedDay:
        return ListedDay(
            day=date(2026, 11, number),
            running=running,
            cost=Money.of(cost),
            usual=Money.of("1.00"),
            excess=Money.of(Decimal(cost) - 1),
            percent=None,
            score=4.0,
            compared=45,
            explained=explained,
            warned=warned,
        )

    key = Explanation(dimension="key", key=None, cost=Money.of("60"), usual=Money.of("0.20"), share=0.93)
    told = ListedDays(
        first=date(2026, 11, 1),
        last=date(2026, 11, 20),
        known=1,
        judged=1,
        limits=AnomalyLimits(),
        days=[
            day(20, "65.00", running=True, warned=True, explained=(key,)),
            day(9, "5.00", running=False, warned=False, explained=()),
        ],
    )
    assert shown(anomalies_view(plain(told), STYLE), capsys) == [
        "1 Nov 2026 to 20 Nov 2026, of which 1 whole day known",
        "20 Nov 2026: $65.00 so far, $64.00 more than usual (usually $1.00, by 45 days like it)",
        "    key (no key): $60.00 instead of $0.20, 93% of the excess",
        "9 Nov 2026: $5.00, $4.00 more than usual (usually $1.00, by 45 days like it); small",
        "small: under 10.00 USD or 50% above the usual, never warned of",
    ]
