"""A ledger with one account that has been read up to now, and who asks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from msgspec import structs

from tests.ledger.making import DAY, KLING, account, balance, billing, covers, event, row
from trayd.budget_settings import Budget
from trayd.facts import Batch
from trayd.insight.budgets import BudgetStatus
from trayd.insight.forecast import Forecast
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.operations.operations import Operations
from trayd.settings import Account, Paths, Settings

#: A Friday at noon.
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SETTINGS = Settings(locale="en_US", time_zone="UTC", account=(Account(name="studio"),))

#: Zones with half hours, with changes at midnight and of half an hour, and days on which something happens there.
PLACES = [
    ("UTC", date(2028, 2, 29)),
    ("UTC", date(2027, 1, 3)),  # the last day of week 53
    ("America/New_York", date(2026, 11, 1)),
    ("America/New_York", date(2027, 3, 14)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Asia/Kolkata", date(2026, 12, 31)),
    ("America/Sao_Paulo", date(2018, 11, 4)),  # begins at one o'clock
    ("America/Sao_Paulo", date(2018, 2, 17)),  # its last hour comes twice
    ("America/Havana", date(2026, 11, 1)),  # its first hour comes twice
    ("Pacific/Kiritimati", date(2026, 11, 2)),
]


class Desk:
    """A ledger with one account, read up to now, and who asks it."""

    def __init__(self, home: Path, ledger: Ledger) -> None:
        self.now = NOW
        self.ledger = ledger
        self.operations = Operations(ledger, SETTINGS, Paths.under(home), lambda: self.now)
        self.number = 0

    def set(self, **settings: object) -> None:
        self.operations.settings = structs.replace(self.operations.settings, **settings)

    def spends(self, amount: str, at: datetime, **said: object) -> None:
        """A request that fal has billed; a client and a project come by an event."""
        self.number += 1
        name = f"r{self.number}"
        endpoint, who = said.pop("endpoint_id", KLING), said.pop("account", "northwind")
        billed = billing(
            name, row(amount, at=at, endpoint_id=endpoint), fetched=self.now, account=who, key=said.pop("key", None)
        )
        told = (event(f"e-{name}", name, at, endpoint_id=endpoint, account=who, **said),) if said else ()
        self.ledger.add(Batch(billing=(billed,), events=told))

    def each_day(self, amount: str, first: int, last: int = 1, **said: object) -> None:
        """The same amount at noon of each day, from so many days ago to so many."""
        for ago in range(first, last - 1, -1):
            self.spends(amount, NOW - ago * DAY, **said)

    def reads(self, since: timedelta = 80 * DAY, until: datetime = NOW, who: str = "northwind") -> None:
        name = {"northwind": "studio"}.get(who, who)
        start = datetime.combine((NOW - since).date(), time(), UTC)
        self.ledger.add(Batch(accounts=(account(name, who),), coverage=(covers(who, start, until, fetched=self.now),)))

    def holds(self, amount: str, at: datetime = NOW) -> None:
        self.ledger.add(Batch(balances=(balance(amount, at, "northwind"),)))

    def forecast(self) -> Forecast:
        return self.operations.forecasting.forecast()

    def budget(self, **said: object) -> BudgetStatus:
        self.set(budget=(Budget(**{"name": "Budget", "amount": Decimal(100), **said}),))
        (found,) = self.operations.forecasting.budgets()
        return found


@contextmanager
def opened_desk(home: Path) -> Iterator[Desk]:
    paths = LedgerPaths(ledger=home / "ledger", backup=home / "backup")
    with closing(Ledger.open(paths, base_url=None, holder="a test", clock=lambda: NOW)) as ledger:
        yield Desk(home, ledger)
