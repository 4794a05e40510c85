"""Whole months of a person with trayd, each as a table that can be checked by eye.

Between two rows trayd asks fal at every even hour, and does so at each row. The last column is all that is told, and
nothing else is; what comes up at an even hour that has no row of its own has one without a happening. What is left of
the balance, and what the month has spent so far, stand beside each row for the eye; they are checked, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from tests.alerts.life import Life
from trayd.alert_settings import Alerts, QuietHours
from trayd.budget_settings import Budget
from trayd.money import Money
from trayd.operations.alerts import ending
from trayd.records import Counting
from trayd.settings import Settings

ALL = Budget(name="All", amount=Decimal(100))
DAY = Budget(name="Day", amount=Decimal(10), period="day", at=(Decimal(50), Decimal(100)))
CENT = Decimal("0.01")
NIGHT = QuietHours(since="22:00", until="07:00")

# Thresholds of $20 and $5, $5 for one job, $8 for several together, $100 for the month, at 50, 80 and 100 %.
ORDINARY = """
11-01 08:00 | balance 60.00       |  60.00 |      0 |
11-02 09:00 | job 4.00            |  56.00 |   4.00 |
11-04 11:00 | job 6.40            |  49.60 |  10.40 | Expensive generation: $6.40
11-05 10:00 | job 3.00 3.00 3.00  |  40.60 |  19.40 | $9.00 for 3 jobs submitted together
11-09 10:00 | job 4.60            |  36.00 |  24.00 |
11-10 10:00 | job 4.00            |  32.00 |  28.00 |
11-11 10:00 | job 4.00            |  28.00 |  32.00 |
11-12 10:00 | job 4.00            |  24.00 |  36.00 |
11-12 16:00 | job 4.00            |  20.00 |  40.00 |
11-13 09:00 | job 0.01            |  19.99 |  40.01 | Balance under $20.00 (northwind)
11-13 12:00 | top up 2.00         |  21.99 |  40.01 |
11-13 15:00 | job 2.99            |  19.00 |  43.00 |
11-16 10:00 | top up 3.00         |  22.00 |  43.00 |
11-16 15:00 | job 4.00            |  18.00 |  47.00 | Balance under $20.00 (northwind)
11-17 10:00 | job 3.00            |  15.00 |  50.00 | 50% of budget “All” spent
11-18 10:00 | job 4.00            |  11.00 |  54.00 |
11-18 15:00 | job 4.00            |   7.00 |  58.00 |
11-19 10:00 | job 2.50            |   4.50 |  60.50 | Balance under $5.00 (northwind)
11-19 11:00 | top up 100.00       | 104.50 |  60.50 |
11-20 10:00 | job 4.90 4.90       |  94.70 |  70.30 | $9.80 for 2 jobs submitted together
11-23 10:00 | job 4.90            |  89.80 |  75.20 |
11-23 15:00 | job 4.80            |  85.00 |  80.00 | 80% of budget “All” spent
11-24 10:00 | billed at 0.80      |  89.00 |  76.00 |
11-24 11:00 | job 4.00            |  85.00 |  80.00 |
11-24 12:00 | billed at 0.00      |  89.00 |  76.00 |
11-24 13:00 | job 0.01            |  88.99 |  76.01 |
11-24 14:00 | billed at 0.00      |  89.00 |  76.00 |
11-25 10:00 | job 4.00            |  85.00 |  80.00 |
11-25 11:00 | billed at -0.10     |  89.10 |  75.90 |
11-25 12:00 | job 4.10            |  85.00 |  80.00 | 80% of budget “All” spent
11-26 10:00 | job 4.00 4.00       |  77.00 |  88.00 | $8.00 for 2 jobs submitted together
11-27 10:00 | job 4.00            |  73.00 |  92.00 |
11-27 11:00 | job 4.00            |  69.00 |  96.00 |
11-30 10:00 | job 3.99            |  65.01 |  99.99 |
11-30 23:58 | job 0.01            |  65.00 | 100.00 | 100% of budget “All” spent
12-01 00:02 | job 4.00            |  61.00 |   4.00 |
"""

# $10 a day, at 50 and 100 %. The clocks go forward on March 29.
TROUBLED = """
03-01 08:00 | balance 30.00       |  30.00 |      0 |
03-02 09:00 | job 3.00            |  27.00 |   3.00 |
03-02 10:00 | restart             |  27.00 |   3.00 |
03-02 11:00 | job 2.00            |  25.00 |   5.00 | 50% of budget “Day” spent
03-02 11:30 | restart             |  25.00 |   5.00 |
03-03 09:00 | job 4.00            |  21.00 |   9.00 |
03-03 10:00 | fal is offline      |  21.00 |   9.00 |
03-03 10:30 | job 4.00            |  17.00 |  13.00 |
03-03 11:00 |                     |        |        | fal does not answer (northwind)
03-03 11:30 | restart             |  17.00 |  13.00 |
03-03 12:30 | fal is ok           |  17.00 |  13.00 | Balance under $20.00 (northwind)
            |                     |        |        | 80% of budget “Day” spent
03-04 10:00 | fal is bad_key      |  17.00 |  13.00 | fal refuses the key (northwind)
03-04 10:30 | restart             |  17.00 |  13.00 |
03-04 11:30 | fal is offline      |  17.00 |  13.00 |
03-04 12:00 | fal is bad_key      |  17.00 |  13.00 |
03-04 13:00 | fal is ok           |  17.00 |  13.00 |
03-05 08:58 | killed when telling |  17.00 |  13.00 |
03-05 09:00 | job 5.50            |  11.50 |  18.50 |
03-05 10:00 |                     |        |        | 55% of budget “Day” spent
            |                     |        |        | Expensive generation: $5.50
03-06 12:00 | clock 24h back      |  11.50 |  18.50 |
03-05 13:00 | job 4.50            |   7.00 |  23.00 | 100% of budget “Day” spent
03-05 15:00 | clock 24h ahead     |   7.00 |  23.00 |
03-07 10:00 | job 2.50            |   4.50 |  25.50 | Balance under $5.00 (northwind)
03-08 10:00 | asleep              |   4.50 |  25.50 |
03-08 12:00 | top up 50.00        |  54.50 |  25.50 |
03-09 12:00 | job 6.00            |  48.50 |  31.50 |
03-10 09:00 | awake               |  48.50 |  31.50 | 60% of budget “Day” spent
            |                     |        |        | Expensive generation: $6.00
03-11 09:00 | fal is locked       |  48.50 |  31.50 | fal has locked the account (northwind)
03-11 11:00 | fal is ok           |  48.50 |  31.50 |
03-28 23:30 | job 3.00            |  45.50 |  34.50 |
03-29 00:30 | job 3.00            |  42.50 |  37.50 |
03-29 23:30 | job 1.99            |  40.51 |  39.49 |
03-29 23:45 | job 0.01            |  40.50 |  39.50 | 50% of budget “Day” spent
03-30 00:30 | job 4.99            |  35.51 |  44.49 |
"""

# Quiet from 22:00 to 07:00, two notifications an hour.
HELD_BACK = """
11-01 08:00 | balance 40.00       |  40.00 |      0 |
11-01 22:30 | job 6.00            |  34.00 |   6.00 |
11-02 08:00 |                     |        |        | While it was quiet: Expensive generation: $6.00
11-02 23:00 | balance 19.00       |  19.00 |   6.00 |
11-03 01:00 | balance 40.00       |  40.00 |   6.00 |
11-03 08:00 |                     |        |        | While it was quiet: Balance under $20.00 (northwind)
11-03 23:00 | balance 4.00        |   4.00 |   6.00 | Balance under $5.00 (northwind)
11-04 01:00 | balance 15.00       |  15.00 |   6.00 |
11-04 09:00 | balance 18.00       |  18.00 |   6.00 |
11-04 11:00 | balance 30.00       |  30.00 |   6.00 |
11-05 09:00 | balance 19.00       |  19.00 |   6.00 | Balance under $20.00 (northwind)
11-05 09:10 | snooze 1h           |  19.00 |   6.00 |
11-05 09:30 | balance 18.00       |  18.00 |   6.00 |
11-05 10:10 |                     |        |        | Balance under $20.00 (northwind)
11-05 10:20 | snooze 1h           |  18.00 |   6.00 |
11-05 10:40 | balance 4.00        |   4.00 |   6.00 | Balance under $5.00 (northwind)
11-05 10:50 | snooze 2h           |   4.00 |   6.00 |
11-05 11:00 | balance 30.00       |  30.00 |   6.00 |
11-06 09:00 | pause 4h            |  30.00 |   6.00 |
11-06 09:30 | balance 4.00        |   4.00 |   6.00 |
11-06 09:40 | restart             |   4.00 |   6.00 |
11-06 11:00 | job 7.00            |  -3.00 |  13.00 |
11-06 12:30 | balance 60.00       |  60.00 |  13.00 |
11-06 14:00 |                     |        |        | While it was quiet: 2 warnings, 1 of them over by now
11-09 10:00 | job 6.00            |  54.00 |  19.00 | Expensive generation: $6.00
11-09 10:10 | job 6.10            |  47.90 |  25.10 | Expensive generation: $6.10
11-09 10:20 | job 6.20            |  41.70 |  31.30 |
11-09 10:30 | balance 19.00       |  19.00 |  31.30 |
11-09 10:35 | restart             |  19.00 |  31.30 |
11-09 10:40 | balance 60.00       |  60.00 |  31.30 |
11-09 10:50 | job 6.30            |  53.70 |  37.60 |
11-09 11:05 |                     |        |        | Meanwhile: 3 warnings, 1 of them over by now
11-10 09:00 | pause 8h            |  53.70 |  37.60 |
11-10 09:30 | balance 19.00       |  19.00 |  37.60 |
11-10 10:30 | resume              |  19.00 |  37.60 | While it was quiet: Balance under $20.00 (northwind)
11-10 12:00 | balance 60.00       |  60.00 |  37.60 |
11-10 22:30 | balance 19.00       |  19.00 |  37.60 |
11-10 22:40 | no quiet hours      |  19.00 |  37.60 | Balance under $20.00 (northwind)
11-11 07:30 | restart             |  19.00 |  37.60 |
11-12 09:00 | thresholds 20       |  19.00 |  37.60 |
11-12 10:00 | balance 4.00        |   4.00 |  37.60 |
11-12 11:00 | thresholds 20 5     |   4.00 |  37.60 | Balance under $5.00 (northwind)
11-12 12:00 | thresholds 20       |   4.00 |  37.60 |
11-12 13:00 | balance 19.00       |  19.00 |  37.60 |
11-12 14:00 | thresholds 20 5     |  19.00 |  37.60 |
11-12 15:00 | balance 4.00        |   4.00 |  37.60 | Balance under $5.00 (northwind)
"""


@pytest.mark.parametrize(
    ("year", "table", "alerts", "budget"),
    [
        pytest.param(2026, ORDINARY, Alerts(), ALL, id="an ordinary month"),
        pytest.param(2026, TROUBLED, Alerts(), DAY, id="a month of trouble"),
        pytest.param(2026, HELD_BACK, Alerts(quiet_hours=NIGHT, most_per_hour=2), None, id="a month of quiet"),
    ],
)
def test_a_month(year: int, table: str, alerts: Alerts, budget: Budget | None) -> None:
    settings = Settings(
        locale="en_US", time_zone="Europe/Stockholm", alerts=alerts, budget=() if budget is None else (budget,)
    )
    month = Month(settings, year, table)
    try:
        played = month.play()
    finally:
        month.life.close()

    assert "\n".join(played) == table.strip()


class Month:
    """Plays a table, and writes what came as a table of the same form."""

    def __init__(self, settings: Settings, year: int, table: str) -> None:
        self.year = year
        self.rows = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
        self.life = Life(settings, settings_time(settings, year, self.rows[0][0]))
        self.awake = True

    def play(self) -> list[str]:
        """The table as it came."""
        return [line for row in self.rows if row[0] for line in self.row(row[0], row[1])]

    def row(self, when: str, what: str) -> Iterator[str]:
        life, at = self.life, settings_time(self.life.settings, self.year, when)
        while (hour := self.next_hour()) < at:
            life.now = hour
            yield from self.told("", self.look())
        life.now = at
        if what:
            self.happen(*what.split())
            yield from self.told(f"{when} | {what:<19} | {life.balance:6} | {self.spent():>6} |", self.look())
        else:
            yield from self.told("", self.look())

    def next_hour(self) -> datetime:
        """The next even hour on the clock on the wall."""
        later = self.life.now
        while True:
            later = later.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
            if later.astimezone(self.life.zone).hour % 2 == 0:
                return later

    def look(self) -> list[str]:
        return [heard.notice.title for heard in self.life.poll()] if self.awake else []

    def told(self, row: str, titles: list[str]) -> Iterator[str]:
        at = f"{self.life.now.astimezone(self.life.zone):%m-%d %H:%M}"
        if row and not titles:
            yield row
        for number, title in enumerate(titles):
            first = row or f"{at} |                     |        |        |"
            other = "            |                     |        |        |"
            yield f"{other if number else first} {title}"

    def spent(self) -> Decimal | int:
        """What the month has spent so far."""
        now = self.life.now.astimezone(self.life.zone)
        jobs = [job for job in self.life.jobs if job.timestamp.astimezone(self.life.zone).month == now.month]
        return sum((job.actual.amount.quantize(CENT) for job in jobs if job.actual), 0)

    def happen(self, do: str, *words: str) -> None:
        life = self.life
        match do, *words:
            case "balance", amount:
                life.balance = Decimal(amount)
            case "top", "up", amount:
                assert life.balance is not None
                life.balance += Decimal(amount)
            case "job", *costs:
                for number, cost in enumerate(costs):
                    life.job(cost, at=life.now + timedelta(seconds=number))
            case "billed", "at", amount:
                self.bill(Decimal(amount))
            case "fal", "is", state:
                life.state = state
            case "clock", length, way:
                set_by = ending(length, life.now, UTC) - life.now
                life.now += set_by if way == "ahead" else -set_by
            case _:
                self.happen_to_trayd(do, *words)

    def happen_to_trayd(self, do: str, *words: str) -> None:
        life = self.life
        match do, *words:
            case ("restart",):
                life.restart()
            case "killed", "when", "telling":
                life.screen.deadly = True
            case ("asleep" | "awake",):
                self.awake = do == "awake"
            case "snooze", length:
                life.snooze(ending(length, life.now, UTC) - life.now)
            case "pause", length:
                life.paused_until = ending(length, life.now, UTC)
            case ("resume",):
                life.paused_until = life.now
            case "no", "quiet", "hours":
                life.configure(quiet_hours=None)
            case "thresholds", *amounts:
                life.configure(balance_below=tuple(map(Decimal, amounts)))
            case _:
                raise AssertionError(f"the table says {do} {words}")

    def bill(self, amount: Decimal) -> None:
        """fal bills the last job at another amount."""
        life, last = self.life, self.life.jobs[-1]
        assert last.actual is not None
        assert life.balance is not None
        life.balance += last.actual.amount.quantize(CENT) - amount
        life.jobs[-1] = msgspec.structs.replace(last, actual=Money.of(amount), counting=Counting.ACTUAL)


def settings_time(settings: Settings, year: int, text: str) -> datetime:
    civil = datetime.strptime(f"{year}-{text}", "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the zone is the person's own
    return civil.replace(tzinfo=settings.zone()).astimezone(UTC)
