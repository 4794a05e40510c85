"""Budgets counted again from the facts alone: by the wall calendar, job by job, in any zone and over any change."""

from __future__ import annotations

import tempfile
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.desk import PLACES
from tests.ledger.making import DAY, FLUX, KLING, account, billing, cost, covers, edit, estimate, event, row
from trayd.budget_settings import BUDGET_PERIODS, SCOPES, Budget
from trayd.facts import Batch
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.money import Money
from trayd.operations.operations import Operations
from trayd.rate_settings import FixedRate, RatesSettings
from trayd.records import Kind, Status
from trayd.settings import Account, Paths, Settings

SECOND = timedelta(seconds=1)


class Job(NamedTuple):
    """A request, or a cost from outside: when, what it came to at last, and whose it is."""

    at: datetime
    day: date
    nanos: int | None
    client: str | None = None
    project: str | None = None
    model: str | None = None
    key: str | None = None
    account: str | None = None
    kind: Kind = Kind.INTERNAL


names = st.sampled_from([None, "Northwind", "Contoso"])
projects = st.sampled_from([None, "Spring", "Fall"])
amounts = st.integers(1, 10**12)
#: Days ago, and how far from midnight there.
times = st.tuples(
    st.sampled_from([0, 0, 1, 2, 3, 6, 7, 8, 28, 29, 30, 31, 59, 62]),
    st.sampled_from([timedelta(), -SECOND, SECOND, timedelta(minutes=-30), timedelta(minutes=45), timedelta(hours=9)]),
)
jobs = st.tuples(
    times,
    st.one_of(st.none(), amounts),
    names,
    projects,
    st.sampled_from([KLING, FLUX]),
    st.sampled_from([None, "mac", "box"]),
    st.sampled_from(["northwind", "second"]),
    st.sampled_from(["billed", "estimated", "billed later", "billed twice", "tagged"]),
)
costs = st.tuples(st.integers(-20, 62), amounts, names, projects, st.booleans())
budgets = st.fixed_dictionaries(
    {"period": st.sampled_from(BUDGET_PERIODS), "currency": st.sampled_from(["", "SEK"])},
    optional={
        "account": st.sampled_from(["studio", "northwind", "second"]),
        "client": st.sampled_from(["Northwind", "Contoso"]),
        "project": st.sampled_from(["Spring", "Fall"]),
        "model": st.sampled_from([KLING, "fal-ai/flux", "fal-ai"]),
        "key": st.sampled_from(["mac", "box"]),
    },
)


class Story:
    """A ledger that is told the facts, and the list that is counted again."""

    def __init__(self, home: Path, ledger: Ledger, zone: str, today: date) -> None:
        self.ledger, self.zone, self.today = ledger, ZoneInfo(zone), today
        self.now = datetime.combine(today, time(22), self.zone).astimezone(UTC)
        self.told: list[Job] = []
        rates = RatesSettings(fixed=(FixedRate(from_="USD", to="SEK", rate=Decimal(10)),))
        said = Settings(
            locale="en_US",
            time_zone=zone,
            rates=rates,
            account=(Account(name="studio"), Account(name="second")),
        )
        self.operations = Operations(ledger, said, Paths.under(home), lambda: self.now)
        for name, username in (("studio", "northwind"), ("second", "second")):
            ledger.add(
                Batch(accounts=(account(name, username),), coverage=(covers(username, self.now - 90 * DAY, self.now),))
            )

    def add_job(self, number: int, said: tuple) -> None:
        (ago, off), nanos, client, project, model, key, who, how = said
        at = datetime.combine(self.today - ago * DAY, time(), self.zone).astimezone(UTC) + off
        name = f"r{number}"
        text = None if nanos is None else Money(nanos).text()
        tags = {"client": client, "project": project}

        def billed(amount: str | None, fetched: datetime) -> Batch:
            return Batch(
                billing=(billing(name, row(amount, at=at, endpoint_id=model), fetched=fetched, account=who, key=key),)
            )

        event_tags = {"client": "Contoso", "project": "Fall"} if how == "tagged" else tags
        guess = estimate(text or "1.00", at) if how == "estimated" else estimate("3.21", at)
        told = event(
            f"e{number}",
            name,
            at,
            endpoint_id=model,
            account=who,
            estimate=guess,
            status=Status.COMPLETED,
            **event_tags,
        )
        self.ledger.add(Batch(events=(told,)))
        if how == "estimated":
            self.told.append(Job(at, self.civil(at), guess.amount.nanos, client, project, model, None, who))
            return
        if how == "billed twice":
            self.ledger.add(billed("7.77", self.now - SECOND))
        if how == "billed later":
            self.ledger.checkpoint()
            self.operations.forecasting.budgets()
        self.ledger.add(billed(text, self.now))
        if how == "tagged":
            self.ledger.add(Batch(edits=tuple(edit(name, field, value, self.now) for field, value in tags.items())))
        # A bill without an amount says nothing against the estimate.
        cost_nanos = nanos if nanos is not None else guess.amount.nanos
        self.told.append(Job(at, self.civil(at), cost_nanos, client, project, model, key, who))

    def add_cost(self, number: int, said: tuple) -> None:
        ago, nanos, client, project, pool = said
        on = self.today - ago * DAY
        kind = Kind.POOL if pool else Kind.EXTERNAL
        made = cost(
            f"c{number}",
            datetime.combine(on, time(), UTC),
            Money(nanos).text(),
            client=client,
            project=project,
            kind=kind,
        )
        self.ledger.add(Batch(costs=(made,)))
        self.told.append(Job(made.instant(self.zone), on, nanos, client, project, kind=kind))

    def civil(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def is_in(self, budget: Budget, day: date) -> bool:
        today = self.today
        match budget.period:
            case "day":
                return day == today
            case "week":
                return day - day.weekday() * DAY == today - today.weekday() * DAY
            case "month":
                return (day.year, day.month) == (today.year, today.month)
            case _:
                return True

    def shared(self) -> list[tuple[Job, Fraction]]:
        """Everything with what it counts; a pool cost without a project as its shares, by what its month spent."""
        found: list[tuple[Job, Fraction]] = []
        for each in self.told:
            whole = Fraction(each.nanos or 0)
            shares: dict[tuple[str | None, str | None], Fraction] = {}
            if each.kind is Kind.POOL and not each.project:
                for other in self.told:
                    same = (other.day.year, other.day.month) == (each.day.year, each.day.month)
                    mine = not each.client or other.client == each.client
                    if other.kind is not Kind.POOL and other.project and same and mine and other.nanos:
                        whose = other.client, other.project
                        shares[whose] = shares.get(whose, Fraction(0)) + other.nanos
            everyone = sum(shares.values())
            if not everyone:
                found.append((each, whole))
            for (client, project), weight in shares.items():
                found.append((each._replace(client=client, project=project), whole * weight / everyone))
        return found

    def spent(self, budget: Budget) -> Fraction:
        total = Fraction(0)
        for job, nanos in self.shared():
            if not self.is_in(budget, job.day):
                continue
            usernames = {"studio": "northwind"}
            wanted = usernames.get(budget.account or "", budget.account)
            if (budget.account in {None, job.account} or wanted == job.account) and (
                budget.client in {None, job.client}
                and budget.project in {None, job.project}
                and budget.key in {None, job.key}
                and (
                    budget.model is None or (job.model is not None and (job.model + "/").startswith(budget.model + "/"))
                )
            ):
                total += nanos
        return total * (10 if budget.currency == "SEK" else 1)

    def agrees(self, said: list[dict[str, str]]) -> None:
        asked = tuple(Budget(name=f"b{number}", amount=Decimal(500), **each) for number, each in enumerate(said))
        self.operations.settings = structs.replace(self.operations.settings, budget=asked)
        for told in self.operations.forecasting.budgets():
            budget = told.budget
            mine = self.spent(budget)
            # Each share is rounded to a nano of its own currency.
            shares = sum(job.kind is Kind.POOL for job in self.told) * 4
            assert abs(told.spent.nanos - mine) <= (1 + shares) * (10 if budget.currency else 1), budget
            if not any(job.kind is Kind.POOL for job in self.told) or not any(
                getattr(budget, scope) for scope in SCOPES
            ):
                assert told.spent.nanos == mine, budget
            assert (told.share >= 100) == (told.spent.nanos >= told.limit.nanos)
            if told.expected is not None and mine >= 0:
                assert told.low is not None
                assert told.high is not None
                assert told.spent.nanos <= told.expected.nanos
                assert told.low.nanos <= told.expected.nanos <= told.high.nanos


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    place=st.sampled_from(PLACES),
    first=st.lists(st.one_of(jobs, costs), max_size=8),
    then=st.lists(st.one_of(jobs, costs), max_size=8),
    said=st.lists(budgets, min_size=1, max_size=6),
)
@example(
    place=("America/Sao_Paulo", date(2018, 11, 4)),
    first=[((0, -SECOND), 5, None, None, KLING, None, "northwind", "billed")],
    then=[((0, timedelta()), 7, None, None, KLING, None, "northwind", "billed")],
    said=[{"period": "day", "currency": ""}, {"period": "week", "currency": ""}],
)
def test_budgets_are_what_a_recount_by_hand_comes_to(
    place: tuple[str, date], first: list[tuple], then: list[tuple], said: list[dict[str, str]]
) -> None:
    zone, today = place
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        now = datetime.combine(today, time(22), ZoneInfo(zone)).astimezone(UTC)
        paths = LedgerPaths(ledger=home / "ledger", backup=home / "backup")
        with closing(Ledger.open(paths, base_url=None, holder="a test", clock=lambda: now)) as ledger:
            story = Story(home, ledger, zone, today)
            number = 0
            for part in (first, then):
                for each in part:
                    number += 1
                    (story.add_cost if isinstance(each[0], int) else story.add_job)(number, each)
                story.agrees(said)
                ledger.checkpoint()
                story.agrees(said)
