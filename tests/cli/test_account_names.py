"""An account has one name wherever a person reads: the settings', and fal's where that is only "default"."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from tests.desk import NOW, Desk, opened_desk
from tests.end_to_end.support import Home, SandboxProcess
from tests.ledger.making import DAY, account
from trayd.budget_settings import Budget
from trayd.facts import Batch, Checked, called, called_as_written, called_names
from trayd.money import Money
from trayd.operations.reconciling import ReconcileQuery
from trayd.operations.records import UsageQuery
from trayd.settings import Account
from trayd.shapes import plain
from trayd.steps import finish, untold
from trayd.terminal.forecast import budgets_view, forecast_view
from trayd.terminal.reconcile import reconcile_view
from trayd.terminal.saving import credits_view
from trayd.terminal.show import Style, status_view
from trayd.terminal.usage import usage_view


@pytest.mark.parametrize(
    ("name", "username", "told"),
    [
        ("studio", "northwind", "studio"),
        ("studio", None, "studio"),
        ("default", "northwind", "northwind"),
        ("default", None, "default"),
    ],
)
def test_how_a_person_calls_an_account(name: str, username: str | None, told: str) -> None:
    assert called(name, username) == told
    assert set(called_names([account(name, username)]).values()) == {told}


def test_a_username_that_is_another_accounts_name_is_that_of_its_own_account() -> None:
    assert called_names([account("films", "studio"), account("studio", "northwind")]) == {
        "films": "films",
        "studio": "films",  # the ledger's name of it
        "northwind": "studio",
    }


@pytest.mark.parametrize(
    ("written", "told"),
    [("films", "films"), ("studio", "studio"), ("northwind", "studio"), ("default", "acme"), ("gone", "gone")],
)
def test_what_a_person_wrote_of_an_account_is_first_a_name_of_the_settings(written: str, told: str) -> None:
    accounts = [account("films", "studio"), account("studio", "northwind"), account("default", "acme")]
    assert called_as_written(written, called_names(accounts)) == told


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with opened_desk(tmp_path) as desk:
        desk.each_day("1.00", 30)
        desk.reads()
        desk.holds("40.00")
        span = {"since": NOW - 30 * DAY, "until": NOW - timedelta(hours=6), "at": NOW}
        money = {"ledger": Money.of("30.00"), "fal": Money.of("30.00")}
        desk.ledger.add(Batch(checks=(Checked(account="northwind", **span, **money, agrees=True),)))
        yield desk


def views(desk: Desk) -> dict[str, RenderableType]:
    """What a person sees, by command."""
    asked, style = desk.operations, Style("en_US", desk.operations.settings.zone())
    return {
        "status": status_view(plain(asked.status()), style),
        "forecast": forecast_view(plain(asked.forecast()), style),
        "credits": credits_view(plain(asked.list_credits()), style),
        "reconcile": reconcile_view(plain(finish(asked.reconcile(ReconcileQuery()), untold)), style),
        "usage": usage_view(plain(asked.usage(UsageQuery(by="account"))), style, "account"),
    }


def text(view: RenderableType) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(view)
    return capture.get()


def test_an_account_with_a_name_of_the_users_is_called_by_it(desk: Desk) -> None:
    told = {command: text(view) for command, view in views(desk).items()}
    assert {command for command, shown in told.items() if "studio" not in shown} == set()
    # The status alone says what fal calls it, so that both can be brought together.
    assert {command for command, shown in told.items() if "northwind" in shown} == {"status"}


def test_the_account_without_a_name_is_called_by_its_username(desk: Desk) -> None:
    desk.set(account=(Account(name="default"),))
    desk.ledger.add(Batch(accounts=(account("default", "northwind"),)))
    told = {command: text(view) for command, view in views(desk).items()}
    assert {command for command, shown in told.items() if "northwind" not in shown} == set()
    assert {command for command, shown in told.items() if "default" in shown} == set()


@pytest.mark.parametrize(
    ("name", "written", "told"),
    [
        ("studio", "studio", "account studio"),
        ("studio", "northwind", "account studio"),
        ("default", "default", "account northwind"),
    ],
)
def test_a_budget_calls_its_account_by_that_name(desk: Desk, name: str, written: str, told: str) -> None:
    budget = Budget(name="Film", amount=Decimal(100), account=written)
    desk.set(account=(Account(name=name),), budget=(budget,))
    desk.ledger.add(Batch(accounts=(account(name, "northwind"),)))
    shown = text(budgets_view(plain(desk.operations.budgets()), Style("en_US", desk.operations.settings.zone())))
    assert f", {told}  " in shown


def test_by_the_command_line_as_well(tmp_path: Path) -> None:
    with SandboxProcess("--days", "5", "--per-day", "20") as sandbox:
        home = Home(tmp_path / "home", sandbox)
        shown = {"refresh": home.run("refresh").stdout}
        (known,) = home.json("status")["accounts"]
        assert known["name"] == "default"
        for command in (["status"], ["forecast"], ["credits"], ["reconcile"], ["usage", "--by", "account"]):
            shown[" ".join(command)] = home.run(*command).stdout
        assert {command for command, told in shown.items() if known["username"] not in told} == set()
        assert {command for command, told in shown.items() if "default" in told} == set()
