"""Facts for tests, with the least said."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from trayd.facts import AccountFact, BillingFact, BillingRow, Coverage, EventFact, ModelFact, RunFact, UserEdit
from trayd.ledger.disk import Disk
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.money import Money
from trayd.records import BalanceReading, Estimate, ExternalCost, Status

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
KLING = "fal-ai/kling-video/v3/pro/text-to-video"
FLUX = "fal-ai/flux/dev"


def event(digest: str = "e1", request_id: str | None = "r1", time: datetime = NOON, **said: object) -> EventFact:
    said.setdefault("endpoint_id", KLING)
    return EventFact(digest=digest, request_id=request_id, time=time, **said)  # type: ignore[arg-type]


def estimate(amount: str, at: datetime = NOON) -> Estimate:
    return Estimate(Money.of(amount), at)


def row(total: str | None = "1.12", at: datetime = NOON, units: str | None = "8", price: str | None = "0.14", **said):
    said.setdefault("endpoint_id", KLING)
    return BillingRow(
        timestamp=at,
        units=None if units is None else Decimal(units),
        unit_price=None if price is None else Decimal(price),
        total_nanos=None if total is None else Money.of(total).nanos,
        **said,
    )


def billing(request_id: str = "r1", *rows: BillingRow, fetched: datetime = NOON, account: str = "acme", **said):
    return BillingFact(request_id=request_id, account=account, fetched_at=fetched, rows=rows or (row(),), **said)


def run(request_id: str = "r1", status: Status = Status.COMPLETED, fetched: datetime = NOON, **said) -> RunFact:
    said = {"account": "acme", "endpoint_id": KLING, "sent_at": NOON, **said}
    return RunFact(request_id=request_id, status=status, fetched_at=fetched, **said)


def edit(record_id: str, field: str, value: str | None, at: datetime = NOON) -> UserEdit:
    return UserEdit(record_id=record_id, field=field, value=value, at=at)


def cost(cost_id: str = "c1", on: datetime = NOON, amount: str = "20.00", **said) -> ExternalCost:
    said.setdefault("description", "Runway")
    return ExternalCost(id=cost_id, date=on.date(), amount=Money.of(amount), **said)


def covers(account: str, since: datetime, until: datetime, fetched: datetime | None = None) -> Coverage:
    when = fetched or until
    return Coverage(account=account, since=since, until=until, fetched_at=when, first_completed_at=when)


def model(name: str | None, seen: datetime = NOON, endpoint: str = KLING, **said) -> ModelFact:
    return ModelFact(endpoint_id=endpoint, seen_at=seen, display_name=name, **said)


def account(name: str, username: str | None = None, **said) -> AccountFact:
    return AccountFact(name=name, username=username, state="ok", **said)


def balance(amount: str, at: datetime = NOON, account: str = "acme") -> BalanceReading:
    return BalanceReading(account, at, Money.of(amount))


def folders(home: Path) -> LedgerPaths:
    return LedgerPaths(home / "ledger", home / "backup")


def opened(home: Path, disk: Disk | None = None, base_url: str | None = None) -> Ledger:
    return Ledger.open(folders(home), base_url=base_url, holder="a test", disk=disk, clock=lambda: NOON)


def crash(ledger: Ledger) -> None:
    """Leaves a ledger as a killed process does: nothing is written any more, the system takes the lock back."""
    ledger._open = False
    ledger._let_go()
    ledger._lock._lock.release()
