"""Made-up studios: what they spend on each day, in nanos, by a seed."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta

from trayd.insight.pace import WholeDay

#: A Monday, so that the number of a day tells its weekday.
START = date(2026, 1, 5)
SEEN = 63
AHEAD = 400


def day(number: int) -> date:
    return START + timedelta(days=number)


def days(spent: list[int], first: int = 0) -> list[WholeDay]:
    return [WholeDay(day(first + number), nanos) for number, nanos in enumerate(spent)]


def varied(chance: random.Random, spread: float) -> float:
    """One on average."""
    return math.exp(chance.gauss(-spread * spread / 2, spread))


def is_weekend(number: int) -> bool:
    return number % 7 >= 5


def steady(chance: random.Random) -> list[float]:
    return [varied(chance, 0.35) for _ in range(SEEN + AHEAD)]


def weekends(chance: random.Random) -> list[float]:
    """A studio that spends 30 % of a workday at weekends."""
    return [(0.3 if is_weekend(number) else 1) * varied(chance, 0.45) for number in range(SEEN + AHEAD)]


def bursty(chance: random.Random) -> list[float]:
    """Projects of some days, with some days of nothing between them."""
    amounts, working = [], chance.random() < 0.4
    for _ in range(SEEN + AHEAD):
        working = not working if chance.random() < (0.25 if working else 0.167) else working
        amounts.append(2 * varied(chance, 0.8) if working else 0.0)
    return amounts


def growing(chance: random.Random) -> list[float]:
    """By 1 to 3 % a day, for forty more days; less at weekends."""
    daily = chance.uniform(1.01, 1.03)
    return [
        daily ** (min(number, SEEN + 40) - SEEN) * varied(chance, 0.4) * (0.4 if is_weekend(number) else 1)
        for number in range(SEEN + AHEAD)
    ]


def stopped(chance: random.Random) -> list[float]:
    """A week ago, for good."""
    return [varied(chance, 0.5) if number < SEEN - 7 else 0.0 for number in range(SEEN + AHEAD)]


def stepped(chance: random.Random) -> list[float]:
    """A client came, or went, some days or weeks ago."""
    at, factor = chance.randrange(40, 60), chance.choice((3, 0.33))
    return [(factor if number >= at else 1) * varied(chance, 0.5) for number in range(SEEN + AHEAD)]


def shrinking(chance: random.Random) -> list[float]:
    """By 1.5 to 4 % a day, for twenty more days."""
    daily = chance.uniform(0.96, 0.985)
    return [daily ** (min(number, SEEN + 20) - SEEN) * varied(chance, 0.4) for number in range(SEEN + AHEAD)]


def projects(chance: random.Random) -> list[float]:
    """Weeks of a project, with less at weekends, and up to two weeks of hardly anything between them."""
    amounts: list[float] = []
    working = True
    begins = chance.randrange(20)
    while len(amounts) < SEEN + AHEAD + begins:
        for _ in range(chance.randrange(7, 25) if working else chance.randrange(4, 18)):
            weekday = 0.3 if is_weekend(len(amounts)) else 1
            amounts.append(varied(chance, 0.5) * (weekday if working else 0.02))
        working = not working
    return amounts[begins : begins + SEEN + AHEAD]


def away(chance: random.Random) -> list[float]:
    """On holiday for two weeks, back since some days."""
    back = SEEN - chance.randrange(10)
    return [0.0 if back - 14 <= number < back else varied(chance, 0.4) for number in range(SEEN + AHEAD)]


PATTERNS = {
    each.__name__: each for each in (steady, weekends, bursty, projects, away, growing, shrinking, stopped, stepped)
}


def nanos(amounts: list[float], typical: float = 10.0) -> list[int]:
    """So many dollars on an average day."""
    return [round(amount * typical * 1e9) for amount in amounts]
