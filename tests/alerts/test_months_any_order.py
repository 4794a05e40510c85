"""Months at random: whatever happens in whatever order, and however the clock is set, each crossing is told, and once.

The real watch, outbox, engine and rules against a slow reader of the documents.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.alerts.life import ACCOUNT, Life
from tests.alerts.reader import Figures, Holding, Level, Reader, Said
from trayd.alert_settings import RULE_NAMES, Alerts, QuietHours
from trayd.budget_settings import Budget
from trayd.money import Money
from trayd.settings import Settings

ZONE = ZoneInfo("America/New_York")
#: The evening before the clocks go back, in a week that ends with it.
START = datetime(2026, 10, 31, 16, 0, tzinfo=UTC)
MOST = 2
LOOKED_AT = {"balance", "budget", "expensive"}
THRESHOLDS = [("20", "5"), ("20",), ("15", "5"), ("5",), ("30", "20", "5"), ()]
BUDGETS = [
    (),
    *(
        (Budget(name="All", amount=Decimal(amount), period=period, at=tuple(map(Decimal, at))),)
        for amount, period, at in (
            (20, "day", (50, 80, 100)),
            (40, "week", (50, 80, 100)),
            (30, "month", (50, 100)),
            (60, "month", (50, 80)),
            (25, "total", (100,)),
        )
    ),
]
COSTS = st.sampled_from(["0.30", "1.00", "2.50", "4.00", "4.99", "6.00", "11.00"])


class Months(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        alerts = Alerts(off=tuple(set(RULE_NAMES) - LOOKED_AT), most_per_hour=MOST)
        self.life = Life(Settings(locale="en_US", time_zone="America/New_York", alerts=alerts), START)
        self.life.balance = Decimal(40)
        self.reader = Reader(MOST)
        # What fal said when it was asked last.
        self.left: Decimal | None = None
        self.billed: list[tuple[str, datetime, Decimal]] = []

    @rule(minutes=st.integers(1, 300))
    def time_passes(self, minutes: int) -> None:
        self.life.now += timedelta(minutes=minutes)
        self.look()

    @rule(cost=COSTS, minutes=st.integers(1, 90))
    def a_job_runs(self, cost: str, minutes: int) -> None:
        self.life.job(cost)
        self.time_passes(minutes)

    @rule(amount=st.sampled_from([1, 3, 10, 60]))
    def credits_are_bought(self, amount: int) -> None:
        assert self.life.balance is not None
        self.life.balance += amount
        self.time_passes(1)

    @precondition(lambda self: self.life.jobs)
    @rule(part=st.sampled_from(["0.1", "0.9", "1.5"]))
    def a_bill_is_corrected(self, part: str) -> None:
        last = self.life.jobs[-1]
        assert last.actual is not None
        amount = Money.of((last.actual.amount * Decimal(part)).quantize(Decimal("0.01")))
        self.life.jobs[-1] = msgspec.structs.replace(last, actual=amount)
        self.time_passes(1)

    @rule(state=st.sampled_from(["ok", "ok", "offline", "bad_key"]), minutes=st.integers(1, 300))
    def fal(self, state: str, minutes: int) -> None:
        self.life.state = state
        self.time_passes(minutes)

    @rule()
    def restart(self) -> None:
        self.life.restart()
        self.look()

    @rule()
    def killed_by_its_next_notice(self) -> None:
        self.life.screen.deadly = True

    @rule(minutes=st.integers(-1500, 600))
    def the_clock_is_set(self, minutes: int) -> None:
        self.life.now += timedelta(minutes=minutes)
        self.reader.sets_the_clock()
        self.look()

    @rule(minutes=st.integers(1, 1500))
    def pause(self, minutes: int) -> None:
        self.life.paused_until = self.life.now + timedelta(minutes=minutes)
        self.look()

    @rule()
    def resume(self) -> None:
        if self.life.paused_until is not None:
            self.life.paused_until = min(self.life.paused_until, self.life.now)
        self.look()

    @rule(night=st.sampled_from([None, ("22:00", "07:00", True), ("20:00", "06:30", False)]))
    def quiet_hours(self, night: tuple[str, str, bool] | None) -> None:
        quiet = None if night is None else QuietHours(since=night[0], until=night[1], critical=night[2])
        self.life.configure(quiet_hours=quiet)
        self.look()

    @rule(minutes=st.integers(1, 300))
    def snooze(self, minutes: int) -> None:
        length = timedelta(minutes=minutes)
        for name in self.life.snooze(length):
            self.reader.snoozes(name, self.life.now + length)
        self.look()

    @rule(thresholds=st.sampled_from(THRESHOLDS))
    def thresholds(self, thresholds: tuple[str, ...]) -> None:
        self.life.configure(balance_below=tuple(map(Decimal, thresholds)))
        self.look()

    @rule(budgets=st.sampled_from(BUDGETS))
    def budgets(self, budgets: tuple[Budget, ...]) -> None:
        self.life.configure(budgets=budgets)
        self.look()

    def look(self) -> None:
        life, now = self.life, self.life.now
        if life.state == "ok":
            self.left = life.balance
            self.billed = [(job.id, job.timestamp, job.actual.amount) for job in life.jobs if job.actual]
        holding = Holding(life.paused_until, self.is_quiet)
        self.reader.sees(now, self.figures(), self.expensive(), holding)
        deadly = life.screen.deadly
        for heard in life.poll():
            assert heard.at == now
            self.reader.hears(
                now,
                [
                    Said(
                        each.scope if each.rule == "expensive" else each.id,
                        each.level,
                        each.over,
                        each.urgency == "critical",
                        event=each.rule == "expensive",
                    )
                    for each in heard.episodes
                ],
                digest=heard.notice.title.startswith("While it was quiet"),
            )
        if deadly == life.screen.deadly:
            self.reader.expects_nothing_more(now, holding)

    def is_quiet(self, at: datetime, critical: bool) -> bool:
        """Whether the clock on the wall is between the two times."""
        quiet = self.life.settings.alerts.quiet_hours
        if quiet is None or (critical and quiet.critical):
            return False
        clock = f"{at.astimezone(ZONE):%H:%M}"
        return clock >= quiet.since or clock < quiet.until

    def expensive(self) -> list[str]:
        now = self.life.now
        return [
            name
            for name, at, cost in self.billed
            if cost >= 5 and now - at < timedelta(hours=24) and at > START - timedelta(hours=24)
        ]

    def figures(self) -> dict[str, Figures]:
        found = {}
        if self.left is not None:
            found[f"balance:{ACCOUNT}"] = Figures(tuple(self.balance_levels(self.left)))
        for budget in self.life.settings.budget:
            today = self.life.now.astimezone(ZONE).date()
            running, _ = period(budget.period, today)
            found[f"budget:{budget.name}:{running}"] = self.budget(budget, running)
            day = today
            while budget.period != "total" and period(budget.period, day)[0] == running:
                day -= timedelta(days=1)
            if budget.period != "total":
                name, _ = period(budget.period, day)
                # The first moment of the day after its last one.
                ended = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZONE).astimezone(UTC)
                if self.life.now - ended < timedelta(hours=24):
                    found[f"budget:{budget.name}:{name}"] = self.budget(budget, name, late=True)
        return found

    def balance_levels(self, left: Decimal) -> list[Level]:
        limits = sorted({Decimal(each) for each in self.life.settings.alerts.balance_below}, reverse=True)
        stands = [Decimal(each) for each in self.stands(f"balance:{ACCOUNT}")]
        if limits and stands and stands[-1] < limits[0]:
            limits = sorted({*limits, stands[-1]}, reverse=True)
        return [
            Level(f"{each:.2f}", left < each, left < max(each * Decimal("1.1"), each + 1), each == limits[-1])
            for each in limits
        ]

    def budget(self, budget: Budget, name: str, *, late: bool = False) -> Figures:
        spent = sum(
            (cost for _, at, cost in self.billed if period(budget.period, at.astimezone(ZONE).date())[0] == name),
            Decimal(0),
        )
        # Percentages are rounded down to a tenth.
        share = Decimal(int(1000 * spent / budget.amount)) / 10
        limits = sorted(set(budget.at))
        stands = [Decimal(each) for each in self.stands(f"budget:{budget.name}:{name}")]
        if stands and stands[-1] > limits[0]:
            limits = sorted({*limits, stands[-1]})
        return Figures(
            tuple(Level(f"{each}", share >= each, share >= each * Decimal("0.95"), each >= 100) for each in limits),
            late=late,
        )

    def stands(self, key: str) -> list[str]:
        """The limits that are crossed: one that was taken out of the settings still counts where it is the gravest."""
        line = self.reader.lines.get(key)
        return (line.crossed or line.rests) if line else []

    def teardown(self) -> None:
        life = self.life
        life.state, life.screen.deadly = "ok", False
        life.configure(quiet_hours=None)
        self.resume()
        for _ in range(8):
            self.time_passes(300)
        assert not any(line.owed or line.over for line in self.reader.lines.values())
        life.close()


def period(kind: str, day: date) -> tuple[str, date]:
    """The name of the day's period, and its first day, as the calendar has it."""
    match kind:
        case "day":
            return f"{day:%Y-%m-%d}", day
        case "week":
            return f"{day:%G-W%V}", day - timedelta(days=day.weekday())
        case "month":
            return f"{day:%Y-%m}", day.replace(day=1)
        case _:
            return "total", day


TestMonths = Months.TestCase
TestMonths.settings = hypothesis_settings(max_examples=100, stateful_step_count=30)
