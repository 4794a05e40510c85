"""One account of the sandbox: its jobs, its credits, its keys."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from trayd.fal.sandbox.jobs import Charge, Job, Pace, cell_of, day_of_jobs, live_job
from trayd.fal.sandbox.studio import Studio
from trayd.money import Money

# Credits are bought when they run low, but not at once: long enough to be warned about it.
_LOW = Money.of(4).nanos
_TOP_UP_AFTER_S = 9 * 3600
_EMPTY_TOP_UP_AFTER_S = 2 * 3600


class Keys(msgspec.Struct, frozen=True):
    """The secrets of one account.

    Attributes:
        admin_key: has the Admin scope.
        spare_admin_key: a second one for the same user name.
        api_key: has the API scope.
    """

    admin_key: str
    spare_admin_key: str
    api_key: str


class Account:
    """The state of one account at the moment to which it was last advanced.

    Attributes:
        balance: credits in nano-dollars. Work under way when they end may take them below zero; fal shows zero then.
        locked: fal refuses everything the account asks.
        hidden: request ids that billing events leave out although they were charged.
    """

    def __init__(
        self,
        studio: Studio,
        keys: Keys,
        pace: Pace,
        *,
        days: int,
        per_day: int,
        balance: Decimal,
        top_up: Decimal,
        scripted: Sequence[Job],
    ) -> None:
        self.studio = studio
        self.keys = keys
        self.balance = Money.of(balance).nanos
        self.locked = False
        self.hidden: set[str] = set()
        self._pace = pace
        self._top_up = Money.of(top_up).nanos
        self._top_up_at: datetime | None = None
        self._charges: list[tuple[datetime, int]] = []
        self._jobs: list[Job] = []
        self._by_id: dict[str, Job] = {}
        self._scripted = sorted(scripted, key=_sent_at, reverse=True)
        today = pace.start.date()
        for ago in range(days, -1, -1):
            for job in day_of_jobs(studio, today - timedelta(days=ago), per_day, pace):
                if job.sent_at <= pace.start:
                    self._take(job, pace.start)
        for job in self._scripted:
            if job.sent_at <= pace.start:
                self._take(job, pace.start)
        # timedelta counts microseconds, so a cell cannot be shorter than that.
        self._cell_length = max(timedelta(days=1) / (per_day * pace.speed), timedelta.resolution) if per_day else None
        self._cell = cell_of(pace.start, self._cell_length) if self._cell_length else 0
        self._next: Job | None = None
        self.skip_to(pace.start)

    @property
    def username(self) -> str:
        """The account's name at fal."""
        return self.studio.username

    @property
    def credits(self) -> int:
        """The balance as fal shows it, in nano-dollars."""
        return max(self.balance, 0)

    @property
    def exhausted(self) -> bool:
        """No credits are left, so that new requests are refused."""
        return self.balance <= 0

    @property
    def count(self) -> int:
        """How many jobs there are."""
        return len(self._jobs)

    def job(self, request_id: str) -> Job | None:
        """The job with that id, however old."""
        return self._by_id.get(request_id)

    def jobs(self, start: datetime, end: datetime) -> list[Job]:
        """The jobs sent from ``start`` until before ``end``, oldest first."""
        return self._jobs[bisect_left(self._jobs, start, key=_sent_at) : bisect_left(self._jobs, end, key=_sent_at)]

    def charges(self, start: datetime, end: datetime, at: datetime) -> Iterator[tuple[Job, Charge]]:
        """What fal's books hold at a moment of the jobs sent from ``start`` until before ``end``."""
        for job in self.jobs(start, end):
            for charge in job.charges:
                if charge.billed_at <= at and charge.listed_at <= at:
                    yield job, charge

    def add(self, job: Job, now: datetime) -> None:
        """Takes a job in beside the simulation's own."""
        self._take(job, now)

    def set_balance(self, nanos: int, now: datetime) -> None:
        """Sets the credits; when they are low, a top-up follows as after any charge."""
        self.balance = nanos
        self._top_up_at = None
        self._look_at_credits(now)

    def skip_to(self, moment: datetime) -> None:
        """Leaves out what would have arrived until then."""
        while self._scripted and self._scripted[-1].sent_at <= moment:
            self._scripted.pop()
        if self._cell_length is None:
            return
        self._cell = max(self._cell, cell_of(moment, self._cell_length))
        self._next = live_job(self.studio, self._cell, self._cell_length, self._pace)
        while self._next.sent_at <= moment:
            self._cell += 1
            self._next = live_job(self.studio, self._cell, self._cell_length, self._pace)

    def advance(self, now: datetime) -> None:
        """Lets everything happen that is due until now, in its order."""
        while True:
            arrival = self._arrival()
            moments = (
                arrival.sent_at if arrival else None,
                self._charges[0][0] if self._charges else None,
                self._top_up_at,
            )
            due = min((moment for moment in moments if moment is not None and moment <= now), default=None)
            if due is None:
                return
            if due == self._top_up_at:
                self._top_up_at = None
                self.balance += self._top_up
            elif self._charges and due == self._charges[0][0]:
                self.balance -= heapq.heappop(self._charges)[1]
                self._look_at_credits(due)
            elif arrival:
                self._arrive(arrival)

    def _arrival(self) -> Job | None:
        """The next job to arrive: from the script or from the simulation."""
        scripted = self._scripted[-1] if self._scripted else None
        if scripted and (self._next is None or scripted.sent_at <= self._next.sent_at):
            return scripted
        return self._next

    def _arrive(self, job: Job) -> None:
        if not (self.locked or self.exhausted):
            self._take(job, job.sent_at)
        if self._scripted and job is self._scripted[-1]:
            self._scripted.pop()
        else:
            self.skip_to(job.sent_at)

    def _take(self, job: Job, now: datetime) -> None:
        if self._jobs and job.sent_at < self._jobs[-1].sent_at:
            insort(self._jobs, job, key=_sent_at)
        else:
            self._jobs.append(job)
        self._by_id[job.request_id] = job
        for charge in job.charges:
            if charge.billed_at >= now:
                heapq.heappush(self._charges, (charge.billed_at, charge.total))

    def _look_at_credits(self, now: datetime) -> None:
        if not self._top_up or self.balance >= _LOW:
            return
        wait_s = _EMPTY_TOP_UP_AFTER_S if self.exhausted else _TOP_UP_AFTER_S
        at = self._pace.after(now, wait_s)
        self._top_up_at = min(self._top_up_at, at) if self._top_up_at else at


def _sent_at(job: Job) -> datetime:
    return job.sent_at
