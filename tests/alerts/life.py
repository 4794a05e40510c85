"""A person's life with trayd, played in milliseconds: the real watch, outbox, engine and rules on a clock that is told.

fal, the ledger and the screen are plain values. Alerts live as bytes between two looks, as on a disk, so a restart
keeps nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from trayd.alerts.delivery import Deliverer, Outcome
from trayd.alerts.hooks import Hooks
from trayd.alerts.notice import Notice
from trayd.alerts.rules import Observed, Outage
from trayd.alerts.watch import Watch
from trayd.budget_settings import Budget
from trayd.episodes import Episode, with_changed
from trayd.facts import AccountFact, Coverage
from trayd.insight.budgets import BudgetStatus, Period, budget_status, period_at
from trayd.insight.tally import Tally
from trayd.money import Money
from trayd.rates import Converter
from trayd.records import BalanceReading, Counting, Generation
from trayd.settings import Settings

ACCOUNT = "northwind"
LATE = timedelta(hours=24)
DOLLARS = Converter("USD", lambda _currency, _day: None)


class Killed(BaseException):
    """The process is gone, in the middle of what it did."""


class Heard(NamedTuple):
    """A notice as it came up: when (UTC), and the episodes that it tells of, as they were stored at that moment."""

    at: datetime
    notice: Notice
    episodes: tuple[Episode, ...]


class Screen(Deliverer):
    """A desktop that takes everything; a ``deadly`` one kills whoever tells it something."""

    def __init__(self, life: Life) -> None:
        super().__init__(print)
        self.life = life
        self.deadly = False

    async def show(self, notice: Notice) -> Outcome:
        if self.deadly:
            raise Killed
        # Of several with one id, what lasts is named first, then what is over, as it came up.
        known = sorted(self.life.episodes.values(), key=lambda episode: (episode.over, episode.since))
        shown = []
        for name in notice.episodes:
            over = name in notice.over
            one = next(each for each in known if each.id == name and each.told is None and each.over >= over)
            known.remove(one)
            shown.append(one)
        self.life.heard.append(Heard(self.life.now, notice, tuple(shown)))
        return Outcome.DESKTOP

    def withdraw(self, episodes: Iterable[str]) -> None:
        self.life.withdrawn += episodes


class Door:
    """The watch's way to what the ledger holds."""

    def __init__(self, life: Life) -> None:
        self.life = life

    async def look(self, now: datetime, decide: Callable[[Observed], Sequence[Episode]]) -> None:
        self.life.store(decide(self.life.observed(now)))

    async def amend(self, change: Callable[[Mapping[str, Episode]], Sequence[Episode]]) -> None:
        self.life.store(change(self.life.episodes))


class Life:
    """One account, its jobs, and a daemon that comes and goes.

    Attributes:
        now: the time as this computer has it (UTC).
        heard: all notices so far.
        withdrawn: the alerts whose notices were taken off the screen.
    """

    def __init__(self, settings: Settings, now: datetime) -> None:
        self.settings = settings
        self.now = now
        self.began = now
        self.heard: list[Heard] = []
        self.withdrawn: list[str] = []
        self.balance: Decimal | None = None
        self.jobs: list[Generation] = []
        self.state = "ok"
        self.paused_until: datetime | None = None
        self._content = b"{}"
        # What fal said when it was asked last.
        self._read: tuple[Decimal | None, tuple[Generation, ...]] = (None, ())
        self._answered: datetime | None = None
        self._failing: datetime | None = None
        self._runner = asyncio.Runner()
        self.screen = Screen(self)
        self._watch = self._started()

    def close(self) -> None:
        """Ends the event loop."""
        self._runner.close()

    @property
    def zone(self) -> ZoneInfo:
        zone = self.settings.zone()
        assert isinstance(zone, ZoneInfo)
        return zone

    @property
    def episodes(self) -> dict[str, Episode]:
        return msgspec.json.decode(self._content, type=dict[str, Episode])

    def _started(self) -> Watch:
        return Watch(self.settings, door=Door(self), deliverer=self.screen, hooks=Hooks(), clock=lambda: self.now)

    # What happens in the world.

    def job(self, cost: str | Decimal, project: str | None = None, at: datetime | None = None) -> None:
        """A job is billed; it is paid from the balance."""
        amount, name = Decimal(cost), f"r{len(self.jobs)}"
        self.jobs.append(
            Generation(
                id=name,
                request_id=name,
                account=ACCOUNT,
                endpoint_id="fal-ai/flux/dev",
                timestamp=at or self.now,
                actual=Money.of(amount),
                counting=Counting.ACTUAL,
                project=project,
            )
        )
        if self.balance is not None:
            self.balance -= amount

    def restart(self) -> None:
        """The daemon ends and starts."""
        self._failing = None
        self._watch = self._started()

    def configure(self, **changes: Any) -> None:
        """Changes ``[alerts]``, or the budgets."""
        budgets = changes.pop("budgets", self.settings.budget)
        alerts = msgspec.structs.replace(self.settings.alerts, **changes)
        self.settings = msgspec.structs.replace(self.settings, alerts=alerts, budget=budgets)
        self._watch.settings = self.settings

    def snooze(self, length: timedelta, *rules: str) -> list[str]:
        """Snoozes all that lasts, or what lasts of some rules; their ids."""
        lasting = [
            msgspec.structs.replace(each, snoozed_until=self.now + length)
            for each in self.episodes.values()
            if each.resolved is None and (not rules or each.rule in rules)
        ]
        self.store(lasting)
        return [each.id for each in lasting]

    def poll(self) -> list[Heard]:
        """Asks fal, looks, and tells; the notices that came up."""
        if self.state == "ok":
            self._read = (self.balance, tuple(self.jobs))
            self._answered, self._failing = self.now, None
        elif self.state == "offline":
            self._failing = self._failing or self.now
        else:
            self._failing = None
        return self.look()

    def look(self) -> list[Heard]:
        """Looks and tells without asking fal."""
        before = len(self.heard)
        try:
            self._runner.run(self._watch.once())
        except Killed:
            self.screen.deadly = False
            self.restart()
        return self.heard[before:]

    def store(self, episodes: Sequence[Episode]) -> None:
        if episodes:
            self._content = msgspec.json.encode(with_changed(self.episodes, episodes))

    def observed(self, now: datetime) -> Observed:
        """What the ledger knows by now."""
        left, jobs = self._read
        fact = AccountFact(
            name=ACCOUNT,
            state=self.state,
            username=ACCOUNT,
            problem=f"it is {self.state}; mend it",
            as_of=self._answered,
        )
        covered = Coverage(
            account=ACCOUNT, since=self.began, until=now, fetched_at=now, first_completed_at=self.began - LATE
        )
        outages = {} if self._failing is None else {ACCOUNT: Outage(self._failing, max(now, self._failing))}
        return Observed(
            at=now,
            zone=self.zone,
            balances={} if left is None else {ACCOUNT: BalanceReading(ACCOUNT, now, Money.of(left))},
            accounts=(fact,),
            coverage={ACCOUNT: covered},
            generations=tuple(job for job in jobs if now - job.timestamp < LATE),
            budgets=tuple(self._budgets(now, jobs)),
            outages=outages,
            episodes=self.episodes,
            paused_until=self.paused_until,
        )

    def _budgets(self, now: datetime, jobs: Sequence[Generation]) -> list[BudgetStatus]:
        today = now.astimezone(self.zone).date()
        found = [self._status(each, period_at(each.period, today), jobs) for each in self.settings.budget]
        for each in self.settings.budget:
            running = period_at(each.period, today)
            if running.first is not None:
                ended = self._status(each, period_at(each.period, running.first - timedelta(days=1)), jobs)
                if ended.until is not None and now - ended.until < LATE:
                    found.append(ended)
        return found

    def _status(self, budget: Budget, period: Period, jobs: Sequence[Generation]) -> BudgetStatus:
        since, until = period.since(self.zone), period.until(self.zone)
        tally = Tally(DOLLARS)
        for job in jobs:
            meant = budget.project is None or job.project == budget.project
            if meant and (since is None or since <= job.timestamp) and (until is None or job.timestamp < until):
                tally.add(job, job.timestamp.date())
        return budget_status(budget, period, tally, self.zone)

    def wall(self, text: str) -> datetime:
        """That time on the clock on the wall, in UTC."""
        return datetime.fromisoformat(text).replace(tzinfo=self.zone).astimezone(UTC)
